"""Commands that ask a worker: a dry run, a preview of the directory; and one that applies it."""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from schema.access import Role, Scope
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
from schema.organizations.models import Agency
from schema.plans.directory import SNAPSHOT, Choice, apply_directory
from schema.values import utc_now
from server.database import DatabaseRole, found_database, opened
from server.settings import Settings

OPERATOR = "operator"
"""On the record as who asked on the command line."""
LOOK_AGAIN = 0.5
"""Seconds between two looks at a task."""


def add_commands(commands: Any) -> None:
    """`dry-run`, `directory` and `apply-directory`, with their arguments."""
    dry_run = commands.add_parser("dry-run", help="what a connector would bring; keeps nothing")
    dry_run.add_argument("--from-beginning", action="store_true", help="not from its cursor")
    preview = commands.add_parser("directory", help="what a connector's directory would change")
    for command in (dry_run, preview):
        command.add_argument("agency", help="the agency's code")
        command.add_argument("title", help="the connector's title")
        command.add_argument(
            "--wait", type=float, default=600.0, help="seconds to wait for a worker"
        )
    apply = commands.add_parser("apply-directory", help="make the changes of a preview")
    apply.add_argument("task", type=UUID, help="as `directory` has printed it")
    kinds = [kind.value for kind in ChangeKind if kind is not ChangeKind.PROBLEM]
    apply.add_argument("--only", action="append", choices=kinds, help="may be repeated")
    apply.add_argument("--position", action="append", type=int, help="may be repeated")
    apply.add_argument("--from", dest="day", type=date.fromisoformat, help="the first day")


async def dry_run(given: argparse.Namespace, settings: Settings) -> int:
    """Say what a connector would bring, an entry a line of JSON; 1 where it failed."""
    options = {"fromBeginning": given.from_beginning}
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        task = await _answered(given, TaskKind.DRY_RUN, options)
        result: Mapping[str, Any] = task.result or {}
    for entry in result.get("entries", ()):
        _say(json.dumps(entry, ensure_ascii=False))
    return _told(task, {name: one for name, one in result.items() if name != "entries"})


async def directory(given: argparse.Namespace, settings: Settings) -> int:
    """Say what a directory would change, a change a line; 1 where it could not be read."""
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        task = await _answered(given, TaskKind.DIRECTORY, {})
        await _show_changes(task.id)
    result: Mapping[str, Any] = task.result or {}
    code = _told(task, {name: one for name, one in result.items() if name != SNAPSHOT})
    if not code:
        _say(f"python -m server apply-directory {task.id}")
    return code


async def apply(given: argparse.Namespace, settings: Settings) -> int:
    """Make the changes; 1 with a new preview where the organization has changed meanwhile."""
    choice = Choice(
        kinds=[ChangeKind(one) for one in given.only or ()], positions=given.position or ()
    )
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        task = await ConnectorTask.get_or_none(id=given.task)
        if task is None:
            raise DomainError(ErrorCode.NOT_FOUND, thing=f"Task {given.task}")
        source = await Installation.get(id=task.installation_id)
        scope = _operator(source.agency_id)
        done = await apply_directory(scope, task.id, choice, given.day, utc_now())
        if done.conflict is not None:
            await _show_changes(done.task_id)
            _say(f"{done.conflict}\npython -m server apply-directory {done.task_id}")
            return 1
    _say("applied")
    return 0


def _operator(agency_id: UUID) -> Scope:
    """Whoever runs commands has the database, and so may what an administrator may."""
    return Scope(subject=OPERATOR, grants=frozenset({(agency_id, Role.ADMINISTRATOR)}))


async def _answered(
    given: argparse.Namespace, kind: TaskKind, options: Mapping[str, Any]
) -> ConnectorTask:
    source = await Installation.get_or_none(agency__code=given.agency, title=given.title)
    if source is None:
        known = await Agency.exists(code=given.agency)
        thing = f"Connector {given.title!r}" if known else f"Agency {given.agency!r}"
        raise DomainError(ErrorCode.NOT_FOUND, thing=thing)
    asked = await tasks.request(_operator(source.agency_id), source.id, kind, utc_now(), options)
    try:
        async with asyncio.timeout(given.wait):
            while (task := await ConnectorTask.get(id=asked.id)).state in (
                TaskState.QUEUED,
                TaskState.RUNNING,
            ):
                await asyncio.sleep(LOOK_AGAIN)
    except TimeoutError as error:
        detail = f"no worker has answered task {asked.id} in {given.wait:g} s; does one run?"
        raise DomainError(ErrorCode.BAD_USER_INPUT, detail=detail) from error
    return task


async def _show_changes(task_id: UUID) -> None:
    async for one in DirectoryChange.filter(task_id=task_id).order_by("position"):
        _say(f"{one.position} {one.kind} {one.subject}: {one.detail}")


def _told(task: ConnectorTask, counts: Mapping[str, Any]) -> int:
    if task.state is TaskState.FAILED:
        _say(f"FAILED: {task.problem}")
        return 1
    _say(json.dumps(counts, ensure_ascii=False))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


COMMANDS: dict[str, Callable[[argparse.Namespace, Settings], Awaitable[int]]] = {
    "dry-run": dry_run,
    "directory": directory,
    "apply-directory": apply,
}
