"""Use cases of rule sets: load a version, bring in the defaults, find what is in force on a day.

A version is added, never rewritten, and holds from a day until the next one does. An agency's
administrator loads them; everybody in the agency sees them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope
from schema.checks import invalid
from schema.consequences.models import RuleKind, RuleSet
from schema.consequences.rule_tables import Rules, parsed
from schema.consequences.rule_texts import DEFAULTS, Written, packaged_rules, written
from schema.organizations.service import administered_agency
from schema.tables import transaction

DEFAULTS_FROM = date(2022, 1, 1)
"""The year whose appraisals PermenPANRB 6/2022 first ruled; the defaults hold from then on."""
SYSTEM = "ekinerja"
"""Who has loaded a default: nobody of the agency."""

LOCK_AGENCY = "SELECT id FROM agency WHERE id = $1 FOR NO KEY UPDATE"
HELD_FROM_THE_START = """
SELECT DISTINCT kind FROM rule_set WHERE agency_id = $1 AND starts_on <= $2
"""
IN_FORCE = """
SELECT DISTINCT ON (kind) id, kind, code, version, body, digest FROM rule_set
WHERE agency_id = $1 AND starts_on <= $2 AND kind = ANY ($3)
ORDER BY kind, starts_on DESC, version DESC
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A version that holds on a day, with its rules."""

    id: UUID
    digest: str
    code: str
    version: int
    body: str
    rules: Rules


async def load(
    scope: Scope,
    agency: str,
    starts_on: date,
    now: datetime,
    *,
    text: str | None = None,
    code: str | None = None,
) -> RuleSet:
    """Add a version of an agency's rules from a day on: a text in TOML or JSON, or a packaged table
    by its code. The same rules again from the same day are the version that is there.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
        DomainError: RULES_INVALID, or neither or both of text and code.
    """
    async with transaction() as connection:
        found = await administered_agency(connection, scope, agency)
        table = _given(text, code)
        await _add_defaults(connection, found.id, now)
        rows = RuleSet.filter(agency_id=found.id, kind=table.kind).using_db(connection)
        versions = await rows.order_by("-version")
        same_day = next((row for row in versions if row.starts_on == starts_on), None)
        if same_day is not None and same_day.digest == table.digest:
            return same_day
        version = 1 + max((row.version for row in versions), default=0)
        return await _add(connection, found.id, table, version, starts_on, scope.subject, now)


async def ensure_defaults(connection: BaseDBAsyncClient, agency_id: UUID, now: datetime) -> int:
    """Give an agency the packaged defaults of each kind that has nothing from the start; how many
    were added. One statement where there is nothing to do."""
    if not await _missing(connection, agency_id):
        return 0
    await connection.execute_query_dict(LOCK_AGENCY, [agency_id])
    return await _add_defaults(connection, agency_id, now)


async def bring_defaults(scope: Scope, agency: str, now: datetime) -> int:
    """The same as a use case of its own.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
    """
    async with transaction() as connection:
        found = await administered_agency(connection, scope, agency)
        return await _add_defaults(connection, found.id, now)


async def all_in_force(
    connection: BaseDBAsyncClient,
    agency_id: UUID,
    day: date,
    kinds: Sequence[RuleKind] = tuple(RuleKind),
) -> Mapping[RuleKind, InForce]:
    """What is in force on a day, by kind; a kind that the agency has no rules of is not in it."""
    wanted = [kind.value for kind in kinds]
    rows = await connection.execute_query_dict(IN_FORCE, [agency_id, day, wanted])
    return {RuleKind(row["kind"]): _in_force(row) for row in rows}


async def in_force(
    connection: BaseDBAsyncClient, agency_id: UUID, kind: RuleKind, day: date
) -> InForce | None:
    """The version of one kind that holds on a day; of two from the same day the later one."""
    return (await all_in_force(connection, agency_id, day, [kind])).get(kind)


def _given(text: str | None, code: str | None) -> Written:
    if text is not None and code is None:
        return written(text)
    if code is not None and text is None:
        return packaged_rules(code)
    raise invalid("text", "text or code: one of the two")


def _in_force(row: Mapping[str, Any]) -> InForce:
    return InForce(
        id=row["id"],
        digest=row["digest"],
        code=row["code"],
        version=row["version"],
        body=row["body"],
        rules=parsed(RuleKind(row["kind"]), row["body"]),
    )


async def _missing(connection: BaseDBAsyncClient, agency_id: UUID) -> list[RuleKind]:
    rows = await connection.execute_query_dict(HELD_FROM_THE_START, [agency_id, DEFAULTS_FROM])
    held = {row["kind"] for row in rows}
    return [kind for kind in DEFAULTS if kind.value not in held]


async def _add_defaults(connection: BaseDBAsyncClient, agency_id: UUID, now: datetime) -> int:
    """The caller holds the agency's lock."""
    missing = await _missing(connection, agency_id)
    for kind in missing:
        latest = RuleSet.filter(agency_id=agency_id, kind=kind).using_db(connection)
        row = await latest.order_by("-version").first()
        version = 1 if row is None else row.version + 1
        table = packaged_rules(DEFAULTS[kind])
        await _add(connection, agency_id, table, version, DEFAULTS_FROM, SYSTEM, now)
    return len(missing)


async def _add(
    connection: BaseDBAsyncClient,
    agency_id: UUID,
    table: Written,
    version: int,
    starts_on: date,
    by: str,
    now: datetime,
) -> RuleSet:
    return await RuleSet.create(
        using_db=connection,
        agency_id=agency_id,
        kind=table.kind,
        code=table.code,
        version=version,
        starts_on=starts_on,
        source=table.source,
        body=table.body,
        digest=table.digest,
        loaded_by=by,
        loaded_at=now,
    )
