"""What must not be in a fixture, and what stands in its place: the same for the same, invented.

Where it is stored belongs to `recording`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from ..activity import JSON
from .telling import spellings

__all__ = ["REMOVED", "Redaction"]

REMOVED = "[dihapus]"
_SECRET_KEY = re.compile(
    r"password|sandi|passphrase|secret|token|authorization|cookie|api_?key|signature|session", re.I
)
#: Keys that hold somebody's name, and those that only look so: a unit or a kind has a name too.
_NAME_KEY = re.compile(r"(nama|name)$|^(nama|name)|pejabat$|pegawai$", re.I)
_NO_NAME_KEY = re.compile(
    r"unit|unor|instansi|agency|event|peristiwa|file|berkas|type|jenis|kind|jabatan|position|"
    r"kegiatan|dokumen|host|domain|field|tabel|table",
    re.I,
)
_PERSONAL_KEY = re.compile(
    r"e?mail|surel|tele?pon|telp|phone|no_?hp|^hp$|alamat|^nik$|npwp|lahir|birth|foto|photo", re.I
)
_NIP = re.compile(r"(?<![0-9])([0-9]{8})([ .-]?)([0-9]{6})\2([0-9])\2([0-9]{3})(?![0-9])")
_NIK = re.compile(r"(?<![0-9])[0-9]{16}(?![0-9])")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+\w")
_PHONE = re.compile(r"(?<![0-9])(?:\+62|62|0)8[0-9]{8,11}(?![0-9])")
_CREDENTIALS = (
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.I), rf"\1 {REMOVED}"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?"), REMOVED),  # a JSON Web Token
    (re.compile(r"(?<=://)[^/@\s:]+:[^/@\s]+@"), ""),
    (
        re.compile(r"([?&](?:[\w-]*(?:token|key|secret|signature|sig|password))=)[^&#\s]+", re.I),
        rf"\1{REMOVED}",
    ),
)


class Redaction:
    """Learns names first, then replaces. One instance for all that belongs together."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for one in secrets for form in spellings(one) if form}
        self._secrets = sorted(forms, key=len, reverse=True)
        self._names: dict[str, str] = {}
        self._nips: dict[str, str] = {}
        self._niks: dict[str, str] = {}

    def learn(self, value: JSON, key: str = "") -> None:
        """Note whose names stand in `value`, so that they are replaced in free text as well."""
        if isinstance(value, Mapping):
            for name, one in value.items():
                self.learn(one, name)
        elif isinstance(value, str):
            if _is_name(key) and value.strip():
                self._names.setdefault(value, f"Pegawai {len(self._names) + 1}")
        elif isinstance(value, Sequence):
            for one in value:
                self.learn(one, key)

    def redacted(self, value: JSON, key: str = "") -> JSON:
        """`value` without secrets and without anybody whom it is about."""
        if isinstance(value, Mapping):
            return {
                str(self.redacted(name)): self.redacted(one, name) for name, one in value.items()
            }
        if isinstance(value, str):
            return self.text(value, key)
        if isinstance(value, Sequence):
            return [self.redacted(one, key) for one in value]
        if isinstance(value, bool) or value is None:
            return value
        if _SECRET_KEY.search(key) or _PERSONAL_KEY.search(key):
            return 0
        replaced = self.text(str(value), "")
        return value if replaced == str(value) else type(value)(replaced)

    def text(self, value: str, key: str = "") -> str:
        """A text, which stands under `key`, redacted."""
        if not value:
            return value
        if _SECRET_KEY.search(key) or _PERSONAL_KEY.search(key):
            return REMOVED
        for secret in self._secrets:
            value = value.replace(secret, REMOVED)
        for pattern, instead in _CREDENTIALS:
            value = pattern.sub(instead, value)
        # Whole names only: somebody called Adi is not in "Adipura".
        for name in sorted(self._names, key=len, reverse=True):
            value = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self._names[name], value)
        value = _NIP.sub(self._nip, value)
        value = _NIK.sub(_numbered(self._niks, "1000000000{:06d}"), value)
        value = _EMAIL.sub("pegawai@contoh.example", value)
        return _PHONE.sub("080000000000", value)

    def _nip(self, found: re.Match[str]) -> str:
        plain, between = "".join(found.group(1, 3, 4, 5)), found[2]
        invented = self._nips.setdefault(plain, f"190001011900{len(self._nips) + 1:06d}")
        return between.join((invented[:8], invented[8:14], invented[14], invented[15:]))

    def left_in(self, document: JSON) -> int:
        """How many secrets are in a document after all, in any of their spellings."""
        texts = tuple(_all_texts(document))
        return sum(any(secret in text for text in texts) for secret in self._secrets)


def _is_name(key: str) -> bool:
    return bool(_NAME_KEY.search(key)) and not _NO_NAME_KEY.search(key)


def _numbered(known: dict[str, str], form: str) -> Callable[[re.Match[str]], str]:
    def replace(found: re.Match[str]) -> str:
        return known.setdefault(found[0], form.format(len(known) + 1))

    return replace


def _all_texts(value: JSON) -> Iterator[str]:
    """Every text in a document, the names of its fields and its numbers included."""
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield name
            yield from _all_texts(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from _all_texts(one)
    elif value is not None and not isinstance(value, bool):
        yield str(value)
