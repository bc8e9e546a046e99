"""What consequences are worked out from, read for up to a thousand people in one statement.

Of a year: signed final appraisals, what was rated low, credit points brought, potential, hours of
training. Of a month: pay and employment, the predicates that a scheme may go by, attendance. Each
comes with what is in force of it now, so that an unchanged outcome writes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.appraisals.feedback import low_groups
from schema.appraisals.models import Predicate
from schema.consequences.attendance import ATTENDANCE
from schema.consequences.models import Employment, RuleKind
from schema.consequences.values import Attendance, Low, PlanResult
from schema.organizations.models import AssignmentKind

LOCK = "SELECT id FROM employee WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"

CURRENT = """(SELECT coalesce(json_agg(json_build_object('id', c.id, 'kind', c.kind,
    'digest', c.digest, 'version', c.version) ORDER BY c.kind), '[]')
  FROM consequence c WHERE c.employee_id = person.id AND c.superseded_at IS NULL AND {which})"""

# Months of service are those of the sealed evidence: a leave of half a year is not in them. Credit
# points brought: those that the career says on a day before the year (or its first), and what the
# years between have earned: a house rule. Which feedback is low, `appraisals.feedback` says.
YEAR = f"""
WITH span AS MATERIALIZED (
  SELECT p.* FROM period p WHERE p.id = $2
), person AS MATERIALIZED (
  SELECT e.id, e.nip FROM employee e WHERE e.id = ANY ($1::uuid[])
), final AS MATERIALIZED (
  SELECT a.id, a.employee_id, s.kind, a.starts_on, a.ends_on, a.predicate,
    (l.document::jsonb #>> '{{inputs,evidence,time,months}}')::int AS months,
    (SELECT c.functional_level FROM career c WHERE c.employee_id = a.employee_id
       AND c.starts_on <= a.ends_on ORDER BY c.starts_on DESC, c.id DESC LIMIT 1) AS level
  FROM person JOIN appraisal a ON a.employee_id = person.id AND a.state = 'SIGNED'
  JOIN evaluation_period v ON v.id = a.evaluation_period_id AND v.kind = 'FINAL'
    AND v.period_id = $2
  JOIN performance_plan q ON q.id = a.plan_id JOIN assignment s ON s.id = q.assignment_id
  JOIN appraisal_seal l ON l.appraisal_id = a.id
), low AS MATERIALIZED (
  SELECT f.employee_id, CASE WHEN n.target_id IS NULL THEN 'BEHAVIOUR' ELSE 'RESULT' END AS kind,
    coalesce(t.title, n.behaviour) AS about
  FROM final f JOIN appraisal_line n ON n.appraisal_id = f.id AND n.rating = 'BELOW'
  LEFT JOIN target t ON t.id = n.target_id WHERE f.kind = 'DEFINITIVE'
  UNION
  SELECT f.employee_id, 'FEEDBACK', g.behaviour
  FROM ({low_groups("(SELECT array_agg(id) FROM final WHERE kind = 'DEFINITIVE')")}) g
  JOIN final f ON f.id = g.appraisal_id
), plans AS MATERIALIZED (
  SELECT f.employee_id, json_agg(json_build_object('appraisal_id', f.id, 'post', f.kind,
    'starts_on', f.starts_on, 'ends_on', f.ends_on, 'months', f.months,
    'predicate', f.predicate, 'level', f.level) ORDER BY f.starts_on, f.id) AS said
  FROM final f GROUP BY 1
), lows AS MATERIALIZED (
  SELECT w.employee_id, json_agg(json_build_object('kind', w.kind, 'about', w.about)
    ORDER BY w.kind, w.about) AS said
  FROM low w GROUP BY 1
)
SELECT coalesce(json_agg(json_build_object('employee_id', person.id, 'nip', person.nip,
  'plans', coalesce(plans.said, '[]'), 'lows', coalesce(lows.said, '[]'),
  'brought', (SELECT (b.credit_brought + coalesce((SELECT sum(c.amount) FROM consequence c
        JOIN period o ON o.id = c.period_id WHERE c.employee_id = person.id
          AND c.kind = 'CREDIT' AND c.superseded_at IS NULL AND o.starts_on >= b.starts_on
          AND o.ends_on < span.starts_on), 0))::text
    FROM career b WHERE b.employee_id = person.id AND b.credit_brought IS NOT NULL
      AND b.starts_on <= span.starts_on ORDER BY b.starts_on DESC, b.id DESC LIMIT 1),
  'potential', (SELECT s.score::text FROM potential_score s WHERE s.employee_id = person.id
      AND s.assessed_on <= span.ends_on ORDER BY s.assessed_on DESC, s.id DESC LIMIT 1),
  'hours', (SELECT coalesce(sum(r.hours), 0)::text FROM training_record r
    WHERE r.employee_id = person.id AND r.ended_on BETWEEN span.starts_on AND span.ends_on),
  'current', {CURRENT.format(which="c.period_id = $2 AND c.month IS NULL")})
  ORDER BY person.id), '[]')::text AS said
FROM person CROSS JOIN span LEFT JOIN plans ON plans.employee_id = person.id
LEFT JOIN lows ON lows.employee_id = person.id"""

# Which evaluations a month goes by: the one that its first day is in, the one that ended the day
# before that began, and the final one of the year before. Where one is missing, no older one
# stands in for it.
SIGNED = """SELECT a.id, a.predicate, l.document FROM appraisal a
    JOIN performance_plan q ON q.id = a.plan_id
    JOIN assignment s ON s.id = q.assignment_id AND s.kind = 'DEFINITIVE'
    JOIN appraisal_seal l ON l.appraisal_id = a.id
    WHERE a.employee_id = person.id AND a.state = 'SIGNED'
      AND a.evaluation_period_id = asked.{which}{more}
    ORDER BY (a.starts_on <= $2::date AND a.ends_on >= $2::date) DESC, a.ends_on DESC, a.id DESC
    LIMIT 1"""
# Of the plan that holds on the first day, also where it is not signed yet: then there is none.
OF_PLAN = """
      AND NOT EXISTS (SELECT FROM appraisal b JOIN performance_plan h ON h.id = b.plan_id
        JOIN assignment o ON o.id = h.assignment_id AND o.kind = 'DEFINITIVE'
        WHERE b.employee_id = person.id AND b.evaluation_period_id = a.evaluation_period_id
          AND b.state <> 'SIGNED' AND b.starts_on <= $2::date AND b.ends_on >= $2::date)"""
# Percent of what was due by the end of the days: the mean of results that have a path. Stages and
# weighted children have none, but the year's whole: held against it, everybody would be behind
# until December.
ACHIEVEMENT = """SELECT round(avg((r.one ->> 'achieved')::numeric), 6)::text
    FROM (SELECT s.document::jsonb AS said OFFSET 0) d
    CROSS JOIN jsonb_array_elements(d.said #> '{result,results}') r (one)
    JOIN jsonb_array_elements(d.said #> '{inputs,evidence,results}') f (one)
      ON f.one ->> 'id' = r.one ->> 'id'
    WHERE coalesce(jsonb_typeof(f.one -> 'stages'), 'null') = 'null'
      AND coalesce(jsonb_array_length(f.one -> 'children'), 0) = 0"""
MONTH = f"""
WITH asked AS MATERIALIZED (
  SELECT now.id AS same_period, (SELECT v.id FROM evaluation_period v
      JOIN period p ON p.id = v.period_id WHERE p.agency_id = $4 AND v.kind <> 'FINAL'
        AND v.ends_on = coalesce(now.starts_on, $2::date) - 1) AS previous_period,
    (SELECT v.id FROM evaluation_period v JOIN period p ON p.id = v.period_id
      WHERE p.agency_id = $4 AND v.kind = 'FINAL' AND p.ends_on < year.starts_on
        AND p.ends_on >= year.starts_on - interval '1 year'
      ORDER BY p.ends_on DESC LIMIT 1) AS previous_year
  FROM period year LEFT JOIN evaluation_period now ON now.period_id = year.id
    AND now.kind <> 'FINAL' AND now.starts_on <= $2::date AND now.ends_on >= $2::date
  WHERE year.id = $5
), person AS MATERIALIZED (
  SELECT e.id, e.nip, c.employment, c.allowance_base
  FROM employee e LEFT JOIN LATERAL (
    SELECT c.* FROM career c WHERE c.employee_id = e.id AND c.starts_on <= $2::date
    ORDER BY c.starts_on DESC, c.id DESC LIMIT 1
  ) c ON (c.contract_ends_on IS NULL OR c.contract_ends_on >= $2::date)
    AND EXISTS (SELECT FROM assignment a WHERE a.employee_id = e.id AND a.kind = 'DEFINITIVE'
      AND a.starts_on <= $2::date AND (a.ends_on IS NULL OR a.ends_on > $2::date))
  WHERE e.id = ANY ($1::uuid[])
), {ATTENDANCE}
SELECT coalesce(json_agg(json_build_object('employee_id', person.id, 'nip', person.nip,
  'base', person.allowance_base::text, 'employment', person.employment,
  'same_period', json_build_object('id', s.id, 'predicate', s.predicate),
  'previous_period', json_build_object('id', b.id, 'predicate', b.predicate),
  'previous_year', json_build_object('id', y.id, 'predicate', y.predicate),
  'achievement', ({ACHIEVEMENT}),
  'attendance', json_build_object('days_asked', coalesce(t.days_asked, 0),
    'absent_days', coalesce(t.absent_days, 0), 'late_minutes', coalesce(t.late_minutes, '{{}}'),
    'early_minutes', coalesce(t.early_minutes, '{{}}')),
  'current', {CURRENT.format(which="c.month = $2::date")}) ORDER BY person.id), '[]')::text AS said
FROM person CROSS JOIN asked
LEFT JOIN LATERAL ({SIGNED.format(which="same_period", more=OF_PLAN)}) s ON true
LEFT JOIN LATERAL ({SIGNED.format(which="previous_period", more="")}) b ON true
LEFT JOIN LATERAL ({SIGNED.format(which="previous_year", more="")}) y ON true
LEFT JOIN attended t ON t.employee_id = person.id"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """A consequence that is in force now."""

    id: UUID
    kind: RuleKind
    digest: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class YearFacts:
    """What of a person's year counts. `hours` of training; `brought` None: nobody has said."""

    employee_id: UUID
    nip: str
    plans: Sequence[PlanResult]
    lows: Sequence[Low]
    brought: Decimal | None
    potential: Decimal | None
    hours: Decimal
    current: Sequence[Current]

    @property
    def basis(self) -> list[UUID]:
        """The appraisals that the year's figures rest on: acting posts add nothing to them (a
        house rule)."""
        return [one.appraisal_id for one in self.plans if one.post is AssignmentKind.DEFINITIVE]


@dataclass(frozen=True, slots=True, kw_only=True)
class GoneBy:
    """The signed appraisal that a scheme may go by; of None there is none."""

    id: UUID | None
    predicate: Predicate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayFacts:
    """What of a person's month counts. `base` None: no pay is known of that day, or no definitive
    post is held on it, or the contract was over."""

    employee_id: UUID
    nip: str
    base: Decimal | None
    employment: Employment | None
    same_period: GoneBy
    previous_period: GoneBy
    previous_year: GoneBy
    achievement: Decimal | None
    attendance: Attendance
    current: Sequence[Current]

    @property
    def gone_by(self) -> Mapping[str, GoneBy]:
        return {
            "SAME_PERIOD": self.same_period,
            "PREVIOUS_PERIOD": self.previous_period,
            "PREVIOUS_YEAR": self.previous_year,
        }


async def lock_people(connection: BaseDBAsyncClient, people: Sequence[UUID]) -> None:
    """Let nobody else reckon of these people meanwhile."""
    await connection.execute_query_dict(LOCK, [list(people)])


async def of_year(
    connection: BaseDBAsyncClient, people: Sequence[UUID], period_id: UUID
) -> list[YearFacts]:
    """Of each of these people, by key."""
    (row,) = await connection.execute_query_dict(YEAR, [list(people), period_id])
    return msgspec.json.decode(row["said"], type=list[YearFacts])


async def of_month(
    connection: BaseDBAsyncClient,
    people: Sequence[UUID],
    agency_id: UUID,
    period_id: UUID,
    month: date,
) -> list[PayFacts]:
    """Of each of these people, by key; `month` is its first day, and it is over."""
    values = [list(people), month, last_day_of(month), agency_id, period_id]
    (row,) = await connection.execute_query_dict(MONTH, values)
    return msgspec.json.decode(row["said"], type=list[PayFacts])


def last_day_of(month: date) -> date:
    """2026-02-01 -> 2026-02-28."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
