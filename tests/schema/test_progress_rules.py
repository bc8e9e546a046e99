"""Rules of progress records as tables of cases."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from schema.errors import DomainError, ErrorCode
from schema.progress.models import RecordState
from schema.progress.rules import (
    DayStatus,
    Proof,
    check_category,
    check_proof,
    check_state,
    day_status,
    span_of,
    text_of,
)
from schema.targets.rules import check_quantity

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
WIB = timezone(timedelta(hours=7))


# Start and length; the day is that of the start where the employee works.
@pytest.mark.parametrize(
    ("starts_at", "length", "zone", "minutes", "day"),
    [
        # an ordinary hour: 07.30 to 08.30 WIB
        (datetime(2026, 11, 24, 0, 30, tzinfo=UTC), timedelta(hours=1), "Asia/Jakarta", 60, 24),
        # 23.30 to 01.00 WIB stays on the day of its start
        (datetime(2026, 11, 23, 16, 30, tzinfo=UTC), timedelta(minutes=90), "Asia/Jakarta", 90, 23),
        # the same instant is 00.30 in Makassar and 01.30 in Jayapura
        (datetime(2026, 11, 23, 16, 30, tzinfo=UTC), timedelta(0), "Asia/Makassar", 0, 24),
        (datetime(2026, 11, 23, 16, 30, tzinfo=UTC), timedelta(0), "Asia/Jayapura", 0, 24),
        # whole minutes: 59 s give none, 119 s give one
        (datetime(2026, 11, 24, 1, tzinfo=UTC), timedelta(seconds=59), "Asia/Jakarta", 0, 24),
        (datetime(2026, 11, 24, 1, tzinfo=UTC), timedelta(seconds=119), "Asia/Jakarta", 1, 24),
        # just 24 hours
        (datetime(2026, 11, 23, 1, tzinfo=UTC), timedelta(hours=24), "Asia/Jakarta", 1440, 23),
        # said with an offset: 07.30+07.00 is 00.30 UTC
        (datetime(2026, 11, 24, 7, 30, tzinfo=WIB), timedelta(hours=1), "Asia/Jakarta", 60, 24),
        # until five minutes ahead of our clock
        (NOW, timedelta(minutes=5), "Asia/Jakarta", 5, 24),
    ],
)
def test_a_possible_span(
    starts_at: datetime, length: timedelta, zone: str, minutes: int, day: int
) -> None:
    span = span_of(starts_at, starts_at + length, zone, NOW)

    assert (span.minutes, span.day) == (minutes, date(2026, 11, day))
    assert (span.starts_at, span.ends_at) == (starts_at, starts_at + length)


@pytest.mark.parametrize(
    ("starts_at", "length", "code"),
    [
        (NOW, timedelta(microseconds=-1), ErrorCode.ENDS_BEFORE_START),
        (NOW - timedelta(days=2), timedelta(hours=24, microseconds=1), ErrorCode.TOO_LONG),
        (NOW, timedelta(minutes=5, microseconds=1), ErrorCode.IN_THE_FUTURE),
        (datetime(1999, 12, 31, 23, tzinfo=UTC), timedelta(0), ErrorCode.BAD_USER_INPUT),
        (datetime(1, 1, 1, tzinfo=WIB), timedelta(0), ErrorCode.BAD_USER_INPUT),
    ],
)
def test_an_impossible_span(starts_at: datetime, length: timedelta, code: ErrorCode) -> None:
    with pytest.raises(DomainError) as refused:
        span_of(starts_at, starts_at + length, "Asia/Jakarta", NOW)

    assert refused.value.code is code


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Rapat", "Rapat"),
        ("  Rapat\n", "Rapat"),
        ("a" * 2000, "a" * 2000),
        (" " + "a" * 2000 + " ", "a" * 2000),
        ("a" * 2001, ErrorCode.TEXT_TOO_LONG),
        ("", ErrorCode.REASON_MISSING),
        (" \t\n", ErrorCode.REASON_MISSING),
        (None, ErrorCode.REASON_MISSING),
    ],
)
def test_a_text_says_something_and_fits(text: str | None, result: str | ErrorCode) -> None:
    if not isinstance(result, ErrorCode):
        assert text_of(text, missing=ErrorCode.REASON_MISSING, field="reason") == result
        return
    with pytest.raises(DomainError) as refused:
        text_of(text, missing=ErrorCode.REASON_MISSING, field="reason")
    assert (refused.value.code, refused.value.field) == (result, "reason")


def test_a_category_has_at_most_120_characters() -> None:
    check_category(None)
    check_category("a" * 120)

    with pytest.raises(DomainError) as refused:
        check_category("a" * 121)
    assert (refused.value.code, refused.value.field) == (ErrorCode.TEXT_TOO_LONG, "category")


LONG = "https://a.example/"


@pytest.mark.parametrize(
    ("title", "url", "valid"),
    [
        ("Foto", "https://arsip.example/1", True),
        ("Foto", "http://arsip.example:8080/1?a=b#c", True),
        ("Foto", LONG + "a" * (2000 - len(LONG)), True),
        ("Foto", LONG + "a" * (2001 - len(LONG)), False),
        (" ", "https://arsip.example/1", False),
        ("a" * 2001, "https://arsip.example/1", False),
        ("Foto", "", False),
        ("Foto", "arsip.example/1", False),
        ("Foto", "ftp://arsip.example/1", False),
        ("Foto", "javascript:alert(1)", False),
        ("Foto", "https://", False),
        ("Foto", "https:///1", False),
        ("Foto", "https://[1/", False),
    ],
)
def test_evidence_has_a_title_and_a_link(title: str, url: str, valid: bool) -> None:
    proof = [Proof("Baik", "https://arsip.example/0"), Proof(title, url)]
    if valid:
        check_proof(proof)
        return
    with pytest.raises(DomainError) as refused:
        check_proof(proof)
    assert refused.value.code is ErrorCode.EVIDENCE_INVALID


@pytest.mark.parametrize(
    ("quantity", "valid"),
    [
        ("0", True),
        ("0.000001", True),
        ("1.500000000", True),
        ("1E+3", True),
        ("1000000000000000", True),
        ("1000000000000000.000001", False),
        ("0.0000001", False),
        ("-0.000001", False),
        ("NaN", False),
        ("Infinity", False),
    ],
)
def test_a_quantity_is_a_number_from_0_to_10_to_the_15th(quantity: str, valid: bool) -> None:
    if valid:
        check_quantity(Decimal(quantity))
        return
    with pytest.raises(DomainError) as refused:
        check_quantity(Decimal(quantity))
    assert refused.value.code is ErrorCode.QUANTITY_INVALID


def test_a_step_names_the_state_and_those_it_needs() -> None:
    check_state(RecordState.PENDING, (RecordState.PENDING,))

    with pytest.raises(DomainError) as refused:
        check_state(RecordState.DISMISSED, (RecordState.CONFIRMED, RecordState.RETURNED))

    assert refused.value.code is ErrorCode.WRONG_STATE
    assert str(refused.value) == "The record is DISMISSED; this needs CONFIRMED / RETURNED."


@pytest.mark.parametrize(
    ("required", "recorded", "status"),
    [
        (450, 0, DayStatus.NOT_FILLED),
        (450, 1, DayStatus.SHORT),
        (450, 449, DayStatus.SHORT),
        (450, 450, DayStatus.COMPLETE),
        (450, 600, DayStatus.COMPLETE),
        (0, 0, DayStatus.DAY_OFF),
        # work on a Sunday
        (0, 30, DayStatus.COMPLETE),
    ],
)
def test_a_day_stands_against_what_it_asks_for(
    required: int, recorded: int, status: DayStatus
) -> None:
    assert day_status(required, recorded) is status
