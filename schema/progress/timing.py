"""When a record may still be written: its evaluation period, its deadline, and what lateness means.

An entry behind its deadline is refused, marked, or needs a reason, as the agency's policy says
(docs/decisions/0009). A refused one is not lost: written alone it waits as a pending record; of a
sheet nothing is written, and a correction leaves the record as it was.
"""

from dataclasses import dataclass
from datetime import date, datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.checks import text_of
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Employee
from schema.plans.periods import Evaluated, check_open, evaluated
from schema.policies.models import LateEntries
from schema.policies.rules import Policy, entry_deadline
from schema.policies.service import policy_on
from schema.progress.memory import Memory
from schema.values import local_date

LONGEST_REASON = 2_000


class TooLate(DomainError):
    """Behind its deadline, where the policy refuses late entries."""

    def __init__(self, deadline: date) -> None:
        super().__init__(ErrorCode.TOO_LATE, field="startsAt", deadline=deadline)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What holds for an entry of a day. `reason` is why it is late, where that was asked."""

    policy: Policy
    of_day: Evaluated
    late: bool = False
    reason: str | None = None


async def admitted(
    connection: BaseDBAsyncClient,
    employee: Employee,
    day: date,
    now: datetime,
    reason: str | None = None,
    *,
    memory: Memory,
) -> Timing:
    """Whether a day's entry may be written now, and whether it is late.

    Raises:
        DomainError: the evaluation period is closed, or a late entry has no reason.
        TooLate: the policy refuses it.
    """
    agency = employee.agency_id
    of_day = await memory.recall(("day", day), lambda: evaluated(connection, agency, day))
    check_open(of_day)
    policy = await memory.recall(("policy", day), lambda: policy_on(connection, agency, day))
    deadline = entry_deadline(day, policy.entry_days, of_day.filling_until)
    if deadline is None or local_date(now, employee.timezone) <= deadline:
        return Timing(policy=policy, of_day=of_day)
    match policy.late_entries:
        case LateEntries.REFUSED:
            raise TooLate(deadline)
        case LateEntries.REASON if not (reason or "").strip():
            raise DomainError(ErrorCode.LATE_REASON_MISSING, field="lateReason", deadline=deadline)
    said = (
        text_of(
            reason, missing=ErrorCode.REASON_MISSING, field="lateReason", longest=LONGEST_REASON
        )
        if reason and reason.strip()
        else None
    )
    return Timing(policy=policy, of_day=of_day, late=True, reason=said)


async def check_day_open(connection: BaseDBAsyncClient, employee: Employee, day: date) -> None:
    """Raises:
    DomainError: the day's evaluation period is closed, so its records stand.
    """
    check_open(await evaluated(connection, employee.agency_id, day))
