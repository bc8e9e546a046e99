"""How an agency counts: versions, defaults, who may set them, and figures that follow."""

from collections.abc import AsyncIterator
from dataclasses import fields, replace
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schema.access import Role
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Absence, AbsenceKind, AbsenceState, Agency
from schema.organizations.service import grant_role
from schema.policies.models import AgencyPolicy, LateEntries
from schema.policies.rules import (
    DEFAULT,
    Policy,
    check_policy,
    check_week,
    entry_deadline,
    time_of,
)
from schema.policies.service import policy_on
from schema.progress.models import DailyLog
from schema.progress.placing import Place
from schema.progress.recomputing import recompute
from schema.tables import transaction
from schema.targets.models import EdgeKind, Indicator, Target, TargetEdge
from schema.targets.rolling import roll
from schema.targets.service import set_policy
from schema.values import plain
from tests.copies import Copies
from tests.factories import NOW, SUPERIOR, TODAY, Api, World, copied_world, key_of, logged, schema

START = date(2026, 1, 1)


async def grant(world: World) -> None:
    agency: Agency = world.rows["agency"]  # type: ignore[assignment]
    await grant_role(agency.id, "pengelola.dc", Role.ADMINISTRATOR)
    await grant_role(agency.id, SUPERIOR, Role.ADMINISTRATOR)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    """The small agency as the application has it; nothing is set."""
    async with copied_world(copies, grant) as world:
        yield world


# Rules


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("achievement_cap", Decimal("99.99"), "achievementCap"),
        ("achievement_cap", Decimal(1001), "achievementCap"),
        ("achievement_cap", Decimal("120.001"), "achievementCap"),
        ("achievement_cap", Decimal("1e30"), "achievementCap"),
        ("on_track_share", Decimal(0), "onTrackShare"),
        ("on_track_share", Decimal("100.01"), "onTrackShare"),
        ("on_track_share", Decimal("0.005"), "onTrackShare"),
        ("effective_share", Decimal("66.667"), "effectiveShare"),
        ("entry_days", 367, "entryDays"),
        ("filling_days", -1, "fillingDays"),
        ("plan_days", -1, "planDays"),
        ("recognized_minutes", 0, "recognizedMinutes"),
        ("recognized_minutes", 1441, "recognizedMinutes"),
        ("active_minutes", 0, "activeMinutes"),
        ("flexible_minutes", 721, "flexibleMinutes"),
        ("notices_per_day", 25, "noticesPerDay"),
        ("objection_days", 91, "objectionDays"),
        ("smallest_feedback_group", 1, "smallestFeedbackGroup"),
    ],
)
def test_a_policy_has_its_bounds(name: str, value: Any, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        check_policy(replace(DEFAULT, **{name: value}))

    assert (refused.value.code, refused.value.field) == (ErrorCode.BAD_USER_INPUT, field)


def test_the_defaults_and_the_edges_of_the_bounds_can_be() -> None:
    check_policy(DEFAULT)
    check_policy(
        Policy(
            achievement_cap=Decimal("1000.00"),
            on_track_share=Decimal("0.01"),
            effective_share=Decimal(100),
            entry_days=0,
            filling_days=366,
            recognized_minutes=1440,
        )
    )


@pytest.mark.parametrize(
    ("minutes", "breaks"),
    [([450] * 6, [60] * 7), ([450] * 7, [60] * 8), ([-1] * 7, [0] * 7), ([1400] * 7, [60] * 7)],
)
def test_a_week_has_seven_days_of_24_hours(minutes: list[int], breaks: list[int]) -> None:
    with pytest.raises(DomainError, match="seven days from Monday"):
        check_week(minutes, breaks)


@pytest.mark.parametrize(
    ("entry_days", "filling_until", "deadline"),
    [
        (None, None, None),
        (5, None, date(2026, 3, 15)),  # 10 March + 5
        (None, date(2026, 4, 10), date(2026, 4, 10)),
        (5, date(2026, 4, 10), date(2026, 3, 15)),
        (60, date(2026, 4, 10), date(2026, 4, 10)),
    ],
)
def test_the_earlier_deadline_holds(
    entry_days: int | None, filling_until: date | None, deadline: date | None
) -> None:
    assert entry_deadline(date(2026, 3, 10), entry_days, filling_until) == deadline


@pytest.mark.parametrize("text", ["7:30", "24:00", "07:60", "07.30", "07:30:00", "07:30+07:00", ""])
def test_a_time_of_day_has_hours_and_minutes(text: str) -> None:
    with pytest.raises(DomainError, match="a time as 07:30"):
        time_of(text)


# Versions


FIELDS = """startsOn achievementCap missingCountsAsZero onTrackShare lateEntries entryDays
  fillingDays planDays actionPlansRequired effectiveShare recognizedMinutes
  activeMinutes flexibleMinutes dutyTravelExcuses nudgeAt digestAt quietFrom quietUntil
  noticesPerDay objectionDays peerFeedback smallestFeedbackGroup setAt setBy { name }"""
POLICY = f'query($on: Date!) {{ agency(code: "DC") {{ policy(on: $on) {{ {FIELDS} }} }} }}'
SET = """mutation($input: SetPolicyInput!) { setPolicy(input: $input) {
  policy { startsOn achievementCap entryDays setBy { name } } userErrors { code field } } }"""


async def policy_of(on: date) -> dict[str, Any]:
    found = await Api.of("colleague").data(POLICY, on=str(on))
    return dict(found["agency"]["policy"])


async def told(who: str = "administrator", **given: Any) -> dict[str, Any]:
    """What setPolicy answers."""
    asked = {"agency": "DC", "startsOn": "2026-01-01"} | given
    return dict((await Api.of(who).data(SET, input=asked))["setPolicy"])


def as_said(value: object) -> object:
    """A default as the API writes it."""
    if isinstance(value, Decimal):
        return plain(value)
    return value.strftime("%H:%M") if isinstance(value, time) else value


async def test_an_agency_that_has_said_nothing_has_the_defaults_of_the_rules(world: World) -> None:
    found = await policy_of(START)

    said = {}
    definitions = schema()._schema.type_map["AgencyPolicy"].fields  # type: ignore[attr-defined]
    for name, definition in definitions.items():
        said[definition.extensions["strawberry-definition"].python_name] = found[name]
    for one in fields(Policy):
        default = getattr(DEFAULT, one.name)
        assert said[one.name] == as_said(default)
    assert said["starts_on"] is said["set_at"] is said["set_by"] is None


async def test_a_version_keeps_what_it_does_not_speak_of(world: World) -> None:
    await told(achievementCap="110", entryDays=5, lateEntries="REASON")

    await told(startsOn="2026-07-01", entryDays=None)

    first, second = await policy_of(date(2026, 6, 30)), await policy_of(date(2026, 7, 1))
    assert (first["startsOn"], first["entryDays"]) == ("2026-01-01", 5)
    assert (second["startsOn"], second["entryDays"]) == ("2026-07-01", None)
    assert first["achievementCap"] == second["achievementCap"] == "110"
    assert second["lateEntries"] == "REASON"
    assert (await policy_of(date(2025, 12, 31)))["startsOn"] is None


async def test_of_two_versions_of_a_day_the_later_holds_and_both_stay(world: World) -> None:
    await told(achievementCap="110")
    await told(achievementCap="130")

    assert (await policy_of(START))["achievementCap"] == "130"
    answer = await Api.of("self").data('{ agency(code: "DC") { policies { achievementCap } } }')
    assert [one["achievementCap"] for one in answer["agency"]["policies"]] == ["130", "110"]


async def test_a_version_says_who_set_it_where_that_is_an_employee(world: World) -> None:
    service, superior = await told(), await told("superior")

    assert service["policy"]["setBy"] is None
    assert superior["policy"]["setBy"] == {"name": "Ratna Dewanti"}
    assert {row.set_by for row in await AgencyPolicy.all()} == {"pengelola.dc", SUPERIOR}


async def test_a_refused_policy_leaves_nothing(world: World) -> None:
    answer = await told(achievementCap="99")

    assert answer == {
        "policy": None,
        "userErrors": [{"code": "BAD_USER_INPUT", "field": "achievementCap"}],
    }
    assert await AgencyPolicy.all().count() == 0


async def test_the_policy_of_a_day_for_use_cases(world: World) -> None:
    agency = world.rows["agency"]
    changes = {"late_entries": LateEntries.REFUSED, "entry_days": 3, "action_plans_required": False}
    await set_policy(await world.scope("administrator"), "DC", START, changes, NOW)

    async with transaction() as connection:
        before = await policy_on(connection, agency.id, START - timedelta(days=1))
        after = await policy_on(connection, agency.id, START)

    assert before == DEFAULT
    assert after == Policy(**changes)


# Figures that follow


async def test_what_written_days_of_duty_travel_ask_for_follows_the_policy(world: World) -> None:
    """They ask for what a day asks for of which nothing is written."""
    person, admin = world.people[SUPERIOR], await world.scope("administrator")
    days = [TODAY, TODAY + timedelta(days=1)]
    await Absence.create(
        employee=person, kind=AbsenceKind.DUTY_TRAVEL, starts_on=days[0], ends_on=days[1],
        state=AbsenceState.ACCEPTED, reported_by="x", reported_at=NOW, decided_by="x",
        decided_at=NOW,
    )  # fmt: skip
    for day in days:
        await DailyLog.create(employee=person, day=day, required_minutes=0)

    async def asked() -> list[int]:
        rows = DailyLog.filter(employee=person).order_by("day")
        return [row.required_minutes for row in await rows]

    await set_policy(admin, "DC", days[1], {"duty_travel_excuses": False}, NOW)
    assert await asked() == [0, 450]
    await set_policy(admin, "DC", days[0], {"duty_travel_excuses": False}, NOW)
    assert await asked() == [450, 450]
    await set_policy(admin, "DC", days[0], {"duty_travel_excuses": True}, NOW)
    assert await asked() == [0, 450]


async def weigh(world: World) -> None:
    """T1 (5 reports) counts 60 % in S, M (two indicators) 40 %; S counts 30 % in U."""
    await grant(world)
    targets = world.targets
    await Indicator.filter(target=targets["S"]).update(contributes_to_id=None)
    for parent, child, weight in (("S", "T1", 60), ("S", "M", 40), ("U", "S", 30)):
        given = {"kind": EdgeKind.WEIGHTED, "weight": weight}
        ends = {"parent": targets[parent], "child": targets[child]}
        if not await TargetEdge.filter(**ends).update(**given):
            await TargetEdge.create(**ends, primary=False, **given)
    async with transaction() as connection:
        await roll(connection, [targets["T1"].id, targets["M"].id])


@pytest.fixture
async def weighted(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, weigh) as world:
        yield world


async def kept() -> dict[str, Decimal | None]:
    edges = await TargetEdge.filter(kind=EdgeKind.WEIGHTED).select_related("child")
    return {edge.child.code: edge.achieved for edge in edges}


async def percentage(target: Target) -> str:
    question = "query($id: ID!) { target(id: $id) { achievement { percentage } } }"
    answer = await Api.of("superior").data(question, id=key_of(target))
    return str(answer["target"]["achievement"]["percentage"])


async def differences() -> list[str]:
    """What `python -m server recompute` would name."""
    return [one.name async for kind in recompute() for one in kind.differences]


async def test_another_cap_rolls_up_at_once(weighted: World) -> None:
    place = Place(target_id=weighted.targets["T1"].id, quantity=Decimal(10))
    await logged(await weighted.scope("self"), place=place)
    # 10 of 5 is 200 %, and counts as 120; M has no number.
    assert await kept() == {"T1": Decimal(120), "M": None, "S": Decimal(120)}

    await told(achievementCap="150")
    assert await kept() == {"T1": Decimal(150), "M": None, "S": Decimal(150)}
    assert await percentage(weighted.targets["S"]) == "150"
    assert await differences() == []

    # M's missing numbers count as 0: (150 x 60 + 0 x 40) / 100 = 90
    await told(missingCountsAsZero=True)
    assert await kept() == {"T1": Decimal(150), "M": Decimal(0), "S": Decimal(90)}
    assert await percentage(weighted.targets["S"]) == "90"
    assert await differences() == []


async def test_a_policy_from_within_the_period_leaves_its_figures(weighted: World) -> None:
    place = Place(target_id=weighted.targets["T1"].id, quantity=Decimal(10))
    await logged(await weighted.scope("self"), place=place)

    await told(startsOn="2026-01-02", achievementCap="150")

    assert (await kept())["T1"] == Decimal(120)
    assert await differences() == []


# Weeks and holidays


WEEK = """mutation($input: SetWorkingWeekInput!) { setWorkingWeek(input: $input) {
  week { name unit { code } startsOn endsOn minutes weeklyMinutes breaks beginsAt observesHolidays
    setBy { name } } userErrors { code field } } }"""
HOLIDAYS = """mutation($input: SetHolidaysInput!) { setHolidays(input: $input) {
  holidays { on name kind } userErrors { code field } } }"""


async def test_a_week_reads_as_it_was_set(world: World) -> None:
    asked = {
        "agency": "DC",
        "unit": "C",
        "name": " Ramadan ",
        "startsOn": "2026-02-18",
        "endsOn": "2026-03-19",
        "minutes": [390] * 5 + [0, 0],
        "breaks": [30, 30, 30, 30, 60, 0, 0],
        "beginsAt": "08:00",
    }

    answer = (await Api.of("superior").data(WEEK, input=asked))["setWorkingWeek"]

    said = {name: value for name, value in asked.items() if name not in ("agency", "unit")}
    assert answer["week"] == said | {
        "name": "Ramadan",
        "unit": {"code": "C"},
        "weeklyMinutes": 1950,
        "observesHolidays": True,
        "setBy": {"name": "Ratna Dewanti"},
    }
    listed = await Api.of("colleague").data('{ agency(code: "DC") { workingWeeks { beginsAt } } }')
    assert listed == {"agency": {"workingWeeks": [{"beginsAt": "08:00"}]}}


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"minutes": [450] * 5}, "BAD_USER_INPUT", "minutes"),
        ({"name": " "}, "DESCRIPTION_MISSING", "name"),
        ({"name": "x" * 121}, "TEXT_TOO_LONG", "name"),
        ({"endsOn": "2025-12-31"}, "ENDS_BEFORE_START", "endsOn"),
        ({"beginsAt": "half past"}, "BAD_USER_INPUT", "beginsAt"),
        ({"unit": "ZZ"}, "NOT_FOUND", None),
        ({"agency": "DL"}, "NOT_FOUND", None),
    ],
)
async def test_a_week_that_cannot_be_is_refused(
    world: World, changes: dict[str, Any], code: str, field: str | None
) -> None:
    asked = {"agency": "DC", "name": "Pekan", "startsOn": "2026-01-01", "minutes": [450] * 7}

    answer = (await Api.of("administrator").data(WEEK, input=asked | changes))["setWorkingWeek"]

    assert answer == {"week": None, "userErrors": [{"code": code, "field": field}]}


async def set_days(*days: dict[str, str]) -> dict[str, Any]:
    asked = {"agency": "DC", "holidays": list(days)}
    return dict((await Api.of("administrator").data(HOLIDAYS, input=asked))["setHolidays"])


async def test_holidays_are_announced_at_once_and_taken_back(world: World) -> None:
    christmas = {"on": "2026-12-25", "name": "Natal"}
    leave = {"on": "2026-12-24", "name": "Cuti bersama", "kind": "JOINT_LEAVE"}

    answer = await set_days(christmas, leave)
    assert answer["holidays"] == [leave, christmas | {"kind": "PUBLIC_HOLIDAY"}]

    taken_back = leave | {"name": "Tidak jadi", "kind": "WORKING_DAY"}
    await set_days(taken_back)
    listed = await Api.of("colleague").data("""{ agency(code: "DC") {
      holidays(from: "2026-12-01", to: "2026-12-24") { on name kind } } }""")
    assert listed == {"agency": {"holidays": [taken_back]}}


async def test_holidays_that_cannot_be_are_refused_together(world: World) -> None:
    one = {"on": "2026-12-25", "name": "Natal"}
    many = [{"on": str(START + timedelta(days=n)), "name": "Libur"} for n in range(401)]

    answers = [
        await set_days(),
        await set_days(*many),
        await set_days(one, one),
        await set_days(one, one | {"on": "2026-12-26", "name": ""}),
    ]

    assert [answer["userErrors"] for answer in answers] == [
        [{"code": "NOTHING_CHOSEN", "field": "holidays"}],
        [{"code": "TOO_MANY", "field": "holidays"}],
        [{"code": "BAD_USER_INPUT", "field": "holidays.1.on"}],
        [{"code": "DESCRIPTION_MISSING", "field": "holidays.1.name"}],
    ]
    assert all(answer["holidays"] == [] for answer in answers)
