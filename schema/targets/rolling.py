"""How an achievement rolls up over weighted edges.

An edge keeps its child's achievement in percent, with six decimals. So a parent's figure is
worked out from its own row's neighbours, and moving one leaf touches only the edges above it.
Each edge is a function of what is below it, so the order of confirmations does not matter, and
the same computed from nothing is the same to the last digit.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.policies.rules import Policy
from schema.targets import figures
from schema.targets.rules import Child, Measured, StageFacts, achieved_exactly

# Edges whose value may change when these targets' figures do: those above them, over weights only.
ABOVE = """
WITH RECURSIVE up (id, parent_id) AS (
  SELECT e.id, e.parent_id FROM target_edge e
  WHERE e.child_id = ANY ($1::uuid[]) AND e.kind = 'WEIGHTED'
  UNION
  SELECT e.id, e.parent_id FROM up JOIN target_edge e ON e.child_id = up.parent_id
  WHERE e.kind = 'WEIGHTED'
)
"""
# Locked in the order of keys, and read by the next statement: as `cascading.py` does.
LOCK = f"""{ABOVE}
SELECT e.id FROM target_edge e JOIN up ON up.id = e.id ORDER BY e.id FOR NO KEY UPDATE OF e"""

OF = figures.facts("t")
FACTS = f"""
SELECT t.id::text, {OF["indicators"]} AS indicators, {OF["stages"]} AS stages,
  {OF["policy"]} AS policy,
  (SELECT coalesce(json_agg(json_build_object('edge', e$.id, 'target', e$.child_id,
    'weight', e$.weight::text, 'achieved', e$.achieved::text) ORDER BY e$.id), '[]')
   FROM target_edge e$ WHERE e$.parent_id = t.id AND e$.kind = 'WEIGHTED') AS children
FROM target t WHERE t.id IN ({{chosen}})
"""
OF_AGENCY = """
SELECT DISTINCT t.id FROM target t JOIN target_edge e ON e.child_id = t.id
WHERE t.agency_id = $1 AND e.kind = 'WEIGHTED'
"""
BELOW_LOCKED = FACTS.replace(
    "{chosen}",
    """SELECT e.child_id FROM target_edge e WHERE e.id = ANY ($1::uuid[])
       UNION SELECT e.parent_id FROM target_edge e WHERE e.id = ANY ($1::uuid[])""",
)
ALL_WEIGHTED = FACTS.replace(
    "{chosen}",
    """SELECT e.child_id FROM target_edge e WHERE e.kind = 'WEIGHTED'
       UNION SELECT e.parent_id FROM target_edge e WHERE e.kind = 'WEIGHTED'""",
)

SAVE = """
UPDATE target_edge e SET achieved = v.achieved
FROM unnest($1::uuid[], $2::numeric[]) v (id, achieved)
WHERE e.id = v.id AND e.achieved IS DISTINCT FROM v.achieved
RETURNING e.parent_id
"""


class WeightedEdge(msgspec.Struct, frozen=True):
    """An edge down from a target, and what it keeps."""

    edge: UUID
    target: UUID
    weight: Decimal
    achieved: Decimal | None


class Facts(msgspec.Struct, frozen=True):
    """A target as the rules take it."""

    id: UUID
    indicators: list[Measured]
    stages: list[StageFacts]
    children: list[WeightedEdge]
    policy: Policy | None


@dataclass(slots=True)
class Roll:
    """Targets worked out from the bottom up; `fresh` holds the edges' new values."""

    targets: Mapping[UUID, Facts]
    fresh: dict[UUID, Decimal | None] = field(default_factory=dict)
    done: dict[UUID, Decimal | None] = field(default_factory=dict)

    def all(self) -> dict[UUID, Decimal | None]:
        """Every edge between the targets, by its key."""
        for key in self.targets:
            if key not in self.done:
                self._work_out(key)
        return self.fresh

    def _work_out(self, top: UUID) -> None:
        """A target after all that it needs; a stack, since a cascade may be deep."""
        waiting = [top]
        while waiting:
            facts = self.targets[waiting[-1]]
            open_ones = [
                edge.target
                for edge in facts.children
                if edge.target in self.targets and edge.target not in self.done
            ]
            if open_ones:
                waiting.extend(open_ones)
                continue
            waiting.pop()
            self.done[facts.id] = self._achieved(facts)

    def _achieved(self, facts: Facts) -> Decimal | None:
        children = []
        for edge in facts.children:
            value = edge.achieved
            if edge.target in self.done:
                value = self.fresh[edge.edge] = self.done[edge.target]
            children.append(Child(weight=edge.weight, achieved=value))
        return achieved_exactly(facts.indicators, facts.stages, children, facts.policy)


def facts_of(rows: Iterable[Mapping[str, Any]]) -> dict[UUID, Facts]:
    """Rows as the driver gives them, JSON as text."""
    decoded = [
        {
            name: msgspec.json.decode(value) if name != "id" and value else value
            for name, value in row.items()
        }
        for row in rows
    ]
    return {one.id: one for one in msgspec.convert(decoded, list[Facts], strict=False)}


async def roll(connection: BaseDBAsyncClient, targets: Collection[UUID]) -> frozenset[UUID]:
    """Bring the weighted edges above these targets up to date, in the caller's transaction.

    Returns the targets whose achievement moved by it. Call it after the targets' own figures
    were moved: it locks.
    """
    edges = await _locked(connection, targets)
    if not edges:
        return frozenset()
    rows = await connection.execute_query_dict(BELOW_LOCKED, [edges])
    worked_out = Roll(facts_of(rows)).all()
    fresh = {edge: worked_out[edge] for edge in edges}
    moved = await connection.execute_query_dict(SAVE, [list(fresh), list(fresh.values())])
    return frozenset(row["parent_id"] for row in moved)


async def _locked(connection: BaseDBAsyncClient, targets: Collection[UUID]) -> list[UUID]:
    """The weighted edges above, locked. Who waited for one looks again, also where none is left:
    whoever held it may have put another in its place."""
    edges: list[UUID] | None = None
    while True:
        rows = await connection.execute_query_dict(LOCK, [sorted(targets)])
        found = [row["id"] for row in rows]
        if found == edges:
            return found
        edges = found


async def roll_agency(connection: BaseDBAsyncClient, agency_id: UUID) -> frozenset[UUID]:
    """Bring all weighted edges of an agency's targets up to date, after its policy has changed.

    Also those above them, whichever agency they are in.
    """
    rows = await connection.execute_query_dict(OF_AGENCY, [agency_id])
    return await roll(connection, [row["id"] for row in rows])


async def roll_anew(
    connection: BaseDBAsyncClient,
) -> dict[UUID, tuple[Decimal | None, Decimal | None]]:
    """Every weighted edge by its key: what it keeps, and the same worked out from nothing."""
    targets = facts_of(await connection.execute_query_dict(ALL_WEIGHTED, []))
    fresh = Roll(targets).all()
    kept = {edge.edge: edge.achieved for facts in targets.values() for edge in facts.children}
    return {key: (value, fresh[key]) for key, value in kept.items()}
