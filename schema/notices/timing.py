"""Which rounds of notices are due now: a kind, of an agency's people in one time zone, on a day."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from schema.notices.models import NoticeKind
from schema.notices.rules import is_due
from schema.policies.rules import DEFAULT, Policy
from schema.tables import dicts_of

POLICY = """json_build_object('nudge_at', y.nudge_at::time, 'digest_at', y.digest_at::time,
  'quiet_from', y.quiet_from::time, 'quiet_until', y.quiet_until::time,
  'notices_per_day', y.notices_per_day)"""
"""What notices ask of a policy `y`; where there is none it is left out."""

# The zones are found by leaps along the index, not by reading all people.
DUE = f"""
WITH RECURSIVE zone AS (
  (SELECT e.agency_id, e.timezone FROM employee e ORDER BY e.agency_id, e.timezone LIMIT 1)
  UNION ALL
  SELECT n.agency_id, n.timezone FROM zone z CROSS JOIN LATERAL (
    SELECT e.agency_id, e.timezone FROM employee e
    WHERE (e.agency_id, e.timezone) > (z.agency_id, z.timezone)
    ORDER BY e.agency_id, e.timezone LIMIT 1) n
)
SELECT z.agency_id, z.timezone, d.day, CASE WHEN y.id IS NOT NULL THEN {POLICY} END AS policy,
  ARRAY(SELECT r.kind FROM notice_round r WHERE r.agency_id = z.agency_id
    AND r.timezone = z.timezone AND r.day = d.day AND r.finished_at IS NOT NULL) AS finished
FROM zone z CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE z.timezone)::date AS day) d
LEFT JOIN LATERAL policy_on(z.agency_id, d.day) y ON true
ORDER BY z.agency_id, z.timezone
"""  # noqa: S608  constant


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A kind that is due for an agency's people of one time zone, today where they are."""

    agency_id: UUID
    timezone: str
    day: date
    kind: NoticeKind
    policy: Policy


class Times(msgspec.Struct):
    """A policy as `POLICY` gives it."""

    nudge_at: time | None
    digest_at: time | None
    quiet_from: time
    quiet_until: time
    notices_per_day: int


def policy_of(text: str | None) -> Policy:
    """The policy that notices go by; the defaults of an agency that has said nothing."""
    if text is None:
        return DEFAULT
    said = msgspec.json.decode(text, type=Times)
    return replace(DEFAULT, **msgspec.structs.asdict(said))


async def due_rounds(now: datetime) -> list[Round]:
    """Rounds whose time has come and that are not finished; digests go before nudges."""
    rows = await dicts_of(DUE, [now])
    found = [
        Round(
            agency_id=UUID(str(row["agency_id"])),
            timezone=row["timezone"],
            day=row["day"],
            kind=kind,
            policy=policy_of(row["policy"]),
        )
        for kind in (NoticeKind.DIGEST, NoticeKind.NUDGE)
        for row in rows
        if str(kind) not in row["finished"]
    ]
    return [
        one for one in found if is_due(one.kind, one.policy, now.astimezone(ZoneInfo(one.timezone)))
    ]
