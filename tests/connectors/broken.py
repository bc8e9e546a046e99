"""Connectors that are `Sound` but for one thing each, and the table of what refuses them."""

import dataclasses
import itertools
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ekinerja_connectors import (
    Activity,
    Connector,
    Delivery,
    DirectoryPage,
    DirectoryUnit,
    FileReading,
    InvalidCursor,
    Item,
    Malformed,
    Page,
    Receipt,
    Result,
    Retraction,
    Skippable,
    Statement,
    Upload,
    address,
    secret,
)

from tests.connectors.sound import CONTRACT, NIP, OTHER, Settings, Sound


class HasNoSlug(Sound):
    name = "No Slug"


class FetchesWithoutAsync(Sound):
    def fetch(self, cursor: str | None) -> Page:  # type: ignore[override]
        return Page(items=(), next_cursor=None, more=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmarked:
    base_url: str = address()
    api_token: str
    page_size: int = 2


class LeavesASecretUnmarked(Sound):
    settings = Unmarked


@dataclass(frozen=True, slots=True, kw_only=True)
class OddlyNamed:
    base_url: str = address()
    api_token: str = secret()
    kunci: str = "kunci-yang-dikirim"
    page_size: int = 2


class SendsAnUnmarkedSetting(Sound):
    settings = OddlyNamed

    async def ask(self, method: str, path: str, **given: Any) -> Any:
        shown = dataclasses.replace(self.config, api_token="kunci-yang-dikirim")
        other = type(self).__mro__[1](shown, self.http)
        return await other.ask(method, path, **given)  # type: ignore[attr-defined]


class Tells(Sound):
    def __repr__(self) -> str:
        return f"<Tells {self.config.api_token}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Talkative(Settings):
    def __post_init__(self) -> None:
        if not self.api_token.startswith(("contoh", "[")):
            raise ValueError(f"api_token {self.api_token} is not known")


class RepeatsARefusedSecret(Sound):
    settings = Talkative


@dataclass(frozen=True, slots=True, kw_only=True)
class Hasty(Settings):
    def __post_init__(self) -> None:
        assert self.page_size > 0
        self.api_token[0].upper()


class ChecksItsSettingsHastily(Sound):
    settings = Hasty


class PublishesASecret(Sound):
    kept = dataclasses.replace(
        CONTRACT, settings={**CONTRACT.settings, "api_token": "contoh-token-rahasia"}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanding(Settings):
    agency: str


class DemandsANewSetting(Sound):
    settings = Demanding


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetful:
    base_url: str = address()
    api_token: str = secret()


class DropsASetting(Sound):
    settings = Forgetful


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrow:
    base_url: str = address()
    api_token: str = secret()
    page_size: bool = True


class NarrowsASetting(Sound):
    settings = Narrow


class CursorStandsStill(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        page = await super().fetch(cursor)
        return page if page.more else Page(items=page.items, next_cursor=None, more=False)


class NamesChange(Sound):
    counter = itertools.count()

    def item_of(self, event: Any) -> Item:
        return Item(source_id=f"e-{next(self.counter)}", payload=event)


class NamesTwoAlike(Sound):
    def item_of(self, event: Any) -> Item:
        return Item(source_id="e-1", payload=event)


class NamesAnewOnEachPage(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        page = await super().fetch(cursor)
        named = (f"e-{place}" for place in itertools.count())
        items = (Item(source_id=next(named), payload=one.payload) for one in page.items)
        return dataclasses.replace(page, items=tuple(items))


class ForgivesAnyCursor(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        return await super().fetch(cursor if (cursor or "").isdecimal() else None)


class BeginsAgainInTheFuture(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        return await super().fetch(None if int(cursor or 0) > 100 else cursor)


class RefusesAFormerCursor(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        if cursor is not None and not cursor.startswith("v2:"):
            raise InvalidCursor("the cursor is of another version")
        return await super().fetch(cursor and cursor.removeprefix("v2:"))


class TranslatesByChance(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        made = super().activity(source_id, event, begin)
        return dataclasses.replace(made, title=f"Rapat {random.random()}")


class ChangesItsItem(Sound):
    def translate(self, item: Item) -> Statement:
        stated = super().translate(item)
        item.payload["seen"] = True  # type: ignore[index, call-overload]
        return stated


class Renames(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        return super().activity(f"x-{source_id}", event, begin)


class GivesAllToOne(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        return super().activity(source_id, {**event, "nip": NIP}, begin)


class KnowsBetter(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        return super().activity(source_id, {**event, "nip": "190001011900010001"}, begin)


class MendsAnNip(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        mended = str(event["nip"]).ljust(18, "0")[:18]
        return super().activity(source_id, {**event, "nip": mended}, begin)


class LivesInTheZoneOfTheMachine(Sound):
    def instant(self, text: Any) -> datetime:
        return datetime.fromisoformat(text[:19]).astimezone()


class WorksForDays(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        return super().activity(source_id, {**event, "end": "2026-03-09T00:00:00+07:00"}, begin)


class CountsNothingInParticular(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        made = super().activity(source_id, event, begin)
        return dataclasses.replace(made, unit_of_measure=None)


class TakesBackWhatNobodyGave(Sound):
    def translate(self, item: Item) -> Statement:
        stated = super().translate(item)
        if isinstance(stated, Retraction):
            return dataclasses.replace(stated, retracts=f"meeting-{stated.retracts}")
        return stated


class NeverTakesBack(Sound):
    def translate(self, item: Item) -> Statement:
        stated = super().translate(item)
        if isinstance(stated, Retraction):
            raise Skippable("it was cancelled")
        return stated


class TakesBackUnannounced(Sound):
    retracts = False


class BreaksOnDamage(Sound):
    def translate(self, item: Item) -> Statement:
        if item.payload["state"] == "planned":  # type: ignore[index, call-overload]
            raise Skippable("it has not been held yet")
        return super().translate(item)


class StatesSomethingElseNow(Sound):
    def translate(self, item: Item) -> Statement:
        try:
            return super().translate(item)
        except Skippable as reason:
            raise Skippable("belum diadakan") from reason


class RefusesItsOwn(Sound):
    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        if event["nip"] == OTHER:
            raise Malformed("somebody else")
        return super().activity(source_id, event, begin)


class TakesAnyDelivery(Sound):
    def receive(self, delivery: Delivery) -> Sequence[Item]:
        try:
            return super().receive(delivery)
        except Malformed:
            return ()


class BreaksOnADelivery(Sound):
    def receive(self, delivery: Delivery) -> Sequence[Item]:
        body: Any = delivery.json()
        return [self.item_of(one) for one in body["events"]]


class BreaksOnAFile(Sound):
    def read(self, upload: Upload) -> FileReading:
        upload.content.decode("ascii")
        return super().read(upload)


class NamesRowsAnew(Sound):
    counter = itertools.count()

    def read(self, upload: Upload) -> FileReading:
        reading = super().read(upload)
        items = (
            Item(source_id=f"f-{next(self.counter)}", payload=one.payload) for one in reading.items
        )
        return dataclasses.replace(reading, items=tuple(items))


class ForgivesADirectoryCursor(Sound):
    async def directory(self, cursor: str | None) -> DirectoryPage:
        return await super().directory(None)


class NumbersUnitsAnew(Sound):
    counter = itertools.count()

    def page_of(self, found: Any) -> DirectoryPage:
        units = (DirectoryUnit(code=f"U-{next(self.counter)}", name="Unit"),)
        return dataclasses.replace(super().page_of(found), units=units)


class TellsNoParent(Sound):
    def page_of(self, found: Any) -> DirectoryPage:
        page = super().page_of(found)
        return dataclasses.replace(
            page, units=(*page.units, DirectoryUnit(code="C", name="Unit", parent_code="Z"))
        )


class StandsAboveItself(Sound):
    def page_of(self, found: Any) -> DirectoryPage:
        units = (
            DirectoryUnit(code="A", name="Unit", parent_code="B"),
            DirectoryUnit(code="B", name="Unit", parent_code="A"),
        )
        return dataclasses.replace(super().page_of(found), units=units)


class SendsTwice(Sound):
    async def send(self, result: Result) -> Receipt:
        found: Any = await self.ask("POST", "/results", json_body={})
        return Receipt(reference=found["reference"], at=datetime.fromisoformat("2026-03-02T00Z"))


class RemembersWhatItSent(SendsTwice):
    def __init__(self, config: Any, http: Any) -> None:
        super().__init__(config, http)
        self.sent: dict[str, Receipt] = {}

    async def send(self, result: Result) -> Receipt:
        if result.id not in self.sent:
            self.sent[result.id] = await super().send(result)
        return self.sent[result.id]


BROKEN: tuple[tuple[type[Connector[Any]], str, str], ...] = (
    (HasNoSlug, "class_keeps_to_the_contract", "name must be a slug"),
    (FetchesWithoutAsync, "class_keeps_to_the_contract", "fetch must be an async def"),
    (LeavesASecretUnmarked, "what_looks_like_a_secret_is_marked", "declare these with secret"),
    (SendsAnUnmarkedSetting, "what_is_sent_as_a_credential_is_marked", "kunci"),
    (Tells, "no_secret_is_shown_by_repr", "repr shows a secret"),
    (RepeatsARefusedSecret, "refused_secret_is_not_repeated", "fault of api_token repeats"),
    (ChecksItsSettingsHastily, "odd_settings_are_taken_or_refused", "instead of a ValueError"),
    (PublishesASecret, "contract_file_holds_no_secret", "for each secret"),
    (DemandsANewSetting, "settings_of_the_previous_version_are_taken", "new and has no default"),
    (DropsASetting, "settings_of_the_previous_version_are_taken", "page_size was removed"),
    (NarrowsASetting, "settings_of_the_previous_version_are_taken", "could be integer"),
    (CursorStandsStill, "second_read_brings_nothing_that_the_first_has_not", "does not move"),
    (NamesChange, "same_page_twice_has_the_same_source_ids", "changes from one reading"),
    (NamesTwoAlike, "same_page_twice_has_the_same_source_ids", "names two items"),
    (NamesAnewOnEachPage, "source_id_names_one_thing_in_the_whole_reading", "names two items"),
    (ForgivesAnyCursor, "unreadable_cursor_is_fatal", "raise InvalidCursor"),
    (BeginsAgainInTheFuture, "cursor_in_the_future_gives_nothing", "old items again"),
    (RefusesAFormerCursor, "cursor_of_the_previous_version_is_read", "of 1.0.0 is refused"),
    (TranslatesByChance, "translation_is_pure_and_keeps_the_source_id", "two different"),
    (ChangesItsItem, "translation_is_pure_and_keeps_the_source_id", "changed its item"),
    (Renames, "translation_is_pure_and_keeps_the_source_id", "another source_id"),
    (GivesAllToOne, "person_is_the_one_whom_the_source_names", "still made up"),
    (KnowsBetter, "person_is_the_one_whom_the_source_names", "neither its payload nor"),
    (MendsAnNip, "person_is_the_one_whom_the_source_names", "still made up"),
    (LivesInTheZoneOfTheMachine, "times_do_not_depend_on_the_zone_of_the_machine", "with TZ="),
    (WorksForDays, "durations_and_quantities_are_of_this_world", "lasts"),
    (CountsNothingInParticular, "durations_and_quantities_are_of_this_world", "without unit"),
    (TakesBackWhatNobodyGave, "retraction_names_what_was_given_before", "never given"),
    (NeverTakesBack, "retraction_names_what_was_given_before", "no item states a Retraction"),
    (TakesBackUnannounced, "retraction_names_what_was_given_before", "set `retracts = True`"),
    (BreaksOnDamage, "damaged_item_is_malformed_or_skippable", "instead of Malformed"),
    (StatesSomethingElseNow, "recorded_items_state_what_they_did", "something else now"),
    (RefusesItsOwn, "items_of_the_service_can_be_read", "e-2: somebody else"),
    (NamesChange, "delivery_twice_has_the_same_source_ids", "from one delivery to the next"),
    (NamesRowsAnew, "file_twice_has_the_same_source_ids", "from one reading to the next"),
    (ForgivesADirectoryCursor, "unreadable_directory_cursor_is_fatal", "raise InvalidCursor"),
    (NumbersUnitsAnew, "directory_twice_is_the_same", "from one reading to the next"),
    (TakesAnyDelivery, "bad_delivery_is_malformed", "go unnoticed"),
    (BreaksOnADelivery, "bad_delivery_is_malformed", "instead of Malformed"),
    (BreaksOnADelivery, "damaged_delivery_is_malformed", "instead of Malformed"),
    (BreaksOnAFile, "damaged_file_is_malformed_or_told_row_by_row", "UnicodeDecodeError"),
    (TellsNoParent, "what_the_directory_leaves_open_is_told", "unit C stands under Z"),
    (StandsAboveItself, "no_unit_stands_above_itself", "unit A stands above itself"),
    (SendsTwice, "result_twice_has_the_same_receipt", "another receipt"),
    (RemembersWhatItSent, "receipt_does_not_depend_on_what_the_process_remembers", "memory"),
)
"""Who is broken, the check that refuses it (without `test_`), and words of its reason."""
