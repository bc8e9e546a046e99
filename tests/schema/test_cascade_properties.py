"""What must hold of every cascade, tried on random ones: sums, weights, order, bounds, crowds.

Each figure is held against `cascade_figures.expected`, which works it out from the records alone.
"""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Any

import pytest
from tortoise import Tortoise

from schema.progress import service
from schema.progress.models import ProgressRecord
from schema.progress.recomputing import recompute
from schema.targets.models import Accumulation, EdgeKind, Polarity
from schema.targets.rolling import FACTS, facts_of
from schema.targets.rules import Child, achieved_exactly
from schema.values import LARGEST_QUANTITY
from server.database import Database, DatabaseRole, opened
from tests.cascade_figures import expected, kept
from tests.cascades import (
    Cascade,
    Node,
    Number,
    Step,
    Stored,
    drawn,
    set_policy,
    steps_of,
    store,
)
from tests.factories import NOW, entry
from tests.schema.test_statements import counted as statements_of

GUARD = 60.0
"""Seconds after which waiting counts as a deadlock; nothing is timed by it."""
AT_ONCE = service.MOST_AT_ONCE


@asynccontextmanager
async def standing(database: Database, cascade: Cascade, steps: list[Step], **given: Any) -> Any:
    """A cascade with its pending records, opened as the application."""
    async with opened(database, DatabaseRole.OWNER):
        stored = await store(cascade, steps, **given)
    async with opened(database, DatabaseRole.APPLICATION):
        yield stored


async def confirm(stored: Stored, steps: list[Step], order: list[int]) -> None:
    """Confirm the records of these steps in this order, each employee's in one go."""
    for owner, mine in owned(steps, order).items():
        for start in range(0, len(mine), AT_ONCE):
            some = [stored.confirmation(steps[n], n) for n in mine[start : start + AT_ONCE]]
            outcome = await service.confirm_progress(stored.scopes[owner], some, NOW)
            assert outcome.errors == []


def owned(steps: list[Step], order: list[int]) -> dict[int, list[int]]:
    by_owner: dict[int, list[int]] = defaultdict(list)
    for number in order:
        by_owner[steps[number].owner].append(number)
    return by_owner


def shuffled(choice: Random, steps: list[Step]) -> list[int]:
    """Any order, but the stages of one target one after the other, as the rule asks."""
    order = list(range(len(steps)))
    choice.shuffle(order)
    waiting: dict[int, list[int]] = defaultdict(list)
    for number, step in enumerate(steps):
        if step.stage is not None:
            waiting[step.node].append(number)
    return [n if steps[n].stage is None else waiting[steps[n].node].pop(0) for n in order]


async def percents() -> dict[Any, Decimal | None]:
    """What each target has reached as the read path works it out, from the edges as kept."""
    statement = FACTS.replace("{chosen}", "SELECT id FROM target")
    rows = await Tortoise.get_connection("default").execute_query_dict(statement, [])
    names = await Tortoise.get_connection("default").execute_query_dict(
        "SELECT id, agency_id, code FROM target", []
    )
    of = {row["id"]: ("reached", row["agency_id"], row["code"]) for row in names}
    return {
        of[key]: achieved_exactly(
            facts.indicators,
            facts.stages,
            [Child(weight=edge.weight, achieved=edge.achieved) for edge in facts.children],
            facts.policy,
        )
        for key, facts in facts_of(rows).items()
    }


async def assert_exact(**given: Any) -> dict[Any, Any]:
    """All that is kept is what the records make, to the last digit, three times worked out."""
    figures = await kept() | await percents()
    assert figures == await expected(**given)
    assert {kind.kind: kind.differences async for kind in recompute()} == {
        "indicators": [],
        "stages": [],
        "days": [],
        "weighted edges": [],
    }
    return figures


async def correct(choice: Random, stored: Stored, step: Step, number: int) -> ProgressRecord:
    """Another number for the same work."""
    record = stored.records[number]
    place = stored.place(replace(step, quantity=Decimal(choice.randint(0, 50))))
    again = entry(record.starts_at, ends_at=record.ends_at, place=place)
    scope = stored.scopes[step.owner]
    return await service.correct_progress(scope, record.id, again, "Angka salah", NOW)


async def wander(choice: Random, stored: Stored, steps: list[Step], many: int) -> None:
    """Confirm all, some of them many at once, then dismiss and correct at random."""
    await confirm(stored, steps, shuffled(choice, steps))
    numbered = [n for n, step in enumerate(steps) if step.number is not None]
    for number in choice.sample(numbered, min(many, len(numbered))):
        if choice.random() < 0.5:
            await correct(choice, stored, steps[number], number)
        else:
            scope = stored.scopes[steps[number].owner]
            await service.dismiss_progress(scope, stored.records[number].id, "Keliru", NOW)
    staged = [n for n, step in enumerate(steps) if step.stage is not None]
    for number in choice.sample(staged, min(many // 5, len(staged))):
        scope = stored.scopes[steps[number].owner]
        await service.dismiss_progress(scope, stored.records[number].id, "Belum selesai", NOW)


@pytest.mark.parametrize(
    ("seed", "cap", "zero"), [(1, "120", False), (2, "100", True), (3, "1000", False)]
)
async def test_incremental_equals_recomputed_and_stays_within_the_cap(
    fresh_database: Database, seed: int, cap: str, zero: bool
) -> None:
    choice = Random(seed)
    cascade = drawn(choice, 60, 4)
    steps = steps_of(choice, cascade, 60)
    policy = {"cap": cap, "missing_counts_as_zero": zero}
    async with standing(fresh_database, cascade, steps, **policy) as stored:
        await assert_exact(**policy)

        await wander(choice, stored, steps, 15)

        figures = await assert_exact(**policy)
    within(figures, Decimal(cap))


def within(figures: dict[Any, Any], cap: Decimal) -> None:
    """Every percentage at every level is from 0 to the cap, or not known."""
    percentages = [
        value for key, value in figures.items() if key[0] in ("edge", "reached") and value
    ]
    assert percentages
    assert all(0 <= value <= cap for value in percentages)


@pytest.mark.slow
async def test_incremental_equals_recomputed_in_a_cascade_of_2000(
    fresh_database: Database,
) -> None:
    choice = Random(2_000)
    cascade = drawn(choice, 2_000, 20)
    steps = steps_of(choice, cascade, 600)
    async with standing(fresh_database, cascade, steps) as stored:
        await wander(choice, stored, steps, 100)

        figures = await assert_exact()
    within(figures, Decimal(120))
    levels = sum(1 for key, value in figures.items() if key[0] == "edge" and value is not None)
    assert levels > 100


async def test_the_order_of_confirmations_does_not_matter(fresh_database: Database) -> None:
    choice = Random(8)
    cascade = drawn(choice, 40, 3)
    steps = steps_of(choice, cascade, 35)
    async with opened(fresh_database, DatabaseRole.OWNER):
        copies = [await store(cascade, steps, agency=number) for number in range(2)]
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        for copy in copies:
            for number in shuffled(choice, steps):
                await confirm(copy, steps, [number])

        figures = await assert_exact()

    one, other = (
        {(key[0], *key[2:]): value for key, value in figures.items() if key[1] == copy.agency.id}
        for copy in copies
    )
    assert one == other


@pytest.mark.parametrize("size", [40, pytest.param(2_000, marks=pytest.mark.slow)])
async def test_dismissing_undoes_confirming_exactly(fresh_database: Database, size: int) -> None:
    choice = Random(size)
    cascade = drawn(choice, size, 4)
    steps = steps_of(choice, cascade, 60)
    later = shuffled(choice, steps)
    async with standing(fresh_database, cascade, steps) as stored:
        await confirm(stored, steps, list(range(30)))
        before = await kept() | await percents()
        second = [number for number in later if number >= 30]
        await confirm(stored, steps, second)
        between = await kept() | await percents()

        for number in second:
            scope = stored.scopes[steps[number].owner]
            await service.dismiss_progress(scope, stored.records[number].id, "Keliru", NOW)

        assert between != before
        assert await kept() | await percents() == before


def crowd(people: int, rounds: int) -> Cascade:
    """One parent that everybody works under, in two ways, and two levels above it.

    R <- 50 % G <- 60 % P; P (a number) <- each one's D directly, and each one's W by an equal
    weight; every second W is staged, and serves R by 1 % besides.
    """
    cascade = Cascade(people)
    for planned in (7, 7, 7 * people):
        cascade.nodes.append(Node(0, [aim(str(planned))]))
    cascade.join(0, 1, EdgeKind.WEIGHTED, Decimal(50))
    cascade.join(1, 2, EdgeKind.WEIGHTED, Decimal(60))
    share = (Decimal(90) / people).quantize(Decimal("0.0001"), rounding=ROUND_DOWN)
    for owner in range(people):
        direct, weighted = len(cascade.nodes), len(cascade.nodes) + 1
        cascade.nodes.append(Node(owner, [replace(aim("7"), into=(2, 0))]))
        cascade.join(2, direct, EdgeKind.DIRECT)
        staged = owner % 2 == 0
        level = Number(Polarity.FALLING, Accumulation.LATEST, Decimal(3), baseline=Decimal(10))
        cascade.nodes.append(
            Node(owner, stages=[None] * rounds) if staged else Node(owner, numbers=[level])
        )
        cascade.join(2, weighted, EdgeKind.WEIGHTED, share)
        if staged:
            cascade.join(0, weighted, EdgeKind.WEIGHTED, Decimal(1))
    return cascade


def of_a_crowd(cascade: Cascade, rounds: int) -> list[Step]:
    """In each round a record of everybody for their W, then one of everybody for their D."""
    steps = []
    for round_ in range(rounds):
        for owner in range(cascade.people):
            key = 4 + 2 * owner
            staged = bool(cascade.nodes[key].stages)
            level = None if staged else Decimal(9 - round_)
            number, stage = (None, round_) if staged else (0, None)
            steps.append(Step(owner, key, number=number, quantity=level, stage=stage))
        for owner in range(cascade.people):
            steps.append(Step(owner, 3 + 2 * owner, number=0, quantity=Decimal(round_ + 1)))
    return steps


@pytest.mark.parametrize(
    ("people", "rounds"), [(8, 2), pytest.param(24, 3, marks=pytest.mark.slow)]
)
async def test_many_at_once_under_one_parent_lose_nothing(
    fresh_database: Database, people: int, rounds: int
) -> None:
    """Everybody for W; everybody for D; then some take W back while others correct D."""
    cascade = crowd(people, rounds)
    steps = of_a_crowd(cascade, rounds)
    wide = replace(fresh_database, pool_size=25)
    async with standing(wide, cascade, steps) as stored:
        for start in range(0, len(steps), people):
            everybody = range(start, start + people)
            await at_once(*(confirm(stored, steps, [number]) for number in everybody))

            assert await kept() | await percents() == await expected()
        last = len(steps) - 2 * people
        await at_once(
            *(
                service.dismiss_progress(
                    stored.scopes[owner], stored.records[last + owner].id, "Keliru", NOW
                )
                for owner in range(people)
            ),
            *(
                correct(Random(number), stored, steps[number], number)
                for number in range(last + people, len(steps), 2)
            ),
        )

        await assert_exact()


async def at_once(*steps: Coroutine[Any, Any, Any]) -> None:
    async with asyncio.timeout(GUARD):
        await asyncio.gather(*steps)


async def test_a_random_cascade_under_many_hands_at_once_ends_exact(
    fresh_database: Database,
) -> None:
    choice = Random(6)
    cascade = drawn(choice, 40, 10)
    steps = steps_of(choice, cascade, 60)
    wide = replace(fresh_database, pool_size=25)
    async with standing(wide, cascade, steps) as stored:
        mine = owned(steps, list(range(len(steps))))
        await at_once(*(confirm(stored, steps, numbers) for numbers in mine.values()))

        await assert_exact()


async def test_many_of_the_largest_quantity_add_up(fresh_database: Database) -> None:
    # 12 x 10^15 = 12,000,000,000,000,000, of 1 planned: 120 at the cap
    cascade = Cascade(1, [Node(0), Node(0, [aim("1")]), Node(0, [replace(aim("1"), into=(1, 0))])])
    cascade.join(0, 1, EdgeKind.WEIGHTED, Decimal(100))
    cascade.join(1, 2, EdgeKind.DIRECT)
    steps = [Step(0, 2, number=0, quantity=LARGEST_QUANTITY)] * 12
    async with standing(fresh_database, cascade, steps) as stored:
        await confirm(stored, steps, list(range(12)))

        figures = await assert_exact()

    agency = stored.agency.id
    assert figures["number", agency, "T1", 0] == (None, 0, Decimal(12 * 10**15), 12)
    assert figures["reached", agency, "T0"] == Decimal(120)


@pytest.mark.parametrize(("levels", "many"), [(0, 2), (1, 4), (5, 4)])
async def test_rolling_up_takes_as_many_statements_over_five_levels_as_over_one(
    fresh_database: Database, levels: int, many: int
) -> None:
    # Lock the edges above, look again, read what they need, save them; else look only.
    cascade = Cascade(1, [Node(0, [aim("4")]) for _ in range(6)])
    for child in range(6 - levels, 6):
        cascade.join(child - 1, child, EdgeKind.WEIGHTED, Decimal(50))
    steps = [Step(0, 5, number=0, quantity=Decimal(1))]
    async with standing(fresh_database, cascade, steps) as stored:
        with statements_of() as statements:
            await confirm(stored, steps, [0])

        await assert_exact()

    assert len([one for one in statements if "target_edge" in one]) == many


async def test_missing_is_not_zero_unless_the_policy_says_so(fresh_database: Database) -> None:
    # P <- 40 % A (2 of 4), 60 % B (nothing yet).
    cascade = Cascade(1, [Node(0), Node(0, [aim("4")]), Node(0, [aim("4")])])
    cascade.join(0, 1, EdgeKind.WEIGHTED, Decimal(40))
    cascade.join(0, 2, EdgeKind.WEIGHTED, Decimal(60))
    steps = [Step(0, 1, number=0, quantity=Decimal(2)), Step(0, 2, number=0, quantity=Decimal(0))]
    seen = {}
    async with opened(fresh_database, DatabaseRole.OWNER):
        copies = [
            await store(cascade, steps, agency=number, missing_counts_as_zero=number == 1)
            for number in range(2)
        ]
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        for number, copy in enumerate(copies):
            for place in (None, 0, 1):
                if place is not None:
                    await confirm(copy, steps, [place])
                reached = await percents()
                seen[number, place] = [
                    reached["reached", copy.agency.id, f"T{node}"] for node in range(3)
                ]
    assert seen == {
        # missing stays missing: P is None, then 50, then, with a real zero, 50 x 40 / 100 = 20
        (0, None): [None, None, None],
        (0, 0): [Decimal(50), Decimal(50), None],
        (0, 1): [Decimal(20), Decimal(50), Decimal(0)],
        # counted as zero: 0, then 50 x 40 / 100 = 20 from the first number on
        (1, None): [Decimal(0), Decimal(0), Decimal(0)],
        (1, 0): [Decimal(20), Decimal(50), Decimal(0)],
        (1, 1): [Decimal(20), Decimal(50), Decimal(0)],
    }


def aim(planned: str) -> Number:
    return Number(Polarity.RISING, Accumulation.SUM, planned=Decimal(planned))


async def test_a_cap_that_was_lowered_holds_at_every_level(fresh_database: Database) -> None:
    # 9 of 3 is 300 %, kept as 250 under the old cap; under the new one it counts 110 above.
    cascade = Cascade(1, [Node(0), Node(0), Node(0, [aim("3")])])
    cascade.join(0, 1, EdgeKind.WEIGHTED, Decimal(50))
    cascade.join(1, 2, EdgeKind.WEIGHTED, Decimal(50))
    steps = [Step(0, 2, number=0, quantity=Decimal(9))]
    async with standing(fresh_database, cascade, steps, cap="250") as stored:
        await confirm(stored, steps, [0])
        before = await percents()
    async with opened(fresh_database, DatabaseRole.OWNER):
        await set_policy(stored.agency, "110", missing_counts_as_zero=False)
        after = await percents()

    assert set(before.values()) == {Decimal(250)}
    assert set(after.values()) == {Decimal(110)}
