"""The GraphQL face of notices: one's own, how one is reached, and what a digest would say."""

from datetime import date, datetime
from uuid import UUID

import strawberry
from strawberry import relay

from schema.notices import models, words
from schema.relay import Connection
from schema.selection.declarations import after, one, reads, value

strawberry.enum(
    models.NoticeKind,
    description="DIGEST: a supervisor's, of the team's last working day and the week; NUDGE: an "
    "employee's, of their own day.",
)


@reads(model=models.Notice, visible="@it.employee_id = @viewer")
@strawberry.type(
    description="What somebody was told without asking (pemberitahuan), at most once a kind and "
    "day; the same words go through the agency's mail or chat."
)
class Notice(relay.Node):
    id: relay.NodeID[UUID]
    kind: models.NoticeKind = strawberry.field(description="What it says.")
    on: date = value("@row.day", "The recipient's day on which it is told.")
    subject: str = strawberry.field(description="One line.")
    body: str = strawberry.field(description="Plain text, in Indonesian, then in English.")
    created_at: datetime = strawberry.field(description="When it was made.")


@strawberry.type(description="Notices, newest first, a page at a time.")
class NoticeConnection(Connection[Notice]):
    pass


@reads(model=models.Contact, visible="@it.employee_id = @viewer")
@strawberry.type(description="How somebody is reached; nobody else is shown it.")
class Contact:
    address: str | None = strawberry.field(description="The e-mail address.")
    muted: list[models.NoticeKind] = strawberry.field(description="Kinds that are not made.")


FACTS = {"facts": "row_to_json(@row)", "now": "@now"}


@reads()
@strawberry.type(
    description="What a supervisor's digest would say now, so that everybody can see what is sent "
    "before it is. Nothing is sent or kept."
)
class DigestPreview:
    on: date = value('@row."on"', "The team's last working day.")
    subject: str | None = after(
        words.subject_of_team, "Null: there is nothing to say, and none is sent.", **FACTS
    )
    body: str | None = after(words.body_of_team, "The same words as are sent.", **FACTS)


@strawberry.type
class NoticeQuery:
    preview_digest: DigestPreview | None = one(
        """employee s$ CROSS JOIN LATERAL digest_facts(ARRAY[s$.id],
          (@now AT TIME ZONE s$.timezone)::date) @it""",
        "What the viewer's digest would say now; null for who has no team.",
        where="s$.id = @viewer",
    )
