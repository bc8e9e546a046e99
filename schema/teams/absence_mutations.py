"""What people send about being away, and that a day is all written."""

from datetime import date
from typing import Any
from uuid import UUID

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import UserError
from schema.organizations.absence_graph import Absence
from schema.organizations.days import day_of
from schema.organizations.models import AbsenceKind
from schema.policies.rules import time_of
from schema.progress.graph import DailyLog
from schema.relay import key_of, optional_key_of, refusals
from schema.selection.declarations import Many, One
from schema.selection.execution import Selected
from schema.teams import absences, days_done
from schema.teams.absence_rules import AbsenceEntry

ONE_ABSENCE = One(source="absence @it", where="@it.id = @key::uuid")
THESE_ABSENCES = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) "
    "JOIN absence @it ON @it.id = k$.id",
    order="k$.place",
)
OWN_DAY = One(
    source="(SELECT @viewer AS employee_id, @day::date AS day) d$ "
    "LEFT JOIN daily_log l$ ON l$.employee_id = d$.employee_id AND l$.day = d$.day "
    f"CROSS JOIN LATERAL ({day_of('d$.employee_id', 'd$.day', 'l$')}) @it"
)


@strawberry.input(description="That somebody is away: all of some days, or a part of one.")
class AbsenceInput:
    kind: AbsenceKind = strawberry.field(description="UNEXCUSED never of oneself.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date = strawberry.field(description="Last day, inclusive; at most 366 days in all.")
    from_time: str | None = strawberry.field(
        default=None, description="Of a part of one day: since when, local time, as 13:00."
    )
    until_time: str | None = strawberry.field(
        default=None, description="Until when, exclusive; with `fromTime` only."
    )
    note: str | None = strawberry.field(default=None, description="At most 2,000 characters.")

    def entry(self, place: str = "") -> AbsenceEntry:
        def local(text: str | None, field: str) -> Any:
            return None if text is None else time_of(text, place + field)

        return AbsenceEntry(
            kind=self.kind,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            from_time=local(self.from_time, "fromTime"),
            until_time=local(self.until_time, "untilTime"),
            note=self.note,
        )


@strawberry.input(description="One's own absence, or one that a superior records for somebody.")
class ReportAbsenceInput(AbsenceInput):
    employee: relay.GlobalID | None = strawberry.field(
        default=None, description="Who is away; the viewer where it is left out."
    )


@strawberry.input(description="An absence of somebody by NIP, as a leave system has it.")
class RecordAbsenceInput(AbsenceInput):
    nip: str = strawberry.field(description="Who is away, 18 digits.")


@strawberry.input(description="Absences that are accepted at once: all of them, or none.")
class RecordAbsencesInput:
    absences: list[RecordAbsenceInput] = strawberry.field(description="At most 500.")

    def entries(self) -> list[tuple[str, AbsenceEntry]]:
        return [
            (one.nip, one.entry(f"absences.{number}.")) for number, one in enumerate(self.absences)
        ]


@strawberry.input(description="A reported absence, and what becomes of it.")
class DecideAbsenceInput:
    id: relay.GlobalID = strawberry.field(description="The absence.")
    accept: bool = strawberry.field(description="False: it is refused.")
    note: str | None = strawberry.field(
        default=None, description="Kept in its history; why, where it is refused."
    )


@strawberry.input(description="An absence that is taken back.")
class WithdrawAbsenceInput:
    id: relay.GlobalID = strawberry.field(description="The absence.")
    note: str | None = strawberry.field(default=None, description="Kept in its history.")


@strawberry.input(description="A day of one's own.")
class OwnDayInput:
    on: date = strawberry.field(description="Today or a past day, where one works.")


@strawberry.type(description="The absence as it is now, or why it was refused.")
class AbsencePayload:
    absence: Absence | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The absences that were recorded, or why none was.")
class RecordAbsencesPayload:
    absences: list[Absence] = strawberry.field(description="In the order of the input.")
    user_errors: list[UserError] = strawberry.field(
        description="`field` names the place in the input, as absences.0.endsOn."
    )


@strawberry.type(description="The day as it is now, or why it was refused.")
class OwnDayPayload:
    log: DailyLog | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class AbsenceMutation:
    @strawberry.mutation(
        description="Say that one is away; it waits for a superior. A superior or administrator "
        "says it for somebody, and it is accepted at once."
    )
    async def report_absence(self, info: Info, input: ReportAbsenceInput) -> AbsencePayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            who = optional_key_of(input.employee, "Employee")
            row = await absences.report_absence(viewer, who, input.entry(), now)
            return AbsencePayload(absence=shown(row.id), user_errors=[])
        return AbsencePayload(absence=None, user_errors=refused)

    @strawberry.mutation(
        description="For superiors and administrators: absences of many, as from a leave system. "
        "All are accepted, or none is written."
    )
    async def record_absences(
        self, info: Info, input: RecordAbsencesInput
    ) -> RecordAbsencesPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            rows = await absences.record_absences(viewer, input.entries(), now)
            found: Any = Selected(THESE_ABSENCES, {"keys": [row.id for row in rows]})
            return RecordAbsencesPayload(absences=found, user_errors=[])
        return RecordAbsencesPayload(absences=[], user_errors=refused)

    @strawberry.mutation(
        description="Accept or refuse a reported absence; never one's own. Days that are written "
        "ask for less at once."
    )
    async def decide_absence(self, info: Info, input: DecideAbsenceInput) -> AbsencePayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "Absence")
            row = await absences.decide_absence(viewer, key, input.accept, input.note, now)
            return AbsencePayload(absence=shown(row.id), user_errors=[])
        return AbsencePayload(absence=None, user_errors=refused)

    @strawberry.mutation(
        description="Take an absence back: one's own while it waits; an accepted one by a superior "
        "or administrator, and its days ask again."
    )
    async def withdraw_absence(self, info: Info, input: WithdrawAbsenceInput) -> AbsencePayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "Absence")
            row = await absences.withdraw_absence(viewer, key, input.note, now)
            return AbsencePayload(absence=shown(row.id), user_errors=[])
        return AbsencePayload(absence=None, user_errors=refused)

    @strawberry.mutation(
        description="Say that all of a day of one's own is written; saying it twice is harmless."
    )
    async def mark_day_done(self, info: Info, input: OwnDayInput) -> OwnDayPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            await days_done.mark_day_done(viewer, input.on, now)
            return OwnDayPayload(log=day_shown(input.on), user_errors=[])
        return OwnDayPayload(log=None, user_errors=refused)

    @strawberry.mutation(description="Take back that a day is all written.")
    async def reopen_day(self, info: Info, input: OwnDayInput) -> OwnDayPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            await days_done.reopen_day(viewer, input.on, now)
            return OwnDayPayload(log=day_shown(input.on), user_errors=[])
        return OwnDayPayload(log=None, user_errors=refused)


def shown(key: UUID) -> Any:
    """An absence as the read path shows it now."""
    return Selected(ONE_ABSENCE, {"key": key})


def day_shown(day: date) -> Any:
    """A day of the viewer's own as the read path shows it now."""
    return Selected(OWN_DAY, {"day": day})
