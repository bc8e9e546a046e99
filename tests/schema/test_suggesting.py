"""What suggestions read: rules, habits and targets of a whole batch, in four statements."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schema.errors import DomainError
from schema.organizations.models import Employee
from schema.progress.advising import RuleEntry, set_mapping_rules, suggest_targets
from schema.progress.models import ProgressRecord, RecordState, SuggestionOrigin
from schema.progress.suggesting import Work, suggestions
from schema.tables import transaction
from schema.values import uuid7
from server.database import Database, DatabaseRole, opened
from tests import feeding
from tests.feeding import DAY, NOON, activity, fetched
from tests.schema.test_intake import received, taken

TITLE = "Nota dinas kegiatan rutin"


@pytest.fixture
async def person(fresh_database: Database) -> AsyncIterator[Employee]:
    """An employee with two targets and an installation; Tortoise is open as the owner."""
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        employee = await feeding.employee(await feeding.agency())
        await feeding.installation(await employee.agency)
        await feeding.target(employee, "Tertatanya arsip inaktif")
        await feeding.target(employee, "Terbayarnya gaji pegawai")
    async with opened(fresh_database, DatabaseRole.OWNER):
        yield employee


async def title_of(record: Any) -> str | None:
    rows = await fetched("SELECT title FROM target WHERE id = $1", record.suggested_target_id)
    return rows[0]["title"] if rows else None


async def test_what_the_employee_confirmed_before_is_suggested_for_a_like_title(
    person: Employee,
) -> None:
    salary = (await fetched("SELECT id FROM target WHERE title LIKE 'Terbayarnya%'"))[0]["id"]
    for number in range(2):
        what = activity(f"D-{number}", title=TITLE)
        before = await taken(await received(f"D-{number}"), what, person)
        assert (before.suggested_target_id is None) is (number == 0)  # one choice is enough
        await ProgressRecord.filter(id=before.id).update(
            state=RecordState.CONFIRMED, target_id=salary, decided_at=NOON
        )

    record = await taken(await received("D-9"), activity("D-9", title=TITLE), person)

    assert await title_of(record) == "Terbayarnya gaji pegawai"
    assert record.suggestion_origin is SuggestionOrigin.HABIT
    assert record.suggestion_reason == (f"2 kali dipilih untuk pekerjaan serupa, seperti “{TITLE}”")


async def test_a_rule_that_an_administrator_sets_decides_and_a_waiting_record_can_be_asked_anew(
    person: Employee,
) -> None:
    record = await taken(await received(), activity(title=TITLE), person)
    scope = await feeding.administrator(await person.agency)
    archive = (await fetched("SELECT id FROM target WHERE title LIKE 'Tertatanya%'"))[0]["id"]
    rule = RuleEntry(goal_id=archive, kind="surat", words="nota")

    await set_mapping_rules(scope, "INST-A", [rule], NOON)
    _, [found] = await suggest_targets(replace(scope, employee_id=person.id), record.id)

    assert record.suggested_target_id is None
    assert (found.target_id, found.origin) == (archive, SuggestionOrigin.RULE)
    await record.refresh_from_db()
    assert record.suggested_target_id == archive


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([{}], "rules.0"),
        ([{"kind": "surat"}, {"words": "dan di"}], "rules.1.words"),
        ([{"plugin": "p" * 61}], "rules.0.plugin"),
        ([{"kind": "surat", "goal_id": uuid7()}], "rules.0.goal"),
        ([{"kind": "surat"}] * 201, "rules"),
    ],
    ids=["nothing named", "no word", "too long", "another agency's goal", "too many"],
)
async def test_rules_that_cannot_be_are_refused_and_the_old_ones_stay(
    person: Employee, rules: list[dict[str, Any]], field: str
) -> None:
    scope = await feeding.administrator(await person.agency)
    goal = (await fetched("SELECT id FROM target ORDER BY id LIMIT 1"))[0]["id"]
    await set_mapping_rules(scope, "INST-A", [RuleEntry(goal_id=goal, kind="surat")], NOON)
    entries = [RuleEntry(**{"goal_id": goal, **rule}) for rule in rules]

    with pytest.raises(DomainError) as refused:
        await set_mapping_rules(scope, "INST-A", entries, NOON)

    assert refused.value.field == field
    assert await feeding.count("mapping_rule") == 1


async def test_a_batch_costs_as_many_statements_as_one_and_keeps_its_order(
    person: Employee, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = (await fetched("SELECT id FROM installation"))[0]["id"]
    one = Work(employee_id=person.id, day=DAY, plugin="fake", kind="surat", title="Menata arsip")
    works = [
        one,
        replace(one, title="Senam pagi"),
        replace(one, title="Membayar gaji pegawai"),
        replace(one, day=DAY + timedelta(days=4000)),  # in no period
    ] * 20
    asked: list[str] = []

    async with transaction() as connection:
        ask = connection.execute_query_dict

        async def counted(query: str, values: list[Any] | None = None) -> list[dict[str, Any]]:
            asked.append(query)
            return await ask(query, values)

        monkeypatch.setattr(connection, "execute_query_dict", counted)
        found = await suggestions(connection, installation, works)
        many = len(asked)
        await suggestions(connection, installation, [one])

    assert [bool(of) for of in found] == [True, False, True, False] * 20
    assert many == len(asked) - many <= 4
