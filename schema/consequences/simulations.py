"""The GraphQL face of trying a rule set: whom it would change, and by how much."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from strawberry.relay import to_base64

from schema.arguments import Period
from schema.consequences import simulating
from schema.consequences.rule_graph import RuleSet
from schema.context import Info
from schema.selection.declarations import One
from schema.selection.execution import Selected
from schema.selection.pages import LARGEST_PAGE
from schema.selection.statement import key_in

RuleSetId = Annotated[
    strawberry.ID, strawberry.argument(description="Opaque; as a field `id` has given it.")
]
ONE_RULE_SET = One(source="rule_set @it", where="@it.id = @key::uuid")


@strawberry.type(description="A line of somebody's breakdown that would be another one.")
class SimulatedLine:
    name: str = strawberry.field(description="What it is of.")
    amount_now: Decimal | None = strawberry.field(description="Null where it is not there.")
    amount_then: Decimal | None = strawberry.field(description="By the rules that are tried.")
    percent_now: Decimal | None = strawberry.field(description="Null where it has none.")
    percent_then: Decimal | None = strawberry.field(description="By the rules that are tried.")


@strawberry.type(description="Somebody whom the rules would change.")
class SimulatedPerson:
    employee_id: strawberry.ID = strawberry.field(description="Whom: the id of an Employee.")
    nip: str = strawberry.field(description="NIP, 18 digits.")
    name: str = strawberry.field(description="Full name.")
    amount_now: Decimal | None = strawberry.field(description="As it is in force.")
    amount_then: Decimal | None = strawberry.field(description="By the rules that are tried.")
    difference: Decimal | None = strawberry.field(
        description="Then less now; null where one of them is."
    )
    label_now: str | None = strawberry.field(description="As it is in force.")
    label_then: str | None = strawberry.field(description="By the rules that are tried.")
    lines: list[SimulatedLine] = strawberry.field(
        description="Lines that would be others.", metadata={"list_size": 8}
    )


@strawberry.type(
    description="What a rule set would change of what is in force of its kind. Nothing is written."
)
class Simulation:
    rule_set: RuleSet = strawberry.field(description="What is tried.")
    people: int = strawberry.field(description="Whom it would be applied to.")
    changed: int = strawberry.field(description="Whose amount or label would be another one.")
    higher: int = strawberry.field(description="Whose amount would be higher.")
    lower: int = strawberry.field(description="Whose amount would be lower.")
    total_now: Decimal = strawberry.field(description="Of all amounts now.")
    total_then: Decimal = strawberry.field(description="Of all amounts then.")
    difference: Decimal = strawberry.field(description="Then less now.")
    changes: list[SimulatedPerson] = strawberry.field(
        description="A page of those whom it would change.", metadata={"list_size": LARGEST_PAGE}
    )
    next_after: str | None = strawberry.field(
        description="Give it as `after` for the next page; null where this is the last."
    )


@strawberry.type
class SimulationQuery:
    @strawberry.field(
        description="Before a rule set takes force: whom it would change, by how much and in which "
        "lines. For the agency's administrators and auditors."
    )
    async def simulate(
        self,
        info: Info,
        rule_set: RuleSetId,
        period: Period,
        month: Annotated[
            date | None,
            strawberry.argument(description="Of allowances: any day of the month."),
        ] = None,
        unit: Annotated[
            str | None,
            strawberry.argument(description="A unit's code: of its people and those below."),
        ] = None,
        first: Annotated[
            int | None,
            strawberry.argument(description="How many people, 1 to 100; 20 if left out."),
        ] = None,
        after: Annotated[
            str | None, strawberry.argument(description="`nextAfter` of the page before.")
        ] = None,
    ) -> Simulation:
        asked = simulating.Asked(key_in(rule_set, "RuleSet"), period, month, unit, first, after)
        return shown(await simulating.simulate(info.context.viewer, asked))


def shown(found: simulating.Simulation) -> Simulation:
    rules: Any = Selected(ONE_RULE_SET, {"key": found.rule_set_id})
    return Simulation(
        rule_set=rules,
        people=found.people,
        changed=found.changed,
        higher=found.higher,
        lower=found.lower,
        total_now=found.total_now,
        total_then=found.total_then,
        difference=found.difference,
        changes=[person(one) for one in found.changes],
        next_after=found.next_after,
    )


def person(one: simulating.PersonChange) -> SimulatedPerson:
    return SimulatedPerson(
        employee_id=strawberry.ID(to_base64("Employee", one.employee_id)),
        nip=one.nip,
        name=one.name,
        amount_now=one.amount_now,
        amount_then=one.amount_then,
        difference=one.difference,
        label_now=one.label_now,
        label_then=one.label_then,
        lines=[
            SimulatedLine(
                name=line.name,
                amount_now=line.amount_now,
                amount_then=line.amount_then,
                percent_now=line.percent_now,
                percent_then=line.percent_then,
            )
            for line in one.lines
        ],
    )
