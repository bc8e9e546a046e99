"""Commands that ask a worker: a dry run, a preview of the directory; and one that applies it."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from schema.errors import DomainError, ErrorCode
from schema.feeds import tasks
from schema.feeds.models import (
    ConnectorTask,
    DirectoryChange,
    Installation,
    TaskKind,
    TaskState,
)
from schema.organizations.directory_values import ChangeKind
from schema.plans.directory import SNAPSHOT, Choice, apply_directory
from schema.values import utc_now
from server.commands.operator import agency_of, connector_of, operator_of, say
from server.database import DatabaseRole, found_database, opened
from server.settings import Settings

LOOK_AGAIN = 0.5
"""Seconds between two looks at a task."""


async def dry_run(given: argparse.Namespace, settings: Settings) -> int:
    """Say what a connector would bring, an entry a line of JSON; 1 where it failed."""
    options = {"fromBeginning": given.from_beginning}
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        task = await _answered(given, TaskKind.DRY_RUN, options)
        result: Mapping[str, Any] = task.result or {}
    for entry in result.get("entries", ()):
        say(json.dumps(entry, ensure_ascii=False))
    return _told(task, {name: one for name, one in result.items() if name != "entries"})


async def directory(given: argparse.Namespace, settings: Settings) -> int:
    """Say what a directory would change, a change a line; 1 where it could not be read."""
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        task = await _answered(given, TaskKind.DIRECTORY, {})
        await _show_changes(task.id)
    result: Mapping[str, Any] = task.result or {}
    code = _told(task, {name: one for name, one in result.items() if name != SNAPSHOT})
    if not code:
        say(f"python -m server apply-directory {task.id}")
    return code


async def apply(given: argparse.Namespace, settings: Settings) -> int:
    """Make the changes; 1 with a new preview where the organization has changed meanwhile."""
    kinds = [_kind(one) for one in given.only or ()]
    choice = Choice(kinds=kinds, positions=given.position or ())
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        task = await ConnectorTask.get_or_none(id=given.task)
        if task is None:
            raise DomainError(ErrorCode.NOT_FOUND, thing=f"Task {given.task}")
        source = await Installation.get(id=task.installation_id)
        scope = operator_of(source.agency_id)
        done = await apply_directory(scope, task.id, choice, given.day, utc_now())
        if done.conflict is not None:
            await _show_changes(done.task_id)
            say(f"{done.conflict}\npython -m server apply-directory {done.task_id}")
            return 1
    say("applied")
    return 0


async def _answered(
    given: argparse.Namespace, kind: TaskKind, options: Mapping[str, Any]
) -> ConnectorTask:
    source = await connector_of(await agency_of(given.agency), given.title)
    asked = await tasks.request(operator_of(source.agency_id), source.id, kind, utc_now(), options)
    try:
        async with asyncio.timeout(given.wait):
            while asked.state in (TaskState.QUEUED, TaskState.RUNNING):
                await asyncio.sleep(LOOK_AGAIN)
                await asked.refresh_from_db()
    except TimeoutError as error:
        detail = f"no worker has answered task {asked.id} in {given.wait:g} s; does one run?"
        raise DomainError(ErrorCode.BAD_USER_INPUT, detail=detail) from error
    return asked


def _kind(name: str) -> ChangeKind:
    try:
        return ChangeKind(name)
    except ValueError as error:
        known = ", ".join(ChangeKind)
        detail = f"--only takes {known}, not {name!r}"
        raise DomainError(ErrorCode.BAD_USER_INPUT, detail=detail) from error


async def _show_changes(task_id: UUID) -> None:
    async for one in DirectoryChange.filter(task_id=task_id).order_by("position"):
        say(f"{one.position} {one.kind} {one.subject}: {one.detail}")


def _told(task: ConnectorTask, counts: Mapping[str, Any]) -> int:
    if task.state is TaskState.FAILED:
        say(f"FAILED: {task.problem}")
        return 1
    say(json.dumps(counts, ensure_ascii=False))
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings], Awaitable[int]]] = {
    "dry-run": dry_run,
    "directory": directory,
    "apply-directory": apply,
}
