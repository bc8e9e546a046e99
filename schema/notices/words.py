"""The words of notices, in Indonesian first, then in English: pure.

Fair: they say what is missing and what to do about it, never why. No content of a pending record
is in them; minutes are the recipient's own, or of people whose work the recipient sees.
"""

from collections.abc import Sequence
from datetime import date, datetime

from schema.notices.rules import Digest, Named, Nudge, TeamFacts, digest

DAYS = (
    ("Senin", "Monday"),
    ("Selasa", "Tuesday"),
    ("Rabu", "Wednesday"),
    ("Kamis", "Thursday"),
    ("Jumat", "Friday"),
    ("Sabtu", "Saturday"),
    ("Minggu", "Sunday"),
)
MONTHS = (
    ("Januari", "January"),
    ("Februari", "February"),
    ("Maret", "March"),
    ("April", "April"),
    ("Mei", "May"),
    ("Juni", "June"),
    ("Juli", "July"),
    ("Agustus", "August"),
    ("September", "September"),
    ("Oktober", "October"),
    ("November", "November"),
    ("Desember", "December"),
)
LONGEST_NAME = 100
"""Characters of a name in a notice (a house limit): a digest fits into what channels take."""
MOST_NAMED = 30
"""People named in one list of a digest; the others are counted."""
BETWEEN = "\n\n---\n\n"
"""Between both languages."""


def named(name: str) -> str:
    """A name as one line without control characters, so that it begins no line of its own and
    every channel takes it. Directories may bring others."""
    line = " ".join("".join(one if one.isprintable() else " " for one in name).split())
    return line if len(line) <= LONGEST_NAME else line[: LONGEST_NAME - 1] + "…"


def day_in(day: date, language: int) -> str:
    """Selasa, 24 November 2026 (0) or Tuesday, 24 November 2026 (1)."""
    return f"{DAYS[day.weekday()][language]}, {short_day(day, language)}"


def short_day(day: date, language: int) -> str:
    return f"{day.day} {MONTHS[day.month - 1][language]} {day.year}"


def nudge_subject(told: Nudge) -> str:
    """One line, of nothing that anybody typed."""
    return f"Catatan kerja {short_day(told.on, 0)} / Work log of {short_day(told.on, 1)}"


def nudge_body(told: Nudge) -> str:
    """What is missing of one's own day, and how to be left alone rightly."""
    return _nudge_id(told) + BETWEEN + _nudge_en(told)


def _nudge_id(told: Nudge) -> str:
    lines = []
    if told.unfilled:
        lines.append(
            f"Hari kerja {day_in(told.on, 0)}: tercatat {told.recorded_minutes} dari "
            f"{told.required_minutes} menit."
        )
    if told.waiting:
        lines.append(f"Catatan yang menunggu konfirmasi Anda: {told.waiting}.")
    lines.append(
        "Bila Anda cuti, sakit, atau dinas luar, laporkan ketidakhadiran itu. Bila semua sudah "
        "tercatat, tandai hari ini selesai."
    )
    return "\n".join(lines)


def _nudge_en(told: Nudge) -> str:
    lines = []
    if told.unfilled:
        lines.append(
            f"Working day {day_in(told.on, 1)}: {told.recorded_minutes} of "
            f"{told.required_minutes} minutes are recorded."
        )
    if told.waiting:
        lines.append(f"Records that wait for your confirmation: {told.waiting}.")
    lines.append(
        "If you are on leave, ill or on duty travel, report that absence. If all is written, mark "
        "the day as done."
    )
    return "\n".join(lines)


def digest_subject(told: Digest) -> str:
    """One line, of nothing that anybody typed."""
    return f"Ringkasan tim {short_day(told.on, 0)} / Team digest of {short_day(told.on, 1)}"


def digest_body(told: Digest) -> str:
    """Who has not filled in, who is short, what waits."""
    return _digest_id(told) + BETWEEN + _digest_en(told)


def subject_of_team(facts: TeamFacts, now: datetime) -> str | None:
    """The subject of what a team's digest would say now; None: nothing."""
    told = digest(facts, now)
    return None if told is None else digest_subject(told)


def body_of_team(facts: TeamFacts, now: datetime) -> str | None:
    """The body of the same."""
    told = digest(facts, now)
    return None if told is None else digest_body(told)


def _digest_id(told: Digest) -> str:
    lines = [f"Hari kerja terakhir tim: {day_in(told.on, 0)}."]
    if told.not_filled:
        lines.append(f"Belum mengisi: {_named(told.not_filled, 'menit', 'lainnya')}.")
    if told.short:
        week = f"{short_day(told.week_from, 0)} s.d. {short_day(told.week_until, 0)}"
        lines.append(f"Kurang menit kerja, {week}: {_named(told.short, 'menit', 'lainnya')}.")
    if told.absences:
        lines.append(f"Ketidakhadiran yang menunggu keputusan Anda: {told.absences}.")
    if told.records:
        lines.append(f"Catatan yang menunggu konfirmasi pegawainya sendiri: {told.records}.")
    lines.append(
        "Cuti, sakit, dinas luar dan hari libur sudah diperhitungkan. Belum terisi tidak berarti "
        "tidak bekerja."
    )
    return "\n".join(lines)


def _digest_en(told: Digest) -> str:
    lines = [f"The team's last working day: {day_in(told.on, 1)}."]
    if told.not_filled:
        lines.append(f"Not filled in: {_named(told.not_filled, 'minutes', 'others')}.")
    if told.short:
        week = f"{short_day(told.week_from, 1)} to {short_day(told.week_until, 1)}"
        lines.append(f"Short of minutes, {week}: {_named(told.short, 'minutes', 'others')}.")
    if told.absences:
        lines.append(f"Absences that wait for your decision: {told.absences}.")
    if told.records:
        lines.append(f"Records that wait for their own people's confirmation: {told.records}.")
    lines.append(
        "Leave, illness, duty travel and holidays are taken off already. Not filled in does not "
        "mean not working."
    )
    return "\n".join(lines)


def _named(people: Sequence[Named], minutes: str, others: str) -> str:
    """Ani; Budi (150 menit); +3 lainnya."""
    shown = [
        (named(one.name) or one.nip)
        + (f" ({one.short_minutes} {minutes})" if one.short_minutes else "")
        for one in people[:MOST_NAMED]
    ]
    left = len(people) - len(shown)
    return "; ".join([*shown, f"+{left} {others}"] if left else shown)
