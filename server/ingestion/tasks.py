"""The worker's errands: dry runs and directories that an administrator asked for.

Any installation's, also one that is paused, disabled or halted: that is when an administrator
looks. Nothing of a dry run is kept but its answer, and no secret is in an answer. What a service
says of the organization is compared here; making the changes is `schema/plans/directory.py`.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from ekinerja_connectors import (
    JSON,
    Activity,
    ConnectorError,
    DirectoryPage,
    Item,
    Presence,
    Retraction,
    Retryable,
    Skippable,
)
from tortoise import Tortoise

from schema.errors import DomainError
from schema.feeds import tasks
from schema.feeds.models import Installation, TaskKind
from schema.feeds.tasks import Claimed
from schema.organizations.directory import known_organization
from schema.organizations.directory_rules import compare
from schema.organizations.directory_values import (
    Change,
    Directory,
    GivenPerson,
    GivenPost,
    GivenUnit,
)
from schema.organizations.models import Agency, AssignmentKind, Employee
from schema.values import is_safe_text, local_date, utc_now
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.ingestion.masking import Mask
from server.ingestion.plugins import PluginBroken, Plugins, settings_of

IDLE = timedelta(seconds=10)
"""How long a lost wake-up delays a task."""
SIGN = timedelta(seconds=15)
"""How often a sign of life is given."""
MOST_ITEMS = 1_000
"""Items of a page that a dry run translates."""
AT_ONCE = 100
MOST_SHOWN = 100
LONGEST_SHOWN = 200
"""Characters of a text in a dry run's answer."""
MOST_PAGES = 2_000
"""Pages of a directory; a service that gives more, or goes in a circle, is not read on."""
MOST_ROWS = 500_000
ATTEMPTS = 4
"""How often a page is asked for while the service says to come again."""
LONGEST_PAUSE = timedelta(seconds=60)

log = structlog.get_logger()


class TaskFailed(Exception):
    """Why a task has no answer, in words for the administrator."""


@dataclass(kw_only=True)
class Errands:
    """Works tasks off, one at a time; several may run beside each other."""

    plugins: Plugins
    vault: Vault = KEYLESS
    clock: Callable[[], datetime] = utc_now
    sleep: Callable[[float], Any] = asyncio.sleep

    async def step(self) -> timedelta:
        """Do one task that waits. Returns how long there is nothing to do."""
        task = await tasks.claim(self.clock())
        if task is None:
            return IDLE
        if task.attempts > tasks.MOST_ATTEMPTS:
            words = f"given up: its worker died {tasks.MOST_ATTEMPTS} times while it ran"
            await tasks.fail(task, words, self.clock())
            return timedelta(0)
        living = asyncio.create_task(self._live(task))
        try:
            await self._do(task)
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
        return timedelta(0)

    async def _live(self, task: Claimed) -> None:
        while True:
            await asyncio.sleep(SIGN.total_seconds())
            try:
                await tasks.give_sign(task)
            except Exception:
                # Without signs another worker takes the task up, which is what should happen.
                log.exception("ingestion.task_without_sign", task=str(task.id))

    async def _do(self, task: Claimed) -> None:
        installation = await Installation.get(id=task.installation_id)
        mask = Mask(())
        try:
            about = await self.plugins.describe(installation.plugin)
            settings = settings_of(installation, self.vault)
            mask = Mask.of(settings, about.settings_schema)
            if task.kind is TaskKind.DRY_RUN:
                _demand(about.capabilities, "polling", installation.plugin)
                answer = mask.value(await self._dry_run(task, installation, settings))
                changes: Sequence[Change] = ()
            else:
                _demand(about.capabilities, "directory", installation.plugin)
                answer, changes = await self._directory(installation, settings, mask)
        except (ConnectorError, PluginBroken, DomainError, SecretsUnreadable, TaskFailed) as error:
            words = mask.text(f"{type(error).__name__}: {error}")
            log.warning("ingestion.task_failed", task=str(task.id), problem=words)
            await tasks.fail(task, words, self.clock())
        except Exception as error:
            # A fault of ours is told as such, so that whoever waits for the answer gets one.
            log.exception("ingestion.task_failed", task=str(task.id))
            await tasks.fail(task, f"internal: {type(error).__name__}", self.clock())
        else:
            await tasks.finish(task, answer, self.clock(), changes)

    async def _dry_run(
        self, task: Claimed, installation: Installation, settings: Mapping[str, JSON]
    ) -> dict[str, Any]:
        """One page and what it states; the cursor stays where it is."""
        place = (installation.plugin, str(installation.id), settings)
        cursor = None if task.options.get("fromBeginning") else installation.cursor
        page = await self.plugins.fetch(*place, cursor)
        items = page.items[:MOST_ITEMS]
        entries: list[dict[str, Any]] = []
        for first in range(0, len(items), AT_ONCE):
            some = items[first : first + AT_ONCE]
            answers = await self.plugins.translate(*place, some)
            entries += [_entry(one, said) for one, said in zip(some, answers, strict=True)]
        known = await _known(installation, [one["nip"] for one in entries if "nip" in one])
        for entry in entries:
            if "nip" in entry:
                entry["known"] = entry["nip"] in known
        # What went wrong is what an administrator looks for.
        entries.sort(key=lambda one: "reason" not in one)
        return {
            "items": len(page.items),
            "translated": len(items),
            "more": page.more,
            "counts": dict(Counter(one["states"] for one in entries)),
            "unknownPeople": sum(one.get("known") is False for one in entries),
            "entries": entries[:MOST_SHOWN],
        }

    async def _directory(
        self, installation: Installation, settings: Mapping[str, JSON], mask: Mask
    ) -> tuple[dict[str, Any], list[Change]]:
        """The whole directory, and what it would change today."""
        pages = await self._pages(installation, settings)
        given = directory_of(pages)
        given = replace(given, problems=tuple(mask.text(one) for one in given.problems))
        agency = await Agency.get(id=installation.agency_id)
        connection = Tortoise.get_connection("default")
        known = await known_organization(connection, agency, [one.nip for one in given.people])
        changes = compare(given, known, local_date(self.clock(), agency.timezone))
        counts = {
            "pages": len(pages),
            "units": len(given.units),
            "employees": len(given.people),
            "posts": len(given.posts),
        }
        return counts | {"directory": given.to_json()}, changes

    async def _pages(
        self, installation: Installation, settings: Mapping[str, JSON]
    ) -> list[DirectoryPage]:
        pages: list[DirectoryPage] = []
        cursor: str | None = None
        seen: set[str | None] = {None}
        rows = 0
        while True:
            page = await self._page(installation, settings, cursor)
            pages.append(page)
            rows += len(page.units) + len(page.employees) + len(page.assignments)
            cursor = page.next_cursor
            if cursor is None:
                return pages
            if cursor in seen:
                raise TaskFailed("the directory goes in a circle: a page's cursor came before")
            if len(pages) >= MOST_PAGES or rows > MOST_ROWS:
                raise TaskFailed(f"the directory is longer than {MOST_PAGES} pages of what is read")
            seen.add(cursor)

    async def _page(
        self, installation: Installation, settings: Mapping[str, JSON], cursor: str | None
    ) -> DirectoryPage:
        """A page; a service that says to come again is asked a few times more."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self.plugins.directory(
                    installation.plugin, str(installation.id), settings, cursor
                )
            except Retryable as error:
                asked = error.retry_after or timedelta(seconds=2**attempt)
                if attempt == ATTEMPTS or asked > LONGEST_PAUSE:
                    raise
                await self.sleep(asked.total_seconds())
        raise AssertionError("the last attempt returns or raises")


def directory_of(pages: Sequence[DirectoryPage]) -> Directory:
    """Pages in the SDK's words as one reading in ours."""
    return Directory(
        units=tuple(
            GivenUnit(code=one.code, name=one.name, kind=one.kind, parent=one.parent_code)
            for page in pages
            for one in page.units
        ),
        people=tuple(
            GivenPerson(nip=one.nip, name=one.name, timezone=one.timezone)
            for page in pages
            for one in page.employees
        ),
        posts=tuple(
            GivenPost(
                nip=one.nip,
                unit=one.unit_code,
                position=one.position,
                starts_on=one.starts_on,
                ends_on=one.ends_on,
                kind=AssignmentKind(one.kind.name),
                heads_unit=one.heads_unit,
                appraiser=one.appraiser_nip,
            )
            for page in pages
            for one in page.assignments
        ),
        problems=tuple(_shown(one) for page in pages for one in page.problems),
    )


def _demand(capabilities: Sequence[str], needed: str, plugin: str) -> None:
    if needed not in capabilities:
        raise TaskFailed(f"plugin {plugin} has no capability {needed!r}")


def _entry(item: Item, said: Any) -> dict[str, Any]:
    entry: dict[str, Any] = {"sourceId": item.source_id}
    match said:
        case Activity():
            what = {"states": "ACTIVITY", "nip": said.nip, "title": _shown(said.title)}
            return entry | what | {"at": said.occurred_at.isoformat()}
        case Presence():
            what = {"states": "PRESENCE", "nip": said.nip, "title": said.direction.name}
            return entry | what | {"at": said.at.isoformat()}
        case Retraction():
            what = {"states": "RETRACTION", "title": _shown(said.reason), "of": said.retracts}
            return entry | what | {"at": said.at.isoformat()}
        case Skippable():
            return entry | {"states": "SKIPPED", "reason": _shown(str(said))}
        case ConnectorError():
            return entry | {"states": "MALFORMED", "reason": _shown(str(said))}
        case _:
            return entry | {"states": "BROKEN", "reason": _shown(str(said))}


def _shown(text: str) -> str:
    safe = text if is_safe_text(text) else ascii(text)
    return safe if len(safe) <= LONGEST_SHOWN else safe[: LONGEST_SHOWN - 1] + "…"


async def _known(installation: Installation, nips: Sequence[str]) -> set[str]:
    of_agency = Employee.filter(agency_id=installation.agency_id, nip__in=nips)
    return set(await of_agency.values_list("nip", flat=True))  # type: ignore[arg-type]
