"""What people send of plans, and how it becomes what the use cases take."""

from datetime import date
from decimal import Decimal

import strawberry
from strawberry import relay

from schema.errors import DomainError, ErrorCode
from schema.plans import models
from schema.plans.action_plans import ActionDraft
from schema.plans.editing import Draft, IndicatorDraft, ResultDraft, ServiceDraft, StageDraft
from schema.relay import key_of, optional_key_of
from schema.targets.models import (
    Accumulation,
    Aspect,
    Classification,
    EdgeKind,
    Perspective,
    Polarity,
    ResultCategory,
)
from schema.targets.words import aim_of


@strawberry.input(description="A point of the planned path.")
class PointInput:
    on: date = strawberry.field(description="By the end of this day.")
    planned: Decimal = strawberry.field(description="So much in all (cumulative).")


@strawberry.input(
    description="An indicator. Its target is given in words (`text`) or in numbers, not both."
)
class IndicatorInput:
    title: str = strawberry.field(description="What is measured.")
    id: relay.GlobalID | None = strawberry.field(
        default=None, description="Of the one to change; a new one without it."
    )
    aspect: Aspect = strawberry.field(
        default=Aspect.QUANTITY, description="Quantity, quality, time or cost."
    )
    text: str | None = strawberry.field(
        default=None,
        description='The target in words: "12 laporan", "3-5 hari", "maksimal 2 hari".',
    )
    unit_of_measure: str | None = strawberry.field(
        default=None, description="Unit of all numbers here."
    )
    polarity: Polarity = strawberry.field(
        default=Polarity.RISING, description="Which way is better."
    )
    accumulation: Accumulation | None = strawberry.field(
        default=None, description="SUM for a rising one, else LATEST, where it is left out."
    )
    planned: Decimal | None = strawberry.field(default=None, description="The number to reach.")
    minimum: Decimal | None = strawberry.field(default=None, description="Of a range.")
    maximum: Decimal | None = strawberry.field(
        default=None, description="Of a range; alone: no more than."
    )
    baseline: Decimal | None = strawberry.field(default=None, description="Where it begins.")
    points: list[PointInput] = strawberry.field(
        default_factory=list, description="The planned path."
    )

    def draft(self) -> IndicatorDraft:
        polarity, planned = self.polarity, self.planned
        minimum, maximum, unit = self.minimum, self.maximum, self.unit_of_measure
        if self.text is not None:
            if any(number is not None for number in (planned, minimum, maximum)):
                raise DomainError(
                    ErrorCode.BAD_USER_INPUT,
                    field="text",
                    detail=f'"{self.title}": a target in words or in numbers, not both',
                )
            aim = aim_of(self.text)
            rising = aim.polarity is Polarity.RISING
            polarity = self.polarity if rising else aim.polarity
            planned, minimum, maximum = aim.planned, aim.minimum, aim.maximum
            unit = unit or aim.unit_of_measure
        usual = Accumulation.SUM if polarity is Polarity.RISING else Accumulation.LATEST
        return IndicatorDraft(
            id=optional_key_of(self.id, "Indicator"),
            aspect=self.aspect,
            title=self.title,
            unit_of_measure=unit,
            polarity=polarity,
            accumulation=self.accumulation or usual,
            baseline=self.baseline,
            planned=planned,
            minimum=minimum,
            maximum=maximum,
            points=[(point.on, point.planned) for point in self.points],
        )


@strawberry.input(description="A stage of staged work, in its order.")
class StageInput:
    title: str = strawberry.field(description="What is to be done.")
    id: relay.GlobalID | None = strawberry.field(
        default=None, description="Of the one to change; a new one without it."
    )
    evidence: str | None = strawberry.field(default=None, description="What is to prove it.")
    weight: Decimal | None = strawberry.field(
        default=None, description="Share of the whole; without any, all weigh alike."
    )


@strawberry.input(description="What a work result serves, and how it counts there.")
class ServesInput:
    target: relay.GlobalID = strawberry.field(
        description="A target of a unit, or of a superior (`superiorResults`)."
    )
    kind: EdgeKind = strawberry.field(
        default=EdgeKind.INDIRECT, description="Direct, weighted, or aligned only."
    )
    weight: Decimal | None = strawberry.field(
        default=None, description="Percent of the target above; with WEIGHTED only."
    )


@strawberry.input(description="A work result (RHK): measured by indicators, or by stages.")
class ResultInput:
    title: str = strawberry.field(description="What is to be reached.")
    id: relay.GlobalID | None = strawberry.field(
        default=None, description="Of the one to change; a new one without it."
    )
    category: ResultCategory = strawberry.field(
        default=ResultCategory.MAIN, description="Main or additional."
    )
    classification: Classification = strawberry.field(
        default=Classification.INDIVIDUAL, description="Of the post, or personal."
    )
    perspective: Perspective | None = strawberry.field(
        default=None, description="Of the head of a unit."
    )
    assigned_by: str | None = strawberry.field(
        default=None, description="By whose assignment (penugasan dari)."
    )
    serves: list[ServesInput] = strawberry.field(
        default_factory=list, description="The first one is its red thread."
    )
    indicators: list[IndicatorInput] = strawberry.field(
        default_factory=list, description="In their order."
    )
    stages: list[StageInput] = strawberry.field(default_factory=list, description="In their order.")

    def draft(self) -> ResultDraft:
        return ResultDraft(
            id=optional_key_of(self.id, "Target"),
            title=self.title,
            category=self.category,
            classification=self.classification,
            perspective=self.perspective,
            assigned_by=self.assigned_by,
            serves=[
                ServiceDraft(
                    target_id=key_of(one.target, "Target"), kind=one.kind, weight=one.weight
                )
                for one in self.serves
            ],
            indicators=[one.draft() for one in self.indicators],
            stages=[
                StageDraft(
                    id=optional_key_of(one.id, "Stage"),
                    title=one.title,
                    evidence=one.evidence,
                    weight=one.weight,
                )
                for one in self.stages
            ],
        )


@strawberry.input(description="The leader's special expectation of one behaviour.")
class BehaviourInput:
    behaviour: models.Behaviour = strawberry.field(description="One of the seven values.")
    expectation: str = strawberry.field(description="Blank takes it away.")


@strawberry.input(description="A line of an attachment.")
class AttachmentInput:
    kind: models.AttachmentKind = strawberry.field(description="Which attachment.")
    text: str = strawberry.field(description="What it says.")


@strawberry.input(description="A plan, or the step of a plan, at the version that is known.")
class PlanVersionInput:
    id: relay.GlobalID = strawberry.field(description="The plan.")
    version: int = strawberry.field(
        description="The version that was read; another one now is a conflict."
    )


@strawberry.input(
    description="A plan as it is to be, saved as one thing. A part that is left out stays; of a "
    "part that is given, what is not in it is removed."
)
class SavePlanInput(PlanVersionInput):
    approach: models.Approach | None = strawberry.field(
        default=None, description="In numbers, or in words."
    )
    results: list[ResultInput] | None = strawberry.field(
        default=None, description="All work results, in their order."
    )
    behaviours: list[BehaviourInput] | None = strawberry.field(
        default=None, description="All special expectations."
    )
    attachments: list[AttachmentInput] | None = strawberry.field(
        default=None, description="All lines of the attachments."
    )

    def draft(self) -> Draft:
        results, behaviours, attachments = self.results, self.behaviours, self.attachments
        return Draft(
            approach=self.approach,
            results=None if results is None else [one.draft() for one in results],
            expectations=None
            if behaviours is None
            else {one.behaviour: one.expectation for one in behaviours},
            attachments=None
            if attachments is None
            else [(one.kind, one.text) for one in attachments],
        )


@strawberry.input(description="A step of a plan that says why.")
class ReasonedPlanInput(PlanVersionInput):
    comment: str = strawberry.field(description="Kept in its history.")


@strawberry.input(description="A plan to open.")
class OpenPlanInput:
    post: relay.GlobalID = strawberry.field(description="The post that it is for.")
    period: str = strawberry.field(description="A planning period's code, such as 2026.")


@strawberry.input(description="Feedback on a result, on a behaviour, or on the plan as a whole.")
class FeedbackInput:
    plan: relay.GlobalID = strawberry.field(description="The plan.")
    text: str = strawberry.field(description="What is said.")
    target: relay.GlobalID | None = strawberry.field(
        default=None, description="A work result of the plan."
    )
    behaviour: models.Behaviour | None = strawberry.field(
        default=None, description="A behaviour; not with `target`."
    )


@strawberry.input(description="What is to be done for a target.")
class ActionPlanInput:
    target: relay.GlobalID = strawberry.field(description="A work result of the plan.")
    description: str = strawberry.field(description="What is to be done.")
    id: relay.GlobalID | None = strawberry.field(
        default=None, description="Of the one to change; a new one without it."
    )
    quantity: Decimal | None = strawberry.field(default=None, description="How much.")
    unit_of_measure: str | None = strawberry.field(default=None, description="Of the quantity.")
    starts_on: date | None = strawberry.field(
        default=None, description="The evaluation period's first day where it is left out."
    )
    ends_on: date | None = strawberry.field(
        default=None, description="The evaluation period's last day where it is left out."
    )

    def draft(self) -> ActionDraft:
        return ActionDraft(
            id=optional_key_of(self.id, "ActionPlan"),
            target_id=key_of(self.target, "Target"),
            description=self.description,
            quantity=self.quantity,
            unit_of_measure=self.unit_of_measure,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
        )


@strawberry.input(
    description="All action plans of a plan in one evaluation period; what is not given is removed."
)
class SaveActionPlansInput:
    plan: relay.GlobalID = strawberry.field(description="The plan.")
    evaluation_period: relay.GlobalID = strawberry.field(description="The evaluation period.")
    items: list[ActionPlanInput] = strawberry.field(description="At most 200.")
