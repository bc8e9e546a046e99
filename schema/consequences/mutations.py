"""What people send about consequences: signatures, careers, potential, training, reckoning anew;
and the question what a rule would change, which a use case answers."""

from datetime import date
from typing import Any

import strawberry
from strawberry import relay

from schema.appraisals.graph import Appraisal
from schema.consequences import careers, closing
from schema.consequences.graph import Career, PotentialScore, TrainingRecord
from schema.consequences.inputs import (
    RecordCareersInput,
    RecordPotentialsInput,
    RecordTrainingsInput,
)
from schema.context import Info
from schema.errors import UserError
from schema.relay import key_of, refusals
from schema.selection.declarations import Many
from schema.selection.execution import Selected

GIVEN = "unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) JOIN {table} @it ON @it.id = k$.id"
THESE = {
    table: Many(source=GIVEN.format(table=table), order="k$.place")
    for table in ("appraisal", "career", "potential_score", "training_record")
}


@strawberry.type(
    description="What was signed and what followed, with a refusal for each that could not be."
)
class SignAppraisalsPayload:
    appraisals: list[Appraisal] = strawberry.field(
        description="Signed now.", metadata={"list_size": closing.MOST}
    )
    consequences: int = strawberry.field(
        description="New versions of consequences that came of final ones."
    )
    user_errors: list[UserError] = strawberry.field(
        description="For each that was refused: `field` is ids and its place, as ids.2."
    )


@strawberry.type(description="How many new versions there are, or why it was refused.")
class ReckonPayload:
    consequences: int = strawberry.field(
        description="0 where every outcome is as it was, or it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="What was written, or why it was refused.")
class RecordCareersPayload:
    careers: list[Career] = strawberry.field(description="Empty where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="What was written, or why it was refused.")
class RecordPotentialsPayload:
    potentials: list[PotentialScore] = strawberry.field(description="Empty where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="What was written, or why it was refused.")
class RecordTrainingsPayload:
    trainings: list[TrainingRecord] = strawberry.field(description="Empty where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.input(description="Appraisals to sign, at most 500.")
class SignAppraisalsInput:
    ids: list[relay.GlobalID] = strawberry.field(description="Their ids.")


@strawberry.input(description="An agency's year.")
class ReckonConsequencesInput:
    agency: str = strawberry.field(description="The agency's code.")
    period: str = strawberry.field(description="The planning period's code, such as 2026.")


@strawberry.input(description="An agency's month.")
class ReckonAllowancesInput:
    agency: str = strawberry.field(description="The agency's code.")
    month: date = strawberry.field(description="Any day of the month, which is over.")


@strawberry.type
class ConsequenceMutation:
    @strawberry.mutation(
        description="Sign appraisals that are accepted or decided, or whose days of objection are "
        "over; each on its own. What follows of final ones is reckoned with it."
    )
    async def sign_appraisals(
        self, info: Info, input: SignAppraisalsInput
    ) -> SignAppraisalsPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            keys = [key_of(one, "Appraisal") for one in input.ids]
            signed = await closing.sign(viewer, keys, now)
            return signed_payload(info, signed, keys)
        return SignAppraisalsPayload(appraisals=[], consequences=0, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: reckon a year's weights, credit points, boxes and "
        "training needs anew, of everybody whose final appraisal is signed."
    )
    async def reckon_consequences(
        self, info: Info, input: ReckonConsequencesInput
    ) -> ReckonPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            count = await closing.reckon_year(viewer, input.agency, input.period, now)
            return ReckonPayload(consequences=count, user_errors=[])
        return ReckonPayload(consequences=0, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: reckon the allowances of a month that is over, of "
        "everybody whose pay is known then."
    )
    async def reckon_allowances(self, info: Info, input: ReckonAllowancesInput) -> ReckonPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            count = await closing.reckon_month(viewer, input.agency, input.month, now)
            return ReckonPayload(consequences=count, user_errors=[])
        return ReckonPayload(consequences=0, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: what of people's careers counts from a day on."
    )
    async def record_careers(self, info: Info, input: RecordCareersInput) -> RecordCareersPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            rows = await careers.record_careers(viewer, input.agency, input.entries(), now)
            return RecordCareersPayload(careers=shown("career", rows), user_errors=[])
        return RecordCareersPayload(careers=[], user_errors=refused)

    @strawberry.mutation(description="For administrators: what assessments of potential found.")
    async def record_potentials(
        self, info: Info, input: RecordPotentialsInput
    ) -> RecordPotentialsPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            rows = await careers.record_potentials(viewer, input.agency, input.entries(), now)
            found = shown("potential_score", rows)
            return RecordPotentialsPayload(potentials=found, user_errors=[])
        return RecordPotentialsPayload(potentials=[], user_errors=refused)

    @strawberry.mutation(description="For administrators: training that people have ended.")
    async def record_trainings(
        self, info: Info, input: RecordTrainingsInput
    ) -> RecordTrainingsPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            rows = await careers.record_trainings(viewer, input.agency, input.entries(), now)
            found = shown("training_record", rows)
            return RecordTrainingsPayload(trainings=found, user_errors=[])
        return RecordTrainingsPayload(trainings=[], user_errors=refused)


def signed_payload(info: Info, signed: closing.Signed, keys: list[Any]) -> SignAppraisalsPayload:
    """What was signed, in the order that was asked for, and each refusal at its place."""
    done = [key for key in dict.fromkeys(keys) if key in set(signed.keys)]
    rows: Any = Selected(THESE["appraisal"], {"keys": done})
    return SignAppraisalsPayload(
        appraisals=rows,
        consequences=signed.consequences,
        user_errors=[
            UserError.of(error, info.context.language, f"ids.{keys.index(key)}")
            for key, error in signed.refused.items()
        ],
    )


def shown(table: str, rows: Any) -> Any:
    """Rows of a table as the read path shows them now."""
    return Selected(THESE[table], {"keys": [row.id for row in rows]})
