"""What is asked when the service fails: each failure by its name, and no secret in it."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from ...errors import AuthFailed, ConnectorError, Fatal, Retryable
from ...items import Page
from ...settings import secrets_of
from ..checks import check
from ..front import Fault, answering, echoing, silence
from .base import Stage, SuiteBase

__all__ = ["FailureChecks", "listening_to_logs"]

#: How long an exchange may take in the check of a service that is silent.
SHORT = timedelta(seconds=0.4)
_HTML = answering(200, "<html>Sedang dalam pemeliharaan</html>", {"Content-Type": "text/html"})


class FailureChecks(SuiteBase):
    """Errors are named by what happens next."""

    def _outcome(self, method: str, fault: Fault, **given: Any) -> object:
        """What a call gives, or the exception that it raises, while everything fails so."""

        async def call(stage: Stage) -> object:
            stage.front.fault = fault
            try:
                return await self._calls(stage.connector)[method]()
            except Exception as error:  # the test judges it
                return error

        return self._run(call, **given)

    @check("401 is AuthFailed", "silver")
    def test_refused_credentials_are_auth_failed(self) -> None:
        for method in self._reaching():
            outcome = self._outcome(method, answering(401, "{}"))
            assert isinstance(outcome, AuthFailed), f"{method}: 401 gave {_shown(outcome)}"

    @check("429, 500 and 503 are Retryable", "silver")
    def test_busy_or_broken_service_is_retryable(self) -> None:
        for method in self._reaching():
            for status in (429, 500, 503):
                outcome = self._outcome(method, answering(status))
                assert isinstance(outcome, Retryable), f"{method}: {status} gave {_shown(outcome)}"

    @check("404 and 410 are Fatal, or nothing there", "silver")
    def test_what_is_not_there_is_fatal_or_empty(self) -> None:
        for method in self._reaching():
            for status in (404, 410):
                outcome = self._outcome(method, answering(status, "{}"))
                empty = isinstance(outcome, Page) and not outcome.items and not outcome.more
                directory = method == "directory" and not isinstance(outcome, Exception)
                assert isinstance(outcome, Fatal) or empty or directory, (
                    f"{method}: {status} gave {_shown(outcome)}"
                )

    @check("HTML where data should be is Retryable", "silver")
    def test_html_instead_of_data_is_retryable(self) -> None:
        for method in self._reaching():
            outcome = self._outcome(method, _HTML)
            assert isinstance(outcome, Retryable), f"{method}: HTML gave {_shown(outcome)}"

    @check("an answer of another shape is an error with a name", "gold")
    def test_answer_of_another_shape_is_a_named_error(self) -> None:
        kind = {"Content-Type": "application/json"}
        for method in self._reaching():
            for body in ("null", "5", '"x"', "[]", "{}", "[null]", '{"data": 5}', "\x00\x01\x02"):
                outcome = self._outcome(method, answering(200, body, kind))
                named = isinstance(outcome, ConnectorError) or not isinstance(outcome, Exception)
                assert named, f"{method}: {body!r} gave {_shown(outcome)}"

    @check("a service that never answers is given up as Retryable", "silver")
    def test_silent_service_is_given_up(self) -> None:
        for method in self._reaching():
            outcome = self._outcome(method, silence, total=SHORT)
            assert isinstance(outcome, Retryable), f"{method}: silence gave {_shown(outcome)}"

    @check("no secret in an error, a log or a print", "silver")
    def test_no_secret_is_told_by_errors_or_logs(self) -> None:
        for method in self._reaching():
            for fault in (echoing, _HTML, answering(401, "{}"), answering(503), None):
                told, secrets = self._told(method, fault)
                for one in secrets:
                    assert len(one) >= 6, "give secrets of 6 characters or more in service()"
                    shown = one in told or quote(one, safe="") in told
                    assert not shown, f"{method} shows a secret in an error, a log or a print"

    def _told(self, method: str, fault: Fault | None) -> tuple[str, tuple[str, ...]]:
        """All that a call says, and the secrets it must not say."""

        async def call(stage: Stage) -> tuple[str, tuple[str, ...]]:
            stage.front.fault = fault
            with listening_to_logs() as heard:
                try:
                    await self._calls(stage.connector)[method]()
                except Exception as error:  # a bug's message is shown to people too
                    heard.write(f"{error}")
            return heard.getvalue(), secrets_of(stage.connector.config)

        return self._run(call)


def _shown(outcome: object) -> str:
    if isinstance(outcome, Exception):
        return f"{type(outcome).__name__} ({outcome})"
    return f"a {type(outcome).__name__}, as if all were well"


@contextlib.contextmanager
def listening_to_logs() -> Iterator[io.StringIO]:
    """All that is printed or logged meanwhile, at every level."""
    heard, root = io.StringIO(), logging.getLogger()
    handler, former = logging.StreamHandler(heard), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            yield heard
    finally:
        root.setLevel(former)
        root.removeHandler(handler)
