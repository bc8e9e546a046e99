"""A small proxy on loopback by which tests break connections as networks do."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Proxy:
    """Passes bytes on to a port. While it is shut, whoever connects is cut at once."""

    target: int
    port: int = 0
    shut: bool = False
    passed: int = 0
    """Connections that were passed on."""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> int:
        """Break all connections without a word; how many there were."""
        for writer in self._open:
            writer.transport.abort()
        return len(self._open) // 2

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.shut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self.passed += 1
        self._open |= {writer, far_writer}
        try:
            await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))
        finally:
            self._open -= {writer, far_writer}


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def proxied(target: int) -> AsyncIterator[Proxy]:
    """A proxy before a port of loopback, until the block is left."""
    proxy = Proxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.shut = True
        proxy.cut()
        await asyncio.sleep(0.05)
