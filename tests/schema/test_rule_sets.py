"""Rule sets as an agency has them: versions by day, defaults, who loads and who sees them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
from tortoise.exceptions import OperationalError

from schema.access import Role
from schema.consequences import rule_sets
from schema.consequences.models import RuleKind, RuleSet
from schema.consequences.rule_sets import DEFAULTS_FROM, all_in_force, ensure_defaults, in_force
from schema.consequences.rule_texts import packaged, packaged_rules
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Agency
from schema.organizations.service import grant_role
from schema.tables import transaction
from schema.values import uuid7
from tests.copies import Copies
from tests.factories import NOW, Api, World, copied_world

YEAR, NEXT = date(2026, 1, 1), date(2027, 1, 1)
LOAD = """mutation($input: LoadRuleSetInput!) { loadRuleSet(input: $input) {
  ruleSet { code version startsOn title assumed table loadedBy { nip } }
  userErrors { code field message } } }"""


async def grant(world: World) -> None:
    agency: Agency = world.rows["agency"]  # type: ignore[assignment]
    await grant_role(agency.id, "pengelola.dc", Role.ADMINISTRATOR)
    await grant_role(agency.id, "auditor.dc", Role.AUDITOR)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, grant) as world:
        yield world


def key(world: World) -> Any:
    return world.rows["agency"].id


async def load(world: World, day: date, **given: str) -> RuleSet:
    return await rule_sets.load(await world.scope("administrator"), "DC", day, NOW, **given)


async def test_versions_hold_from_their_day_until_the_next(world: World) -> None:
    lighter = packaged()["bobot"].replace("GOOD = 80", "GOOD = 90")
    made = [
        await load(world, YEAR, code="kementan-2019"),
        await load(world, NEXT, code="kementan-2025"),
        await load(world, YEAR, text=lighter),
        # Of two from the same day the later one holds.
        await load(world, NEXT, code="klhk-2024"),
    ]

    assert [(row.kind, row.version) for row in made] == [
        (RuleKind.ALLOWANCE, 1),
        (RuleKind.ALLOWANCE, 2),
        (RuleKind.WEIGHT, 2),
        (RuleKind.ALLOWANCE, 3),
    ]
    async with transaction() as connection:
        found = {
            day: {
                kind: (one.code, one.version)
                for kind, one in (await all_in_force(connection, key(world), day)).items()
            }
            for day in (date(2021, 12, 31), date(2025, 12, 31), YEAR, date(2026, 12, 31), NEXT)
        }
    rest = {
        RuleKind.CREDIT: ("angka-kredit", 1),
        RuleKind.TALENT: ("nine-box", 1),
        RuleKind.TRAINING: ("pelatihan", 1),
    }
    assert list(found.values()) == [
        {},
        rest | {RuleKind.WEIGHT: ("bobot", 1)},
        rest | {RuleKind.WEIGHT: ("bobot", 2), RuleKind.ALLOWANCE: ("kementan-2019", 1)},
        rest | {RuleKind.WEIGHT: ("bobot", 2), RuleKind.ALLOWANCE: ("kementan-2019", 1)},
        rest | {RuleKind.WEIGHT: ("bobot", 2), RuleKind.ALLOWANCE: ("klhk-2024", 3)},
    ]


async def test_what_is_in_force_has_its_rules_and_its_bytes(world: World) -> None:
    await load(world, YEAR, code="klhk-2024")

    async with transaction() as connection:
        found = await in_force(connection, key(world), RuleKind.ALLOWANCE, YEAR)
        none = await in_force(connection, key(world), RuleKind.ALLOWANCE, date(2025, 12, 31))

    table = packaged_rules("klhk-2024")
    assert found is not None
    assert (found.rules, found.body, found.digest) == (table.rules, table.body, table.digest)
    assert none is None


async def test_the_same_rules_from_the_same_day_are_no_new_version(world: World) -> None:
    first = await load(world, YEAR, code="bobot")
    again = await load(world, YEAR, text=packaged()["bobot"].replace("= 100", "= 100.0"))
    other_day = await load(world, NEXT, code="bobot")

    assert first.id == again.id
    assert other_day.version == first.version + 1


async def test_going_back_to_rules_of_the_same_day_is_a_version(world: World) -> None:
    await load(world, YEAR, code="klhk-2024")
    await load(world, YEAR, code="kemenlu-2025")
    back = await load(world, YEAR, code="klhk-2024")

    async with transaction() as connection:
        found = await in_force(connection, key(world), RuleKind.ALLOWANCE, YEAR)
    assert (back.version, found and found.id) == (3, back.id)


async def test_defaults_come_once_and_never_over_what_is_there(world: World) -> None:
    async with transaction() as connection:
        first = await ensure_defaults(connection, key(world), NOW)
        again = await ensure_defaults(connection, key(world), NOW)

    rows = await RuleSet.all()
    assert (first, again, len(rows)) == (4, 0, 4)
    assert {(row.version, row.starts_on, row.loaded_by) for row in rows} == {
        (1, DEFAULTS_FROM, "ekinerja")
    }


async def test_many_at_once_bring_the_defaults_once(world: World) -> None:
    async def ensured() -> int:
        async with transaction() as connection:
            return await ensure_defaults(connection, key(world), NOW)

    added = await asyncio.gather(*(ensured() for _ in range(5)))

    assert sorted(added) == [0, 0, 0, 0, 4]


async def test_many_at_once_load_different_versions(world: World) -> None:
    codes = ["klhk-2024", "kemenlu-2025", "bakamla-2023", "contoh-50"]

    made = await asyncio.gather(*(load(world, YEAR, code=code) for code in codes))

    assert sorted(row.version for row in made) == [1, 2, 3, 4]


async def test_a_version_is_never_changed_or_taken_away(world: World) -> None:
    await load(world, YEAR, code="bobot")

    for change in ("UPDATE rule_set SET body = '{}'", "DELETE FROM rule_set"):
        with pytest.raises(OperationalError, match=r"permission denied|append-only"):
            async with transaction() as connection:
                await connection.execute_query_dict(change)


async def test_neither_or_both_of_text_and_code_are_refused(world: World) -> None:
    for given in ({}, {"code": "bobot", "text": packaged()["bobot"]}):
        with pytest.raises(DomainError) as refused:
            await load(world, YEAR, **given)
        assert (refused.value.code, refused.value.field) == (ErrorCode.BAD_USER_INPUT, "text")
    assert await RuleSet.all().count() == 0, "not even the defaults"


async def test_only_the_administrator_loads_and_learns_nothing_else(world: World) -> None:
    for name in ("self", "superior", "auditor"):
        with pytest.raises(NotFound):
            await rule_sets.load(await world.scope(name), "DC", YEAR, NOW, text="wrong")
    with pytest.raises(NotFound):
        await rule_sets.bring_defaults(await world.scope("self"), "DC", NOW)


async def test_an_administrator_loads_and_everybody_reads(world: World) -> None:
    text = packaged()["kementan-2025"]
    api = Api.of("administrator")

    loaded = await api.run(LOAD, input={"agency": "DC", "startsOn": "2026-01-01", "text": text})
    refused = await api.run(
        LOAD, input={"agency": "DC", "startsOn": "2026-01-01", "text": text[:-4]}
    )
    read = await Api.of("colleague").run(
        """{ agency(code: "DC") {
          day: ruleSets(on: "2026-06-01") { kind code }
          before: ruleSets(on: "2025-12-31", ruleKind: ALLOWANCE) { code }
          all: ruleSets(ruleKind: ALLOWANCE) { code version startsOn } }
        packagedRules(ruleKind: TRAINING) { code text } }"""
    )

    found = loaded.data["loadRuleSet"]["ruleSet"]
    assert (found["code"], found["version"], found["startsOn"]) == ("kementan-2025", 1, str(YEAR))
    assert found["table"]["employment"] == {"CPNS": "80"}
    assert len(found["assumed"]) == 4
    (error,) = refused.data["loadRuleSet"]["userErrors"]
    assert (error["code"], error["field"]) == ("RULES_INVALID", "rules")
    kinds = ["ALLOWANCE", "CREDIT", "TALENT", "TRAINING", "WEIGHT"]
    agency = read.data["agency"]
    assert [row["kind"] for row in agency["day"]] == kinds
    assert (agency["before"], len(agency["all"])) == ([], 1)
    assert [one["text"] for one in read.data["packagedRules"]] == [packaged()["pelatihan"]]


async def test_an_agency_that_is_not_there_is_not_found(world: World) -> None:
    async with transaction() as connection:
        assert await all_in_force(connection, uuid7(), YEAR) == {}
    with pytest.raises(NotFound):
        await rule_sets.load(await world.scope("administrator"), "ZZ", YEAR, NOW, code="bobot")
