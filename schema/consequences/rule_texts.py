"""What people write of rule sets: TOML or JSON, checked and brought to the one form that is kept;
and the tables that come with the system, beside their schema in `tables/`."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from schema.consequences.models import RuleKind
from schema.consequences.rule_tables import TYPES, Rules, check, invalid_rules
from schema.values import canonical, digest_of, is_safe_text

TABLES = Path(__file__).with_name("tables")
SCHEMA_FILE = TABLES / "rule-set.schema.json"
LONGEST_TABLE = 64 * 1024
"""Characters of a rule set as it is written."""
MOST_DIGITS = 20
MOST_DECIMALS = 6
MOST_FAULTS = 5
LONGEST_MESSAGE = 200
"""Characters of one fault; a wrong value that is longer is not repeated."""
SHOWN = 40
DEEPEST = 8
"""Tables and lists within each other; ours have three."""
_PART = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+"""
_LONG_NAME = re.compile(rf"^[ \t]*+\[{{0,2}}+[ \t]*+(?:{_PART}){{{DEEPEST}}}+", re.MULTILINE)
"""A dotted name of very many parts takes the parser minutes."""
_EXACT = re.compile(r"Decimal\('([^']*)'\)")
DEFAULTS: Mapping[RuleKind, str] = {
    RuleKind.WEIGHT: "bobot",
    RuleKind.CREDIT: "angka-kredit",
    RuleKind.TALENT: "nine-box",
    RuleKind.TRAINING: "pelatihan",
}
"""Packaged tables that an agency has from the start. A scheme of allowance it chooses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A checked rule set as it is kept: `body` is canonical JSON, the same for the same table
    however it was written."""

    kind: RuleKind
    code: str
    title: str
    source: str
    body: str
    digest: str
    rules: Rules


def written(text: str) -> Written:
    """Check a rule set in TOML, or in JSON where it begins with a brace.

    Raises:
        DomainError: RULES_INVALID, naming the row.
    """
    table = _table(text)
    faults = sorted(_validator().iter_errors(table), key=lambda one: _place(one.absolute_path))
    if faults:
        raise invalid_rules("; ".join(_worded(fault) for fault in faults[:MOST_FAULTS]))
    kind = RuleKind(table["kind"])
    try:
        rules = msgspec.convert(table, TYPES[kind])
    except msgspec.ValidationError as wrong:
        raise invalid_rules(str(wrong)) from wrong
    check(rules)
    body = canonical(msgspec.to_builtins(rules, builtin_types=(Decimal,)))
    return Written(
        kind=kind,
        code=rules.code,
        title=rules.title,
        source=rules.source,
        body=body,
        digest=digest_of(body),
        rules=rules,
    )


@cache
def packaged() -> Mapping[str, str]:
    """The text of every packaged table by its code."""
    return {file.stem: file.read_text("utf-8") for file in sorted(TABLES.glob("*.toml"))}


@cache
def packaged_rules(code: str) -> Written:
    """A packaged table, checked.

    Raises:
        DomainError: there is none of that code.
    """
    text = packaged().get(code)
    if text is None:
        raise invalid_rules(f"no packaged rules {code!r}; there are {', '.join(packaged())}")
    return written(text)


def _table(text: str) -> dict[str, Any]:
    """The text as a table, its numbers exact."""
    if len(text) > LONGEST_TABLE:
        raise invalid_rules(f"at most {LONGEST_TABLE} characters")
    if not is_safe_text(text):
        raise invalid_rules("a character that no text may hold")
    try:
        table = _read(text)
        for one in _leaves(table, DEEPEST):
            _check_leaf(one)
    except (ValueError, RecursionError) as fault:
        raise invalid_rules(str(fault)) from fault
    return table


def _read(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        if _LONG_NAME.search(text):
            raise ValueError(f"a name has at most {DEEPEST} parts")
        return tomllib.loads(text, parse_float=_number)
    table: dict[str, Any] = json.loads(
        text, parse_float=_number, parse_constant=_number, object_pairs_hook=_object
    )
    return table


def _leaves(value: object, deepest: int) -> Iterator[object]:
    """Every text and number in a table, names among them; escapes may bring in what the text had
    not."""
    if deepest < 0:
        raise ValueError(f"more than {DEEPEST} tables and lists within each other")
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield name
            yield from _leaves(one, deepest - 1)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one, deepest - 1)
    else:
        yield value


def _check_leaf(value: object) -> None:
    """Raises:
    ValueError: a text that cannot be kept, or a whole number that nothing here can be. TOML takes
        one of any length in hexadecimal, which Python does not even write again.
    """
    if isinstance(value, str) and not is_safe_text(value):
        raise ValueError("a character that no text may hold")
    if isinstance(value, int) and abs(value) >= 10**MOST_DIGITS:
        raise ValueError(f"a number has at most {MOST_DIGITS} digits")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; a name twice is a slip, as in TOML."""
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return table


def _number(text: str) -> Decimal:
    """A number with a point, exact; tomllib reads 1_000.5 so, too."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:SHOWN]}: no number") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not -MOST_DECIMALS <= exponent <= MOST_DIGITS:
        raise ValueError(f"{text[:SHOWN]}: a number has at most {MOST_DECIMALS} decimals")
    if len(text) > MOST_DIGITS:
        raise ValueError(f"{text[:SHOWN]}: a number has at most {MOST_DIGITS} characters")
    return number


@cache
def _validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA_FILE.read_text("utf-8")))


def _place(path: Iterable[str | int]) -> str:
    """Where something stands, as parts.0.percent; the whole has no name."""
    return ".".join(str(step) for step in path)


def _worded(fault: ValidationError) -> str:
    """One fault with its row: what stands there where it is short, else what the schema asks."""
    place = _place(fault.absolute_path)
    message = _EXACT.sub(r"\1", fault.message)
    if len(message) > LONGEST_MESSAGE:
        message = f"{fault.validator} must be {fault.validator_value}"[:LONGEST_MESSAGE]
    return f"{place}: {message}" if place else message
