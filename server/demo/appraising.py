"""Appraisals of the played year: units' results, ratings, an objection, signatures, what follows.

Who is rated how follows from their place in the case, so that every quadrant is met and the same
case comes to the same; what it must come to is worked out in `following.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from schema.access import Scope
from schema.appraisals.judging import BehaviourRating, Ratings, ResultRating
from schema.appraisals.models import Appraisal, AppraisalState, Rating, UnitPredicate
from schema.appraisals.rating import RatingDraft
from schema.appraisals.service import accept, decide, object_to, open_appraisals, rate
from schema.appraisals.steps import ObjectionOutcome
from schema.appraisals.unit_ratings import rate_unit
from schema.consequences.careers import (
    CareerEntry,
    PotentialEntry,
    TrainingEntry,
    record_careers,
    record_potentials,
    record_trainings,
)
from schema.consequences.closing import reckon_month, sign
from schema.consequences.models import Employment, FunctionalLevel
from schema.consequences.rule_sets import load
from schema.plans.models import Behaviour
from server.demo.cast import Person, Play

ABOVE, MEETS, BELOW = Rating.ABOVE, Rating.MEETS, Rating.BELOW
SCHEMES = {"BO": "kementan-2025", "DK": "kemenlu-2025", "6305": "bakamla-2023"}
USUAL_SCHEME = "bakamla-2023"
"""Published schemes of allowance that the agencies of the cases choose in the play."""
YEARLY = ("bobot", "angka-kredit", "nine-box", "pelatihan")
"""The packaged defaults, from the year's first day: by themselves they hold from 2022 on."""
LEVELS = (FunctionalLevel.PT, FunctionalLevel.MU, None)
UNIT_RESULTS = (
    UnitPredicate.OUTSTANDING,
    UnitPredicate.GOOD,
    UnitPredicate.NEEDS_IMPROVEMENT,
    UnitPredicate.GOOD,
)
CREDIT_BROUGHT = Decimal(30)
OBJECTION_DAYS = timedelta(days=8)
"""Behind the last of the seven days of the usual policy."""
DAY = timedelta(days=1)


@dataclass(slots=True)
class Appraised:
    """Which months were appraised and paid, whether the year was, and whose objection was heard:
    the appraisal's key."""

    months: list[int] = field(default_factory=list)
    whole_year: bool = False
    objected: UUID | None = None


def scheme_of(play: Play) -> str:
    return SCHEMES.get(play.case.agency_code, USUAL_SCHEME)


def base_of(person: Person) -> Decimal:
    """Rupiah a month."""
    return Decimal(5_000_000 + 100_000 * person.number)


def level_of(person: Person) -> FunctionalLevel | None:
    """Whoever leads a unit when the year begins holds no functional post."""
    return None if person.heads else LEVELS[person.number % 3]


def hours_of(person: Person) -> int:
    return person.number % 4 * 8


def potential_of(person: Person) -> Decimal:
    return Decimal(60 + person.number * 7 % 40)


async def tell_careers(play: Play) -> None:
    """What the administrator records of people before the year, and the scheme of allowance."""
    code, day = play.case.agency_code, play.case.starts_on
    now, people = play.calendar.at(day, 7), list(play.people.values())
    careers = [
        CareerEntry(
            nip=one.nip,
            starts_on=day,
            employment=Employment.PNS,
            rank="Penata, III/c",
            functional_level=level_of(one),
            job_class=8,
            allowance_base=base_of(one),
            credit_brought=CREDIT_BROUGHT,
        )
        for one in people
    ]
    await record_careers(play.administrator, code, careers, now)
    potentials = [
        PotentialEntry(nip=one.nip, assessed_on=day, score=potential_of(one), source="Asesmen")
        for one in people
    ]
    await record_potentials(play.administrator, code, potentials, now)
    trainings = [
        TrainingEntry(
            nip=one.nip,
            ended_on=play.calendar.first(2),
            title="Pelatihan pelayanan publik",
            hours=Decimal(hours_of(one)),
            source="Sertifikat",
        )
        for one in people
        if hours_of(one)
    ]
    if trainings:
        await record_trainings(play.administrator, code, trainings, now)
    for table in (*YEARLY, scheme_of(play)):
        await load(play.administrator, code, day, now=now, code=table)


async def appraise_month(play: Play, done: Appraised, month: int) -> None:
    """A closed month is appraised, signed once nobody may object any more, and paid."""
    now = play.calendar.at(play.filling_until[month] + 8 * DAY, 9)
    rows = await _rated(play, play.evaluations[month], now, salt=month)
    await _signed(play, rows, now + OBJECTION_DAYS)
    first = play.calendar.first(month)
    await reckon_month(play.administrator, play.case.agency_code, first, now + OBJECTION_DAYS)
    done.months.append(month)


async def appraise_year(play: Play, done: Appraised) -> None:
    """The final appraisal: accepted by some, objected to by one, decided above, signed by all."""
    assert play.final is not None
    now = play.calendar.at(play.case.ends_on + 21 * DAY, 9)
    rows = await _rated(play, play.final, now, salt=0)
    objector = next((row for row in rows if row.work_rating is BELOW and not row.heads_unit), None)
    for row in rows:
        person = person_of(play, row.employee_id)
        if row is objector:
            await _object(play, row, person, now + DAY)
            done.objected = row.id
        elif person.number % 2:
            await accept(person.scope, row.id, row.version, now + DAY)
    await _signed(play, rows, now + OBJECTION_DAYS)
    done.whole_year = True


async def _rated(play: Play, evaluation: UUID, now: datetime, salt: int) -> list[Appraisal]:
    """Open everybody's, say the results of units that are led, and rate, each appraiser theirs."""
    await open_appraisals(play.administrator, evaluation, now)
    rows = await Appraisal.filter(evaluation_period_id=evaluation).order_by("id")
    for unit in sorted({row.unit_id for row in rows if row.heads_unit}):
        result, why = result_of(play, unit), "Sesuai capaian perjanjian kinerja"
        await rate_unit(play.administrator, unit, evaluation, result, why, now)
    by_rater: dict[UUID | None, list[Appraisal]] = {}
    for row in rows:
        by_rater.setdefault(row.appraiser_id, []).append(row)
    for rater, own in by_rater.items():
        scope = play.administrator if rater is None else person_of(play, rater).scope
        drafts = [_draft(play, row, salt) for row in own]
        rated = await rate(scope, drafts, now)
        assert not rated.errors, rated.errors[0][1]
    return await Appraisal.filter(evaluation_period_id=evaluation).order_by("id")


def result_of(play: Play, unit: UUID) -> UnitPredicate:
    """A unit's own result, by its place among the codes of units."""
    keys = [key for _, key in sorted(play.units.items())]
    return UNIT_RESULTS[keys.index(unit) % len(UNIT_RESULTS)]


def work_of(person: Person, salt: int) -> Rating:
    """Of six people one is above, one below."""
    return {0: ABOVE, 5: BELOW}.get((person.number + salt) % 6, MEETS)


def behaviour_of(person: Person, salt: int) -> Rating:
    """Of seven people two are above, one below."""
    return {1: ABOVE, 2: ABOVE, 5: BELOW}.get((person.number + salt) % 7, MEETS)


def _draft(play: Play, row: Appraisal, salt: int) -> RatingDraft:
    person = person_of(play, row.employee_id)
    work, behaviour = work_of(person, salt), behaviour_of(person, salt)
    low = next((one for one in play.works.values() if one.plan == row.plan_id), None)
    return RatingDraft(
        appraisal_id=row.id,
        version=row.version,
        ratings=Ratings(
            work_rating=None if row.heads_unit else work,
            work_reason=None if row.heads_unit else "Menurut capaian dan bukti dukung",
            behaviour_rating=behaviour,
            behaviour_reason="Menurut pengamatan dan umpan balik",
            results=[ResultRating(target_id=low.key(), rating=BELOW, reason="Belum tercapai")]
            if low is not None and work is BELOW
            else (),
            behaviours=[
                BehaviourRating(behaviour=Behaviour.COMPETENT, rating=BELOW, reason="Perlu dibina")
            ]
            if behaviour is BELOW
            else (),
        ),
    )


async def _object(play: Play, row: Appraisal, person: Person, now: datetime) -> None:
    """They object; who stands above the appraiser finds that the results met the plan."""
    why = "Bukti dukung triwulan keempat belum dihitung"
    objected = await object_to(person.scope, row.id, row.version, why, now)
    await decide(
        _above(play, row),
        row.id,
        objected.version,
        ObjectionOutcome.CHANGED,
        "Bukti dukung diterima",
        Ratings(
            work_rating=MEETS,
            work_reason="Bukti dukung lengkap",
            behaviour_rating=behaviour_of(person, 0),
            behaviour_reason="Tetap",
        ),
        now + DAY,
    )


def _above(play: Play, row: Appraisal) -> Scope:
    """The appraiser's own superior; where there is none, the administrator."""
    appraiser = None if row.appraiser_id is None else person_of(play, row.appraiser_id)
    if appraiser is None or appraiser.superior is None:
        return play.administrator
    return play.people[appraiser.superior].scope


async def _signed(play: Play, rows: Sequence[Appraisal], now: datetime) -> None:
    signed = await sign(play.administrator, [row.id for row in rows], now)
    assert not signed.refused, next(iter(signed.refused.values()))
    states = Appraisal.filter(id__in=signed.keys, state=AppraisalState.SIGNED)
    assert await states.count() == len(rows)


def person_of(play: Play, key: UUID) -> Person:
    return next(one for one in play.people.values() if one.id == key)
