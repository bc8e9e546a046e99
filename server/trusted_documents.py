"""Documents that clients name by their SHA-256 instead of sending them.

A build of a front end writes them all into one manifest, and an operator can let nothing else
run: then no query that nobody has read reaches the database.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path

from server.settings import Settings, SettingsError
from server.strings import MalformedInput

_HASH = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


class TrustedDocuments:
    """Documents by hash, and whether others run as well."""

    def __init__(self, documents: Mapping[str, str] | None = None, *, only: bool = False) -> None:
        """`documents` are texts by the SHA-256 (hex) of their UTF-8."""
        self._documents = dict(documents or {})
        self._only = only

    @classmethod
    def of(cls, settings: Settings) -> "TrustedDocuments":
        """The documents that the settings name.

        Raises:
            SettingsError: the manifest cannot be read, or a hash is not its document's.
        """
        if settings.trusted_documents is None:
            if settings.trusted_only:
                raise SettingsError(
                    "EKINERJA_TRUSTED_ONLY is true but EKINERJA_TRUSTED_DOCUMENTS names no "
                    "manifest: nothing could run"
                )
            return cls()
        return cls(_manifest(Path(settings.trusted_documents)), only=settings.trusted_only)

    def text_of(self, query: str | None, name: str | None) -> str | None:
        """The document to run, of a text, a name (the hash), or both. None if neither is given.

        Raises:
            MalformedInput: no such document (PERSISTED_QUERY_NOT_FOUND), the text is not the
                named one, or only trusted ones run (TRUSTED_DOCUMENTS_ONLY).
        """
        digest = None if name is None else _digest_of(name)
        if query is None or query == "":
            if digest is None:
                return None
            if digest not in self._documents:
                raise MalformedInput("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
            return self._documents[digest]
        if digest is None and not self._only:
            return query
        actual = hashlib.sha256(query.encode()).hexdigest()
        if digest is not None and digest != actual:
            raise MalformedInput("The hash is not that of `query`.", "BAD_REQUEST")
        if self._only and actual not in self._documents:
            raise MalformedInput(
                "Only trusted documents run here: name one by its hash.", "TRUSTED_DOCUMENTS_ONLY"
            )
        return query


def _digest_of(name: str) -> str:
    found = _HASH.fullmatch(name)
    if found is None:
        raise MalformedInput(
            "A document is named by its SHA-256: 64 hexadecimal digits.", "BAD_REQUEST"
        )
    return found[1]


def _manifest(path: Path) -> dict[str, str]:
    try:
        manifest = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"EKINERJA_TRUSTED_DOCUMENTS: {path}: {error}") from error
    if not isinstance(manifest, dict):
        raise SettingsError(f"EKINERJA_TRUSTED_DOCUMENTS: {path}: not an object of hash and text")
    for name, text in manifest.items():
        if not isinstance(text, str) or hashlib.sha256(text.encode()).hexdigest() != name:
            raise SettingsError(
                f"EKINERJA_TRUSTED_DOCUMENTS: {path}: {name!r} is not the SHA-256 of its text"
            )
    return manifest
