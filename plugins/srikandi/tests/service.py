"""A SRIKANDI for the tests, written from the payload samples and from nothing of the plugin.

It hands out the sample events in pages with a cursor, and signs deliveries of them by itself
after Standard Webhooks 1.0.0.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

FIXTURES = Path(__file__).with_name("fixtures")
SOURCE = "/srikandi/instansi/pemprov-jabar/biro-organisasi"
TOKEN = "token-uji-srikandi"
SECRET = "whsec_" + base64.b64encode(b"kunci uji, dua puluh empat+").decode()


def events() -> list[dict[str, Any]]:
    """The 58 sample events, oldest letter first."""
    found: list[dict[str, Any]] = json.loads(
        (FIXTURES / "srikandi_events.cloudevents.json").read_text()
    )
    return found


def signed(body: bytes, name: str, seconds: int) -> dict[str, str]:
    """The headers of a delivery: HMAC-SHA256 over `id.timestamp.body`, in base64."""
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    content = f"{name}.{seconds}.".encode() + body
    mac = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": name,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{mac}",
    }


class Service:
    """The events that there are, and answers that are given instead of the right ones."""

    def __init__(self, events: Sequence[dict[str, Any]]) -> None:
        self.events = list(events)
        self.next: list[tuple[int, str, dict[str, str]]] = []

    def settings(self, url: str) -> dict[str, Any]:
        return {"base_url": url, "api_token": TOKEN}

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/api/v1/peristiwa", self._page)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        if self.next:
            status, text, headers = self.next.pop(0)
            return web.Response(status=status, text=text, headers=headers)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"pesan": "Token tidak dikenal"}, status=401)
        after = request.query.get("after", "halaman-0")
        word, _, number = after.partition("-")
        if word != "halaman" or not number.isascii() or not number.isdigit():
            return web.json_response({"pesan": "Penanda tidak dikenal"}, status=400)
        start = int(number)
        end = min(start + int(request.query["limit"]), len(self.events))
        body = {
            "data": self.events[start:end],
            "next": f"halaman-{end}",
            "more": end < len(self.events),
        }
        return web.json_response(body)
