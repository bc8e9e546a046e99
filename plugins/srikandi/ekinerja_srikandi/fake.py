"""A fake SRIKANDI for tests and demonstrations: pages of CloudEvents, and signed webhooks.

The format is our assumption, the content follows the documented steps of a letter. Every
person, credential and letter in it is invented. `python -m ekinerja_srikandi.fake --people FILE`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta

import aiohttp
from aiohttp import web
from ekinerja_connectors import JSON
from ekinerja_connectors.testing.fakes import (
    CONTROL,
    Clock,
    Control,
    Moment,
    Person,
    Workday,
    arguments_of,
    faults,
    people_of,
    run,
    titles_of,
    utc_now,
)
from ekinerja_connectors.testing.signing import sign

__all__ = ["create_app", "events_of", "main", "push", "settings_of"]

API_TOKEN = "contoh-token-srikandi"  # noqa: S105 - invented; it opens nothing but this fake
SOURCE = "/srikandi/instansi/contoh"
_PATH = "/api/v1/peristiwa"
_CURSOR = re.compile(r"[0-9]{14}-[0-9]{6}", re.ASCII)

SUBJECTS = (
    "Undangan rapat persiapan kegiatan tahun berjalan",
    "Laporan pelaksanaan kegiatan bulanan",
    "Permintaan pembayaran kegiatan",
    "Rekomendasi penataan kelembagaan",
    "Nota dinas penyampaian hasil monitoring",
    "Surat tugas pendampingan lapangan",
    "Penyampaian publikasi dan bahan diseminasi",
    "Pengantar dokumen perencanaan",
)

#: kelompok, peristiwa, status, peran; the last is no work of its own.
_STEPS = (
    ("naskah_keluar", "ttd_elektronik", "ditandatangani", "penandatangan"),
    ("naskah_keluar", "registrasi", "konsep", "konseptor"),
    ("naskah_keluar", "verifikasi", "diverifikasi", "verifikator"),
    ("disposisi", "tindak_lanjut", "sudah ditindaklanjuti", "user"),
    ("naskah_masuk", "baca", "dibaca", "user"),
)

_WORKDAY = web.AppKey("workday", Workday)


def settings_of(url: str) -> dict[str, JSON]:
    """The settings by which the connector reaches a fake that listens at `url`."""
    return {"base_url": url, "api_token": API_TOKEN}


def create_app(
    people: Sequence[Person],
    clock: Clock = utc_now,
    *,
    titles: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    every: timedelta | None = None,
    backlog: int = 3,
) -> web.Application:
    """A fake SRIKANDI in which `people` work today. `app[CONTROL].fail_next(429)` is a fault."""
    app = web.Application(middlewares=[faults])
    app[CONTROL] = Control()
    app[_WORKDAY] = Workday(
        people, clock, subjects=SUBJECTS, titles=titles, seed=seed, every=every, backlog=backlog
    )
    app.router.add_get(_PATH, _events)
    return app


def events_of(app: web.Application) -> list[dict[str, JSON]]:
    """All events up to now, oldest first."""
    workday = app[_WORKDAY]
    return [_event(workday, one) for one in workday.moments()]


def _cursor(moment: Moment) -> str:
    return f"{moment.at:%Y%m%d%H%M%S}-{moment.number:06d}"


async def _events(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != f"Bearer {API_TOKEN}":
        return web.json_response({"pesan": "Token tidak dikenal"}, status=401)
    after = request.query.get("after", "")
    if after and not _CURSOR.fullmatch(after):
        return web.json_response({"pesan": "Parameter after tidak dikenal"}, status=400)
    workday = request.app[_WORKDAY]
    left = [one for one in workday.moments() if _cursor(one) > after]
    found = left[: int(request.query.get("limit", 50))]
    body = {
        "data": [_event(workday, one) for one in found],
        "next": _cursor(found[-1]) if found else after or None,
        "more": len(found) < len(left),
    }
    return web.json_response(body)


def _event(workday: Workday, moment: Moment) -> dict[str, JSON]:
    group, event, status, role = _STEPS[moment.number % len(_STEPS)]
    data: dict[str, JSON] = {
        "kelompok": group,
        "peristiwa": event,
        "status": status,
        "naskah_id": f"CTH/{moment.number + 1:04d}",
        "nomor_naskah": f"{moment.number + 1:03d}/CTH/{moment.at:%Y}",
        "jenis_naskah": "Surat Dinas",
        "sifat": "Biasa",
        "urgensi": "Biasa",
        "klasifikasi": "OT.01",
        "hal": moment.subject,
        "nip_pelaku": moment.person.nip,
        "peran_pelaku": role,
    }
    if group == "disposisi":
        data["nip_penerima"] = moment.person.nip
        data["nip_pemberi"] = workday.other_than(moment).nip
        data["instruksi"] = "Mohon ditindaklanjuti"
    kind = f"{group}.{event}".replace("_", "-")
    return {
        "specversion": "1.0",
        "id": f"SRK-{_cursor(moment)}",
        "source": SOURCE,
        "type": f"srikandi.{kind}.v1",
        "subject": str(data["naskah_id"]),
        "time": moment.at.isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


async def push(
    app: web.Application,
    url: str,
    secret: str,
    clock: Clock = utc_now,
    *,
    look: timedelta = timedelta(seconds=1),
) -> None:
    """Deliver each event that comes after this call to `url`, signed, until it is taken.

    Ends when the receiver answers 410; otherwise runs until it is cancelled.
    """
    known = len(events_of(app))
    pause = look
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        while True:
            for event in events_of(app)[known:]:
                status = await _deliver(session, url, secret, clock, event)
                if status == 410:
                    return
                if not 200 <= status < 300:
                    pause = min(pause * 2, timedelta(seconds=30))
                    break
                known, pause = known + 1, look
            await asyncio.sleep(pause.total_seconds())


async def _deliver(
    session: aiohttp.ClientSession, url: str, secret: str, clock: Clock, event: Mapping[str, JSON]
) -> int:
    """The status that the receiver gave; 0 when it cannot be reached."""
    body = json.dumps(event).encode()
    headers = sign(secret, f"msg_{event['id']}", clock(), body)
    headers["Content-Type"] = "application/cloudevents+json"
    try:
        async with session.post(url, data=body, headers=headers) as answer:
            return answer.status
    except (aiohttp.ClientError, TimeoutError):
        return 0


async def _main(app: web.Application, port: int, webhook: str | None, secret: str | None) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(run(app, port, settings_of))
        if webhook is not None and secret is not None:
            group.create_task(push(app, webhook, secret))


def main() -> None:
    """Run the fake until it is interrupted."""
    parser = arguments_of("ekinerja_srikandi.fake")
    parser.add_argument("--webhook", help="where new events are delivered as well")
    parser.add_argument("--secret", help="whsec_..., which signs the deliveries")
    given = parser.parse_args()
    if (given.webhook is None) != (given.secret is None):
        parser.error("--webhook and --secret belong together")
    app = create_app(
        people_of(given.people),
        titles=titles_of(given.titles),
        seed=given.seed,
        every=None if given.every is None else timedelta(seconds=given.every),
    )
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(app, given.port, given.webhook, given.secret))


if __name__ == "__main__":
    main()
