"""The GraphQL face of absences: that somebody is away, who decided it, and what was said."""

from datetime import date, datetime
from uuid import UUID

import strawberry
from strawberry import relay

from schema.organizations import models
from schema.organizations.graph import Employee
from schema.predicates import sees_work
from schema.relay import Connection
from schema.selection.declarations import many, one, reads, value

strawberry.enum(
    models.AbsenceKind,
    description="LEAVE (cuti), SICKNESS (sakit), DUTY_TRAVEL (perjalanan dinas), UNEXCUSED (tanpa "
    "keterangan): without leave, which excuses nothing.",
)
strawberry.enum(
    models.AbsenceState,
    description="REPORTED waits for a superior; ACCEPTED counts; REFUSED and WITHDRAWN do not.",
)


@reads(model=models.AbsenceEvent)
@strawberry.type(description="One line of an absence's history. Append-only.")
class AbsenceEvent:
    state: models.AbsenceState = strawberry.field(description="How it stood from then on.")
    at: datetime = strawberry.field(description="When.")
    comment: str | None = strawberry.field(description="What was said.")
    actor: Employee | None = one(
        "employee @it", "Who; null for a service.", where="@it.nip = @row.actor"
    )


@reads(model=models.Absence, visible=sees_work("@it.employee_id"))
@strawberry.type(description="Somebody is away for days, or for a part of one day.")
class Absence(relay.Node):
    id: relay.NodeID[UUID]
    kind: models.AbsenceKind = strawberry.field(description="Why.")
    state: models.AbsenceState = strawberry.field(description="Where it stands.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date = strawberry.field(description="Last day, inclusive.")
    from_time: str | None = value(
        "to_char(@row.from_time::time, 'HH24:MI')",
        "Of a part of a day: since when, local time, as 13:00; null: all day.",
    )
    until_time: str | None = value(
        "to_char(@row.until_time::time, 'HH24:MI')", "Until when, exclusive."
    )
    note: str | None = strawberry.field(description="What whoever reported it said.")
    reported_at: datetime = strawberry.field(description="When it was said.")
    decided_at: datetime | None = strawberry.field(
        description="When a superior or administrator last decided it."
    )
    employee: Employee = one(None, "Who is away.", trusted=True)
    reported_by: Employee | None = one(
        "employee @it", "Who said it; null for a service.", where="@it.nip = @row.reported_by"
    )
    decided_by: Employee | None = one(
        "employee @it", "Who last decided it.", where="@it.nip = @row.decided_by"
    )
    history: list[AbsenceEvent] = many(None, "What happened to it.", order="@it.id", trusted=True)


@strawberry.type(description="Absences, those reported first at the beginning, a page at a time.")
class AbsenceConnection(Connection[Absence]):
    pass
