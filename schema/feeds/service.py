"""Use cases of feeds: take in what a source gives, note a run that failed.

One function, one transaction. What a use case of another subject needs inside its own
transaction is in `inbox`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from schema.errors import NotFound
from schema.feeds import inbox, problems
from schema.feeds.inbox import Accepted
from schema.feeds.models import Installation, ProblemCode, Run, RunState
from schema.feeds.rules import Received
from schema.tables import transaction

SUBMITTED = "submitted"
"""The plugin name of an installation without a plugin: a service account submits activities."""
LONGEST_PROBLEM = 2_000


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

    None, with nothing kept, when the installation was disabled or another worker moved the
    cursor since `cursor` was read.
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
        await (
            Installation.filter(id=installation_id)
            .using_db(connection)
            .update(cursor=next_cursor, next_poll_at=next_poll_at, failures=0)
        )
        code = ProblemCode.SECRETS_UNREADABLE
        await problems.resolve(connection, installation_id, [code], now)
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


async def note_unreadable(installation_id: UUID, detail: str, now: datetime) -> None:
    """Tell the administrator that an installation's secrets cannot be read."""
    async with transaction() as connection:
        code = ProblemCode.SECRETS_UNREADABLE
        await problems.note(connection, installation_id, code, detail, now)


async def note_failure(
    installation_id: UUID,
    *,
    state: RunState,
    problem: str,
    next_poll_at: datetime,
    started_at: datetime,
    now: datetime,
) -> None:
    """Note a failed run with its cause, and when the next one is due. The cursor stays."""
    words = problem[:LONGEST_PROBLEM].replace("\x00", "").encode(errors="replace").decode()
    async with transaction() as connection:
        installation = (
            await Installation.filter(id=installation_id)
            .using_db(connection)
            .select_for_update()
            .get()
        )
        installation.failures += 1
        installation.next_poll_at = next_poll_at
        await installation.save(using_db=connection, update_fields=["failures", "next_poll_at"])
        await Run.create(
            using_db=connection,
            installation_id=installation_id,
            started_at=started_at,
            ended_at=now,
            state=state,
            problem=words,
        )
