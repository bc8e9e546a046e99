"""What the command line shows of connectors: the same as GraphQL, asked as the application."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tortoise.functions import Count

from schema.feeds.models import (
    ConnectorEvent,
    ConnectorProblem,
    DeadLetter,
    DeadLetterCause,
    InboxItem,
    Installation,
    Plugin,
    PluginState,
    ProblemCode,
    Run,
)
from schema.feeds.rules import Health, health
from schema.feeds.settings import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A connector as it is: `settings` are those that may be shown."""

    installation: Installation
    agency: str
    version: str | None
    health: Health
    settings: dict[str, Any]
    waiting: int
    letters: int
    problems: int


async def overviews(
    agency_id: UUID | None = None, installation_id: UUID | None = None
) -> list[Overview]:
    """All connectors, those of an agency, or one, in the order of agency, plugin and title."""
    chosen = {"agency_id": agency_id, "id": installation_id}
    asked = Installation.filter(**{name: key for name, key in chosen.items() if key})
    rows = await asked.order_by("agency__code", "plugin", "title").select_related("agency")
    keys = [row.id for row in rows]
    plugins = {one.name: one for one in await Plugin.all()}
    waiting = await _counts(InboxItem.filter(installation_id__in=keys, processed_at__isnull=True))
    letters = await _counts(DeadLetter.filter(installation_id__in=keys, resolved_at__isnull=True))
    problems: dict[UUID, list[ProblemCode]] = {key: [] for key in keys}
    known = ConnectorProblem.filter(installation_id__in=keys, resolved_at__isnull=True)
    for problem in await known.filter(dismissed_at__isnull=True):
        problems[problem.installation_id].append(problem.code)
    return [
        _overview(row, plugins.get(row.plugin), waiting[row.id], letters[row.id], problems[row.id])
        for row in rows
    ]


def _overview(
    row: Installation,
    plugin: Plugin | None,
    waiting: int,
    letters: int,
    problems: list[ProblemCode],
) -> Overview:
    state = health(
        enabled=row.enabled,
        paused=row.paused,
        quarantined=plugin is not None and plugin.state is PluginState.QUARANTINED,
        halted=row.halted_at is not None,
        breaker=row.breaker,
        failures=row.failures,
        problems=problems,
    )
    return Overview(
        installation=row,
        agency=row.agency.code,
        version=plugin.version if plugin else None,
        health=state,
        settings=shown(plugin.settings_schema if plugin else None, row.settings),
        waiting=waiting,
        letters=letters,
        problems=len(problems),
    )


async def _counts(rows: Any) -> Counter[UUID]:
    grouped = await (
        rows.annotate(n=Count("id")).group_by("installation_id").values("installation_id", "n")
    )
    return Counter({UUID(str(one["installation_id"])): one["n"] for one in grouped})


async def last_problems(installation_id: UUID, *, gone_too: bool) -> Sequence[ConnectorProblem]:
    rows = ConnectorProblem.filter(installation_id=installation_id)
    rows = rows if gone_too else rows.filter(resolved_at__isnull=True)
    return await rows.order_by("-last_at", "-id")


async def last_runs(installation_id: UUID, most: int) -> Sequence[Run]:
    return await Run.filter(installation_id=installation_id).order_by("-started_at").limit(most)


async def last_letters(
    installation_id: UUID, cause: DeadLetterCause | None, *, closed_too: bool, most: int
) -> Sequence[DeadLetter]:
    rows = DeadLetter.filter(installation_id=installation_id)
    rows = rows if closed_too else rows.filter(resolved_at__isnull=True)
    rows = rows if cause is None else rows.filter(cause=cause)
    return await rows.order_by("-id").limit(most)


async def last_events(installation_id: UUID, most: int) -> Sequence[ConnectorEvent]:
    return await ConnectorEvent.filter(installation_id=installation_id).order_by("-at").limit(most)
