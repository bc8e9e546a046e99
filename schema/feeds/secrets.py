"""Secrets of an installation, as they lie in its row: sealed, each for its own place."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from schema.feeds.models import Installation
from schema.feeds.settings import merged, secret_names
from schema.vault import SecretsUnreadable, Vault


def settings_of(installation: Installation, vault: Vault) -> dict[str, Any]:
    """The settings that the plugin gets, secrets included.

    Raises:
        SecretsUnreadable: the secrets cannot be decrypted.
    """
    return merged(installation.settings, secrets_of(installation, vault))


def secrets_of(installation: Installation, vault: Vault) -> dict[str, Any]:
    """The secret part of the settings alone. Raises: as `settings_of`."""
    if installation.secrets is None:
        return {}
    found = json.loads(vault.open(_settings_place(installation.id), installation.secrets))
    if not isinstance(found, dict):
        raise SecretsUnreadable("the secrets are no JSON object")
    return found


def keep_secrets(installation: Installation, secret: Mapping[str, Any], vault: Vault) -> None:
    """Put the secret part of the settings into the row, sealed; the caller saves it."""
    names = secret_names(secret)
    text = json.dumps(secret, ensure_ascii=False)
    installation.secrets = vault.seal(_settings_place(installation.id), text) if names else None
    installation.secret_names = names


def webhook_secret_of(installation: Installation, vault: Vault) -> str:
    """`whsec_...`, or two with a space between while one replaces the other; '' without any.

    Raises: as `settings_of`.
    """
    sealed = installation.webhook_secret
    return "" if sealed is None else vault.open(_webhook_place(installation.id), sealed)


def keep_webhook_secret(installation: Installation, secret: str | None, vault: Vault) -> None:
    """Put the webhook secrets into the row, sealed; the caller saves it."""
    place = _webhook_place(installation.id)
    installation.webhook_secret = vault.seal(place, secret) if secret else None
    installation.webhook_secrets = len((secret or "").split())


def _settings_place(installation_id: UUID) -> str:
    return f"{installation_id} settings"


def _webhook_place(installation_id: UUID) -> str:
    return f"{installation_id} webhook"
