"""What is asked of `translate`: pure, of the right person and time, and firm against damage."""

from __future__ import annotations

import contextlib
import copy
import inspect
import os
import re
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from ...activity import Activity
from ...connector import Item
from ...errors import Malformed, Skippable
from ...statements import Presence, Retraction
from ...wire import encode_statement
from ..checks import check, does_not_apply, none_of, not_shown
from ..mutations import damaged, replaced_text, texts_in
from .base import Outcome, Stage, SuiteBase, outcome_of

__all__ = ["StatementChecks"]

LONGEST = timedelta(hours=24)
_ZONES = ("UTC", "Asia/Jayapura", "America/St_Johns")
#: An NIP as people write it: plain, or parted into its four groups.
_NIP = re.compile(r"(?<![0-9])([0-9]{8})([ .-]?)([0-9]{6})\2([0-9])\2([0-9]{3})(?![0-9])")
_STRANGER = "190001011900019999"  # invented: no civil servant was born in 1900
_NO_NIPS = ("19000101190001999", "1900010119000199999", "19000101190001999X", "1.9e17", "")


class StatementChecks(SuiteBase):
    """What items state, whichever way they came."""

    def _translating(self) -> None:
        self._needs("polling", "webhook", "file")

    def _stated(self) -> list[tuple[Item, Outcome]]:
        """Every item with its outcome."""
        self._translating()

        async def translate(stage: Stage) -> list[tuple[Item, Outcome]]:
            items = await self._items(stage)
            return [(one, outcome_of(stage.connector, one)) for one in items]

        found = self._run(translate)
        if not found:
            not_shown("the service, deliveries() and uploads() hold no item")
        return found

    @check("translation is pure and keeps the source_id", "bronze")
    def test_translation_is_pure_and_keeps_the_source_id(self) -> None:
        self._translating()

        async def translate(stage: Stage) -> int:
            kept = 0
            for item in await self._items(stage):
                before = copy.deepcopy(item.payload)
                first, second = outcome_of(stage.connector, item), outcome_of(stage.connector, item)
                assert _told(first) == _told(second), "the same item gave two different statements"
                assert item.payload == before, "translate changed its item"
                if not isinstance(first, Malformed | Skippable):
                    assert first.source_id == item.source_id, "the statement has another source_id"
                    kept += 1
            return kept

        assert self._run(translate) > 0, "no item of the service is an activity"

    @check("no item of the service is unreadable", "bronze")
    def test_items_of_the_service_can_be_read(self) -> None:
        unreadable = [
            f"{item.source_id}: {outcome}"
            for item, outcome in self._stated()
            if isinstance(outcome, Malformed)
        ]

        none_of(unreadable, "these would be dead letters")

    @check("the person is the one whom the source names", "bronze")
    def test_person_is_the_one_whom_the_source_names(self) -> None:
        self._translating()

        async def translate(stage: Stage) -> int:
            items, known = await self._items(stage), set(texts_in(stage.given))
            for item in items:
                outcome = outcome_of(stage.connector, item)
                if isinstance(outcome, Activity | Presence):
                    _check_person(stage.connector, item, outcome.nip, known)
            return len(items)

        if self._run(translate) == 0:
            not_shown("the service, deliveries() and uploads() hold no item")

    @check("times do not depend on the machine's time zone", "bronze")
    def test_times_do_not_depend_on_the_zone_of_the_machine(self) -> None:
        if not hasattr(time, "tzset"):
            not_shown("this system cannot change its zone; run the suite on another")
        told: dict[str, list[Any]] = {}
        for zone in _ZONES:
            with _zone(zone):
                told[zone] = [_told(outcome) for _, outcome in self._stated()]

        first = told[_ZONES[0]]
        for zone in _ZONES[1:]:
            assert told[zone] == first, f"with TZ={zone} the same items state something else"

    @check("an activity lasts 24 hours at most, a quantity has its unit", "bronze")
    def test_durations_and_quantities_are_of_this_world(self) -> None:
        for item, outcome in self._stated():
            if isinstance(outcome, Activity):
                if outcome.ended_at is not None:
                    lasts = outcome.ended_at - outcome.occurred_at
                    assert lasts <= LONGEST, f"{item.source_id} lasts {lasts}"
                bare = outcome.quantity is not None and outcome.unit_of_measure is None
                assert not bare, f"{item.source_id} has a quantity without unit_of_measure"

    @check("what the source takes back is a retraction of what it gave", "silver")
    def test_retraction_names_what_was_given_before(self) -> None:
        self._translating()

        async def read(stage: Stage) -> list[tuple[Item, Outcome]]:
            before = await self._items(stage)
            waiting = self.take_back()
            if inspect.isawaitable(waiting):
                await waiting
            after = await self._items(stage)
            return [(one, outcome_of(stage.connector, one)) for one in [*before, *after]]

        found = self._run(read)
        given = {i.source_id for i, outcome in found if isinstance(outcome, Activity | Presence)}
        taken = [outcome for _, outcome in found if isinstance(outcome, Retraction)]

        if not self.connector.retracts:
            assert not taken, "it gives retractions: set `retracts = True` on the connector"
            does_not_apply("it does not say that its service takes anything back")
        assert taken, "`retracts` is True and no item states a Retraction; write take_back()"
        for one in taken:
            assert one.retracts in given, f"{one.source_id} takes back what was never given"

    @check("damage in an item is Malformed or Skippable, nothing else", "bronze")
    def test_damaged_item_is_malformed_or_skippable(self) -> None:
        self._translating()

        async def translate(stage: Stage) -> int:
            items = await self._items(stage)
            for item in items:
                for payload in damaged(item.payload):
                    _withstand(stage.connector, Item(source_id=item.source_id, payload=payload))
            return len(items)

        if self._run(translate) == 0:
            not_shown("the service, deliveries() and uploads() hold no item")

    @check("recorded items still state the same", "gold")
    def test_recorded_items_state_what_they_did(self) -> None:
        self._translating()
        recordings = self._recordings()
        if not recordings:
            not_shown("record real answers with `python -m ekinerja_connectors record`")

        async def translate(stage: Stage) -> None:
            for one in recordings:
                for recorded in one["items"]:
                    item = Item(source_id=recorded["source_id"], payload=recorded["payload"])
                    now = _told(outcome_of(stage.connector, item))
                    assert now == recorded["states"], f"{item.source_id} states something else now"

        self._run(translate)


def _told(outcome: Outcome) -> Mapping[str, Any]:
    """An outcome as recordings hold it."""
    if isinstance(outcome, Malformed):
        return {"malformed": str(outcome)}
    if isinstance(outcome, Skippable):
        return {"skipped": str(outcome)}
    return encode_statement(outcome)


def _check_person(connector: Any, item: Item, nip: str, known: set[str]) -> None:
    """Another person in the payload is another in the statement; a damaged NIP is refused."""
    spelt = {
        found[0]
        for text in texts_in(item.payload)
        for found in _NIP.finditer(text)
        if "".join(found.group(1, 3, 4, 5)) == nip
    }
    if not spelt:
        assert any(nip in text for text in known), (
            f"{item.source_id} is said to be of a person whom neither its payload nor the "
            "settings name"
        )
        return
    for other in (_STRANGER, *_NO_NIPS):
        payload = item.payload
        for text in spelt:
            payload = replaced_text(payload, text, other)
        outcome = outcome_of(connector, Item(source_id=item.source_id, payload=payload))
        if isinstance(outcome, Activity | Presence):
            assert outcome.nip == other, (
                f"{item.source_id}: where the source says {other!r} the person is still made up"
            )


def _withstand(connector: Any, item: Item) -> None:
    try:
        outcome = outcome_of(connector, item)
    except Exception as error:
        raise AssertionError(
            f"{type(error).__name__} instead of Malformed for a damaged {item.source_id}: {error}"
        ) from error
    if not isinstance(outcome, Malformed | Skippable):
        assert isinstance(outcome, Activity | Presence | Retraction), "it states nothing known"
        assert outcome.source_id == item.source_id, "the statement has another source_id"


@contextlib.contextmanager
def _zone(name: str) -> Iterator[None]:
    former = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        if former is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = former
        time.tzset()
