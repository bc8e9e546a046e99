"""The GraphQL face of consequences: what follows for a person, from where, and pools of talent."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay

from schema.appraisals.graph import Appraisal
from schema.arguments import After, AgencyCode, Before, First, Last, Period
from schema.consequences import models
from schema.consequences.rule_graph import RuleSet
from schema.consequences.rule_tables import Pool
from schema.organizations.graph import Employee
from schema.predicates import of_agencies, sees_consequence
from schema.relay import Connection
from schema.selection.declarations import many, one, page, reads, same, value

strawberry.enum(
    models.Employment,
    description="Civil servant (PNS), candidate (CPNS), or on a contract, whole or part (PPPK).",
)
strawberry.enum(
    models.FunctionalLevel,
    description="Levels of functional posts (jenjang jabatan fungsional), by their national codes.",
)
strawberry.enum(
    Pool,
    name="TalentPool",
    description="A pool of succession (kelompok rencana suksesi): the agency's, the nation's.",
)

BOXES = 9
LABELS = 12
"""Boxes, and what stands where there is none."""


def said(path: str, cast: str = "text") -> str:
    """What the document says at a place of its result, such as more,earned."""
    return f"(@row.document::jsonb #>> '{{result,{path}}}')::{cast}"


def more(path: str, description: str, cast: str = "text") -> Any:
    return value(said(f"more,{path}", cast), description)


@reads(model=models.Career)
@strawberry.type(description="What of a career counts, from a day until the next. Append-only.")
class Career:
    starts_on: date = strawberry.field(description="The first day on which it counts.")
    employment: models.Employment = strawberry.field(description="As what.")
    rank: str | None = strawberry.field(description="Rank (pangkat, golongan).")
    functional_level: models.FunctionalLevel | None = strawberry.field(
        description="The functional level; null of other posts."
    )
    job_class: int | None = strawberry.field(description="Job class (kelas jabatan), 1 to 17.")
    allowance_base: Decimal | None = strawberry.field(
        description="The whole allowance of a month in rupiah; null: none is reckoned."
    )
    credit_brought: Decimal | None = strawberry.field(
        description="Credit points (angka kredit) held on the first day; null: not said."
    )
    contract_ends_on: date | None = strawberry.field(description="The contract's last day.")
    set_at: datetime = strawberry.field(description="When it was written.")
    set_by: Employee | None = one(
        "employee @it", "Who wrote it; null for a service.", where="@it.nip = @row.set_by"
    )


@reads(model=models.PotentialScore)
@strawberry.type(description="Potential (potensi) as an assessment found it. Append-only.")
class PotentialScore:
    assessed_on: date = strawberry.field(description="When it was assessed.")
    score: Decimal = strawberry.field(description="0 to 100.")
    source: str = strawberry.field(description="Which assessment it was.")
    set_at: datetime = strawberry.field(description="When it was written.")


@reads(model=models.TrainingRecord)
@strawberry.type(description="Training (pengembangan kompetensi) that ended. Append-only.")
class TrainingRecord:
    ended_on: date = strawberry.field(description="Its last day.")
    title: str = strawberry.field(description="What it was.")
    hours: Decimal = strawberry.field(description="Hours (jam pelajaran, JP).")
    source: str = strawberry.field(description="Where it is from, as a certificate.")
    set_at: datetime = strawberry.field(description="When it was written.")


@reads()
@strawberry.type(description="One line of a breakdown: what, and by which words of the rule.")
class ConsequenceLine:
    name: str = strawberry.field(description="What it is of.")
    basis: str = strawberry.field(description="How it comes about, in Indonesian.")
    percent: Decimal | None = strawberry.field(description="Its percent, where it has one.")
    amount: Decimal | None = strawberry.field(description="What it came to, as `amount` is.")
    appraisal: Appraisal | None = one(
        "appraisal @it",
        "The appraisal that it is of; null where it is of none.",
        where="@it.id = @row.appraisal_id",
    )


@reads()
@strawberry.type(description="How far it is to the next rank or level.")
class CreditStep:
    needed: Decimal = strawberry.field(description="Points that it needs.")
    missing: Decimal = strawberry.field(description="What is still missing; 0 where reached.")
    reached: bool = strawberry.field(description="Whether it is reached.")


def step(name: str, description: str) -> Any:
    """One of the two steps; null where there is none, or what was brought is not known."""
    read = (
        f"(SELECT (j$.one ->> 'needed')::numeric AS needed, (j$.one ->> 'missing')::numeric "
        f"AS missing, (j$.one ->> 'reached')::boolean AS reached FROM (SELECT "
        f"@row.document::jsonb #> '{{result,more,{name}}}' AS one) j$ "
        "WHERE jsonb_typeof(j$.one) = 'object') @it"
    )
    return one(read, description)


@reads()
@strawberry.type(description="Credit points (angka kredit) of the year and before it.")
class CreditProgress:
    level: models.FunctionalLevel = more("level", "The functional level of the year's end.")
    earned: Decimal = more("earned", "Points of the year.", "numeric")
    brought: Decimal | None = more(
        "brought", "Points held before it; null: nobody has said.", "numeric"
    )
    total: Decimal | None = more("total", "Both; null where what was brought is.", "numeric")
    next_rank: CreditStep | None = step("next_rank", "To the next rank (pangkat).")
    next_level: CreditStep | None = step("next_level", "To the next level (jenjang).")


@reads()
@strawberry.type(description="Something that training is needed for.")
class TrainingNeed:
    kind: str = strawberry.field(
        description="RESULT or BEHAVIOUR: it was rated low; FEEDBACK: others found it weak."
    )
    about: str = strawberry.field(description="Which result or behaviour.")
    hours: Decimal = strawberry.field(description="Hours that are proposed.")


@reads()
@strawberry.type(description="Training that is needed, and hours of the year.")
class TrainingNeeds:
    due: Decimal = more("hours_due", "Hours that a year asks for.", "numeric")
    done: Decimal = more("hours_done", "Hours of training that ended in it.", "numeric")
    short: Decimal = value("@row.amount", "Hours that are missing; 0 where there are enough.")
    needs: list[TrainingNeed] = many(
        """jsonb_array_elements(@row.document::jsonb #> '{result,more,needs}')
          WITH ORDINALITY n$ (one, place) CROSS JOIN LATERAL (SELECT n$.one ->> 'kind' AS kind,
          n$.one ->> 'about' AS about, (n$.one ->> 'hours')::numeric AS hours) @it""",
        "What it is needed for.",
        order="n$.place",
    )


@reads(model=models.Consequence, visible=sees_consequence("@it"))
@strawberry.type(
    description="What follows for somebody from a year's appraisals, or as an allowance for a "
    "month. Worked out anew with another outcome, a new version stands beside it."
)
class Consequence(relay.Node):
    id: relay.NodeID[UUID]
    kind: models.RuleKind = strawberry.field(description="What it is.")
    employee: Employee | None = one(
        None, "For whom; null where they have moved to an agency that is not yours to see."
    )
    period: str = value(
        "(SELECT p$.code FROM period p$ WHERE p$.id = @row.period_id)",
        "The planning period's code.",
    )
    month: date | None = strawberry.field(description="Of an allowance: the month's first day.")
    amount: Decimal | None = strawberry.field(
        description="A weight; credit points of the year; a box of nine; hours of training that "
        "are missing; rupiah. Null where there is none; `label` then says why."
    )
    label: str | None = strawberry.field(
        description="A predicate, a level, a box, SHORT or MET; or why there is no amount."
    )
    recommendation: str | None = more("recommendation", "Of a box: what is recommended.")
    credit: CreditProgress | None = same(
        "@row",
        "Of credit points: how far they lead.",
        where="@row.kind = 'CREDIT' AND @row.amount IS NOT NULL",
    )
    training: TrainingNeeds | None = same(
        "@row", "Of training: what is needed.", where="@row.kind = 'TRAINING'"
    )
    lines: list[ConsequenceLine] = many(
        """jsonb_array_elements(@row.document::jsonb #> '{result,lines}')
          WITH ORDINALITY l$ (one, place) CROSS JOIN LATERAL (SELECT l$.one ->> 'name' AS name,
          l$.one ->> 'basis' AS basis, (l$.one ->> 'percent')::numeric AS percent,
          (l$.one ->> 'amount')::numeric AS amount,
          (l$.one ->> 'appraisal_id')::uuid AS appraisal_id) @it""",
        "How it comes about, line by line.",
        order="l$.place",
    )
    rule_set: RuleSet | None = one(
        "rule_set @it",
        "The version of the rules; null to a superior of another agency.",
        where="@it.id = @row.rule_set_id",
    )
    appraisals: list[Appraisal] = many(
        "consequence_basis b$ JOIN appraisal @it ON @it.id = b$.appraisal_id",
        "The appraisals that it rests on; each leads to its evidence.",
        where="b$.consequence_id = @row.id",
        order="@it.starts_on, @it.id",
    )
    version: int = strawberry.field(description="From 1; the highest is in force.")
    versions: list["Consequence"] = many(
        "consequence @it",
        "All versions, the newest first.",
        where="@it.employee_id = @row.employee_id AND @it.period_id = @row.period_id "
        "AND @it.kind = @row.kind AND @it.month IS NOT DISTINCT FROM @row.month",
        order="@it.version DESC",
    )
    reckoned_at: datetime = strawberry.field(description="When it was worked out.")
    superseded_at: datetime | None = strawberry.field(
        description="When another version took its place; null: it is in force."
    )
    document: str = strawberry.field(
        description="Canonical JSON of inputs, rules and result; from its inputs the same bytes "
        "come again."
    )
    digest: str = strawberry.field(description="SHA-256 of the document, in hex.")


@strawberry.type(description="Consequences of people, a page at a time.")
class ConsequenceConnection(Connection[Consequence]):
    pass


@reads()
@strawberry.type(description="How many people are in one box of nine, or in none.")
class TalentBox:
    box: int | None = strawberry.field(description="1 to 9; null: in none.")
    label: str = strawberry.field(description="The box, or why there is none.")
    count: int = value("@row.number", "People; never 0.")


# Boxes of an agency's year, as they are in force.
IN_BOXES = "c$.kind = 'TALENT' AND c$.superseded_at IS NULL"


@reads(visible=of_agencies("@it.agency_id"))
@strawberry.type(description="The nine boxes of an agency's year.")
class TalentGrid:
    people: int = value(
        f"""(SELECT count(*) FROM consequence c$ WHERE c$.agency_id = @row.agency_id
          AND c$.period_id = @row.period_id AND {IN_BOXES})""",
        "How many people were judged.",
    )
    boxes: list[TalentBox] = many(
        f"""(SELECT c$.amount::int AS box, coalesce(c$.label, '') AS label, count(*) AS number
          FROM consequence c$ WHERE c$.agency_id = @row.agency_id
            AND c$.period_id = @row.period_id AND {IN_BOXES} GROUP BY 1, 2) @it""",
        "The boxes with anybody in them, 9 first, and those in none.",
        order="@it.box DESC NULLS LAST, @it.label",
        at_most=LABELS,
    )


@strawberry.type
class OutcomeQuery:
    @one(
        """(SELECT a$.id AS agency_id, p$.id AS period_id FROM agency a$
          JOIN period p$ ON p$.agency_id = a$.id
          WHERE a$.code = @agency AND p$.code = @period) @it""",
        "The nine boxes of an agency's year in figures, for its administrators and auditors; null "
        "for others.",
        type=TalentGrid | None,
    )
    def talent_grid(self, agency: AgencyCode, period: Period) -> None: ...

    @page(
        "consequence @it JOIN agency a$ ON a$.id = @it.agency_id "
        "JOIN period p$ ON p$.id = @it.period_id AND p$.agency_id = a$.id",
        "Who is in a pool of succession, or in a box, for the agency's administrators and "
        "auditors; empty for others.",
        where="a$.code = @agency AND p$.code = @period AND @it.kind = 'TALENT' "
        f"AND @it.superseded_at IS NULL AND ({of_agencies('@it.agency_id')})",
        given={
            "pool": "(@it.document::jsonb #> '{result,more,pools}') ? @pool::text",
            "box": "@it.amount = @box::int",
        },
        keys={"@it.id": "uuid"},
        type=ConsequenceConnection,
    )
    def talent_pool(
        self,
        agency: AgencyCode,
        period: Period,
        pool: Annotated[Pool | None, strawberry.argument(description="Of one pool only.")] = None,
        box: Annotated[int | None, strawberry.argument(description="Of one box only.")] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...
