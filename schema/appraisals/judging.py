"""Ratings as they are given, checked and brought to a predicate: pure.

`Ratings` is what a rater says, `judged` what comes of it; `content_of` flattens what an appraisal
says into names and texts, for its history.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from schema.appraisals.models import Predicate, Rating, UnitPredicate
from schema.appraisals.rules import predicate_of, work_rating_of
from schema.checks import LONGEST_TITLE, invalid, optional_text, text_of
from schema.errors import DomainError, ErrorCode
from schema.plans.models import Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRating:
    """The rating of one result of the plan; one that is below needs a reason."""

    target_id: UUID
    rating: Rating
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourRating:
    """The rating of one core value; one that is below needs a reason."""

    behaviour: Behaviour
    rating: Rating
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratings:
    """What a rater says. The two of work are left out for the head of a unit."""

    work_rating: Rating | None = None
    work_reason: str | None = None
    behaviour_rating: Rating
    behaviour_reason: str
    results: Sequence[ResultRating] = ()
    behaviours: Sequence[BehaviourRating] = ()


@dataclass(frozen=True, slots=True)
class UnitResult:
    """The unit's own rating that holds."""

    id: UUID
    predicate: UnitPredicate
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstance:
    """What ratings are checked against: the codes of the plan's results by key; of a head the
    unit's rating, None where it is not there yet."""

    heads_unit: bool
    unit: str
    unit_result: UnitResult | None
    codes: Mapping[UUID, str]


@dataclass(frozen=True, slots=True)
class JudgedLine:
    """The rating of one result or one behaviour, the other is None."""

    target_id: UUID | None
    behaviour: Behaviour | None
    rating: Rating
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What ratings come to."""

    work_rating: Rating
    work_reason: str
    behaviour_rating: Rating
    behaviour_reason: str
    predicate: Predicate
    unit_rating_id: UUID | None
    lines: tuple[JudgedLine, ...]


def judged(ratings: Ratings, of: Circumstance) -> Judged:
    """The predicate of ratings that are complete; a head's work is the unit's result.

    Raises:
        DomainError: a rating or a reason is missing; a line is not of the plan or given twice; a
            head's work was rated, or the unit is not.
    """
    work, why, unit_rating_id = _work(ratings, of)
    return Judged(
        work_rating=work,
        work_reason=why,
        behaviour_rating=ratings.behaviour_rating,
        behaviour_reason=_reason(ratings.behaviour_reason, "behaviourReason"),
        predicate=predicate_of(work, ratings.behaviour_rating),
        unit_rating_id=unit_rating_id,
        lines=(*_results(ratings, of), *_behaviours(ratings)),
    )


def _work(ratings: Ratings, of: Circumstance) -> tuple[Rating, str, UUID | None]:
    if not of.heads_unit:
        if ratings.work_rating is None:
            raise invalid("workRating", "workRating: say how the results were")
        return ratings.work_rating, _reason(ratings.work_reason, "workReason"), None
    for field, given in (
        ("workRating", ratings.work_rating),
        ("workReason", ratings.work_reason),
    ):
        if given is not None:
            raise DomainError(ErrorCode.RATED_BY_UNIT, field=field, unit=of.unit)
    if of.unit_result is None:
        raise DomainError(ErrorCode.UNIT_NOT_RATED, field="workRating", unit=of.unit)
    unit = of.unit_result
    return work_rating_of(unit.predicate), unit.reason, unit.id


def _results(ratings: Ratings, of: Circumstance) -> list[JudgedLine]:
    lines: dict[UUID, JudgedLine] = {}
    for place, one in enumerate(ratings.results):
        if one.target_id not in of.codes:
            raise DomainError(ErrorCode.TARGET_NOT_YOURS, field=f"results.{place}.target")
        if one.target_id in lines:
            raise invalid(f"results.{place}.target", "a result is rated once")
        why = _line_reason(one, f"results.{place}.reason")
        lines[one.target_id] = JudgedLine(one.target_id, None, one.rating, why)
    return list(lines.values())


def _behaviours(ratings: Ratings) -> list[JudgedLine]:
    lines: dict[Behaviour, JudgedLine] = {}
    for place, one in enumerate(ratings.behaviours):
        if one.behaviour in lines:
            raise invalid(f"behaviours.{place}.behaviour", "a behaviour is rated once")
        why = _line_reason(one, f"behaviours.{place}.reason")
        lines[one.behaviour] = JudgedLine(None, one.behaviour, one.rating, why)
    return list(lines.values())


def _reason(text: str | None, field: str) -> str:
    return text_of(text, missing=ErrorCode.REASON_MISSING, field=field, longest=LONGEST_TITLE)


def _line_reason(line: ResultRating | BehaviourRating, field: str) -> str | None:
    if line.rating is Rating.BELOW:
        return _reason(line.reason, field)
    return optional_text(line.reason, field=field, longest=LONGEST_TITLE)


class Said(Protocol):
    """What the two ratings of an appraisal are, whether it is stored or judged."""

    @property
    def work_rating(self) -> Rating | None: ...
    @property
    def work_reason(self) -> str | None: ...
    @property
    def behaviour_rating(self) -> Rating | None: ...
    @property
    def behaviour_reason(self) -> str | None: ...
    @property
    def predicate(self) -> Predicate | None: ...


class SaidLine(Protocol):
    """One rated line, stored or judged."""

    @property
    def target_id(self) -> UUID | None: ...
    @property
    def behaviour(self) -> Behaviour | None: ...
    @property
    def rating(self) -> Rating: ...
    @property
    def reason(self) -> str | None: ...


def content_of(said: Said, lines: Sequence[SaidLine], codes: Mapping[UUID, str]) -> dict[str, str]:
    """What an appraisal says, as names and texts; results are named by their codes."""
    content: dict[str, str | None] = {
        "workRating": said.work_rating,
        "workReason": said.work_reason,
        "behaviourRating": said.behaviour_rating,
        "behaviourReason": said.behaviour_reason,
        "predicate": said.predicate,
    }
    for line in lines:
        of_result = line.target_id is not None
        about = codes.get(line.target_id, "") if line.target_id is not None else line.behaviour
        place = f"{'results' if of_result else 'behaviours'}.{about}"
        content |= {f"{place}.rating": line.rating, f"{place}.reason": line.reason}
    return {name: str(text) for name, text in content.items() if text}
