"""What the next version of a connector's settings may change, and what would lose installations."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ekinerja_connectors import Connector, address, secret
from ekinerja_connectors.contract import Contract, breaks, contract_of

from tests.connectors.sound import CONTRACT, Sound


def version(**fields: Any) -> type[Connector[Any]]:
    """`Sound` with settings of these fields: a type, or a type and a field."""
    declared = [
        (name, *given) if isinstance(given, tuple) else (name, given)
        for name, given in fields.items()
    ]
    made = dataclasses.make_dataclass("Settings", declared, frozen=True, kw_only=True)
    return type("Next", (Sound,), {"settings": made})


def promised(given: Mapping[str, Any], **fields: Any) -> Contract:
    return contract_of(version(**fields), given, None)


ITEM = dataclasses.make_dataclass("Item", [("nip", str)], frozen=True)
LARGER = dataclasses.make_dataclass("Item", [("nip", str), ("pin", str)], frozen=True)


@pytest.mark.parametrize(
    ("given", "before", "after", "words"),
    [
        ({"a": "x"}, {"a": str}, {"a": str}, None),
        ({"a": "x"}, {"a": str}, {"a": str, "b": (int, 1)}, None),
        ({"a": "x"}, {"a": str}, {"a": (str, "")}, None),
        ({"a": "x"}, {"a": str}, {"a": str | None}, None),
        ({"a": "x"}, {"a": str}, {"a": (str, secret())}, None),
        ({"a": "x"}, {"a": str}, {"a": str, "b": int}, "setting b is new and has no default"),
        ({}, {"a": (str, "")}, {"a": str}, "setting a had a default and is now required"),
        ({"a": "x"}, {"a": str}, {}, "setting a was removed"),
        ({"a": "x"}, {"a": str}, {"a": int}, "setting a could be string and no longer can"),
        ({"a": None}, {"a": str | None}, {"a": str}, "setting a could be null"),
        ({"a": "https://x.example"}, {"a": str}, {"a": (str, address())}, "must be uri"),
        ({"a": "x"}, {"a": (str, secret())}, {"a": str}, "was secret and would be shown"),
        ({"a": [1]}, {"a": tuple[int, ...]}, {"a": tuple[str, ...]}, "setting a[] could be"),
        ({"a": {"x": 1}}, {"a": Mapping[str, int]}, {"a": Mapping[str, bool]}, "a[] could be"),
        ({"a": {"nip": "1"}}, {"a": ITEM}, {"a": LARGER}, "setting a pin is new"),
        ({"a": {"nip": "1"}}, {"a": ITEM}, {"a": Mapping[str, str]}, "other names in it"),
        ({"a": [{"nip": "1"}]}, {"a": tuple[ITEM, ...]}, {"a": tuple[LARGER, ...]}, "pin is new"),
    ],
)
def test_next_version_takes_what_the_former_took(
    given: dict[str, Any], before: dict[str, Any], after: dict[str, Any], words: str | None
) -> None:
    found = "; ".join(breaks(promised(given, **before), version(**after)))

    assert words in found if words else found == ""


def test_capability_that_is_gone_and_another_name_are_told() -> None:
    former = dataclasses.replace(
        CONTRACT, connector="other", capabilities=(*CONTRACT.capabilities, "telepathy")
    )

    assert breaks(former, Sound) == (
        "capability telepathy was there and is not written any more",
        "the name was other and is sound",
    )


def test_contract_survives_its_file_and_holds_no_secret(tmp_path: Path) -> None:
    given = {"base_url": "https://x.example", "api_token": "sangat-rahasia", "page_size": 2}
    made = contract_of(Sound, given, "4")
    file = tmp_path / "contract.json"
    file.write_text(made.text(), "utf-8")

    assert Contract.read(file) == made
    assert "sangat-rahasia" not in made.text()
    assert made.settings["api_token"] == "[rahasia]"


def test_file_that_is_no_contract_is_told(tmp_path: Path) -> None:
    file = tmp_path / "contract.json"
    file.write_text("{}", "utf-8")

    with pytest.raises(ValueError, match=r"contract\.json is no contract"):
        Contract.read(file)
