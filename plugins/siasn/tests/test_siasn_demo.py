"""The demonstration's fake SIASN: a day that is the same each time, and its command line."""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from ekinerja_connectors import JSON, Http, Retryable
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import CONTROL, WIB, Person, serve
from ekinerja_siasn import SiasnConnector
from ekinerja_siasn.fake import create_app, settings_of

from plugins.siasn.tests.reading import APPRAISER, EMPLOYEE, result_of, whole_directory

PEOPLE = (
    Person(nip="198503122009011007", name="Rahmat Hidayat"),
    Person(nip="199207152018012003", name="Sari Wulandari"),
)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=WIB)


async def test_demonstration_gives_new_work_and_faults_that_the_connector_understands() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))

    async with serve(app) as url:
        config = parse(SiasnConnector.settings, settings_of(url))
        async with Http(addresses_of(config)) as http:
            connector = SiasnConnector(config, http)
            app[CONTROL].fail_next(429, retry_after="11")
            with pytest.raises(Retryable) as caught:
                await connector.fetch(None)
            before = await connector.fetch(None)
            now += timedelta(minutes=12)
            after = await connector.fetch(before.next_cursor)

    new = {one.source_id for one in after.items} - {one.source_id for one in before.items}
    assert caught.value.retry_after == timedelta(seconds=11)
    assert len(before.items) == 6
    assert len(new) == 2  # at 12.05 and 12.10


async def test_demonstration_has_an_office_and_takes_an_appraisal_once() -> None:
    people = tuple(Person(nip=nip, name="Pegawai Contoh") for nip in (APPRAISER, EMPLOYEE))

    async with serve(create_app(people, lambda: NOON)) as url:
        given = {**settings_of(url), "nips": [APPRAISER, EMPLOYEE], "coefficients": {"*": "12"}}
        config = parse(SiasnConnector.settings, given)
        async with Http(addresses_of(config)) as http:
            connector = SiasnConnector(config, http)
            office = await whole_directory(connector)
            first, again = [await connector.send(result_of()) for _ in range(2)]

    assert (len(office.units), len(office.employees), office.problems) == (2, 2, ())
    assert [one.heads_unit for one in office.assignments] == [True, False]
    assert first.reference == again.reference


def test_same_seed_and_clock_give_the_same_day() -> None:
    same: Callable[[int], JSON] = lambda seed: [  # noqa: E731
        (one.at.isoformat(), one.subject)
        for one in workday_of(create_app(PEOPLE, lambda: NOON, seed=seed)).moments()
    ]

    assert same(1) == same(1)
    assert same(1) != same(2)


def workday_of(app: web.Application) -> Any:
    from ekinerja_siasn.fake import _WORKDAY

    return app[_WORKDAY]


def test_titles_of_a_person_are_what_that_persons_work_is_about() -> None:
    app = create_app(PEOPLE, lambda: NOON, titles={PEOPLE[0].nip: ["Sensus Ekonomi"]})

    subjects = {one.subject for one in workday_of(app).moments() if one.person == PEOPLE[0]}

    assert subjects == {"Sensus Ekonomi"}


def test_work_of_today_lies_in_office_hours_up_to_now() -> None:
    moments = workday_of(create_app(PEOPLE, lambda: NOON, backlog=20)).moments()

    assert len(moments) == 40
    assert all(NOON.replace(hour=7, minute=30) <= one.at <= NOON for one in moments)
    assert [one.at for one in moments] == sorted(one.at for one in moments)


async def test_fake_starts_from_the_command_line_and_tells_its_address(tmp_path: Any) -> None:
    people = tmp_path / "people.json"
    people.write_text(json.dumps([{"nip": one.nip, "name": one.name} for one in PEOPLE]))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ekinerja_siasn.fake", "--people", str(people), "--every", "5"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        words = (await process.stdout.readline()).decode().split()
        assert words[:2] == ["listening", "on"]
        config = parse(SiasnConnector.settings, settings_of(words[2]))
        async with Http(addresses_of(config)) as http:
            page = await SiasnConnector(config, http).fetch(None)
    finally:
        process.terminate()
        await process.wait()

    assert len(page.items) >= 6
