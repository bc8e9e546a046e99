"""Commands about connectors: the use cases of administrators, and what they have to be seen."""

import argparse
import json
import mimetypes
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from schema.access import Scope
from schema.errors import DomainError, ErrorCode
from schema.feeds import administration, dead_letters, installing
from schema.feeds.hand_in import File, hand_in
from schema.feeds.installing import Changes, NewConnector
from schema.feeds.models import DeadLetterCause, Installation, ProblemCode
from schema.feeds.overview import (
    Overview,
    last_events,
    last_letters,
    last_problems,
    last_runs,
    overviews,
)
from schema.feeds.rules import CRITICAL, fix_of
from schema.organizations.models import Agency
from schema.values import utc_now
from schema.vault import Vault
from server.commands.operator import agency_of, connector_of, operator_of, say, settings_schema
from server.database import DatabaseRole, found_database, opened
from server.ingestion.files import MOST_BYTES
from server.settings import Settings, SettingsError
from server.vault import vault_of

SHOWN = 50
"""Lines of a history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The connector that a command is about, the operator, and now."""

    agency: Agency
    connector: Installation
    vault: Vault
    now: datetime

    @property
    def scope(self) -> Scope:
        return operator_of(self.agency.id)

    @property
    def of(self) -> tuple[Scope, UUID]:
        return self.scope, self.connector.id


@asynccontextmanager
async def named(given: argparse.Namespace, settings: Settings) -> AsyncIterator[Named]:
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency = await agency_of(given.agency)
        connector = await connector_of(agency, given.title)
        now, vault = utc_now(), vault_of(settings)
        yield Named(agency=agency, connector=connector, vault=vault, now=now)


async def install(given: argparse.Namespace, settings: Settings) -> int:
    secret = given.webhook_secret_file and given.webhook_secret_file.read_text().strip()
    asked = NewConnector(
        plugin=given.plugin,
        title=given.title,
        settings=_json_object(given.settings) if given.settings else {},
        webhook_secret=secret or None,
        poll_seconds=given.poll_seconds,
    )
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency = await agency_of(given.agency)
        schema = await settings_schema(given.plugin)
        scope, vault = operator_of(agency.id), vault_of(settings)
        made = await installing.install(
            scope, agency.code, asked, vault=vault, now=utc_now(), schema=schema
        )
    say(f"installed; webhooks go to /connectors/{made.id}/webhook")
    return 0


async def import_file(given: argparse.Namespace, settings: Settings) -> int:
    media_type = mimetypes.guess_type(given.file.name)[0] or "application/octet-stream"
    try:
        content = given.file.read_bytes()
    except OSError as error:
        raise SettingsError(f"{given.file}: {error}") from error
    file = File(name=given.file.name, media_type=media_type, content=content)
    async with named(given, settings) as one:
        new = await hand_in(*one.of, file, most_bytes=MOST_BYTES, now=one.now)
    say("accepted; the worker reads it" if new else "this file was handed in before")
    return 0


async def listed(given: argparse.Namespace, settings: Settings) -> int:
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency = given.agency and await agency_of(given.agency)
        for one in await overviews(None if not agency else agency.id):
            say(_line_of(one))
    return 0


async def show(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        (seen,) = await overviews(one.agency.id, one.connector.id)
    row = seen.installation
    say(_line_of(seen))
    say(f"id: {row.id}; every {row.poll_seconds} s, next {row.next_poll_at.isoformat()}")
    say(f"settings: {json.dumps(seen.settings, ensure_ascii=False, sort_keys=True)}")
    say(f"secrets set: {', '.join(row.secret_names) or 'none'}; webhook: {row.webhook_secrets}")
    return 0


def _line_of(one: Overview) -> str:
    row = one.installation
    return (
        f"{one.agency}  {row.title}  ({row.plugin} {one.version or '?'})  {one.health}  "
        f"waiting {one.waiting:,}, dead letters {one.letters:,}, problems {one.problems:,}"
    )


async def configure(given: argparse.Namespace, settings: Settings) -> int:
    changes = Changes(
        settings=_json_object(given.settings) if given.settings else None,
        title=given.new_title,
        poll_seconds=given.poll_seconds,
    )
    async with named(given, settings) as one:
        schema = await settings_schema(one.connector.plugin) if given.settings else None
        await installing.configure(*one.of, changes, vault=one.vault, now=one.now, schema=schema)
    return 0


async def enable(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        await administration.set_enabled(*one.of, enabled=True, now=one.now)
    return 0


async def disable(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        await administration.set_enabled(*one.of, enabled=False, now=one.now)
    return 0


async def pause(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        await administration.pause(*one.of, one.now)
    return 0


async def resume(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        await administration.resume(*one.of, one.now)
    return 0


async def run(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        await administration.run_now(*one.of, one.now)
    return 0


async def reset_cursor(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        await administration.reset_cursor(*one.of, given.cursor, one.now)
    return 0


async def webhook_secret(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        if given.drop_former:
            await installing.drop_webhook_secret(*one.of, vault=one.vault, now=one.now)
        else:
            say(await installing.rotate_webhook_secret(*one.of, vault=one.vault, now=one.now))
    return 0


async def problems(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        found = await last_problems(one.connector.id, gone_too=given.all)
        if given.dismiss:
            code = _choice(ProblemCode, given.dismiss)
            matching = [row for row in found if row.code is code and row.resolved_at is None]
            if not matching:
                raise DomainError(ErrorCode.NOT_FOUND, thing=f"Problem {code}")
            await administration.dismiss_problem(one.scope, matching[0].id, one.now)
            return 0
    for row in found:
        state = "gone" if row.resolved_at else "known" if row.dismissed_at else "open"
        weight = "critical" if row.code in CRITICAL else "passing"
        say(f"{row.code} ({weight}, {state}, {row.times:,} times): {row.detail}")
        say(f"  {fix_of(row.code).english}")
    return 0


async def runs(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        for row in await last_runs(one.connector.id, given.most):
            problem = f": {row.problem}" if row.problem else ""
            say(
                f"{row.started_at.isoformat()}  {row.state}  received {row.received:,}, "
                f"accepted {row.accepted:,}{problem}"
            )
    return 0


async def letters(given: argparse.Namespace, settings: Settings) -> int:
    cause = given.cause and _choice(DeadLetterCause, given.cause)
    async with named(given, settings) as one:
        found = await last_letters(one.connector.id, cause, closed_too=given.all, most=given.most)
    for row in found:
        closed = f"  resolved {row.resolved_at.isoformat()}" if row.resolved_at else ""
        say(f"{row.id}  {row.cause}  {row.detail}{closed}")
    return 0


async def replay(given: argparse.Namespace, settings: Settings) -> int:
    """Replay chosen letters, or all of the connector; 1 where some of the chosen are refused."""
    cause = _choice(DeadLetterCause, given.cause) if given.cause else None
    async with named(given, settings) as one:
        if given.letter:
            keys = [_key(text) for text in given.letter]
            done = await dead_letters.replay_these(one.scope, keys, one.now)
            for place, refusal in sorted(done.refused.items()):
                say(f"{given.letter[place]}: {refusal}")
            say(f"{done.replayed:,} wait again")
            return 1 if done.refused else 0
        total = 0
        while True:
            done = await dead_letters.replay_of(*one.of, cause, one.now)
            total += done.replayed
            if not done.remaining or not done.replayed:
                break
    say(f"{total:,} wait again")
    return 0


async def resolve(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        await dead_letters.resolve(one.scope, _key(given.letter), given.note, one.now)
    return 0


async def history(given: argparse.Namespace, settings: Settings) -> int:
    async with named(given, settings) as one:
        for row in await last_events(one.connector.id, SHOWN):
            say(f"{row.at.isoformat()}  {row.act}  {row.subject}  {row.detail}".rstrip())
    return 0


def _key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise DomainError(ErrorCode.NOT_FOUND, thing=f"Dead letter {text!r}") from None


def _choice(kind: Any, text: str) -> Any:
    try:
        return kind(text.upper().replace("-", "_"))
    except ValueError:
        raise SettingsError(f"{text}: choose one of {', '.join(kind)}") from None


def _json_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: must hold a JSON object")
    return value


Command = Callable[[argparse.Namespace, Settings], Awaitable[int]]
COMMANDS: dict[str, Command] = {
    "install": install,
    "import-file": import_file,
    "list": listed,
    "show": show,
    "configure": configure,
    "enable": enable,
    "disable": disable,
    "pause": pause,
    "resume": resume,
    "run": run,
    "reset-cursor": reset_cursor,
    "webhook-secret": webhook_secret,
    "problems": problems,
    "runs": runs,
    "dead-letters": letters,
    "replay": replay,
    "resolve": resolve,
    "history": history,
}
