"""What an operator's probes see when PostgreSQL goes and comes back, and what refuses to start."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import aiohttp
import pytest

from server.database import database_in, migrate, provision
from server.embedded_postgres import Cluster, acquire, remove
from tests.processes import (
    CASE,
    Client,
    Running,
    command,
    done,
    environment,
    serving,
    status_of,
    token_of,
)

EMPLOYEE = "198108152005041997"
SUPERVISOR = "196905201996032931"
QUERY = "{ viewer { employee { name } } }"
UPDATES = "subscription { teamUpdates { kind event } }"
LOG = """
mutation { logProgress(input: {startsAt: "2026-11-02T01:00:00Z", endsAt: "2026-11-02T02:00:00Z",
  description: "Menyusun laporan"}) { record { id } userErrors { code } } }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a PostgreSQL of the test's own is kept, so that it may go."""
    yield tmp_path / "postgres"
    remove(tmp_path / "postgres")


async def prepared(folder: Path) -> Cluster:
    cluster = acquire(folder, durable=False)
    await provision(cluster)
    await migrate(database_in(cluster))
    return cluster


async def becomes(server: Running, status: int) -> None:
    async def reached() -> bool:
        return await status_of(f"{server.url}/readyz") == status

    await server.until(reached, f"answer {status} at /readyz")


@pytest.mark.slow
async def test_process_lives_on_without_its_database_and_is_ready_again_with_it(
    folder: Path, tmp_path: Path
) -> None:
    cluster = await prepared(folder)
    env = environment(tmp_path, database_in(cluster))
    await done("load", str(CASE), env=env)
    async with serving(env, tmp_path / "log") as server, aiohttp.ClientSession() as session:
        employee = Client(session, server.url, token_of(tmp_path, EMPLOYEE))
        supervisor = Client(session, server.url, token_of(tmp_path, SUPERVISOR))
        before = await employee.ask(QUERY)

        cluster.release()

        await becomes(server, 503)
        assert await status_of(f"{server.url}/healthz") == 200
        async with session.post(
            employee.url + "/graphql", json={"query": QUERY}, headers=employee.headers
        ) as answer:
            refused = await answer.json()
        assert refused["errors"][0]["extensions"]["code"] == "UNAVAILABLE"
        async with session.post(f"{server.url}/connectors/{uuid4()}/webhook") as answer:
            assert answer.status == 503
        assert "graphql.fault" not in server.said()

        with acquire(folder, durable=False):
            await becomes(server, 200)
            assert await employee.ask(QUERY) == before
            stream = supervisor.over_socket(UPDATES)
            snapshot = await anext(stream)
            logged = await employee.ask(LOG)
            change = await anext(stream)
            await stream.aclose()
            assert await server.end() == 0

    assert snapshot["teamUpdates"]["kind"] == "SNAPSHOT"
    assert logged["logProgress"]["userErrors"] == []
    assert change["teamUpdates"]["event"] == "progress.logged"


PRODUCTION = {"EKINERJA_ENVIRONMENT": "production"}
KEYS = {"EKINERJA_TOKEN_KEYS": "keys.json"}
DATABASE = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
# The environment, the command, and the word that what is said must hold.
REFUSED = {
    "no keys": (PRODUCTION | DATABASE, "serve", "EKINERJA_TOKEN_KEYS"),
    "no database": (PRODUCTION | KEYS, "serve", "DATABASE_URL"),
    "no keys for the worker": (PRODUCTION, "worker", "EKINERJA_TOKEN_KEYS"),
    "an unknown environment": ({"EKINERJA_ENVIRONMENT": "staging"}, "serve", "staging"),
    "a port that is no number": ({"EKINERJA_PORT": "http"}, "serve", "EKINERJA_PORT"),
    "keys that are not there": (PRODUCTION | KEYS | DATABASE, "serve", "keys.json"),
    "a development token": (PRODUCTION | KEYS | DATABASE, "token", "EKINERJA_TOKEN_KEYS"),
    "the demonstration": (PRODUCTION | KEYS | DATABASE, "run", "demonstration"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
async def test_unsafe_settings_refuse_to_start_in_words(name: str, tmp_path: Path) -> None:
    given, what, word = REFUSED[name]
    arguments = (what, EMPLOYEE) if what == "token" else (what,)

    code, said = await command(*arguments, env=environment(tmp_path, **given))

    assert code == 1
    assert word in said
    assert "Traceback" not in said


@pytest.mark.slow
async def test_database_that_is_not_there_is_said_in_words(tmp_path: Path) -> None:
    given = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}

    for what in ("serve", "migrate"):  # a worker waits for it
        code, said = await command(what, env=environment(tmp_path, **given))

        assert code == 1, what
        assert "DATABASE_URL" in said
        assert "Traceback" not in said, said
