"""Composing: each person is told once, of what holds, by whoever works; from the database."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schema.access import Role
from schema.feeds.models import Installation, Plugin, PluginState
from schema.notices import composing
from schema.notices.composing import compose
from schema.notices.models import (
    Contact,
    DeliveryState,
    Notice,
    NoticeDelivery,
    NoticeKind,
    NoticeRound,
)
from schema.notices.timing import due_rounds
from schema.organizations.models import (
    Absence,
    AbsenceKind,
    AbsenceState,
    Assignment,
    DayDone,
    Employee,
)
from schema.organizations.service import grant_role
from schema.policies.models import AgencyPolicy, Holiday, HolidayKind
from schema.policies.rules import DEFAULT
from schema.progress.models import DailyLog
from server.database import Database, DatabaseRole, opened
from tests.factories import (
    COLLEAGUE,
    NOW,
    OTHER_STAFF,
    OTHER_SUPERVISOR,
    STAFF,
    STRANGER,
    SUPERIOR,
    SUPERVISOR,
    Api,
    World,
    found,
    world_in,
)

TODAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 8, tzinfo=ZoneInfo("Asia/Jakarta"))
AFTERNOON = datetime(2026, 11, 24, 15, tzinfo=ZoneInfo("Asia/Jakarta"))
EVENING = datetime(2026, 11, 24, 21, tzinfo=ZoneInfo("Asia/Jakarta"))
BROKEN = "SELECT 1 / 0, $1::timestamptz, $2::uuid[], $3::uuid[], $4::uuid[]"
EVERYBODY = {SUPERIOR, SUPERVISOR, STAFF, COLLEAGUE, OTHER_SUPERVISOR, OTHER_STAFF}


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    """The small agency on a Tuesday on which nobody has written anything; as the owner."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        yield await found()


async def count(world: World, **given: Any) -> None:
    """How the agency counts from the year's first day on."""
    await AgencyPolicy.create(
        agency=world.rows["agency"],
        set_by=SUPERIOR,
        set_at=NOW,
        starts_on=date(2026, 1, 1),
        **asdict(replace(DEFAULT, **given)),
    )


async def channel(world: World, title: str, capability: str = "notices", **given: Any) -> Any:
    plugin = f"saluran-{capability}"
    known = {"distribution": plugin, "version": "1", "title": plugin, "seen_at": NOW}
    await Plugin.get_or_create(
        name=plugin,
        defaults=known | {"state": PluginState.READY, "capabilities": [capability]},
    )
    return await Installation.create(
        agency=world.rows["agency"], plugin=plugin, title=title, next_poll_at=NOW, **given
    )


async def wrote(world: World, nip: str, day: date, recorded: int, pending: int = 0) -> None:
    await DailyLog.create(
        employee=world.people[nip],
        day=day,
        required_minutes=450,
        recorded_minutes=recorded,
        pending_count=pending,
        last_activity_at=datetime.combine(day, time(14, 45), ZoneInfo("Asia/Jakarta")),
    )


async def away(world: World, nip: str, day: date, state: AbsenceState, **given: Any) -> None:
    decided = {"decided_by": SUPERIOR, "decided_at": NOW}
    await Absence.create(
        employee=world.people[nip],
        kind=AbsenceKind.LEAVE,
        state=state,
        starts_on=day,
        ends_on=day,
        reported_by=nip,
        reported_at=NOW,
        **(decided if state is AbsenceState.ACCEPTED else {}) | given,
    )


async def all_composed(now: datetime) -> int:
    made = 0
    while (batch := await compose(now)) is not None:
        made += batch
    return made


async def told(kind: NoticeKind) -> set[str]:
    """NIPs of whoever was told of this kind."""
    rows = await Notice.filter(kind=kind).select_related("employee")
    return {row.employee.nip for row in rows}


async def test_everybody_who_has_not_filled_in_is_nudged_once_through_each_channel(
    world: World,
) -> None:
    channels = {(await channel(world, title)).id for title in ("Surel", "Obrolan")}
    await channel(world, "Lama", enabled=False)
    await channel(world, "Surat", "polling")
    await wrote(world, STAFF, TODAY, 450)
    await DayDone.create(employee=world.people[COLLEAGUE], day=TODAY, done_at=NOW)
    await away(world, OTHER_STAFF, TODAY, AbsenceState.REPORTED)
    await Assignment.filter(employee=world.people[OTHER_SUPERVISOR]).update(ends_on=TODAY)

    assert await all_composed(AFTERNOON) == 2
    assert await all_composed(AFTERNOON + timedelta(minutes=30)) == 0

    assert await told(NoticeKind.NUDGE) == {SUPERIOR, SUPERVISOR}
    deliveries = await NoticeDelivery.all()
    assert {row.installation_id for row in deliveries} == channels
    assert [(row.state, row.due_at, row.attempts) for row in deliveries] == 4 * [
        (DeliveryState.WAITING, AFTERNOON, 0)
    ]
    notice = await Notice.get(employee=world.people[SUPERVISOR])
    assert (notice.day, notice.agency_id) == (TODAY, world.rows["agency"].id)
    assert notice.facts["unfilled"] is True


async def test_a_worker_that_comes_hours_too_late_nudges_nobody(world: World) -> None:
    assert await compose(EVENING) is None
    assert await compose(AFTERNOON - timedelta(seconds=1)) is None
    assert await Notice.all().count() == await NoticeRound.all().count() == 0


async def test_on_a_holiday_nobody_is_told_anything(world: World) -> None:
    await Holiday.create(
        agency=world.rows["agency"],
        day=TODAY,
        name="Libur",
        kind=HolidayKind.PUBLIC_HOLIDAY,
        set_by=SUPERIOR,
        set_at=NOW,
    )

    assert await all_composed(MORNING) == await all_composed(AFTERNOON) == 0


async def test_a_supervisor_is_told_of_the_last_working_day_and_the_week(world: World) -> None:
    """On a Tuesday after a Monday off: the last working day is Friday, and the week is Friday's."""
    monday, friday = date(2026, 11, 23), date(2026, 11, 20)
    await Holiday.create(
        agency=world.rows["agency"],
        day=monday,
        name="Libur",
        kind=HolidayKind.JOINT_LEAVE,
        set_by=SUPERIOR,
        set_at=NOW,
    )
    for day in range(16, 20):
        await wrote(world, STAFF, date(2026, 11, day), 450)
        await wrote(world, COLLEAGUE, date(2026, 11, day), 450, pending=1)
    await wrote(world, STAFF, friday, 300)
    # Whether the colleague was away on Friday, the supervisor has yet to decide.
    await away(world, COLLEAGUE, friday, AbsenceState.REPORTED)

    await all_composed(MORNING)

    # The other supervisor's only member has written nothing; the superior leads both supervisors.
    assert await told(NoticeKind.DIGEST) == {SUPERVISOR, OTHER_SUPERVISOR, SUPERIOR}
    facts = (await Notice.get(employee=world.people[SUPERVISOR])).facts
    assert (facts["on"], facts["week_from"], facts["week_until"]) == (
        "2026-11-20",
        "2026-11-16",
        "2026-11-22",
    )
    assert facts["not_filled"] == []
    assert facts["short"] == [{"name": "Sari Wulandari", "nip": STAFF, "short_minutes": 150}]
    assert (facts["absences"], facts["records"]) == (1, 4)
    other = (await Notice.get(employee=world.people[OTHER_SUPERVISOR])).facts
    assert [one["nip"] for one in other["not_filled"]] == [OTHER_STAFF]


async def test_a_transfer_takes_a_member_out_of_the_digest(world: World) -> None:
    """Who is no longer below a supervisor is not told of to them, though they were yesterday."""
    staff = world.people[STAFF]
    await Assignment.filter(employee=staff).update(ends_on=TODAY)
    await Employee.filter(id=staff.id).update(superiors=[world.people[SUPERIOR].id])

    await all_composed(MORNING)

    facts = (await Notice.get(employee=world.people[SUPERVISOR])).facts
    assert [one["nip"] for one in facts["not_filled"]] == [COLLEAGUE]


async def test_nobody_is_told_more_than_the_policys_number(world: World) -> None:
    await count(world, notices_per_day=1, digest_at=time(15), nudge_at=time(15))

    await all_composed(AFTERNOON)

    assert await told(NoticeKind.DIGEST) == {SUPERIOR, SUPERVISOR, OTHER_SUPERVISOR}
    assert await told(NoticeKind.NUDGE) == {STAFF, COLLEAGUE, OTHER_STAFF}


async def test_muted_kinds_are_not_made(world: World) -> None:
    await Contact.create(employee=world.people[STAFF], muted=[NoticeKind.NUDGE])
    await Contact.create(employee=world.people[SUPERVISOR], muted=[NoticeKind.DIGEST])

    await all_composed(MORNING)
    await all_composed(AFTERNOON)

    assert await told(NoticeKind.DIGEST) == {SUPERIOR, OTHER_SUPERVISOR}
    assert await told(NoticeKind.NUDGE) == EVERYBODY - {STAFF}


async def test_quiet_hours_put_a_notice_off_to_the_day_on_which_it_is_told(world: World) -> None:
    await channel(world, "Surel")
    await count(world, nudge_at=time(20))

    await all_composed(EVENING)

    next_morning = datetime(2026, 11, 25, 6, 30, tzinfo=ZoneInfo("Asia/Jakarta"))
    assert {row.due_at for row in await NoticeDelivery.all()} == {next_morning}
    rows = await Notice.all()
    assert {row.day for row in rows} == {date(2026, 11, 25)}
    assert {row.facts["on"] for row in rows} == {"2026-11-24"}


async def test_each_time_zone_has_its_own_time(world: World) -> None:
    await Employee.filter(nip=STAFF).update(timezone="Asia/Jayapura")
    three_in_jayapura = AFTERNOON - timedelta(hours=2)

    await all_composed(three_in_jayapura)
    assert await told(NoticeKind.NUDGE) == {STAFF}

    await all_composed(AFTERNOON)
    assert await told(NoticeKind.NUDGE) == EVERYBODY


async def test_two_workers_in_small_batches_tell_everybody_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(composing.BATCH, NoticeKind.NUDGE, 2)
    await channel(world, "Surel")

    async def worker() -> int:
        return sum([await compose(AFTERNOON) or 0 for _ in range(8)])

    made = await asyncio.gather(worker(), worker(), worker())

    # Who finds another at work leaves it to them, so a little may be left.
    assert sum(made) + await all_composed(AFTERNOON) == len(EVERYBODY)
    assert await told(NoticeKind.NUDGE) == EVERYBODY
    assert await NoticeDelivery.all().count() == len(EVERYBODY)
    assert await due_rounds(AFTERNOON) == []


async def test_a_crash_in_a_batch_leaves_it_to_be_made_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(composing.BATCH, NoticeKind.NUDGE, 4)
    await compose(AFTERNOON)
    first = await Notice.all().count()
    monkeypatch.setattr(composing, "SEND", BROKEN)

    with pytest.raises(Exception, match="division by zero"):
        await compose(AFTERNOON)

    assert await Notice.all().count() == first == 4
    monkeypatch.undo()
    await all_composed(AFTERNOON)
    assert await told(NoticeKind.NUDGE) == EVERYBODY


async def test_composing_is_the_workers_and_leaks_no_content(fresh_database: Database) -> None:
    """The worker's own rights suffice."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found()
        await channel(world, "Surel")
    async with opened(fresh_database, DatabaseRole.WORKER):
        assert await all_composed(MORNING) == 3
        assert await all_composed(AFTERNOON) == len(EVERYBODY)
        for row in await Notice.all():
            assert set(json.loads(json.dumps(row.facts))) <= {
                "on", "unfilled", "waiting", "recorded_minutes", "required_minutes",
                "week_from", "week_until", "not_filled", "short", "absences", "records",
            }  # fmt: skip


# What people ask and say


CONTACT = """mutation($input: SetContactInput!) { setContact(input: $input) {
  contact { address muted } userErrors { code field } } }"""
CONTACTS = """mutation($input: SetContactsInput!) { setContacts(input: $input) {
  count userErrors { code field } } }"""
OWN = """{ viewer { contact { address muted } notices(first: 5) {
  totalCount edges { node { kind on subject body } } } } previewDigest { on subject body } }"""


async def told_administrator(world: World) -> None:
    await grant_role(world.rows["agency"].id, "pengelola.dc", Role.ADMINISTRATOR)


async def test_a_preview_is_what_is_sent_and_reaches_its_person_only(
    fresh_database: Database,
) -> None:
    morning = {"now": MORNING}
    async with world_in(fresh_database, told_administrator) as world:
        before = await Api.of("supervisor", **morning).data(OWN)
        assert before["viewer"]["notices"]["totalCount"] == 0
        async with opened(fresh_database, DatabaseRole.WORKER):
            await all_composed(MORNING)
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        after = await Api.of("supervisor", **morning).data(OWN)
        (edge,) = after["viewer"]["notices"]["edges"]
        shown = before["previewDigest"]
        assert edge["node"] == {
            "kind": "DIGEST", "on": "2026-11-24",
            "subject": shown["subject"], "body": shown["body"],
        }  # fmt: skip
        assert shown["on"] == "2026-11-23"
        assert "Budi Hartono; Sari Wulandari" in shown["body"]
        staff = await Api.of("self", **morning).data(OWN)
        assert (staff["previewDigest"], staff["viewer"]["notices"]["totalCount"]) == (None, 0)
        assert world.people


async def test_people_and_administrators_say_how_somebody_is_reached(
    fresh_database: Database,
) -> None:
    async with world_in(fresh_database, told_administrator):
        staff, administrator = Api.of("self"), Api.of("administrator")

        async def sends(api: Api, document: str, **given: Any) -> Any:
            (answer,) = (await api.data(document, input=given)).values()
            return answer

        muted = await sends(staff, CONTACT, address=" sari@contoh.example ", muted=["NUDGE"])
        assert muted["contact"] == {"address": "sari@contoh.example", "muted": ["NUDGE"]}
        given = await sends(
            administrator,
            CONTACTS,
            agency="DC",
            contacts=[
                {"nip": STAFF, "address": "s.wulandari@contoh.example"},
                {"nip": COLLEAGUE, "address": None},
            ],
        )
        assert given == {"count": 2, "userErrors": []}
        shown = (await staff.data(OWN))["viewer"]["contact"]
        assert shown == {"address": "s.wulandari@contoh.example", "muted": ["NUDGE"]}
        row = await Contact.get(employee__nip=STAFF)
        assert row.set_by == "pengelola.dc"
        for contacts, code, field in (
            ([], "NOTHING_CHOSEN", "contacts"),
            ([{"nip": STAFF, "address": "x"}], "BAD_USER_INPUT", "contacts.0.address"),
            ([{"nip": STRANGER, "address": None}], "NOT_FOUND", "contacts.0.nip"),
            ([{"nip": STAFF, "address": None}] * 2, "BAD_USER_INPUT", "contacts.1.nip"),
            ([{"nip": STAFF, "address": None}] * 501, "TOO_MANY", "contacts"),
        ):
            refused = await sends(administrator, CONTACTS, agency="DC", contacts=contacts)
            assert refused == {"count": 0, "userErrors": [{"code": code, "field": field}]}
        assert (await sends(staff, CONTACT, address=None))["contact"] == {
            "address": None,
            "muted": [],
        }
