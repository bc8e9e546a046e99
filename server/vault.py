"""The keys that connectors' secrets are encrypted with: Fernet, the first encrypts, all decrypt.

Keys come from the operator (EKINERJA_SECRET_KEYS) or, in development only, from the data folder.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from tortoise import Tortoise
from tortoise.expressions import Q

from schema.feeds.models import Installation
from schema.tables import WRITER
from schema.values import uuid7
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.settings import Settings, SettingsError

DEVELOPMENT_KEY_NAME = "development-secret-key"


class KeyRing:
    """A vault with keys. Fernet is AES-128 in CBC mode with an HMAC (cryptography's own recipe)."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Raises:
        SettingsError: none, or one that is no Fernet key; keys are never repeated.
        """
        if not keys:
            raise SettingsError("EKINERJA_SECRET_KEYS holds no key")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise SettingsError(
                "EKINERJA_SECRET_KEYS must hold Fernet keys (32 bytes in URL-safe base64), with "
                "spaces between; `python -m server secret-key` makes one"
            ) from None

    def seal(self, place: str, text: str) -> str:
        return self._fernet.encrypt(json.dumps([place, text]).encode()).decode()

    def open(self, place: str, sealed: str) -> str:
        try:
            found, text = json.loads(self._fernet.decrypt(sealed))
        except (InvalidToken, ValueError):
            raise SecretsUnreadable("none of the keys has sealed it") from None
        if found != place:
            raise SecretsUnreadable("it was sealed for another place")
        return str(text)


def vault_of(settings: Settings) -> Vault:
    """The vault that the settings ask for. Production without keys has one that keeps nothing.

    Raises:
        SettingsError: the keys cannot be used, or the development key is open to others.
    """
    if settings.secret_keys is not None:
        return KeyRing(settings.secret_keys.split())
    if settings.production:
        return KEYLESS
    return KeyRing([_development_key(settings.data_folder / DEVELOPMENT_KEY_NAME)])


async def refuse_unreadable(vault: Vault) -> None:
    """Tell an operator at the start that connectors have secrets and this process has no key.

    Raises:
        SettingsError: so it is. Tortoise must be open.
    """
    if vault is not KEYLESS:
        return
    connection = Tortoise.get_connection(WRITER)
    (known,) = await connection.execute_query_dict(
        "SELECT to_regclass('installation') IS NOT NULL AS is_there"
    )
    sealed = Installation.filter(Q(secrets__isnull=False) | Q(webhook_secret__isnull=False))
    if known["is_there"] and await sealed.exists():
        raise SettingsError(
            "EKINERJA_SECRET_KEYS is not set, and connectors have secrets: in production give the "
            "keys that they were encrypted with"
        )


def new_key() -> str:
    """A key for EKINERJA_SECRET_KEYS."""
    return Fernet.generate_key().decode()


def _development_key(path: Path) -> str:
    """The key of the data folder; the first to come makes it, in one step."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{uuid7()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(new_key())
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass  # Another process was first: its key is the key.
        finally:
            draft.unlink()
    with path.open() as opened:
        if os.fstat(opened.fileno()).st_mode & 0o077:
            raise SettingsError(
                f"The development key {path} can be read by others. Delete it; the next start "
                "makes a new one, and secrets have to be written anew."
            )
        return opened.read().strip()
