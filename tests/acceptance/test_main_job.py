"""The main job on the real thing: two servers and a worker on one PostgreSQL, the fake services of
both plugins as processes, the Tapin case. The write on one server, the subscriptions on the other.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.database import Database
from tests.processes import (
    Client,
    Running,
    done,
    environment,
    lasting_case,
    running,
    serving,
    token_of,
)

AGENCY = "6305"
EMPLOYEE = "198108152005041997"
COLLEAGUE = "197709112006032916"
SUPERVISOR = "196905201996032931"
ADMINISTRATOR = "administrator-tapin"
# Two people with three pieces of work each: few enough that no fake makes one that is by design
# no activity into all that the employee has.
PEOPLE = [
    {"nip": EMPLOYEE, "name": "Taufan Utomo"},
    {"nip": COLLEAGUE, "name": "Kartika Nasution"},
]
FAKES = {"siasn": "ekinerja_siasn.fake", "srikandi": "ekinerja_srikandi.fake"}
PATIENCE_SECONDS = 60
QUANTITY = Decimal("0.25")

INBOX = """
{ viewer { unreadCount pendingRecords(first: 50) { edges { node {
    id startsAt endsAt on source { plugin } activity { title occurredAt } } } } } }
"""
FEEDS = "{ connectors { plugin waitingCount deadLetterCount latestRun { state received } } }"
OWN_TARGETS = """
{ viewer { employee { id targets(period: "2026") { id code cascade } } } }
"""
THREAD = """
query ($target: ID!) { target(id: $target) { path { code cascade
  indicators { id unitOfMeasure achievement { realized } } } } }
"""
TEAM = """
query ($on: Date) { team(on: $on) { summary { recordedMinutes pendingCount }
  members { employee { id } recordedMinutes pendingCount } } }
"""
UPDATES = """
subscription { teamUpdates { cursor kind event
  team { members { employee { id } } }
  member { employee { id } recordedMinutes pendingCount } } }
"""
CONFIRM = """
mutation ($input: ConfirmProgressInput!) { confirmProgress(input: $input) {
  records { id state quantity minutes activity { title occurredAt } }
  userErrors { code message } } }
"""


@dataclass(frozen=True)
class System:
    """Two servers that share a database, and who may sign in at them."""

    one: Running
    other: Running
    folder: Path

    def client(self, session: aiohttp.ClientSession, at: Running, who: str) -> Client:
        return Client(session, at.url, token_of(self.folder, who))


@pytest.fixture
async def system(fresh_database: Database, tmp_path: Path) -> AsyncIterator[System]:
    env = environment(tmp_path, fresh_database)
    await done("load", str(lasting_case(tmp_path)), env=env)
    await done("grant", ADMINISTRATOR, "ADMINISTRATOR", AGENCY, env=env)
    (tmp_path / "people.json").write_text(json.dumps(PEOPLE))
    async with contextlib.AsyncExitStack() as stack:
        for plugin, module in FAKES.items():
            await install(stack, plugin, module, tmp_path, env)
        worker = running("-m", "server", "worker", env=env, log=tmp_path / "worker.log")
        await stack.enter_async_context(worker)
        one = await stack.enter_async_context(serving(env, tmp_path / "one.log"))
        other = await stack.enter_async_context(serving(env, tmp_path / "other.log"))
        yield System(one, other, tmp_path)


async def install(
    stack: contextlib.AsyncExitStack, plugin: str, module: str, folder: Path, env: Mapping[str, str]
) -> None:
    """Start a fake service, and install its connector with the settings that the fake says."""
    log = folder / f"{plugin}.log"
    people = str(folder / "people.json")
    fake = await stack.enter_async_context(
        running("-m", module, "--people", people, env=env, log=log)
    )
    said = await fake.until_said("}\n")
    settings = folder / f"{plugin}.json"
    settings.write_text(said.splitlines()[1])
    await done(
        *("install", AGENCY, plugin, f"{plugin} (tiruan)"),
        *("--settings", str(settings), "--poll-seconds", "1"),
        env=env,
    )


async def inbox_filled(employee: Client, administrator: Client) -> list[dict[str, Any]]:
    """The employee's pending records, once both services were read and nothing is under way."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            feeds = (await administrator.ask(FEEDS))["connectors"]
            viewer = (await employee.ask(INBOX))["viewer"]
            records = [edge["node"] for edge in viewer["pendingRecords"]["edges"]]
            settled = all(feed["latestRun"] and not feed["waitingCount"] for feed in feeds)
            if settled and {record["source"]["plugin"] for record in records} == set(FAKES):
                assert viewer["unreadCount"] == len(records)
                return records
            await asyncio.sleep(0.1)


def direct_line(path: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A target, then its ancestors for as long as the cascade is direct."""
    line = [path[-1]]
    for below, above in zip(path[:0:-1], path[-2::-1], strict=True):
        if below["cascade"] != "DIRECT":
            break
        line.append(above)
    return line


def figures(targets: list[dict[str, Any]]) -> dict[str, Decimal]:
    """Realized by indicator; where nothing was recorded yet, 0."""
    return {
        indicator["id"]: Decimal((indicator["achievement"] or {}).get("realized") or 0)
        for target in targets
        for indicator in target["indicators"]
    }


def member_of(team: Mapping[str, Any], employee: str) -> dict[str, Any]:
    found = [one for one in team["members"] if one["employee"]["id"] == employee]
    assert len(found) == 1
    return found[0]


def confirmation_of(record: Mapping[str, Any], target: str) -> tuple[dict[str, Any], int]:
    """What the employee sends: half an hour, or what has passed since if it was just now."""
    start = datetime.fromisoformat(record["startsAt"])
    minutes = min(30, (datetime.now(UTC) - start) // timedelta(minutes=1))
    amended = {
        "id": record["id"],
        "target": target,
        "quantity": str(QUANTITY),
        "endsAt": (start + timedelta(minutes=minutes)).isoformat(),
    }
    return {"records": [amended]}, minutes


async def test_confirmed_record_moves_ancestors_and_reaches_the_supervisor_of_another_server(
    system: System,
) -> None:
    async with aiohttp.ClientSession() as session:
        employee = system.client(session, system.other, EMPLOYEE)
        supervisor = system.client(session, system.one, SUPERVISOR)
        administrator = system.client(session, system.one, ADMINISTRATOR)
        records = await inbox_filled(employee, administrator)
        me = (await employee.ask(OWN_TARGETS))["viewer"]["employee"]
        target = next(one["id"] for one in me["targets"] if one["cascade"] == "DIRECT")
        record = min(records, key=lambda one: datetime.fromisoformat(one["startsAt"]))
        path_before = (await supervisor.ask(THREAD, target=target))["target"]["path"]
        team_before = (await supervisor.ask(TEAM, on=record["on"]))["team"]
        streams = (supervisor.over_socket(UPDATES), supervisor.over_sse(UPDATES))
        snapshots = [(await anext(stream))["teamUpdates"] for stream in streams]

        given, minutes = confirmation_of(record, target)
        payload = (await employee.ask(CONFIRM, input=given))["confirmProgress"]
        async with asyncio.timeout(PATIENCE_SECONDS):
            changes = [(await anext(stream))["teamUpdates"] for stream in streams]
        path_after = (await supervisor.ask(THREAD, target=target))["target"]["path"]
        team_after = (await supervisor.ask(TEAM, on=record["on"]))["team"]
        for stream in streams:
            await stream.aclose()

    assert payload["userErrors"] == []
    assert [one["state"] for one in payload["records"]] == ["CONFIRMED"]
    assert payload["records"][0]["activity"] == record["activity"]
    check_figures(path_before, path_after)
    check_streams(snapshots, changes, me["id"])
    check_counts(team_before, team_after, me["id"], minutes)


def check_figures(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> None:
    """Of each target on the direct line one indicator moved, by the quantity; nothing else did."""
    line_before, line_after = direct_line(before), direct_line(after)
    assert len(line_before) > 1, "the case gives this employee a direct cascade"
    for old, new in zip(line_before, line_after, strict=True):
        was, now = figures([old]), figures([new])
        assert sorted(now[one] - was[one] for one in was) == [0] * (len(was) - 1) + [QUANTITY]
    above = len(before) - len(line_before)
    assert above > 0, "the case has an indirect cascade above"
    assert figures(before[:above]) == figures(after[:above])


def check_streams(
    snapshots: list[dict[str, Any]], changes: list[dict[str, Any]], employee: str
) -> None:
    """Socket and SSE stream said the same: a snapshot with the employee, then the change."""
    for snapshot in snapshots:
        assert snapshot["kind"] == "SNAPSHOT"
        assert member_of(snapshot["team"], employee)
    assert changes[0] == changes[1]
    assert changes[0]["kind"] == "CHANGE"
    assert changes[0]["event"] == "progress.confirmed"
    assert changes[0]["member"]["employee"]["id"] == employee
    assert int(changes[0]["cursor"]) > int(snapshots[0]["cursor"])


def check_counts(
    before: Mapping[str, Any], after: Mapping[str, Any], employee: str, minutes: int
) -> None:
    """One record less waits, its minutes are recorded: of the member, and of the team."""
    pairs = [
        (before["summary"], after["summary"]),
        (member_of(before, employee), member_of(after, employee)),
    ]
    for old, new in pairs:
        assert new["pendingCount"] == old["pendingCount"] - 1
        assert new["recordedMinutes"] == old["recordedMinutes"] + minutes
