"""Sending: each notice at least once, never in quiet hours, and given up with its reason."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from schema.feeds.models import (
    BreakerState,
    ConnectorProblem,
    Installation,
    Plugin,
    PluginState,
    ProblemCode,
)
from schema.notices import delivering
from schema.notices.delivering import LEASE, counts, settle, take
from schema.notices.models import Contact, DeliveryState, Notice, NoticeDelivery, NoticeKind
from schema.notices.rules import MOST_ATTEMPTS
from schema.organizations.models import Assignment, Employee, Unit
from schema.policies.models import AgencyPolicy
from schema.policies.rules import DEFAULT
from server.database import Database, DatabaseRole, opened
from server.ingestion.channels import NoticeItem, NoticeOutcome
from server.notices import LOOK, Composer, Dispatcher, item_of
from tests import feeding

AFTERNOON = datetime(2026, 11, 24, 15, tzinfo=ZoneInfo("Asia/Jakarta"))
TODAY = date(2026, 11, 24)
NIPS = [f"19900101201503{n:04}" for n in range(4)]
Answer = Callable[[NoticeItem], NoticeOutcome]


def delivered(item: NoticeItem) -> NoticeOutcome:
    return NoticeOutcome(id=item.id, state="delivered")


def retried(item: NoticeItem) -> NoticeOutcome:
    return NoticeOutcome(id=item.id, state="retry", detail="421 too busy")


class FakeChannels:
    """Stands for the channels of plugins: answers each notice as told."""

    def __init__(self, answer: Answer = delivered) -> None:
        self.answer = answer
        self.calls: list[tuple[UUID, Sequence[NoticeItem]]] = []

    async def deliver_notices(
        self, installation: UUID, items: Sequence[NoticeItem]
    ) -> list[NoticeOutcome]:
        self.calls.append((installation, items))
        return [self.answer(one) for one in items]

    @property
    def sent(self) -> list[NoticeItem]:
        return [one for _, items in self.calls for one in items]


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = AFTERNOON

    def __call__(self) -> datetime:
        return self.now

    def goes(self, **span: float) -> None:
        self.now += timedelta(**span)


class Office:
    """An agency with a channel, people, and a notice to each of them."""

    def __init__(self, channels: FakeChannels) -> None:
        self.channels, self.clock = channels, Clock()
        self.dispatcher = Dispatcher(channels=channels, clock=self.clock, spread=lambda: 1.0)

    async def works(self) -> int:
        """Steps until nothing is due. How many parcels there were."""
        parcels = 0
        while await self.dispatcher.step() < LOOK:
            parcels += 1
            assert parcels < 50
        return parcels


async def notified(agency: Any, nip: str, channel: Any, **given: Any) -> NoticeDelivery:
    person = await feeding.employee(agency, nip, **given)
    notice = await Notice.create(
        agency=agency,
        employee=person,
        kind=NoticeKind.NUDGE,
        day=TODAY,
        subject="Catatan kerja",
        body="Belum terisi",
        facts={"waiting": 1},
        created_at=AFTERNOON,
    )
    return await NoticeDelivery.create(notice=notice, installation_id=channel.id, due_at=AFTERNOON)


async def channel_of(agency: Any, title: str = "Surel", **given: Any) -> Installation:
    return await feeding.installation(agency, plugin="surel", title=title, **given)


@pytest.fixture
async def office(fresh_database: Database) -> AsyncIterator[Office]:
    """Prepared as the owner, then opened as the worker."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        channel = await channel_of(agency)
        for nip in NIPS:
            await notified(agency, nip, channel)
    async with opened(fresh_database, DatabaseRole.WORKER):
        yield Office(FakeChannels())


async def test_notices_reach_their_channel_once_and_are_noted(office: Office) -> None:
    assert await office.works() == 1
    assert await office.works() == 0

    (first, *_) = office.channels.sent
    assert sorted(one.to.nip for one in office.channels.sent) == NIPS
    assert (first.kind, first.subject, first.day) == ("nudge", "Catatan kerja", TODAY)
    assert (first.to.address, first.facts) == (None, {"waiting": 1})
    assert {one.id for one in office.channels.sent} == {str(row.id) for row in await Notice.all()}
    rows = await NoticeDelivery.all()
    assert {(row.state, row.attempts, row.delivered_at) for row in rows} == {
        (DeliveryState.DELIVERED, 1, AFTERNOON)
    }
    assert asdict(await counts(office.clock())) == {"waiting": 0, "delivered": 4, "failed": 0}


@pytest.mark.parametrize(
    ("name", "shown"), [("Sari\r\nBcc: x", "Sari Bcc: x"), ("\t", NIPS[0]), ("Sari", "Sari")]
)
def test_a_recipients_name_is_one_line(name: str, shown: str) -> None:
    sending = delivering.Sending(
        delivery_id=UUID(int=1), attempts=1, notice_id=UUID(int=2), kind=NoticeKind.NUDGE,
        name=name, nip=NIPS[0], address=None, subject="x", body="x", day=TODAY, facts={},
    )  # fmt: skip

    assert item_of(sending).to.name == shown


async def test_one_that_is_refused_or_unanswered_does_not_hold_up_the_others(
    office: Office,
) -> None:
    def answer(item: NoticeItem) -> NoticeOutcome:
        if item.to.nip == NIPS[0]:
            return NoticeOutcome(id=item.id, state="refused", detail="no address")
        if item.to.nip == NIPS[1]:
            return replace(retried(item), retry_after=timedelta(minutes=10))
        return replace(delivered(item), id="another" if item.to.nip == NIPS[2] else item.id)

    office.channels.answer = answer
    await office.works()

    by_nip = {(await row.notice).employee_id: row for row in await NoticeDelivery.all()}
    rows = [by_nip[(await Employee.get(nip=nip)).id] for nip in NIPS]
    assert [(row.state, row.problem) for row in rows] == [
        (DeliveryState.FAILED, "no address"),
        (DeliveryState.WAITING, "421 too busy"),
        (DeliveryState.WAITING, "the channel did not answer for it"),
        (DeliveryState.DELIVERED, None),
    ]
    assert [row.due_at - AFTERNOON for row in rows[1:3]] == [
        timedelta(minutes=10),
        timedelta(minutes=1),
    ]
    assert (await Installation.get()).failures == 0
    assert await ConnectorProblem.all().count() == 0
    assert asdict(await counts(office.clock())) == {"waiting": 0, "delivered": 1, "failed": 1}


async def test_a_channel_that_takes_nothing_opens_its_breaker_and_is_told_of(
    office: Office,
) -> None:
    office.channels.answer = retried
    for _ in range(5):
        await office.works()
        office.clock.goes(minutes=20)

    channel = await Installation.get()
    assert channel.breaker is BreakerState.OPEN
    assert {row.code for row in await ConnectorProblem.all()} >= {ProblemCode.BREAKER_OPEN}

    office.channels.answer = delivered
    office.clock.goes(minutes=50)
    await office.works()
    assert {row.state for row in await NoticeDelivery.all()} == {DeliveryState.DELIVERED}


async def test_a_channel_that_refuses_everybody_is_a_problem_until_it_takes_one(
    fresh_database: Database,
) -> None:
    def refused(item: NoticeItem) -> NoticeOutcome:
        return NoticeOutcome(id=item.id, state="refused", detail="400 no such channel")

    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        channel = await channel_of(agency)
        for nip in NIPS[:3]:
            await notified(agency, nip, channel)
        office = Office(FakeChannels(refused))
        await office.works()

        problem = await ConnectorProblem.get()
        assert problem.code is ProblemCode.SERVICE_ANSWERS_WRONGLY
        assert problem.detail == "all 3 notices of a parcel were refused: 400 no such channel"
        assert (await Installation.get()).failures == 0

        office.channels.answer = delivered
        await notified(agency, NIPS[3], channel)
        await office.works()
        assert (await ConnectorProblem.get()).resolved_at is not None


async def test_what_was_tried_too_often_is_given_up_with_its_problem(office: Office) -> None:
    office.channels.answer = lambda item: (
        retried(item) if item.to.nip == NIPS[0] else delivered(item)
    )
    for _ in range(MOST_ATTEMPTS):
        await office.works()
        await Installation.all().update(failures=0)
        await NoticeDelivery.filter(state=DeliveryState.WAITING).update(due_at=office.clock())

    (row,) = await NoticeDelivery.exclude(state=DeliveryState.DELIVERED)
    assert (row.state, row.problem) == (DeliveryState.FAILED, "421 too busy")
    assert row.attempts == MOST_ATTEMPTS
    problem = await ConnectorProblem.get(code=ProblemCode.SERVICE_UNREACHABLE)
    assert "1 notices given up" in problem.detail


async def test_a_worker_that_dies_leaves_its_notices_to_another(office: Office) -> None:
    taken = await take(office.clock())
    assert taken is not None
    assert await office.works() == 0

    office.clock.goes(seconds=LEASE.total_seconds())
    await office.works()

    assert len(office.channels.sent) == len(NIPS)
    # The first worker was only slow: what it says now changes nothing.
    late = [delivering.Said(outcome=delivering.Outcome.REFUSED, detail="x") for _ in NIPS]
    await settle(taken, late, office.clock(), lambda: 1.0)
    assert {row.state for row in await NoticeDelivery.all()} == {DeliveryState.DELIVERED}


async def test_quiet_hours_are_kept_when_a_delivery_comes_late(office: Office) -> None:
    """Put off to their end, where that is still on the notice's day."""
    office.clock.now = datetime(2026, 11, 24, 4, 5, tzinfo=ZoneInfo("Asia/Jakarta"))
    await NoticeDelivery.all().update(due_at=office.clock())

    await office.works()

    assert office.channels.sent == []
    rows = await NoticeDelivery.all()
    morning = datetime(2026, 11, 24, 6, 30, tzinfo=ZoneInfo("Asia/Jakarta"))
    assert {(row.due_at, row.attempts) for row in rows} == {(morning, 0)}
    office.clock.now = morning
    await office.works()
    assert len(office.channels.sent) == len(NIPS)


@pytest.mark.parametrize("hours", [4, 15, 24])
async def test_a_notice_whose_day_is_over_is_not_sent(office: Office, hours: int) -> None:
    """Beside the two of the next day it would be the third, of which the policy allows two."""
    office.clock.goes(hours=hours)

    await office.works()

    assert office.channels.sent == []
    rows = await NoticeDelivery.all()
    assert {row.state for row in rows} == {DeliveryState.FAILED}
    assert {str(row.problem) for row in rows} == {delivering.TOO_OLD}


@pytest.mark.parametrize(
    "how",
    [
        {"paused": True},
        {"enabled": False},
        {"halted_at": AFTERNOON},
        {"failures": 5, "next_poll_at": AFTERNOON + timedelta(seconds=30)},
    ],
)
async def test_a_channel_that_is_stopped_is_given_nothing(
    fresh_database: Database, how: dict[str, Any]
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        await notified(agency, NIPS[0], await channel_of(agency, **how))
        other = await channel_of(agency, "Lain")
        person = await Employee.get()
        await Contact.create(employee=person, address="a@contoh.example")
        await NoticeDelivery.create(
            notice=await Notice.get(), installation_id=other.id, due_at=AFTERNOON
        )
        office = Office(FakeChannels())

        await office.works()

        assert [(key, items[0].to.address) for key, items in office.channels.calls] == [
            (other.id, "a@contoh.example")
        ]


async def test_a_kind_muted_meanwhile_and_a_channel_that_raises(fresh_database: Database) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        channel = await channel_of(agency)
        muted, kept = [await notified(agency, nip, channel) for nip in NIPS[:2]]
        person = await Employee.get(nip=NIPS[0])
        await Contact.create(employee=person, muted=[NoticeKind.NUDGE])

        def broken(item: NoticeItem) -> NoticeOutcome:
            raise RuntimeError(item.to.name)

        office = Office(FakeChannels(broken))
        await office.works()

        await muted.refresh_from_db()
        await kept.refresh_from_db()
        assert (muted.state, muted.problem) == (DeliveryState.FAILED, delivering.MUTED)
        # Nothing of the fault's words, which may hold a name.
        assert (kept.state, kept.problem) == (DeliveryState.WAITING, "internal: RuntimeError")


async def test_what_waits_is_not_sent_where_the_policy_allows_none_any_more(
    fresh_database: Database,
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        waiting = await notified(agency, NIPS[0], await channel_of(agency))
        await AgencyPolicy.create(
            agency=agency, starts_on=TODAY, set_by="x", set_at=AFTERNOON,
            **asdict(replace(DEFAULT, notices_per_day=0)),
        )  # fmt: skip
        office = Office(FakeChannels())

        await office.works()

        await waiting.refresh_from_db()
        assert office.channels.sent == []
        assert (waiting.state, waiting.problem) == (DeliveryState.FAILED, delivering.STOPPED)


async def test_the_worker_composes_what_it_sends(fresh_database: Database) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        await channel_of(agency)
        known = {"distribution": "x", "version": "1", "title": "x", "seen_at": AFTERNOON}
        await Plugin.create(
            name="surel", state=PluginState.READY, capabilities=["notices"], **known
        )
        person = await feeding.employee(agency)
        unit = await Unit.create(agency=agency, code="A", name="A", kind="x")
        await Assignment.create(
            employee=person, unit=unit, position="Analis", starts_on=date(2026, 1, 1)
        )
        await AgencyPolicy.create(
            agency=agency,
            set_by="pengelola",
            set_at=AFTERNOON,
            starts_on=date(2026, 1, 1),
            **asdict(replace(DEFAULT, nudge_at=time(15))),
        )
    async with opened(fresh_database, DatabaseRole.WORKER):
        office = Office(FakeChannels())
        composer = Composer(clock=office.clock)

        assert await composer.step() < LOOK
        assert await composer.step() == LOOK
        await office.works()

        assert [one.to.nip for one in office.channels.sent] == [feeding.NIP]
