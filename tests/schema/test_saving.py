"""A plan that is saved as one thing: what was published and is not changed stays as it was."""

from typing import Any

from tortoise import Tortoise

from schema.access import Role
from schema.organizations.models import Agency
from schema.organizations.service import grant_role
from schema.organizations.viewers import scope_of
from schema.plans.editing import Draft, IndicatorDraft, ResultDraft, ServiceDraft, stored
from schema.plans.loading import save_case
from schema.plans.models import PerformancePlan, PlanEventKind
from schema.plans.service import save_plan, take_step
from schema.targets.models import Indicator
from server.database import Database
from tests.factories import NOW, STRANGER, case_of, goal, person


def number(title: str) -> dict[str, Any]:
    return {"aspect": "kuantitas", "title": title, "unit_of_measure": "laporan", "target": 5}


def published() -> dict[str, Any]:
    """A goal with two numbers that count the same, and a result with two that flow into them."""
    goals, results = (
        [number("Awal"), number("Akhir")],
        [number("Awal seksi"), number("Akhir seksi")],
    )
    return {
        "agency": "Dinas Uji",
        "agency_code": "DU",
        "year": 2026,
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "units": [{"code": "A", "parent": None, "name": "Dinas Uji", "level": "dinas"}],
        "employees": [person(STRANGER, "Asing Nugraha", "A", None)],
        "targets": [
            goal("G", None, "A", None, indicators=goals),
            goal("P", "G", STRANGER, None, indicators=results),
        ],
    }


async def test_published_plan_that_is_saved_as_it_is_keeps_what_flows(database: Database) -> None:
    """The first number flows into the first above, the second into the second, as in the file."""
    await save_case(case_of(published()))
    await grant_role((await Agency.get(code="DU")).id, "pengelola.du", Role.ADMINISTRATOR)
    scope = await scope_of("pengelola.du")
    plan = await PerformancePlan.get(employee__nip=STRANGER)
    plan = await take_step(scope, plan.id, 1, PlanEventKind.RETURNED, NOW, "Periksa lagi")
    numbers = Indicator.filter(target__plan_id=plan.id).order_by("position")
    before = await numbers.values("id", "position", "title", "contributes_to__title")
    whole = await stored(Tortoise.get_connection("default"), plan)
    (target,) = whole.targets
    draft = ResultDraft(
        id=target.id,
        title=target.title,
        serves=[
            ServiceDraft(target_id=edge.parent_id, kind=edge.kind)
            for edge in whole.edges[target.id]
        ],
        indicators=[
            IndicatorDraft(
                id=row.id,
                title=row.title,
                unit_of_measure=row.unit_of_measure,
                planned=row.planned,
            )
            for row in whole.indicators[target.id]
        ],
    )

    saved = await save_plan(scope, plan.id, 2, Draft(results=[draft]), NOW)

    after = await numbers.values("id", "position", "title", "contributes_to__title")
    assert [one["contributes_to__title"] for one in before] == ["Awal", "Akhir"]
    assert after == before
    assert saved.version == 2, "nothing has changed, so nothing is written down"
