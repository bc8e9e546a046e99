"""The vault: keys rotate, nothing opens in another place, and no secret is found at rest."""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from ekinerja_connectors import Page

from schema.errors import DomainError, ErrorCode
from schema.feeds import installing
from schema.feeds.installing import Changes, NewConnector
from schema.feeds.models import ConnectorProblem, Installation, ProblemCode, Run
from schema.feeds.secrets import settings_of, webhook_secret_of
from schema.vault import KEYLESS, SecretsUnreadable
from server.database import Database, DatabaseRole, opened
from server.ingestion.intake import Intake
from server.ingestion.poller import Poller
from server.settings import SettingsError, settings_from
from server.vault import DEVELOPMENT_KEY_NAME, KeyRing, new_key, refuse_unreadable, vault_of
from tests import feeding
from tests.feeding import NOON, SECRET, VAULT, FakePlugins, fetched

PASSWORD = "kata-sandi-yang-sangat-rahasia"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "auth": {
            "type": "object",
            "properties": {"password": {"type": "string", "writeOnly": True}},
        },
    },
}
GIVEN = {"url": "https://layanan.example", "auth": {"password": PASSWORD}}


@pytest.fixture
async def whole(fresh_database: Database) -> AsyncIterator[Database]:
    """Opened as who may do what the application and the worker do, each a part."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        yield fresh_database


async def installed(vault: Any = VAULT) -> Installation:
    agency = await feeding.agency()
    asked = NewConnector(plugin="fake", title="Baru", settings=GIVEN, webhook_secret=SECRET)
    scope = await feeding.administrator(agency)
    return await installing.install(scope, agency.code, asked, vault=vault, now=NOON, schema=SCHEMA)


def test_what_is_sealed_opens_for_its_place_only() -> None:
    ring = KeyRing([new_key()])
    sealed = ring.seal("a", "rahasia")

    assert ring.open("a", sealed) == "rahasia"
    for vault, place, text in ((ring, "b", sealed), (KeyRing([new_key()]), "a", sealed),
                               (ring, "a", "garbage"), (KEYLESS, "a", sealed)):  # fmt: skip
        with pytest.raises(SecretsUnreadable) as refusal:
            vault.open(place, text)
        assert "rahasia" not in str(refusal.value)
    with pytest.raises(DomainError):
        KEYLESS.seal("a", "rahasia")


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old, new = new_key(), new_key()
    sealed = KeyRing([old]).seal("a", "rahasia")

    both = KeyRing([new, old])

    assert both.open("a", sealed) == "rahasia"
    assert KeyRing([new]).open("a", both.seal("a", "rahasia")) == "rahasia"


def test_keys_come_from_the_environment_or_in_development_from_a_guarded_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / DEVELOPMENT_KEY_NAME
    given = {"EKINERJA_DATA": str(tmp_path)}
    sealed = vault_of(settings_from(given)).seal("a", "x")

    assert vault_of(settings_from(given)).open("a", sealed) == "x"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="read by others"):
        vault_of(settings_from(given))
    with pytest.raises(SettingsError, match="EKINERJA_SECRET_KEYS") as refusal:
        vault_of(settings_from(given | {"EKINERJA_SECRET_KEYS": "bukan-kunci"}))
    assert "bukan-kunci" not in str(refusal.value)
    key = new_key()
    assert key not in repr(settings_from(given | {"EKINERJA_SECRET_KEYS": key}))


async def test_production_without_keys_does_not_start_over_secrets(
    database: Database, tmp_path: Path
) -> None:
    production = {
        "EKINERJA_ENVIRONMENT": "production",
        "EKINERJA_TOKEN_KEYS": "jwks.json",
        "DATABASE_URL": "postgresql://localhost/x",
    }
    vault = vault_of(settings_from(production))
    assert vault is KEYLESS
    await refuse_unreadable(vault)
    with pytest.raises(DomainError) as refusal:
        await installed(vault)
    assert refusal.value.code is ErrorCode.SECRETS_UNAVAILABLE
    assert not await Installation.exists()

    await feeding.installation(await feeding.agency("B"), secrets={"password": PASSWORD})

    await refuse_unreadable(VAULT)
    with pytest.raises(SettingsError, match="EKINERJA_SECRET_KEYS"):
        await refuse_unreadable(vault)


async def dump() -> str:
    """Everything in every table, as text."""
    tables = await fetched("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [
        await fetched(f"SELECT to_jsonb(t)::text AS row FROM {one['tablename']} t")
        for one in tables
    ]
    return json.dumps([row for some in rows for row in some])


async def test_no_secret_is_found_in_the_database_the_log_or_a_representation(
    whole: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with structlog.testing.capture_logs() as logs, caplog.at_level(logging.DEBUG):
        feed = await installed()
        scope = await feeding.administrator(await feed.agency)
        made = await installing.rotate_webhook_secret(scope, feed.id, vault=VAULT, now=NOON)
        changes = Changes(settings={"url": "x", "auth": {"password": PASSWORD + "2"}})
        await installing.configure(scope, feed.id, changes, vault=VAULT, now=NOON, schema=SCHEMA)
        foreign = KeyRing([new_key()])
        for feeder in (Poller, Intake):
            await feeder(
                installation_id=feed.id, plugins=FakePlugins(), vault=foreign, clock=lambda: NOON
            ).step()

    row = await Installation.get(id=feed.id)
    told = await dump() + json.dumps(logs, default=str) + caplog.text + repr(row) + repr(changes)
    for secret in (PASSWORD, SECRET, made):
        assert secret not in told
    assert settings_of(row, VAULT)["auth"] == {"password": PASSWORD + "2"}
    assert webhook_secret_of(row, VAULT) == f"{made} {SECRET}"


async def test_a_connector_whose_secrets_cannot_be_read_waits_and_says_so(
    whole: Database,
) -> None:
    feed = await installed()
    plugins = FakePlugins(fetch=lambda *_: Page(items=(), next_cursor="1", more=False))
    given = {"installation_id": feed.id, "plugins": plugins, "clock": lambda: NOON}

    await Poller(**given, vault=KeyRing([new_key()])).step()

    problem = await ConnectorProblem.get()
    assert (problem.code, problem.resolved_at) == (ProblemCode.SECRETS_UNREADABLE, None)
    assert (await Run.get()).problem == "SecretsUnreadable: none of the keys has sealed it"

    await Installation.all().update(next_poll_at=NOON)
    await Poller(**given, vault=VAULT).step()

    assert (await ConnectorProblem.get()).resolved_at == NOON
    assert (await Installation.get()).cursor == "1"


async def test_rotation_seals_all_anew_and_tells_what_no_key_opens(database: Database) -> None:
    old, new = new_key(), new_key()
    feed = await installed(KeyRing([old]))
    lost = await feeding.installation(await feed.agency, title="Lain", webhook_secret=SECRET)
    await feeding.installation(await feed.agency, title="Tanpa")

    assert await installing.reseal(KeyRing([new, old]), NOON) == (1, 1)

    row = await Installation.get(id=feed.id)
    assert settings_of(row, KeyRing([new])) == GIVEN
    assert webhook_secret_of(row, KeyRing([new])) == SECRET
    assert row.secret_names == ["auth.password"]
    assert (await Installation.get(id=lost.id)).webhook_secret == lost.webhook_secret


async def test_a_secret_of_one_connector_does_not_open_for_another(database: Database) -> None:
    feed = await installed()
    other = await feeding.installation(await feed.agency, title="Lain")
    await Installation.filter(id=other.id).update(secrets=feed.secrets)

    with pytest.raises(SecretsUnreadable):
        settings_of(await Installation.get(id=other.id), VAULT)
