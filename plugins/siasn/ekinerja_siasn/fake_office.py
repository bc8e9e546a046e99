"""The office of the fake SIASN: its units, its people, and the appraisals that it was sent.

Everything is invented. What is saved lasts as long as the process.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from aiohttp import web
from ekinerja_connectors.testing.fakes import Person

__all__ = ["Office"]

Refusal = Callable[[web.Request], web.Response | None]
_OFFICE, _TEAM = "contoh-kantor", "contoh-tim"


def _not_found() -> web.Response:
    return web.json_response({"code": 0, "data": "Data tidak ditemukan"}, status=404)


def _id_of(person: Person) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, person.nip).hex.upper()


class Office:
    """One office with one team in it; the first of `people` leads it, the others work there."""

    def __init__(self, people: Sequence[Person], refusal: Refusal) -> None:
        self._people = people
        self._refusal = refusal
        self._saved: dict[tuple[str, str], list[dict[str, Any]]] = {}

    def serve(self, router: web.UrlDispatcher, base: str) -> None:
        router.add_get(base + "/referensi/ref-unor", self._units)
        router.add_get(base + "/pns/data-utama/{nip}", self._person)
        router.add_get(base + "/pns/{list:rw-skp22|rw-kinerjaperiodik}/{nip}", self._history)
        router.add_post(base + "/skp22/save", self._save)
        router.add_post(base + "/kinerjaperiodik/save", self._save)

    async def _units(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        head = _id_of(self._people[0]) if self._people else None
        units = [
            {"Id": _OFFICE, "DiatasanId": "", "EselonId": "32", "NamaUnor": "Kantor Contoh",
             "PemimpinPnsId": head},
            {"Id": _TEAM, "DiatasanId": _OFFICE, "EselonId": "41", "NamaUnor": "Tim Contoh",
             "PemimpinPnsId": None},
        ]  # fmt: skip
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", 10))
        found = units[offset : offset + limit]
        if not found:
            return _not_found()
        return web.json_response({"code": 1, "count": len(units), "data": found})

    async def _person(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        for place, one in enumerate(self._people):
            if one.nip == request.match_info["nip"]:
                return web.json_response({"code": 1, "data": _record(one, leads=place == 0)})
        return _not_found()

    async def _history(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        rows = self._saved.get((request.match_info["list"], request.match_info["nip"]))
        return web.json_response({"code": 1, "data": rows}) if rows else _not_found()

    async def _save(self, request: web.Request) -> web.Response:
        if (refusal := self._refusal(request)) is not None:
            return refusal
        body = await request.json()
        final = request.path.endswith("/skp22/save")
        owner = body["pnsDinilaiOrang" if final else "pnsDinilaiId"]
        nip = next((one.nip for one in self._people if _id_of(one) == owner), None)
        if nip is None:
            return web.json_response({"success": False, "message": "pns tidak ditemukan"})
        reference = str(uuid.uuid4())
        kind = "rw-skp22" if final else "rw-kinerjaperiodik"
        self._saved.setdefault((kind, nip), []).append({**body, "id": reference})
        given = {"rwSkpId" if final else "rwKinerjaPeriodikId": reference}
        said = {"success": True, "message": "Data berhasil disimpan", "mapData": given}
        return web.json_response(said)


def _record(person: Person, *, leads: bool) -> dict[str, Any]:
    return {
        "id": _id_of(person),
        "nipBaru": person.nip,
        "nama": person.name,
        "statusPegawai": "PNS",
        "kedudukanPnsId": "01",
        "kedudukanPnsNama": "Aktif",
        "unorId": _OFFICE if leads else _TEAM,
        "jabatanNama": "Kepala Kantor" if leads else "Anggota Tim",
        "jenisJabatan": "Jabatan Struktural" if leads else "Jabatan Fungsional Umum",
        "tmtJabatan": "01-01-2024",
        "golRuangAkhirId": 34 if leads else 23,
    }
