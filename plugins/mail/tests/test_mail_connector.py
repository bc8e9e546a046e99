"""The mail connector against aiosmtpd: what arrives, and what each refusal comes to."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from ekinerja_connectors import (
    JSON,
    AuthFailed,
    Delivered,
    Fatal,
    Http,
    InvalidSettings,
    Notice,
    Recipient,
    Retryable,
)
from ekinerja_connectors.egress import Egress
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_mail import MailConnector
from ekinerja_mail.letters import letter_of, message_id_of

from plugins.mail.tests.post_office import PASSWORD, USER, Office, certificate

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SENDER = "kinerja@instansi.example"


def settings_of(port: int, **given: JSON) -> dict[str, JSON]:
    return {
        "server": f"smtp://127.0.0.1:{port}",
        "sender": SENDER,
        "username": USER,
        "password": PASSWORD,
        "ca_certificate": certificate()[1],
        "timeout_seconds": 5,
        **given,
    }


@pytest.mark.slow  # a conversation with TLS for each check
class TestMailSuite(ConnectorSuite):
    connector = MailConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        self.office = Office()
        async with self.office.open() as port:
            yield settings_of(port)

    def received(self) -> Sequence[str]:
        return [str(one["Message-ID"]) for one in self.office.mails]


def notice(number: int = 1, **given: Any) -> Notice:
    to = {"name": "Siti Aminah", "nip": f"{number:018d}", "address": f"p{number}@instansi.example"}
    to |= {name: given.pop(name) for name in ("name", "address") if name in given}
    values: dict[str, Any] = {
        "id": f"0190f5e2-0000-7000-8000-{number:012d}",
        "kind": "digest",
        "to": Recipient(**to),
        "subject": "Tim Anda – 3 orang belum mengisi ✓",
        "body": "Yth. Siti,\n\n.titik di awal baris\n1 – 2 ≥ 3\nFrom saya",
        "day": date(2026, 3, 2),
    }
    return Notice(**{**values, **given})


@contextlib.asynccontextmanager
async def reaching(
    office: Office, *, security: str = "starttls", **given: JSON
) -> AsyncIterator[MailConnector]:
    async with office.open(security=security) as port:
        plain = {"username": "", "password": ""} if security == "none" else {}
        settings = settings_of(port, security=security) | plain | given
        config = parse(MailConnector.settings, settings)
        async with Http(addresses_of(config)) as http:
            yield MailConnector(config, http, now=lambda: NOW)


def told(answers: Sequence[Delivered]) -> dict[str, tuple[str, str | None]]:
    return {one.id[-1]: (str(one.state), one.detail) for one in answers}


def text_of(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")


@pytest.mark.parametrize("security", ["starttls", "tls", "none"])
async def test_notices_of_a_call_arrive_in_one_conversation(security: str) -> None:
    office = Office()
    async with reaching(office, security=security, reply_to="helpdesk@instansi.example") as mail:
        answers = await mail.deliver([notice(1), notice(2)])

    first = office.mails[0]
    assert {state for state, _ in told(answers).values()} == {"delivered"}
    assert (office.conversations, len(office.mails)) == (1, 2)
    assert office.envelopes == [(SENDER, [f"p{n}@instansi.example"]) for n in (1, 2)]
    assert first["Subject"] == "Tim Anda – 3 orang belum mengisi ✓"
    assert str(first["From"]) == f"E-Kinerja <{SENDER}>"
    assert str(first["To"]) == "Siti Aminah <p1@instansi.example>"
    assert first["Reply-To"] == "helpdesk@instansi.example"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Message-ID"] == "<ekinerja.0190f5e2-0000-7000-8000-000000000001@instansi.example>"
    assert first["Date"].datetime == NOW
    assert text_of(first) == "Yth. Siti,\n\n.titik di awal baris\n1 – 2 ≥ 3\nFrom saya\n"


async def test_refused_recipient_is_told_without_address_and_the_others_are_reached() -> None:
    office = Office(
        recipients={
            "p1@instansi.example": "550 5.1.1 <p1@instansi.example>: User unknown",
            "p3@instansi.example": "451 4.7.1 Greylisted, come again",
        },
        contents={"p4@instansi.example": "554 5.6.0 it looks like spam"},
    )
    async with reaching(office) as mail:
        answers = await mail.deliver([notice(n) for n in (1, 2, 3, 4, 5)])

    assert told(answers) == {
        "1": ("refused", "the server refused the recipient: 550 5.1.1 [alamat] User unknown"),
        "2": ("delivered", None),
        "3": (
            "retry",
            "the server refused the recipient for now: 451 4.7.1 Greylisted, come again",
        ),
        "4": ("refused", "the server refused the mail: 554 5.6.0 it looks like spam"),
        "5": ("delivered", None),
    }
    assert office.conversations == 1
    assert {one.retry_after for one in answers if one.id[-1] == "3"} == {timedelta(minutes=30)}


async def test_server_that_hangs_up_over_one_mail_is_called_again_for_the_others() -> None:
    office = Office(hangs_up_on={"p2@instansi.example"})
    async with reaching(office) as mail:
        answers = await mail.deliver([notice(n) for n in (1, 2, 3)])

    assert {id: state for id, (state, _) in told(answers).items()} == {
        "1": "delivered",
        "2": "retry",
        "3": "delivered",
    }
    assert told(answers)["2"][1] == "the mail server ended the conversation"
    assert office.conversations == 2


async def test_server_that_hangs_up_each_time_is_left_alone_and_nothing_is_lost() -> None:
    everybody = [notice(n) for n in range(1, 6)]
    office = Office(hangs_up_on={str(one.to.address) for one in everybody[1:]})
    async with reaching(office) as mail:
        answers = await mail.deliver(everybody)

    assert [state for state, _ in told(answers).values()] == ["delivered"] + ["retry"] * 4
    assert office.conversations == 2


async def test_slow_server_is_given_up_as_a_retry() -> None:
    office = Office(slow=30)
    async with reaching(office, timeout_seconds=1) as mail:
        with pytest.raises(Retryable, match="gave no answer in time"):
            await mail.deliver([notice(1)])


async def test_server_that_goes_away_is_a_retry_for_all() -> None:
    office = Office(recipients={"p1@instansi.example": "421 4.3.2 closing for the night"})
    async with reaching(office) as mail:
        with pytest.raises(Retryable, match=r"421 4\.3\.2 closing for the night"):
            await mail.deliver([notice(1)])


async def test_who_has_no_usable_address_is_refused_and_nobody_is_called() -> None:
    office = Office()
    odd = [
        "siti",
        "siti@",
        "@x.example",
        "a@b",
        "a>,<b@x.example",
        '"a"@x.example',
        "é@x.example",
    ]
    given = [notice(n, address=one) for n, one in enumerate([None, *odd], start=1)]
    async with reaching(office) as mail:
        answers = await mail.deliver(given)

    assert [str(one.state) for one in answers] == ["refused"] * len(given)
    assert {one.detail for one in answers} == {
        "no mail address is known of the recipient",
        "what is known of the recipient is no mail address",
    }
    assert office.conversations == 0


@pytest.mark.parametrize("reply", ["550 5.7.1 not allowed", "553 5.1.8 sender unknown"])
async def test_refused_sender_is_a_fault_of_the_channel(reply: str) -> None:
    office = Office(senders={SENDER: reply})
    async with reaching(office) as mail:
        with pytest.raises(Fatal, match=f"no mail of the sender: {reply}"):
            await mail.deliver([notice(1), notice(2)])


async def test_refused_password_is_an_authentication_failure_that_does_not_repeat_it() -> None:
    wrong = "sandi-yang-salah"
    async with reaching(Office(), password=wrong) as mail:
        with pytest.raises(AuthFailed) as caught:
            await mail.deliver([notice(1)])

    assert wrong not in str(caught.value)
    async with reaching(Office(login="454 4.7.0 the directory is away")) as mail:
        with pytest.raises(Retryable, match="cannot check the password now"):
            await mail.deliver([notice(1)])


async def test_server_that_lets_nobody_sign_in_is_a_fault_of_the_settings() -> None:
    async with reaching(Office(lets_in=False)) as mail:
        with pytest.raises(Fatal, match="lets nobody sign in"):
            await mail.deliver([notice(1)])


async def test_certificate_that_nobody_vouches_for_is_fatal() -> None:
    office = Office()
    for security in ("starttls", "tls"):
        async with reaching(office, security=security, ca_certificate="") as mail:
            with pytest.raises(Fatal, match="certificate is not trusted: self-signed certificate"):
                await mail.deliver([notice(1)])

    assert office.mails == []


async def test_server_without_encryption_gets_neither_password_nor_mail() -> None:
    office = Office()
    async with office.open(security="none") as port:
        config = parse(MailConnector.settings, settings_of(port))
        async with Http(addresses_of(config)) as http:
            with pytest.raises(Fatal, match="offers no STARTTLS"):
                await MailConnector(config, http).deliver([notice(1)])

    assert office.mails == []


async def test_server_inside_is_reached_only_where_the_operator_allows_it() -> None:
    office = Office()
    async with office.open() as port:
        config = parse(MailConnector.settings, settings_of(port))
        async with Http(addresses_of(config), egress=Egress()) as http:
            with pytest.raises(Fatal, match="EKINERJA_EGRESS_ALLOW"):
                await MailConnector(config, http).deliver([notice(1)])

    assert office.conversations == 0


HOSTILE = ['Siti"\\ <x@y.example>', "Siti, Budi; Ani", "=?utf-8?q?Siti?=", "Сити ✓ 姓名", "a" * 500]


@pytest.mark.parametrize("name", HOSTILE)
def test_name_stays_one_name_whatever_it_holds(name: str) -> None:
    config = parse(MailConnector.settings, settings_of(2525))
    letter = letter_of(notice(1, name=name), "p1@instansi.example", config, NOW)
    read = message_from_bytes(letter, policy=policy.default)

    (to,) = read["To"].addresses
    assert to.addr_spec == "p1@instansi.example"
    assert letter.isascii()
    assert len(read.keys()) == len(set(read.keys()))
    assert max(map(len, letter.split(b"\r\n"))) <= 998
    assert b"\n" not in letter.replace(b"\r\n", b"")


def test_body_cannot_end_its_mail_or_smuggle_another() -> None:
    body = "satu\n.\nMAIL FROM:<x@y.example>\r\n.\r\ndua\rtiga\x0b\x1c\u2028empat"
    config = parse(MailConnector.settings, settings_of(2525))
    letter = letter_of(notice(1, body=body), "p1@instansi.example", config, NOW)

    assert b"\n" not in letter.replace(b"\r\n", b"")
    assert b"\r" not in letter.replace(b"\r\n", b"")


async def test_dots_and_commands_in_a_body_arrive_as_they_are() -> None:
    office = Office()
    body = "satu\n.\nMAIL FROM:<x@y.example>\n..\nQUIT"
    async with reaching(office) as mail:
        answers = await mail.deliver([notice(1, body=body), notice(2)])

    assert {state for state, _ in told(answers).values()} == {"delivered"}
    assert text_of(office.mails[0]) == f"{body}\n"
    assert len(office.mails) == 2


def test_message_id_is_the_same_again_and_sound_whatever_the_id() -> None:
    config = parse(MailConnector.settings, settings_of(2525))
    odd = dataclasses.replace(notice(1), id="a b>@<x ✓")

    assert message_id_of(notice(1), config) == message_id_of(notice(1), config)
    assert message_id_of(notice(1), config) != message_id_of(notice(2), config)
    assert message_id_of(odd, config).removeprefix("<ekinerja.").partition("@")[0].isalnum()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"server": "smtp://surat.example"}, "must name its port"),
        ({"server": "https://surat.example:465"}, "begins with smtp://"),
        ({"sender": "kinerja"}, "sender must be a mail address"),
        ({"sender": "kinerja@instansi.example\r\nBcc: x@y.example"}, "sender must be"),
        ({"sender_name": "E\nKinerja"}, "one line"),
        ({"reply_to": "x"}, "reply_to must be"),
        ({"security": "ssl"}, "starttls, tls or none"),
        ({"security": "none"}, "not sent in the clear"),
        ({"password": ""}, "go together"),
        ({"ca_certificate": "bukan PEM"}, "certificates in PEM"),
        ({"timeout_seconds": 31}, "between 1 and 30"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, JSON], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        parse(MailConnector.settings, settings_of(2525, **given))
