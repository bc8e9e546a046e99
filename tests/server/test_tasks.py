"""Dry runs and directories: asked for by a row, done by a worker, answered whatever happens."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from ekinerja_connectors import (
    AuthFailed,
    DirectoryAssignment,
    DirectoryEmployee,
    DirectoryPage,
    DirectoryUnit,
    Item,
    Malformed,
    Page,
    Retryable,
    Skippable,
)

from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import tasks
from schema.feeds.models import (
    ConnectorTask,
    DirectoryChange,
    InboxItem,
    Installation,
    TaskKind,
    TaskState,
)
from schema.plans.directory import Choice, apply_directory
from schema.tables import dicts_of
from server.database import Database, DatabaseRole, opened
from server.ingestion.masking import Mask
from server.ingestion.tasks import MOST_SHOWN, Errands
from server.ingestion.worker import run_ingestion
from tests import feeding
from tests.feeding import NIP, NOON, FakePlugins, by_payload, item

OTHER_NIP = "199001012015032002"


def errands(plugins: FakePlugins, **given: Any) -> Errands:
    return Errands(plugins=plugins, clock=lambda: NOON, **given)


async def asked(source: Installation, kind: TaskKind, **options: Any) -> ConnectorTask:
    scope = await feeding.administrator(await source.agency)
    return await tasks.request(scope, source.id, kind, NOON, options)


async def worked(
    fresh_database: Database, plugins: FakePlugins, kind: TaskKind, **given: Any
) -> ConnectorTask:
    """A task that was asked for as the application and done as the worker."""
    options = given.pop("options", {})
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        agency = await feeding.agency()
        await feeding.employee(agency)
        task = await asked(await feeding.installation(agency, **given), kind, **options)
    async with opened(fresh_database, DatabaseRole.WORKER):
        assert await errands(plugins).step() == timedelta(0)
        return await ConnectorTask.get(id=task.id)


def page(*items: Item) -> Callable[[str | None], Page]:
    return lambda cursor: Page(items=items, next_cursor="later", more=True)


@pytest.mark.parametrize("how", [{"paused": True}, {"enabled": False}, {"halted_at": NOON}])
async def test_dry_run_tells_what_would_come_and_keeps_nothing(
    fresh_database: Database, how: dict[str, Any]
) -> None:
    def translate(one: Item) -> Any:
        if one.source_id == "skip":
            raise Skippable("a draft is no work")
        if one.source_id == "bad":
            raise Malformed("no date")
        return by_payload(one)

    plugins = FakePlugins(
        fetch=page(item("D-1"), item("skip"), item("bad"), item("D-2", nip=OTHER_NIP)),
        translate=translate,
    )
    task = await worked(fresh_database, plugins, TaskKind.DRY_RUN, cursor="17", **how)

    assert (task.state, task.problem) == (TaskState.SUCCEEDED, None)
    assert plugins.cursors == ["17"]
    assert task.result["counts"] == {"ACTIVITY": 2, "SKIPPED": 1, "MALFORMED": 1}
    assert (task.result["items"], task.result["more"], task.result["unknownPeople"]) == (4, True, 1)
    entries = {entry["sourceId"]: entry for entry in task.result["entries"]}
    assert list(entries) == ["skip", "bad", "D-1", "D-2"]
    assert entries["skip"] == {
        "sourceId": "skip",
        "states": "SKIPPED",
        "reason": "a draft is no work",
    }
    assert (entries["D-1"]["nip"], entries["D-1"]["known"]) == (NIP, True)
    assert entries["D-2"]["known"] is False
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert await InboxItem.all().count() == 0
        assert (await Installation.get()).cursor == "17"


async def test_dry_run_from_the_beginning(fresh_database: Database) -> None:
    plugins = FakePlugins()

    await worked(
        fresh_database, plugins, TaskKind.DRY_RUN, cursor="17", options={"fromBeginning": True}
    )

    assert plugins.cursors == [None]


async def test_dry_run_of_a_large_page_is_bounded(fresh_database: Database) -> None:
    many = [item(f"D-{n}", title="x" * 500) for n in range(1_500)]

    task = await worked(fresh_database, FakePlugins(fetch=page(*many)), TaskKind.DRY_RUN)

    assert (task.result["items"], task.result["translated"]) == (1_500, 1_000)
    assert len(task.result["entries"]) == MOST_SHOWN
    assert max(len(entry["title"]) for entry in task.result["entries"]) == 200


async def test_failures_are_told_without_secrets(fresh_database: Database) -> None:
    def refuse(cursor: str | None) -> Page:
        raise AuthFailed("401 for key s3cr3t-key")

    class Secretive(FakePlugins):
        async def describe(self, plugin: str) -> Any:
            about = await super().describe(plugin)
            schema = {"properties": {"key": {"type": "string", "writeOnly": True}}}
            return type(about)(
                **{name: getattr(about, name) for name in about.__slots__}
                | {"settings_schema": schema}
            )

    task = await worked(
        fresh_database,
        Secretive(fetch=refuse),
        TaskKind.DRY_RUN,
        settings={"key": "s3cr3t-key"},
    )

    assert task.state is TaskState.FAILED
    assert task.problem == "AuthFailed: 401 for key ***"


def test_secrets_are_struck_out_of_all_that_an_answer_holds() -> None:
    schema = {"properties": {"key": {"writeOnly": True}, "pin": {"writeOnly": True}, "url": {}}}
    mask = Mask.of({"key": "rahasia", "pin": "12", "url": "https://layanan.example"}, schema)

    answer = mask.value({"a rahasia b": ["12", "120", 5, None], "url": "https://layanan.example"})

    assert answer == {"a *** b": ["***", "120", 5, None], "url": "https://layanan.example"}


def test_a_secret_inside_of_other_settings_is_struck_out_too() -> None:
    login = {"properties": {"user": {}, "password": {"writeOnly": True}}}
    schema = {"properties": {"login": {"type": "object", **login}, "keys": {"writeOnly": True}}}
    settings = {"login": {"user": "sari", "password": "s3cr3t"}, "keys": ["kunci", {"a": "lain"}]}

    answer = Mask.of(settings, schema).value(["sari", "s3cr3t", "kunci", "lain"])

    assert answer == ["sari", "***", "***", "***"]


async def test_what_a_plugin_cannot_do_is_said(fresh_database: Database) -> None:
    task = await worked(fresh_database, FakePlugins(), TaskKind.DIRECTORY)

    assert task.problem == "TaskFailed: plugin fake has no capability 'directory'"


def of_pages(*pages: DirectoryPage) -> Callable[[str | None], DirectoryPage]:
    return lambda cursor: pages[int(cursor or 0)]


FIRST = DirectoryPage(
    units=(
        DirectoryUnit(code="A", name="Dinas"),
        DirectoryUnit(code="B", name="Bidang", parent_code="A"),
    ),
    problems=("unit X names itself as its parent",),
    next_cursor="1",
)
SECOND = DirectoryPage(
    employees=(
        DirectoryEmployee(nip=NIP, name="Sari Wulandari"),
        DirectoryEmployee(nip=OTHER_NIP, name="Budi Santoso"),
    ),
    assignments=(
        DirectoryAssignment(
            nip=NIP, unit_code="A", position="Kepala", starts_on=date(2025, 1, 1), heads_unit=True
        ),
        DirectoryAssignment(
            nip=OTHER_NIP, unit_code="B", position="Analis", starts_on=date(2025, 1, 1)
        ),
    ),
)


async def test_a_directory_is_read_whole_compared_and_applied(fresh_database: Database) -> None:
    plugins = FakePlugins(directory=of_pages(FIRST, SECOND), capabilities=("directory",))

    task = await worked(fresh_database, plugins, TaskKind.DIRECTORY)

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert (task.result["pages"], task.result["posts"]) == (2, 2)
        rows = await DirectoryChange.filter(task=task).order_by("position")
        assert [(row.kind, row.subject) for row in rows] == [
            ("UNIT_ADDED", "A"),
            ("UNIT_ADDED", "B"),
            ("EMPLOYEE_ADDED", OTHER_NIP),
            ("POST_STARTED", NIP),
            ("POST_STARTED", OTHER_NIP),
            ("PROBLEM", "-"),
        ]
        assert rows[4].after["appraiser"] == NIP
        scope = await feeding.administrator(await feeding.Agency.get())
        done = await apply_directory(scope, task.id, Choice(), None, NOON)
        assert done.conflict is None
        again = await asked(await Installation.get(), TaskKind.DIRECTORY)
    async with opened(fresh_database, DatabaseRole.WORKER):
        await errands(plugins).step()
        assert await DirectoryChange.filter(task_id=again.id).values_list("kind", flat=True) == [
            "PROBLEM"
        ]


async def test_a_directory_that_goes_in_a_circle_is_not_read_on(fresh_database: Database) -> None:
    circle = of_pages(FIRST, DirectoryPage(next_cursor="1"))
    plugins = FakePlugins(directory=circle, capabilities=("directory",))

    task = await worked(fresh_database, plugins, TaskKind.DIRECTORY)

    assert task.state is TaskState.FAILED
    assert "goes in a circle" in (task.problem or "")


async def test_a_page_is_asked_for_again_when_the_service_says_so(
    worker_database: Database,
) -> None:
    pauses: list[float] = []
    answers: list[Any] = [Retryable("429", timedelta(seconds=7)), DirectoryPage()]

    def busy(cursor: str | None) -> DirectoryPage:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return DirectoryPage()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    plugins = FakePlugins(directory=busy, capabilities=("directory",))
    source = Installation(plugin="fake", title="x")

    await errands(plugins, sleep=sleep)._pages(source, {})

    assert (pauses, answers) == ([7.0], [])


async def test_a_fault_of_ours_is_an_answer_too(fresh_database: Database) -> None:
    def fault(cursor: str | None) -> Page:
        raise RuntimeError("boom")

    task = await worked(fresh_database, FakePlugins(fetch=fault), TaskKind.DRY_RUN)

    assert (task.state, task.problem) == (TaskState.FAILED, "internal: RuntimeError")


async def test_a_task_whose_worker_died_is_taken_up_and_the_dead_one_is_not_heard(
    database: Database,
) -> None:
    source = await feeding.installation(await feeding.agency())
    task = await asked(source, TaskKind.DRY_RUN)
    dead = await tasks.claim(NOON)
    assert dead is not None
    assert await tasks.claim(NOON) is None
    await silent(task)

    heir = await tasks.claim(NOON)

    assert heir is not None
    assert (heir.id, heir.attempts) == (task.id, 2)
    assert not await tasks.give_sign(dead)
    assert not await tasks.finish(dead, {"of": "the dead"}, NOON)
    assert await tasks.finish(heir, {"of": "the heir"}, NOON)
    assert (await ConnectorTask.get(id=task.id)).result == {"of": "the heir"}


async def silent(task: ConnectorTask) -> None:
    """As if its worker had died two minutes ago."""
    await dicts_of(
        "UPDATE connector_task SET alive_at = now() - interval '2 min' WHERE id = $1", [task.id]
    )


async def test_a_task_on_which_workers_die_is_given_up(database: Database) -> None:
    task = await asked(await feeding.installation(await feeding.agency()), TaskKind.DRY_RUN)
    for _ in range(tasks.MOST_ATTEMPTS):
        await tasks.claim(NOON)
        await silent(task)

    await errands(FakePlugins()).step()

    found = await ConnectorTask.get(id=task.id)
    assert (found.state, found.problem) == (
        TaskState.FAILED,
        "given up: its worker died 3 times while it ran",
    )


async def test_two_workers_take_two_tasks(database: Database) -> None:
    agency = await feeding.agency()
    for title in ("Satu", "Dua"):
        await asked(await feeding.installation(agency, title=title), TaskKind.DRY_RUN)

    claimed = await asyncio.gather(*(tasks.claim(NOON) for _ in range(3)))

    assert len({one.id for one in claimed if one}) == 2


async def test_who_may_ask_and_how_often(database: Database) -> None:
    agency = await feeding.agency()
    source = await feeding.installation(agency)
    stranger = await feeding.administrator(await feeding.agency("INST-B"))
    with pytest.raises(NotFound):
        await tasks.request(stranger, source.id, TaskKind.DRY_RUN, NOON)
    submitted = await feeding.installation(agency, plugin="submitted", title="Sendiri")
    with pytest.raises(DomainError, match="no plugin to ask"):
        await asked(submitted, TaskKind.DRY_RUN)

    first = await asked(source, TaskKind.DRY_RUN)

    assert (await asked(source, TaskKind.DRY_RUN)).id == first.id
    for number in range(tasks.MOST_OPEN - 1):
        await asked(source, TaskKind.DRY_RUN, number=number)
    with pytest.raises(DomainError) as refused:
        await asked(source, TaskKind.DRY_RUN, number=99)
    assert refused.value.code is ErrorCode.TOO_MANY


async def test_the_worker_is_woken_for_a_task(fresh_database: Database) -> None:
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        source = await feeding.installation(await feeding.agency(), enabled=False)
    async with opened(fresh_database, DatabaseRole.WORKER):
        stop = asyncio.Event()
        worker = asyncio.create_task(run_ingestion(fresh_database, FakePlugins(), stop))
        await asyncio.sleep(0.5)  # until it sleeps for long
        task = await ConnectorTask.create(
            installation=source, kind=TaskKind.DRY_RUN, requested_by="x", requested_at=NOON
        )
        await dicts_of("SELECT pg_notify($1::text, '')", [tasks.CHANNEL])
        async with asyncio.timeout(5):
            while (await ConnectorTask.get(id=task.id)).state is not TaskState.SUCCEEDED:
                await asyncio.sleep(0.05)
        stop.set()
        await worker
