"""What feedback finds weak is a need for training, of groups that may be known only."""

from dataclasses import asdict, replace
from datetime import timedelta

from schema.appraisals.models import FeedbackAnswer, FeedbackRelation, FeedbackRequest
from schema.consequences.documents import TrainingInputs, inputs_of, kept_in
from schema.consequences.models import RuleKind
from schema.consequences.reckoning import reckon
from schema.plans.models import Behaviour
from schema.policies.models import AgencyPolicy
from schema.policies.rules import DEFAULT
from schema.tables import transaction
from server.database import Database
from tests.yearly import BY, FIRST, LAST, NOW, Agencys, M, found_agency

PROMISED = 3


async def told(of: Agencys, name: str, answers: int) -> None:
    """Somebody's year, in which so many colleagues found a behaviour low, each promised that fewer
    than three are not shown."""
    await of.person(name)
    row = await of.rated(await of.post(name), M, M)
    for number in range(answers):
        request = await FeedbackRequest.create(
            appraisal=row,
            respondent=await of.person(f"{name} {number}"),
            relation=FeedbackRelation.PEER,
            asked_by=BY,
            asked_at=NOW,
            closes_at=NOW + timedelta(days=1),
            smallest_group=PROMISED,
        )
        await FeedbackAnswer.create(request=request, behaviour=Behaviour.LOYAL, score=1)
    await of.signed(row)


async def needs(of: Agencys, name: str) -> list[str]:
    training = (await of.outcomes(name))[RuleKind.TRAINING]
    inputs = inputs_of(kept_in(training.document))
    assert isinstance(inputs, TrainingInputs)
    return [low.kind for low in inputs.lows]


async def test_a_group_smaller_than_was_promised_is_no_need_whatever_the_policy_says_later(
    database: Database,
) -> None:
    of = await found_agency()
    lowered = asdict(replace(DEFAULT, peer_feedback=True, smallest_feedback_group=2))
    await AgencyPolicy.create(agency=of.agency, starts_on=FIRST, set_by=BY, set_at=NOW, **lowered)
    await told(of, "few", PROMISED - 1)
    await told(of, "enough", PROMISED)

    async with transaction() as connection:
        keys = [of.people[name].id for name in ("few", "enough")]
        await reckon(connection, of.agency.id, of.years[LAST.year].id, keys, BY, NOW)

    assert await needs(of, "few") == []
    assert await needs(of, "enough") == ["FEEDBACK"]
