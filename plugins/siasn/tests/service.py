"""A SIASN for the tests, written from the payload samples and from nothing of the plugin.

It keeps what is saved, answers what the samples show, and can be told to be irregular.
"""

from __future__ import annotations

import base64
import copy
import json
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

FIXTURES = Path(__file__).with_name("fixtures")
CREDENTIALS = {
    "consumer_key": "kunci-uji",
    "consumer_secret": "rahasia-uji",
    "sso_client_id": "klien-uji",
    "sso_username": "pengguna-uji",
    "sso_password": "sandi-uji",
}
TOKEN_PATHS = {"apim": "/oauth2/token", "sso": "/sso/token"}


def sample(name: str) -> Any:
    """A payload sample: its body where it is wrapped, else itself."""
    found = json.loads((FIXTURES / f"{name}.json").read_text())
    return found["body"] if "_http_status" in found else found


def request_sample(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_text())["body"]
    return found


PEOPLE = [
    sample(f"data-utama_200_{kind}")["data"] for kind in ("jft", "pelaksana", "pppk", "struktural")
]
UNITS = [*sample("ref-unor_200_page1")["data"], *sample("ref-unor_200_page2")["data"]]


class Service:
    """State, and a web application that answers by it.

    `next` holds answers that are given instead of the right ones, oldest first: (path's end,
    status, body as JSON or text). `months_told`: whether rw-kinerjaperiodik names the months.
    """

    def __init__(self, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.clock = clock
        self.people = {one["nipBaru"]: copy.deepcopy(one) for one in PEOPLE}
        self.units = copy.deepcopy(UNITS)
        self.rows: list[dict[str, Any]] = []
        self.saved: list[tuple[str, dict[str, Any]]] = []
        self.history: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self.next: list[tuple[str, int, Any]] = []
        self.lost_answers = 0
        self.months_told = True
        self.obeys_offset = True
        self.calls: Counter[str] = Counter()
        self.tokens: dict[str, tuple[str, float]] = {}

    def settings(self, url: str) -> dict[str, Any]:
        return {
            **CREDENTIALS,
            "api_url": f"{url}/api",
            "apim_token_url": url + TOKEN_PATHS["apim"],
            "sso_token_url": url + TOKEN_PATHS["sso"],
            "coefficients": {"*": "12"},
        }

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._irregular])
        app.router.add_post(TOKEN_PATHS["apim"], self._apim)
        app.router.add_post(TOKEN_PATHS["sso"], self._sso)
        app.router.add_get("/api/kinerja/disposisi", self._dispositions)
        app.router.add_get("/api/referensi/ref-unor", self._units)
        app.router.add_get("/api/pns/data-utama/{nip}", self._person)
        app.router.add_get("/api/pns/{list:rw-[a-z0-9]+}/{nip}", self._history)
        app.router.add_post("/api/kinerjaperiodik/save", self._save)
        app.router.add_post("/api/skp22/save", self._save)
        return app

    @web.middleware
    async def _irregular(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.calls[request.path] += 1
        for index, (end, status, body) in enumerate(self.next):
            if request.path.endswith(end):
                del self.next[index]
                text = body if isinstance(body, str) else json.dumps(body)
                return web.Response(status=status, text=text)
        if request.path.startswith("/api/"):
            apim = request.headers.get("Authorization", "")
            sso = request.headers.get("Auth", "")
            if not self._valid("apim", apim, "Bearer "):
                return web.json_response(sample("unauthorized_401_apim"), status=401)
            if not self._valid("sso", sso, "bearer "):
                return web.json_response(sample("unauthorized_401_sso"), status=401)
        answer: web.StreamResponse = await handler(request)
        return answer

    def _valid(self, kind: str, header: str, scheme: str) -> bool:
        known, ends = self.tokens.get(kind, ("", 0.0))
        return bool(known) and header == scheme + known and self.clock() < ends

    def give(self, kind: str) -> dict[str, Any]:
        """A token of that kind; it ends when the sample says."""
        body = sample(f"token_{kind}_200")
        body["access_token"] += f"-{uuid.uuid4().hex}"
        self.tokens[kind] = (body["access_token"], self.clock() + body["expires_in"])
        return dict(body)

    async def _apim(self, request: web.Request) -> web.Response:
        pair = f"{CREDENTIALS['consumer_key']}:{CREDENTIALS['consumer_secret']}"
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        form = await request.post()
        if request.headers.get("Authorization") != basic:
            return web.json_response(sample("token_apim_401"), status=401)
        assert dict(form) == {"grant_type": "client_credentials"}
        return web.json_response(self.give("apim"))

    async def _sso(self, request: web.Request) -> web.Response:
        form = dict(await request.post())
        wanted = {name.removeprefix("sso_"): value for name, value in CREDENTIALS.items()}
        right = all(form[name] == wanted[name] for name in ("client_id", "username", "password"))
        if form.get("grant_type") != "password" or not right:
            return web.json_response({"error": "invalid_grant"}, status=401)
        return web.json_response(self.give("sso"))

    def _list(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        offset = int(request.query["offset"]) if self.obeys_offset else 0
        found = rows[offset : offset + int(request.query["limit"])]
        if not found:
            return web.json_response(sample("not_found_404"), status=404)
        return web.json_response({"code": 1, "count": len(rows), "data": found})

    async def _dispositions(self, request: web.Request) -> web.Response:
        since = request.query.get("sejak", "")
        return self._list(request, [row for row in self.rows if row["waktu"] >= since])

    async def _units(self, request: web.Request) -> web.Response:
        return self._list(request, self.units)

    async def _person(self, request: web.Request) -> web.Response:
        found = self.people.get(request.match_info["nip"])
        if found is None:
            return web.json_response(sample("not_found_404"), status=404)
        return web.json_response({"code": 1, "data": found})

    async def _history(self, request: web.Request) -> web.Response:
        rows = self.history.get((request.match_info["list"], request.match_info["nip"]), [])
        if not rows:
            return web.json_response(sample("not_found_404"), status=404)
        return web.json_response({"code": 1, "data": rows})

    async def _save(self, request: web.Request) -> web.Response:
        body = await request.json()
        final = request.path == "/api/skp22/save"
        kind = "rw-skp22" if final else "rw-kinerjaperiodik"
        owner = body["pnsDinilaiOrang" if final else "pnsDinilaiId"]
        nip = next(nip for nip, one in self.people.items() if one["id"] == owner)
        rows = self.history.setdefault((kind, nip), [])
        period = (body["tahun"], body.get("bulanMulaiPenilaian"), body.get("bulanSelesaiPenilaian"))
        if any(row["_period"] == period for row in rows if "_period" in row):
            return web.json_response(sample("kinerjaperiodik_save_200_code0"))
        answer = sample("skp22_save_200_success" if final else "kinerjaperiodik_save_200_success")
        (name,) = answer["mapData"]
        answer["mapData"][name] = str(uuid.uuid4())
        row = _row(body, answer["mapData"][name], final=final, months=self.months_told)
        rows.append({**row, "_period": period})
        self.saved.append((request.path, body))
        if self.lost_answers:
            self.lost_answers -= 1
            return web.Response(status=503, text=sample("service_unavailable_503_empty"))
        return web.json_response(answer)


def _row(body: dict[str, Any], name: str, *, final: bool, months: bool) -> dict[str, Any]:
    """What the history shows of a save: other names, other cases, numbers as text."""
    if final:
        return {
            **sample("rw-skp22_200")["data"][0],
            "id": name,
            "hasilKinerjaNilai": body["hasilKinerjaNilai"],
            "PerilakuKerjaNilai": body["perilakuKerjaNilai"],
            "KuadranKinerjaNilai": int(body["kuadranKinerjaNilai"]),
            "nipNrpPenilai": body["penilaiNipNrp"],
            "tahun": str(body["tahun"]),
            "path": None,
        }
    row = {
        **sample("rw-kinerjaperiodik_200")["data"][0],
        "id": name,
        "hasilKinerjaNilai": str(body["hasilKinerjaNilai"]),
        "perilakuKerjaNilai": str(body["perilakuKerjaNilai"]),
        "kuadranKinerjaNilai": body["kuadranKinerjaNilai"],
        "koefisenId": body["koefisienId"],
        "penilaiNipNrp": body["penilaiNipNrp"],
        "periodikId": body["periodikId"],
        "tahun": str(body["tahun"]),
        "path": None,
    }
    if months:
        row["bulanMulaiPenilaian"] = str(body["bulanMulaiPenilaian"])
        row["bulanSelesaiPenilaian"] = str(body["bulanSelesaiPenilaian"])
    return row
