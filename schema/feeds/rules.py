"""Pure rules of feeds: how what a source said is written down, told apart, and configured."""

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from schema.errors import DomainError, ErrorCode
from schema.feeds.models import BreakerState, InboxKind, ProblemCode
from schema.values import is_safe_text

LONGEST_SOURCE_ID = 200
LONGEST_TITLE = 200
SECRET_BYTES = range(24, 65)
"""What Standard Webhooks 1.0.0 asks of a symmetric secret."""
MOST_SECRETS = 2
"""The old one and the new one, while a sender changes over."""
POLL_SECONDS = range(1, 86_401)

LONGEST_CURSOR = 64 * 1024
LONGEST_NOTE = 2_000
LONGEST_FILE_NAME = 200
LONGEST_MEDIA_TYPE = 120
FILE = "file"
"""The capability of a plugin that reads files."""
FAILING_AFTER = 3
"""Failed runs in a row after which a connector is failing: one or two pass by themselves."""

CRITICAL = frozenset(
    {
        ProblemCode.PLUGIN_MISSING,
        ProblemCode.PLUGIN_BROKEN,
        ProblemCode.SETTINGS_INVALID,
        ProblemCode.SECRETS_UNREADABLE,
        ProblemCode.CREDENTIALS_REFUSED,
        ProblemCode.CURSOR_INVALID,
        ProblemCode.BREAKER_OPEN,
        ProblemCode.INTAKE_HALTED,
        ProblemCode.FORGED,
    }
)
"""Problems under which nothing comes in, or nothing can be trusted that does."""

FIXES: dict[ProblemCode, tuple[str, str]] = {
    ProblemCode.PLUGIN_MISSING: (
        "Pasang distribusi plugin di server pekerja, lalu mulai ulang.",
        "Install the plugin's distribution on the worker's host, and restart it.",
    ),
    ProblemCode.PLUGIN_BROKEN: (
        "Pasang versi plugin yang lain, atau sampaikan sebabnya kepada pembuatnya.",
        "Install another version of the plugin, or tell its vendor the cause.",
    ),
    ProblemCode.SETTINGS_INVALID: (
        "Perbaiki pengaturan yang disebut.",
        "Mend the settings that are named.",
    ),
    ProblemCode.SECRETS_UNREADABLE: (
        "Kembalikan kunci lama ke EKINERJA_SECRET_KEYS, atau isi ulang rahasianya.",
        "Give the former key back to EKINERJA_SECRET_KEYS, or write the secrets anew.",
    ),
    ProblemCode.CREDENTIALS_REFUSED: (
        "Isi kredensial yang baru dari pemilik layanan.",
        "Write new credentials from the owner of the service.",
    ),
    ProblemCode.CURSOR_INVALID: (
        "Atur ulang kursor: yang sudah dibaca tidak menjadi ganda.",
        "Reset the cursor: what was read already does not come twice.",
    ),
    ProblemCode.SERVICE_UNREACHABLE: (
        "Tunggu, atau periksa alamat dan jaringan; percobaan berlanjut sendiri.",
        "Wait, or check the address and the network; attempts go on by themselves.",
    ),
    ProblemCode.SERVICE_ANSWERS_WRONGLY: (
        "Sampaikan kepada pembuat plugin: bentuk jawaban layanan tidak dikenal.",
        "Tell the plugin's vendor: the shape of the service's answers is unknown.",
    ),
    ProblemCode.BREAKER_OPEN: (
        "Tunggu: layanan dicoba paling sering tiap 30 detik dan semua dikejar sesudah pulih.",
        "Wait: the service is probed every 30 s at most, and all is caught up once it is back.",
    ),
    ProblemCode.INTAKE_HALTED: (
        "Periksa pengaturan dan versi plugin, lalu lanjutkan; tidak ada yang hilang.",
        "Check the settings and the plugin's version, then resume; nothing is lost.",
    ),
    ProblemCode.PLUGIN_KILLED: (
        "Sampaikan kepada pembuat plugin: prosesnya macet, mati, atau melewati batas.",
        "Tell the plugin's vendor: its process hung, died or went over its limits.",
    ),
    ProblemCode.FORGED: (
        "Jangan percayai plugin ini sampai pembuatnya menjelaskan.",
        "Do not trust this plugin until its vendor has explained.",
    ),
    ProblemCode.RESULTS_HELD: (
        "Perbaiki sebab yang disebut pada tiap hasil yang gagal, lalu kirim ulang.",
        "Mend the cause that each failed result names, then send them again.",
    ),
}
"""What to do about each problem, in Indonesian and in English."""

# A NUL in JSON text, unless the backslash before its `u` is itself escaped.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Health(StrEnum):
    """How a connector is, in one word: the first of these that holds."""

    DISABLED = "DISABLED"
    PAUSED = "PAUSED"
    QUARANTINED = "QUARANTINED"
    HALTED = "HALTED"
    FAILING = "FAILING"
    DEGRADED = "DEGRADED"
    HEALTHY = "HEALTHY"


def health(
    *,
    enabled: bool,
    paused: bool,
    quarantined: bool,
    halted: bool,
    breaker: BreakerState,
    failures: int,
    problems: list[ProblemCode],
) -> Health:
    """The health of a connector; `problems` are the open ones that nobody has dismissed.

    What people have decided comes first, then what keeps everything out, then what may pass.
    """
    failing = (
        breaker is not BreakerState.CLOSED
        or failures >= FAILING_AFTER
        or not CRITICAL.isdisjoint(problems)
    )
    holds = {
        Health.DISABLED: not enabled,
        Health.PAUSED: paused,
        Health.QUARANTINED: quarantined,
        Health.HALTED: halted,
        Health.FAILING: failing,
        Health.DEGRADED: failures > 0 or bool(problems),
        Health.HEALTHY: True,
    }
    return next(state for state, is_so in holds.items() if is_so)


def is_critical(code: ProblemCode) -> bool:
    return code in CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What somebody can do about a problem, in both languages."""

    indonesian: str
    english: str


def fix_of(code: ProblemCode) -> Fix:
    indonesian, english = FIXES[code]
    return Fix(indonesian=indonesian, english=english)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Something that a source said: its own name for it, and its JSON as Python values."""

    source_id: str
    body: Any
    kind: InboxKind = InboxKind.ITEM


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The same, as it is stored: JSON text that the database takes, and the hash of the original.

    Two bodies that differ in the order of keys only have one hash.
    """

    source_id: str
    kind: InboxKind
    text: str
    body_hash: str


def written(received: Received) -> Written:
    """How an item is stored. JSON that no column can hold is kept as ASCII text inside JSON.

    Raises:
        DomainError: the source_id is blank, too long, or holds NUL or a lone surrogate.
    """
    source_id = received.source_id
    if not (source_id.strip() and is_safe_text(source_id)):
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="sourceId", detail="sourceId")
    if len(source_id) > LONGEST_SOURCE_ID:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field="sourceId", limit=LONGEST_SOURCE_ID)
    quick = _quick(received.body)
    # NaN reads as null in the quick words, so what holds a null is looked at once more.
    text = storable(received.body) if quick is None or b"null" in quick else quick.decode()
    is_readable = text is not None and not _holds_nul(text)
    said = quick if quick is not None and is_readable else _canonical(received.body)
    return Written(
        source_id=source_id,
        kind=received.kind if is_readable else InboxKind.UNREADABLE,
        text=text if text is not None and is_readable else json.dumps({"json": said.decode()}),
        body_hash=hashlib.sha256(said).hexdigest(),
    )


def _canonical(body: Any) -> bytes:
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


def _quick(body: Any) -> bytes | None:
    """The same words for the same body, at a tenth of the cost; None where it cannot say it."""
    try:
        return orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # a lone surrogate, a number of over 64 bits
        return None


def storable(body: Any) -> str | None:
    """JSON text, or None where it holds what `jsonb` refuses: NUL, a lone surrogate, NaN."""
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError:
        return None
    return None if _holds_nul(text) else text


def _holds_nul(text: str) -> bool:
    return "\\u0000" in text and _NUL.search(text) is not None


def check_installation(
    *, plugin: str, title: str, webhook_secret: str | None, poll_seconds: int
) -> None:
    """Raises:
    DomainError: naming the first field that cannot be taken. A secret is never repeated.
    """
    if not _SLUG.fullmatch(plugin):
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="plugin", detail="plugin")
    if not (title.strip() and is_safe_text(title)):
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="title", detail="title")
    if len(title) > LONGEST_TITLE:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field="title", limit=LONGEST_TITLE)
    if poll_seconds not in POLL_SECONDS:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="pollSeconds", detail="1-86400")
    if webhook_secret is not None:
        secrets = webhook_secret.split()
        if not 0 < len(secrets) <= MOST_SECRETS or not all(map(_is_secret, secrets)):
            raise DomainError(
                ErrorCode.BAD_USER_INPUT, field="webhookSecret", detail="whsec_ + base64"
            )


def check_cursor(cursor: str | None) -> None:
    """Raises:
    DomainError: the database cannot hold it, or it is too long.
    """
    if cursor is None:
        return
    if not is_safe_text(cursor):
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="cursor", detail="cursor")
    if len(cursor) > LONGEST_CURSOR:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field="cursor", limit=LONGEST_CURSOR)


def check_note(note: str) -> str:
    """The note without blanks around it.

    Raises:
        DomainError: it is blank or too long.
    """
    words = note.strip()
    if not words or not is_safe_text(words):
        raise DomainError(ErrorCode.REASON_MISSING, field="note")
    if len(words) > LONGEST_NOTE:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field="note", limit=LONGEST_NOTE)
    return words


def check_file(name: str, media_type: str, size: int, most_bytes: int) -> None:
    """Raises:
    DomainError: the file has no name, or one with a folder; it is empty, or too large.
    """
    printable = name.strip() and name.isprintable() and is_safe_text(name)
    if not printable or "/" in name or "\\" in name:
        detail = "the file needs a name, without a folder"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="name", detail=detail)
    if len(name) > LONGEST_FILE_NAME:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field="name", limit=LONGEST_FILE_NAME)
    if len(media_type) > LONGEST_MEDIA_TYPE or not is_safe_text(media_type):
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="mediaType", detail="media type")
    if size == 0:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="content", detail="the file is empty")
    if size > most_bytes:
        detail = f"a file may have at most {most_bytes} bytes"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="content", detail=detail)


def _is_secret(text: str) -> bool:
    prefix, encoded = text[:6], text[6:]
    try:
        return prefix == "whsec_" and len(base64.b64decode(encoded, validate=True)) in SECRET_BYTES
    except (binascii.Error, ValueError):
        return False
