"""What people do with appraisals: payloads and mutations. Signing is with consequences, since
these follow in the same transaction."""

from typing import Any
from uuid import UUID

import strawberry

from schema.appraisals import models, rating, service
from schema.appraisals.graph import Appraisal, AppraisalEvent, UnitRating
from schema.appraisals.inputs import (
    AppraisalVersionInput,
    DecideObjectionInput,
    ObjectToAppraisalInput,
    OpenAppraisalsInput,
    RateAppraisalsInput,
    RateUnitInput,
)
from schema.appraisals.unit_ratings import rate_unit
from schema.context import Info
from schema.errors import ErrorCode, UserError
from schema.plans.graph import EvaluationPeriod
from schema.plans.period_mutations import ONE_PERIOD
from schema.relay import key_of, refusals
from schema.selection.declarations import Many, One
from schema.selection.execution import Selected

ONE_APPRAISAL = One(source="appraisal @it", where="@it.id = @key::uuid")
THESE_APPRAISALS = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) "
    "JOIN appraisal @it ON @it.id = k$.id",
    order="k$.place",
)
SINCE = Many(
    source="appraisal_event @it",
    where="@it.appraisal_id = @key::uuid AND @it.version > @version::int",
    order="@it.id",
)
ONE_UNIT_RATING = One(source="unit_rating @it", where="@it.id = @key::uuid")


@strawberry.type(description="What was opened, or why it was refused.")
class OpenAppraisalsPayload:
    evaluation_period: EvaluationPeriod | None = strawberry.field(
        description="Null where it was refused."
    )
    opened: int = strawberry.field(description="How many were opened now.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The appraisals that were rated, and why others were not.")
class RateAppraisalsPayload:
    appraisals: list[Appraisal] = strawberry.field(description="Rated now.")
    user_errors: list[UserError] = strawberry.field(
        description="`field` names the place in the input, as appraisals.0.workReason."
    )


@strawberry.type(
    description="The appraisal as it is now, or why it was refused. After a conflict the appraisal "
    "comes as it is, with what happened since the version that was known."
)
class AppraisalPayload:
    appraisal: Appraisal | None = strawberry.field(description="Null where it was refused.")
    since: list[AppraisalEvent] = strawberry.field(
        description="After a conflict: what happened behind the known version."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The unit's rating as it holds now, or why it was refused.")
class RateUnitPayload:
    unit_rating: UnitRating | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


def shown(row: models.Appraisal) -> AppraisalPayload:
    rows: Any = Selected(ONE_APPRAISAL, {"key": row.id})
    return AppraisalPayload(appraisal=rows, since=[], user_errors=[])


def refused_with(errors: list[UserError], key: UUID | None, version: int) -> AppraisalPayload:
    """Why it was refused; after a conflict with the appraisal as it is and what happened since."""
    conflict = any(error.code is ErrorCode.CONFLICT for error in errors)
    row: Any = Selected(ONE_APPRAISAL, {"key": key}) if conflict else None
    since: Any = Selected(SINCE, {"key": key, "version": version}) if conflict else []
    return AppraisalPayload(appraisal=row, since=since, user_errors=errors)


def rated(outcome: rating.Rated, info: Info) -> RateAppraisalsPayload:
    """The payload of a partial success; errors name their place in the input."""
    language = info.context.language
    errors = [
        UserError.of(error, language, ".".join(filter(None, [f"appraisals.{place}", error.field])))
        for place, error in outcome.errors
    ]
    keys = [row.id for row in outcome.appraisals]
    rows: Any = Selected(THESE_APPRAISALS, {"keys": keys})
    return RateAppraisalsPayload(appraisals=rows, user_errors=errors)


@strawberry.type
class AppraisalMutation:
    @strawberry.mutation(
        description="The administrator opens an appraisal for each agreed plan of an evaluation "
        "period. Again: those that are missing; the unrated follow their plans and posts."
    )
    async def open_appraisals(
        self, info: Info, input: OpenAppraisalsInput
    ) -> OpenAppraisalsPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.evaluation_period, "EvaluationPeriod")
            opened = await service.open_appraisals(viewer, key, now)
            rows: Any = Selected(ONE_PERIOD, {"key": key})
            return OpenAppraisalsPayload(evaluation_period=rows, opened=opened, user_errors=[])
        return OpenAppraisalsPayload(evaluation_period=None, opened=0, user_errors=refused)

    @strawberry.mutation(
        description="The appraiser, or a superior in the line, rates work results and behaviour, "
        "one or many."
    )
    async def rate_appraisals(
        self, info: Info, input: RateAppraisalsInput
    ) -> RateAppraisalsPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            return rated(await service.rate(viewer, input.drafts(), now), info)
        return RateAppraisalsPayload(appraisals=[], user_errors=refused)

    @strawberry.mutation(description="The employee accepts the ratings that they have read.")
    async def accept_appraisal(self, info: Info, input: AppraisalVersionInput) -> AppraisalPayload:
        viewer, now, key = info.context.viewer, info.context.now(), None
        with refusals(info) as refused:
            key = key_of(input.id, "Appraisal")
            return shown(await service.accept(viewer, key, input.version, now))
        return refused_with(refused, key, input.version)

    @strawberry.mutation(
        description="The employee objects (keberatan), within the days that the policy gives."
    )
    async def object_to_appraisal(
        self, info: Info, input: ObjectToAppraisalInput
    ) -> AppraisalPayload:
        viewer, now, key = info.context.viewer, info.context.now(), None
        with refusals(info) as refused:
            key = key_of(input.id, "Appraisal")
            return shown(await service.object_to(viewer, key, input.version, input.reason, now))
        return refused_with(refused, key, input.version)

    @strawberry.mutation(
        description="Who is above whoever rated decides on an objection; the administrator where "
        "nobody is."
    )
    async def decide_objection(self, info: Info, input: DecideObjectionInput) -> AppraisalPayload:
        viewer, now, key = info.context.viewer, info.context.now(), None
        with refusals(info) as refused:
            key = key_of(input.id, "Appraisal")
            given = None if input.ratings is None else input.ratings.ratings()
            what = (input.version, input.outcome, input.comment, given)
            return shown(await service.decide(viewer, key, *what, now))
        return refused_with(refused, key, input.version)

    @strawberry.mutation(
        description="Who is above the head of a unit, or the administrator, says the unit's own "
        "result. Again: heads that are rated take it over."
    )
    async def rate_unit(self, info: Info, input: RateUnitInput) -> RateUnitPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            unit = key_of(input.unit, "Unit")
            period = key_of(input.evaluation_period, "EvaluationPeriod")
            what = (input.predicate, input.reason, now, input.version)
            rows: Any = Selected(
                ONE_UNIT_RATING, {"key": (await rate_unit(viewer, unit, period, *what)).id}
            )
            return RateUnitPayload(unit_rating=rows, user_errors=[])
        return RateUnitPayload(unit_rating=None, user_errors=refused)
