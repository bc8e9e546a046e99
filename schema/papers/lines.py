"""What the cells of a form say of a result or a behaviour: pure, values in, texts out."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from schema.appraisals.models import Rating
from schema.organizations.models import AssignmentKind
from schema.papers.values import (
    Grounds,
    Head,
    Judgement,
    Measure,
    Numbers,
    Party,
    ResultRow,
    Sealed,
    SealedParty,
    UnitRow,
)
from schema.papers.words import ASPECTS, NOTHING, RATINGS, amount, day, number
from schema.plans.models import Behaviour
from schema.policies.rules import Policy
from schema.targets.models import Polarity, ResultCategory
from schema.targets.rules import Child, Measured, StageFacts
from schema.targets.rules import achieved as achieved_by

ACTING = {AssignmentKind.PLT: "Plt. ", AssignmentKind.PLH: "Plh. "}


def sealed_grounds(seal: Sealed) -> Grounds:
    """What a signed appraisal rests on, with what its results came to then."""
    return msgspec.structs.replace(
        seal.inputs.evidence, policy=seal.rules.policy, reached=seal.result.results
    )


def sealed_head(head: Head, seal: Sealed) -> Head:
    """The two parties as they were when the appraisal was sealed."""
    return msgspec.structs.replace(
        head,
        employee=_sealed(head.employee, seal.inputs.employee),
        appraiser=_sealed(head.appraiser, seal.inputs.appraiser),
    )


def _sealed(party: Party, seal: SealedParty | None) -> Party:
    if seal is None:
        return Party()
    position = seal.position and ACTING.get(seal.kind, "") + seal.position
    unit = seal.unit.name if seal.unit else None
    return Party(name=seal.name, nip=seal.nip, rank=party.rank, position=position, unit=unit)


def achieved(result: ResultRow, grounds: Grounds) -> Decimal | None:
    """A result's achievement in percent, two decimals: as it was sealed, else as everywhere."""
    for one in grounds.reached:
        if one.id == result.id:
            return one.achieved
    numbers = grounds.policy or Numbers()
    policy = Policy(
        achievement_cap=numbers.achievement_cap,
        missing_counts_as_zero=numbers.missing_counts_as_zero,
    )
    stages = [
        StageFacts(weight=one.weight, completed_on=one.completed_on) for one in result.stages or ()
    ]
    children = [Child(weight=one.weight, achieved=one.achieved) for one in result.children]
    return achieved_by([_measured(one) for one in result.indicators], stages, children, policy)


def achieved_in_all(grounds: Grounds) -> Decimal | None:
    """The mean of the results that have a number (a house rule): 100 and 50 -> 75."""
    each = [achieved(one, grounds) for one in grounds.results]
    known = [one for one in each if one is not None]
    return sum(known, Decimal(0)) / len(known) if known else None


def _measured(one: Measure) -> Measured:
    return Measured(
        polarity=one.polarity,
        planned=one.planned,
        minimum=one.minimum,
        maximum=one.maximum,
        baseline=one.baseline,
        realized=one.realized,
    )


def of_category(results: Sequence[ResultRow], category: ResultCategory) -> list[ResultRow]:
    """Results under A. Utama or B. Tambahan, in their order."""
    return [one for one in results if one.category is category]


def planned(one: Measure) -> str:
    """What is planned: 12 laporan; 90 – 100 persen; at most 5 hari where less is better."""
    if one.polarity is Polarity.RANGE:
        ends = f"{number(one.minimum)} {NOTHING} {number(one.maximum)}"
        return f"{ends} {one.unit_of_measure}" if one.unit_of_measure else ends
    text = amount(one.planned, one.unit_of_measure)
    return f"paling banyak {text}" if one.polarity is Polarity.FALLING and one.planned else text


def aspects(result: ResultRow) -> list[tuple[str, str, str, str]]:
    """A line for each indicator, else for each stage: aspect, what, planned, reached."""
    lines = [
        (
            ASPECTS[one.aspect],
            one.title,
            planned(one),
            amount(one.realized, one.unit_of_measure),
        )
        for one in result.indicators
    ]
    lines += [
        (
            f"Tahap {place}",
            one.title,
            f"bobot {number(one.weight)}" if one.weight is not None else "selesai",
            f"selesai {day(one.completed_on)}" if one.completed_on else "belum selesai",
        )
        for place, one in enumerate(result.stages or (), start=1)
    ]
    return lines or [(NOTHING, NOTHING, NOTHING, NOTHING)]


def title_of(result: ResultRow) -> str:
    """A result, with who assigned it where somebody did."""
    by = f" (penugasan dari {result.assigned_by})" if result.assigned_by else ""
    return result.title + by


def reached(result: ResultRow, grounds: Grounds) -> str:
    """Capaian 75,00%, dari 3 catatan bukti."""
    percent = achieved(result, grounds)
    share = NOTHING if percent is None else f"{number(percent, 2)}%"
    return f"Capaian {share}; {result.records} catatan bukti"


def feedback_on(judgement: Judgement, about: ResultRow | Behaviour) -> list[str]:
    """What was said of a result or behaviour: its rating with the reason, then feedback."""
    key = about.id if isinstance(about, ResultRow) else None
    value = None if isinstance(about, ResultRow) else about
    texts = [
        f"{_told(one.rating)}{f': {one.reason}' if one.reason else ''}"
        for one in judgement.lines
        if (one.target_id, one.behaviour) == (key, value)
    ]
    return texts + [
        one.text for one in judgement.feedback if (one.target_id, one.behaviour) == (key, value)
    ]


def _told(rating: Rating) -> str:
    return RATINGS[rating].capitalize()


def grounds_of(row: UnitRow) -> Grounds | None:
    """What an appraisal in a unit's table rests on: by its seal, else as things stand."""
    if row.document is not None:
        return sealed_grounds(msgspec.json.decode(row.document, type=Sealed))
    return row.grounds
