"""The SDK's values: what an Activity refuses, how settings are read, what a signature is."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from ekinerja_connectors import (
    Activity,
    AuthFailed,
    Evidence,
    Fatal,
    InvalidSettings,
    Item,
    Malformed,
    Official,
    Page,
    Predicate,
    Rating,
    Result,
    ResultKind,
    Retryable,
    Skippable,
    address,
    secret,
    wire,
)
from ekinerja_connectors.settings import addresses_of, parse, schema_of
from ekinerja_connectors.testing.signing import sign
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

WIB = timezone(timedelta(hours=7))
NINE = datetime(2026, 3, 2, 9, tzinfo=WIB)
SOUND: dict[str, Any] = {
    "source_id": "a-1",
    "nip": "199001012015011001",
    "kind": "rapat",
    "title": "Rapat koordinasi",
    "occurred_at": NINE,
}


@pytest.mark.parametrize(
    ("field_name", "value", "told"),
    [
        ("nip", "19900101201501100", "18 digits"),
        ("nip", "1.97310072002042E+17", "18 digits"),
        ("nip", "１９９００１０１２０１５０１１００１", "18 digits"),
        ("nip", "199001012015011001\n", "18 digits"),
        ("nip", 199001012015011001, "18 digits"),
        ("occurred_at", datetime(2026, 3, 2, 9), "no time zone"),  # noqa: DTZ001
        ("occurred_at", "2026-03-02T09:00:00+07:00", "must be a datetime"),
        ("ended_at", NINE - timedelta(seconds=1), "before occurred_at"),
        ("ended_at", datetime(2026, 3, 2, 10), "no time zone"),  # noqa: DTZ001
        ("title", " ", "blank"),
        ("title", "a\x00b", "NUL"),
        ("title", "a\ud800b", "surrogate"),
        ("title", "a" * 501, "at most 500"),
        ("description", "a" * 10_001, "at most 10000"),
        ("source_id", "a" * 201, "at most 200"),
        ("kind", "", "blank"),
        ("quantity", 1.5, "must be a Decimal"),
        ("quantity", Decimal("NaN"), "finite"),
        ("quantity", Decimal("Infinity"), "finite"),
        ("quantity", Decimal("-1"), "between 0"),
        ("quantity", Decimal("1e400"), "between 0"),
        ("quantity", Decimal("0.0000001"), "decimal places"),
        ("evidence", [], "tuple"),
        ("evidence", ("x",), "Evidence only"),
    ],
)
def test_activity_refuses_what_cannot_be_taken(field_name: str, value: Any, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        Activity(**{**SOUND, field_name: value})


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "/relative", "http://", "ftp://host/x", "http://[half"]
)
def test_evidence_refuses_what_is_no_web_address(url: str) -> None:
    with pytest.raises(Malformed, match="evidence url"):
        Evidence(title="Notula", url=url)


def test_end_past_midnight_in_another_zone_is_taken() -> None:
    end = datetime(2026, 3, 2, 18, tzinfo=UTC)  # 01.00 WIB of the next day

    assert Activity(**{**SOUND, "ended_at": end}).ended_at == end


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1).filter(
    lambda text: text.strip() and len(text) <= 100
)


@given(
    title=texts,
    category=st.none() | texts,
    length=st.none() | st.timedeltas(timedelta(0), timedelta(days=2)),
    quantity=st.none() | st.decimals(0, 10**11, allow_nan=False, allow_infinity=False, places=6),
)
def test_activity_comes_back_from_json_as_it_was(
    title: str, category: str | None, length: timedelta | None, quantity: Decimal | None
) -> None:
    activity = Activity(
        **SOUND
        | {
            "title": title,
            "category": category,
            "ended_at": None if length is None else NINE + length,
            "quantity": quantity,
            "evidence": (Evidence(title="Notula", url="https://contoh.example/1"),),
        }
    )

    assert Activity.from_json(json.loads(json.dumps(activity.to_json()))) == activity


@pytest.mark.parametrize(
    "change",
    [{"nip": None}, {"extra": 1}, {"occurred_at": 5}, {"evidence": [{}]}, {"quantity": "many"}],
)
def test_activity_from_foreign_json_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        Activity.from_json({**Activity(**SOUND).to_json(), **change})


@pytest.mark.parametrize("value", [None, [], {"items": {}}, {"items": [{"source_id": 1}]}])
def test_page_from_foreign_json_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        wire.decode_page(value)


def test_page_survives_the_wire_with_a_lone_surrogate_in_a_payload() -> None:
    item = Item(source_id="a", payload={"hal": "\ud800 \x00 é"})
    page = Page(items=(item,), next_cursor="7", more=True)

    line = wire.encode_line(wire.encode_page(page))

    assert line.count(b"\n") == 1
    assert wire.decode_page(json.loads(line)) == page


@pytest.mark.parametrize(
    "error",
    [
        Retryable("r", timedelta(seconds=1.5)),
        Skippable("s"),
        Fatal("f"),
        AuthFailed("a"),
        Malformed("m"),
        InvalidSettings("i"),
    ],
)
def test_error_keeps_its_class_on_the_wire(error: Exception) -> None:
    found = wire.decode_error(json.loads(wire.encode_line(wire.encode_error(error))))

    assert type(found) is type(error)
    assert str(found) == str(error)
    assert getattr(found, "retry_after", None) == getattr(error, "retry_after", None)


@pytest.mark.parametrize(
    ("asked", "kept"),
    [(timedelta.max, timedelta(days=1)), (timedelta(seconds=-5), timedelta(0))],
)
def test_pause_that_a_plugin_asks_for_is_bounded(asked: timedelta, kept: timedelta) -> None:
    found = wire.decode_error(wire.encode_error(Retryable("later", asked)))

    assert isinstance(found, Retryable)
    assert found.retry_after == kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    path: str = "/a"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    base_url: str = address()
    token: str = secret()
    size: int = 10
    strict: bool = False
    states: tuple[str, ...] = ("a",)
    names: Mapping[str, Inner] = field(default_factory=dict)
    note: str | None = None
    inner: Inner = field(default_factory=Inner)


GIVEN: dict[str, Any] = {"base_url": "https://contoh.example/api", "token": "buatan"}


def test_settings_are_read_with_nested_values_and_defaults() -> None:
    found = parse(
        Settings, {**GIVEN, "states": ["x", "y"], "names": {"n": {"path": "/n"}}, "note": None}
    )

    assert found == Settings(
        base_url="https://contoh.example/api",
        token="buatan",
        states=("x", "y"),
        names={"n": Inner(path="/n")},
    )
    assert addresses_of(found) == ("https://contoh.example/api",)
    assert "buatan" not in repr(found)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"size": True}, "size must be integer"),
        ({"size": "10"}, "size must be integer"),
        ({"strict": 1}, "strict must be boolean"),
        ({"states": "ab"}, "states must be a list"),
        ({"states": [1]}, r"states\[0\] must be string"),
        ({"names": {"n": {"pth": "/n"}}}, r"names\[n\].pth is not known"),
        ({"inner": 5}, "inner. must be an object"),
        ({"base_url": "file:///etc/passwd"}, "base_url must be an address"),
        ({"base_url": "https://user:pw@contoh.example"}, "must not carry a user"),
        ({"base_url": "https://contoh.example:99999"}, "base_url must be an address"),
        ({"unknown": 1}, "unknown is not known"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidSettings, match=told):
        parse(Settings, {**GIVEN, **change})


def test_every_fault_of_the_settings_is_listed() -> None:
    with pytest.raises(InvalidSettings) as caught:
        parse(Settings, {"size": "x", "strict": "y"})

    assert str(caught.value).count(";") == 3  # two wrong, two missing


def test_schema_marks_secrets_and_addresses_and_shows_no_default_of_a_secret() -> None:
    schema: Any = schema_of(Settings)

    assert schema["required"] == ["base_url", "token"]
    assert schema["properties"]["token"] == {"type": "string", "writeOnly": True}
    assert schema["properties"]["base_url"] == {"type": "string", "format": "uri"}
    assert schema["properties"]["size"] == {"type": "integer", "default": 10}
    assert schema["properties"]["names"]["additionalProperties"]["properties"]["path"]["default"]


def test_setting_of_a_type_that_no_form_can_show_is_refused() -> None:
    odd = dataclasses.make_dataclass("Odd", [("when", datetime)], frozen=True)

    with pytest.raises(TypeError, match="when"):
        schema_of(odd)


def test_signature_is_what_the_standard_library_of_the_host_verifies() -> None:
    secret_text = "whsec_" + "Y29udG9oLWt1bmNpLXVudHVrLXVqaS1jb2JhIQ=="
    body = json.dumps({"hal": "é"}).encode()

    headers = sign(secret_text, "msg_1", datetime.now(UTC), body)

    assert Webhook(secret_text).verify(body, headers) == {"hal": "é"}


@pytest.mark.parametrize("secret_text", ["Y29udG9o", "whsec_Y29udG9o", "whsec_*"])
def test_secret_that_is_too_short_or_of_another_form_signs_nothing(secret_text: str) -> None:
    with pytest.raises(ValueError, match=r"whsec_|bytes|base64"):
        sign(secret_text, "msg_1", datetime.now(UTC), b"")


def result(begins: date, ends: date, year: int) -> Result:
    official = Official(nip="190001011900010001", name="Contoh", position="Arsiparis", unit="Umum")
    return Result(
        id="hasil-1",
        kind=ResultKind.QUARTERLY,
        year=year,
        starts_on=begins,
        ends_on=ends,
        employee=official,
        appraiser=official,
        work=Rating.MEETS,
        behaviour=Rating.MEETS,
        predicate=Predicate.GOOD,
    )


def test_result_is_of_the_year_in_which_it_ends_and_may_begin_in_the_one_before() -> None:
    winter = date(2025, 11, 1), date(2026, 1, 31)

    assert wire.decode_result(wire.encode_result(result(*winter, 2026))) == result(*winter, 2026)
    for days, year in ((winter, 2025), ((date(2024, 12, 31), winter[1]), 2026)):
        with pytest.raises(Malformed, match="does not end in"):
            result(*days, year)
