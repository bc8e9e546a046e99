"""Which server takes the agency's mail, how it is spoken to, and in whose name."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass

from ekinerja_connectors import address, secret

__all__ = ["NONE", "STARTTLS", "TLS", "Settings", "is_address"]

STARTTLS, TLS, NONE = "starttls", "tls", "none"
#: An address that needs neither quoting nor SMTPUTF8: the others are not made for offices.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}",
    re.ASCII,
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def is_address(text: str) -> bool:
    """Whether mail can be sent there without quoting or SMTPUTF8."""
    local = text.partition("@")[0]
    return len(text) <= 254 and len(local) <= 64 and _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One mail server and one sender.

    `security` is starttls (usually port 587), tls (465) or none (25, within a machine room: then
    no password is taken, since everybody on the way could read it). `ca_certificate` is the PEM
    of the authority that signed the server's certificate, where that is the agency's own.
    """

    server: str = address(schemes=("smtp",))
    sender: str
    """The address that mail comes from; bounces go there too."""
    sender_name: str = "E-Kinerja"
    reply_to: str = ""
    security: str = STARTTLS
    username: str = ""
    password: str = secret(default="")
    ca_certificate: str = ""
    timeout_seconds: int = 15
    """How long the server may take for one answer."""

    def __post_init__(self) -> None:
        if self.security not in (STARTTLS, TLS, NONE):
            raise ValueError(f"security must be {STARTTLS}, {TLS} or {NONE}")
        if not is_address(self.sender):
            raise ValueError("sender must be a mail address such as kinerja@instansi.example")
        if self.reply_to and not is_address(self.reply_to):
            raise ValueError("reply_to must be a mail address, or empty")
        if len(self.sender_name) > 100 or _CONTROL.search(self.sender_name):
            raise ValueError("sender_name must be one line of at most 100 characters")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password go together")
        if self.username and self.security == NONE:
            raise ValueError(f"a password is not sent in the clear: security must not be {NONE}")
        if any(_CONTROL.search(one) for one in (self.username, self.password)):
            raise ValueError("username and password must hold no control characters")
        if not 1 <= self.timeout_seconds <= 30:
            raise ValueError("timeout_seconds must be between 1 and 30")
        if self.ca_certificate:
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
                    cadata=self.ca_certificate
                )
            except (ssl.SSLError, ValueError) as error:
                raise ValueError("ca_certificate must be certificates in PEM") from error

    def tls(self) -> ssl.SSLContext | None:
        """What a certificate is verified by; None where nothing is encrypted."""
        if self.security == NONE:
            return None
        context = ssl.create_default_context()
        if self.ca_certificate:
            context.load_verify_locations(cadata=self.ca_certificate)
        return context
