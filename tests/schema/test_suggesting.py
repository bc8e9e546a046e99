"""What suggestions read: rules, habits and targets of a whole batch, in four statements."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schema.organizations.models import Employee
from schema.progress.models import ProgressRecord, RecordState, SuggestionOrigin
from schema.progress.suggesting import Work, suggestions
from schema.tables import transaction
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
        assert before.suggested_target_id is None
        await ProgressRecord.filter(id=before.id).update(
            state=RecordState.CONFIRMED, target_id=salary, decided_at=NOON
        )

    record = await taken(await received("D-9"), activity("D-9", title=TITLE), person)

    assert await title_of(record) == "Terbayarnya gaji pegawai"
    assert record.suggestion_origin is SuggestionOrigin.HABIT
    assert record.suggestion_reason == (f"2 kali dipilih untuk pekerjaan serupa, seperti “{TITLE}”")


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
