"""Who writes and reads consequences where it is not plain: of oneself, and of who has moved on."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import orjson
import pytest

from schema.consequences import careers
from schema.consequences.careers import CareerEntry, PotentialEntry, TrainingEntry
from schema.consequences.models import Consequence, Employment
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Agency, Employee
from server.database import DatabaseRole, opened
from tests.copies import Copies
from tests.factories import key_of, schema
from tests.schema.test_differential import context_of
from tests.two_agencies import DAY, NIPS, NOON, World, build

POOL = """{ talentPool(agency: "A", period: "2026") { totalCount edges { node {
  label employee { name } appraisals { predicate employee { name } } } } } }"""
ONE = """query($id: ID!) { node(id: $id) { ... on Consequence {
  amount employee { name } versions { amount employee { name } } } } }"""


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with (
        copies.of(build, build) as (database, world),
        opened(database, DatabaseRole.OWNER),
    ):
        employee, agency = world.people["employee"], await Agency.get(code="B")
        await Employee.filter(id=employee.id).update(agency=agency, superiors=[])
        yield world


async def asked(world: World, name: str, text: str, **given: Any) -> Any:
    scope = (await world.viewers())[name]
    answer = await schema().execute(text, given, context_value=context_of(scope))
    assert answer.errors is None
    return orjson.loads(orjson.dumps(answer.data))


async def test_an_agency_sees_what_it_reckoned_of_who_has_moved_on(world: World) -> None:
    for viewer in ("administrator", "auditor"):
        pool = (await asked(world, viewer, POOL))["talentPool"]

        people = [one["node"]["employee"] for one in pool["edges"]]
        assert pool["totalCount"] == len(people) > 1
        assert people.count(None) == 1
    row = await Consequence.filter(employee=world.people["employee"]).first()
    assert row is not None
    seen = await asked(world, "administrator", ONE, id=key_of(row))
    assert seen["node"]["employee"] is None


async def test_nobody_writes_their_own_pay_potential_or_training(world: World) -> None:
    scope, nip = (await world.viewers())["administrator"], NIPS["administrator"]
    career = CareerEntry(nip=nip, starts_on=DAY, employment=Employment.PNS)
    potential = PotentialEntry(nip=nip, assessed_on=DAY, score=Decimal(99), source="A")
    training = TrainingEntry(nip=nip, ended_on=DAY, title="Bimtek", hours=Decimal(20), source="-")

    for writing in (
        careers.record_careers(scope, "A", [career], NOON),
        careers.record_potentials(scope, "A", [potential], NOON),
        careers.record_trainings(scope, "A", [training], NOON),
    ):
        with pytest.raises(DomainError) as refused:
            await writing
        assert refused.value.code is ErrorCode.NOT_ALLOWED
