"""What may be written as a rule set: the packaged tables, refusals that name the row, one form."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schema.consequences.models import RuleKind
from schema.consequences.rule_tables import parsed
from schema.consequences.rule_texts import (
    DEFAULTS,
    LONGEST_TABLE,
    SCHEMA_FILE,
    TABLES,
    packaged,
    packaged_rules,
    written,
)
from schema.errors import DomainError, ErrorCode
from schema.values import canonical, digest_of

BOBOT, NINE = packaged()["bobot"], packaged()["nine-box"]
KREDIT, SCHEME = packaged()["angka-kredit"], packaged()["kementan-2025"]


def test_packaged_tables_are_the_defaults_and_the_published_schemes() -> None:
    assert list(packaged()) == [
        "angka-kredit",
        "bakamla-2023",
        "bobot",
        "contoh-50",
        "kemenlu-2025",
        "kementan-2012",
        "kementan-2019",
        "kementan-2025",
        "klhk-2024",
        "nine-box",
        "pelatihan",
    ]
    assert {kind: packaged_rules(code).kind for kind, code in DEFAULTS.items()} == {
        kind: kind for kind in RuleKind if kind is not RuleKind.ALLOWANCE
    }


@pytest.mark.parametrize("code", list(packaged()))
def test_a_packaged_table_cites_its_source_and_says_what_is_assumed(code: str) -> None:
    found = packaged_rules(code)

    assert (found.code, found.digest) == (code, digest_of(found.body))
    assert found.source
    assert found.rules.assumed, "no source of ours says everything"


@pytest.mark.parametrize("code", list(packaged()))
def test_what_is_kept_gives_the_same_rules_and_the_same_bytes_again(code: str) -> None:
    found = packaged_rules(code)

    assert parsed(found.kind, found.body) == found.rules
    assert canonical(json.loads(found.body)) == found.body


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA_FILE.read_text("utf-8")))
    assert {file.suffix for file in TABLES.iterdir()} == {".toml", ".json"}


def test_how_a_table_is_written_does_not_matter() -> None:
    spaced = BOBOT.replace("EXCELLENT = 100", "EXCELLENT   =  100.00 # seratus")
    as_json = json.dumps(
        json.loads(packaged_rules("bobot").body)
        | {
            "weights": {
                "VERY_POOR": 20,
                "POOR": 40,
                "NEEDS_IMPROVEMENT": 60.0,
                "GOOD": 80,
                "EXCELLENT": 100,
            }
        }
    )

    assert written(spaced).digest == written(as_json).digest == packaged_rules("bobot").digest


def test_numbers_stay_exact() -> None:
    found = written(BOBOT.replace("EXCELLENT = 100", "EXCELLENT = 99.100001"))

    assert found.rules.weights[  # type: ignore[union-attr]
        next(iter(found.rules.weights))  # type: ignore[union-attr]
    ] == Decimal("99.100001")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "'kind' is a required property"),
        ("kind = ", "Invalid value"),
        ("{", "Expecting property name"),
        ('{"kind": "WEIGHT", "kind": "CREDIT"}', "twice"),
        ('{"kind": NaN}', "decimals"),
        ("kind = 'BONUS'", "kind: 'BONUS' is not one of"),
        ("a = " + "[" * 4000, "recursion"),
        ("a = " + "[" * 9 + "]" * 9, "within each other"),
        ('{"a":' * 900 + "1" + "}" * 900, "within each other"),
        (".".join("a" * 32_000) + " = 1", "a name has at most 8 parts"),
        ("[" + ".".join("a" * 9_000) + "]\n" + "b = 1\n" * 7_000, "a name has at most 8 parts"),
        (" \t" * 32_000 + "x", "Expected '='"),
        ("kind = 'ALLOWANCE'\nround_to = 0x" + "f" * 60_000, "at most 20 digits"),
        (" " * (LONGEST_TABLE + 1), "at most 65536 characters"),
        ('kind = "\x00"', "no text may hold"),
        ('{"kind": "WEIGHT", "title": "\\u0000"}', "no text may hold"),
        ('{"kind": "WEIGHT", "title": "\\ud800"}', "no text may hold"),
        ('{"kind": "WEIGHT", "\\ud800": [{}]}', "no text may hold"),
        ('assumed = ["\\u0000"]', "no text may hold"),
        (BOBOT.replace("EXCELLENT = 100", "EXCELLENT = 101"), "weights.EXCELLENT: 101 is greater"),
        (BOBOT.replace("EXCELLENT = 100", "EXCELLENT = 100.5"), "weights.EXCELLENT: 100.5 is grea"),
        (BOBOT.replace("EXCELLENT = 100", "EXCELLENT = nan"), "nan: a number"),
        (BOBOT.replace("EXCELLENT = 100", "EXCELLENT = -inf"), "-inf: a number"),
        (BOBOT.replace("EXCELLENT = 100", "EXCELLENT = 1e-7"), "at most 6 decimals"),
        (BOBOT.replace("EXCELLENT = 100", "EXCELLENT = 1e400"), "a number has"),
        (BOBOT.replace("EXCELLENT = 100", "EXCELLENT = true"), "weights.EXCELLENT: True is not"),
        (BOBOT.replace("EXCELLENT = 100", "BEST = 100"), "weights: 'EXCELLENT' is a required"),
        (BOBOT.replace("EXCELLENT = 100", ""), "weights: 'EXCELLENT' is a required property"),
        (BOBOT.replace('code = "bobot"', 'code = "Bobot Baru"'), "code: 'Bobot Baru' does not"),
        (BOBOT.replace('source = "', 'source = "" # "'), "source: "),
        (BOBOT + "extra = 1\n", "weights: Additional properties are not allowed ('extra'"),
        (KREDIT.replace('level = "MU"', 'level = "MA"'), "levels: MA more than once"),
        (KREDIT.replace('level = "MU"', 'level = "XX"'), "levels.2.level: 'XX' is not one of"),
        (KREDIT.replace("coefficient = 50", "coefficient = 0"), "levels.0.coefficient: 0 is less"),
        (NINE.replace("box = 9", "box = 8"), "boxes: box: 8 more than once"),
        (NINE.replace("box = 9", "box = 10"), "boxes.8.box: 10 is greater"),
        (
            NINE.replace('"HIGH"\nperformance = "ABOVE"', '"HIGH"\nperformance = "MEETS"'),
            "HIGH MEETS more than once",
        ),
        (NINE.replace("middle = 68", "middle = 77"), "potential: middle must be below high"),
        (NINE.replace("meets = 70", "meets = 90"), "performance: meets must be below above"),
        (SCHEME.replace("share = 60", "share = 59.5"), "parts: the shares make 99.5, not 100"),
        (SCHEME.replace('name = "Kinerja"', 'name = "Kehadiran"'), "parts: name: Kehadiran more"),
        (SCHEME.replace("goes_by", "# goes_by"), "parts.0 (Kinerja): by PREDICATE needs goes_by"),
        (SCHEME.replace("from = 31", "from = 61", 1), "parts.1 (Kehadiran).late: each from"),
        (SCHEME.replace('by = "ATTENDANCE"', 'by = "FORMULA"'), "parts.1.by: 'FORMULA' is not"),
        (SCHEME.replace("absent_day = 4", 'absent_day = "4"'), "parts.1.absent_day: '4' is not"),
        (SCHEME.replace("CPNS = 80", "TNI = 80"), "employment: Additional properties"),
        (
            packaged()["kementan-2019"].replace("minimum = 0", "minimum = 101"),
            "parts.1 (Kinerja): minimum is above maximum",
        ),
        (
            packaged()["pelatihan"].replace("FEEDBACK = 4", ""),
            "hours_a_need: 'FEEDBACK' is a required property",
        ),
    ],
)
def test_what_cannot_be_is_refused_by_its_row(text: str, detail: str) -> None:
    with pytest.raises(DomainError) as refused:
        written(text)

    assert (refused.value.code, refused.value.field) == (ErrorCode.RULES_INVALID, "rules")
    assert detail in str(refused.value)
    assert len(str(refused.value)) < 1_200


def test_several_faults_are_told_at_once() -> None:
    text = BOBOT.replace("EXCELLENT = 100", "EXCELLENT = 101").replace("GOOD = 80", "GOOD = -1")

    with pytest.raises(DomainError, match=r"weights\.EXCELLENT: .*; weights\.GOOD: "):
        written(text)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (RuleKind.CREDIT, packaged_rules("bobot").body),
        (RuleKind.WEIGHT, "{}"),
        (RuleKind.WEIGHT, "no json"),
        (RuleKind.WEIGHT, packaged_rules("bobot").body.replace("WEIGHT", "CREDIT")),
        (RuleKind.WEIGHT, packaged_rules("bobot").body.replace('"EXCELLENT":"100",', "")),
        (RuleKind.WEIGHT, packaged_rules("bobot").body.replace('{"assumed"', '{"x":1,"assumed"')),
    ],
)
def test_a_body_of_another_kind_or_shape_is_refused(kind: RuleKind, body: str) -> None:
    with pytest.raises(DomainError) as refused:
        parsed(kind, body)

    assert refused.value.code is ErrorCode.RULES_INVALID


def test_rules_that_are_not_packaged_are_named_with_those_that_are() -> None:
    with pytest.raises(DomainError, match=r"no packaged rules 'kemenkeu'; .*bobot"):
        packaged_rules("kemenkeu")


def test_the_table_of_the_administrators_page_can_be_loaded() -> None:
    page = Path(__file__).parents[2] / "docs" / "consequences.md"
    (table,) = re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)

    found = written(table)

    assert (found.kind, found.code) == (RuleKind.ALLOWANCE, "tukin-2027")


def test_the_administrators_page_names_every_packaged_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "consequences.md").read_text("utf-8")

    assert [code for code in packaged() if f"`{code}`" not in page] == []
