"""What leaders, members and administrators send: inputs, payloads and mutations of matrices."""

from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import ErrorCode, NotFound, UserError
from schema.matrices import dealing, models, rules, service, templates
from schema.matrices.graph import CascadeTemplate, RoleMatrix
from schema.matrices.templates import Split
from schema.plans.graph import PerformancePlan
from schema.relay import key_of, optional_key_of, refusals
from schema.selection.declarations import Many, One
from schema.selection.execution import Selected
from schema.targets.graph import Target
from schema.targets.models import Accumulation, Aspect, EdgeKind, Polarity, ResultCategory
from schema.values import is_nip


@strawberry.input(description="What a member brings to one result of the leader.")
class MatrixCellInput:
    result: relay.GlobalID = strawberry.field(description="A target of the leader's plan.")
    title: str = strawberry.field(description="The member's result, 1 to 4,000 characters.")
    kind: EdgeKind = strawberry.field(description="How it counts in the leader's result.")
    weight: Decimal | None = strawberry.field(
        default=None, description="Of WEIGHTED: percent, at most 100 in all of one result."
    )
    indicator: relay.GlobalID | None = strawberry.field(
        default=None, description="Of DIRECT: the result's indicator that is shared out."
    )
    share: Decimal | None = strawberry.field(
        default=None, description="The member's part of that indicator's number."
    )

    def value(self) -> rules.Cell:
        return rules.Cell(
            result_id=key_of(self.result, "Target"),
            title=self.title,
            kind=self.kind,
            weight=self.weight,
            indicator_id=optional_key_of(self.indicator, "Indicator"),
            share=self.share,
        )


@strawberry.input(description="A row of a matrix.")
class MatrixMemberInput:
    employee: strawberry.ID = strawberry.field(
        description="An employee's id, or a NIP; of the leader's agency, of whichever unit."
    )
    role: models.MemberRole = strawberry.field(
        default=models.MemberRole.MEMBER, description="Coordinators come first."
    )
    cells: list[MatrixCellInput] = strawberry.field(
        default_factory=list, description="At most one for each result."
    )

    def value(self) -> service.Row:
        cells = [cell.value() for cell in self.cells]
        return service.Row(who=person_in(self.employee), role=self.role, cells=cells)


@strawberry.input(description="A whole matrix: what is not in it is taken out.")
class SaveMatrixInput:
    plan: relay.GlobalID = strawberry.field(description="The leader's plan.")
    version: int | None = strawberry.field(
        default=None, description="The version that it was made from; null for a new matrix."
    )
    members: list[MatrixMemberInput] = strawberry.field(
        description=f"At most {rules.MOST_MEMBERS} rows with {rules.MOST_CELLS:,} cells."
    )


@strawberry.input(description="A matrix to open for its members.")
class PublishMatrixInput:
    id: relay.GlobalID = strawberry.field(description="The matrix.")
    version: int = strawberry.field(description="The version that was looked at.")
    publication: models.Publication = strawberry.field(
        description="Whether members receive their rows at once, or pick them."
    )


@strawberry.input(description="Cells that a member takes into their own plan.")
class TakeCellsInput:
    cells: list[relay.GlobalID] = strawberry.field(
        description="Of one matrix that is open for picking; each becomes a target once."
    )


@strawberry.input(description="An indicator that everybody is given.")
class TemplateIndicatorInput:
    aspect: Aspect = strawberry.field(description="Quantity, quality, time or cost.")
    title: str = strawberry.field(description="What is measured.")
    unit_of_measure: str | None = strawberry.field(default=None, description="Of its numbers.")
    polarity: Polarity = strawberry.field(
        default=Polarity.RISING, description="Which way is better."
    )
    accumulation: Accumulation = strawberry.field(
        default=Accumulation.SUM, description="What a quantity means."
    )
    planned: Decimal | None = strawberry.field(
        default=None, description="The number to reach; not of a RANGE."
    )
    minimum: Decimal | None = strawberry.field(default=None, description="Of a RANGE: lower end.")
    maximum: Decimal | None = strawberry.field(default=None, description="Of a RANGE: upper end.")

    def value(self) -> rules.TemplateIndicator:
        return rules.TemplateIndicator(**vars(self))


@strawberry.input(description="A stage of staged work that everybody is given.")
class TemplateStageInput:
    title: str = strawberry.field(description="What is to be done.")
    evidence: str | None = strawberry.field(default=None, description="What is to prove it.")
    weight: Decimal | None = strawberry.field(default=None, description="Share of the whole.")

    def value(self) -> rules.TemplateStage:
        return rules.TemplateStage(**vars(self))


@strawberry.input(description="A result that everybody is given.")
class TemplateResultInput:
    title: str = strawberry.field(description="What is to be reached.")
    category: ResultCategory = strawberry.field(
        default=ResultCategory.MAIN, description="Main or additional."
    )
    indicators: list[TemplateIndicatorInput] = strawberry.field(
        default_factory=list, description="What is measured; not beside stages."
    )
    stages: list[TemplateStageInput] = strawberry.field(
        default_factory=list, description="Of staged work, in their order."
    )

    def value(self) -> rules.TemplateResult:
        return rules.TemplateResult(
            title=self.title,
            category=self.category,
            indicators=tuple(one.value() for one in self.indicators),
            stages=tuple(one.value() for one in self.stages),
        )


@strawberry.input(description="A whole template; rows given before stay as they are.")
class SaveTemplateInput:
    agency: str = strawberry.field(description="An agency's code.")
    code: str = strawberry.field(description="The template's code, at most 60 characters.")
    version: int | None = strawberry.field(
        default=None, description="The version that it was made from; null for a new template."
    )
    name: str = strawberry.field(description="For whom or what it is.")
    results: list[TemplateResultInput] = strawberry.field(
        description=f"What everybody is given, at most {rules.MOST_RESULTS}."
    )

    def draft(self) -> service.Draft:
        results = [one.value() for one in self.results]
        return service.Draft(
            agency=self.agency,
            code=self.code,
            version=self.version,
            name=self.name,
            results=results,
        )


@strawberry.input(description="A template for many people at once.")
class ApplyTemplateInput:
    template: relay.GlobalID = strawberry.field(description="The template.")
    period: str = strawberry.field(description="A planning period's code, such as 2026.")
    employees: list[str] | None = strawberry.field(
        default=None, description=f"NIPs, at most {rules.MOST_PEOPLE:,}; or a unit."
    )
    unit: relay.GlobalID | None = strawberry.field(
        default=None, description="All who hold a post today in it or below; or employees."
    )
    position: str | None = strawberry.field(
        default=None, description="Of a unit's people: those whose post's name holds this text."
    )
    parent: relay.GlobalID | None = strawberry.field(
        default=None, description="The target that the rows serve; its owner is not given them."
    )
    kind: EdgeKind | None = strawberry.field(
        default=None,
        description="With a parent: how they serve it. WEIGHTED: in equal parts of what is left "
        "of 100 percent.",
    )
    split: Split = strawberry.field(
        default=Split.SAME,
        description="EQUAL, with DIRECT: what is left of the parent's number, in equal parts.",
    )

    def application(self) -> templates.Application:
        chosen = templates.Chosen(
            nips=self.employees,
            unit_id=optional_key_of(self.unit, "Unit"),
            position=self.position,
        )
        return templates.Application(
            template_id=key_of(self.template, "CascadeTemplate"),
            period=self.period,
            chosen=chosen,
            parent_id=optional_key_of(self.parent, "Target"),
            kind=self.kind,
            split=self.split,
        )


@strawberry.type(description="The matrix as it is now, also after a conflict.")
class MatrixPayload:
    matrix: RoleMatrix | None = strawberry.field(
        description="Null where it was refused, unless somebody else had changed it (CONFLICT)."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Empty where it went well; `field` names the place in the input."
    )


@strawberry.type(description="The saved matrix, or why it was refused; nothing is saved in part.")
class SaveMatrixPayload(MatrixPayload):
    pass


@strawberry.type(
    description="The published matrix, with an error for each member whose plan takes no rows."
)
class PublishMatrixPayload(MatrixPayload):
    pass


@strawberry.type(description="The targets that the cells have become, or why they were refused.")
class TakeCellsPayload:
    targets: list[Target] = strawberry.field(description="In the viewer's plan.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The template as it is now, also after a conflict.")
class SaveTemplatePayload:
    template: CascadeTemplate | None = strawberry.field(
        description="Null where it was refused, unless somebody else had changed it (CONFLICT)."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="Who was given rows, with an error for each who could not be.")
class ApplyTemplatePayload:
    plans: list[PerformancePlan] = strawberry.field(description="Plans that were given rows now.")
    rows: int = strawberry.field(description="How many rows were given now.")
    user_errors: list[UserError] = strawberry.field(
        description="`field` names the place in the input, as employees.0."
    )


@strawberry.type
class MatrixMutation:
    @strawberry.mutation(description="Save a leader's matrix of roles and results as one thing.")
    async def save_matrix(self, info: Info, input: SaveMatrixInput) -> SaveMatrixPayload:
        with refusals(info) as refused:
            plan, rows = key_of(input.plan, "PerformancePlan"), rows_in(input)
            matrix = await service.save_matrix(info.context.viewer, plan, input.version, rows)
            return SaveMatrixPayload(matrix=shown(ONE_MATRIX, matrix.id), user_errors=[])
        matrix_now = present(refused, OF_PLAN, input.plan)
        return SaveMatrixPayload(matrix=matrix_now, user_errors=refused)

    @strawberry.mutation(description="Open a matrix for its members; again for what came since.")
    async def publish_matrix(self, info: Info, input: PublishMatrixInput) -> PublishMatrixPayload:
        viewer, now, how = info.context.viewer, info.context.now(), input.publication
        with refusals(info) as refused:
            key = key_of(input.id, "RoleMatrix")
            dealt = await service.publish_matrix(viewer, key, input.version, how, now)
            return published(dealt, info)
        matrix_now = present(refused, ONE_MATRIX, input.id)
        return PublishMatrixPayload(matrix=matrix_now, user_errors=refused)

    @strawberry.mutation(description="Take cells that are open for picking into one's own plan.")
    async def take_cells(self, info: Info, input: TakeCellsInput) -> TakeCellsPayload:
        with refusals(info) as refused:
            keys = list(dict.fromkeys(key_of(one, "MatrixCell") for one in input.cells))
            dealt = await dealing.take_cells(info.context.viewer, keys, info.context.now())
            return TakeCellsPayload(targets=these(TARGETS, dealt.targets), user_errors=[])
        return TakeCellsPayload(targets=[], user_errors=refused)

    @strawberry.mutation(description="Keep results that many people are given alike.")
    async def save_template(self, info: Info, input: SaveTemplateInput) -> SaveTemplatePayload:
        with refusals(info) as refused:
            template = await service.save_template(info.context.viewer, input.draft())
            return SaveTemplatePayload(template=shown(ONE_TEMPLATE, template.id), user_errors=[])
        template_now = present_template(refused, input)
        return SaveTemplatePayload(template=template_now, user_errors=refused)

    @strawberry.mutation(description="Give many people a template's results, each once a period.")
    async def apply_template(self, info: Info, input: ApplyTemplateInput) -> ApplyTemplatePayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            applied = await templates.apply_template(viewer, input.application(), now)
            return given(applied, info)
        return ApplyTemplatePayload(plans=[], rows=0, user_errors=refused)


ONE_MATRIX = One(source="role_matrix @it", where="@it.id = @key::uuid")
OF_PLAN = One(source="role_matrix @it", where="@it.plan_id = @key::uuid")
ONE_TEMPLATE = One(source="cascade_template @it", where="@it.id = @key::uuid")
BY_CODE = One(
    source="cascade_template @it JOIN agency a$ ON a$.id = @it.agency_id",
    where="a$.code = @agency::text AND @it.code = @code::text",
)
TARGETS = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) JOIN target @it ON @it.id = k$.id",
    order="k$.place",
)
PLANS = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) "
    "JOIN performance_plan @it ON @it.id = k$.id",
    order="k$.place",
)


def person_in(text: str) -> UUID | str:
    """The key in an employee's id, or a NIP.

    Raises:
        NotFound: it is neither.
    """
    if is_nip(text):
        return text
    try:
        return key_of(relay.GlobalID.from_id(text), "Employee")
    except relay.GlobalIDValueError:
        raise NotFound("Employee") from None


def rows_in(input: SaveMatrixInput) -> list[service.Row]:
    """The rows of an input.

    Raises:
        NotFound: an id is of another type.
    """
    return [member.value() for member in input.members]


def shown(rows: One, key: UUID) -> Any:
    """An object as the read path shows it now."""
    return Selected(rows, {"key": key})


def these(rows: Many, keys: list[UUID]) -> Any:
    """Objects as the read path shows them now, in this order."""
    return Selected(rows, {"keys": keys})


def is_conflict(refused: list[UserError]) -> bool:
    return any(one.code is ErrorCode.CONFLICT for one in refused)


def present(refused: list[UserError], rows: One, id: relay.GlobalID) -> Any:
    """What is there now, for whoever has saved on an older version."""
    return shown(rows, UUID(id.node_id)) if is_conflict(refused) else None


def present_template(refused: list[UserError], input: SaveTemplateInput) -> Any:
    """The template that is there now, for whoever has saved on an older version."""
    if not is_conflict(refused):
        return None
    return Selected(BY_CODE, {"agency": input.agency, "code": input.code.strip()})


def published(dealt: dealing.Dealt, info: Info) -> PublishMatrixPayload:
    """The payload of a partial success; errors name the member's row."""
    language = info.context.language
    errors = [UserError.of(error, language, field) for field, error in dealt.errors]
    return PublishMatrixPayload(matrix=shown(ONE_MATRIX, dealt.matrix_id), user_errors=errors)


def given(applied: templates.Applied, info: Info) -> ApplyTemplatePayload:
    """The payload of a partial success; errors name the place in the input."""
    language = info.context.language
    errors = [UserError.of(error, language, field) for field, error in applied.errors]
    plans = these(PLANS, applied.plans)
    return ApplyTemplatePayload(plans=plans, rows=applied.rows, user_errors=errors)
