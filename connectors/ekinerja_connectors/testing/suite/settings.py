"""What is asked of a connector's class, of its settings, and of their next version."""

from __future__ import annotations

from typing import Any

from ...connector import faults_of
from ...contract import breaks
from ...errors import InvalidSettings
from ...settings import SECRET_TEXT, parse, schema_of, secrets_of, unmarked_secrets
from ..checks import check, not_shown
from .base import Stage, SuiteBase

__all__ = ["SettingsChecks"]

#: A secret of another form than the real one: a fault that repeats it would show it.
_PROBE = "rahasia-percobaan-7f3a"


class SettingsChecks(SuiteBase):
    """Configuration: contract, secrets, and what the previous version promised."""

    @check("keeps to the contract of the SDK", "bronze")
    def test_class_keeps_to_the_contract(self) -> None:
        assert faults_of(self.connector) == ()
        schema_of(self.connector.settings)

    @check("what looks like a secret is marked", "bronze")
    def test_what_looks_like_a_secret_is_marked(self) -> None:
        async def look(stage: Stage) -> tuple[str, ...]:
            return unmarked_secrets(stage.connector.config)

        assert self._run(look) == (), "declare these with secret()"

    @check("no unmarked setting is sent as a credential", "silver")
    def test_what_is_sent_as_a_credential_is_marked(self) -> None:
        async def look(stage: Stage) -> list[str]:
            for call in self._calls(stage.connector).values():
                await call()
            sent = {
                part
                for one in stage.front.seen
                for name, value in one.headers.items()
                if name.lower() in ("authorization", "x-api-key", "x-auth-token", "cookie")
                for part in value.split()
            }
            shown = set(secrets_of(stage.connector.config))
            return [
                name
                for name, value in stage.given.items()
                if isinstance(value, str) and value in sent - shown
            ]

        self._reaching()
        assert self._run(look) == [], "these are sent as credentials: declare them with secret()"

    @check("repr shows no secret", "bronze")
    def test_no_secret_is_shown_by_repr(self) -> None:
        async def look(stage: Stage) -> int:
            shown = f"{stage.connector!r} {stage.connector} {stage.connector.config!r}"
            return sum(one in shown for one in secrets_of(stage.connector.config))

        assert self._run(look) == 0, "repr shows a secret"

    @check("settings are parsed, and faults in them are named without a value", "bronze")
    def test_faults_of_settings_are_named_and_show_no_value(self) -> None:
        async def settings(stage: Stage) -> tuple[dict[str, Any], tuple[str, ...]]:
            return dict(stage.given), secrets_of(stage.connector.config)

        given, secrets = self._run(settings)
        schema: Any = schema_of(self.connector.settings)
        wrong: list[tuple[str, dict[str, Any]]] = [("tak_dikenal", {**given, "tak_dikenal": 1})]
        wrong += [
            (name, {one: value for one, value in given.items() if one != name})
            for name in schema["required"]
        ]
        for name, faulty in wrong:
            told = self._fault_of(faulty)
            assert told is not None, f"settings with {name} unknown or missing are taken"
            assert name in told, f"the fault does not name {name}"
            assert not any(one in told for one in secrets), "it shows a secret"

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

        assert breaks(former, self.connector) == (), "an installation would be lost"

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
