"""What is asked of a connector's class, of its settings, and of their next version."""

from __future__ import annotations

import contextlib
from typing import Any

from ...connector import faults_of
from ...contract import breaks
from ...errors import ConnectorError, InvalidSettings
from ...settings import SECRET_TEXT, parse, schema_of, secrets_of, unmarked_secrets, unmarked_texts
from ..checks import check, none_of, not_shown
from .base import Stage, SuiteBase

__all__ = ["SettingsChecks"]

#: A secret of another form than the real one: a fault that repeats it would show it.
_PROBE = "rahasia-percobaan-7f3a"
#: Values of the right type that few connectors expect.
_ODD: dict[str, tuple[Any, ...]] = {
    "string": ("", " ", "\x00", "x" * 10_000, "https://contoh.example"),
    "integer": (0, -1, 10**12),
    "array": ([],),
    "object": ({},),
}


class SettingsChecks(SuiteBase):
    """Configuration: contract, secrets, and what the previous version promised."""

    @check("keeps to the contract of the SDK", "bronze")
    def test_class_keeps_to_the_contract(self) -> None:
        none_of(faults_of(self.connector), "it breaks the contract")
        schema_of(self.connector.settings)

    @check("what looks like a secret is marked", "bronze")
    def test_what_looks_like_a_secret_is_marked(self) -> None:
        async def look(stage: Stage) -> tuple[str, ...]:
            return unmarked_secrets(stage.connector.config)

        none_of(self._run(look), "declare these with secret()")

    @check("no unmarked setting is sent as a credential", "silver")
    def test_what_is_sent_as_a_credential_is_marked(self) -> None:
        async def look(stage: Stage) -> list[str]:
            for call in self._calls(stage.connector).values():
                with contextlib.suppress(ConnectorError):  # what was sent is seen all the same
                    await call()
            sent = {
                part
                for one in stage.front.seen
                for name, value in one.headers.items()
                if name.lower() in ("authorization", "x-api-key", "x-auth-token", "cookie")
                for part in value.split()
            }
            shown = unmarked_texts(stage.connector.config)
            return [name for name, value in shown.items() if value in sent]

        self._reaching()
        none_of(self._run(look), "these are sent as credentials; declare them with secret()")

    @check("repr shows no secret", "bronze")
    def test_no_secret_is_shown_by_repr(self) -> None:
        async def look(stage: Stage) -> int:
            shown = f"{stage.connector!r} {stage.connector} {stage.connector.config!r}"
            return sum(one in shown for one in secrets_of(stage.connector.config))

        assert self._run(look) == 0, "repr shows a secret"

    @check("odd settings are taken, or refused with words that show no secret", "bronze")
    def test_odd_settings_are_taken_or_refused(self) -> None:
        async def settings(stage: Stage) -> tuple[dict[str, Any], tuple[str, ...]]:
            return dict(stage.given), secrets_of(stage.connector.config)

        given, secrets = self._run(settings)
        schema: Any = schema_of(self.connector.settings)
        for name, shape in schema["properties"].items():
            for odd in _ODD.get(shape.get("type"), ()):
                try:
                    told = self._fault_of({**given, name: odd}) or ""
                except Exception as error:
                    raise AssertionError(
                        f"{type(error).__name__} instead of a ValueError for an odd {name}"
                    ) from error
                assert not any(one in told for one in secrets), (
                    f"the fault of {name} shows a secret"
                )

    @check("a secret of the wrong form is not repeated in the fault", "silver")
    def test_refused_secret_is_not_repeated(self) -> None:
        async def settings(stage: Stage) -> dict[str, Any]:
            return dict(stage.given)

        given = self._run(settings)
        schema: Any = schema_of(self.connector.settings)
        for name, shape in schema["properties"].items():
            if shape.get("writeOnly") and shape.get("type") == "string":
                told = self._fault_of({**given, name: _PROBE})
                assert _PROBE not in (told or ""), f"the fault of {name} repeats its value"

    def _fault_of(self, given: dict[str, Any]) -> str | None:
        try:
            parse(self.connector.settings, given)
        except InvalidSettings as error:
            return str(error)
        return None

    @check("takes the settings of its previous version", "silver")
    def test_settings_of_the_previous_version_are_taken(self) -> None:
        former = self.contract()
        if former is None:
            not_shown("write contract.json with `python -m ekinerja_connectors contract`")

        none_of(breaks(former, self.connector), "installations would be lost")

    @check("the kept contract holds no secret", "silver")
    def test_contract_file_holds_no_secret(self) -> None:
        former = self.contract()
        if former is None:
            not_shown("write contract.json with `python -m ekinerja_connectors contract`")
        try:
            config = parse(self.connector.settings, former.settings)
        except InvalidSettings as error:
            raise AssertionError(f"its example of settings is refused: {error}") from error

        unveiled = [one for one in secrets_of(config) if one != SECRET_TEXT]
        assert unveiled == [], f"write {SECRET_TEXT} for each secret"
