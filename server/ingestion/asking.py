"""Asking the plugin of one installation what waiting inbox items state, many in one call.

Nothing is written here. A plugin that fails on a whole call is asked again item by item, so that
the one on which it fails is told from the others.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from ekinerja_connectors import (
    JSON,
    Activity,
    AuthFailed,
    ConnectorError,
    Delivery,
    InvalidSettings,
    Item,
    Malformed,
    Retraction,
    Statement,
    Upload,
)

from schema.feeds.inbox import Waiting
from schema.feeds.models import DeadLetterCause, InboxKind, Installation
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.ingestion.outcomes import Asked, Failed, GivenUp, Outcome, Rows, Split, outcome_of
from server.ingestion.plugins import PluginBroken, Plugins, settings_of

AT_ONCE = 500
"""Items of one call; a call may take a minute at most."""
MOST_SPLIT = 2_000
"""So many items of deliveries are worked off at once; further deliveries wait for the next step."""
USUAL_LENGTH = 200
"""Characters of one item in a delivery, to guess how many it holds."""
FAILURES_IN_A_ROW = 3
"""A plugin that fails on so many single items is left alone until the next step."""
OF_PLUGINS = (InboxKind.ITEM, InboxKind.DELIVERY, InboxKind.FILE)

log = structlog.get_logger()


def groups(items: Sequence[Waiting]) -> list[list[Waiting]]:
    """Items in their order, as many together as are worth one call and one transaction."""
    found: list[list[Waiting]] = []
    weight = AT_ONCE
    for one in items:
        if weight >= AT_ONCE:
            found.append([])
            weight = 0
        found[-1].append(one)
        is_delivery = one.kind is InboxKind.DELIVERY
        weight += 1 + (len(one.body["body"]) // USUAL_LENGTH if is_delivery else 0)
    return found


@dataclass(kw_only=True)
class Asking:
    """One round of questions about one installation's items."""

    installation: Installation
    plugins: Plugins
    now: datetime
    stopped: Callable[[], bool]
    vault: Vault = KEYLESS
    _failure: str = field(default="", init=False)

    async def ask(self, items: Sequence[Waiting]) -> list[Asked]:
        """What each comes to, in their order; those that were not asked about are left out.

        Raises:
            AuthFailed, InvalidSettings: nothing of this installation can work now.
        """
        found: dict[UUID, Outcome] = {}
        fresh = [one for one in items if one.kind is InboxKind.ITEM and not one.attempts]
        for start in range(0, len(fresh), AT_ONCE):
            await self._ask_together(fresh[start : start + AT_ONCE], found)
        retried = [one for one in items if one.kind is InboxKind.ITEM and one.attempts]
        await self._ask_singly(retried, found)
        size = 0
        for one in items:
            if self.stopped():
                break
            if one.kind is InboxKind.ITEM or size >= MOST_SPLIT:
                continue
            found[one.id] = outcome = await self._answer(one)
            size += len(outcome.items) if isinstance(outcome, Split) else 0
        await self._translate_split(found)
        return [(one, found[one.id]) for one in items if one.id in found]

    async def _ask_together(self, items: Sequence[Waiting], found: dict[UUID, Outcome]) -> None:
        if self.stopped():
            return
        answers = await self._translate([_item(one) for one in items])
        if answers is None:
            await self._ask_singly(items, found)
            return
        for one, answer in zip(items, answers, strict=True):
            found[one.id] = outcome_of(answer, one.source_id, self.now)

    async def _ask_singly(self, items: Sequence[Waiting], found: dict[UUID, Outcome]) -> None:
        failures = 0
        for one in items:
            if self.stopped() or failures >= FAILURES_IN_A_ROW:
                break
            answers = await self._translate([_item(one)])
            outcome: Outcome = Failed(self._failure)
            if answers is not None:
                outcome = outcome_of(answers[0], one.source_id, self.now)
            failures = failures + 1 if isinstance(outcome, Failed) else 0
            found[one.id] = outcome

    async def _translate(
        self, items: Sequence[Item]
    ) -> list[Statement | ConnectorError | PluginBroken] | None:
        """The answers; None where the plugin failed on them as a whole, as `_failure` says."""
        try:
            return await self.plugins.translate(*self._place, items)
        except (AuthFailed, InvalidSettings, SecretsUnreadable):
            raise
        except (ConnectorError, PluginBroken) as error:
            self._failure = str(error)
        except Exception as error:
            # A fault of ours must not hold up the items behind this one.
            log.exception("ingestion.items_failed", installation=str(self.installation.id))
            self._failure = f"internal: {type(error).__name__}"
        return None

    async def _translate_split(self, found: dict[UUID, Outcome]) -> None:
        """What the items of the deliveries state; where the plugin fails, they wait."""
        splits = [(id, split) for id, split in found.items() if isinstance(split, Split)]
        items = [item for _, split in splits for item in split.items]
        answers: list[Statement | ConnectorError | PluginBroken | None] = []
        for start in range(0, len(items), AT_ONCE):
            chunk = items[start : start + AT_ONCE]
            answers += await self._translate(chunk) or [None] * len(chunk)
        rest = iter(answers)
        for id, split in splits:
            outcomes = tuple(self._stated(item, next(rest)) for item in split.items)
            found[id] = Split(split.items, outcomes)

    def _stated(
        self, item: Item, answer: Statement | ConnectorError | PluginBroken | None
    ) -> Statement | GivenUp | None:
        outcome = None if answer is None else outcome_of(answer, item.source_id, self.now)
        return None if isinstance(outcome, Failed) else outcome

    async def _answer(self, one: Waiting) -> Outcome:
        try:
            return await self._read(one)
        except SecretsUnreadable:
            raise
        except Exception as error:
            outcome = outcome_of(error, one.source_id, self.now)
            if not isinstance(error, (ConnectorError, PluginBroken)):
                log.exception("ingestion.item_failed", item=str(one.id))
            return outcome

    async def _read(self, one: Waiting) -> Outcome:
        match one.kind:
            case InboxKind.DELIVERY:
                items = tuple(await self.plugins.receive(*self._place, Delivery(**one.body)))
                return Split(items, (None,) * len(items))
            case InboxKind.FILE:
                upload, name = _upload(one.body)
                return Rows(name, await self.plugins.read(*self._place, upload))
            case InboxKind.ACTIVITY:
                return outcome_of(Activity.from_json(one.body), one.source_id, self.now)
            case InboxKind.RETRACTION:
                return outcome_of(Retraction.from_json(one.body), one.source_id, self.now)
            case _:
                detail = "the body holds a NUL, a lone surrogate or no number"
                return GivenUp(DeadLetterCause.UNTRANSLATABLE, detail)

    @property
    def _place(self) -> tuple[str, str, Mapping[str, JSON]]:
        one = self.installation
        return one.plugin, str(one.id), settings_of(one, self.vault)


def _item(one: Waiting) -> Item:
    return Item(source_id=one.source_id, payload=one.body)


def _upload(body: Mapping[str, str]) -> tuple[Upload, str]:
    """A file as it was handed in, and the name that its refused rows are known by.

    Raises:
        Malformed: the content is no base64.
    """
    try:
        content = base64.b64decode(body["content"], validate=True)
        upload = Upload(name=body["name"], content=content, media_type=body["media_type"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Malformed(f"not a file: {error}") from error
    return upload, f"file:{hashlib.sha256(content).hexdigest()}"
