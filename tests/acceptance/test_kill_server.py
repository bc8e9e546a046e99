"""The API killed 50 times at random moments, with four clients always in the middle of a write: a
webhook, an activity submitted, an entry logged, a record confirmed. What was acknowledged is
there, nothing is there twice, and all figures equal what is there.
"""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from ekinerja_connectors.testing.fakes import Person
from ekinerja_connectors.testing.signing import sign
from ekinerja_srikandi.fake import create_app, events_of

from schema.values import utc_now
from server.database import Database, DatabaseRole
from tests.feeding import SECRET
from tests.processes import (
    Client,
    done,
    environment,
    free_port,
    lasting_case,
    running,
    serving,
    token_of,
)

pytestmark = pytest.mark.slow

AGENCY = "6305"
EMPLOYEE = "198108152005041997"
SERVICE = "layanan-uji"
KILLS = int(os.environ.get("EKINERJA_KILLS", "25"))
FIRST_SLOT = datetime(2026, 11, 2, 0, 0, tzinfo=UTC)
"""Entries are a minute each from here on, so that a second one of the same would overlap."""
AT_REST_SECONDS = 60

SUBMIT = """
mutation ($input: SubmitActivityInput!) { submitActivity(input: $input) {
  accepted userErrors { code } } }
"""
LOG = """
mutation ($input: LogProgressInput!) { logProgress(input: $input) {
  record { id } userErrors { code } } }
"""
CONFIRM = """
mutation ($input: ConfirmProgressInput!) { confirmProgress(input: $input) {
  records { id } userErrors { code } } }
"""
PENDING = "{ viewer { pendingRecords(first: 1) { edges { node { id } } } } }"
TARGETS = '{ viewer { employee { targets(period: "2026") { id cascade } } } }'


@dataclass
class Actor:
    """One client that writes one thing after another, each until it is acknowledged."""

    write: Callable[[int], Awaitable[str | None]]
    """Gives the name of what was acknowledged; None where there is nothing to do now."""
    acknowledged: list[str] = field(default_factory=list)
    cut: int = 0
    """Writes that were under way when the server was killed."""
    stopping: bool = False

    async def run(self) -> None:
        while not self.stopping:
            name = await self._until_answered()
            if name is None:
                await asyncio.sleep(0.02)
            else:
                self.acknowledged.append(name)

    async def _until_answered(self) -> str | None:
        while True:
            try:
                return await self.write(len(self.acknowledged))
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)  # nobody listens while the server starts
            except aiohttp.ClientError:
                self.cut += 1


@dataclass(frozen=True)
class Writers:
    """The four writes. A repeat of what is there already is told by its refusal."""

    session: aiohttp.ClientSession
    employee: Client
    service: Client
    webhook: str
    target: str

    async def deliver(self, number: int) -> str:
        name = f"SRK-{number}"
        event = TEMPLATE | {"id": name, "subject": f"CTH/{number}"}
        body = json.dumps(event).encode()
        headers = sign(SECRET, f"msg_{number}", utc_now(), body)
        async with self.session.post(
            self.webhook, data=body, headers=headers | {"content-type": "application/json"}
        ) as answer:
            assert answer.status == 202, await answer.text()
        return name

    async def submit(self, number: int) -> str:
        name = f"S-{number}"
        activity = {
            "sourceId": name,
            "nip": EMPLOYEE,
            "kind": "surat",
            "title": f"Menandatangani surat {number}",
            "occurredAt": FIRST_SLOT.isoformat(),
        }
        said = (await self.service.ask(SUBMIT, input=activity))["submitActivity"]
        assert said == {"accepted": True, "userErrors": []}
        return name

    async def log(self, number: int) -> str:
        start = FIRST_SLOT + timedelta(minutes=number)
        entry = {
            "startsAt": start.isoformat(),
            "endsAt": (start + timedelta(minutes=1)).isoformat(),
            "description": f"Catatan {number}",
            "target": self.target,
            "quantity": "1",
        }
        said = (await self.employee.ask(LOG, input=entry))["logProgress"]
        codes = [error["code"] for error in said["userErrors"]]
        assert said["record"] or codes == ["OVERLAP"], said
        return f"Catatan {number}"

    async def confirm(self, number: int) -> str | None:
        edges = (await self.employee.ask(PENDING))["viewer"]["pendingRecords"]["edges"]
        if not edges:
            return None
        record = edges[0]["node"]["id"]
        wanted = {"id": record, "target": self.target, "quantity": "1"}
        said = (await self.employee.ask(CONFIRM, input={"records": [wanted]}))["confirmProgress"]
        assert said["userErrors"] == [], said
        return str(record)


TEMPLATE: dict[str, Any] = dict(
    events_of(create_app([Person(nip=EMPLOYEE, name="Taufan Utomo")], lambda: FIRST_SLOT))[0]
)


async def installed(folder: Path, env: dict[str, str]) -> str:
    """Load the case, install both sources, grant the service account; the webhook's path."""
    await done("load", str(lasting_case(folder)), env=env)
    (folder / "secret").write_text(SECRET)
    said = await done(
        *("install", AGENCY, "srikandi", "Webhook"),
        *("--webhook-secret-file", str(folder / "secret")),
        env=env,
    )
    await done("install", AGENCY, "submitted", "Layanan", env=env)
    await done("grant", SERVICE, "CONNECTOR", AGENCY, "--connector", "Layanan", env=env)
    return said.split()[-1]


async def killed_often(env: dict[str, str], log: Path, port: int, chance: random.Random) -> None:
    """Start and kill, sometimes at once, most often in the middle of the work."""
    for _ in range(KILLS):
        async with serving(env, log, port=port) as server:
            await asyncio.sleep(chance.uniform(0, 0.6))
            assert await server.end(signal.SIGKILL) == -signal.SIGKILL


async def test_killed_api_loses_nothing_acknowledged_and_doubles_nothing(
    fresh_database: Database, tmp_path: Path
) -> None:
    env, port = environment(tmp_path, fresh_database), free_port()
    url, log = f"http://127.0.0.1:{port}", tmp_path / "log"
    webhook = url + await installed(tmp_path, env)
    async with (
        running("-m", "server", "worker", env=env, log=tmp_path / "worker.log"),
        aiohttp.ClientSession() as session,
    ):
        employee = Client(session, url, token_of(tmp_path, EMPLOYEE))
        service = Client(session, url, token_of(tmp_path, SERVICE))
        async with serving(env, log, port=port):
            targets = (await employee.ask(TARGETS))["viewer"]["employee"]["targets"]
        target = next(one["id"] for one in targets if one["cascade"] == "DIRECT")
        writers = Writers(session, employee, service, webhook, target)
        writes = (writers.deliver, writers.submit, writers.log, writers.confirm)
        actors = [Actor(write) for write in writes]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(actor.run()) for actor in actors]
            await killed_often(env, log, port, random.Random(2026))
            async with serving(env, log, port=port):
                for actor in actors:
                    actor.stopping = True
                await asyncio.wait(tasks)
                await at_rest(fresh_database)

    await compare(fresh_database, actors)


async def at_rest(database: Database) -> None:
    """Wait until the worker has worked the inbox off and every event has its position."""
    busy = """
    SELECT (SELECT count(*) FROM inbox_item WHERE processed_at IS NULL)
         + (SELECT count(*) FROM event WHERE position IS NULL)
    """
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        async with asyncio.timeout(AT_REST_SECONDS):
            while await connection.fetchval(busy):
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def compare(database: Database, actors: list[Actor]) -> None:
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        await compare_taken_in(connection, *actors[:2])
        await compare_written(connection, *actors[2:])
        await compare_figures(connection)
    finally:
        await connection.close()
    assert sum(actor.cut for actor in actors) >= KILLS // 2, "the kills hit nobody's write"


Connection = Any
"""An asyncpg.Connection; the driver ships no types."""


async def column(connection: Connection, sql: str) -> list[Any]:
    return [row[0] for row in await connection.fetch(sql)]


async def compare_taken_in(connection: Connection, sender: Actor, submitter: Actor) -> None:
    """Each acknowledged activity is one record, and nothing else is."""
    names = await column(
        connection,
        "SELECT a.source_id FROM progress_record r JOIN activity a ON a.id = r.activity_id",
    )
    assert max(Counter(names).values()) == 1
    for actor, prefix in ((sender, "SRK-"), (submitter, "S-")):
        assert actor.acknowledged, prefix
        # SRIKANDI's activities are named by source and id, with # between them.
        stored = {one for name in names if (one := name.split("#")[-1]).startswith(prefix)}
        assert set(actor.acknowledged) == stored, prefix
    assert await column(connection, "SELECT detail FROM dead_letter") == []


async def compare_written(connection: Connection, logger: Actor, confirmer: Actor) -> None:
    """Each acknowledged entry is one record, and each decision one line of history, one event."""
    assert logger.acknowledged
    assert confirmer.acknowledged
    logged = await column(
        connection, "SELECT description FROM progress_record WHERE activity_id IS NULL"
    )
    assert max(Counter(logged).values()) == 1
    assert set(logger.acknowledged) == set(logged)
    confirmed = await column(
        connection,
        "SELECT id::text FROM progress_record WHERE activity_id IS NOT NULL "
        "AND state = 'CONFIRMED'",
    )
    assert len(set(confirmer.acknowledged)) == len(confirmer.acknowledged)
    # The confirmer asks what is pending: what was done unanswered, it does not ask for again.
    assert 0 <= len(confirmed) - len(confirmer.acknowledged) <= confirmer.cut
    for kind, event, expected in (
        ("LOGGED", "progress.logged", len(logged)),
        ("CONFIRMED", "progress.confirmed", len(confirmed)),
    ):
        history = "SELECT record_id FROM record_event WHERE kind = "
        events = "SELECT record_id FROM event WHERE kind = "
        for sql in (f"{history}'{kind}'", f"{events}'{event}'"):
            records = await column(connection, sql)
            assert len(records) == len(set(records)) == expected, (kind, len(records), expected)


async def compare_figures(connection: Connection) -> None:
    """Indicators, days and positions say what the records say."""
    counted = Decimal(
        await connection.fetchval(
            "SELECT sum(quantity) FROM progress_record WHERE state = 'CONFIRMED'"
        )
    )
    moved = await column(connection, "SELECT realized FROM indicator WHERE realized IS NOT NULL")
    # The employee's own target, and the unit's that it serves directly.
    assert moved == [counted, counted]
    days = await connection.fetch(
        """
        SELECT d.recorded_minutes, d.pending_count, r.minutes, r.pending
        FROM daily_log d CROSS JOIN LATERAL (
          SELECT coalesce(sum(minutes) FILTER (WHERE state = 'CONFIRMED'), 0) AS minutes,
                 count(*) FILTER (WHERE state = 'PENDING') AS pending
          FROM progress_record r WHERE r.employee_id = d.employee_id AND r.day = d.day) r
        """
    )
    assert sum(day["minutes"] for day in days) > 0
    assert [day for day in days if (day[0], day[1]) != (day[2], day[3])] == []
    positions = await column(connection, "SELECT position FROM event ORDER BY position")
    assert positions == list(range(positions[0], positions[0] + len(positions)))
