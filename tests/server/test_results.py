"""Signed appraisals to other services: each at least once, held with its reason, never lost."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from ekinerja_connectors import (
    AuthFailed,
    Fatal,
    Malformed,
    Official,
    Predicate,
    Rating,
    Receipt,
    Result,
    ResultKind,
    Retryable,
    Skippable,
)

from schema.access import Role, Scope
from schema.appraisals import sending
from schema.appraisals.models import Appraisal, AppraisalState, ResultDelivery, SendingState
from schema.appraisals.resending import resend_of, resend_these
from schema.appraisals.sending import AT_ONCE, LEASE
from schema.appraisals.sending_rules import (
    DIED,
    MOST_ATTEMPTS,
    NO_APPRAISER,
)
from schema.errors import DomainError, NotFound
from schema.feeds.models import (
    BreakerState,
    ConnectorProblem,
    Installation,
    Plugin,
    PluginState,
    ProblemCode,
)
from schema.organizations.models import Agency, Assignment, AssignmentKind
from schema.plans.models import EvaluationKind, PerformancePlan, PlanState
from schema.tables import transaction
from server.database import Database, DatabaseRole, opened
from server.ingestion.results import LOOK, ResultSender
from server.plugin_host import PluginBroken, PluginKilled, PluginMissing
from tests import feeding, signed
from tests.feeding import NOON, VAULT, FakePlugins
from tests.statement_count import counted

PEOPLE = 3
Sent = Callable[[Result], Receipt]


def nip_of(number: int) -> str:
    return f"19900101201503{number:04}"


class Service:
    """A service behind fake plugins, a sender, and time that the test moves."""

    def __init__(self) -> None:
        self.now = NOON
        self.answer: Sent = lambda result: Receipt(reference=f"S-{result.id}", at=self.now)
        self.plugins = FakePlugins(capabilities=("results",), send=lambda one: self.answer(one))
        self.sender = ResultSender(
            plugins=self.plugins, vault=VAULT, clock=lambda: self.now, spread=lambda: 1.0
        )

    @property
    def sent(self) -> list[str]:
        return [one.id for one in self.plugins.sent]

    def raises(self, error: Exception, *ids: UUID) -> None:
        """Instead of an answer, for these results or for all."""
        wrong = {str(one) for one in ids}

        def answer(result: Result) -> Receipt:
            if wrong and result.id not in wrong:
                return Receipt(reference=f"S-{result.id}", at=self.now)
            raise error

        self.answer = answer

    async def works(self) -> int:
        """Steps until nothing is due. How many parcels there were."""
        parcels = 0
        while await self.sender.step() < LOOK:
            parcels += 1
            assert parcels < 50
        return parcels

    def goes(self, **span: float) -> None:
        self.now += timedelta(**span)


async def queued(*rows: Any) -> None:
    async with transaction() as connection:
        await sending.queue(connection, [row.id for row in rows], NOON)


async def plugin(name: str, *capabilities: str) -> None:
    await Plugin.create(
        name=name,
        distribution=name,
        version="1",
        title=name,
        capabilities=list(capabilities),
        state=PluginState.READY,
        seen_at=NOON,
    )


@pytest.fixture
async def service(fresh_database: Database) -> AsyncIterator[Service]:
    """Three results in the outbox of one connector; prepared as the owner, opened as the worker."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        office = await signed.office(agency)
        await signed.ranked(office.boss, "IV/a", NOON)
        await plugin("fake", "polling", "results")
        await plugin("surel", "notices")
        await feeding.installation(agency)
        await feeding.installation(agency, title="Mati", enabled=False)
        await feeding.installation(agency, plugin="surel", title="Surel")
        await feeding.installation(await feeding.agency("INST-B"), title="Lain")
        rows = [await signed.signed(office, nip_of(n), NOON) for n in range(PEOPLE)]
        await queued(*rows)
        await queued(*rows)  # once is enough
    async with opened(fresh_database, DatabaseRole.WORKER):
        yield Service()


async def states() -> dict[SendingState, int]:
    rows = await ResultDelivery.all()
    return {one: sum(row.state is one for row in rows) for one in {row.state for row in rows}}


async def open_problems() -> dict[ProblemCode, str]:
    return {one.code: one.detail for one in await ConnectorProblem.filter(resolved_at=None)}


async def test_each_result_reaches_the_connectors_that_take_results_once(
    service: Service,
) -> None:
    assert await service.works() == 1
    assert await service.works() == 0

    rows = await ResultDelivery.all()
    (source,) = {row.installation_id for row in rows}
    assert (await Installation.get(id=source)).title == "Layanan"
    assert len(rows) == len(service.sent) == PEOPLE
    assert {(row.state, row.attempts, row.received_at, row.retry_at) for row in rows} == {
        (SendingState.RECEIVED, 1, NOON, None)
    }
    assert {row.reference for row in rows} == {f"S-{row.appraisal_id}" for row in rows}
    assert await sending.counts() == sending.Counts(waiting=0, failed=0)
    first = min(service.plugins.sent, key=lambda one: one.employee.nip)
    assert first == Result(
        id=first.id,
        kind=ResultKind.FINAL,
        year=2026,
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31),
        employee=Official(
            nip=nip_of(0), name="Pegawai 00", position="Arsiparis", unit="Bagian Umum"
        ),
        appraiser=Official(
            nip=signed.BOSS,
            name="Dewi Gunadi",
            position="Kepala Bagian",
            unit="Bagian Umum",
            rank="IV/a",
        ),
        work=Rating.MEETS,
        behaviour=Rating.MEETS,
        predicate=Predicate.GOOD,
    )


async def test_worker_that_dies_before_the_receipt_sends_the_same_result_again(
    service: Service,
) -> None:
    def dies(result: Result) -> Receipt:
        raise asyncio.CancelledError

    service.answer = dies
    with pytest.raises(asyncio.CancelledError):
        await service.sender.step()
    (begun,) = service.sent
    service.raises(Fatal("never"), UUID(int=0))

    await service.works()
    assert begun not in service.sent[1:]  # whether it arrived is not known: its lease decides
    service.now += LEASE
    await service.works()

    assert service.sent.count(begun) == 2
    assert await states() == {SendingState.RECEIVED: PEOPLE}
    row = await ResultDelivery.get(appraisal_id=begun)
    assert (row.attempts, row.reference) == (2, f"S-{begun}")


async def test_service_that_is_away_is_probed_and_then_gets_everything(service: Service) -> None:
    service.raises(Retryable("503"))
    probes = 0
    for _ in range(120):  # an hour
        probes += await service.works()
        service.goes(seconds=30)

    source = await Installation.get(title="Layanan")
    assert source.breaker is BreakerState.OPEN
    assert ProblemCode.BREAKER_OPEN in await open_problems()
    assert 10 <= probes == len(service.sent) <= 40
    assert await states() == {SendingState.WAITING: PEOPLE}
    service.raises(Fatal("never"), UUID(int=0))
    for _ in range(8):
        service.goes(minutes=30)
        await service.works()

    assert await states() == {SendingState.RECEIVED: PEOPLE}
    assert await open_problems() == {}


async def test_one_refused_result_holds_up_no_other_and_is_sent_again_when_asked(
    fresh_database: Database,
) -> None:
    many = 100
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        office = await signed.office(agency)
        await plugin("fake", "results")
        await feeding.installation(agency)
        rows = [await signed.signed(office, nip_of(n), NOON) for n in range(many)]
        await queued(*rows)
        scope = await feeding.administrator(agency)
        stranger = await feeding.administrator(await feeding.agency("INST-B"))
    service, refused = Service(), rows[7].id
    service.raises(Malformed("NIP tidak ditemukan"), refused)

    async with opened(fresh_database, DatabaseRole.WORKER):
        assert await service.works() == many // AT_ONCE

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert await states() == {SendingState.RECEIVED: many - 1, SendingState.FAILED: 1}
        row = await ResultDelivery.get(appraisal_id=refused)
        assert row.message == "Malformed: NIP tidak ditemukan"
        assert "tidak ditemukan" in (await open_problems())[ProblemCode.RESULTS_HELD]
        received = await ResultDelivery.filter(state=SendingState.RECEIVED).first()
        assert received is not None
        with pytest.raises(NotFound):
            await resend_of(stranger, row.installation_id, NOON)
        of_stranger = await resend_these(stranger, [row.id], NOON)
        assert (of_stranger.resent, list(of_stranger.refused)) == (0, [0])
        done = await resend_these(scope, [row.id, received.id, None], NOON)
        assert (done.resent, list(done.refused)) == (1, [1, 2])
        assert await open_problems() == {}
        nothing = await resend_of(scope, row.installation_id, NOON, unsent=True)
        assert (nothing.resent, nothing.remaining) == (0, 0)
        later = await feeding.installation(agency, title="Dipasang kemudian")
        first = await resend_of(scope, later.id, NOON, most=60, unsent=True)
        assert (first.resent, first.remaining) == (60, 40)
        other = await feeding.installation(agency, plugin="surel", title="Surel")
        with pytest.raises(DomainError, match="takes no results"):
            await resend_of(scope, other.id, NOON)
    service.raises(Fatal("never"), UUID(int=0))
    async with opened(fresh_database, DatabaseRole.WORKER):
        await service.works()
        assert await states() == {SendingState.RECEIVED: many + 60}
        assert service.sent.count(str(refused)) in (2, 3)  # and to the other connector, if among 60


# What is raised, what becomes of the one that met it and of the others, its attempts, the problem.
FAULTS: list[tuple[Exception, SendingState, bool, int, ProblemCode | None]] = [
    (Skippable("tahunan saja"), SendingState.SKIPPED, True, 1, None),
    (Malformed("odd"), SendingState.FAILED, True, 1, ProblemCode.RESULTS_HELD),
    (Fatal("no koefisien"), SendingState.FAILED, True, 1, ProblemCode.RESULTS_HELD),
    (Retryable("sibuk"), SendingState.WAITING, False, 1, None),
    (PluginKilled("hung"), SendingState.WAITING, False, 1, None),
    (PluginBroken("fake", "bug"), SendingState.WAITING, False, 1, ProblemCode.PLUGIN_BROKEN),
    (AuthFailed("401"), SendingState.WAITING, False, 0, ProblemCode.CREDENTIALS_REFUSED),
    (PluginMissing("fake", "-"), SendingState.WAITING, False, 0, ProblemCode.PLUGIN_MISSING),
    (ZeroDivisionError("ours"), SendingState.WAITING, False, 1, None),
]


async def test_fault_has_its_consequence_for_the_result_and_for_the_others(
    service: Service,
) -> None:
    for error, state, others, attempts, problem in FAULTS:
        await ResultDelivery.all().update(
            state=SendingState.WAITING, attempts=0, retry_at=None, received_at=None
        )
        source = Installation.filter(title="Layanan")
        await source.update(failures=0, next_poll_at=NOON, breaker=BreakerState.CLOSED)
        await ConnectorProblem.all().update(resolved_at=NOON)
        (first, *_) = sorted(await ResultDelivery.all(), key=lambda one: one.id)
        service.raises(error, first.appraisal_id)

        await service.sender.step()

        rows = {row.id: row for row in await ResultDelivery.all()}
        found = rows.pop(first.id)
        assert (found.state, found.attempts) == (state, attempts), error
        beside = SendingState.RECEIVED if others else SendingState.WAITING
        assert {row.state for row in rows.values()} == {beside}, error
        assert {row.attempts for row in rows.values()} == {1 if others else 0}, error
        assert set(await open_problems()) == ({problem} if problem else set()), error
        paused = (await Installation.get(title="Layanan")).failures > 0
        assert paused is not others, error


@pytest.mark.slow
async def test_service_of_another_shape_fails_a_few_results_and_not_all(
    fresh_database: Database,
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        office = await signed.office(agency)
        await plugin("fake", "results")
        await feeding.installation(agency)
        await queued(*[await signed.signed(office, nip_of(n), NOON) for n in range(8)])
    service = Service()
    service.raises(Fatal("unknown shape"))

    async with opened(fresh_database, DatabaseRole.WORKER):
        await service.works()
        assert await states() == {SendingState.FAILED: 5, SendingState.WAITING: 3}
        assert ProblemCode.SERVICE_ANSWERS_WRONGLY in await open_problems()
        service.goes(minutes=16)
        await service.works()
        assert await states() == {SendingState.FAILED: 6, SendingState.WAITING: 2}


async def test_what_cannot_be_said_is_held_with_its_reason_and_nothing_is_invented(
    fresh_database: Database,
) -> None:
    span = (date(2025, 7, 1), date(2026, 6, 30))
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        office = await signed.office(agency, span)
        await plugin("fake", "results")
        await feeding.installation(agency)
        top = await signed.signed(office, nip_of(0), NOON, appraiser=None)
        spanning = await signed.signed(office, nip_of(1), NOON, kind=EvaluationKind.QUARTERLY)
        worn = await signed.signed(office, nip_of(2), NOON)
        await queued(top, spanning, worn)
        await ResultDelivery.filter(appraisal=worn).update(attempts=MOST_ATTEMPTS)
    service = Service()

    async with opened(fresh_database, DatabaseRole.WORKER):
        await service.works()

        found = {row.appraisal_id: row for row in await ResultDelivery.all()}
        assert found[top.id].message == f"Malformed: {NO_APPRAISER}"
        assert (found[worn.id].state, found[worn.id].message) == (SendingState.FAILED, DIED)
        (sent,) = service.plugins.sent
        assert (sent.year, sent.starts_on, sent.ends_on) == (2026, *span)
        assert (sent.kind, sent.id) == (ResultKind.QUARTERLY, str(spanning.id))
        # Not the service's doing: nothing is known of it by what was never sent.
        assert set(await open_problems()) == {ProblemCode.RESULTS_HELD}


async def acting(row: Appraisal) -> Appraisal:
    """The final appraisal of an acting post from 1 July, of whoever has this one."""
    july = date(2026, 7, 1)
    post = await Assignment.create(
        employee_id=row.employee_id, unit_id=row.unit_id, appraiser_id=row.appraiser_id,
        position="Plt. Kepala Seksi", kind=AssignmentKind.PLT, starts_on=july,
    )  # fmt: skip
    plan = await PerformancePlan.create(
        period_id=row.plan.period_id, employee_id=row.employee_id, assignment=post,
        starts_on=july, ends_on=row.plan.ends_on, state=PlanState.APPROVED,
    )  # fmt: skip
    return await Appraisal.create(
        agency_id=row.agency_id, employee_id=row.employee_id, plan=plan,
        evaluation_period_id=row.evaluation_period_id, unit_id=row.unit_id,
        appraiser_id=row.appraiser_id, heads_unit=False, starts_on=july, ends_on=plan.ends_on,
        state=AppraisalState.SIGNED, work_rating="BELOW", behaviour_rating="BELOW",
        predicate="VERY_POOR", rated_by=row.rated_by, rated_at=NOON, signed_at=NOON,
    )  # fmt: skip


async def test_an_acting_post_is_not_sent_in_place_of_the_definitive_one(
    service: Service, fresh_database: Database
) -> None:
    """Plt. from 1 July beside the post of the year; somebody else acts only, and is sent."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        one = await Appraisal.filter(employee__nip=nip_of(0)).first().prefetch_related("plan")
        other = await Appraisal.filter(employee__nip=nip_of(1)).first().prefetch_related("plan")
        assert one is not None
        assert other is not None
        await Assignment.filter(id=other.plan.assignment_id).update(kind=AssignmentKind.PLH)
        rows = [await acting(one), other]
        agency = await Agency.get(id=one.agency_id)
        later = await feeding.installation(agency, title="Kemudian")
        await queued(*rows)
        scope = Scope(subject="x", grants=frozenset({(one.agency_id, Role.ADMINISTRATOR)}))
        unsent = await resend_of(scope, later.id, NOON, unsent=True)
        assert await ResultDelivery.filter(appraisal=rows[0]).count() == 0
        assert await ResultDelivery.filter(appraisal=other, installation=later).count() == 1
        assert (unsent.resent, unsent.remaining) == (2, 0)  # the two that were signed before


@pytest.mark.slow
async def test_thousand_results_are_queued_at_once_and_sent_by_few_statements_each(
    fresh_database: Database,
) -> None:
    many = 1_000
    async with opened(fresh_database, DatabaseRole.OWNER):
        agency = await feeding.agency()
        office = await signed.office(agency)
        await plugin("fake", "results")
        await feeding.installation(agency)
        keys = await signed.crowd(office, many)
    service = Service()

    async with counted(fresh_database) as (database, statements):
        async with opened(database, DatabaseRole.APPLICATION), transaction() as connection:
            await sending.queue(connection, keys, NOON)
            queued_by = sum(n for text, n in statements.by_text.items() if "appraisal" in text)
        async with opened(database, DatabaseRole.WORKER):
            before = statements.by_text.total()
            parcels = await service.works()
            sent_by = statements.by_text.total() - before
            assert await states() == {SendingState.RECEIVED: many}

    assert (queued_by, parcels) == (2, many // AT_ONCE)
    # Of each result a transaction of one statement; of each parcel four that take it, one that
    # reads its connector, and ten that say that it works.
    assert sent_by <= 3 * many + 20 * parcels
