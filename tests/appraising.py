"""The small agency at the end of its year: evaluation periods, opened appraisals, heads."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any, ParamSpec

from schema.appraisals import service
from schema.appraisals.judging import Ratings
from schema.appraisals.models import Appraisal, Rating
from schema.appraisals.rating import RatingDraft
from schema.appraisals.signing import sign_in
from schema.errors import DomainError, ErrorCode, Refusals
from schema.organizations.models import Assignment
from schema.plans.models import EvaluationKind, EvaluationPeriod
from schema.plans.periods import set_evaluation_periods
from schema.tables import transaction
from tests.factories import (
    OTHER_SUPERVISOR,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    World,
    grant_roles,
    key_of,
    save_other_agency,
)

EARLY = datetime(2026, 11, 30, 16, tzinfo=UTC)
"""23.00 WIB on the last day on which a year cannot be rated yet."""
RATED_AT = datetime(2026, 12, 1, 3, tzinfo=UTC)
IN_TIME = datetime(2026, 12, 8, 16, tzinfo=UTC)
"""23.00 WIB on the seventh day behind the rating: the last on which the employee may object."""
OVER = datetime(2026, 12, 8, 17, tzinfo=UTC)
"""An hour later it is the eighth."""
UNOPENED = "month 11"
"""The evaluation period whose appraisals are not opened."""
HEADS = {"A": SUPERIOR, "C": SUPERVISOR, "D": OTHER_SUPERVISOR}


Parameters = ParamSpec("Parameters")


class UndoneError(Exception):
    """What was done is taken back."""


def undone(
    test: Callable[Parameters, Awaitable[None]],
) -> Callable[Parameters, Awaitable[None]]:
    """A test that leaves nothing behind, so that many share a database."""

    @wraps(test)
    async def within(*given: Parameters.args, **named: Parameters.kwargs) -> None:
        with suppress(UndoneError):
            async with transaction():
                await test(*given, **named)
                raise UndoneError

    return within


async def december(world: World) -> None:
    """A monthly year, its appraisals opened but for one month; three people head their units."""
    await save_other_agency()
    await grant_roles(world)
    for unit, nip in HEADS.items():
        of = Assignment.filter(employee=world.people[nip], unit_id=world.rows[f"unit {unit}"].id)
        assert await of.update(heads_unit=True) == 1
    administrator = await world.scope("administrator")
    period = world.targets["T"].period_id
    await set_evaluation_periods(administrator, period, EvaluationKind.MONTHLY, RATED_AT)
    for row in await EvaluationPeriod.filter(period_id=period):
        name = "final" if row.kind is EvaluationKind.FINAL else f"month {row.number}"
        world.rows[name] = row
        if name != UNOPENED:
            await service.open_appraisals(administrator, row.id, EARLY)
    world.rows["appraisal"] = await appraisal_of(world, STAFF)


async def appraisal_of(world: World, nip: str, period: str = "final") -> Appraisal:
    """Somebody's only appraisal in an evaluation period."""
    return await Appraisal.get(
        employee=world.people[nip], evaluation_period_id=world.rows[period].id
    )


def ratings(
    work: Rating | None = Rating.MEETS, behaviour: Rating = Rating.ABOVE, **given: Any
) -> Ratings:
    """Ratings that are complete; of a head where `work` is None."""
    reason = None if work is None else "Sesuai rencana"
    values: dict[str, Any] = {
        "work_rating": work,
        "work_reason": reason,
        "behaviour_rating": behaviour,
        "behaviour_reason": "Membantu unit lain",
    }
    return Ratings(**values | given)


async def rate(
    world: World, viewer: str, row: Appraisal, now: datetime = RATED_AT, **given: Any
) -> Appraisal:
    """The appraisal, rated by a viewer on its present version.

    Raises:
        DomainError: it was refused.
    """
    version = given.pop("version", row.version)
    draft = RatingDraft(appraisal_id=row.id, version=version, ratings=ratings(**given))
    outcome = await service.rate(await world.scope(viewer), [draft], now)
    for _, refused in outcome.errors:
        raise refused
    return await Appraisal.get(id=row.id)


async def sign(world: World, viewer: str, *rows: Appraisal, now: datetime = OVER) -> None:
    async with transaction() as connection:
        await sign_in(connection, await world.scope(viewer), [row.id for row in rows], now)


async def outcome(of: Awaitable[Any]) -> ErrorCode | None:
    """The code of a refusal; None where it went well."""
    try:
        await of
    except Refusals as several:
        return several.each[0].code
    except DomainError as refused:
        return refused.code
    return None


def day(month: int, of_month: int) -> date:
    return date(2026, month, of_month)


RATE = """
mutation Rate($input: RateAppraisalsInput!) {
  rateAppraisals(input: $input) {
    appraisals { id state predicate }
    userErrors { code field }
  }
}"""


def rating_of(row: Appraisal, **given: Any) -> dict[str, Any]:
    return {
        "appraisal": key_of(row),
        "version": row.version,
        "workRating": "MEETS",
        "workReason": "Sesuai",
        "behaviourRating": "MEETS",
        "behaviourReason": "Sesuai",
    } | given
