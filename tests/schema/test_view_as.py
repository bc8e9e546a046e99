"""An employee sees of themselves what any superior sees: the same text, and nothing pending."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from schema.organizations.models import Absence, AbsenceKind, AbsenceState, DayDone, Employee
from schema.teams.models import DayClose, PresenceStatus
from tests.copies import Copies
from tests.factories import (
    NOW,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    Api,
    World,
    busy_day,
    copied_world,
    key_of,
    schema,
)

YESTERDAY = TODAY - timedelta(days=1)
RECORD = """id state description minutes startsAt quantity late employee { id name nip }
  target { id title path { title owner { __typename } } } stage { title } evidence { title url }
  activity { title sourceId } suggestion { reason target { id } } history { kind comment }"""
MEMBER = """
  status recordedMinutes requiredMinutes workingMinutes shortMinutes pendingCount lastActivityAt
  clockedInAt doneAt expectedFrom expectedUntil absence { kind state until lastDay }
  known { status recordedMinutes requiredMinutes pendingCount closedAt }
  log {
    on status pendingMinutes pendingCount doneAt
    absences { kind state fromTime note reportedBy { name } history { state } }
    clock { at direction place source { title } }
    records { RECORD }
  }
  employee {
    id name nip position unit { name head { name } } appraiser { id name }
    calendar(from: "2026-11-23", to: "2026-11-27") { on requiredMinutes pendingCount status }
    absences(from: "2026-11-01", to: "2026-11-30") { id startsOn }
    workTime(from: "2026-11-01", to: "2026-11-30") { requiredMinutes recordedMinutes }
    plan(period: "2026") { state percentage }
    targets(period: "2026") {
      id title achievement { percentage realized } records { totalCount edges { node { id } } }
    }
    openCells(period: "2026") { id }
  }
""".replace("RECORD", RECORD)
TEAM = """query($on: Date, $s: ID) { team(supervisor: $s, on: $on) { members { MEMBER } } }"""
TEAM = TEAM.replace("MEMBER", MEMBER)
OWN = """query($on: Date) { viewAs(on: $on) { MEMBER } }""".replace("MEMBER", MEMBER)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async def prepare(world: World) -> None:
        await busy_day(world)
        staff = world.people[STAFF]
        for state in (AbsenceState.REPORTED, AbsenceState.WITHDRAWN):
            await Absence.create(
                employee=staff,
                kind=AbsenceKind.SICKNESS,
                state=state,
                starts_on=TODAY,
                ends_on=TODAY,
                note="Demam",
                reported_by=STAFF,
                reported_at=NOW,
            )
        await DayDone.create(employee=staff, day=TODAY, done_at=NOW)
        await DayClose.create(
            agency_id=staff.agency_id,
            employee=staff,
            day=YESTERDAY,
            appraiser_ids=staff.superiors[:1],
            superior_ids=staff.superiors,
            status=PresenceStatus.SHORT,
            required_minutes=450,
            recorded_minutes=120,
            pending_count=2,
            closed_at=NOW,
        )

    async with copied_world(copies, prepare) as world:
        yield world


async def text(api: Api, document: str, *path: str | int, **variables: object) -> bytes:
    """The JSON of a place of an answer, byte for byte as it is sent."""
    result = await schema().execute(
        document, variable_values=variables, context_value=await api.context()
    )
    assert result.errors is None, result.errors
    found = orjson.loads(orjson.dumps(result.data))
    for step in path:
        found = found[step]
    return orjson.dumps(found)


async def test_one_sees_of_oneself_what_each_superior_sees(world: World) -> None:
    staff, supervisor = key_of(world.people[STAFF]), key_of(world.people[SUPERVISOR])
    for on in (None, "2026-11-24", YESTERDAY.isoformat(), "2026-11-21", "2026-11-30"):
        own = await text(Api.of("self"), OWN, "viewAs", on=on)
        for viewer in ("supervisor", "superior"):
            team = orjson.loads(
                await text(Api.of(viewer), TEAM, "team", "members", on=on, s=supervisor)
            )
            (member,) = [one for one in team if one["employee"]["id"] == staff]
            assert orjson.dumps(member) == own, (viewer, on)
    assert b"Demam" in await text(Api.of("self"), OWN, "viewAs")
    closed = await text(Api.of("self"), OWN, "viewAs", "known", on=YESTERDAY.isoformat())
    assert orjson.loads(closed)["pendingCount"] == 2


async def test_what_waits_is_a_number_only(world: World) -> None:
    member = orjson.loads(await text(Api.of("self"), OWN, "viewAs"))

    # waiting, to confirm and to dismiss
    assert member["pendingCount"] == member["log"]["pendingCount"] == 3
    states = {record["state"] for record in member["log"]["records"]}
    assert states == {"CONFIRMED", "SUPERSEDED"}
    own = await Api.of("self").data(
        "{ viewAs { log { records { state } } } viewer { unreadCount employee { dailyLog("
        'on: "2026-11-24") { records { state } } } } }'
    )
    # Beside it the viewer's own rights are as they were.
    assert own["viewer"]["unreadCount"] == 3
    mine = {one["state"] for one in own["viewer"]["employee"]["dailyLog"]["records"]}
    assert mine == states | {"PENDING"}
    assert {one["state"] for one in own["viewAs"]["log"]["records"]} == states


async def test_whom_one_does_not_supervise_is_not_seen_either(world: World) -> None:
    """The row of a superior: as the one above sees it, with those below them."""
    document = "{ viewAs { employee { nip appraiser { nip } subordinates { nip } } } }"

    seen = (await Api.of("supervisor").data(document))["viewAs"]["employee"]

    assert seen["nip"] == SUPERVISOR
    assert seen["appraiser"] == {"nip": None}
    assert STAFF in {one["nip"] for one in seen["subordinates"]}
    assert SUPERIOR not in str(seen)


async def test_who_is_no_employee_has_nothing_to_see(world: World) -> None:
    for viewer in ("administrator", "auditor", "connector"):
        answer = await Api.of(viewer).run("{ viewAs { pendingCount } }")
        assert (answer.data, answer.codes) == (None, ("NOT_FOUND",))
    answer = await Api.of("nobody").run("{ viewAs { pendingCount } }")
    assert answer.codes == ("UNAUTHENTICATED",)


async def test_today_is_the_viewers_own_day(world: World) -> None:
    """22.30 WIB is 00.30 WIT of the next day: whose day has begun has an empty one before them."""
    late = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    given = {"now": late, "expires_at": late + timedelta(hours=1)}
    await Employee.filter(nip__in=[SUPERVISOR, STAFF]).update(timezone="Asia/Jayapura")

    there = await Api(SUPERVISOR, **given).data("{ team { on } viewAs { log { on } } }")
    here = await Api(SUPERIOR, **given).data("{ team { on } viewAs { log { on } } }")

    assert there == {"team": {"on": "2026-11-25"}, "viewAs": {"log": {"on": "2026-11-25"}}}
    assert here == {"team": {"on": "2026-11-24"}, "viewAs": {"log": {"on": "2026-11-24"}}}
