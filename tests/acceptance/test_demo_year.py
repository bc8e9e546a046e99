"""The played year: through the use cases as people go, and every figure at the end as expected."""

import time

import pytest

from server.database import Database
from server.demo.cast import Script
from server.demo.year import Outcome, play_year
from tests.factories import agency_case, case_of, real_case


@pytest.mark.parametrize(
    "name", ["cascade_jabar_biro_organisasi_2016", "cascade_jabar_diskominfo_2016", "cascade_bps_tapin_2026"]
)
async def test_try(database: Database, name: str) -> None:
    t=time.time()
    outcome = await play_year(real_case(name), Script(months=3, moves_in=2, reopened=1))
    print(time.time()-t, outcome)
    assert outcome.checks.differences == []

async def test_small(database: Database) -> None:
    outcome = await play_year(case_of(agency_case()), Script(months=3, moves_in=2, reopened=1))
    print(outcome)
    assert outcome.checks.differences == []
