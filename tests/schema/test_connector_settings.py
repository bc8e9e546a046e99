"""Pure rules of connectors: which settings are secret, what is wrong with them, how one is."""

from typing import Any

import pytest

from schema.feeds.models import BreakerState, ProblemCode
from schema.feeds.rules import CRITICAL, FIXES, Health, fix_of, health
from schema.feeds.settings import (
    changed_names,
    faults,
    merged,
    secret_names,
    shown,
    split,
    written_over,
)

SECRET = {"type": "string", "writeOnly": True}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url", "password"],
    "properties": {
        "url": {"type": "string", "format": "uri"},
        "password": SECRET,
        "size": {"type": "integer", "maximum": 100},
        "auth": {
            "type": "object",
            "additionalProperties": False,
            "required": [],
            "properties": {"user": {"type": "string"}, "token": SECRET},
        },
        "tokens": {"type": "array", "items": SECRET},
        "by_unit": {"type": "object", "additionalProperties": SECRET},
        "login": {"anyOf": [{"type": "object", "properties": {"pin": SECRET}}, {"type": "null"}]},
    },
}
WHOLE = {
    "url": "https://layanan.example",
    "password": "rahasia-1",
    "size": 5,
    "auth": {"user": "sari", "token": "rahasia-2"},
    "tokens": ["rahasia-3"],
    "by_unit": {"1.2": "rahasia-4"},
    "login": {"pin": "rahasia-5"},
}


def test_settings_are_parted_by_what_is_write_only_however_deep() -> None:
    parts = split(SCHEMA, WHOLE)

    assert parts.plain == {"url": WHOLE["url"], "size": 5, "auth": {"user": "sari"}}
    assert "rahasia" not in str(parts.plain)
    assert secret_names(parts.secret) == [
        "auth.token", "by_unit.1.2", "login.pin", "password", "tokens"
    ]  # fmt: skip
    assert merged(parts.plain, parts.secret) == WHOLE


def test_what_a_newer_plugin_marks_as_secret_is_not_shown_although_it_was_kept_plainly() -> None:
    assert shown(SCHEMA, {"url": "x", "password": "rahasia"}) == {"url": "x"}
    assert shown(None, {"url": "x"}) == {"url": "x"}


@pytest.mark.parametrize(
    ("given", "secret"),
    [
        ({"url": "y"}, {"password": "old", "auth": {"token": "t"}}),
        ({"url": "y", "password": "new"}, {"password": "new", "auth": {"token": "t"}}),
        ({"url": "y", "password": None}, {"auth": {"token": "t"}}),
        ({"url": "y", "auth": {"user": "u"}}, {"password": "old", "auth": {"token": "t"}}),
        ({"url": "y", "auth": {"token": None}}, {"password": "old", "auth": {}}),
    ],
)
def test_a_secret_that_is_left_out_stays_and_null_clears_it(
    given: dict[str, Any], secret: dict[str, Any]
) -> None:
    parts = written_over(SCHEMA, {"password": "old", "auth": {"token": "t"}}, given)

    assert parts.secret == secret


def test_a_secret_that_the_plugin_takes_no_more_is_let_go_and_never_shown() -> None:
    parts = written_over(SCHEMA, {"former": "rahasia", "url": "rahasia"}, {"size": 1})

    assert (parts.plain, parts.secret) == ({"size": 1}, {})


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"url": "https://a.example"}, "settings.password", "is missing"),
        (WHOLE | {"size": "rahasia"}, "settings.size", "must be of type integer"),
        (WHOLE | {"size": 101}, "settings.size", "must be at most 100"),
        (WHOLE | {"url": "ftp://rahasia"}, "settings.url", "must be an address"),
        (WHOLE | {"url": "http://u:rahasia@a"}, "settings.url", "without user or password"),
        (WHOLE | {"pasword": "rahasia"}, "settings.pasword", "is not known"),
        (WHOLE | {"auth": {"token": 7}}, "settings.auth.token", "must be of type string"),
        (WHOLE | {"tokens": [7]}, "settings.tokens[0]", "must be of type string"),
        (WHOLE | {"login": "rahasia"}, "settings.login", "must be of type"),
        (WHOLE | {"password": "rahasia\x00"}, "settings", "NUL"),
        (WHOLE | {"password": "x" * 70_000}, "settings", "at most"),
    ],
)
def test_each_wrong_setting_is_named_by_its_path_and_its_value_never_told(
    given: dict[str, Any], field: str, words: str
) -> None:
    found = faults(SCHEMA, given)

    assert [one.field for one in found] == [field]
    assert words in str(found[0])
    assert "rahasia" not in str(found[0])


def test_all_wrong_settings_are_named_at_once() -> None:
    assert [one.field for one in faults(SCHEMA, {"size": "x"})] == [
        "settings.password", "settings.size", "settings.url"
    ]  # fmt: skip
    assert faults(SCHEMA, WHOLE) == []
    assert [one.field for one in faults({"type": 7}, {})] == ["settings"]


def test_the_record_of_a_change_names_what_differs() -> None:
    assert changed_names({"a": 1, "b": 2}, {"b": 3, "c": None, "a": 1}) == ["b"]


WELL: dict[str, Any] = {
    "enabled": True,
    "paused": False,
    "quarantined": False,
    "halted": False,
    "breaker": BreakerState.CLOSED,
    "failures": 0,
    "problems": [],
}


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({}, Health.HEALTHY),
        ({"failures": 1}, Health.DEGRADED),
        ({"failures": 2}, Health.DEGRADED),
        ({"failures": 3}, Health.FAILING),
        ({"problems": [ProblemCode.SERVICE_UNREACHABLE]}, Health.DEGRADED),
        ({"problems": [ProblemCode.PLUGIN_KILLED]}, Health.DEGRADED),
        ({"problems": [ProblemCode.CREDENTIALS_REFUSED]}, Health.FAILING),
        ({"breaker": BreakerState.OPEN}, Health.FAILING),
        ({"breaker": BreakerState.HALF_OPEN}, Health.FAILING),
        ({"halted": True, "breaker": BreakerState.OPEN}, Health.HALTED),
        ({"quarantined": True, "halted": True}, Health.QUARANTINED),
        ({"paused": True, "quarantined": True}, Health.PAUSED),
        ({"enabled": False, "paused": True}, Health.DISABLED),
    ],
)
def test_health_is_the_first_word_that_holds(changes: dict[str, Any], state: Health) -> None:
    assert health(**WELL | changes) is state


def test_every_problem_has_a_fix_in_both_languages() -> None:
    assert set(FIXES) == set(ProblemCode) > CRITICAL
    assert all(fix_of(code).indonesian != fix_of(code).english for code in ProblemCode)
