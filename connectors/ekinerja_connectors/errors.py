"""The errors a connector raises, each named by what happens next. Nothing else belongs here.

`KINDS` is how they are spelt between the child process and its host.
"""

from __future__ import annotations

from datetime import timedelta

__all__ = [
    "KINDS",
    "AuthFailed",
    "ConnectorError",
    "Fatal",
    "InvalidCursor",
    "InvalidSettings",
    "Malformed",
    "Retryable",
    "Skippable",
]


class ConnectorError(Exception):
    """The base of all of them; raise one of the others."""


class Retryable(ConnectorError):
    """The same call may succeed later: it is made again, with a growing pause.

    `retry_after` is the least pause that the service asked for; None when it said nothing.
    """

    def __init__(self, message: str, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Skippable(ConnectorError):
    """This item is no activity, or this result is of a kind that the service does not take: it is
    counted with the reason given, and passed over."""


class Fatal(ConnectorError):
    """Repeating gives the same answer: an administrator has to look.

    Out of `fetch` or `receive` it stops the installation; out of `translate` it sends this one
    item to the dead letters, and the next items go on. Out of `send` it holds this one result until
    an administrator sends it again; five in a row are taken for a fault of the service.
    """


class Malformed(Fatal, ValueError):
    """This item can never be read (a NIP of 17 digits, an end before its start)."""


class AuthFailed(Fatal):
    """The service refuses the credentials: the administrator is asked for new ones."""


class InvalidCursor(Fatal):
    """The cursor cannot be read any more: the administrator is asked to reset it."""


class InvalidSettings(Fatal):
    """The settings do not fit what the connector declares; the message lists each fault."""


#: Most particular class first: the kind of an error is that of the first class it belongs to.
KINDS: tuple[tuple[str, type[ConnectorError]], ...] = (
    ("retryable", Retryable),
    ("skippable", Skippable),
    ("malformed", Malformed),
    ("auth_failed", AuthFailed),
    ("invalid_cursor", InvalidCursor),
    ("invalid_settings", InvalidSettings),
    ("fatal", Fatal),
)
