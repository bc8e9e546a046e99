"""Signing, and what follows of it in the same transaction: all of it is there, or nothing is."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from schema.appraisals import sealing, sending
from schema.appraisals import service as appraisals
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalSeal,
    AppraisalState,
    Rating,
    ResultDelivery,
    SendingState,
)
from schema.appraisals.steps import ObjectionOutcome
from schema.consequences import closing, reckoning, rule_sets
from schema.consequences.models import (
    Career,
    Consequence,
    ConsequenceBasis,
    Employment,
    FunctionalLevel,
    RuleKind,
    RuleSet,
)
from schema.consequences.rule_texts import packaged_rules
from schema.errors import DomainError, ErrorCode
from schema.feeds.models import Plugin, PluginState
from schema.organizations.viewers import scope_of
from schema.values import digest_of, uuid7
from tests.appraising import IN_TIME, OVER, RATED_AT, appraisal_of, december, rate, ratings, undone
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    NOW,
    OTHER_STAFF,
    STAFF,
    SUPERVISOR,
    Api,
    World,
    copied_world,
    key_of,
    random_id,
)

SIGN = """mutation ($ids: [ID!]!) { signAppraisals(input: { ids: $ids }) {
  appraisals { id } consequences userErrors { code field } } }"""
KEPT = (
    Appraisal,
    AppraisalEvent,
    AppraisalSeal,
    Consequence,
    ConsequenceBasis,
    ResultDelivery,
    RuleSet,
)
"""The tables that a signature writes."""


async def before_signing(world: World) -> None:
    """The end of the year, in an agency whose connector takes results; one career is known."""
    await december(world)
    await Plugin.create(
        name=world.installation.plugin,
        distribution="ekinerja-srikandi",
        version="1.0",
        title="Srikandi",
        state=PluginState.READY,
        capabilities=["results"],
        settings_schema={},
        seen_at=NOW,
    )
    await Career.create(
        employee=world.people[STAFF],
        starts_on=date(2026, 1, 1),
        employment=Employment.PNS,
        functional_level=FunctionalLevel.PT,
        set_by="pengelola.dc",
        set_at=NOW,
    )


@pytest.fixture(scope="module")
async def world(copies: Copies) -> AsyncIterator[World]:
    """The other staff member has accepted; all else that tests do is undone."""
    async with copied_world(copies, before_signing) as world:
        world.rows["accepted"] = await accepted(world, OTHER_STAFF)
        yield world


async def accepted(world: World, nip: str, period: str = "final") -> Appraisal:
    """Rated GOOD by whoever appraises them, and accepted."""
    above = "other supervisor" if nip == OTHER_STAFF else "supervisor"
    row = await rate(world, above, await appraisal_of(world, nip, period))
    return await appraisals.accept(await scope_of(nip), row.id, row.version, IN_TIME)


async def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows that a signature could write or change."""
    return {model.__name__: await model.all().order_by("id").values() for model in KEPT}


async def signs(world: World, viewer: str, ids: list[str], now: datetime = IN_TIME) -> Any:
    api = Api.of(viewer, now=now, expires_at=now.replace(year=2027))
    return (await api.data(SIGN, ids=ids))["signAppraisals"]


@undone
async def partly(world: World) -> None:
    year = await accepted(world, STAFF)
    month = await accepted(world, COLLEAGUE, "month 1")
    rated = await rate(world, "supervisor", await appraisal_of(world, STAFF, "month 2"))
    objected = await rate(world, "supervisor", await appraisal_of(world, COLLEAGUE))
    await appraisals.object_to(
        await world.scope("colleague"), objected.id, objected.version, "Keliru", IN_TIME
    )
    asked = [
        objected,
        year,
        await appraisal_of(world, SUPERVISOR),
        rated,
        await appraisal_of(world, OTHER_STAFF),
        month,
        await appraisal_of(world, STAFF, "month 3"),
    ]
    ids = [*map(key_of, asked), random_id("Appraisal"), key_of(year)]

    said = await signs(world, "supervisor", ids)

    # What can be signed is, in the order that was asked for, each once.
    assert [one["id"] for one in said["appraisals"]] == [key_of(year), key_of(month)]
    for row in (year, month):
        await row.refresh_from_db()
        assert (row.state, row.signed_by) == (AppraisalState.SIGNED, SUPERVISOR)
    assert {one["field"]: one["code"] for one in said["userErrors"]} == {
        "ids.0": "WRONG_APPRAISAL_STATE",  # an objection waits
        "ids.2": "NOT_ALLOWED",  # their own
        "ids.3": "TOO_EARLY",  # the days to object are not over
        "ids.4": "NOT_FOUND",  # not theirs to see
        "ids.6": "WRONG_APPRAISAL_STATE",  # not rated
        "ids.7": "NOT_FOUND",  # not there
    }
    # Of the final one a weight, credit points, a box and training needs; of the month nothing.
    assert said["consequences"] == 4
    rows = {row.kind: row for row in await Consequence.all()}
    assert {row.employee_id for row in rows.values()} == {year.employee_id}
    # MEETS and ABOVE are GOOD: 80; 12/12 x 100 % x 12.5.
    assert rows[RuleKind.WEIGHT].amount == 80
    assert rows[RuleKind.CREDIT].amount == Decimal("12.5")
    assert rows[RuleKind.TALENT].label == "NO_POTENTIAL"
    assert {row.reckoned_by for row in rows.values()} == {SUPERVISOR}
    # Both are on their way, the others are not.
    sent = await ResultDelivery.all()
    assert {row.appraisal_id for row in sent} == {year.id, month.id}
    assert {(row.state, row.attempts) for row in sent} == {(SendingState.WAITING, 0)}
    assert await AppraisalSeal.all().count() == 2

    before = await everything()
    again = await signs(world, "supervisor", [key_of(year), key_of(month)], OVER)

    assert (again["appraisals"], again["consequences"]) == ([], 0)
    assert [(one["code"], one["field"]) for one in again["userErrors"]] == [
        ("WRONG_APPRAISAL_STATE", "ids.0"),
        ("WRONG_APPRAISAL_STATE", "ids.1"),
    ]
    assert await everything() == before


async def test_what_can_be_signed_is_and_each_of_the_others_is_refused(world: World) -> None:
    before = await everything()

    await partly(world)

    assert await everything() == before


class BrokenOffError(Exception):
    """The process, or the connection, is gone."""


@dataclass(frozen=True)
class Break:
    """Where it is broken off: a function of a module, before what it does or behind it."""

    module: Any
    name: str
    behind: bool


BREAKS = [
    Break(sealing, "digest_of", behind=True),
    Break(sending, "queue", behind=False),
    Break(sending, "queue", behind=True),
    Break(closing, "follow", behind=False),
    Break(closing, "reckon", behind=False),
    Break(reckoning, "_write", behind=False),
    Break(reckoning, "_write", behind=True),
    Break(closing, "follow", behind=True),
]


def broken(one: Break) -> Callable[..., Any]:
    whole = getattr(one.module, one.name)

    async def breaks(*given: Any) -> Any:
        if one.behind:
            await whole(*given)
        raise BrokenOffError

    def breaks_at_once(*given: Any) -> Any:
        raise BrokenOffError

    return breaks_at_once if one.name == "digest_of" else breaks


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: f"{one.name}-{one.behind}")
async def test_broken_off_at_any_point_nothing_is_signed_and_nothing_follows(
    world: World, monkeypatch: pytest.MonkeyPatch, one: Break
) -> None:
    row, before = world.rows["accepted"], await everything()
    supervisor = await world.scope("other supervisor")
    with monkeypatch.context() as patched:
        patched.setattr(one.module, one.name, broken(one))
        with pytest.raises(BrokenOffError):
            await closing.sign(supervisor, [row.id], OVER)

    assert await everything() == before

    @undone
    async def again() -> None:
        signed = await closing.sign(supervisor, [row.id], OVER)
        assert (signed.keys, signed.consequences, signed.refused) == ([row.id], 4, {})
        assert await ResultDelivery.filter(appraisal_id=row.id).count() == 1

    await again()


async def test_rules_that_begin_later_only_refuse_the_signature_with_what_follows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a year before the first from which the defaults hold."""
    row, before = world.rows["accepted"], await everything()
    monkeypatch.setattr(rule_sets, "DEFAULTS_FROM", date(2027, 1, 1))

    signed = await closing.sign(await world.scope("other supervisor"), [row.id], OVER)

    assert {key: one.code for key, one in signed.refused.items()} == {
        row.id: ErrorCode.RULES_MISSING
    }
    assert (signed.keys, signed.consequences) == ([], 0)
    assert await everything() == before


async def test_an_own_rule_that_is_in_force_is_what_a_signature_goes_by(world: World) -> None:
    @undone
    async def tried() -> None:
        table = packaged_rules("bobot")
        rules = await RuleSet.create(
            agency=world.rows["agency"],
            kind=table.kind,
            code="bobot-dinas",
            version=1,
            starts_on=date(2026, 12, 31),
            source=table.source,
            body=(body := table.body.replace('"80"', '"75"')),
            digest=digest_of(body),
            loaded_by="pengelola.dc",
            loaded_at=NOW,
        )
        year = await accepted(world, STAFF)
        await closing.sign(await world.scope("administrator"), [year.id], OVER)

        weight = await Consequence.get(kind=RuleKind.WEIGHT)
        assert (weight.amount, weight.rule_set_id) == (75, rules.id)

    await tried()


async def test_whoever_objects_is_signed_once_it_is_decided_and_the_change_is_what_counts(
    world: World,
) -> None:
    @undone
    async def tried() -> None:
        row = await rate(world, "supervisor", await appraisal_of(world, STAFF))
        row = await appraisals.object_to(
            await world.scope("self"), row.id, row.version, "Keliru", IN_TIME
        )
        better = ratings(Rating.ABOVE)
        row = await appraisals.decide(
            await world.scope("superior"),
            row.id,
            row.version,
            ObjectionOutcome.CHANGED,
            "Benar",
            better,
            OVER,
        )
        signed = await closing.sign(await world.scope("supervisor"), [row.id], OVER)

        assert signed.keys == [row.id]
        # ABOVE and ABOVE are EXCELLENT: 100, and 12/12 x 150 % x 12.5.
        found = {one.kind: one.amount for one in await Consequence.all()}
        assert found[RuleKind.WEIGHT] == 100
        assert found[RuleKind.CREDIT] == Decimal("18.75")

    await tried()


@pytest.mark.parametrize("viewer", ["other supervisor", "colleague", "self", "auditor"])
async def test_whoever_may_not_sign_changes_nothing(world: World, viewer: str) -> None:
    @undone
    async def tried() -> None:
        year = await accepted(world, STAFF)
        before = await everything()

        said = await signs(world, viewer, [key_of(year)], OVER)

        expected = "NOT_ALLOWED" if viewer in ("self", "auditor") else "NOT_FOUND"
        assert said == {
            "appraisals": [],
            "consequences": 0,
            "userErrors": [{"code": expected, "field": "ids.0"}],
        }
        assert await everything() == before

    await tried()


@pytest.mark.parametrize(
    ("many", "code"), [(0, ErrorCode.NOTHING_CHOSEN), (501, ErrorCode.TOO_MANY)]
)
async def test_none_and_too_many_are_refused_at_once(
    world: World, many: int, code: ErrorCode
) -> None:
    keys = [uuid7() for _ in range(many)]

    with pytest.raises(DomainError) as refused:
        await closing.sign(await world.scope("supervisor"), keys, RATED_AT)

    assert refused.value.code is code
    assert await Appraisal.filter(state=AppraisalState.SIGNED).count() == 0
