"""What administrators do with results that failed on their way: `resendResults`."""

import strawberry
from strawberry import relay

from schema.appraisals import resending
from schema.appraisals.resending import MOST_RESENT, Resent
from schema.context import Info
from schema.errors import DomainError, ErrorCode, Refusals, UserError
from schema.feeds.inputs import key_or_none
from schema.relay import key_of, refusals


@strawberry.input(
    description="Failed results whose cause was mended: either by id, or a connector's."
)
class ResendResultsInput:
    ids: list[relay.GlobalID] | None = strawberry.field(
        default=None, description="At most 500; then nothing else is given."
    )
    connector: relay.GlobalID | None = strawberry.field(
        default=None, description="Failed ones of this connector, the oldest first."
    )
    most: int = strawberry.field(
        default=MOST_RESENT, description="Of a connector's: 1 to 500 in a call."
    )
    unsent: bool = strawberry.field(
        default=False,
        description="Of a connector's: also what was signed while it was not there or disabled.",
    )


@strawberry.type(description="How many results wait again.")
class ResendResultsPayload:
    resent: int = strawberry.field(description="Results that wait again, each under its own id.")
    remaining: int = strawberry.field(
        description="Of a connector's: how many more there are for another call."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Of chosen ones one for each that is not sent again, as `ids.3`."
    )


@strawberry.type
class SendingMutation:
    @strawberry.mutation(
        description="For administrators: send results that failed again. What a service has "
        "already, its connector finds there and gives as the receipt."
    )
    async def resend_results(self, info: Info, input: ResendResultsInput) -> ResendResultsPayload:
        with refusals(info) as refused:
            done = await _resent(info, input)
            with refusals(info) as others:
                refuse_each(done)
            return ResendResultsPayload(
                resent=done.resent, remaining=done.remaining, user_errors=others
            )
        return ResendResultsPayload(resent=0, remaining=0, user_errors=refused)


async def _resent(info: Info, input: ResendResultsInput) -> Resent:
    """Raises:
    DomainError: neither results nor a connector are given, or both.
    """
    viewer, now = info.context.viewer, info.context.now()
    if (input.ids is None) is (input.connector is None):
        detail = "give either ids or a connector"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="ids", detail=detail)
    if input.ids is not None:
        keys = [key_or_none(one, "ResultDelivery") for one in input.ids]
        return await resending.resend_these(viewer, keys, now)
    assert input.connector is not None
    key = key_of(input.connector, "Connector")
    return await resending.resend_of(viewer, key, now, most=input.most, unsent=input.unsent)


def refuse_each(done: Resent) -> None:
    """Raises:
    Refusals: some of the chosen results are not sent again, each by its place.
    """
    if done.refused:
        raise Refusals(
            [
                DomainError(one.code, field=f"ids.{place}", **one.words)
                for place, one in sorted(done.refused.items())
            ]
        )
