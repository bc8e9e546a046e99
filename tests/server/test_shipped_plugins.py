"""The plugins that we ship, in the child processes and under the limits of the host."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy

import openpyxl
import pytest
from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session
from ekinerja_connectors import JSON, Delivery, Notice, Recipient, Upload
from ekinerja_connectors.testing.fakes import serve

from server.plugin_host import PluginHost

NIP = "198503122009011007"
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
CAPABILITIES = {
    "attendance": ("polling", "webhook", "file"),
    "calendar": ("polling", "file"),
    "chat": ("notices",),
    "cloudevents": ("webhook",),
    "example": ("polling", "webhook"),
    "mail": ("notices",),
    "spreadsheet": ("file",),
}


@pytest.fixture
async def host() -> AsyncIterator[PluginHost]:
    host = PluginHost()
    yield host
    await host.close()


def workbook() -> Upload:
    book = openpyxl.Workbook()
    book.active.append(["NIP", "Tanggal", "Jam mulai", "Jam selesai", "Kegiatan"])
    for hour in range(24):
        times = [f"{hour:02}.00", f"{hour:02}.30"]
        book.active.append([NIP, "02/03/2026", *times, f"Kegiatan {hour}"])
    target = io.BytesIO()
    book.save(target)
    return Upload(name="maret.xlsx", content=target.getvalue())


def presses() -> Upload:
    text = f"NIP;Waktu;Status\n{NIP};2026-03-02 07:30;in\n"
    return Upload(name="absen.csv", content=text.encode())


def invitation() -> Upload:
    lines = [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "UID:harian",
        f"DTSTART:{YESTERDAY - timedelta(days=3):%Y%m%dT%H%M%SZ}",
        "DURATION:PT30M",
        "RRULE:FREQ=DAILY;COUNT=3",
        "SUMMARY:Apel",
        "ORGANIZER:mailto:kabag@instansi.example",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]
    return Upload(name=f"{NIP}.ics", content="\r\n".join(lines).encode())


async def test_each_is_found_with_what_it_can_do(host: PluginHost) -> None:
    found = await asyncio.gather(*(host.describe(name) for name in CAPABILITIES))

    assert {one.name: tuple(one.capabilities) for one in found} == CAPABILITIES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("plugin", "upload", "number"),
    [
        ("spreadsheet", workbook(), 24),
        ("attendance", presses(), 1),
        ("calendar", invitation(), 3),
    ],
)
async def test_file_is_read_and_translated(
    host: PluginHost, plugin: str, upload: Upload, number: int
) -> None:
    reading = await host.read(plugin, "satu", {}, upload)
    statements = await host.translate(plugin, "satu", {}, reading.items)

    assert reading.refused == ()
    assert [getattr(one, "nip", one) for one in statements] == [NIP] * number


async def test_delivery_is_read_and_translated(host: PluginHost) -> None:
    event: dict[str, JSON] = {
        "specversion": "1.0",
        "id": "7",
        "source": "/persuratan",
        "type": "ekinerja.activity.recorded",
        "time": "2026-03-02T10:00:00+07:00",
        "data": {"nip": NIP, "title": "Menyusun telaah staf"},
    }
    delivery = Delivery(id="msg_1", body=json.dumps(event))

    items = await host.receive("cloudevents", "satu", {}, delivery)
    (statement,) = await host.translate("cloudevents", "satu", {}, items)

    assert getattr(statement, "nip", statement) == NIP


class Letterbox:
    """The SMTP server's side: what arrived, by its subject."""

    def __init__(self) -> None:
        self.subjects: list[str] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.subjects.append(str(mail["Subject"]))
        return "250 OK"


async def test_notices_go_out_by_mail_and_by_chat(host: PluginHost) -> None:
    box = Letterbox()
    texts: list[str] = []

    async def take(request: web.Request) -> web.Response:
        texts.append((await request.json())["text"])
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/hooks/satu", take)
    notice = Notice(
        id="0190f5e2-0000-7000-8000-000000000001",
        kind="digest",
        to=Recipient(name="Siti Aminah", nip=NIP, address="siti@instansi.example"),
        subject="Tim Anda – 3 belum mengisi",
        body="Yth. Siti Aminah",
        day=date(2026, 3, 2),
    )
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(box, hostname="surat.example"), "127.0.0.1", 0
    )
    async with server, serve(app) as url:
        port = server.sockets[0].getsockname()[1]
        settings: dict[str, dict[str, JSON]] = {
            "mail": {"server": f"smtp://127.0.0.1:{port}", "sender": "kinerja@instansi.example"}
            | {"security": "none"},
            "chat": {"base_url": url, "path": "hooks/satu"},
        }
        found = [
            await host.deliver(name, "satu", given, [notice]) for name, given in settings.items()
        ]

    assert [str(one.state) for (one,) in found] == ["delivered", "delivered"]
    assert box.subjects == ["Tim Anda – 3 belum mengisi"]
    assert texts == ["Tim Anda – 3 belum mengisi\n\nYth. Siti Aminah"]
