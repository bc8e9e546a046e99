"""What schema/ knows of encryption: that there is a vault. Who holds its keys is the server's.

`place` says whose secret it is; what was sealed for one place does not open in another, so that
nobody who writes to the database can hand one connector another's password.
"""

from typing import Protocol

from schema.errors import DomainError, ErrorCode


class SecretsUnreadable(Exception):
    """A secret cannot be decrypted: its key is gone, or it is not what was sealed for its place."""


class Vault(Protocol):
    """Encrypts secrets, and decrypts what was encrypted with any of its keys."""

    def seal(self, place: str, text: str) -> str:
        """Raises:
        DomainError: there is no key to encrypt with.
        """

    def open(self, place: str, sealed: str) -> str:
        """Raises:
        SecretsUnreadable: no key of the vault has sealed it, or not for this place.
        """


class KeylessVault:
    """A vault without a key: it keeps nothing and opens nothing."""

    def seal(self, place: str, text: str) -> str:
        raise DomainError(ErrorCode.SECRETS_UNAVAILABLE)

    def open(self, place: str, sealed: str) -> str:
        raise SecretsUnreadable("there is no key: EKINERJA_SECRET_KEYS is not set")


KEYLESS = KeylessVault()
