"""Random cascades: how they are drawn, and stored in bulk.

A cascade is a graph without cycles: a child is drawn after its parents.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

from schema.access import Scope
from schema.organizations.models import Agency, Employee, Unit
from schema.organizations.viewers import scope_of
from schema.plans.loading import save_case
from schema.policies.models import AgencyPolicy
from schema.policies.rules import Policy
from schema.progress import daily_logs
from schema.progress.models import ProgressRecord, RecordState
from schema.progress.placing import Place
from schema.progress.service import Confirmation
from schema.tables import transaction
from schema.targets.models import (
    Accumulation,
    Aspect,
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Polarity,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
)
from schema.targets.rolling import roll
from schema.values import uuid7
from tests.factories import NOW, PROOF, case_of, person

BATCH = 500
FIRST = datetime(2026, 1, 5, tzinfo=UTC)
"""07.00 WIB; an employee's records follow each other every ten minutes from here on."""
TEN_MINUTES = timedelta(minutes=10)
SPREAD = ("0", "1", "2", "3", "7", "12.5", "0.000001", "33.333333", "999999999999.999999")
"""Numbers that divide badly, are nothing, or fill the column."""


@dataclass(slots=True)
class Number:
    """An indicator as drawn; `into` is the target and place of the one that it flows into."""

    polarity: Polarity
    accumulation: Accumulation
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    baseline: Decimal | None = None
    into: tuple[int, int] | None = None


@dataclass(slots=True)
class Node:
    """A target as drawn: its numbers, or its stages by their weights.

    A shared one is the unit's, in which everybody holds a post.
    """

    owner: int
    numbers: list[Number] = field(default_factory=list)
    stages: list[Decimal | None] = field(default_factory=list)
    shared: bool = False


@dataclass(slots=True)
class Edge:
    parent: int
    child: int
    kind: EdgeKind
    weight: Decimal | None = None
    primary: bool = True


@dataclass(slots=True)
class Step:
    """One pending record: whose, and what it is meant to move."""

    owner: int
    node: int
    number: int | None = None
    quantity: Decimal | None = None
    stage: int | None = None


@dataclass(slots=True)
class Cascade:
    people: int
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    left: dict[int, Decimal] = field(default_factory=lambda: defaultdict(lambda: Decimal(100)))

    def join(self, parent: int, child: int, kind: EdgeKind, weight: Decimal | None = None) -> None:
        primary = not any(edge.child == child for edge in self.edges[-2:])
        if weight is not None:
            self.left[parent] -= weight
        self.edges.append(Edge(parent, child, kind, weight, primary))


def drawn(choice: Random, size: int, people: int) -> Cascade:
    """A random cascade: several roots, levels upon levels, and children of two parents."""
    cascade = Cascade(people)
    for child in range(size):
        cascade.nodes.append(_node(choice, people))
        if child == 0 or choice.random() < 0.02:
            continue
        # Mostly near ones, so that it goes deep; sometimes any, so that it goes wide.
        near = max(0, child - choice.choice((3, 10, size)))
        parent = choice.randrange(near, child)
        _join(choice, cascade, parent, child, choice.choice(list(EdgeKind)))
        other = choice.randrange(child)
        if other != parent and choice.random() < 0.25:
            _join(choice, cascade, other, child, EdgeKind.WEIGHTED)
    return cascade


def _node(choice: Random, people: int) -> Node:
    node = Node(choice.randrange(people))
    if choice.random() < 0.2:
        weighed = choice.random() < 0.5
        for _ in range(choice.randint(1, 4)):
            node.stages.append(Decimal(choice.randint(1, 99_999)) / 10_000 if weighed else None)
    # Staged work may have a number too: it is shown and does not count.
    for _ in range(choice.choice((0, 1, 1, 2, 3)) if not node.stages else choice.choice((0, 0, 1))):
        node.numbers.append(_number(choice))
    node.shared = not node.stages and choice.random() < 0.3
    return node


def _number(choice: Random) -> Number:
    polarity = choice.choice(list(Polarity))
    number = Number(polarity, choice.choice(list(Accumulation)))
    if polarity is Polarity.RANGE:
        low, high = sorted(Decimal(choice.choice(SPREAD)) for _ in range(2))
        number.minimum = low if choice.random() < 0.8 else None
        number.maximum = high if choice.random() < 0.8 else None
        return number
    number.planned = Decimal(choice.choice(SPREAD)) if choice.random() < 0.95 else None
    number.baseline = Decimal(choice.choice(SPREAD)) if choice.random() < 0.5 else None
    return number


def _join(choice: Random, cascade: Cascade, parent: int, child: int, kind: EdgeKind) -> None:
    weight = None
    if kind is EdgeKind.WEIGHTED:
        left = cascade.left[parent]
        wanted = Decimal(choice.choice((10_000, 333_333, 125_000, 400_000, 1, 1_000_000))) / 10_000
        weight = left if wanted > left and choice.random() < 0.5 else wanted
        if not 0 < weight <= left:
            kind, weight = EdgeKind.INDIRECT, None
    cascade.join(parent, child, kind, weight)
    if kind is EdgeKind.DIRECT:
        for number in cascade.nodes[child].numbers:
            fitting = [
                place
                for place, above in enumerate(cascade.nodes[parent].numbers)
                if above.accumulation is number.accumulation
            ]
            if fitting:
                number.into = (parent, choice.choice(fitting))


def steps_of(choice: Random, cascade: Cascade, many: int) -> list[Step]:
    """Records to confirm: any indicator, with any number, and stages in their order."""
    steps: list[Step] = []
    ended: dict[int, int] = defaultdict(int)
    while len(steps) < many:
        key = choice.randrange(len(cascade.nodes))
        node = cascade.nodes[key]
        if node.stages and ended[key] < len(node.stages):
            steps.append(Step(node.owner, key, stage=ended[key]))
            ended[key] += 1
        elif node.numbers:
            place, amount = choice.randrange(len(node.numbers)), Decimal(choice.choice(SPREAD))
            owner = choice.randrange(cascade.people) if node.shared else node.owner
            steps.append(Step(owner, key, number=place, quantity=amount))
    return steps


@dataclass(slots=True)
class Stored:
    """A cascade in the database: rows by the places of what was drawn."""

    agency: Agency
    people: list[Employee]
    scopes: list[Scope]
    targets: list[Target]
    indicators: dict[tuple[int, int], UUID]
    stages: dict[tuple[int, int], UUID]
    records: list[ProgressRecord] = field(default_factory=list)

    def place(self, step: Step) -> Place:
        return Place(
            target_id=self.targets[step.node].id,
            indicator_id=None if step.number is None else self.indicators[step.node, step.number],
            quantity=step.quantity,
            stage_id=None if step.stage is None else self.stages[step.node, step.stage],
        )

    def confirmation(self, step: Step, record: int) -> Confirmation:
        proof = () if step.stage is None else (PROOF,)
        return Confirmation(record_id=self.records[record].id, place=self.place(step), proof=proof)


async def store(
    cascade: Cascade,
    steps: Sequence[Step] = (),
    *,
    agency: int = 0,
    cap: str | None = None,
    missing_counts_as_zero: bool = False,
) -> Stored:
    """Store a cascade and a pending record for each step, in bulk and as the owner."""
    nips = [f"19880101201503{agency * 100 + number:04}" for number in range(cascade.people)]
    held = await _agency(f"D{agency}", nips)
    if cap is not None or missing_counts_as_zero:
        await set_policy(held, cap or "120", missing_counts_as_zero=missing_counts_as_zero)
    period = await Period.get(agency=held)
    people = {row.nip: row for row in await Employee.filter(agency=held)}
    stored = Stored(held, [people[nip] for nip in nips], [], [], {}, {})
    stored.scopes = [await scope_of(nip) for nip in nips]
    await _store_targets(cascade, stored, period)
    await _store_records(stored, steps)
    return stored


async def _agency(code: str, nips: Sequence[str]) -> Agency:
    case = {
        "agency": f"Dinas {code}",
        "agency_code": code,
        "year": 2026,
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "units": [{"code": "A", "parent": None, "name": "Dinas", "level": "dinas"}],
        "employees": [
            person(nip, f"Pegawai {n}", "A", nips[0] if n else None) for n, nip in enumerate(nips)
        ],
        "targets": [],
    }
    await save_case(case_of(case))
    return await Agency.get(code=code)


async def set_policy(agency: Agency, cap: str, *, missing_counts_as_zero: bool) -> None:
    policy = Policy(
        achievement_cap=Decimal(cap),
        missing_counts_as_zero=missing_counts_as_zero,
        action_plans_required=False,
    )
    await AgencyPolicy.create(
        agency=agency,
        starts_on=FIRST.date().replace(day=1),
        set_by="pengelola",
        set_at=NOW,
        **asdict(policy),
    )


async def _store_targets(cascade: Cascade, stored: Stored, period: Period) -> None:
    unit = await Unit.get(agency=stored.agency)
    for place, node in enumerate(cascade.nodes):
        target = Target(
            agency=stored.agency,
            period=period,
            code=f"T{place}",
            position=place,
            title=f"Hasil {place}",
            kind=TargetKind.STAGED if node.stages else TargetKind.QUANTITATIVE,
            classification=(
                Classification.ORGANIZATION if node.shared else Classification.INDIVIDUAL
            ),
            owner_unit_id=unit.id if node.shared else None,
            owner_employee_id=None if node.shared else stored.people[node.owner].id,
        )
        stored.targets.append(target)
    targets = stored.targets
    await Target.bulk_create(targets, batch_size=BATCH)
    indicators: list[Indicator] = []
    for place, node in enumerate(cascade.nodes):
        for position, number in enumerate(node.numbers):
            stored.indicators[place, position] = uuid7()
            indicators.append(
                Indicator(
                    id=stored.indicators[place, position],
                    target_id=targets[place].id,
                    position=position,
                    aspect=Aspect.QUANTITY,
                    title=f"Angka {position}",
                    unit_of_measure="laporan",
                    polarity=number.polarity,
                    accumulation=number.accumulation,
                    planned=number.planned,
                    minimum=number.minimum,
                    maximum=number.maximum,
                    baseline=number.baseline,
                    contributes_to_id=stored.indicators[number.into] if number.into else None,
                )
            )
    await Indicator.bulk_create(indicators, batch_size=BATCH)
    stages: list[Stage] = []
    for place, node in enumerate(cascade.nodes):
        for position, weight in enumerate(node.stages):
            key = stored.stages[place, position] = uuid7()
            of = {"id": key, "target_id": targets[place].id, "position": position}
            stages.append(Stage(**of, title=f"Tahap {position}", weight=weight))
    await Stage.bulk_create(stages, batch_size=BATCH)
    await _store_edges(cascade.edges, targets)


async def _store_edges(edges: Iterable[Edge], targets: Sequence[Target]) -> None:
    rows = [
        TargetEdge(
            parent_id=targets[edge.parent].id,
            child_id=targets[edge.child].id,
            kind=edge.kind,
            weight=edge.weight,
            primary=edge.primary,
        )
        for edge in edges
    ]
    await TargetEdge.bulk_create(rows, batch_size=BATCH)
    async with transaction() as connection:
        await roll(connection, [row.child_id for row in rows])


async def _store_records(stored: Stored, steps: Sequence[Step]) -> None:
    """The next record of an employee begins where the one before ends; of no two employees two
    end at the same time."""
    taken: dict[int, int] = defaultdict(int)
    for step in steps:
        at = FIRST + taken[step.owner] * TEN_MINUTES + timedelta(seconds=step.owner)
        taken[step.owner] += 1
        stored.records.append(
            ProgressRecord(
                agency=stored.agency,
                employee=stored.people[step.owner],
                day=(at + timedelta(hours=7)).date(),
                starts_at=at,
                ends_at=at + TEN_MINUTES,
                minutes=10,
                description="Menyusun laporan",
                state=RecordState.PENDING,
                created_at=NOW,
            )
        )
    await ProgressRecord.bulk_create(stored.records, batch_size=BATCH)
    days: dict[UUID, set[date]] = defaultdict(set)
    for record in stored.records:
        days[record.employee_id].add(record.day)
    async with transaction() as connection:
        for employee, some in days.items():
            await daily_logs.refresh(connection, employee, some)
