"""Counts what a server process asks of PostgreSQL: a proxy before the database that reads along.

It counts executions, of the simple and of the extended protocol, by the text of the statement.
"""

import asyncio
import contextlib
import struct
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from server.database import Database

TLS_REQUEST = 80877103
HEAD = 4
"""Bytes of a message's length, which counts itself."""


@dataclass(slots=True)
class Statements:
    """How often each statement was executed."""

    by_text: Counter[str] = field(default_factory=Counter)

    def total(self, *, without: str) -> int:
        """All but those whose text holds some words."""
        return sum(n for text, n in self.by_text.items() if without not in text)


@dataclass(slots=True)
class _Conversation:
    """What one connection has prepared and bound."""

    counted: Statements
    prepared: dict[bytes, str] = field(default_factory=dict)
    bound: dict[bytes, bytes] = field(default_factory=dict)

    def take(self, kind: bytes, body: bytes) -> None:
        if kind == b"Q":
            self.counted.by_text[body.rstrip(b"\0").decode()] += 1
        elif kind == b"P":
            name, text, _ = body.split(b"\0", 2)
            self.prepared[name] = text.decode()
        elif kind == b"B":
            portal, name, _ = body.split(b"\0", 2)
            self.bound[portal] = name
        elif kind == b"E":
            portal = body.split(b"\0", 1)[0]
            self.counted.by_text[self.prepared[self.bound[portal]]] += 1


@contextlib.asynccontextmanager
async def counted(database: Database) -> AsyncIterator[tuple[Database, Statements]]:
    """The database behind a proxy, and what is asked of it through that."""
    statements = Statements()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            far_reader, far_writer = await _connect(database)
            try:
                await asyncio.gather(
                    _read_along(reader, writer, far_writer, _Conversation(statements)),
                    _pass(far_reader, writer),
                )
            finally:
                far_writer.close()
                writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    urls = {
        role: f"postgresql://{urlsplit(url).username}@127.0.0.1:{port}{urlsplit(url).path}"
        for role, url in database.urls.items()
    }
    try:
        yield Database(urls), statements
    finally:
        server.close()


async def _connect(database: Database) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    given = urlsplit(next(iter(database.urls.values())))
    if given.hostname is not None:
        return await asyncio.open_connection(given.hostname, given.port)
    place = parse_qs(given.query)
    return await asyncio.open_unix_connection(f"{place['host'][0]}/.s.PGSQL.{place['port'][0]}")


async def _read_along(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far: asyncio.StreamWriter,
    conversation: _Conversation,
) -> None:
    head, body = await _untyped(reader)
    if struct.unpack("!I", body[:HEAD])[0] == TLS_REQUEST:
        writer.write(b"N")
        head, body = await _untyped(reader)
    far.write(head + body)
    try:
        while True:
            kind = await reader.readexactly(1)
            head, body = await _untyped(reader)
            conversation.take(kind, body)
            far.write(kind + head + body)
            await far.drain()
    finally:
        far.close()


async def _untyped(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(HEAD)
    return head, await reader.readexactly(struct.unpack("!I", head)[0] - HEAD)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()
