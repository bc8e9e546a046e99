"""When a notice is due, who is told what, and who is left alone: values only."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from ekinerja_connectors import Notice, Recipient

from schema.errors import DomainError, ErrorCode
from schema.notices.models import NoticeKind
from schema.notices.rules import (
    LATEST,
    LONGEST_PAUSE,
    MemberFacts,
    Nudge,
    TeamFacts,
    address_of,
    after_quiet,
    digest,
    is_due,
    leads_today,
    nudge,
    pause_after,
)
from schema.notices.words import (
    MOST_NAMED,
    digest_body,
    digest_subject,
    named,
    nudge_body,
    nudge_subject,
)
from schema.organizations.models import AbsenceKind, AbsenceState
from schema.policies.rules import DEFAULT
from schema.teams.rules import Away, DayFacts

DAY = date(2026, 11, 24)
JAKARTA = ZoneInfo("Asia/Jakarta")
AFTERNOON = datetime(2026, 11, 24, 15, tzinfo=JAKARTA)
NEXT_MORNING = datetime(2026, 11, 25, 8, tzinfo=JAKARTA)


def at(clock: str, zone: str = "Asia/Jakarta") -> datetime:
    return datetime.fromisoformat(f"2026-11-24T{clock}").replace(tzinfo=ZoneInfo(zone))


def facts(**given: Any) -> DayFacts:
    known: dict[str, Any] = {"on": DAY, "timezone": "Asia/Jakarta"}
    return DayFacts(**known | {"required_minutes": 450, "recorded_minutes": 0} | given)


def member(name: str, week: tuple[int, int] = (450, 450), **given: Any) -> MemberFacts:
    return MemberFacts(
        name=name,
        nip="199001012015031001",
        day=facts(**given),
        required_minutes=week[0],
        recorded_minutes=week[1],
    )


def team(*members: MemberFacts, absences: int = 0, records: int = 0) -> TeamFacts:
    return TeamFacts(
        on=DAY,
        week_from=date(2026, 11, 23),
        week_until=DAY,
        absences=absences,
        records=records,
        members=members,
    )


@pytest.mark.parametrize(
    ("clock", "due"),
    [("14:59:59", False), ("15:00", True), ("16:59:59", True), ("17:00", False), ("21:00", False)],
)
def test_a_nudge_is_due_for_two_hours_and_not_at_night(clock: str, due: bool) -> None:
    assert is_due(NoticeKind.NUDGE, DEFAULT, at(clock)) is due


def test_what_is_never_sent_is_never_due() -> None:
    off = replace(DEFAULT, nudge_at=None)
    none = replace(DEFAULT, notices_per_day=0)

    assert not is_due(NoticeKind.NUDGE, off, at("15:00"))
    assert is_due(NoticeKind.DIGEST, off, at("08:00"))
    assert not is_due(NoticeKind.DIGEST, none, at("08:00"))


def test_a_time_before_midnight_is_not_carried_into_the_next_day() -> None:
    late = replace(DEFAULT, nudge_at=time(23, 30))

    assert is_due(NoticeKind.NUDGE, late, at("23:59"))
    assert not is_due(NoticeKind.NUDGE, late, at("00:15"))
    assert timedelta(minutes=45) < LATEST


@pytest.mark.parametrize(
    ("begin", "end", "clock", "free"),
    [
        # From 18:00 to 06:30, over midnight.
        ("18:00", "06:30", "17:59", "24T17:59"),
        ("18:00", "06:30", "18:00", "25T06:30"),
        ("18:00", "06:30", "23:59", "25T06:30"),
        ("18:00", "06:30", "00:00", "24T06:30"),
        ("18:00", "06:30", "06:29", "24T06:30"),
        ("18:00", "06:30", "06:30", "24T06:30"),
        # Within one day.
        ("12:00", "13:00", "12:30", "24T13:00"),
        ("12:00", "13:00", "13:00", "24T13:00"),
        ("12:00", "13:00", "23:00", "24T23:00"),
        # Until midnight, and none at all.
        ("18:00", "00:00", "19:00", "25T00:00"),
        ("18:00", "00:00", "00:00", "24T00:00"),
        ("08:00", "08:00", "08:00", "24T08:00"),
    ],
)
@pytest.mark.parametrize("zone", ["Asia/Jakarta", "Asia/Jayapura"])
def test_quiet_hours_move_to_their_end(
    begin: str, end: str, clock: str, free: str, zone: str
) -> None:
    policy = replace(
        DEFAULT, quiet_from=time.fromisoformat(begin), quiet_until=time.fromisoformat(end)
    )
    expected = datetime.fromisoformat(f"2026-11-{free}").replace(tzinfo=ZoneInfo(zone))

    assert after_quiet(policy, at(clock, zone).astimezone(UTC), zone) == expected


AWAY = [
    {"away": (Away(kind=kind, state=state),)}
    for kind in (AbsenceKind.LEAVE, AbsenceKind.SICKNESS, AbsenceKind.DUTY_TRAVEL)
    for state in (AbsenceState.REPORTED, AbsenceState.ACCEPTED)
]
AT_THE_TIME = Away(kind=AbsenceKind.LEAVE, from_time=time(13), until_time=time(16))


@pytest.mark.parametrize(
    "given",
    [
        *AWAY,
        {"away": (AT_THE_TIME,), "required_minutes": 300},
        {"working_minutes": 0, "required_minutes": 0},
        {"working_minutes": 0, "required_minutes": 0, "holiday": True},
        {"working_minutes": 0, "required_minutes": 0, "recorded_minutes": 60},
        {"recorded_minutes": 450},
        {"done_at": AFTERNOON},
    ],
)
def test_whom_nothing_is_asked_of_is_left_alone_even_if_records_wait(given: Any) -> None:
    assert nudge(facts(**given), 5, AFTERNOON) is None


@pytest.mark.parametrize(
    ("given", "waiting", "unfilled"),
    [
        ({}, 0, True),
        ({"away": (Away(kind=AbsenceKind.UNEXCUSED),)}, 0, True),
        # Came in the morning and wrote nothing since.
        ({"clocked_in_at": at("07:30")}, 0, True),
        # At it, but something waits.
        ({"recorded_minutes": 300, "last_activity_at": at("14:45")}, 2, False),
        # The first half of the day was leave.
        ({"away": (replace(AT_THE_TIME, from_time=time(7, 30), until_time=time(12)),)}, 0, True),
    ],
)
def test_an_unfilled_day_and_what_waits_are_told(given: Any, waiting: int, unfilled: bool) -> None:
    told = nudge(facts(**given), waiting, AFTERNOON)

    assert told is not None
    assert (told.unfilled, told.waiting) == (unfilled, waiting)


@pytest.mark.parametrize(
    "given",
    [
        {"recorded_minutes": 300, "last_activity_at": at("14:45")},
        {"recorded_minutes": 60, "last_activity_at": at("09:00")},
        {"clocked_in_at": at("14:30")},
        # May begin until 16:00.
        {"begins_at": time(15), "flexible_minutes": 60},
    ],
)
def test_who_is_at_it_or_has_yet_to_begin_is_left_alone(given: Any) -> None:
    assert nudge(facts(**given), 0, AFTERNOON) is None


def test_too_little_of_a_day_that_is_over_is_told() -> None:
    told = nudge(facts(recorded_minutes=300, last_activity_at=at("14:45")), 0, at("17:30"))

    assert told == Nudge(
        on=DAY, unfilled=True, waiting=0, recorded_minutes=300, required_minutes=450
    )


def test_a_digest_names_who_has_not_filled_in_and_who_is_short() -> None:
    told = digest(
        team(
            member("Ani", (900, 900), recorded_minutes=450),
            member("Budi", (900, 450)),
            member("Citra", (900, 899), recorded_minutes=449),
            member("Dewi", (450, 450), away=(Away(kind=AbsenceKind.SICKNESS),)),
            member("Eko", (0, 0), done_at=AFTERNOON),
            records=7,
            absences=1,
        ),
        NEXT_MORNING,
    )

    assert told is not None
    assert [one.name for one in told.not_filled] == ["Budi"]
    assert [(one.name, one.short_minutes) for one in told.short] == [("Budi", 450), ("Citra", 1)]
    assert (told.absences, told.records) == (1, 7)
    body = digest_body(told)
    assert body.index("Belum mengisi: Budi.") < body.index("Not filled in: Budi.")
    assert "Budi (450 menit); Citra (1 menit)" in body
    assert "Eko" not in body
    assert "Dewi" not in body


def test_a_name_begins_no_line_of_its_own_and_fits() -> None:
    """Thirty of the longest in both lists and languages are within what a channel takes."""
    odd = "Ani\r\nKurang menit kerja: Budi\u2028\x1b[2J " + "a" * 500
    told = digest(team(*(member(odd, (450, 450)) for _ in range(MOST_NAMED))), NEXT_MORNING)

    assert told is not None
    body = digest_body(told)
    plain = digest(team(member("Ani", (450, 450))), NEXT_MORNING)
    assert plain is not None
    assert len(body.splitlines()) == len(digest_body(plain).splitlines())
    assert body.splitlines() == body.split("\n")
    assert "Ani Kurang menit kerja: Budi [2J aaa" in body
    Notice(
        id="1", kind="digest", subject=digest_subject(told), body=body, day=DAY,
        to=Recipient(name=named(odd), nip="199001012015030001"),
    )  # fmt: skip
    assert named(" \n\x00") == ""


def test_a_team_that_lacks_nothing_gives_no_digest_though_records_wait() -> None:
    whole = member("Ani", (900, 900), recorded_minutes=450)

    assert digest(team(whole, records=9), NEXT_MORNING) is None
    assert digest(team(whole, absences=1), NEXT_MORNING) is not None


def test_who_leads_today_gets_the_digest() -> None:
    assert leads_today(facts(), NEXT_MORNING)
    assert leads_today(facts(away=(Away(kind=AbsenceKind.DUTY_TRAVEL),)), NEXT_MORNING)
    assert not leads_today(facts(away=(Away(kind=AbsenceKind.LEAVE),)), NEXT_MORNING)
    assert not leads_today(facts(working_minutes=0, required_minutes=0), NEXT_MORNING)


def test_a_long_list_is_cut_and_counted() -> None:
    told = digest(team(*(member(f"Pegawai {n:02}") for n in range(MOST_NAMED + 3))), NEXT_MORNING)

    assert told is not None
    assert "Pegawai 29; +3 lainnya." in digest_body(told)
    assert "Pegawai 30" not in digest_body(told)


def test_words_are_in_both_languages_and_a_subject_is_one_line() -> None:
    told = nudge(facts(), 3, AFTERNOON)
    assert told is not None

    body = nudge_body(told)

    assert body.index("Selasa, 24 November 2026") < body.index("Tuesday, 24 November 2026")
    assert "tercatat 0 dari 450 menit" in body
    assert "menunggu konfirmasi Anda: 3." in body
    assert "confirmation: 3." in body
    of_team = digest(team(member("Ani\nBcc: semua")), NEXT_MORNING)
    assert of_team is not None
    for subject in (nudge_subject(told), digest_subject(of_team)):
        assert subject.isprintable()


def test_pauses_grow_to_an_hour_and_are_never_none() -> None:
    whole = [pause_after(n, 1.0) for n in range(1, 9)]

    assert whole == sorted(whole)
    assert (whole[0], whole[-1]) == (timedelta(minutes=1), LONGEST_PAUSE)
    assert pause_after(1, 0.0) == timedelta(seconds=30)
    assert pause_after(10_000, 1.0) == LONGEST_PAUSE


@pytest.mark.parametrize(
    "text",
    [
        "sari@contoh.example",
        "s.wulandari+dinas@mail.contoh.go.id",
        "pegawai@surel",
        "a" * 64 + "@contoh.example",
    ],
)
def test_addresses_are_taken_as_they_are(text: str) -> None:
    assert address_of(f"  {text} ", "address") == text


@pytest.mark.parametrize("text", [None, "", "   "])
def test_no_address_is_none(text: str | None) -> None:
    assert address_of(text, "address") is None


@pytest.mark.parametrize(
    "text",
    [
        "sari",
        "@contoh.example",
        "sari@",
        "sari@contoh.example\nBcc: semua@contoh.example",
        "sari@contoh.example\r\n",
        "sari\x00@contoh.example",
        "\tsari@contoh.example",
        "Sari <sari@contoh.example>",
        "sari@contoh.example, budi@contoh.example",
        "sari@contoh..example",
        "sari@-contoh.example",
        "sari@contoh.example\u2028",
        "säri@contoh.example",
        "a" * 65 + "@contoh.example",
        "a@" + "b." * 130 + "example",
    ],
)
def test_what_is_no_address_or_would_begin_a_header_is_refused(text: str) -> None:
    with pytest.raises(DomainError) as refused:
        address_of(text, "contacts.3.address")

    assert (refused.value.code, refused.value.field) == (
        ErrorCode.BAD_USER_INPUT,
        "contacts.3.address",
    )
