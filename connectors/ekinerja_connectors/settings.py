"""Settings: how a connector declares them, and how what an administrator wrote becomes them.

A connector declares a frozen dataclass. Its fields may be str, int, bool, an optional one, a
tuple of one, a mapping from text to one, or another such dataclass. `secret()` marks what must
never be shown again; `address()` marks a URL that the connector may call, and only those.
"""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit

from .activity import JSON
from .errors import InvalidSettings

__all__ = [
    "address",
    "addresses_of",
    "hidden",
    "parse",
    "schema_of",
    "secret",
    "secrets_of",
    "unmarked_secrets",
    "unmarked_texts",
]

T = TypeVar("T")
SECRET = "ekinerja.secret"  # noqa: S105 - the name of a mark, not a secret
SECRET_TEXT = "[rahasia]"  # noqa: S105 - what is shown instead of a secret
_ADDRESS = "ekinerja.address"
_LOOKS_SECRET = re.compile(r"password|passphrase|secret|token(?!_url)|api_?key|private", re.I)
_SCALARS = {str: "string", int: "integer", bool: "boolean"}


def secret(*, default: Any = dataclasses.MISSING) -> Any:
    """A field that is never read back and absent from `repr`."""
    return dataclasses.field(default=default, repr=False, metadata={SECRET: True})


def address(
    *, default: Any = dataclasses.MISSING, schemes: tuple[str, ...] = ("http", "https")
) -> Any:
    """A field that holds a URL which the connector may call.

    Of another scheme than http and https, such as smtp, it names its port, and is reached by
    `Http.connect`.
    """
    return dataclasses.field(default=default, metadata={_ADDRESS: schemes})


def addresses_of(settings: Any) -> tuple[str, ...]:
    """The URLs in the address fields of a settings instance."""
    return tuple(
        getattr(settings, one.name)
        for one in dataclasses.fields(settings)
        if one.metadata.get(_ADDRESS) and getattr(settings, one.name)
    )


def _fields_of(settings: Any) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    """Every field of a settings instance with its value, those of nested settings too."""
    if isinstance(settings, tuple):
        for one in settings:
            yield from _fields_of(one)
    elif isinstance(settings, Mapping):
        for one in settings.values():
            yield from _fields_of(one)
    elif dataclasses.is_dataclass(settings):
        for field in dataclasses.fields(settings):
            value = getattr(settings, field.name)
            yield field, value
            yield from _fields_of(value)


def secrets_of(settings: Any) -> tuple[str, ...]:
    """The texts in the secret fields of a settings instance, nested ones too."""
    found: list[str] = []
    for field, value in _fields_of(settings):
        if field.metadata.get(SECRET):
            found.extend(_texts_in(value))
    return tuple(found)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value:
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts_in(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from _texts_in(one)


def hidden(settings: Any, given: JSON) -> JSON:
    """`given` with `[rahasia]` wherever it holds a secret of the parsed `settings`."""
    secrets = set(secrets_of(settings))
    if isinstance(given, str):
        return SECRET_TEXT if given in secrets else given
    if isinstance(given, Mapping):
        return {name: hidden(settings, one) for name, one in given.items()}
    if isinstance(given, Sequence):
        return [hidden(settings, one) for one in given]
    return given


def unmarked_texts(settings: Any) -> dict[str, str]:
    """The texts of a settings instance that may be shown, by their fields' names."""
    return {
        field.name: value
        for field, value in _fields_of(settings)
        if isinstance(value, str) and value and not field.metadata.get(SECRET)
    }


def unmarked_secrets(settings: Any) -> tuple[str, ...]:
    """Names of fields that look like secrets and are not declared with `secret()`."""
    return tuple(
        field.name
        for field, _ in _fields_of(settings)
        if _LOOKS_SECRET.search(field.name) and not field.metadata.get(SECRET)
    )


def parse(declared: type[T], given: Mapping[str, JSON]) -> T:
    """An instance of the dataclass `declared` from what an administrator gave.

    Raises:
        InvalidSettings: lists each unknown, missing or wrong field. Values are never repeated
            in it, since one of them may be a secret in the wrong place.
    """
    faults: list[str] = []
    value = _parse_dataclass(declared, given, "", faults)
    if faults:
        raise InvalidSettings("; ".join(faults))
    assert isinstance(value, declared)
    return value


def _parse_dataclass(declared: Any, given: JSON, at: str, faults: list[str]) -> Any:
    if not isinstance(given, Mapping):
        faults.append(f"{at or 'settings'} must be an object")
        return None
    before = len(faults)
    hints = get_type_hints(declared)
    known = {one.name: one for one in dataclasses.fields(declared)}
    faults.extend(f"{at}{name} is not known" for name in given if name not in known)
    values = {}
    for name, one in known.items():
        if name in given:
            values[name] = _parse_value(hints[name], given[name], f"{at}{name}", faults)
            if one.metadata.get(_ADDRESS) and values[name]:
                schemes = one.metadata[_ADDRESS]
                faults.extend(_address_faults(f"{at}{name}", str(values[name]), schemes))
        elif one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            faults.append(f"{at}{name} is missing")
    if len(faults) > before:
        return None
    try:
        return declared(**values)
    except ValueError as error:  # what the connector's own __post_init__ refuses
        faults.append(f"{at}{error}")
        return None


def _address_faults(name: str, value: str, schemes: Sequence[str]) -> Iterator[str]:
    try:
        parts = urlsplit(value)
        sound = parts.scheme in schemes and parts.hostname and parts.port != 0
        portless = parts.scheme not in ("http", "https") and parts.port is None
    except ValueError:
        sound = portless = False
    if not sound:
        begins = " or ".join(f"{one}://" for one in schemes)
        yield f"{name} must be an address that begins with {begins}"
    elif portless:
        yield f"{name} must name its port, as in {schemes[0]}://host.example:25"
    elif parts.username or parts.password:
        yield f"{name} must not carry a user or password"


def _parse_value(hint: Any, given: JSON, at: str, faults: list[str]) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType) and type(None) in arguments:
        (inner,) = (one for one in arguments if one is not type(None))
        return None if given is None else _parse_value(inner, given, at, faults)
    if dataclasses.is_dataclass(hint):
        return _parse_dataclass(hint, given, f"{at}.", faults)
    if origin is tuple:
        if isinstance(given, str) or not isinstance(given, Sequence):
            faults.append(f"{at} must be a list")
            return ()
        return tuple(
            _parse_value(arguments[0], one, f"{at}[{index}]", faults)
            for index, one in enumerate(given)
        )
    if origin is Mapping:
        if not isinstance(given, Mapping):
            faults.append(f"{at} must be an object")
            return {}
        return {
            name: _parse_value(arguments[1], one, f"{at}[{name}]", faults)
            for name, one in given.items()
        }
    # bool is an int in Python, so that isinstance would take true for a page size.
    if type(given) is not hint:
        faults.append(f"{at} must be {_SCALARS.get(hint, 'of a type the SDK knows')}")
    return given


def schema_of(declared: type[Any]) -> dict[str, JSON]:
    """The JSON Schema of a settings dataclass; secrets are `writeOnly`, addresses `uri`.

    Raises:
        TypeError: a field has a type that settings cannot have.
    """
    hints = get_type_hints(declared)
    properties: dict[str, JSON] = {}
    required: list[JSON] = []
    for one in dataclasses.fields(declared):
        entry = dict(_schema_of_value(hints[one.name], one.name))
        if one.metadata.get(SECRET):
            entry["writeOnly"] = True
        if one.metadata.get(_ADDRESS):
            entry["format"] = "uri"
        if one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING:
            required.append(one.name)
        elif isinstance(one.default, str | int) and not one.metadata.get(SECRET):
            entry["default"] = one.default
        properties[one.name] = entry
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def _schema_of_value(hint: Any, name: str) -> Mapping[str, JSON]:
    origin, arguments = get_origin(hint), get_args(hint)
    nested: dict[Any, Callable[[], Mapping[str, JSON]]] = {
        tuple: lambda: {"type": "array", "items": _schema_of_value(arguments[0], name)},
        Mapping: lambda: {
            "type": "object",
            "additionalProperties": _schema_of_value(arguments[1], name),
        },
    }
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return schema_of(hint)
    if origin in (Union, types.UnionType) and type(None) in arguments:
        inner = [one for one in arguments if one is not type(None)]
        if len(inner) == 1:
            return {"anyOf": [_schema_of_value(inner[0], name), {"type": "null"}]}
    if origin in nested and (origin is not tuple or arguments[1:] == (...,)):
        return nested[origin]()
    raise TypeError(f"setting {name} is {hint}, which settings cannot be")
