"""A plugin written for SDK 0.1.0, frozen as it stood in that version's guide, still runs."""

import hashlib
import shutil
from pathlib import Path

from aiohttp import web
from ekinerja_connectors import Activity, Fatal, Skippable
from ekinerja_connectors.testing.fakes import serve

from server.plugin_host import PluginHost
from tests.connectors.announced import announce

FROZEN = Path(__file__).parent.parent / "fixtures" / "plugin-of-sdk-0.1.0"
#: An edit here means that vendors would have to make it too.
DIGESTS = {
    "ekinerja_rapat.py": "ad6e126ca3857734",
    "pyproject.toml": "729446447674871b",
    "test_rapat.py": "fdfafd618c9a8d75",
}
MEETINGS = [
    {"id": 1, "nip": "198503122009011007", "subject": "Koordinasi", "state": "held"}
    | {"begin": "2026-03-02T09:00:00+07:00", "end": "2026-03-02T10:30:00+07:00"},
    {"id": 2, "nip": "198503122009011007", "subject": "Evaluasi", "state": "cancelled"},
    {"id": 3, "nip": "19850312", "subject": "Evaluasi", "state": "held"}
    | {"begin": "2026-03-02T09:00:00+07:00", "end": "2026-03-02T10:30:00+07:00"},
]


def test_old_plugin_was_not_edited() -> None:
    found = {
        one.name: hashlib.sha256(one.read_bytes()).hexdigest()[:16]
        for one in FROZEN.iterdir()
        if one.is_file()
    }

    assert found == DIGESTS


async def test_plugin_of_the_first_version_still_runs_in_the_host(tmp_path: Path) -> None:
    shutil.copy(FROZEN / "ekinerja_rapat.py", tmp_path)
    name = announce(tmp_path, (FROZEN / "pyproject.toml").read_text("utf-8"))

    async def meetings(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer buatan"
        after = int(request.query["after"])
        return web.json_response([one for one in MEETINGS if int(str(one["id"])) > after])

    app = web.Application()
    app.router.add_get("/meetings", meetings)
    host = PluginHost(path=tmp_path)
    try:
        async with serve(app) as url:
            settings = {"base_url": url, "api_token": "buatan"}
            info = await host.describe(name)
            page = await host.fetch(name, "one", settings, None)
            after = await host.fetch(name, "one", settings, page.next_cursor)
            stated = await host.translate(name, "one", settings, page.items)
    finally:
        await host.close()

    assert (info.distribution, info.capabilities) == ("ekinerja-rapat", ("polling",))
    assert [one.source_id for one in page.items] == ["rapat-1", "rapat-2", "rapat-3"]
    assert (page.next_cursor, page.more) == ("3", True)
    assert (after.items, after.more) == ((), False)
    assert isinstance(stated[0], Activity)
    assert stated[0].title == "Rapat: Koordinasi"
    assert isinstance(stated[1], Skippable)
    assert isinstance(stated[2], Fatal)
