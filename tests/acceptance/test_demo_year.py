"""The played year: through the use cases as people go, and every figure at the end as expected.

The script adds up by itself what it decided to record; its checks compare that with what the API
answers. Here it is also shown that they see a figure that is not right.
"""

from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from schema.plans.models import EvaluationEvent, PerformancePlan, PlanEvent, PlanEventKind
from schema.progress.models import ProgressRecord, RecordEvent, RecordEventKind
from schema.targets.models import Indicator
from server.cli import parser
from server.commands.demo import PLAYED, case_of, report
from server.database import Database
from server.demo.cast import Script
from server.demo.checking import Checks, check
from server.demo.year import Outcome, act, play_year
from tests import factories
from tests.processes import command, environment

QUICK = Script(months=3, moves_in=2, reopened=1)
"""A transfer on 1 February, an acting post in March."""
SECTIONS = {"biro_organisasi": "eselon_3", "diskominfo": "eselon_3", "tapin": "tim"}
"""The level of goals between people and agency."""


def cells(said: str, code: str) -> list[str]:
    """The row of an agency in the printed table."""
    (row,) = [line for line in said.splitlines() if line.startswith(f"│ {code} ")]
    return [cell.strip() for cell in row.strip("│").split("│")]


@pytest.mark.slow
async def test_small_agency_comes_to_what_was_decided(database: Database) -> None:
    """Sums over four levels, stages, a range, a result with two indicators, weighted goals."""
    ticks: list[str] = []

    outcome = await play_year(factories.case_of(factories.agency_case()), QUICK, ticks.append)

    checks = outcome.checks
    assert checks.differences == []
    # Plans of six people, then three months of each, then their appraisals.
    assert len(ticks) == 6 + 3 * 6 + 3
    assert {"person", "seksi", "agency", "moves", "recomputed indicators"} <= set(checks.compared)
    # Each month of each person is appraised, the acting post's besides, and paid.
    assert checks.compared["predicates"] == checks.compared["signed"] == 3 * 6 + 1
    assert checks.compared["allowances"] == 3 * 6 + 1
    assert checks.compared["recomputed"] == 1
    # Seven of March are printed, the plan's form beside the evaluation's.
    assert (checks.compared["forms"], checks.compared["tables"]) == (2 * 7, 2)
    assert checks.compared["own data"] == 6
    # Each month of each person is as full as the working calendar asks, but for what is dismissed.
    assert checks.compared["required minutes"] == checks.compared["full months"] == 18
    # The same at every playing.
    assert (outcome.records, outcome.corrections, outcome.late) == (461, 5, 4)
    assert outcome.goals == {"G": Decimal("24.27")}
    assert await ProgressRecord.all().count() == outcome.records
    # T1 flows into T, T into S, S into P, P into the agency's goal, and U1 into U into it.
    (goal,) = await Indicator.filter(target__code="G")
    assert goal.contributing > goal.own_records > 0
    assert await PerformancePlan.filter(assignment__kind="PLT").count() == 1
    assert {event.kind for event in await PlanEvent.all()} == {
        PlanEventKind.OPENED,
        PlanEventKind.EDITED,
        PlanEventKind.SUBMITTED,
        PlanEventKind.APPROVED,
        PlanEventKind.RETURNED,
        PlanEventKind.ENDED,
    }
    (reopened,) = await EvaluationEvent.filter(kind="REOPENED")
    assert reopened.reason


@pytest.mark.slow
async def test_wrong_figure_is_named(database: Database) -> None:
    """A number that is changed behind the system's back is found twice: beside the ledger, and by
    the recomputation."""
    play, roles = await act(factories.case_of(factories.agency_case()), Script(months=1))
    row = await Indicator.get(target__code="R")
    assert row.realized is not None

    await Indicator.filter(id=row.id).update(realized=row.realized + 1)
    checks = await check(play, roles=None)

    said = [difference.split(":")[:2] for difference in checks.differences]
    assert ["person", " R Persentase ketepatan"] in said
    assert ["recomputed indicators", " R Persentase ketepatan"] in said
    assert roles.mover in play.people


@pytest.mark.slow
async def test_command_plays_a_case_and_says_what_it_came_to(
    fresh_database: Database, tmp_path: Path
) -> None:
    arguments = ("demo", "year", "--case", "diskominfo", "--months", "1")
    env = environment(tmp_path, fresh_database)

    code, said = await command(*arguments, env=env)
    refused, why = await command(*arguments, env=env)

    assert code == 0, said
    assert "Dinas Komunikasi" in said
    assert "TJ6" in said
    assert cells(said, "DK")[-1] == "0"
    assert refused == 1
    assert "is loaded already" in why
    assert "Traceback" not in why


def test_a_difference_is_printed_and_ends_with_1() -> None:
    printed = StringIO()
    console = Console(file=printed, width=100)
    checks = Checks()
    checks.same("person", "T Jumlah laporan", 3, None)
    outcome = Outcome(
        code="DC",
        agency="Dinas Contoh",
        people=6,
        records=9,
        corrections=0,
        late=0,
        goals={},
        checks=checks,
    )

    code = report(console, [outcome])

    assert code == 1
    assert cells(printed.getvalue(), "DC")[-2:] == ["1", "1"]
    assert "person: T Jumlah laporan: expected 3, found None" in printed.getvalue()


def test_cases_are_those_that_the_command_takes() -> None:
    for name in PLAYED:
        assert parser().parse_args(["demo", "year", "--case", name]).case == [name]
        assert case_of(name).targets


@pytest.mark.slow
async def test_three_real_cases_go_through_a_whole_year(database: Database) -> None:
    people = 0
    for name in PLAYED:
        outcome = await play_year(case_of(name))

        compared = outcome.checks.compared
        assert outcome.checks.differences == [], name
        # At each level: people's results, goals of sections or teams, goals of the agency.
        assert min(compared["person"], compared[SECTIONS[name]], compared["agency"]) > 0
        assert compared["required minutes"] == compared["full months"] == 12 * outcome.people
        assert compared["moves"] == 8
        assert all(value is not None for value in outcome.goals.values())
        people += outcome.people

    kinds = {RecordEventKind.CORRECTED, RecordEventKind.RETURNED, RecordEventKind.DISMISSED}
    for kind in kinds:
        assert await RecordEvent.filter(kind=kind).count() > 0
    assert people == 99
    assert await ProgressRecord.all().count() > 24_000
