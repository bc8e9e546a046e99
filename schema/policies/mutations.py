"""What administrators send: working weeks and holidays; `setPolicy` is in `targets/mutations`."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import strawberry

from schema.context import Info
from schema.errors import UserError
from schema.policies import models, service
from schema.policies.graph import Holiday, WorkingWeek
from schema.policies.rules import BREAKS, time_of
from schema.policies.service import HolidayEntry, WeekEntry
from schema.relay import refusals
from schema.selection.declarations import Many, One
from schema.selection.execution import Selected

ONE_WEEK = One(source="working_week @it", where="@it.id = @key::uuid")
THESE_HOLIDAYS = Many(source="holiday @it", where="@it.id = ANY (@keys::uuid[])", order="@it.day")


@strawberry.input(
    description="The week of an agency or of a unit from a day on. One of the same first day is "
    "amended; an open one gets its end so."
)
class SetWorkingWeekInput:
    agency: str = strawberry.field(description="The agency's code.")
    unit: str | None = strawberry.field(
        default=None, description="The unit's code; null: the whole agency's."
    )
    name: str = strawberry.field(description="At most 120 characters.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date | None = strawberry.field(
        default=None, description="Last day, as of Ramadan; null: until another holds."
    )
    minutes: list[int] = strawberry.field(
        description="Of Monday to Sunday, seven numbers, breaks left out."
    )
    breaks: list[int] = strawberry.field(
        default_factory=lambda: list(BREAKS), description="Of Monday to Sunday, seven numbers."
    )
    begins_at: str = strawberry.field(default="07:30", description="Local time, as 07:30.")
    observes_holidays: bool = strawberry.field(
        default=True, description="False where work goes on, as in a hospital."
    )

    def entry(self) -> WeekEntry:
        return WeekEntry(
            name=self.name,
            unit=self.unit,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            minutes=self.minutes,
            breaks=self.breaks,
            begins_at=time_of(self.begins_at),
            observes_holidays=self.observes_holidays,
        )


@strawberry.input(description="A day of an agency's calendar.")
class HolidayInput:
    on: date = strawberry.field(description="The day; one that is there already is amended.")
    name: str = strawberry.field(description="At most 120 characters.")
    kind: models.HolidayKind = strawberry.field(
        default=models.HolidayKind.PUBLIC_HOLIDAY,
        description="WORKING_DAY takes an announced holiday back.",
    )


@strawberry.input(description="Days of an agency's calendar, at once or not at all.")
class SetHolidaysInput:
    agency: str = strawberry.field(description="The agency's code.")
    holidays: list[HolidayInput] = strawberry.field(description="At most 400, each day once.")

    def entries(self) -> Sequence[HolidayEntry]:
        return [HolidayEntry(day=one.on, name=one.name, kind=one.kind) for one in self.holidays]


@strawberry.type(description="The week as it is now, or why it was refused.")
class SetWorkingWeekPayload:
    week: WorkingWeek | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The days as they are now, or why they were refused.")
class SetHolidaysPayload:
    holidays: list[Holiday] = strawberry.field(description="By day; empty where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class PolicyMutation:
    @strawberry.mutation(
        description="For administrators: what the days of a week ask for. Days that are written "
        "follow; what was recorded stays."
    )
    async def set_working_week(
        self, info: Info, input: SetWorkingWeekInput
    ) -> SetWorkingWeekPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            week = await service.set_working_week(viewer, input.agency, input.entry(), now)
            return SetWorkingWeekPayload(week=shown(week.id), user_errors=[])
        return SetWorkingWeekPayload(week=None, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: holidays and joint leave (cuti bersama), also of days "
        "that have passed. Days that are written follow; what was recorded stays."
    )
    async def set_holidays(self, info: Info, input: SetHolidaysInput) -> SetHolidaysPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            days = await service.set_holidays(viewer, input.agency, input.entries(), now)
            found: Any = Selected(THESE_HOLIDAYS, {"keys": [day.id for day in days]})
            return SetHolidaysPayload(holidays=found, user_errors=[])
        return SetHolidaysPayload(holidays=[], user_errors=refused)


def shown(key: UUID) -> Any:
    """A week as the read path shows it now."""
    return Selected(ONE_WEEK, {"key": key})
