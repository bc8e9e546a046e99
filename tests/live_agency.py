"""An agency of teams for tests of the live feed: who is in it, who may watch, what they write,
and what each watcher of a team must have been told, as the database knows it.

Teams are alike: a leader and a few reports. All leaders report to one head. Watchers are different
subjects with the same rights on a team: its leader, the head, and auditors of the agency.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
from strawberry.relay import to_base64

from schema.values import utc_now, uuid7
from server.database import Database, DatabaseRole
from tests.processes import Client

AGENCY = UUID(int=1)
HEAD = "197001011995030000"
LOG = """mutation ($input: LogProgressInput!) { logProgress(input: $input) {
  record { id } userErrors { code message } } }"""
FILL = (
    """INSERT INTO agency (id, code, name, timezone)
    VALUES ($1, 'LIVE', 'Badan Uji Siaran', 'Asia/Jakarta')""",
    """INSERT INTO unit (id, agency_id, code, name, kind)
    VALUES ($1, $1, 'U', 'Badan', 'badan')""",
    """INSERT INTO unit_placement (id, unit_id, parent_id, starts_on)
    VALUES ($1, $1, NULL, '2020-01-01')""",
)
PEOPLE = """
WITH given AS (SELECT * FROM unnest($2::uuid[], $3::text[], $4::uuid[]) AS g (id, nip, appraiser)),
person AS (
  INSERT INTO employee (id, agency_id, nip, name, timezone, superiors)
  SELECT id, $1, nip, 'Pegawai ' || nip, 'Asia/Jakarta', '{}' FROM given
)
INSERT INTO assignment (id, employee_id, unit_id, appraiser_id, position, kind, heads_unit,
  starts_on)
SELECT gen_random_uuid(), id, $1, appraiser, 'Analis', 'DEFINITIVE', appraiser IS NULL,
  '2020-01-01' FROM given
"""
GRANTS = """
INSERT INTO role_grant (id, agency_id, subject, role)
SELECT gen_random_uuid(), $1, unnest($2::text[]), 'AUDITOR'
"""
EXPECTED = """
SELECT e.position FROM event e WHERE e.position > $2 AND e.agency_id = $3 AND (
  e.employee_id IS NULL OR e.employee_id = ANY ($1::uuid[])) ORDER BY e.position
"""
BUSY = "SELECT count(*) FROM event WHERE position IS NULL"
APPEND = """
INSERT INTO event (id, kind, agency_id, superior_ids, target_ids, created_at)
VALUES ($1, 'calendar.changed', $2, '{}', '{}', $3)
"""


@dataclass(frozen=True, slots=True)
class Team:
    """A leader with direct reports, as (key, NIP)."""

    leader: tuple[UUID, str]
    members: Sequence[tuple[UUID, str]]

    @property
    def supervisor(self) -> str:
        """The global id of the leader."""
        return to_base64("Employee", self.leader[0])


@dataclass(slots=True)
class LiveAgency:
    """The agency in a database. `began` is when it was made: writers fill the minutes before."""

    database: Database
    teams: list[Team]
    auditors: list[str]
    began: datetime = field(default_factory=lambda: utc_now().replace(second=0, microsecond=0))
    _written: dict[str, int] = field(default_factory=dict)

    def watchers_of(self, team: Team, count: int) -> list[str]:
        """Different subjects who may watch a team."""
        return [team.leader[1], HEAD, *self.auditors][:count]

    async def write(self, client: Client, nip: str) -> None:
        """A minute of a person's work, confirmed by being written.

        Raises:
            AssertionError: it was refused.
        """
        number = self._written[nip] = self._written.get(nip, 0) + 1
        ends = self.began - timedelta(minutes=number)
        entry = {
            "startsAt": (ends - timedelta(minutes=1)).isoformat(),
            "endsAt": ends.isoformat(),
            "description": f"Pekerjaan {number}",
        }
        said = (await client.ask(LOG, input=entry))["logProgress"]
        assert said["userErrors"] == [], said

    async def befall(self) -> None:
        """Something that befell the agency as a whole."""
        await self._run(APPEND, uuid7(), AGENCY, utc_now())

    async def expected(self, team: Team, after: int) -> list[int]:
        """Positions of all that a watcher of the team is told behind a cursor."""
        connection = await self.database.connect(DatabaseRole.OWNER)
        try:
            keys = [key for key, _ in team.members]
            return [row[0] for row in await connection.fetch(EXPECTED, keys, after, AGENCY)]
        finally:
            await connection.close()

    async def at_rest(self) -> None:
        """Wait until every event has its position."""
        async with asyncio.timeout(30):
            while await self._value(BUSY):
                await asyncio.sleep(0.05)

    async def last_position(self) -> int:
        return int(await self._value("SELECT coalesce(max(position), 0) FROM event"))

    async def _value(self, sql: str) -> Any:
        connection = await self.database.connect(DatabaseRole.OWNER)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    async def _run(self, sql: str, *values: Any) -> None:
        connection = await self.database.connect(DatabaseRole.OWNER)
        try:
            await connection.execute(sql, *values)
        finally:
            await connection.close()


def _nip(number: int) -> str:
    return f"19800101200503{number:04}"


async def founded(
    database: Database, *, teams: int, members: int = 5, auditors: int = 0
) -> LiveAgency:
    """Fill an empty, migrated database."""
    made = []
    for place in range(teams):
        first = 1 + place * (members + 1)
        leader, *reports = (
            (UUID(int=n + 1_000), _nip(n)) for n in range(first, first + members + 1)
        )
        made.append(Team(leader, reports))
    head = UUID(int=1_000)
    rows = [(head, HEAD, None)]
    rows += [(*team.leader, head) for team in made]
    rows += [(*one, team.leader[0]) for team in made for one in team.members]
    subjects = [f"auditor-{n}" for n in range(auditors)]
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        for statement in FILL:
            await connection.execute(statement, AGENCY)
        await connection.execute(PEOPLE, AGENCY, *map(list, zip(*rows, strict=True)))
        await connection.execute(GRANTS, AGENCY, subjects)
        await connection.fetchval(
            "SELECT refresh_reporting_lines($1, $2)", AGENCY, datetime.now(UTC).date()
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    return LiveAgency(database, made, subjects)


@dataclass(slots=True)
class Writers:
    """Writes at an even rate, each by the next person of the next team, at any of the servers."""

    agency: LiveAgency
    session: aiohttp.ClientSession
    urls: Sequence[str]
    tokens: dict[str, str]
    done: int = 0

    async def run(self, *, rate: float, seconds: float) -> None:
        """Write for a while; answers are awaited beside the next writes."""
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as group:
            for number in range(round(rate * seconds)):
                await asyncio.sleep(start + number / rate - loop.time())
                group.create_task(self._write())

    async def _write(self) -> None:
        number, self.done = self.done, self.done + 1
        teams = self.agency.teams
        team = teams[number % len(teams)]
        _, nip = team.members[number // len(teams) % len(team.members)]
        url = self.urls[number % len(self.urls)]
        await self.agency.write(Client(self.session, url, self.tokens[nip]), nip)
