"""Retraction, presence and files: what the intake makes of statements that are no new work."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta

import pytest
from ekinerja_connectors import (
    Direction,
    FileReading,
    Item,
    Malformed,
    Presence,
    RefusedRow,
    Retraction,
    Statement,
    Upload,
)

from schema.access import Scope
from schema.feeds import service
from schema.feeds.models import DeadLetter, DeadLetterCause, InboxItem, InboxKind, Installation
from schema.feeds.rules import Received
from schema.organizations.models import ClockEvent
from schema.progress import service as progress
from schema.progress.models import DailyLog, ProgressRecord, RecordEvent, RecordState
from schema.progress.models import Retraction as Kept
from schema.progress.recomputing import recompute
from schema.progress.service import Confirmation
from server.database import Database, DatabaseRole, opened
from server.ingestion.intake import Intake
from tests import feeding
from tests.feeding import NIP, NOON, FakePlugins, activity, count, fetched, item


@pytest.fixture
async def feed(fresh_database: Database) -> AsyncIterator[Installation]:
    """An installation of an agency with one employee in Papua; Tortoise is open as the owner."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        await feeding.employee(agency, timezone="Asia/Jayapura")
        yield await feeding.installation(agency)


def retraction(source_id: str = "R-1", retracts: str = "D-1") -> Retraction:
    return Retraction(source_id=source_id, retracts=retracts, at=NOON, reason="Surat ditarik")


def presence(source_id: str = "P-1", nip: str = NIP) -> Presence:
    at = NOON - timedelta(hours=13)  # 23.00 WIB of the day before, 01.00 in Papua
    return Presence(source_id=source_id, nip=nip, at=at, direction=Direction.IN, place="Lobi")


def says(**statements: Statement) -> Callable[[Item], Statement]:
    known = {one.source_id: one for one in statements.values()}
    return lambda one: known.get(one.source_id) or activity(one.source_id)


async def pushed(feed: Installation, *names: str) -> None:
    received = [Received(source_id=name, body={"n": name}) for name in names]
    await service.accept(feed.id, received, NOON)


async def worked_off(feed: Installation, plugins: FakePlugins) -> None:
    taking = Intake(installation_id=feed.id, plugins=plugins, clock=lambda: NOON)
    while (await taking.step()) == timedelta(0):
        pass


async def viewer() -> Scope:
    return await feeding.scope_of(NIP)


async def as_recomputed() -> bool:
    return not any([one.differences async for one in recompute()])


async def kinds() -> list[str]:
    return [row["kind"] for row in await fetched("SELECT kind FROM event ORDER BY id")]


@pytest.mark.parametrize("order", [("D-1", "R-1"), ("R-1", "D-1")])
@pytest.mark.parametrize("apart", [False, True])
async def test_a_pending_record_goes_when_its_source_takes_it_back_in_whatever_order(
    feed: Installation, order: tuple[str, str], apart: bool
) -> None:
    plugins = FakePlugins(translate=says(r=retraction()))
    for names in [order[:1], order[1:]] if apart else [order]:
        await pushed(feed, *names)
        await worked_off(feed, plugins)

    record = await ProgressRecord.get()
    assert (record.state, record.decided_at) == (RecordState.RETRACTED, NOON)
    last = await RecordEvent.filter(record_id=record.id).order_by("-id").first()
    assert last is not None
    assert (last.kind, last.comment) == ("RETRACTED", "Surat ditarik")
    assert await kinds() == ["progress.received", "progress.retracted"]
    day = await DailyLog.get()
    assert (day.pending_count, day.last_activity_at) == (0, None)
    assert await as_recomputed()
    assert await count("dead_letter") == 0


async def test_a_confirmed_record_stays_and_is_marked(feed: Installation) -> None:
    await pushed(feed, "D-1", "D-2")
    plugins = FakePlugins(translate=says(r=retraction(), s=retraction("R-2", "D-2")))
    await worked_off(feed, plugins)
    first, second = await ProgressRecord.all().order_by("id")
    me = await viewer()
    await progress.confirm_progress(me, [Confirmation(record_id=first.id)], NOON)
    await progress.dismiss_progress(me, second.id, "Bukan saya", NOON)
    before = await kinds()

    await pushed(feed, "R-1", "R-2")
    await worked_off(feed, plugins)

    states = [one.state for one in await ProgressRecord.all().order_by("id")]
    assert states == [RecordState.CONFIRMED, RecordState.DISMISSED]
    marks = await RecordEvent.filter(kind="RETRACTED")
    assert {one.record_id for one in marks} == {first.id, second.id}
    assert await kinds() == [*before, "progress.retracted"]  # a notice of the confirmed one only


async def test_of_a_corrected_record_the_one_that_replaced_it_is_marked(
    feed: Installation,
) -> None:
    await pushed(feed, "D-1")
    plugins = FakePlugins(translate=says(r=retraction()))
    await worked_off(feed, plugins)
    me, first = await viewer(), await ProgressRecord.get()
    await progress.confirm_progress(me, [Confirmation(record_id=first.id)], NOON)
    entry = progress.Entry(
        starts_at=NOON - timedelta(hours=2),
        ends_at=NOON - timedelta(hours=1),
        description="Menyusun surat",
        place=progress.NOWHERE,
    )
    new = await progress.correct_progress(me, first.id, entry, "Salah jam", NOON)

    await pushed(feed, "R-1")
    await worked_off(feed, plugins)

    assert [one.record_id for one in await RecordEvent.filter(kind="RETRACTED")] == [new.id]


async def test_only_the_installation_that_said_it_takes_it_back(feed: Installation) -> None:
    await pushed(feed, "D-1")
    plugins = FakePlugins(translate=says(r=retraction()))
    await worked_off(feed, plugins)
    other = await feeding.installation(await feed.agency, title="Layanan lain")

    await pushed(other, "R-1")
    await worked_off(other, plugins)

    assert (await ProgressRecord.get()).state is RecordState.PENDING
    assert (await Kept.get()).installation_id == other.id  # it waits, and is no dead letter
    assert await count("dead_letter") == 0


async def test_presence_is_kept_on_the_day_where_the_employee_works_and_makes_no_record(
    feed: Installation,
) -> None:
    await pushed(feed, "P-1", "P-2")
    stranger = presence("P-2", "199502022020122002")
    await worked_off(feed, FakePlugins(translate=says(p=presence(), q=stranger)))

    passage = await ClockEvent.get()
    assert (passage.source_id, passage.day) == ("P-1", date(2026, 11, 24))
    assert (passage.direction, passage.place) == ("IN", "Lobi")
    assert await count("progress_record") == await count("daily_log") == 0
    assert (await DeadLetter.get()).cause is DeadLetterCause.UNKNOWN_PERSON


@pytest.mark.parametrize("order", [("P-1", "R-1"), ("R-1", "P-1")])
async def test_presence_is_taken_back_too(feed: Installation, order: tuple[str, str]) -> None:
    plugins = FakePlugins(translate=says(p=presence(), r=retraction(retracts="P-1")))
    for name in order:
        await pushed(feed, name)
        await worked_off(feed, plugins)

    assert (await ClockEvent.get()).retracted_at == NOON


async def handed_in(feed: Installation) -> None:
    content = base64.b64encode(b"nip;judul").decode()
    body = {"name": "log.csv", "content": content, "media_type": "text/csv"}
    file = Received(source_id="file:1", body=body, kind=InboxKind.FILE)
    await service.accept(feed.id, [file], NOON)


async def test_rows_of_a_file_become_records_and_refused_ones_dead_letters_with_their_row(
    feed: Installation,
) -> None:
    seen: list[Upload] = []

    def read(upload: Upload) -> FileReading:
        seen.append(upload)
        wrong = RefusedRow(row=3, reason="NIP is missing", payload={"judul": "Rapat"})
        return FileReading(items=(item("row 2"), item("row 4")), refused=(wrong,))

    await handed_in(feed)
    await worked_off(feed, FakePlugins(read=read))
    await worked_off(feed, FakePlugins(read=read))

    assert [(one.name, one.content) for one in seen] == [("log.csv", b"nip;judul")]
    assert await count("progress_record") == 2
    letter = await DeadLetter.get()
    refused = await InboxItem.get(id=letter.inbox_item_id)
    assert (letter.cause, letter.detail) == (
        DeadLetterCause.UNTRANSLATABLE,
        "row 3: NIP is missing",
    )
    assert refused.source_id.endswith(":row:3")
    assert refused.body == {"judul": "Rapat"}
    assert await InboxItem.filter(processed_at=None).count() == 0


async def test_a_file_that_cannot_be_read_is_a_dead_letter(feed: Installation) -> None:
    def read(upload: Upload) -> FileReading:
        raise Malformed("not a table")

    await handed_in(feed)
    await worked_off(feed, FakePlugins(read=read))

    assert (await DeadLetter.get()).detail == "not a table"
