"""The working calendar of a played year: real holidays, Ramadan, and what each day asks for.

Worked out here from the week that the script sets, so that the system's own answer is compared
with it and not with itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schema.policies.models import HolidayKind
from schema.policies.rules import BREAKS, RAMADAN_BREAKS, RAMADAN_WEEK, WORKING_WEEK
from schema.policies.service import HolidayEntry, WeekEntry

PUBLIC, JOINT = HolidayKind.PUBLIC_HOLIDAY, HolidayKind.JOINT_LEAVE
BEGINS_AT = time(7, 30)
"""In Ramadan too: when the day begins is left to the agency (Perpres 21/2023)."""

# A handful of each year's, as the joint ministerial decrees (SKB tiga menteri) have them.
HOLIDAYS: Mapping[int, Mapping[date, tuple[str, HolidayKind]]] = {
    2016: {
        date(2016, 1, 1): ("Tahun Baru 2016 Masehi", PUBLIC),
        date(2016, 2, 8): ("Tahun Baru Imlek 2567 Kongzili", PUBLIC),
        date(2016, 3, 9): ("Hari Suci Nyepi Tahun Baru Saka 1938", PUBLIC),
        date(2016, 3, 25): ("Wafat Isa Almasih", PUBLIC),
        date(2016, 5, 5): ("Kenaikan Isa Almasih", PUBLIC),
        date(2016, 5, 6): ("Isra Mikraj Nabi Muhammad", PUBLIC),
        date(2016, 7, 4): ("Cuti bersama Idul Fitri 1437 Hijriah", JOINT),
        date(2016, 7, 5): ("Cuti bersama Idul Fitri 1437 Hijriah", JOINT),
        date(2016, 7, 6): ("Idul Fitri 1437 Hijriah", PUBLIC),
        date(2016, 7, 7): ("Idul Fitri 1437 Hijriah", PUBLIC),
        date(2016, 7, 8): ("Cuti bersama Idul Fitri 1437 Hijriah", JOINT),
        date(2016, 8, 17): ("Hari Kemerdekaan Republik Indonesia", PUBLIC),
        date(2016, 9, 12): ("Idul Adha 1437 Hijriah", PUBLIC),
        date(2016, 12, 12): ("Maulid Nabi Muhammad", PUBLIC),
        date(2016, 12, 26): ("Cuti bersama Natal", JOINT),
    },
    2026: {
        date(2026, 1, 1): ("Tahun Baru 2026 Masehi", PUBLIC),
        date(2026, 1, 16): ("Isra Mikraj Nabi Muhammad", PUBLIC),
        date(2026, 2, 17): ("Tahun Baru Imlek 2577 Kongzili", PUBLIC),
        date(2026, 3, 19): ("Hari Suci Nyepi Tahun Baru Saka 1948", PUBLIC),
        date(2026, 3, 20): ("Cuti bersama Idul Fitri 1447 Hijriah", JOINT),
        date(2026, 3, 23): ("Cuti bersama Idul Fitri 1447 Hijriah", JOINT),
        date(2026, 3, 24): ("Cuti bersama Idul Fitri 1447 Hijriah", JOINT),
        date(2026, 4, 3): ("Wafat Yesus Kristus", PUBLIC),
        date(2026, 5, 1): ("Hari Buruh Internasional", PUBLIC),
        date(2026, 5, 14): ("Kenaikan Yesus Kristus", PUBLIC),
        date(2026, 5, 27): ("Idul Adha 1447 Hijriah", PUBLIC),
        date(2026, 6, 1): ("Hari Lahir Pancasila", PUBLIC),
        date(2026, 6, 16): ("Tahun Baru Islam 1448 Hijriah", PUBLIC),
        date(2026, 8, 17): ("Proklamasi Kemerdekaan", PUBLIC),
        date(2026, 8, 25): ("Maulid Nabi Muhammad", PUBLIC),
        date(2026, 12, 24): ("Cuti bersama Natal", JOINT),
        date(2026, 12, 25): ("Kelahiran Yesus Kristus", PUBLIC),
    },
}
RAMADAN: Mapping[int, tuple[date, date]] = {
    2016: (date(2016, 6, 6), date(2016, 7, 5)),
    2026: (date(2026, 2, 18), date(2026, 3, 19)),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A stretch of a working day, in local time."""

    day: date
    starts_at: datetime
    ends_at: datetime

    @property
    def minutes(self) -> int:
        return int((self.ends_at - self.starts_at) // timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Calendar:
    """A year of an agency in its time zone."""

    year: int
    timezone: str

    def at(self, day: date, hour: int, minute: int = 0) -> datetime:
        """An instant of a day by the agency's clocks."""
        local = datetime.combine(day, time(hour, minute), ZoneInfo(self.timezone))
        return local.astimezone(UTC)

    def first(self, month: int) -> date:
        return date(self.year, month, 1)

    def last(self, month: int) -> date:
        """The last day of a month."""
        after = date(self.year + month // 12, month % 12 + 1, 1)
        return after - timedelta(days=1)

    def required(self, day: date) -> int:
        """Minutes that a day asks for: a Tuesday 450, in Ramadan 390, a holiday 0."""
        if day in HOLIDAYS.get(self.year, {}):
            return 0
        begins, ends = RAMADAN.get(self.year, (date.max, date.min))
        week = RAMADAN_WEEK if begins <= day <= ends else WORKING_WEEK
        return week[day.weekday()]

    def working_days(self, month: int) -> list[date]:
        first, last = self.first(month), self.last(month)
        days = [date.fromordinal(n) for n in range(first.toordinal(), last.toordinal() + 1)]
        return [day for day in days if self.required(day)]

    def slots(self, month: int, number: int) -> list[Slot]:
        """How somebody spends a month: the minutes of each day in one stretch, or in two around
        the break on every third day; `number` shifts which."""
        slots: list[Slot] = []
        for place, day in enumerate(self.working_days(month)):
            starts_at = self.at(day, BEGINS_AT.hour, BEGINS_AT.minute)
            minutes = self.required(day)
            if (place + number) % 3:
                slots.append(Slot(day, starts_at, starts_at + timedelta(minutes=minutes)))
                continue
            noon = starts_at + timedelta(minutes=240)
            back = noon + timedelta(minutes=60)
            slots.append(Slot(day, starts_at, noon))
            slots.append(Slot(day, back, back + timedelta(minutes=minutes - 240)))
        return slots

    def holidays(self) -> list[HolidayEntry]:
        return [
            HolidayEntry(day=day, name=name, kind=kind)
            for day, (name, kind) in HOLIDAYS.get(self.year, {}).items()
        ]

    def weeks(self) -> list[WeekEntry]:
        """The week of the year, and that of Ramadan."""
        usual = WeekEntry(
            name="Lima hari kerja",
            starts_on=date(self.year, 1, 1),
            minutes=WORKING_WEEK,
            breaks=BREAKS,
            begins_at=BEGINS_AT,
        )
        if self.year not in RAMADAN:
            return [usual]
        begins, ends = RAMADAN[self.year]
        return [
            usual,
            WeekEntry(
                name="Ramadan",
                starts_on=begins,
                ends_on=ends,
                minutes=RAMADAN_WEEK,
                breaks=RAMADAN_BREAKS,
                begins_at=BEGINS_AT,
            ),
        ]
