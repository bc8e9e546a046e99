"""A mail server on loopback for the tests: aiosmtpd, which knows nothing of us, and its moods."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# What this server logs is no word of the connector, whose silence is tested.
logging.getLogger("mail.log").setLevel(logging.ERROR)
USER, PASSWORD = "kinerja", "sandi-surat-buatan"


@dataclass
class Office:
    """What arrived, and how the server behaves: replies by address, in place of the good one."""

    mails: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    conversations: int = 0
    recipients: dict[str, str] = field(default_factory=dict)
    """What RCPT is answered."""
    contents: dict[str, str] = field(default_factory=dict)
    """What a mail to that address is answered once it was read whole."""
    senders: dict[str, str] = field(default_factory=dict)
    hangs_up_on: set[str] = field(default_factory=set)
    """The connection is cut instead of an answer to a mail to these."""
    slow: float = 0.0
    """Seconds that each mail takes."""
    lets_in: bool = True
    """Whether anybody may sign in at all."""
    login: str = "235 2.7.0 Authentication successful"

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.senders:
            return self.senders[address]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.recipients:
            return self.recipients[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.slow)
        (to,) = envelope.rcpt_tos
        if to in self.hangs_up_on:
            assert server.transport is not None
            server.transport.abort()
            return "451 nobody hears this"
        if to in self.contents:
            return self.contents[to]
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.envelopes.append((envelope.mail_from or "", list(envelope.rcpt_tos)))
        return "250 2.0.0 queued"

    def authenticate(self, server: SMTP, session: Session, *given: Any) -> AuthResult:
        data = given[-1]
        known = isinstance(data, LoginPassword) and data.login.decode() == USER
        right = known and data.password.decode() == PASSWORD
        if right and self.login.startswith("235"):
            return AuthResult(success=True)
        refusal = "535 5.7.8 who is that" if not right else self.login
        return AuthResult(success=False, handled=False, message=refusal)

    @contextlib.asynccontextmanager
    async def open(
        self, *, security: str = "starttls", tls: ssl.SSLContext | None = None
    ) -> AsyncIterator[int]:
        """Serve on loopback; gives the port."""
        context = tls or certificate()[0]
        starttls = security == "starttls"

        def converse() -> SMTP:
            self.conversations += 1
            return SMTP(
                self,
                hostname="surat.contoh.example",
                tls_context=context if starttls else None,
                require_starttls=starttls,
                authenticator=self.authenticate,
                auth_exclude_mechanism=() if self.lets_in else ("LOGIN", "PLAIN"),
                auth_require_tls=starttls,
                loop=asyncio.get_running_loop(),
            )

        server = await asyncio.get_running_loop().create_server(
            converse, "127.0.0.1", 0, ssl=context if security == "tls" else None
        )
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()


@cache
def certificate() -> tuple[ssl.SSLContext, str]:
    """A server's context for 127.0.0.1, and the PEM by which it can be trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Instansi Contoh")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as place:
        file = Path(place) / "both.pem"
        file.write_bytes(private + pem)
        context.load_cert_chain(file)
    return context, pem.decode()
