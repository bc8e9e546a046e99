"""From a signature to SIASN's receipt: a real worker and plugin, and SIASN's fake.

The worker is killed with SIGKILL when SIASN has saved and not answered yet.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from ekinerja_connectors.testing.fakes import Person, serve
from ekinerja_siasn.fake import create_app, settings_of

from schema.appraisals.models import AppraisalState, ResultDelivery, SendingState
from schema.consequences.closing import sign
from schema.feeds.models import Plugin, PluginState
from schema.organizations.models import Assignment
from schema.plans.models import EvaluationKind
from schema.values import utc_now
from server.database import Database, DatabaseRole, opened
from tests import feeding, signed

pytestmark = pytest.mark.slow

SECRET = ("consumer_secret", "sso_password")
KINDS = (EvaluationKind.FINAL, EvaluationKind.QUARTERLY)
NIPS = [f"19900101201503{number:04}" for number in range(len(signed.CELLS))]


@dataclass
class Siasn:
    """The fake, and what was saved; the answer to a save can be held back."""

    saved: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    holding: asyncio.Event = field(default_factory=asyncio.Event)
    freed: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> web.Application:
        people = [Person(nip=nip, name="Pegawai Contoh") for nip in (signed.BOSS, *NIPS)]
        app = create_app(people)
        app.middlewares.append(self._watch)
        return app

    @web.middleware
    async def _watch(self, request: web.Request, handler: Any) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        if request.path.endswith("/save"):
            self.saved.append((request.path.rsplit("/", 2)[1], await request.json()))
            self.holding.set()
            await self.freed.wait()
        return answer


@pytest.fixture
async def siasn() -> AsyncIterator[tuple[Siasn, str]]:
    fake = Siasn()
    async with serve(fake.app()) as url:
        yield fake, url


async def worker(database: Database) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.acceptance.ingestion_process", "results"),
        database.urls[DatabaseRole.WORKER],
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"ready\n"
    return process


async def fill(url: str) -> None:
    """Somebody in each of the nine cells, with a quarter and a year; the signature queues them."""
    given = {**settings_of(url), "coefficients": {"*": "12"}}
    agency = await feeding.agency()
    office = await signed.office(agency)
    await signed.ranked(office.boss, "IV/a", utc_now())
    await Plugin.create(
        name="siasn",
        distribution="ekinerja-siasn",
        version="1",
        title="SIASN",
        capabilities=["results"],
        state=PluginState.READY,
        seen_at=utc_now(),
    )
    await feeding.installation(
        agency,
        plugin="siasn",
        settings={name: one for name, one in given.items() if name not in SECRET},
        secrets={name: given[name] for name in SECRET},
    )
    keys = []
    for nip, (work, behaviour, _) in zip(NIPS, signed.CELLS, strict=True):
        for kind in KINDS:
            row = await signed.signed(
                office,
                nip,
                utc_now(),
                kind=kind,
                work=work,
                behaviour=behaviour,
                state=AppraisalState.ACCEPTED,
                signed_at=None,
            )
            keys.append(row.id)
    administrator = await feeding.administrator(agency)
    done = await sign(administrator, keys, utc_now())
    assert (len(done.keys), done.refused) == (len(keys), {})
    # What is corrected after the signature changes nothing of what was signed.
    await Assignment.filter(employee=office.boss).update(position="Kepala Biro")


async def test_every_signed_appraisal_has_its_receipt_and_one_entry_at_siasn(
    fresh_database: Database, siasn: tuple[Siasn, str]
) -> None:
    fake, url = siasn
    async with opened(fresh_database, DatabaseRole.OWNER):
        await fill(url)
        first = await worker(fresh_database)
        async with asyncio.timeout(60):
            await fake.holding.wait()
        first.send_signal(signal.SIGKILL)
        await first.wait()
        fake.freed.set()
        assert await ResultDelivery.filter(state=SendingState.RECEIVED).count() == 0
        # The lease of a worker that died ends; nobody waits ten minutes for it here.
        await ResultDelivery.all().update(retry_at=None)

        second = await worker(fresh_database)
        async with asyncio.timeout(120):
            while await ResultDelivery.exclude(state=SendingState.RECEIVED).exists():
                await asyncio.sleep(0.2)
                assert not await ResultDelivery.filter(state=SendingState.FAILED).exists()
        second.terminate()
        await second.wait()
        rows = await ResultDelivery.all()

    assert len(fake.saved) == len(rows) == 2 * len(signed.CELLS)
    assert len({row.reference for row in rows}) == len(rows)
    (again,) = [row for row in rows if "already" in str(row.message)]
    assert again.attempts == 2
    assert {body["penilaiGolongan"] for _, body in fake.saved} == {"41"}
    names = ("penilaiJabatan", "penilaiJabatanNama")
    said = {body.get(name) for _, body in fake.saved for name in names}
    assert said == {"Kepala Bagian", None}
    codes = ("hasilKinerjaNilai", "perilakuKerjaNilai", "kuadranKinerjaNilai")
    for path in ("skp22", "kinerjaperiodik"):
        sent = sorted(tuple(b[name] for name in codes) for kind, b in fake.saved if kind == path)
        # PermenPANRB 6/2022 by SIASN's codes: misconduct is 4, not the larger of the two.
        assert sent == [
            (1, 1, "1"), (1, 2, "2"), (1, 3, "4"),
            (2, 1, "2"), (2, 2, "2"), (2, 3, "4"),
            (3, 1, "3"), (3, 2, "3"), (3, 3, "5"),
        ]  # fmt: skip
