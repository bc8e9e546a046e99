"""A month of work: action plans for what is worked on, and each person's records day by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from schema.plans.action_plans import ActionDraft, save_action_plans
from schema.progress.placing import NOWHERE, Place
from schema.progress.rules import Proof
from schema.progress.service import log_many
from schema.progress.writing import Entry
from server.demo.calendar import Slot
from server.demo.cast import Person, Play
from server.demo.ledger import Noted
from server.demo.works import Measure, Step, Work

ARCHIVE = "https://arsip.example"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a stretch of a day is spent on: a result, perhaps an amount or a stage of it."""

    work: Work | None = None
    measure: Measure | None = None
    amount: Decimal | None = None
    step: Step | None = None


@dataclass(slots=True, kw_only=True)
class Written:
    """An entry, and the record that it became; None while it is held back."""

    person: Person
    slot: Slot
    task: Task
    entry: Entry
    record: UUID | None = None


async def plan_actions(play: Play, person: Person, month: int) -> None:
    """Action plans of the month for the person's own results, a line each."""
    plans: dict[UUID, list[Work]] = {}
    for work in person.own:
        if month in work.months and work.plan is not None:
            plans.setdefault(work.plan, []).append(work)
    now = play.calendar.at(play.calendar.first(month), 8)
    for plan, works in plans.items():
        drafts = [_action(work, month) for work in works]
        await save_action_plans(person.scope, plan, play.evaluations[month], drafts, now)
        play.ledger.counts["action plans"] += len(drafts)


def _action(work: Work, month: int) -> ActionDraft:
    first = work.measures[0] if work.measures else None
    return ActionDraft(
        target_id=work.key(),
        description=f"Bulan {month}: {work.title}"[:400],
        quantity=first.amount(work.months, month) if first else None,
        unit_of_measure=first.unit if first else None,
    )


def tasks_of(person: Person, month: int) -> list[Task]:
    """What the month is to bring: amounts of measures, and a stage that is done."""
    tasks: list[Task] = []
    for work in person.works:
        if month not in work.months:
            continue
        for step in work.steps:
            if step.month == month:
                tasks.append(Task(work=work, step=step))
        for measure in work.measures:
            amount = measure.amount(work.months, month)
            if amount > 0:
                tasks.append(Task(work=work, measure=measure, amount=amount))
    return tasks


def deal(slots: Sequence[Slot], tasks: Sequence[Task], works: Sequence[Work]) -> list[Task]:
    """A task for each stretch of the month, amounts spread over it; the rest is spent on the same
    results without an amount, and now and then on what serves no result."""
    if len(tasks) > len(slots):
        raise AssertionError(f"{len(tasks)} tasks for {len(slots)} stretches of a month")
    placed = {place * len(slots) // len(tasks): task for place, task in enumerate(tasks)}
    return [
        placed.get(place)
        or (Task(work=works[place % len(works)]) if works and place % 9 else Task())
        for place in range(len(slots))
    ]


async def write(play: Play, person: Person, month: int) -> list[Written]:
    """A person's month, in one call but for what is held back to be late."""
    slots = play.calendar.slots(month, person.number)
    works = [work for work in person.works if month in work.months]
    tasks = deal(slots, tasks_of(person, month), works)
    written = [
        Written(person=person, slot=slot, task=task, entry=entry_of(slot, task))
        for slot, task in zip(slots, tasks, strict=True)
    ]
    late = pick(written) if (person.number + month) % 6 == 0 else None
    at_once = [one for one in written if one is not late]
    now = play.calendar.at(play.calendar.last(month), 20)
    records = await log_many(person.scope, [one.entry for one in at_once], now)
    for one, record in zip(at_once, records, strict=True):
        keep(play, one, record.id)
    return written


def pick(written: Sequence[Written]) -> Written | None:
    """A record to be late or mended: one with an amount; stages stay as they are."""
    return next((one for one in written if one.task.amount is not None), None)


def keep(play: Play, one: Written, record: UUID) -> None:
    """Note in the ledger that an entry became a record."""
    one.record = record
    task = one.task
    play.ledger.records[record] = Noted(
        nip=one.person.nip,
        day=one.slot.day,
        minutes=one.slot.minutes,
        ends_at=one.slot.ends_at,
        target=task.work.code if task.work else None,
        measure=task.measure.key if task.measure else None,
        amount=task.amount,
    )
    play.ledger.counts["records"] += 1
    if task.step is not None:
        task.step.done_on = one.slot.day


def entry_of(slot: Slot, task: Task, **more: str) -> Entry:
    """What a person writes for a stretch of the day."""
    if task.work is None:
        return Entry(
            starts_at=slot.starts_at,
            ends_at=slot.ends_at,
            description="Apel, surat masuk dan rapat koordinasi",
            category="Rutin",
            place=NOWHERE,
        )
    code = task.work.code
    proof = [Proof(f"Bukti {code}", f"{ARCHIVE}/{slot.day}")] if task.step or task.amount else []
    return Entry(
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        description=f"Mengerjakan {task.work.title}"[:500],
        place=Place(
            target_id=task.work.key(),
            indicator_id=task.measure.id if task.measure else None,
            quantity=task.amount,
            stage_id=task.step.id if task.step else None,
        ),
        proof=proof,
        late_reason=more.get("late_reason"),
    )
