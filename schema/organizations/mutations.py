"""What people send about themselves in an organization: that their tokens hold no more."""

from datetime import datetime

import strawberry

from schema.context import Info
from schema.errors import UserError
from schema.organizations.revoking import revoke_tokens
from schema.relay import refusals


@strawberry.input(description="Whose tokens hold no more, and why.")
class RevokeTokensInput:
    subject: str | None = strawberry.field(
        default=None,
        description="Of an administrator's agency: a NIP or a service's name; null: the viewer.",
    )
    reason: str | None = strawberry.field(
        default=None, description="Kept on the record; at most 1,000 characters."
    )


@strawberry.type(description="Since when tokens hold again, or why it was refused.")
class RevokeTokensPayload:
    issued_before: datetime | None = strawberry.field(
        description="Tokens issued before it hold no more, this request's own among them where "
        "they are the viewer's. Null where it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class OrganizationMutation:
    @strawberry.mutation(
        description="Sign out everywhere: no token that the viewer has now holds any more. For "
        "administrators: those of somebody who works or has a role in their agency."
    )
    async def revoke_tokens(self, info: Info, input: RevokeTokensInput) -> RevokeTokensPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            done = await revoke_tokens(viewer, input.subject, input.reason, now)
            return RevokeTokensPayload(issued_before=done.issued_before, user_errors=[])
        return RevokeTokensPayload(issued_before=None, user_errors=refused)
