"""Use cases of administrators on a connector that is there: switch it, run it, mend it.

One function, one transaction, and one line of its history.
"""

from datetime import datetime
from uuid import UUID

from schema.access import Scope, can_administer
from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import history, inbox, problems
from schema.feeds.administering import Administered, administered
from schema.feeds.breaker import PROBE_EVERY
from schema.feeds.models import (
    BreakerState,
    ConnectorAct,
    ConnectorProblem,
    Installation,
    ProblemCode,
    Run,
)
from schema.feeds.rules import check_cursor
from schema.tables import transaction

HOLD = """
SELECT i.id FROM installation i JOIN connector_problem p ON p.installation_id = i.id
WHERE p.id = $1 FOR NO KEY UPDATE OF i
"""


async def set_enabled(
    scope: Scope, installation_id: UUID, *, enabled: bool, now: datetime
) -> Installation:
    """Let a connector be polled and listened to, or not.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers. So in
            every use case of this module.
    """
    async with administered(scope, installation_id, now) as of:
        if of.installation.enabled is not enabled:
            of.installation.enabled = enabled
            await of.save("enabled")
            await of.note(ConnectorAct.ENABLED if enabled else ConnectorAct.DISABLED)
        return of.installation


async def pause(scope: Scope, installation_id: UUID, now: datetime) -> Installation:
    """Neither poll a connector nor work its inbox off; webhooks and files are still kept."""
    async with administered(scope, installation_id, now) as of:
        if not of.installation.paused:
            of.installation.paused = True
            await of.save("paused")
            await of.note(ConnectorAct.PAUSED)
        return of.installation


async def resume(scope: Scope, installation_id: UUID, now: datetime) -> Installation:
    """Go on after a pause, or after the intake has halted; what waited is worked off."""
    async with administered(scope, installation_id, now) as of:
        row = of.installation
        row.paused, row.halted_at, row.halted_version = False, None, None
        await of.save("paused", "halted_at", "halted_version")
        await problems.resolve(of.connection, row.id, [ProblemCode.INTAKE_HALTED], now)
        await inbox.wake(of.connection, row.id)
        await inbox.wake_poller(of.connection, row.id)
        await of.note(ConnectorAct.RESUMED)
        return row


async def run_now(scope: Scope, installation_id: UUID, now: datetime) -> Installation:
    """Poll a connector at once, whenever it was due; an open breaker's next probe may come first
    30 seconds after the last.

    Raises:
        DomainError: it is disabled, paused or halted.
    """
    async with administered(scope, installation_id, now) as of:
        row = of.installation
        stopped = _stopped(row)
        if stopped is not None:
            raise DomainError(
                ErrorCode.BAD_USER_INPUT, field="id", detail=f"the connector {stopped}"
            )
        row.next_poll_at = await _soon(of)
        await of.save("next_poll_at")
        await inbox.wake_poller(of.connection, row.id)
        await of.note(ConnectorAct.RUN_REQUESTED)
        return row


def _stopped(row: Installation) -> str | None:
    """Why nothing would come of a poll; None where something may."""
    if not row.enabled:
        return "is disabled"
    if row.paused:
        return "is paused"
    return None if row.halted_at is None else "has halted: resume it"


async def reset_cursor(
    scope: Scope, installation_id: UUID, cursor: str | None, now: datetime
) -> Installation:
    """Read from the source's beginning again, or from a given cursor. Nothing comes twice.

    Raises:
        DomainError: the cursor cannot be kept.
    """
    check_cursor(cursor)
    async with administered(scope, installation_id, now) as of:
        row = of.installation
        row.cursor, row.next_poll_at = cursor, await _soon(of)
        await of.save("cursor", "next_poll_at")
        await problems.resolve(of.connection, row.id, [ProblemCode.CURSOR_INVALID], now)
        await inbox.wake_poller(of.connection, row.id)
        where = "to the beginning" if cursor is None else "to a given cursor"
        await of.note(ConnectorAct.CURSOR_RESET, where)
        return row


async def _soon(of: Administered) -> datetime:
    """Now, or when a service that is away may be probed again: however often somebody asks."""
    if of.installation.breaker is BreakerState.CLOSED:
        return of.now
    runs = Run.filter(installation_id=of.installation.id).using_db(of.connection)
    last = await runs.order_by("-started_at", "-id").first()
    return of.now if last is None else max(of.now, last.ended_at + PROBE_EVERY)


async def dismiss_problem(scope: Scope, problem_id: UUID, now: datetime) -> ConnectorProblem:
    """Say that a problem is known; it stays open until it is gone, and is shown as dismissed."""
    async with transaction() as connection:
        # The connector first, as whoever resumes it does: so neither waits for the other crosswise.
        await connection.execute_query_dict(HOLD, [problem_id])
        rows = ConnectorProblem.filter(id=problem_id).using_db(connection)
        problem = await rows.select_for_update().first()
        source = problem and await Installation.get(id=problem.installation_id)
        if problem is None or not source or not can_administer(scope, source.agency_id):
            raise NotFound("Problem")
        if problem.dismissed_at is None:
            problem.dismissed_at = now
            await problem.save(using_db=connection, update_fields=["dismissed_at"])
            act = ConnectorAct.PROBLEM_DISMISSED
            await history.note(connection, source.id, act, scope.subject, now, problem.code.value)
    return problem
