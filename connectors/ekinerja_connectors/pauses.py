"""How long a service asks us to stay away: Retry-After, and what is left of its rate limits.

Headers in, durations out; who waits is in `http`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

__all__ = ["MAX_RETRY_AFTER", "limit_pause_of", "retry_after_of"]

#: A longer pause than a day is no pause but a mistake; the host looks again then.
MAX_RETRY_AFTER = timedelta(days=1)
#: A reset of so many seconds is no pause from now but a moment since 1970.
_EPOCH = 1_000_000_000
_ITEM = re.compile(r'\s*"(?P<name>[^"]*)"(?P<parameters>(?:\s*;\s*[a-z]+\s*=\s*[^,;]+)*)')
_PARAMETER = re.compile(r";\s*([a-z]+)\s*=\s*([0-9]{1,15})(?![0-9.])")
_PAIR = re.compile(r"\b(remaining|reset)\s*=\s*([0-9]{1,15})")


def retry_after_of(value: str | None, now: datetime) -> timedelta | None:
    """The pause that a Retry-After header asks for, between none and a day.

    RFC 9110, 10.2.3: seconds, or an HTTP date. None where it is absent or cannot be read.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # Digits beyond the cap are not converted: a header of 5,000 of them is no integer.
        pause = MAX_RETRY_AFTER if len(text) > 9 else timedelta(seconds=int(text))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        pause = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(pause, timedelta(0)), MAX_RETRY_AFTER)


def limit_pause_of(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long nothing is left of the service's limit; None while something is.

    Read are `RateLimit` with `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers, `r` left
    for `t` seconds, or for the policy's window `w`), the earlier drafts' `limit=, remaining=,
    reset=` and `RateLimit-Remaining` with `-Reset`, and the same with `X-` before them.
    """
    pauses = [*_items(headers), *_pairs(headers.get("RateLimit", ""), now)]
    for prefix in ("", "X-"):
        left = _number(headers.get(f"{prefix}RateLimit-Remaining"))
        reset = _number(headers.get(f"{prefix}RateLimit-Reset"))
        if left == 0 and reset is not None:
            pauses.append(_until(reset, now))
    return max(pauses, default=None)


def _items(headers: Mapping[str, str]) -> list[timedelta]:
    windows = {
        name: parameters["w"]
        for name, parameters in _parsed(headers.get("RateLimit-Policy", ""))
        if "w" in parameters
    }
    return [
        _bounded(parameters.get("t", windows.get(name, 0)))
        for name, parameters in _parsed(headers.get("RateLimit", ""))
        if parameters.get("r") == 0
    ]


def _parsed(header: str) -> list[tuple[str, dict[str, int]]]:
    """The items of a structured field (RFC 9651) with their whole numbers."""
    return [
        (found["name"], {k: int(v) for k, v in _PARAMETER.findall(found["parameters"])})
        for found in _ITEM.finditer(header)
    ]


def _pairs(header: str, now: datetime) -> list[timedelta]:
    given = {name: int(value) for name, value in _PAIR.findall(header)}
    return [_until(given["reset"], now)] if given.get("remaining") == 0 and "reset" in given else []


def _number(value: str | None) -> int | None:
    text = (value or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None


def _until(reset: int, now: datetime) -> timedelta:
    seconds = reset - now.timestamp() if reset > _EPOCH else reset
    return _bounded(seconds)


def _bounded(seconds: float) -> timedelta:
    return timedelta(seconds=min(max(seconds, 0), MAX_RETRY_AFTER.total_seconds()))
