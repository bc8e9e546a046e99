"""What employees and superiors send: inputs, payloads and mutations of progress."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import UserError
from schema.progress import models, service
from schema.progress.graph import ONE_RECORD, ProgressRecord
from schema.progress.placing import Place
from schema.progress.rules import Proof
from schema.progress.service import Confirmation, KeptLate
from schema.progress.writing import Entry
from schema.relay import key_of, optional_key_of, refusals
from schema.selection.declarations import Many
from schema.selection.execution import Selected


@strawberry.input(description="Proof of a record.")
class EvidenceInput:
    title: str = strawberry.field(description="What it is.")
    url: str = strawberry.field(description="An http(s) link.")

    def value(self) -> Proof:
        return Proof(self.title, self.url)


@strawberry.input(description="What a record moves: an indicator by a quantity, or a stage.")
class PlaceInput:
    target: relay.GlobalID | None = strawberry.field(default=None, description="The target.")
    indicator: relay.GlobalID | None = strawberry.field(
        default=None, description="May be left out where the target has one."
    )
    quantity: Decimal | None = strawberry.field(default=None, description="For the indicator.")
    stage: relay.GlobalID | None = strawberry.field(
        default=None, description="The stage that it completes."
    )
    action_plan: relay.GlobalID | None = strawberry.field(
        default=None, description="May be left out where one alone covers the day."
    )
    late_reason: str | None = strawberry.field(
        default=None, description="Why it comes behind its deadline, where the policy asks."
    )

    def place(self) -> Place:
        return Place(
            target_id=optional_key_of(self.target, "Target"),
            indicator_id=optional_key_of(self.indicator, "Indicator"),
            quantity=self.quantity,
            stage_id=optional_key_of(self.stage, "Stage"),
            action_plan_id=optional_key_of(self.action_plan, "ActionPlan"),
        )


@strawberry.input(description="A manual entry.")
class LogProgressInput(PlaceInput):
    starts_at: datetime = strawberry.field(description="With a time zone.")
    ends_at: datetime = strawberry.field(description="With a time zone; may be past midnight.")
    description: str = strawberry.field(description="What was done.")
    category: str | None = strawberry.field(default=None, description="Class of work.")
    evidence: list[EvidenceInput] = strawberry.field(default_factory=list, description="Proof.")

    def entry(self) -> Entry:
        return Entry(
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            description=self.description,
            category=self.category,
            place=self.place(),
            proof=[item.value() for item in self.evidence],
            late_reason=self.late_reason,
        )


@strawberry.input(description="Manual entries of a week or a month: all are written, or none.")
class LogManyInput:
    entries: list[LogProgressInput] = strawberry.field(description="At most 200.")


@strawberry.input(description="A pending record to confirm, with what the employee amends.")
class ConfirmRecordInput(PlaceInput):
    id: relay.GlobalID = strawberry.field(description="The record.")
    starts_at: datetime | None = strawberry.field(default=None, description="Amended start.")
    ends_at: datetime | None = strawberry.field(default=None, description="Amended end.")
    evidence: list[EvidenceInput] = strawberry.field(
        default_factory=list, description="More proof."
    )

    def confirmation(self) -> Confirmation:
        return Confirmation(
            record_id=key_of(self.id, "ProgressRecord"),
            place=self.place(),
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            proof=[item.value() for item in self.evidence],
            late_reason=self.late_reason,
        )


@strawberry.input(description="Pending records to confirm. Each that can be, is.")
class ConfirmProgressInput:
    records: list[ConfirmRecordInput] = strawberry.field(description="At most 200.")


@strawberry.input(description="A record that does not count, and why.")
class DismissProgressInput:
    id: relay.GlobalID = strawberry.field(description="The record.")
    reason: str = strawberry.field(description="Kept in its history.")


@strawberry.input(description="A confirmed or returned record, and what replaces it.")
class CorrectProgressInput(LogProgressInput):
    id: relay.GlobalID = strawberry.field(description="The record to replace.")
    reason: str = strawberry.field(description="Kept in its history.")


@strawberry.input(description="A confirmed record of a subordinate, sent back.")
class ReturnProgressInput:
    id: relay.GlobalID = strawberry.field(description="The record.")
    comment: str = strawberry.field(description="What is to be mended.")


@strawberry.type(description="The record as it is now, or why it was refused.")
class RecordPayload:
    record: ProgressRecord | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="A manual entry, or why it was refused.")
class LogProgressPayload(RecordPayload):
    pass


@strawberry.type(description="The records that were written, or why none was.")
class LogManyPayload:
    records: list[ProgressRecord] = strawberry.field(description="In the order of the entries.")
    user_errors: list[UserError] = strawberry.field(
        description="`field` names the place in the input, as entries.0."
    )


@strawberry.type(description="The dismissed record, or why it was refused.")
class DismissProgressPayload(RecordPayload):
    pass


@strawberry.type(description="The new record, or why it was refused.")
class CorrectProgressPayload(RecordPayload):
    pass


@strawberry.type(description="The returned record, or why it was refused.")
class ReturnProgressPayload(RecordPayload):
    pass


@strawberry.type(description="What was confirmed, and an error for each that could not be.")
class ConfirmProgressPayload:
    records: list[ProgressRecord] = strawberry.field(description="Confirmed now.")
    user_errors: list[UserError] = strawberry.field(
        description="`field` names the place in the input, as records.0."
    )


@strawberry.type
class ProgressMutation:
    @strawberry.mutation(
        description="Write a record by hand; it counts at once. Refused as late, it comes back "
        "pending, with TOO_LATE: it waits, and nothing is lost."
    )
    async def log_progress(self, info: Info, input: LogProgressInput) -> LogProgressPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            try:
                record = await service.log_progress(viewer, input.entry(), now)
            except KeptLate as late:
                why = UserError.of(late, info.context.language)
                return LogProgressPayload(record=shown(late.record), user_errors=[why])
            return LogProgressPayload(record=shown(record), user_errors=[])
        return LogProgressPayload(record=None, user_errors=refused)

    @strawberry.mutation(
        description="Write many records by hand: all, or none. What is refused as late is kept by "
        "`logProgress`, one by one."
    )
    async def log_many(self, info: Info, input: LogManyInput) -> LogManyPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            entries = [one.entry() for one in input.entries]
            written = await service.log_many(viewer, entries, now)
            rows: Any = Selected(THESE, {"keys": [record.id for record in written]})
            return LogManyPayload(records=rows, user_errors=[])
        return LogManyPayload(records=[], user_errors=refused)

    @strawberry.mutation(description="Confirm pending records, one or many.")
    async def confirm_progress(
        self, info: Info, input: ConfirmProgressInput
    ) -> ConfirmProgressPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            wanted = [item.confirmation() for item in input.records]
            outcome = await service.confirm_progress(viewer, wanted, now)
            return confirmed(outcome, info)
        return ConfirmProgressPayload(records=[], user_errors=refused)

    @strawberry.mutation(description="Say that a record does not count; the fact stays.")
    async def dismiss_progress(
        self, info: Info, input: DismissProgressInput
    ) -> DismissProgressPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "ProgressRecord")
            record = await service.dismiss_progress(viewer, key, input.reason, now)
            return DismissProgressPayload(record=shown(record), user_errors=[])
        return DismissProgressPayload(record=None, user_errors=refused)

    @strawberry.mutation(description="Replace a record; the old one stays, superseded.")
    async def correct_progress(
        self, info: Info, input: CorrectProgressInput
    ) -> CorrectProgressPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "ProgressRecord")
            record = await service.correct_progress(viewer, key, input.entry(), input.reason, now)
            return CorrectProgressPayload(record=shown(record), user_errors=[])
        return CorrectProgressPayload(record=None, user_errors=refused)

    @strawberry.mutation(description="Send a subordinate's confirmed record back.")
    async def return_progress(
        self, info: Info, input: ReturnProgressInput
    ) -> ReturnProgressPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "ProgressRecord")
            record = await service.return_progress(viewer, key, input.comment, now)
            return ReturnProgressPayload(record=shown(record), user_errors=[])
        return ReturnProgressPayload(record=None, user_errors=refused)


def confirmed(outcome: service.Confirmed, info: Info) -> ConfirmProgressPayload:
    """The payload of a partial success; errors name their place in the input."""
    language = info.context.language
    errors = [
        UserError.of(error, language, ".".join(filter(None, [f"records.{place}", error.field])))
        for place, error in outcome.errors
    ]
    records: Any = Selected(THESE, {"keys": [record.id for record in outcome.records]})
    return ConfirmProgressPayload(records=records, user_errors=errors)


THESE = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) "
    "JOIN progress_record @it ON @it.id = k$.id",
    order="k$.place",
)


def shown(record: models.ProgressRecord) -> Any:
    """A record as the read path shows it now."""
    return Selected(ONE_RECORD, {"key": record.id})
