"""Use cases of administrators: install a connector, configure it, change its webhook's secret.

Settings are validated by the plugin's own schema and parted by it: what is secret is sealed, and
is written here and read by the worker only.
"""

import base64
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from schema.access import Scope, can_administer
from schema.errors import DomainError, ErrorCode, NotFound, Refusals
from schema.feeds import history, inbox, problems
from schema.feeds.administering import Administered, administered
from schema.feeds.models import (
    BreakerState,
    ConnectorAct,
    Installation,
    Plugin,
    PluginState,
    ProblemCode,
)
from schema.feeds.rules import MOST_SECRETS, check_installation
from schema.feeds.secrets import keep_secrets, keep_webhook_secret, secrets_of, webhook_secret_of
from schema.feeds.service import SUBMITTED
from schema.feeds.settings import (
    Settings,
    Split,
    changed_names,
    faults,
    merged,
    secret_names,
    split,
    written_over,
)
from schema.organizations.models import Agency
from schema.tables import transaction
from schema.vault import SecretsUnreadable, Vault

SECRET_LENGTH = 32
"""Bytes of a webhook secret that is made here; Standard Webhooks asks for 24 to 64."""
ABOUT_SETTINGS = (
    ProblemCode.SETTINGS_INVALID,
    ProblemCode.SECRETS_UNREADABLE,
    ProblemCode.CREDENTIALS_REFUSED,
    ProblemCode.BREAKER_OPEN,
)
"""What new settings may have mended; what they have not is noted again at the next attempt."""
NO_SETTINGS: Mapping[str, Any] = {"type": "object", "additionalProperties": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnector:
    """A connector as an administrator asks for it.

    `webhook_secret` is one `whsec_...`, or two with a space between while one replaces the other.
    """

    plugin: str
    title: str
    settings: Settings = field(default_factory=dict, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    poll_seconds: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be another; None stays as it is.

    Of `settings`, those that may be shown are replaced as a whole; a secret that is absent stays,
    and null clears it.
    """

    settings: Settings | None = field(default=None, repr=False)
    title: str | None = None
    poll_seconds: int | None = None


async def install(
    scope: Scope,
    agency_code: str,
    asked: NewConnector,
    *,
    vault: Vault,
    now: datetime,
    schema: Mapping[str, Any] | None = None,
) -> Installation:
    """Install a connector for an agency; it is polled from `now` on.

    `schema` is that of the plugin's settings where the caller has asked the plugin itself; else
    what a worker saw of it.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
        DomainError: a value cannot be taken, the title is taken, the plugin cannot be used, or
            (Refusals) settings are not what the plugin takes.
    """
    check_installation(
        plugin=asked.plugin,
        title=asked.title,
        webhook_secret=asked.webhook_secret,
        poll_seconds=asked.poll_seconds,
    )
    agency = await Agency.get_or_none(code=agency_code)
    if agency is None or not can_administer(scope, agency.id):
        raise NotFound("Agency")
    if schema is None:
        schema = await _schema_of(asked.plugin)
    _refuse(schema, asked.settings)
    parts = split(schema, asked.settings)
    made = Installation(
        agency_id=agency.id,
        plugin=asked.plugin,
        title=asked.title.strip(),
        settings=parts.plain,
        poll_seconds=asked.poll_seconds,
        next_poll_at=now,
    )
    keep_secrets(made, parts.secret, vault)
    keep_webhook_secret(made, asked.webhook_secret, vault)
    try:
        async with transaction() as connection:
            await made.save(using_db=connection, force_create=True)
            await history.note(connection, made.id, ConnectorAct.INSTALLED, scope.subject, now)
    except IntegrityError as error:
        raise _title_taken() from error
    return made


async def configure(
    scope: Scope,
    installation_id: UUID,
    changes: Changes,
    *,
    vault: Vault,
    now: datetime,
    schema: Mapping[str, Any] | None = None,
) -> Installation:
    """Change a connector; it is polled with new settings at once. The cursor stays.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers.
        DomainError: as `install`.
    """
    try:
        async with administered(scope, installation_id, now) as of:
            touched = await _change_settings(of, changes.settings, vault, schema)
            if changes.title is not None or changes.poll_seconds is not None:
                touched += await _rename(of, changes)
            if touched:
                await of.note(ConnectorAct.CONFIGURED, ", ".join(touched))
            return of.installation
    except IntegrityError as error:
        raise _title_taken() from error


async def _change_settings(
    of: Administered, given: Settings | None, vault: Vault, schema: Mapping[str, Any] | None
) -> list[str]:
    """Write new settings, forget failures; answers the names of those that changed."""
    if given is None:
        return []
    row = of.installation
    if schema is None:
        schema = await _schema_of(row.plugin)
    kept = _kept_secrets(row, vault)
    parts = written_over(schema, kept, given)
    _refuse(schema, merged(parts.plain, parts.secret))
    touched = _touched(row, kept, parts)
    row.settings = parts.plain
    keep_secrets(row, parts.secret, vault)
    row.failures, row.breaker, row.next_poll_at = 0, BreakerState.CLOSED, of.now
    await of.save("settings", "secrets", "secret_names", "failures", "breaker", "next_poll_at")
    await problems.resolve(of.connection, row.id, ABOUT_SETTINGS, of.now)
    await inbox.wake(of.connection, row.id)
    await inbox.wake_poller(of.connection, row.id)
    return touched


def _kept_secrets(row: Installation, vault: Vault) -> dict[str, Any]:
    """The present secrets; none where they cannot be read, so that all can be written anew."""
    try:
        return secrets_of(row, vault)
    except SecretsUnreadable:
        return {}


def _touched(row: Installation, kept: Settings, parts: Split) -> list[str]:
    plain = changed_names(row.settings, parts.plain)
    gone = set(row.secret_names) - set(secret_names(parts.secret))
    return sorted({*plain, *changed_names(kept, parts.secret), *gone})


async def _rename(of: Administered, changes: Changes) -> list[str]:
    row, touched = of.installation, []
    if changes.title is not None and changes.title.strip() != row.title:
        row.title, touched = changes.title.strip(), ["title"]
    if changes.poll_seconds is not None and changes.poll_seconds != row.poll_seconds:
        row.poll_seconds, touched = changes.poll_seconds, [*touched, "pollSeconds"]
    check_installation(
        plugin=row.plugin, title=row.title, webhook_secret=None, poll_seconds=row.poll_seconds
    )
    await of.save("title", "poll_seconds")
    return touched


async def rotate_webhook_secret(
    scope: Scope, installation_id: UUID, *, vault: Vault, now: datetime
) -> str:
    """Make a webhook secret and answer it: nobody is shown it a second time.

    The one before still verifies, until it is dropped or the next one is made.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers.
        DomainError: there is no key to keep it with, or the old one cannot be read.
    """
    made = "whsec_" + base64.b64encode(random.token_bytes(SECRET_LENGTH)).decode()
    async with administered(scope, installation_id, now) as of:
        former = _webhook_secrets(of.installation, vault)
        keep_webhook_secret(of.installation, " ".join([made, *former][:MOST_SECRETS]), vault)
        await of.save("webhook_secret", "webhook_secrets")
        await of.note(ConnectorAct.WEBHOOK_SECRET_ADDED)
    return made


async def drop_webhook_secret(
    scope: Scope, installation_id: UUID, *, vault: Vault, now: datetime
) -> Installation:
    """Let only the newest webhook secret verify from now on.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers.
        DomainError: there is no former one, or they cannot be read.
    """
    async with administered(scope, installation_id, now) as of:
        newest, *former = _webhook_secrets(of.installation, vault) or [""]
        if not former:
            detail = "there is no former webhook secret"
            raise DomainError(ErrorCode.BAD_USER_INPUT, field="id", detail=detail)
        keep_webhook_secret(of.installation, newest, vault)
        await of.save("webhook_secret", "webhook_secrets")
        await of.note(ConnectorAct.WEBHOOK_SECRET_DROPPED)
        return of.installation


async def reseal(vault: Vault, now: datetime) -> tuple[int, int]:
    """Encrypt every secret anew with the vault's first key, each row in a transaction of its own.

    Also parts settings anew where a newer plugin marks more of them as secret. Returns how many
    installations were sealed, and how many cannot be read and stay as they are.
    """
    sealed = unreadable = 0
    for key in await Installation.all().order_by("id").values_list("id", flat=True):
        async with transaction() as connection:
            rows = Installation.filter(id=key).using_db(connection).select_for_update()
            row = await rows.get()
            known = await Plugin.get_or_none(name=row.plugin, using_db=connection)
            try:
                whole = merged(row.settings, secrets_of(row, vault))
                webhook = webhook_secret_of(row, vault)
            except SecretsUnreadable:
                unreadable += 1
                continue
            parts = split(known.settings_schema if known else {}, whole)
            if known is None:  # without a schema nothing is known of it but what was kept
                parts = Split(plain=row.settings, secret=secrets_of(row, vault))
            had = row.secrets is not None or row.webhook_secret is not None
            row.settings = parts.plain
            keep_secrets(row, parts.secret, vault)
            keep_webhook_secret(row, webhook, vault)
            await row.save(using_db=connection, update_fields=list(SEALED))
            code = ProblemCode.SECRETS_UNREADABLE
            await problems.resolve(connection, row.id, [code], now)
            sealed += had or row.secrets is not None
    return sealed, unreadable


SEALED = ("settings", "secrets", "secret_names", "webhook_secret", "webhook_secrets")


def _webhook_secrets(row: Installation, vault: Vault) -> list[str]:
    try:
        return webhook_secret_of(row, vault).split()
    except SecretsUnreadable as error:
        raise DomainError(ErrorCode.SECRETS_UNAVAILABLE) from error


async def _schema_of(plugin: str) -> Mapping[str, Any]:
    """The schema of a plugin's settings, as a worker saw it.

    Raises:
        DomainError: no worker has seen the plugin, or it cannot be used.
    """
    if plugin == SUBMITTED:
        return NO_SETTINGS
    known = await Plugin.get_or_none(name=plugin)
    detail = None
    if known is None:
        detail = f"no worker has found a plugin {plugin}"
    elif known.state is PluginState.QUARANTINED:
        detail = f"the plugin {plugin} is in quarantine"
    if known is None or detail is not None:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="plugin", detail=detail)
    return known.settings_schema


def _refuse(schema: Mapping[str, Any], settings: Settings) -> None:
    found = faults(schema, settings)
    if found:
        raise Refusals(found)


def _title_taken() -> DomainError:
    return DomainError(ErrorCode.BAD_USER_INPUT, field="title", detail="already installed")
