"""A fake Example: a real server on loopback, whose every word is invented.

`python -m ekinerja_example.fake` serves it until it is interrupted.
"""

import asyncio
import contextlib

from aiohttp import web
from ekinerja_connectors import JSON
from ekinerja_connectors.testing.fakes import run

__all__ = ["API_TOKEN", "EVENTS", "create_app", "main", "settings_of"]

API_TOKEN = "contoh-token-example"  # noqa: S105 - invented; it opens nothing but this fake
EVENTS: tuple[dict[str, JSON], ...] = (
    {
        "id": 1,
        "type": "meeting.held",
        "nip": "198503122009011007",
        "subject": "Koordinasi penyusunan rencana aksi",
        "begin": "2026-03-02T09:00:00+07:00",
        "end": "2026-03-02T10:30:00+07:00",
    },
    {
        "id": 2,
        "type": "meeting.held",
        "nip": "199207152018012003",
        "subject": "Evaluasi layanan triwulan",
        "begin": "2026-03-02T13:00:00+07:00",
        "end": "2026-03-02T14:00:00+07:00",
    },
    {
        "id": 3,
        "type": "meeting.planned",
        "nip": "198503122009011007",
        "subject": "Persiapan musrenbang",
        "begin": "2026-03-09T09:00:00+07:00",
        "end": "2026-03-09T11:00:00+07:00",
    },
    {
        "id": 4,
        "type": "meeting.cancelled",
        "cancels": 2,
        "at": "2026-03-02T12:00:00+07:00",
        "reason": "Narasumber berhalangan",
    },
)


def settings_of(url: str) -> dict[str, JSON]:
    """The settings by which the connector reaches a fake that listens at `url`."""
    return {"base_url": url, "api_token": API_TOKEN, "page_size": 2}


def create_app() -> web.Application:
    """The service; it keeps nothing."""
    app = web.Application()
    app.router.add_get("/events", _events)
    return app


async def _events(request: web.Request) -> web.Response:
    if request.headers.get("Authorization") != f"Bearer {API_TOKEN}":
        return web.json_response({"message": "unknown token"}, status=401)
    after, limit = int(request.query["after"]), int(request.query["limit"])
    found = [one for number, one in enumerate(EVENTS, start=1) if number > after]
    return web.json_response({"events": found[:limit]})


def main() -> None:
    """Serve until interrupted; prints the address, then the connector's settings for it."""
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(create_app(), 0, settings_of))


if __name__ == "__main__":
    main()
