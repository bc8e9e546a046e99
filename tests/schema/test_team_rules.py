"""Rules of presence and of working time as tables of cases."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from schema.policies.rules import required_minutes
from schema.teams.models import PresenceStatus
from schema.teams.rules import DayFacts, presence

TUESDAY = date(2026, 11, 24)


def at(clock: str, zone: str = "Asia/Jakarta") -> datetime:
    """A time of Tuesday in a zone, as the instant that it is."""
    local = datetime.combine(TUESDAY, time.fromisoformat(clock), ZoneInfo(zone))
    return local.astimezone(UTC)


def facts(
    recorded: int,
    last: datetime | None = None,
    *,
    required: int = 450,
    zone: str = "Asia/Jakarta",
) -> DayFacts:
    return DayFacts(
        on=TUESDAY,
        timezone=zone,
        required_minutes=required,
        working_minutes=required,
        recorded_minutes=recorded,
        last_activity_at=last,
    )


WIT = "Asia/Jayapura"


@pytest.mark.parametrize(
    ("day", "now", "status"),
    [
        # all that the day asks for, at whatever time
        (facts(450), at("10:00"), PresenceStatus.COMPLETE),
        (facts(600), at("20:00"), PresenceStatus.COMPLETE),
        # a day that asks for nothing
        (facts(0, required=0), at("10:00"), PresenceStatus.DAY_OFF),
        (facts(30, required=0), at("10:00"), PresenceStatus.COMPLETE),
        # the day runs: work that ended within 60 minutes
        (facts(60, at("09:30")), at("10:00"), PresenceStatus.ACTIVE),
        (facts(60, at("09:00")), at("10:00"), PresenceStatus.ACTIVE),
        (facts(60, at("08:59")), at("10:00"), PresenceStatus.IDLE),
        # pending work shows that somebody is there, before any of it is confirmed
        (facts(0, at("09:30")), at("10:00"), PresenceStatus.ACTIVE),
        (facts(0), at("10:00"), PresenceStatus.NOT_FILLED),
        # 16.00 local time ends it
        (facts(60, at("15:30")), at("15:59"), PresenceStatus.ACTIVE),
        (facts(60, at("15:30")), at("16:00"), PresenceStatus.SHORT),
        (facts(0, at("15:30")), at("16:00"), PresenceStatus.NOT_FILLED),
        # 14.30 in Jakarta is 16.30 in Jayapura
        (facts(60, at("14:00")), at("14:30"), PresenceStatus.ACTIVE),
        (facts(60, at("14:00"), zone=WIT), at("14:30"), PresenceStatus.SHORT),
        # on a later day
        (facts(300), at("10:00") + timedelta(days=1), PresenceStatus.SHORT),
    ],
)
def test_where_a_day_stands(day: DayFacts, now: datetime, status: PresenceStatus) -> None:
    assert presence(day, now) is status


def test_a_working_week_has_37_and_a_half_hours() -> None:
    # Perpres 21/2023: 5 x 450 = 2,250 min = 37.5 h, nothing on Saturday and Sunday
    week = [required_minutes(date(2026, 11, 23) + timedelta(days=n)) for n in range(7)]

    assert week == [450] * 5 + [0, 0]
