"""The plugins that a worker found, written down for administrators, and faults that it met."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schema.feeds.models import Plugin, PluginState, ProblemCode
from schema.tables import transaction
from schema.values import uuid7

GONE = "not installed here; install its distribution on the worker's host again, or leave it"
QUIET = timedelta(hours=1)
"""So long after the last time a killed process or a forgery is a problem of the past."""

KEEP = """
INSERT INTO plugin (id, name, distribution, version, title, capabilities, settings_schema,
  state, problem, seen_at)
VALUES ($1, $2, $3, $4, $5, $6::text[], $7::text::jsonb, $8, $9, $10)
ON CONFLICT (name) DO UPDATE SET distribution = excluded.distribution,
  version = excluded.version, state = excluded.state, problem = excluded.problem,
  seen_at = excluded.seen_at,
  -- What a plugin said of itself while it worked is kept while it is quarantined.
  title = CASE excluded.state WHEN 'READY' THEN excluded.title ELSE plugin.title END,
  capabilities = CASE excluded.state WHEN 'READY' THEN excluded.capabilities
    ELSE plugin.capabilities END,
  settings_schema = CASE excluded.state WHEN 'READY' THEN excluded.settings_schema
    ELSE plugin.settings_schema END
"""

PAST = """
UPDATE connector_problem SET resolved_at = $1
WHERE resolved_at IS NULL AND code = ANY ($2::text[]) AND last_at < $3
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A plugin as it was found; `problem` says why it is quarantined, None that it is ready."""

    name: str
    distribution: str
    version: str
    title: str
    capabilities: Sequence[str] = ()
    settings_schema: Any = field(default_factory=dict)
    problem: str | None = None


async def write_down(plugins: Sequence[Seen], names: Sequence[str], now: datetime) -> None:
    """Keep what was found; whoever is not among `names`, all that are installed, is quarantined."""
    async with transaction() as connection:
        for one in sorted(plugins, key=lambda one: one.name):
            state = PluginState.READY if one.problem is None else PluginState.QUARANTINED
            await connection.execute_query_dict(
                KEEP,
                [
                    uuid7(),
                    one.name[:60],
                    one.distribution,
                    one.version[:60],
                    one.title,
                    list(one.capabilities),
                    json.dumps(one.settings_schema),
                    str(state),
                    one.problem,
                    now,
                ],
            )
        await (
            Plugin.exclude(name__in=list(names))
            .using_db(connection)
            .update(state=PluginState.QUARANTINED, problem=GONE)
        )


async def forget_past_problems(now: datetime) -> None:
    """What no success can take back is resolved once it has not been met for an hour."""
    codes = [str(ProblemCode.PLUGIN_KILLED), str(ProblemCode.FORGED)]
    async with transaction() as connection:
        await connection.execute_query_dict(PAST, [now, codes, now - QUIET])
