"""From a notice to the bytes of a mail. Pure, but for the date that is given."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from ekinerja_connectors import Notice

from .settings import Settings

__all__ = ["letter_of", "message_id_of"]

_PLAIN = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


def message_id_of(notice: Notice, settings: Settings) -> str:
    """The same for the same notice, by which a mailbox or a person recognizes a repeat."""
    name = notice.id
    if not _PLAIN.fullmatch(name):
        name = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:40]
    return f"<ekinerja.{name}@{settings.sender.partition('@')[2]}>"


def letter_of(notice: Notice, to: str, settings: Settings, at: datetime) -> bytes:
    """The mail to the address `to`, in lines of CRLF and in ASCII only."""
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address(display_name=settings.sender_name, addr_spec=settings.sender)
    letter["To"] = Address(display_name=notice.to.name, addr_spec=to)
    if settings.reply_to:
        letter["Reply-To"] = Address(addr_spec=settings.reply_to)
    letter["Subject"] = notice.subject
    letter["Date"] = at
    letter["Message-ID"] = message_id_of(notice, settings)
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notice comes back
    letter["X-Auto-Response-Suppress"] = "All"
    body = "\n".join(notice.body.splitlines()) + "\n"
    letter.set_content(body, charset="utf-8", cte="quoted-printable")
    letter["Content-Language"] = "id"
    return letter.as_bytes()
