"""Reading case files: every fault with its place, every oddity as a warning, nothing raised."""

import copy
import json
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.organizations.models import AssignmentKind
from schema.plans.loading import receivers_first
from schema.targets.case_file import parse_case, read_case
from schema.targets.case_flow import edges_of, flows_of
from schema.targets.case_rules import cycles
from schema.targets.case_values import Case, FaultCode, WarningCode
from schema.targets.models import (
    Accumulation,
    Aspect,
    EdgeKind,
    Perspective,
    Polarity,
    ResultCategory,
)
from schema.targets.rules import Point

CASES = Path(__file__).parents[2] / "cases"

HEAD = "197001012000011001"
SECTION = "198001012005012002"
STAFF = "199001012015011003"

INDICATOR = {
    "aspect": "kuantitas",
    "title": "Jumlah laporan",
    "target": 10,
    "min": None,
    "max": None,
    "unit_of_measure": "laporan",
}


def valid() -> dict[str, Any]:
    """A small case with every key of the format in it, and nothing to warn of.

    G (unit A) <- direct: S (unit B, 6), P (the staff of B, 4); 6 + 4 = 10. K (the staff of B)
    counts 40 % in S and 30 % in G.
    """
    return copy.deepcopy(
        {
            "source": "invented for tests",
            "agency": "Dinas Contoh",
            "agency_code": "DC",
            "timezone": "Asia/Makassar",
            "year": 2026,
            "period": {"start": "2026-01-01", "end": "2026-12-31"},
            "notes": ["a note"],
            "units": [
                {"code": "A", "parent": None, "name": "Dinas", "level": "eselon_2"},
                {"code": "B", "parent": "A", "name": "Seksi", "level": "eselon_4"},
                {"code": "C", "parent": "B", "name": "Tim", "level": "tim"},
            ],
            "employees": [
                {"nip": HEAD, "name": "Ani", "unit": "A", "position": "Kepala Dinas"},
                {
                    "nip": SECTION,
                    "name": "Budi",
                    "unit": "B",
                    "position": "Plt. Kepala Seksi",
                    "appraiser": HEAD,
                    "acting": "PLT",
                },
                {
                    "nip": STAFF,
                    "name": "Citra",
                    "unit": "B",
                    "position": "Analis",
                    "appraiser": SECTION,
                    "timezone": "Asia/Jayapura",
                    "employee_type": "PPPK",
                },
            ],
            "targets": [
                {
                    "code": "G",
                    "parent": None,
                    "owner": {"unit": "A"},
                    "title": "Laporan terbit",
                    "kind": "quantitative",
                    "cascade": "none",
                    "indicators": [
                        INDICATOR | {"quarterly_target_cumulative": [1, 2.5, 7, 10]},
                        INDICATOR
                        | {"aspect": "kualitas", "unit_of_measure": "%", "min": 5, "max": 12},
                    ],
                    "stages": [],
                },
                {
                    "code": "S",
                    "parent": "G",
                    "owner": {"unit": "B"},
                    "title": "Laporan seksi",
                    "kind": "quantitative",
                    "cascade": "direct",
                    "indicators": [INDICATOR | {"target": 6}],
                    "stages": [],
                    "direct_sum_of": "G",
                },
                {
                    "code": "P",
                    "parent": "G",
                    "owner": {"nip": STAFF},
                    "title": "Laporan analis",
                    "kind": "quantitative",
                    "cascade": "direct",
                    "indicators": [
                        INDICATOR
                        | {
                            "target": 4,
                            "unit_of_measure": " Laporan",
                            "monthly_plan": {"2026-05": 3, "2026-02": 1},
                            "polarity": "rising",
                            "accumulation": "sum",
                            "baseline": 0,
                        }
                    ],
                    "stages": [],
                },
                {
                    "code": "W",
                    "parent": "S",
                    "owner": {"nip": STAFF},
                    "title": "Aplikasi dibangun",
                    "kind": "staged",
                    "cascade": "indirect",
                    "indicators": [],
                    "stages": [
                        {"order": 2, "title": "Uji", "evidence": ["Berita acara", "Foto"]},
                        {"order": 1, "title": "Rancang", "weight": 0.25},
                    ],
                    "outputs": ["Aplikasi"],
                    "more_outputs": [["Panduan"]],
                },
                {
                    "code": "K",
                    "parent": "S",
                    "owner": {"nip": STAFF},
                    "title": "Pegawai terlatih",
                    "kind": "quantitative",
                    "cascade": "weighted",
                    "weight": 40,
                    "also_serves": [{"parent": "G", "weight": 30.5}],
                    "category": "tambahan",
                    "assigned_by": "Kepala Dinas",
                    "perspective": "penguatan internal",
                    "indicators": [INDICATOR | {"unit_of_measure": "orang"}],
                    "stages": [],
                },
            ],
        }
    )


def put(*path: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change of a case: the value at this path."""

    def change(case: Any) -> None:
        for step in path[:-1]:
            case = case[step]
        case[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[dict[str, Any]], None]:
    def change(case: Any) -> None:
        for step in path[:-1]:
            case = case[step]
        del case[path[-1]]

    return change


def again(key: str, index: int) -> Callable[[dict[str, Any]], None]:
    """A change of a case: one of its entries once more."""
    return lambda case: case[key].append(copy.deepcopy(case[key][index]))


FIRST = ("targets", 0, "indicators", 0)
AT_FIRST = 'targets[0] "G".indicators[0]'
AT_BUDI = f'employees[1] "{SECTION}"'
AT_CITRA = f'employees[2] "{STAFF}"'
PLAN = "quarterly_target_cumulative"
QUARTERS = (*FIRST, PLAN)
MONTHS = ("targets", 2, "indicators", 0, "monthly_plan")
AT_MONTHS = 'targets[2] "P".indicators[0].monthly_plan'
WEIGHED = ("targets", 4)
AT_WEIGHED = 'targets[4] "K"'
SERVICE = (*WEIGHED, "also_serves", 0)
AT_SERVICE = f"{AT_WEIGHED}.also_serves[0]"
NUMBER = FaultCode.NUMBER_INVALID

# What is changed in the valid case; where the fault is; which it is.
FAULTS: list[tuple[Callable[[dict[str, Any]], None], str, FaultCode]] = [
    (drop("agency"), "agency", FaultCode.MISSING),
    (put("agency", value="  "), "agency", FaultCode.BLANK),
    (put("agency", value=7), "agency", FaultCode.WRONG_TYPE),
    (put("agency", value="a\x00b"), "agency", FaultCode.UNSAFE_TEXT),
    (put("agency", value="a\ud800b"), "agency", FaultCode.UNSAFE_TEXT),
    (put("agency", value="x" * 4001), "agency", FaultCode.TEXT_TOO_LONG),
    (put("agency_code", value="x" * 61), "agency_code", FaultCode.TEXT_TOO_LONG),
    (put("timezone", value="Asia/Bandung"), "timezone", FaultCode.TIMEZONE_INVALID),
    (drop("year"), "year", FaultCode.MISSING),
    (put("year", value=True), "year", FaultCode.WRONG_TYPE),
    (put("year", value=2026.5), "year", NUMBER),
    (put("year", value=1), "year", NUMBER),
    (drop("period"), "period", FaultCode.MISSING),
    (put("period", value=[]), "period", FaultCode.WRONG_TYPE),
    (put("period", "start", value="2026-02-30"), "period.start", FaultCode.DATE_INVALID),
    (put("period", "start", value="20260101"), "period.start", FaultCode.DATE_INVALID),
    (put("period", "end", value="2025-12-31"), "period.end", FaultCode.ENDS_BEFORE_START),
    (drop("units"), "units", FaultCode.MISSING),
    (put("units", value={}), "units", FaultCode.WRONG_TYPE),
    (put("units", 1, value="B"), "units[1]", FaultCode.WRONG_TYPE),
    (again("units", 1), 'units[3] "B"', FaultCode.DUPLICATE),
    (put("units", 2, "parent", value="Z"), 'units[2] "C"', FaultCode.UNKNOWN_PARENT),
    (put("units", 2, "parent", value="C"), 'units[2] "C"', FaultCode.CYCLE),
    (put("units", 2, "timezone", value="WIB"), 'units[2] "C".timezone', FaultCode.TIMEZONE_INVALID),
    (
        put("units", 2, "self_parent_in_source", value="yes"),
        'units[2] "C".self_parent_in_source',
        FaultCode.WRONG_TYPE,
    ),
    (put("misplaced_in_source", value=[1]), "misplaced_in_source[0]", FaultCode.WRONG_TYPE),
    (
        put("employees", 1, "nip", value="1" * 17),
        f'employees[1] "{"1" * 17}".nip',
        FaultCode.NIP_INVALID,
    ),
    (
        put("employees", 1, "nip", value=197001012000011001),
        "employees[1].nip",
        FaultCode.WRONG_TYPE,
    ),
    (again("employees", 2), f'employees[3] "{STAFF}"', FaultCode.DUPLICATE),
    (put("employees", 2, "unit", value="Z"), AT_CITRA, FaultCode.UNKNOWN_UNIT),
    (put("employees", 2, "appraiser", value="1" * 18), AT_CITRA, FaultCode.UNKNOWN_PERSON),
    (put("employees", 2, "appraiser", value=STAFF), AT_CITRA, FaultCode.CYCLE),
    (put("employees", 1, "acting", value="PJ"), f"{AT_BUDI}.acting", FaultCode.UNKNOWN_CHOICE),
    (again("targets", 3), 'targets[5] "W"', FaultCode.DUPLICATE),
    (drop("targets", 3, "code"), "targets[3].code", FaultCode.MISSING),
    (
        put("targets", 3, "code", value="x" * 121),
        f'targets[3] "{"x" * 80}…".code',
        FaultCode.TEXT_TOO_LONG,
    ),
    (put("targets", 3, "parent", value="Z"), 'targets[3] "W"', FaultCode.UNKNOWN_PARENT),
    (drop("targets", 3, "owner"), 'targets[3] "W".owner', FaultCode.MISSING),
    (put("targets", 3, "owner", value={}), 'targets[3] "W".owner', FaultCode.OWNER_UNCLEAR),
    (
        put("targets", 3, "owner", value={"unit": "A", "nip": STAFF}),
        'targets[3] "W".owner',
        FaultCode.OWNER_UNCLEAR,
    ),
    (put("targets", 0, "owner", "unit", value="Z"), 'targets[0] "G"', FaultCode.UNKNOWN_UNIT),
    (put("targets", 3, "owner", "nip", value="1" * 18), 'targets[3] "W"', FaultCode.UNKNOWN_PERSON),
    (put("targets", 3, "kind", value="other"), 'targets[3] "W".kind', FaultCode.UNKNOWN_CHOICE),
    (put("targets", 3, "kind", value=["staged"]), 'targets[3] "W".kind', FaultCode.WRONG_TYPE),
    (
        put("targets", 3, "kind", value="quantitative"),
        'targets[3] "W".stages',
        FaultCode.STAGES_UNCLEAR,
    ),
    (put("targets", 3, "stages", value=[]), 'targets[3] "W".stages', FaultCode.STAGES_UNCLEAR),
    (
        put("targets", 3, "stages", 0, "order", value=1),
        'targets[3] "W".stages',
        FaultCode.DUPLICATE,
    ),
    (put("targets", 3, "stages", 0, "order", value=0), 'targets[3] "W".stages[0].order', NUMBER),
    (put("targets", 3, "stages", 1, "weight", value=0), 'targets[3] "W".stages[1].weight', NUMBER),
    (
        put("targets", 3, "stages", 1, "weight", value=Decimal("0.00001")),
        'targets[3] "W".stages[1].weight',
        NUMBER,
    ),
    (
        put("targets", 3, "stages", 0, "evidence", value=["Foto", 3]),
        'targets[3] "W".stages[0].evidence[1]',
        FaultCode.WRONG_TYPE,
    ),
    (put("targets", 1, "cascade", value="sum"), 'targets[1] "S".cascade', FaultCode.UNKNOWN_CHOICE),
    (
        put("targets", 3, "cascade", value="none"),
        'targets[3] "W".cascade',
        FaultCode.CASCADE_UNCLEAR,
    ),
    (
        put("targets", 0, "cascade", value="direct"),
        'targets[0] "G".cascade',
        FaultCode.CASCADE_UNCLEAR,
    ),
    (put("targets", 3, "direct_sum_of", value="G"), 'targets[3] "W"', FaultCode.CASCADE_UNCLEAR),
    (put("targets", 2, "direct_sum_of", value="Z"), 'targets[2] "P"', FaultCode.UNKNOWN_TARGET),
    (put("targets", 1, "direct_sum_of", value="W"), 'targets[1] "S"', FaultCode.CYCLE),
    (drop(*WEIGHED, "weight"), f"{AT_WEIGHED}.weight", FaultCode.MISSING),
    (put(*WEIGHED, "weight", value="40"), f"{AT_WEIGHED}.weight", FaultCode.WRONG_TYPE),
    (put(*WEIGHED, "weight", value=0), f"{AT_WEIGHED}.weight", NUMBER),
    (put(*WEIGHED, "weight", value=Decimal("100.0001")), f"{AT_WEIGHED}.weight", NUMBER),
    (put(*WEIGHED, "weight", value=Decimal("0.00001")), f"{AT_WEIGHED}.weight", NUMBER),
    (put(*WEIGHED, "cascade", value="direct"), f"{AT_WEIGHED}.weight", FaultCode.CASCADE_UNCLEAR),
    (put("targets", 1, "weight", value=5), 'targets[1] "S".weight', FaultCode.CASCADE_UNCLEAR),
    (put(*WEIGHED, "direct_sum_of", value="W"), AT_WEIGHED, FaultCode.CASCADE_UNCLEAR),
    (put(*WEIGHED, "also_serves", value={}), f"{AT_WEIGHED}.also_serves", FaultCode.WRONG_TYPE),
    (put(*WEIGHED, "also_serves", value=["G"]), AT_SERVICE, FaultCode.WRONG_TYPE),
    (drop(*SERVICE, "parent"), f"{AT_SERVICE}.parent", FaultCode.MISSING),
    (drop(*SERVICE, "weight"), f"{AT_SERVICE}.weight", FaultCode.MISSING),
    (put(*SERVICE, "weight", value=-1), f"{AT_SERVICE}.weight", NUMBER),
    (put(*SERVICE, "parent", value="Z"), AT_SERVICE, FaultCode.UNKNOWN_TARGET),
    (put(*SERVICE, "parent", value="S"), AT_SERVICE, FaultCode.DUPLICATE),
    (put(*SERVICE, "parent", value="K"), AT_WEIGHED, FaultCode.CYCLE),
    (
        put("targets", 0, "also_serves", value=[{"parent": "W", "weight": 1}]),
        'targets[0] "G"',
        FaultCode.CASCADE_UNCLEAR,
    ),
    (
        put("targets", 1, "also_serves", value=[{"parent": "K", "weight": 1}]),
        'targets[1] "S"',
        FaultCode.CYCLE,
    ),
    (  # 30.5 + 69.5001 = 100.0001
        put("targets", 3, "also_serves", value=[{"parent": "G", "weight": Decimal("69.5001")}]),
        'targets[0] "G"',
        FaultCode.WEIGHTS_ABOVE_100,
    ),
    (put(*WEIGHED, "category", value="lain"), f"{AT_WEIGHED}.category", FaultCode.UNKNOWN_CHOICE),
    (
        put(*WEIGHED, "assigned_by", value="x" * 201),
        f"{AT_WEIGHED}.assigned_by",
        FaultCode.TEXT_TOO_LONG,
    ),
    (
        put(*WEIGHED, "perspective", value="budgets"),
        f"{AT_WEIGHED}.perspective",
        FaultCode.UNKNOWN_CHOICE,
    ),
    (put(*FIRST, "aspect", value="mutu"), f"{AT_FIRST}.aspect", FaultCode.UNKNOWN_CHOICE),
    (drop(*FIRST, "title"), f"{AT_FIRST}.title", FaultCode.MISSING),
    (
        put(*FIRST, "unit_of_measure", value="x" * 121),
        f"{AT_FIRST}.unit_of_measure",
        FaultCode.TEXT_TOO_LONG,
    ),
    (put(*FIRST, "target", value="10"), f"{AT_FIRST}.target", FaultCode.WRONG_TYPE),
    (put(*FIRST, "target", value=True), f"{AT_FIRST}.target", FaultCode.WRONG_TYPE),
    (put(*FIRST, "target", value=-1), f"{AT_FIRST}.target", NUMBER),
    (put(*FIRST, "target", value=10**15 + 1), f"{AT_FIRST}.target", NUMBER),
    (put(*FIRST, "target", value=10**5000), f"{AT_FIRST}.target", NUMBER),
    (put(*FIRST, "target", value=float("nan")), f"{AT_FIRST}.target", NUMBER),
    (put(*FIRST, "target", value=float("inf")), f"{AT_FIRST}.target", NUMBER),
    (put(*FIRST, "target", value=Decimal("1E+9999")), f"{AT_FIRST}.target", NUMBER),
    (put(*FIRST, "target", value=Decimal("0.0000001")), f"{AT_FIRST}.target", NUMBER),
    (put(*FIRST, "baseline", value=-0.5), f"{AT_FIRST}.baseline", NUMBER),
    (
        put("targets", 0, "indicators", 1, "min", value=13),
        'targets[0] "G".indicators[1].min',
        FaultCode.RANGE_UNCLEAR,
    ),
    (put(*FIRST, "polarity", value="range"), f"{AT_FIRST}.polarity", FaultCode.RANGE_UNCLEAR),
    (put(*FIRST, "polarity", value="up"), f"{AT_FIRST}.polarity", FaultCode.UNKNOWN_CHOICE),
    (
        put(*FIRST, "accumulation", value="max"),
        f"{AT_FIRST}.accumulation",
        FaultCode.UNKNOWN_CHOICE,
    ),
    (put(*FIRST, "monthly_plan", value={}), f"{AT_FIRST}.monthly_plan", FaultCode.PATH_UNCLEAR),
    (put(*QUARTERS, value=[1, 2, 3]), f"{AT_FIRST}.{PLAN}", FaultCode.PATH_UNCLEAR),
    (put(*QUARTERS, value="1,2"), f"{AT_FIRST}.{PLAN}", FaultCode.WRONG_TYPE),
    (put(*QUARTERS, 1, value=-2), f"{AT_FIRST}.{PLAN}[1]", NUMBER),
    (put("period", "end", value="2026-11-30"), f"{AT_FIRST}.{PLAN}[3]", FaultCode.OUTSIDE_PERIOD),
    (put(*MONTHS, value=[1]), AT_MONTHS, FaultCode.WRONG_TYPE),
    (put(*MONTHS, "2026-13", value=1), AT_MONTHS, FaultCode.DATE_INVALID),
    (put(*MONTHS, "0000-01", value=1), f"{AT_MONTHS}.0000-01", FaultCode.OUTSIDE_PERIOD),
    (put(*MONTHS, "2027-01", value=1), f"{AT_MONTHS}.2027-01", FaultCode.OUTSIDE_PERIOD),
    (put(*MONTHS, "2026-02", value=-1), f"{AT_MONTHS}.2026-02", NUMBER),
    (
        put(*MONTHS, value={"2026-02": 10**15, "2026-05": 10**15}),
        AT_MONTHS,
        NUMBER,
    ),
]


@pytest.mark.parametrize(("change", "place", "code"), FAULTS)
def test_one_broken_value_is_named_with_its_place(
    change: Callable[[dict[str, Any]], None], place: str, code: FaultCode
) -> None:
    data = valid()
    change(data)

    case, faults, _ = parse_case(data)

    assert case is None
    assert (place, code) in [(fault.place, fault.code) for fault in faults]


def test_every_kind_of_fault_has_a_broken_case_here() -> None:
    tested = {code for _, _, code in FAULTS} | {FaultCode.NOT_JSON, FaultCode.ROOT_UNCLEAR}

    assert tested == set(FaultCode)


def test_valid_case_has_neither_fault_nor_warning() -> None:
    case, faults, warnings = parse_case(valid())

    assert case is not None
    assert faults == []
    assert warnings == []


def test_all_faults_are_listed_at_once() -> None:
    data = valid()
    changes = [
        put("units", 2, "parent", value="Z"),
        put("employees", 2, "unit", value="Z"),
        put("targets", 3, "parent", value="Z"),
        put(*FIRST, "target", value=-3),
        put("period", "end", value="soon"),
    ]
    for change in changes:
        change(data)

    _, faults, _ = parse_case(data)

    assert sorted(str(fault) for fault in faults) == [
        f'{AT_CITRA}: unknown unit "Z"',
        'period.end: "soon" is no date (YYYY-MM-DD)',
        'targets[0] "G".indicators[0].target: this number is negative',
        'targets[3] "W": unknown parent "Z"',
        'units[2] "C": unknown parent "Z"',
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            [put("units", 0, "parent", value="C")],
            'units[0] "A": the unit stands above itself: "A" -> "C" -> "B" -> "A"',
        ),
        (
            [put("employees", 0, "appraiser", value=STAFF)],
            f'employees[0] "{HEAD}": the person is their own superior: '
            f'"{HEAD}" -> "{STAFF}" -> "{SECTION}" -> "{HEAD}"',
        ),
        (
            [
                put("targets", 0, "parent", value="W"),
                put("targets", 0, "cascade", value="indirect"),
            ],
            'targets[0] "G": the target stands above itself: "G" -> "W" -> "S" -> "G"',
        ),
    ],
)
def test_cycle_is_named_in_full(
    changes: list[Callable[[dict[str, Any]], None]], sentence: str
) -> None:
    data = valid()
    for change in changes:
        change(data)

    _, faults, _ = parse_case(data)

    assert [str(fault) for fault in faults] == [sentence]


def test_two_cycles_of_one_graph_are_both_found_and_a_long_chain_is_walked() -> None:
    chain = {str(number): [str(number + 1)] for number in range(50_000)}
    graph = chain | {"A": ["B"], "B": ["A", "C"], "C": ["B"]}

    assert cycles(graph) == [["A", "B", "A"], ["B", "C", "B"]]


@pytest.mark.parametrize(
    ("roots", "code"), [(2, FaultCode.ROOT_UNCLEAR), (0, FaultCode.ROOT_UNCLEAR)]
)
def test_agency_without_a_code_needs_exactly_one_root(roots: int, code: FaultCode) -> None:
    data = valid()
    del data["agency_code"]
    if roots:
        data["units"][1]["parent"] = None
    else:
        data["units"] = []

    _, faults, _ = parse_case(data)

    assert ("units", code) in [(fault.place, fault.code) for fault in faults]


def test_agency_takes_the_code_of_its_root_unit() -> None:
    data = valid()
    del data["agency_code"]

    case, _, _ = parse_case(data)

    assert case is not None
    assert case.agency_code == "A"


TEXT = json.dumps(valid())


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", FaultCode.NOT_JSON, "is not JSON"),
        (b"{", FaultCode.NOT_JSON, "is not JSON"),
        (b"\xff\xfe{}", FaultCode.NOT_JSON, "is not UTF-8 (byte 0)"),
        (b"[" * 100_000, FaultCode.NOT_JSON, "nested too deeply"),
        (b'{"a":' * 100_000, FaultCode.NOT_JSON, "nested too deeply"),
        (b"[]", FaultCode.WRONG_TYPE, "a list where an object is expected"),
        (b"null", FaultCode.WRONG_TYPE, "null where an object is expected"),
        (b"1e99999999999999999999", FaultCode.WRONG_TYPE, "a number where an object"),
        (TEXT.replace("2026,", "9" * 5000 + ",").encode(), NUMBER, "is above 10^15"),
        (TEXT.replace("2026,", "NaN,").encode(), NUMBER, '"NaN" is no number'),
        (TEXT.replace("2026,", "-Infinity,").encode(), NUMBER, "is no number"),
        (TEXT.replace("2026,", '2026, "year": 2027,').encode(), FaultCode.DUPLICATE, '"year"'),
        (TEXT.replace("Dinas Contoh", r"\ud800").encode(), FaultCode.UNSAFE_TEXT, "surrogate"),
        (TEXT.replace("Dinas Contoh", r"\u0000").encode(), FaultCode.UNSAFE_TEXT, "NUL"),
    ],
    ids=range(14),
)
def test_broken_bytes_are_a_fault(content: bytes, code: FaultCode, message: str) -> None:
    case, faults, _ = read_case(content)

    assert case is None
    assert [message in fault.message for fault in faults if fault.code is code] == [True]


def test_message_holds_nothing_that_moves_a_terminal_or_cannot_be_encoded() -> None:
    data = valid()
    data["targets"][3]["parent"] = "\x1b[2J\ud800"

    _, faults, _ = parse_case(data)

    assert all(str(fault).isprintable() and str(fault).encode() for fault in faults)


def test_numbers_of_a_file_are_exact() -> None:
    text = TEXT.replace('"target": 10,', '"target": 0.1,').replace(
        '"baseline": 0', '"baseline": 0.300000'
    )

    case, _, _ = read_case(text.encode())

    assert case is not None
    assert case.targets[0].indicators[0].planned == Decimal("0.1")
    assert case.targets[2].indicators[0].baseline == Decimal("0.3")


def test_values_of_a_case_are_read_as_the_format_says() -> None:
    case, _, _ = parse_case(valid())

    assert case is not None
    goal, section, personal, staged, weighed = case.targets
    assert (case.timezone, case.starts_on, case.ends_on) == (
        "Asia/Makassar",
        date(2026, 1, 1),
        date(2026, 12, 31),
    )
    assert [person.kind for person in case.employees] == [
        AssignmentKind.DEFINITIVE,
        AssignmentKind.PLT,
        AssignmentKind.DEFINITIVE,
    ]
    assert case.heads == {HEAD, SECTION}
    assert [(each.polarity, each.accumulation) for each in goal.indicators] == [
        (Polarity.RISING, Accumulation.SUM),
        (Polarity.RANGE, Accumulation.LATEST),
    ]
    assert goal.indicators[0].points == (
        Point(date(2026, 3, 31), Decimal(1)),
        Point(date(2026, 6, 30), Decimal("2.5")),
        Point(date(2026, 9, 30), Decimal(7)),
        Point(date(2026, 12, 31), Decimal(10)),
    )
    # 1 is added in February and 3 in May: 1, then 1 + 3 = 4.
    assert personal.indicators[0].points == (
        Point(date(2026, 2, 28), Decimal(1)),
        Point(date(2026, 5, 31), Decimal(4)),
    )
    assert [(stage.order, stage.evidence, stage.weight) for stage in staged.stages] == [
        (1, None, Decimal("0.25")),
        (2, "Berita acara\nFoto\nAplikasi\nPanduan", None),
    ]
    assert section.direct_sum_of == "G"
    assert (weighed.cascade, weighed.weight) == (EdgeKind.WEIGHTED, Decimal(40))
    assert [(each.parent, each.weight) for each in weighed.also_serves] == [("G", Decimal("30.5"))]
    assert (weighed.category, weighed.assigned_by, weighed.perspective) == (
        ResultCategory.ADDITIONAL,
        "Kepala Dinas",
        Perspective.INTERNAL_STRENGTHENING,
    )
    assert (goal.category, goal.assigned_by, goal.perspective, goal.weight) == (
        ResultCategory.MAIN,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("key", "word", "meaning"),
    [
        ("category", "utama", ResultCategory.MAIN),
        ("category", "tambahan", ResultCategory.ADDITIONAL),
        ("category", "main", ResultCategory.MAIN),
        ("category", "additional", ResultCategory.ADDITIONAL),
        ("perspective", "penerima layanan", Perspective.SERVICE_RECIPIENTS),
        ("perspective", "proses bisnis", Perspective.BUSINESS_PROCESS),
        ("perspective", "penguatan internal", Perspective.INTERNAL_STRENGTHENING),
        ("perspective", "anggaran", Perspective.BUDGET),
        ("perspective", "service_recipients", Perspective.SERVICE_RECIPIENTS),
        ("perspective", "business_process", Perspective.BUSINESS_PROCESS),
        ("perspective", "internal_strengthening", Perspective.INTERNAL_STRENGTHENING),
        ("perspective", "budget", Perspective.BUDGET),
    ],
)
def test_words_are_read_in_both_languages(key: str, word: str, meaning: Any) -> None:
    data = valid()
    data["targets"][4][key] = word

    case, faults, _ = parse_case(data)

    assert faults == []
    assert case is not None
    assert getattr(case.targets[4], key) is meaning


def test_a_weight_beside_a_cascade_that_cannot_be_read_is_no_second_fault() -> None:
    data = valid()
    data["targets"][4]["cascade"] = "berbobot"

    _, faults, _ = parse_case(data)

    assert [str(fault) for fault in faults] == [
        'targets[4] "K".cascade: "berbobot" is none of none, direct, weighted, indirect'
    ]


def test_weights_above_100_are_named_with_their_sum() -> None:
    data = valid()
    data["targets"][3] |= {"cascade": "weighted", "weight": 60.5}

    _, faults, _ = parse_case(data)

    # K counts 40 in S already: 40 + 60.5 = 100.5
    assert [str(fault) for fault in faults] == [
        'targets[1] "S": the weights of its children add up to 100.5, over 100'
    ]


def test_edges_and_flows_follow_parent_and_direct_sum() -> None:
    data = valid()
    data["targets"][2] |= {"parent": "S", "direct_sum_of": "G"}
    data["targets"][1]["indicators"][0]["unit_of_measure"] = "%"

    case, _, _ = parse_case(data)

    assert case is not None
    edges = [(edge.parent, edge.child, edge.kind, edge.primary) for edge in edges_of(case)]
    assert edges == [
        ("G", "S", EdgeKind.DIRECT, True),
        ("S", "P", EdgeKind.DIRECT, True),
        ("G", "P", EdgeKind.DIRECT, False),
        ("S", "W", EdgeKind.INDIRECT, True),
        ("S", "K", EdgeKind.WEIGHTED, True),
        ("G", "K", EdgeKind.WEIGHTED, False),
    ]
    assert [edge.weight for edge in edges_of(case)] == [None] * 4 + [Decimal(40), Decimal("30.5")]
    assert flows_of(case)[0] == {("P", 0): ("G", 0)}


def test_number_flows_once_where_two_direct_edges_fit() -> None:
    data = valid()
    data["targets"][2] |= {"parent": "S", "direct_sum_of": "G"}

    case, _, _ = parse_case(data)

    assert case is not None
    assert flows_of(case)[0] == {("S", 0): ("G", 0), ("P", 0): ("S", 0)}


# What is changed in the valid case; where the warning is; which; what it says.
WARNINGS: list[tuple[list[Callable[[dict[str, Any]], None]], str, WarningCode, str]] = [
    (  # 6 + 5 = 11, not 10
        [put("targets", 2, "indicators", 0, "target", value=5), drop(*MONTHS)],
        AT_FIRST,
        WarningCode.SUM_DIFFERS,
        "plans 10 laporan, its direct children (2) add up to 11 laporan",
    ),
    (
        [put("targets", 2, "indicators", 0, "target", value=None), drop(*MONTHS)],
        AT_FIRST,
        WarningCode.SUM_DIFFERS,
        "plans 10 laporan, its direct children (2) add up to 6 laporan "
        "(1 of them without a number)",
    ),
    (
        [put("targets", 1, "indicators", 0, "target", value=None)],
        'targets[1] "S".indicators[0]',
        WarningCode.NUMBER_MISSING,
        "has no number (target)",
    ),
    (
        [put("targets", 0, "indicators", 1, "unit_of_measure", value=None)],
        'targets[0] "G".indicators[1]',
        WarningCode.UNIT_MISSING,
        "has no unit of measure",
    ),
    (
        [put("targets", 1, "indicators", 0, "unit_of_measure", value="paket")],
        'targets[1] "S"',
        WarningCode.NO_FLOW,
        'no number flows into "G": here 6 "paket" (quantity), there 10 "laporan" (quantity), '
        '10 "%" (quality)',
    ),
    (  # additions do not add up to a level
        [put("targets", 1, "indicators", 0, "accumulation", value="latest")],
        'targets[1] "S"',
        WarningCode.NO_FLOW,
        'no number flows into "G": here 6 "laporan" (quantity), there 10 "laporan" (quantity), '
        '10 "%" (quality)',
    ),
    (
        [
            lambda case: case["targets"][0]["indicators"].extend(
                [INDICATOR | {"title": "Jumlah a"}, INDICATOR | {"title": "Jumlah b"}]
            ),
            put("targets", 0, "indicators", 0, "title", value="Jumlah c"),
            lambda case: case["targets"][1]["indicators"].insert(
                0, INDICATOR | {"aspect": "biaya", "target": 1}
            ),
        ],
        'targets[1] "S".indicators[1]',
        WarningCode.FLOW_AMBIGUOUS,
        'several indicators of "G" fit, so it flows into none',
    ),
    (
        [put("targets", 2, "parent", value="S"), put("targets", 2, "direct_sum_of", value="G")],
        'targets[2] "P"',
        WarningCode.SKIPS_LEVEL,
        'its number is part of "G", past its parent "S"',
    ),
    (
        [put("targets", 2, "outputs", value=["Laporan"])],
        'targets[2] "P"',
        WarningCode.OUTPUTS_NOT_KEPT,
        "outputs that are not kept, as no stage takes them up: 1",
    ),
    (  # 1 + 1 = 2, not 4
        [put(*MONTHS, "2026-05", value=1)],
        'targets[2] "P".indicators[0]',
        WarningCode.PATH_DIFFERS,
        "plans 4, its path ends at 2",
    ),
    (
        [put("units", 1, "self_parent_in_source", value=True)],
        'units[1] "B"',
        WarningCode.SELF_PARENT,
        'names itself as parent in the source; kept under "A"',
    ),
    (
        [put("misplaced_in_source", value=["B"])],
        'units[1] "B"',
        WarningCode.MISPLACED,
        'is marked as misplaced in the source; kept under "A"',
    ),
    (
        [
            put("employees", 1, "position", value="Analis"),
            put("employees", 2, "appraiser", value=HEAD),
        ],
        'units[1] "B"',
        WarningCode.HEAD_UNCLEAR,
        f'the head is unclear, so none is set: {SECTION} ("Analis"), {STAFF} ("Analis")',
    ),
    (  # 40 of 100, and no number or stage of its own for the other 60
        [put("targets", 1, "indicators", value=[])],
        'targets[1] "S"',
        WarningCode.WEIGHTS_BELOW_100,
        "the weights of its children add up to 40, and it measures nothing itself",
    ),
]


@pytest.mark.parametrize(("changes", "place", "code", "message"), WARNINGS)
def test_oddity_is_a_warning_with_its_figures(
    changes: list[Callable[[dict[str, Any]], None]], place: str, code: WarningCode, message: str
) -> None:
    data = valid()
    for change in changes:
        change(data)

    case, faults, warnings = parse_case(data)

    assert faults == []
    assert case is not None
    assert (place, code, message) in [(each.place, each.code, each.message) for each in warnings]


def test_every_kind_of_warning_has_a_case_here() -> None:
    assert {code for _, _, code, _ in WARNINGS} == set(WarningCode)


def test_head_is_the_one_whose_position_leads_where_several_answer_outside() -> None:
    data = valid()
    data["employees"][2]["appraiser"] = HEAD

    case, _, warnings = parse_case(data)

    assert case is not None
    assert case.heads == {HEAD, SECTION}
    assert warnings == []


def test_units_only_leaves_people_targets_and_period_aside() -> None:
    data = valid()
    del data["period"], data["employees"]
    data["targets"] = "anything"

    case, faults, _ = parse_case(data, units_only=True)

    assert faults == []
    assert case is not None
    assert len(case.units) == 3
    assert (case.starts_on, case.targets, case.employees) == (date(2026, 1, 1), (), ())


def nodes(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The paths of all nodes of a JSON value, its own left out."""
    found: list[tuple[str | int, ...]] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((*path, key))
        if isinstance(inner, dict | list):
            found.extend(nodes(inner, (*path, key)))
    return found


NODES = nodes(valid())


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**15, 10**16, 10**4000, -(10**4000)])
    | st.floats()
    | st.decimals()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(["A", "G", "S", "W", HEAD, STAFF, "direct", "none", "2026-01-01", "range"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=()), max_size=8), inner, max_size=3
        )
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(
    where=st.sampled_from(NODES),
    how=st.sampled_from(["replace", "copy", "remove"]),
    other=st.sampled_from(NODES),
    value=ANYTHING,
)
def test_changing_any_one_node_never_raises(
    where: tuple[str | int, ...], how: str, other: tuple[str | int, ...], value: Any
) -> None:
    data = valid()
    if how == "remove":
        drop(*where)(data)
    else:
        put(*where, value=value if how == "replace" else copy.deepcopy(at(data, other)))(data)

    case, faults, warnings = parse_case(data)

    assert (case is None) == bool(faults)
    assert all(str(each).isprintable() for each in [*faults, *warnings])
    if case is not None:
        assert_coherent(case)


def assert_coherent(case: Case) -> None:
    """Whatever has no fault can be stored: what flows is known, and stored in order."""
    keys = [(each.code, number.position) for each in case.targets for number in each.indicators]
    flows, _ = flows_of(case)
    stored = {key: place for place, key in enumerate(receivers_first(keys, flows))}
    assert all(stored[flows[key]] < stored[key] for key in flows)
    codes = {target.code for target in case.targets}
    edges = edges_of(case)
    assert all({edge.parent, edge.child} <= codes for edge in edges)
    assert len({(edge.parent, edge.child) for edge in edges}) == len(edges)
    assert all((edge.kind is EdgeKind.WEIGHTED) == (edge.weight is not None) for edge in edges)


REAL = {
    # file: units, people, heads, targets, indicators, stages, points, edges, flows, warnings
    "cascade_bps_aceh_zi_2025": (
        (8, 26, 8, 125, 136, 141, 0, 124, 0),
        {WarningCode.NUMBER_MISSING: 26, WarningCode.OUTPUTS_NOT_KEPT: 7},
    ),
    "cascade_bps_ro_national_2026": ((537, 35, 35, 1713, 1713, 0, 0, 1710, 1710), {}),
    "cascade_bps_tapin_2026": ((9, 24, 9, 252, 271, 0, 753, 249, 56), {}),
    "cascade_jabar_biro_organisasi_2016": (
        (15, 50, 15, 86, 150, 0, 0, 83, 2),
        {WarningCode.NUMBER_MISSING: 6, WarningCode.UNIT_MISSING: 6, WarningCode.NO_FLOW: 1},
    ),
    "cascade_jabar_diskominfo_2016": (
        (25, 25, 25, 91, 108, 0, 0, 94, 11),
        {WarningCode.NO_FLOW: 11, WarningCode.SKIPS_LEVEL: 10},
    ),
    "org_banyuwangi_2024": (
        (1671, 0, 0, 0, 0, 0, 0, 0, 0),
        {WarningCode.SELF_PARENT: 83, WarningCode.MISPLACED: 852},
    ),
    "org_bps_2026": ((537, 0, 0, 0, 0, 0, 0, 0, 0), {}),
}


@pytest.mark.parametrize("name", REAL)
def test_real_case_is_read_without_loss(name: str) -> None:
    content = (CASES / f"{name}.json").read_bytes()

    case, faults, warnings = read_case(content, units_only=name.startswith("org_"))

    counts, expected = REAL[name]
    assert faults == []
    assert case is not None
    assert Counter(warning.code for warning in warnings) == expected
    indicators = [each for target in case.targets for each in target.indicators]
    assert counts == (
        len(case.units),
        len(case.employees),
        len(case.heads),
        len(case.targets),
        len(indicators),
        sum(len(target.stages) for target in case.targets),
        sum(len(each.points) for each in indicators),
        len(edges_of(case)),
        len(flows_of(case)[0]),
    )
    assert_coherent(case)


def test_real_children_that_do_not_add_up_are_named_with_both_figures() -> None:
    _, _, bureau = read_case((CASES / "cascade_jabar_biro_organisasi_2016.json").read_bytes())
    _, _, department = read_case((CASES / "cascade_jabar_diskominfo_2016.json").read_bytes())

    said = [str(each) for each in [*bureau, *department] if each.code is WarningCode.NO_FLOW]

    assert said[0] == (
        'targets[57] "B2.2.1": no number flows into "B2": here 12 "UPTD/UPTB" (quantity), '
        '7 "UPTD/UPTB" (quantity), there 7 "UPP" (quantity), 14 "Kab/Kota" (quantity), '
        '12 "UPP" (quantity)'
    )
    assert (
        'targets[47] "DK.3.1/S6.2": no number flows into "DK.3/S6": here 5 "titik" (quantity), '
        'there 90 "%" (quality)'
    ) in said


def test_broken_sum_of_the_national_case_is_found() -> None:
    data = json.loads((CASES / "cascade_bps_ro_national_2026.json").read_text("utf-8"))
    office = next(each for each in data["targets"] if each["code"] == "2902.BMA.006/1100")
    office["indicators"][0]["target"] += 1

    _, _, warnings = parse_case(data)

    # The nation's 3,628 are now 3,629 below; Aceh's 153 are 154 above the 153 of its offices.
    assert [warning.message for warning in warnings] == [
        "plans 3628 laporan, its direct children (34) add up to 3629 laporan",
        "plans 154 laporan, its direct children (24) add up to 153 laporan",
    ]


def test_aspects_are_read_by_their_indonesian_names() -> None:
    data = valid()
    words = {"kuantitas": Aspect.QUANTITY, "kualitas": Aspect.QUALITY, "waktu": Aspect.TIME}
    words["biaya"] = Aspect.COST
    data["targets"][3]["indicators"] = [INDICATOR | {"aspect": word} for word in words]

    case, _, _ = parse_case(data)

    assert case is not None
    assert [each.aspect for each in case.targets[3].indicators] == list(words.values())


def test_documented_example_is_valid_and_every_warning_is_documented() -> None:
    page = (CASES.parent / "docs" / "case-format.md").read_text("utf-8")
    example = page.split("```json")[1].split("```")[0]

    case, faults, warnings = read_case(example.encode())

    assert case is not None
    assert (faults, warnings) == ([], [])
    assert [code for code in WarningCode if f"`{code}`" not in page] == []
