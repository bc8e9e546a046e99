"""An activity becomes one pending record, and what the inbox keeps stays as it was said."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from ekinerja_connectors import Activity, Evidence
from tortoise.exceptions import OperationalError

from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import dead_letters, inbox, service
from schema.feeds.models import DeadLetter, DeadLetterCause, InboxItem, InboxKind, Installation
from schema.feeds.rules import Received
from schema.organizations.models import Employee
from schema.progress.intake import people_of
from schema.progress.models import DailyLog, ProgressRecord, RecordEvent, RecordState
from schema.progress.models import Evidence as StoredEvidence
from schema.tables import transaction
from server.database import Database, DatabaseRole, opened
from tests import feeding
from tests.feeding import DAY, NIP, NOON, activity, connection, count, fetched


@pytest.fixture
async def person(fresh_database: Database) -> AsyncIterator[Employee]:
    """An employee of an agency with an installation; Tortoise is open as the worker."""
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        employee = await feeding.employee(await feeding.agency())
        await feeding.installation(await employee.agency)
        await feeding.administrator(await employee.agency)
        await feeding.target(employee, "Tertatanya arsip inaktif")
        await feeding.target(employee, "Terkelolanya surat undangan rapat dinas")
        await feeding.target(employee, "Terkelolanya surat undangan rapat lama", year=2025)
    async with opened(fresh_database, DatabaseRole.WORKER):
        yield employee


async def received(source_id: str = "D-1", body: object = None) -> InboxItem:
    installation = await Installation.get()
    await service.accept(installation.id, [Received(source_id=source_id, body=body)], NOON)
    return await InboxItem.get(source_id=source_id)


async def taken(item: InboxItem, what: Activity, person: Employee) -> ProgressRecord:
    return await feeding.take_in(what, person, item.id, await Installation.get(), NOON)


async def test_an_activity_becomes_a_pending_record_with_what_the_source_said(
    person: Employee,
) -> None:
    what = activity(
        ended_at=NOON - timedelta(minutes=75, seconds=30),
        category="persuratan",
        quantity=Decimal("1.5"),
        unit_of_measure="surat",
        evidence=(Evidence(title="Surat", url="https://srikandi.example/surat/1"),),
    )

    record = await taken(await received(), what, person)

    # From 10.00 to 10.44.30 WIB: 44 whole minutes.
    assert (record.state, record.day, record.minutes) == (RecordState.PENDING, DAY, 44)
    assert (record.description, record.category) == (what.title, "persuratan")
    assert (record.target_id, record.quantity) == (None, None)
    proof = await StoredEvidence.get(record_id=record.id)
    assert (proof.title, proof.from_source) == ("Surat", True)
    history = await RecordEvent.get(record_id=record.id)
    assert (history.kind, history.actor) == ("RECEIVED", "connector:fake")
    log = await DailyLog.get(employee_id=person.id)
    assert (log.day, log.recorded_minutes, log.pending_minutes, log.pending_count) == (
        DAY,
        0,
        44,
        1,
    )
    assert [row["kind"] for row in await fetched("SELECT kind FROM event")] == ["progress.received"]


async def test_a_record_suggests_the_target_of_its_period_that_shares_its_words(
    person: Employee,
) -> None:
    record = await taken(await received(), activity(), person)

    suggested = await fetched("SELECT title FROM target WHERE id = $1", record.suggested_target_id)
    assert suggested[0]["title"] == "Terkelolanya surat undangan rapat dinas"
    assert record.suggestion_reason == "kata yang sama: surat, undangan, rapat"


async def test_an_instant_has_no_minutes(person: Employee) -> None:
    record = await taken(await received(), activity(), person)

    assert (record.minutes, record.starts_at) == (0, record.ends_at)


@pytest.mark.parametrize(
    ("timezone", "day"), [("Asia/Jakarta", 23), ("Asia/Makassar", 24), ("Asia/Jayapura", 24)]
)
async def test_the_day_is_that_of_the_start_where_the_employee_works(
    fresh_database: Database, timezone: str, day: int
) -> None:
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        person = await feeding.employee(await feeding.agency(), timezone=timezone)
        await feeding.installation(await person.agency)

    # 16.30 UTC is 23.30 WIB, and half past midnight in WITA.
    start = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    async with opened(fresh_database, DatabaseRole.WORKER):
        record = await taken(await received(), activity(occurred_at=start), person)

    assert record.day.day == day


@pytest.mark.parametrize(
    ("times", "code"),
    [
        ((NOON - timedelta(hours=30), NOON - timedelta(hours=5)), ErrorCode.TOO_LONG),
        ((NOON + timedelta(hours=1), None), ErrorCode.IN_THE_FUTURE),
        ((datetime(1, 1, 1, tzinfo=UTC), None), ErrorCode.BAD_USER_INPUT),
    ],
)
async def test_impossible_times_are_refused_and_leave_nothing(
    person: Employee, times: tuple[datetime, datetime | None], code: ErrorCode
) -> None:
    item = await received()

    with pytest.raises(DomainError) as refusal:
        await taken(item, activity(occurred_at=times[0], ended_at=times[1]), person)

    assert refusal.value.code is code
    assert await count("activity") == await count("progress_record") == 0


async def test_taking_an_activity_in_again_gives_the_record_that_exists(person: Employee) -> None:
    item = await received()
    records = await asyncio.gather(*(taken(item, activity(), person) for _ in range(20)))

    assert len({record.id for record in records}) == 1
    assert await count("progress_record") == await count("event") == 1


async def test_a_person_of_another_agency_is_unknown(person: Employee) -> None:
    installation = await Installation.get()

    found = await people_of(connection(), installation.id, [NIP, "199001012015031999"])

    assert {nip: one.id for nip, one in found.items()} == {NIP: person.id}


async def test_the_worker_cannot_change_what_a_source_said(person: Employee) -> None:
    item = await received()
    await taken(item, activity(), person)

    for statement in (
        "UPDATE activity SET title = 'lain'",
        "DELETE FROM activity",
        "UPDATE inbox_item SET body = '{}'",
        "DELETE FROM inbox_item",
    ):
        with pytest.raises(OperationalError):
            await connection().execute_query(statement)


async def test_an_item_is_kept_once_however_often_it_comes(person: Employee) -> None:
    installation = await Installation.get()
    batches = [
        [Received(source_id=f"D-{i}", body={"i": i}) for i in order]
        for order in (range(50), reversed(range(50)))
        for _ in range(10)
    ]

    results = await asyncio.gather(*(service.accept(installation.id, b, NOON) for b in batches))

    assert sum(result.accepted for result in results) == await count("inbox_item") == 50
    assert [result.changed for result in results] == [()] * 20
    assert await count("dead_letter") == 0


async def test_another_body_under_a_known_id_becomes_one_dead_letter(person: Employee) -> None:
    await received(body={"hal": "Undangan", "nomor": 1})
    installation = await Installation.get()

    same = [Received(source_id="D-1", body={"nomor": 1, "hal": "Undangan"})]
    other = [Received(source_id="D-1", body={"hal": "Undangan", "nomor": 2})]
    first = await service.accept(installation.id, same, NOON)
    results = await asyncio.gather(
        *(service.accept(installation.id, other, NOON) for _ in range(10))
    )

    assert first.changed == ()  # the order of keys says nothing
    assert {result.changed for result in results} == {("D-1",)}
    letter = await DeadLetter.get()
    assert (letter.cause, letter.body) == (
        DeadLetterCause.CHANGED_AT_SOURCE,
        {"hal": "Undangan", "nomor": 2},
    )
    assert (await InboxItem.get()).body == {"hal": "Undangan", "nomor": 1}
    with pytest.raises(DomainError):
        await dead_letters.replay(await feeding.administrator(await person.agency), letter.id, NOON)


async def test_two_bodies_under_one_id_in_one_page_keep_the_first(person: Employee) -> None:
    installation = await Installation.get()
    page = [Received(source_id="D-1", body=1), Received(source_id="D-1", body=2)]

    result = await service.accept(installation.id, page, NOON)

    assert (result.received, result.accepted, result.changed) == (2, 1, ("D-1",))
    assert (await InboxItem.get()).body == 1


@pytest.mark.parametrize("body", [{"hal": "a\x00b"}, {"\ud800": 1}, float("nan"), float("inf")])
async def test_json_that_no_column_holds_is_kept_as_text(person: Employee, body: object) -> None:
    item = await received(body=body)

    assert item.kind is InboxKind.UNREADABLE
    assert set(item.body) == {"json"}


async def test_an_escaped_backslash_is_no_nul(person: Employee) -> None:
    item = await received(body={"hal": "C:\\u0000"})

    assert (item.kind, item.body) == (InboxKind.ITEM, {"hal": "C:\\u0000"})


@pytest.mark.parametrize("source_id", ["", " ", "a\x00", "\ud800", "x" * 201])
async def test_an_id_that_cannot_be_kept_is_refused(person: Employee, source_id: str) -> None:
    with pytest.raises(DomainError):
        await received(source_id)

    assert await count("inbox_item") == 0


async def test_a_dead_letter_is_replayed(fresh_database: Database, person: Employee) -> None:
    item = await received()
    async with transaction() as open_:
        assert await inbox.claim(open_, [item.id]) == {item.id}
        nobody = inbox.GivenUp(item.id, DeadLetterCause.UNKNOWN_PERSON, "nobody\x00\ud800")
        await inbox.give_up(open_, [nobody], NOON)
    assert (await inbox.waiting(connection(), item.installation_id, NOON, 10)).items == []
    letter = await DeadLetter.get()

    # What an administrator does is the application's to write, and so is its history.
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await dead_letters.replay(await feeding.administrator(await person.agency), letter.id, NOON)
        resolved = await DeadLetter.get()
        waiting = await inbox.waiting(connection(), item.installation_id, NOON, 10)

    assert letter.resolved_at is None
    assert resolved.resolved_at == NOON
    assert [one.id for one in waiting.items] == [item.id]


async def test_what_is_not_there_cannot_be_replayed_or_pushed_to(person: Employee) -> None:
    with pytest.raises(NotFound):
        await dead_letters.replay(await feeding.administrator(await person.agency), person.id, NOON)
    with pytest.raises(NotFound):
        await service.accept(person.id, [Received(source_id="D-1", body=1)], NOON)
