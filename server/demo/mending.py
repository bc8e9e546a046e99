"""What a month needs behind its end: late entries, corrections, records that come back, records
that do not count; then it is closed, and one month is opened again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from schema.errors import ErrorCode
from schema.plans.periods import close_period, reopen_period
from schema.plans.service import give_feedback
from schema.progress.service import (
    correct_progress,
    dismiss_progress,
    log_progress,
    return_progress,
)
from server.demo.cast import Person, Play
from server.demo.planning import refused
from server.demo.working import Written, entry_of, keep, pick

DAY = timedelta(days=1)
LATE_REASON = "Dinas luar tanpa jaringan sampai akhir pengisian"


async def mend(play: Play, month: int, written: Sequence[Sequence[Written]]) -> None:
    """Corrections while the month is still filled, then what comes late."""
    until = play.calendar.at(play.filling_until[month], 10)
    for of_person in written:
        one = pick(of_person)
        if one is None:
            continue
        match (one.person.number + month) % 6:
            case 0:
                await _log_late(play, one, until + 2 * DAY)
            case 1:
                await correct(play, one, "Salah hitung", until - 3 * DAY)
            case 2 if one.person.superior is not None:
                await _come_back(play, one, until - 3 * DAY)
            case 3 if month % 2:
                await _dismiss(play, one, until - 2 * DAY)


async def _log_late(play: Play, one: Written, now: datetime) -> None:
    """Behind the end of filling, with the reason that the policy asks for."""
    assert one.record is None
    entry = replace(one.entry, late_reason=LATE_REASON)
    await refused(ErrorCode.LATE_REASON_MISSING, log_progress(one.person.scope, one.entry, now))
    record = await log_progress(one.person.scope, entry, now)
    keep(play, one, record.id)
    play.ledger.counts["late"] += 1


async def correct(
    play: Play, one: Written, reason: str, now: datetime, late_reason: str | None = None
) -> None:
    """Replace a record by one with one unit more."""
    assert one.record is not None
    assert one.task.amount is not None
    amount = one.task.amount + 1
    one.task = replace(one.task, amount=amount)
    entry = replace(entry_of(one.slot, one.task), late_reason=late_reason)
    record = await correct_progress(one.person.scope, one.record, entry, reason, now)
    play.ledger.replace(one.record, record.id, amount)
    play.ledger.counts["late"] += late_reason is not None
    one.record = record.id


async def _come_back(play: Play, one: Written, now: datetime) -> None:
    """The superior returns a record, and its employee corrects it."""
    assert one.record is not None
    above = play.superior_scope(one.person)
    await return_progress(above, one.record, "Jumlah belum sesuai bukti", now)
    play.ledger.counts["returned"] += 1
    await correct(play, one, "Sesuai bukti dukung", now + DAY)


async def _dismiss(play: Play, one: Written, now: datetime) -> None:
    assert one.record is not None
    await dismiss_progress(one.person.scope, one.record, "Tercatat dua kali", now)
    play.ledger.dismiss(one.record)
    one.record = None


async def talk(play: Play, person: Person, month: int) -> None:
    """Feedback from both sides on a result, once a quarter for a third of the people."""
    if person.superior is None or month % 3 != person.number % 3:
        return
    work = next((one for one in person.own if month in one.months), None)
    if work is None or work.plan is None:
        return
    now = play.calendar.at(play.calendar.last(month), 15)
    above = play.superior_scope(person)
    said = "Hasil baik, pertahankan ketepatan waktu"
    await give_feedback(above, work.plan, said, now, target_id=work.id)
    answer = "Terima kasih, data pendukung masih kami lengkapi"
    await give_feedback(person.scope, work.plan, answer, now + timedelta(hours=1))
    play.ledger.counts["feedback"] += 2


async def close(play: Play, month: int, written: Sequence[Sequence[Written]]) -> None:
    """Close the month; one is opened again for a correction, with a reason."""
    now = play.calendar.at(play.filling_until[month] + 5 * DAY, 16)
    key = play.evaluations[month]
    await close_period(play.administrator, key, now)
    standing = (one for of_person in written for one in of_person if one.record is not None)
    one = pick(list(standing))
    if one is None or one.record is None:
        return
    late = correct_progress(one.person.scope, one.record, one.entry, "Terlambat", now)
    await refused(ErrorCode.PERIOD_CLOSED, late)
    if month == min(play.script.reopened, play.script.months):
        reason = "Koreksi hasil pemeriksaan inspektorat"
        await reopen_period(play.administrator, key, reason, now + DAY)
        await correct(play, one, "Temuan inspektorat", now + DAY, LATE_REASON)
        await close_period(play.administrator, key, now + 2 * DAY)
        play.ledger.counts["reopened"] += 1
