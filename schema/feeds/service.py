"""Use cases of feeds: take in what a source gives, note a run that failed.

One function, one transaction. What a use case of another subject needs inside its own
transaction is in `inbox`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from schema.errors import NotFound
from schema.feeds import inbox, problems
from schema.feeds.breaker import Breaker, after_failure, after_success, pause_after_failure
from schema.feeds.inbox import Accepted
from schema.feeds.models import BreakerState, InboxItem, Installation, ProblemCode, Run, RunState
from schema.feeds.rules import Received
from schema.tables import transaction
from schema.values import storable_text

SUBMITTED = "submitted"
"""The plugin name of an installation without a plugin: a service account submits activities."""
LONGEST_PROBLEM = 2_000
ANSWERED = frozenset(
    {
        ProblemCode.SERVICE_UNREACHABLE,
        ProblemCode.SERVICE_ANSWERS_WRONGLY,
        ProblemCode.CREDENTIALS_REFUSED,
        ProblemCode.CURSOR_INVALID,
        ProblemCode.SETTINGS_INVALID,
        ProblemCode.PLUGIN_MISSING,
        ProblemCode.SECRETS_UNREADABLE,
    }
)
"""What is gone once a page was fetched."""


async def accept(installation_id: UUID, received: Sequence[Received], now: datetime) -> Accepted:
    """Take in what a source pushed; committed when this returns.

    Raises:
        NotFound: no such installation, or it is disabled.
        DomainError: a source_id cannot be kept.
    """
    async with transaction() as connection:
        found = await Installation.filter(id=installation_id, enabled=True).using_db(connection)
        if not found:
            raise NotFound("Connector")
        return await inbox.accept(connection, installation_id, received, now)


async def has_waiting(installation_id: UUID, many: int) -> bool:
    """Whether so many items of the installation or more wait to be worked off."""
    waiting = InboxItem.filter(installation_id=installation_id, processed_at__isnull=True)
    return bool(await waiting.offset(many - 1).limit(1).values_list("id", flat=True))


async def take_page(
    installation_id: UUID,
    *,
    cursor: str | None,
    received: Sequence[Received],
    next_cursor: str | None,
    next_poll_at: datetime,
    started_at: datetime,
    now: datetime,
) -> Accepted | None:
    """Keep a polled page, move the cursor and note the run, all or nothing.

    What the success proves to be gone is resolved, and the breaker closes by a step. None, with
    nothing kept, when the installation was disabled or another worker moved the cursor since
    `cursor` was read.
    """
    async with transaction() as connection:
        installation = (
            await Installation.filter(id=installation_id, enabled=True)
            .using_db(connection)
            .select_for_update()
            .first()
        )
        if installation is None or installation.cursor != cursor:
            return None
        accepted = await inbox.accept(connection, installation_id, received, now)
        breaker = after_success(_breaker_of(installation))
        await (
            Installation.filter(id=installation_id)
            .using_db(connection)
            .update(
                cursor=next_cursor, next_poll_at=next_poll_at, failures=0, breaker=breaker.state
            )
        )
        gone = set(ANSWERED)
        if breaker.state is BreakerState.CLOSED:
            gone.add(ProblemCode.BREAKER_OPEN)
        if installation.failures:  # by a poll; what breaks in translating is not taken back here
            gone.add(ProblemCode.PLUGIN_BROKEN)
        await problems.resolve(connection, installation_id, gone, now)
        await Run.create(
            using_db=connection,
            installation_id=installation_id,
            started_at=started_at,
            ended_at=now,
            state=RunState.SUCCEEDED,
            received=accepted.received,
            accepted=accepted.accepted,
        )
    return accepted


async def note_problem(
    installation_id: UUID, code: ProblemCode, detail: str, now: datetime
) -> None:
    """Something went wrong outside of a run: in translating, in a delivery, in a dry run."""
    async with transaction() as connection:
        await problems.note(connection, installation_id, code, detail, now)


async def note_working_channel(installation_id: UUID, now: datetime) -> None:
    """Its service took notices: what that proves to be gone is resolved."""
    async with transaction() as connection:
        gone = ANSWERED - {ProblemCode.CURSOR_INVALID} | {ProblemCode.PLUGIN_BROKEN}
        await problems.resolve(connection, installation_id, gone, now)


async def note_failure(
    installation_id: UUID,
    *,
    state: RunState,
    problem: str,
    code: ProblemCode,
    pause: timedelta,
    asked: timedelta | None,
    started_at: datetime,
    now: datetime,
) -> Breaker:
    """Note a failed run with its cause, and when the next one is due. The cursor stays.

    RETRYING counts for the breaker, and is a problem for the administrator once that is open;
    FAILED is one at once. `pause` is ours, `asked` what the service said.
    """
    words = storable_text(problem, LONGEST_PROBLEM)
    async with transaction() as connection:
        installation = (
            await Installation.filter(id=installation_id)
            .using_db(connection)
            .select_for_update()
            .get()
        )
        breaker = _breaker_of(installation)
        if state is RunState.RETRYING:
            breaker = after_failure(breaker, now)
            if breaker.state is BreakerState.OPEN:
                detail = f"{breaker.failures} failures in a row, the last: {words}"
                await problems.note(
                    connection, installation_id, ProblemCode.BREAKER_OPEN, detail, now
                )
        installation.failures += 1
        installation.breaker, installation.opened_at = breaker.state, breaker.opened_at
        installation.next_poll_at = now + pause_after_failure(breaker, pause, asked)
        changed = ["failures", "breaker", "opened_at", "next_poll_at"]
        await installation.save(using_db=connection, update_fields=changed)
        # A killed process was noted by who killed it.
        open_or_final = state is RunState.FAILED or breaker.state is BreakerState.OPEN
        if open_or_final and code is not ProblemCode.PLUGIN_KILLED:
            await problems.note(connection, installation_id, code, words, now)
        await Run.create(
            using_db=connection,
            installation_id=installation_id,
            started_at=started_at,
            ended_at=now,
            state=state,
            problem=words,
        )
    return breaker


async def note_answered(installation_id: UUID, now: datetime) -> None:
    """The service answered outside of a run: what that proves to be gone is resolved, and the
    breaker closes by a step."""
    async with transaction() as connection:
        installation = (
            await Installation.filter(id=installation_id)
            .using_db(connection)
            .select_for_update()
            .get()
        )
        breaker = after_success(_breaker_of(installation))
        await (
            Installation.filter(id=installation_id)
            .using_db(connection)
            .update(failures=0, breaker=breaker.state)
        )
        gone = set(ANSWERED)
        if breaker.state is BreakerState.CLOSED:
            gone.add(ProblemCode.BREAKER_OPEN)
        await problems.resolve(connection, installation_id, gone, now)


def _breaker_of(installation: Installation) -> Breaker:
    return Breaker(
        state=installation.breaker,
        failures=installation.failures,
        opened_at=installation.opened_at,
    )
