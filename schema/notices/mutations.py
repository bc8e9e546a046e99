"""What people send about notices: how they are reached, and what they do not want."""

from collections.abc import Sequence
from typing import Any

import strawberry

from schema.context import Info
from schema.errors import UserError
from schema.notices import models, service
from schema.notices.graph import Contact
from schema.notices.service import ContactEntry
from schema.relay import refusals
from schema.selection.declarations import One
from schema.selection.execution import Selected

OWN = One(source="contact @it", where="@it.employee_id = @viewer")


@strawberry.input(description="How the viewer is reached: the whole of it, replacing what was.")
class SetContactInput:
    address: str | None = strawberry.field(
        default=None, description="An e-mail address; null: none."
    )
    muted: list[models.NoticeKind] = strawberry.field(
        default_factory=list, description="Kinds that are not wanted."
    )


@strawberry.input(description="How one person is reached.")
class ContactInput:
    nip: str = strawberry.field(description="Of somebody in the agency.")
    address: str | None = strawberry.field(description="An e-mail address; null: none.")


@strawberry.input(description="Addresses of an agency's people, at once or not at all.")
class SetContactsInput:
    agency: str = strawberry.field(description="The agency's code.")
    contacts: list[ContactInput] = strawberry.field(description="At most 500, each person once.")

    def entries(self) -> Sequence[ContactEntry]:
        return [ContactEntry(nip=one.nip, address=one.address) for one in self.contacts]


@strawberry.type(description="How the viewer is reached now, or why it was refused.")
class SetContactPayload:
    contact: Contact | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="How many addresses were given, or why they were refused.")
class SetContactsPayload:
    count: int = strawberry.field(description="People; 0 where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class NoticeMutation:
    @strawberry.mutation(
        description="How the viewer is reached, and which notices they do not want."
    )
    async def set_contact(self, info: Info, input: SetContactInput) -> SetContactPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            await service.set_contact(viewer, input.address, input.muted, now)
            own: Any = Selected(OWN, {})
            return SetContactPayload(contact=own, user_errors=[])
        return SetContactPayload(contact=None, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: e-mail addresses of people by NIP. What somebody has "
        "muted stays."
    )
    async def set_contacts(self, info: Info, input: SetContactsInput) -> SetContactsPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            count = await service.set_contacts(viewer, input.agency, input.entries(), now)
            return SetContactsPayload(count=count, user_errors=[])
        return SetContactsPayload(count=0, user_errors=refused)
