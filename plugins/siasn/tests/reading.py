"""The connector of SIASN over the tests' own service, and invented rows to read."""

import contextlib
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from ekinerja_connectors import (
    JSON,
    DirectoryPage,
    Http,
    Item,
    Official,
    Predicate,
    Rating,
    Result,
    ResultKind,
)
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import serve
from ekinerja_siasn import SiasnConnector

from plugins.siasn.tests.service import Service

EMPLOYEE, APPRAISER = "198406052007022914", "197612142005122905"
MAKER, RECEIVER = "198503122009011007", "199207152018012003"


def row(number: int, **change: JSON) -> dict[str, JSON]:
    """A disposition. Its field names are an assumption of the plugin, its values invented."""
    return {
        "id": f"52BBC55445E97DD1DEE5A37E0927{number:04X}",
        "nomorSurat": f"B-{number:03d}/KP.02/2026",
        "tanggalSurat": "27-02-2026",
        "perihal": "Usulan kenaikan pangkat",
        "instruksi": "Mohon diproses",
        "status": "sudah ditindaklanjuti",
        "nipPembuat": MAKER,
        "nipPenerima": RECEIVER,
        "waktu": f"2026-03-02 {8 + number // 60:02d}:{number % 60:02d}:00",
        **change,
    }


@contextlib.asynccontextmanager
async def reading(service: Service, **settings: JSON) -> AsyncIterator[SiasnConnector]:
    async with serve(service.app()) as url:
        config = parse(SiasnConnector.settings, {**service.settings(url), **settings})
        async with Http(addresses_of(config)) as http:
            yield SiasnConnector(config, http)


def offline(**settings: JSON) -> SiasnConnector:
    given = {**Service().settings("http://127.0.0.1:9"), **settings}
    config = parse(SiasnConnector.settings, given)
    return SiasnConnector(config, Http(addresses_of(config)))


async def read_all(connector: SiasnConnector, cursor: str | None) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    while True:
        page = await connector.fetch(cursor)
        items, cursor = [*items, *page.items], page.next_cursor
        if not page.more:
            return items, cursor


async def whole_directory(connector: SiasnConnector) -> DirectoryPage:
    """All pages as one, in which the last word on a unit holds."""
    pages = [await connector.directory(None)]
    while (cursor := pages[-1].next_cursor) is not None:
        assert len(pages) < 100
        pages.append(await connector.directory(cursor))
    return DirectoryPage(
        units=tuple({unit.code: unit for page in pages for unit in page.units}.values()),
        employees=tuple(one for page in pages for one in page.employees),
        assignments=tuple(one for page in pages for one in page.assignments),
        problems=tuple(one for page in pages for one in page.problems),
    )


def result_of(**change: Any) -> Result:
    """A quarter that met expectations. Names are invented."""
    given: dict[str, Any] = {
        "id": "hasil-1",
        "kind": ResultKind.QUARTERLY,
        "year": 2026,
        "starts_on": date(2026, 7, 1),
        "ends_on": date(2026, 9, 30),
        "employee": Official(
            nip=EMPLOYEE, name="Nabila Saraswati", position="Perencana Muda", unit="Subbagian"
        ),
        "appraiser": Official(
            nip=APPRAISER,
            name="Dewi Gunadi",
            position="Kepala Subbagian",
            unit="Subbagian Kelembagaan",
            rank="III/d",
        ),
        "work": Rating.MEETS,
        "behaviour": Rating.MEETS,
        "predicate": Predicate.GOOD,
    }
    return Result(**{**given, **change})


MONTH = {"kind": ResultKind.MONTHLY, "starts_on": date(2026, 10, 1), "ends_on": date(2026, 10, 31)}
YEAR = {"kind": ResultKind.FINAL, "starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
