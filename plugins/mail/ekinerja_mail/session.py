"""One conversation with the mail server, for all notices of a call; its replies as outcomes."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)
from ekinerja_connectors import AuthFailed, Delivered, Fatal, Http, Notice, Retryable

from .settings import STARTTLS, TLS, Settings

__all__ = ["Line"]

#: RFC 5321, 4.5.4.1, asks for half an hour at least after a temporary refusal of one recipient.
LATER = timedelta(minutes=30)
GOODBYE = 2.0  # seconds that parting may take
_ADDRESS = re.compile(r"<?\S+@\S+>?")


class Line:
    """A way to the server: a conversation that is begun when needed, and anew when it broke."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http
        self._stack = contextlib.AsyncExitStack()
        self._session: _Session | None = None

    async def __aenter__(self) -> Line:
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self._stack.aclose()

    async def hand_over(self, notice: Notice, to: str, letter: bytes) -> Delivered:
        """One mail to one recipient.

        Raises:
            Retryable: the conversation is over; whether this mail arrived nobody knows.
            AuthFailed, Fatal: there can be none, or the server takes no mail of this sender.
        """
        if self._session is None:
            opening = _opened(self._settings, self._http)
            self._session = await self._stack.enter_async_context(opening)
        try:
            return await self._session.hand_over(notice, to, letter)
        except Retryable:
            self._session = None
            await self._stack.aclose()
            raise


class _Session:
    """A server that has greeted us, and let us in."""

    def __init__(self, client: SMTP, settings: Settings) -> None:
        self._client = client
        self._settings = settings

    async def hand_over(self, notice: Notice, to: str, letter: bytes) -> Delivered:
        try:
            await self._client.sendmail(self._settings.sender, [to], letter)
        except SMTPRecipientsRefused as error:
            one = error.recipients[0]
            return self._refused(notice, "recipient", one.code, one.message)
        except SMTPSenderRefused as error:
            if error.code >= 500:
                told = _told(error.code, error.message)
                raise Fatal(f"the server takes no mail of the sender: {told}") from error
            raise _over(error.code, error.message) from error
        except SMTPResponseException as error:
            return self._refused(notice, "mail", error.code, error.message)
        except (SMTPException, OSError) as error:
            raise _lost(error) from error
        return Delivered.arrived(notice)

    def _refused(self, notice: Notice, what: str, code: int, message: str) -> Delivered:
        if code == 421 or not self._client.is_connected:
            raise _over(code, message)
        if code >= 500:
            return Delivered.refused(
                notice, f"the server refused the {what}: {_told(code, message)}"
            )
        why = f"the server refused the {what} for now: {_told(code, message)}"
        return Delivered.retry(notice, why, LATER)


@contextlib.asynccontextmanager
async def _opened(settings: Settings, http: Http) -> AsyncIterator[_Session]:
    """A conversation with the server, encrypted and signed in as the settings say.

    Raises:
        Retryable: it cannot be reached, or is away. AuthFailed: it refuses the password.
        Fatal: its certificate is not trusted, or it does not encrypt.
    """
    context = settings.tls()
    sock = await http.connect(settings.server)
    client = SMTP(
        hostname=urlsplit(settings.server).hostname,
        sock=sock,
        timeout=min(settings.timeout_seconds, http.total.total_seconds()),
        local_hostname=settings.sender.partition("@")[2],  # else the library asks the resolver
        use_tls=settings.security == TLS,
        start_tls=False,  # done below, where what fails has a name of its own
        tls_context=context,
    )
    try:
        await _begin(client, sock, settings)
        yield _Session(client, settings)
    finally:
        await _part(client)


async def _begin(client: SMTP, sock: socket.socket, settings: Settings) -> None:
    try:
        try:
            await client.connect()
        except BaseException:
            sock.close()  # later it is the client's
            raise
        if settings.security == STARTTLS:
            await client.ehlo()
            if not client.supports_extension("starttls"):
                raise Fatal("the server offers no STARTTLS: see security in the settings")
            await client.starttls()
        if settings.username:
            await client.ehlo()  # anew: what was said before encryption does not count
            if not client.supported_auth_methods:
                raise Fatal("the server lets nobody sign in: leave username and password empty")
            await client.login(settings.username, settings.password)
    except SMTPAuthenticationError as error:
        if 400 <= error.code < 500:
            raise _over(error.code, "it cannot check the password now") from None
        raise AuthFailed(f"the server refuses the username or password ({error.code})") from None
    except SMTPResponseException as error:
        raise _over(error.code, error.message) from error
    except (SMTPException, OSError) as error:
        raise _untrusted(error) or _lost(error) from error


async def _part(client: SMTP) -> None:
    """Say goodbye where somebody listens; the connection is closed in any case."""
    try:
        if client.is_connected:
            async with asyncio.timeout(GOODBYE):
                await client.quit()
    except (SMTPException, OSError):  # mail that was taken stays taken
        return
    finally:
        client.close()


def _untrusted(error: BaseException | None) -> Fatal | None:
    """The fault in a certificate, which the library wraps into others."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return Fatal(f"the server's certificate is not trusted: {error.verify_message}")
        error = error.__cause__ or error.__context__
    return None


def _lost(error: Exception) -> Retryable:
    if isinstance(error, TimeoutError):
        return Retryable("the mail server gave no answer in time")
    if isinstance(error, SMTPServerDisconnected):
        return Retryable("the mail server ended the conversation")
    return Retryable(f"the conversation with the mail server broke: {type(error).__name__}")


def _over(code: int, message: str) -> Retryable:
    return Retryable(f"the mail server takes nothing now: {_told(code, message)}")


def _told(code: int, message: str) -> str:
    """A reply without the addresses that servers like to repeat."""
    return f"{code} {_ADDRESS.sub('[alamat]', ' '.join(message.split()))}"[:300]
