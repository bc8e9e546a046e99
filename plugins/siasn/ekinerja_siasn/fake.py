"""A fake SIASN for demonstrations: two kinds of token, dispositions, and an office of its people.

It is written from what public clients show of SIASN, not from the connector. Every person,
credential and letter in it is invented. `python -m ekinerja_siasn.fake --people FILE`.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from aiohttp import web
from ekinerja_connectors import JSON
from ekinerja_connectors.testing.fakes import (
    CONTROL,
    WIB,
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

from .fake_office import Office

__all__ = ["ISSUED", "Issued", "create_app", "main", "settings_of"]

# Invented; they open nothing but this fake.
CONSUMER_KEY = "contoh-kunci"
CONSUMER_SECRET = "contoh-rahasia-kunci"  # noqa: S105
SSO_CLIENT_ID = "contoh-klien"
SSO_USERNAME = "contoh-pengguna"
SSO_PASSWORD = "contoh-sandi"  # noqa: S105

_APIM_PATH = "/oauth2/token"
_SSO_PATH = "/auth/realms/public-siasn/protocol/openid-connect/token"
_API_PATH = "/apisiasn/1.0"

SUBJECTS = (
    "Undangan rapat koordinasi penyusunan laporan kinerja triwulan",
    "Permintaan data kebutuhan pegawai tahun berjalan",
    "Usulan kenaikan pangkat periode berjalan",
    "Penyampaian hasil evaluasi layanan kepegawaian",
    "Permohonan narasumber bimbingan teknis pengelolaan arsip",
    "Tindak lanjut hasil pemeriksaan internal",
    "Penyusunan rencana kegiatan dan anggaran",
    "Verifikasi data riwayat jabatan pegawai",
)


class Issued:
    """The tokens that were given out, each with the instant at which it ends."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ends: dict[str, datetime] = {}
        self.count = 0

    def give(self, kind: str, age: timedelta) -> str:
        self.count += 1
        token = f"contoh-{kind}-{self.count}"
        self._ends[token] = self._clock() + age
        return token

    def holds(self, kind: str, token: str) -> bool:
        ends = self._ends.get(token)
        return token.startswith(f"contoh-{kind}-") and ends is not None and self._clock() < ends

    def revoke_all(self) -> None:
        """Make every token invalid, as a restart of the gateway does."""
        self._ends.clear()


ISSUED = web.AppKey("issued", Issued)
_WORKDAY = web.AppKey("workday", Workday)


def settings_of(url: str) -> dict[str, JSON]:
    """The settings by which the connector reaches a fake that listens at `url`."""
    return {
        "api_url": url + _API_PATH,
        "apim_token_url": url + _APIM_PATH,
        "sso_token_url": url + _SSO_PATH,
        "consumer_key": CONSUMER_KEY,
        "consumer_secret": CONSUMER_SECRET,
        "sso_client_id": SSO_CLIENT_ID,
        "sso_username": SSO_USERNAME,
        "sso_password": SSO_PASSWORD,
    }


def create_app(
    people: Sequence[Person],
    clock: Clock = utc_now,
    *,
    titles: Mapping[str, Sequence[str]] | None = None,
    seed: int = 0,
    every: timedelta | None = None,
    backlog: int = 3,
) -> web.Application:
    """A fake SIASN in which `people` work today. `app[CONTROL].fail_next(503)` is a fault."""
    app = web.Application(middlewares=[faults])
    app[CONTROL] = Control()
    app[ISSUED] = Issued(clock)
    app[_WORKDAY] = Workday(
        people, clock, subjects=SUBJECTS, titles=titles, seed=seed, every=every, backlog=backlog
    )
    app.router.add_post(_APIM_PATH, _apim_token)
    app.router.add_post(_SSO_PATH, _sso_token)
    app.router.add_get(_API_PATH + "/kinerja/disposisi", _dispositions)
    Office(people, _refusal).serve(app.router, _API_PATH)
    return app


async def _apim_token(request: web.Request) -> web.Response:
    form = await request.post()
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    expected = f"{CONSUMER_KEY}:{CONSUMER_SECRET}".encode()
    basic = scheme.lower() == "basic" and base64.b64decode(encoded) == expected
    if not basic or form.get("grant_type") != "client_credentials":
        fault = {
            "error": "invalid_client",
            "error_description": "Client Authentication failed.",
        }
        return web.json_response(fault, status=401)
    token = request.app[ISSUED].give("apim", timedelta(seconds=3_600))
    body = {"access_token": token, "scope": "default", "token_type": "Bearer", "expires_in": 3600}
    return web.json_response(body)


async def _sso_token(request: web.Request) -> web.Response:
    form = await request.post()
    expected = {
        "grant_type": "password",
        "client_id": SSO_CLIENT_ID,
        "username": SSO_USERNAME,
        "password": SSO_PASSWORD,
    }
    if {name: form.get(name) for name in expected} != expected:
        fault = {"error": "invalid_grant", "error_description": "Invalid user credentials"}
        return web.json_response(fault, status=401)
    token = request.app[ISSUED].give("sso", timedelta(seconds=43_200))
    body = {"access_token": token, "expires_in": 43200, "token_type": "bearer"}
    return web.json_response(body)


def _refusal(request: web.Request) -> web.Response | None:
    issued = request.app[ISSUED]
    apim = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not issued.holds("apim", apim):
        fault = {"fault": {"code": 900901, "message": "Invalid Credentials"}}
        return web.json_response(fault, status=401)
    sso = request.headers.get("Auth", "").removeprefix("bearer ")
    if not issued.holds("sso", sso):
        unknown = {"code": 0, "message": "Token SSO tidak valid atau kedaluwarsa"}
        return web.json_response(unknown, status=401)
    return None


async def _dispositions(request: web.Request) -> web.Response:
    if (refusal := _refusal(request)) is not None:
        return refusal
    workday = request.app[_WORKDAY]
    # Whole days and whole instants both sort as text.
    since = request.query.get("sejak", "")
    rows = [row for one in workday.moments() if (row := _row(workday, one))["waktu"] >= since]
    offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 10))
    found = rows[offset : offset + limit]
    if not found:
        return web.json_response({"code": 0, "data": "Data tidak ditemukan"}, status=404)
    return web.json_response({"code": 1, "data": found, "count": len(rows)})


def _row(workday: Workday, moment: Moment) -> dict[str, str]:
    """The disposition that a piece of work is: made, followed up, or (one in seven) only read."""
    other = workday.other_than(moment)
    if moment.number % 7 == 6:
        state, maker, receiver = "dibaca", other, moment.person
    elif moment.number % 2:
        state, maker, receiver = "belum dibaca", moment.person, other
    else:
        state, maker, receiver = "sudah ditindaklanjuti", other, moment.person
    name = f"{moment.at.isoformat()}/{moment.number}/{moment.person.nip}"
    return {
        "id": uuid.uuid5(uuid.NAMESPACE_URL, name).hex.upper(),
        "nomorSurat": f"B-{moment.number + 1:03d}/KP.{moment.number % 9 + 1:02d}/{moment.at:%Y}",
        "tanggalSurat": f"{moment.at:%d-%m-%Y}",
        "perihal": moment.subject,
        "instruksi": "Mohon ditindaklanjuti sesuai ketentuan",
        "status": state,
        "nipPembuat": maker.nip,
        "namaPembuat": maker.name,
        "nipPenerima": receiver.nip,
        "namaPenerima": receiver.name,
        "waktu": f"{moment.at.astimezone(WIB):%Y-%m-%d %H:%M:%S}",
    }


def main() -> None:
    """Run the fake until it is interrupted."""
    given = arguments_of("ekinerja_siasn.fake").parse_args()
    people = people_of(given.people)
    app = create_app(
        people,
        titles=titles_of(given.titles),
        seed=given.seed,
        every=None if given.every is None else timedelta(seconds=given.every),
    )

    def answers(url: str) -> dict[str, JSON]:
        nips = [one.nip for one in people]
        return {**settings_of(url), "nips": nips, "coefficients": {"*": "12"}}

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(app, given.port, answers))


if __name__ == "__main__":
    main()
