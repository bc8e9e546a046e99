"""What changes feeds: activities of service accounts, and administrators' connectors."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import strawberry
from strawberry import relay

from schema.access import Scope
from schema.context import Info
from schema.errors import DomainError, ErrorCode, NotFound, Refusals, UserError
from schema.feeds import administration, dead_letters, installing, service
from schema.feeds.dead_letters import Replayed
from schema.feeds.graph import Connector, ConnectorProblem, DeadLetter
from schema.feeds.inputs import (
    ConfigureConnectorInput,
    ConnectorInput,
    DismissProblemInput,
    InstallConnectorInput,
    ReplayDeadLetterInput,
    ReplayDeadLettersInput,
    ResetConnectorCursorInput,
    ResolveDeadLetterInput,
    RetractActivityInput,
    SetConnectorEnabledInput,
    SubmitActivityInput,
    key_or_none,
)
from schema.relay import key_of, refusals
from schema.selection.declarations import One
from schema.selection.execution import Selected

ONE_LETTER = One(source="dead_letter @it", where="@it.id = @key::uuid")
ONE_CONNECTOR = One(source="installation @it", where="@it.id = @key::uuid")
ONE_PROBLEM = One(source="connector_problem @it", where="@it.id = @key::uuid")
EMPTY = "Empty where it went well."


@strawberry.type(description="Whether the activity was taken in, or why not.")
class SubmitActivityPayload:
    accepted: bool = strawberry.field(description="True also where it was known already.")
    user_errors: list[UserError] = strawberry.field(description=EMPTY)


@strawberry.type(description="Whether the retraction was taken in, or why not.")
class RetractActivityPayload:
    accepted: bool = strawberry.field(description="True also where it was known already.")
    user_errors: list[UserError] = strawberry.field(description=EMPTY)


@strawberry.type(description="The connector as it is now, or why nothing was changed.")
class ConnectorPayload:
    connector: Connector | None = strawberry.field(description="As it is now.")
    user_errors: list[UserError] = strawberry.field(
        description="Of settings one for each field, by its path."
    )


@strawberry.type(description="The new webhook secret, or why there is none.")
class RotateWebhookSecretPayload:
    secret: str | None = strawberry.field(
        description="Shown here and never again: give it to the sender. The former one verifies "
        "until it is dropped."
    )
    connector: Connector | None = strawberry.field(description="As it is now.")
    user_errors: list[UserError] = strawberry.field(description=EMPTY)


@strawberry.type(description="The problem, dismissed, or why not.")
class DismissProblemPayload:
    problem: ConnectorProblem | None = strawberry.field(description="Shown as known.")
    user_errors: list[UserError] = strawberry.field(description=EMPTY)


@strawberry.type(description="The dead letter, resolved, or why not.")
class ReplayDeadLetterPayload:
    dead_letter: DeadLetter | None = strawberry.field(description="Its item waits again.")
    user_errors: list[UserError] = strawberry.field(description=EMPTY)


@strawberry.type(description="How many items wait again.")
class ReplayDeadLettersPayload:
    replayed: int = strawberry.field(description="Items that wait again.")
    remaining: int = strawberry.field(
        description="Of a connector's: how many more there are for another call."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Of chosen ones one for each that was not replayed, as `ids.3`; the "
        "others were."
    )


@strawberry.type(description="The dead letter, closed, or why not.")
class ResolveDeadLetterPayload:
    dead_letter: DeadLetter | None = strawberry.field(description="Its item stays as it is.")
    user_errors: list[UserError] = strawberry.field(description=EMPTY)


Deed: TypeAlias = Callable[[Scope, UUID, datetime], Awaitable[Any]]


async def _done(info: Info, id: relay.GlobalID, deed: Deed) -> ConnectorPayload:
    """Do something with a connector, and answer it."""
    viewer, now = info.context.viewer, info.context.now()
    with refusals(info) as refused:
        key = key_of(id, "Connector")
        await deed(viewer, key, now)
        return ConnectorPayload(connector=_selected(key), user_errors=[])
    return ConnectorPayload(connector=None, user_errors=refused)


def _selected(key: UUID) -> Any:
    return Selected(ONE_CONNECTOR, {"key": key})


@strawberry.type
class FeedMutation:
    @strawberry.mutation(
        description="For a connector's service account: hand in an activity of its own source. "
        "It becomes a pending record of the employee."
    )
    async def submit_activity(
        self, info: Info, input: SubmitActivityInput
    ) -> SubmitActivityPayload:
        source, now = info.context.viewer.installation_id, info.context.now()
        with refusals(info) as refused:
            taken = await service.accept(own_source(source), [input.received()], now)
            refuse_changed(taken.changed)
            return SubmitActivityPayload(accepted=True, user_errors=[])
        return SubmitActivityPayload(accepted=False, user_errors=refused)

    @strawberry.mutation(
        description="For a connector's service account: take back an activity of its own source. "
        "A pending record of it goes; a confirmed one stays and is marked."
    )
    async def retract_activity(
        self, info: Info, input: RetractActivityInput
    ) -> RetractActivityPayload:
        source, now = info.context.viewer.installation_id, info.context.now()
        with refusals(info) as refused:
            taken = await service.accept(own_source(source), [input.received()], now)
            refuse_changed(taken.changed)
            return RetractActivityPayload(accepted=True, user_errors=[])
        return RetractActivityPayload(accepted=False, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: install a connector. Secrets are kept encrypted and "
        "never shown again."
    )
    async def install_connector(self, info: Info, input: InstallConnectorInput) -> ConnectorPayload:
        viewer, vault, now = info.context.viewer, info.context.vault, info.context.now()
        with refusals(info) as refused:
            asked = input.asked()
            made = await installing.install(viewer, input.agency, asked, vault=vault, now=now)
            return ConnectorPayload(connector=_selected(made.id), user_errors=[])
        return ConnectorPayload(connector=None, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: change settings, title or pause between polls. New "
        "settings reset the failures, and are tried at once."
    )
    async def configure_connector(
        self, info: Info, input: ConfigureConnectorInput
    ) -> ConnectorPayload:
        async def deed(viewer: Scope, key: UUID, now: datetime) -> None:
            vault = info.context.vault
            await installing.configure(viewer, key, input.changes(), vault=vault, now=now)

        return await _done(info, input.id, deed)

    @strawberry.mutation(description="For administrators: let a connector work, or not.")
    async def set_connector_enabled(
        self, info: Info, input: SetConnectorEnabledInput
    ) -> ConnectorPayload:
        async def deed(viewer: Scope, key: UUID, now: datetime) -> None:
            await administration.set_enabled(viewer, key, enabled=input.enabled, now=now)

        return await _done(info, input.id, deed)

    @strawberry.mutation(
        description="For administrators: neither poll nor work off; what is pushed is kept."
    )
    async def pause_connector(self, info: Info, input: ConnectorInput) -> ConnectorPayload:
        return await _done(info, input.id, administration.pause)

    @strawberry.mutation(
        description="For administrators: go on after a pause, or after the intake has halted."
    )
    async def resume_connector(self, info: Info, input: ConnectorInput) -> ConnectorPayload:
        return await _done(info, input.id, administration.resume)

    @strawberry.mutation(description="For administrators: poll now, whenever it was due.")
    async def run_connector(self, info: Info, input: ConnectorInput) -> ConnectorPayload:
        return await _done(info, input.id, administration.run_now)

    @strawberry.mutation(
        description="For administrators: read from the source's beginning, or from a given "
        "cursor. What was read already does not come twice."
    )
    async def reset_connector_cursor(
        self, info: Info, input: ResetConnectorCursorInput
    ) -> ConnectorPayload:
        async def deed(viewer: Scope, key: UUID, now: datetime) -> None:
            await administration.reset_cursor(viewer, key, input.cursor, now)

        return await _done(info, input.id, deed)

    @strawberry.mutation(description="For administrators: make a new webhook secret, shown once.")
    async def rotate_webhook_secret(
        self, info: Info, input: ConnectorInput
    ) -> RotateWebhookSecretPayload:
        viewer, vault, now = info.context.viewer, info.context.vault, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "Connector")
            made = await installing.rotate_webhook_secret(viewer, key, vault=vault, now=now)
            return RotateWebhookSecretPayload(secret=made, connector=_selected(key), user_errors=[])
        return RotateWebhookSecretPayload(secret=None, connector=None, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: once the sender signs with the new webhook secret, let "
        "the former one verify no longer."
    )
    async def drop_webhook_secret(self, info: Info, input: ConnectorInput) -> ConnectorPayload:
        async def deed(viewer: Scope, key: UUID, now: datetime) -> None:
            vault = info.context.vault
            await installing.drop_webhook_secret(viewer, key, vault=vault, now=now)

        return await _done(info, input.id, deed)

    @strawberry.mutation(description="For administrators: say that a problem is known.")
    async def dismiss_problem(
        self, info: Info, input: DismissProblemInput
    ) -> DismissProblemPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "ConnectorProblem")
            await administration.dismiss_problem(viewer, key, now)
            problem: Any = Selected(ONE_PROBLEM, {"key": key})
            return DismissProblemPayload(problem=problem, user_errors=[])
        return DismissProblemPayload(problem=None, user_errors=refused)

    @strawberry.mutation(description="For administrators: let an item be tried again.")
    async def replay_dead_letter(
        self, info: Info, input: ReplayDeadLetterInput
    ) -> ReplayDeadLetterPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "DeadLetter")
            await dead_letters.replay(viewer, key, now)
            return ReplayDeadLetterPayload(dead_letter=_letter(key), user_errors=[])
        return ReplayDeadLetterPayload(dead_letter=None, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: let many items be tried again, chosen ones or a "
        "connector's of one cause."
    )
    async def replay_dead_letters(
        self, info: Info, input: ReplayDeadLettersInput
    ) -> ReplayDeadLettersPayload:
        with refusals(info) as refused:
            done = await _replayed(info, input)
            with refusals(info) as others:
                refuse_each(done)
            return ReplayDeadLettersPayload(
                replayed=done.replayed, remaining=done.remaining, user_errors=others
            )
        return ReplayDeadLettersPayload(replayed=0, remaining=0, user_errors=refused)

    @strawberry.mutation(
        description="For administrators: close a dead letter that will never be mended."
    )
    async def resolve_dead_letter(
        self, info: Info, input: ResolveDeadLetterInput
    ) -> ResolveDeadLetterPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "DeadLetter")
            await dead_letters.resolve(viewer, key, input.note, now)
            return ResolveDeadLetterPayload(dead_letter=_letter(key), user_errors=[])
        return ResolveDeadLetterPayload(dead_letter=None, user_errors=refused)


def _letter(key: UUID) -> Any:
    return Selected(ONE_LETTER, {"key": key})


async def _replayed(info: Info, input: ReplayDeadLettersInput) -> Replayed:
    """Raises:
    DomainError: neither letters nor a connector are given, or both.
    """
    viewer, now = info.context.viewer, info.context.now()
    if (input.ids is None) is (input.connector is None):
        detail = "give either ids or a connector"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="ids", detail=detail)
    if input.ids is not None:
        keys = [key_or_none(one, "DeadLetter") for one in input.ids]
        return await dead_letters.replay_these(viewer, keys, now)
    assert input.connector is not None
    key = key_of(input.connector, "Connector")
    return await dead_letters.replay_of(viewer, key, input.cause, now, most=input.most)


def refuse_each(done: Replayed) -> None:
    """Raises:
    Refusals: some of the chosen letters were not replayed, each by its place.
    """
    if done.refused:
        raise Refusals(
            [
                DomainError(one.code, field=f"ids.{place}", **one.words)
                for place, one in sorted(done.refused.items())
            ]
        )


def refuse_changed(source_ids: Sequence[str]) -> None:
    """Raises:
    DomainError: the same id came before with another content, which stays; this one is kept
        as a dead letter.
    """
    if source_ids:
        raise DomainError(
            ErrorCode.BAD_USER_INPUT, field="sourceId", detail="known with another content"
        )


def own_source(installation_id: UUID | None) -> UUID:
    """Raises:
    NotFound: the viewer is no connector's service account.
    """
    if installation_id is None:
        raise NotFound("Connector")
    return installation_id
