"""One real server for all tests of this folder that attack it: `serve` with the development key on
its embedded PostgreSQL, with the Tapin case and a connector that takes webhooks.
"""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.feeding import SECRET
from tests.processes import CASE, Client, Running, done, environment, own_data, serving, token_of

AGENCY = "6305"
EMPLOYEE = "198108152005041997"
# What no client may ever be shown.
INTERNALS = re.compile(
    r"Traceback \(most|asyncpg\.|tortoise\.|postgres(?:ql)?://|\"INTERNAL\"|File \"/"
)


@dataclass(frozen=True)
class Attacked:
    """The server under attack, one session of HTTP to it, and the webhook of its connector."""

    server: Running
    session: aiohttp.ClientSession
    folder: Path
    webhook: str

    @property
    def url(self) -> str:
        return f"{self.server.url}/graphql"

    @property
    def employee(self) -> Client:
        return Client(self.session, self.server.url, token_of(self.folder, EMPLOYEE))

    async def serves(self) -> None:
        """Fails unless an ordinary request is answered as ever."""
        assert (await self.employee.ask("{ viewer { unreadCount } }"))["viewer"] == {
            "unreadCount": 0
        }

    @contextmanager
    def unshaken(self) -> Iterator[None]:
        """Fails when the block makes the server log a fault, or end."""
        before = len(self.server.said())
        yield
        said = self.server.said()[before:]
        assert "Traceback" not in said, said
        assert "graphql.fault" not in said, said
        assert self.server.process.returncode is None, said


@pytest.fixture(scope="session")
async def attacked(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Attacked]:
    connector, timeout = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=20)
    with own_data(tmp_path_factory.mktemp("attacked")) as folder:
        env = environment(folder)
        (folder / "secret").write_text(SECRET)
        async with (
            serving(env, folder / "log") as server,
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        ):
            await done("load", str(CASE), env=env)
            said = await done(
                *("install", AGENCY, "srikandi", "Webhook"),
                *("--webhook-secret-file", str(folder / "secret")),
                env=env,
            )
            webhook = server.url + said.split()[-1]
            yield Attacked(server, session, folder, webhook)
