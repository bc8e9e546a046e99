"""Pure rules of a connector's settings: which are secret, what is wrong with them, what changed.

A plugin says by JSON Schema what it takes, with `writeOnly` where nobody may read it again. No
message here repeats a value, since a secret may stand in the wrong place.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError

from schema.errors import DomainError, ErrorCode
from schema.feeds.rules import storable

MOST_CHARACTERS = 64 * 1024
"""Of all settings of a connector as JSON."""
MOST_FAULTS = 20
Settings = Mapping[str, Any]
Schema = Mapping[str, Any]
FORMATS = FormatChecker(formats=())

_EXPECTED = {
    "type": "must be of type {0}",
    "enum": "must be one of those that the plugin names",
    "const": "must be what the plugin names",
    "minimum": "must be at least {0}",
    "maximum": "must be at most {0}",
    "minLength": "must have at least {0} characters",
    "maxLength": "must have at most {0} characters",
    "minItems": "must have at least {0} entries",
    "maxItems": "must have at most {0} entries",
    "pattern": "must match the pattern {0}",
    "format": "must be an address that begins with http:// or https://, without user or password",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Settings in two: what may be shown, and what may not, each in the shape of the whole."""

    plain: dict[str, Any]
    secret: dict[str, Any]


def split(schema: Schema, settings: Settings) -> Split:
    """Part the settings by their schema.

    {"user": "a", "auth": {"realm": "b", "password": "c"}} with a `writeOnly` password ->
    plain {"user": "a", "auth": {"realm": "b"}}, secret {"auth": {"password": "c"}}. A list or a
    mapping that has a secret anywhere inside is secret as a whole.
    """
    plain, secret = dict[str, Any](), dict[str, Any]()
    for name, value in settings.items():
        part = _part(schema, name)
        if _is_secret(part):
            secret[name] = value
        elif _is_object(part) and isinstance(value, Mapping):
            inner = split(part, value)
            plain[name] = inner.plain
            if inner.secret:
                secret[name] = inner.secret
        else:
            plain[name] = value
    return Split(plain=plain, secret=secret)


def shown(schema: Schema | None, settings: Settings) -> dict[str, Any]:
    """What may be shown of stored settings, also where a newer plugin marks more as secret."""
    return split(schema or {}, settings).plain


def merged(plain: Settings, secret: Settings) -> dict[str, Any]:
    """The settings as a whole again."""
    whole = dict(plain)
    for name, value in secret.items():
        known = whole.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        whole[name] = merged(known, value) if both else value  # type: ignore[arg-type]
    return whole


def written_over(schema: Schema, kept: Settings, given: Settings) -> Split:
    """New settings over kept secrets: those that are not given stay, null clears one.

    A kept one that the plugin takes no more as a secret is let go, never shown.
    """
    new = split(schema, given)
    return Split(plain=new.plain, secret=_over(split(schema, kept).secret, new.secret))


def secret_names(secret: Settings, at: str = "") -> list[str]:
    """Names of the secrets that are set, sorted, with dots where they are inside of others."""
    names = []
    for name, value in secret.items():
        if isinstance(value, Mapping) and value:
            names += secret_names(value, f"{at}{name}.")
        elif value is not None:
            names.append(f"{at}{name}")
    return sorted(names)


def changed_names(before: Settings, after: Settings) -> list[str]:
    """Names of the top-level settings that differ, sorted: for the record of who did what."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))


def faults(schema: Schema, settings: Settings) -> list[DomainError]:
    """What is wrong, one refusal a field, with its path. Empty where nothing is."""
    if len(json.dumps(settings)) > MOST_CHARACTERS:
        return [DomainError(ErrorCode.TEXT_TOO_LONG, field="settings", limit=MOST_CHARACTERS)]
    if storable(settings) is None:
        detail = "the settings hold a NUL or a lone surrogate"
        return [DomainError(ErrorCode.BAD_USER_INPUT, field="settings", detail=detail)]
    try:
        Draft202012Validator.check_schema(schema)
        found = list(Draft202012Validator(schema, format_checker=FORMATS).iter_errors(settings))
    except SchemaError:
        detail = "the plugin's own schema is not valid"
        return [DomainError(ErrorCode.BAD_USER_INPUT, field="settings", detail=detail)]
    told = sorted({one for fault in found for one in _told(fault)})[:MOST_FAULTS]
    return [
        DomainError(ErrorCode.BAD_USER_INPUT, field=path, detail=f"{path} {words}")
        for path, words in told
    ]


def _told(fault: ValidationError) -> Iterator[tuple[str, str]]:
    """The path of each field that a fault is about, and what is wrong with it."""
    path = "settings" + "".join(
        f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault.absolute_path
    )
    within: Any = fault.instance
    limit: Any = fault.validator_value
    known = fault.schema.get("properties", {}) if isinstance(fault.schema, Mapping) else {}
    match fault.validator:
        case "required":
            yield from ((f"{path}.{one}", "is missing") for one in limit if one not in within)
        case "additionalProperties" if limit is False:
            strange = [str(one)[:60] for one in within if one not in known]
            yield from ((f"{path}.{one}", "is not known") for one in strange)
        case "anyOf" | "oneOf" if fault.context:
            yield from _told(max(fault.context, key=lambda one: len(one.absolute_path)))
        case _:
            words = _EXPECTED.get(str(fault.validator), "is not what the plugin takes")
            yield path, words.format(limit)


def _over(kept: Settings, given: Settings) -> dict[str, Any]:
    whole = dict(kept)
    for name, value in given.items():
        known = whole.get(name)
        if value is None:
            whole.pop(name, None)
        elif isinstance(known, Mapping) and isinstance(value, Mapping):
            whole[name] = _over(known, value)
        else:
            whole[name] = value
    return whole


def _part(schema: Schema, name: str) -> Any:
    """The schema of one setting; what a schema does not name is of its `additionalProperties`."""
    properties = schema.get("properties")
    if isinstance(properties, Mapping) and name in properties:
        return properties[name]
    return schema.get("additionalProperties", {})


def _is_object(part: Any) -> bool:
    """An object whose fields are all named, so that it can be parted field by field."""
    return isinstance(part, Mapping) and isinstance(part.get("properties"), Mapping)


def _is_secret(part: Any) -> bool:
    if not isinstance(part, Mapping):
        return False
    if part.get("writeOnly") is True:
        return True
    rest = {key: one for key, one in part.items() if key != "properties"}
    return _holds_secret(rest if _is_object(part) else part)


def _holds_secret(value: Any) -> bool:
    """Whether `writeOnly` stands anywhere inside. A reference may lead to one, so it counts."""
    if isinstance(value, Mapping):
        if value.get("writeOnly") is True or "$ref" in value:
            return True
        return any(map(_holds_secret, value.values()))
    return isinstance(value, list) and any(map(_holds_secret, value))


@FORMATS.checks("uri")
def _is_address(value: object) -> bool:
    if not isinstance(value, str) or not value:
        return True  # an empty one is none, which the plugin may take
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        return False
    guarded = parts.username is not None or parts.password is not None
    return parts.scheme in ("http", "https") and bool(host) and port != 0 and not guarded
