"""The second wall: the database itself shows a viewer what `schema.access` allows, no row more."""

import json
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import TypeAlias
from uuid import UUID

import asyncpg
import pytest

from schema.access import AGENCY_WIDE, Scope
from schema.organizations.viewers import scope_of
from schema.targets.models import Accumulation, Indicator, Target
from server.database import READER, Database, DatabaseRole, opened
from tests.allowed import NEVER, SEEN, Allowed
from tests.copies import Copies
from tests.two_agencies import DAY, NIPS, VIEWERS, World, build

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def filled(copies: Copies) -> AsyncIterator[tuple[Database, World]]:
    async with copies.of(build, build) as copy:
        yield copy


@pytest.fixture
def fresh_database(filled: tuple[Database, World]) -> Database:
    return filled[0]


@pytest.fixture
async def world(filled: tuple[Database, World]) -> AsyncIterator[World]:
    database, world = filled
    async with opened(database, DatabaseRole.OWNER):
        yield world


@pytest.fixture
async def reader(fresh_database: Database, world: World) -> AsyncIterator[Connection]:
    """A connection of the application that has become the reader."""
    connection = await fresh_database.connect(DatabaseRole.APPLICATION)
    try:
        await connection.execute(f"SET ROLE {READER}")
        yield connection
    finally:
        await connection.close()


SETTINGS = """
  set_config('ekinerja.viewer', $1, true) AS viewer,
  set_config('ekinerja.line', $2, true) AS line,
  set_config('ekinerja.directories', $3, true) AS directories,
  set_config('ekinerja.agencies', $4, true) AS agencies
"""


def array_of(keys: frozenset[UUID]) -> str:
    return "{" + ",".join(sorted(map(str, keys))) + "}"


def told(scope: Scope) -> list[str]:
    """The scope as the four settings have it."""
    agencies = scope.agencies_with(AGENCY_WIDE)
    viewer = str(scope.employee_id) if scope.employee_id else ""
    line = str(scope.line) if scope.line else ""
    return [viewer, line, array_of(scope.directories), array_of(agencies)]


async def seen_after_settings(connection: Connection, scope: Scope, table: str) -> set[UUID]:
    async with connection.transaction():
        await connection.execute(f"SELECT {SETTINGS}", *told(scope))
        return {row["id"] for row in await connection.fetch(f"SELECT id FROM {table}")}


def inside(value: str) -> str:
    """A statement that tells the scope itself; `value` is a scalar sub-select."""
    return f"""
        SELECT q.value FROM (SELECT {SETTINGS} OFFSET 0) s
        CROSS JOIN LATERAL (SELECT CASE WHEN s IS NOT NULL THEN ({value}) END AS value) q
    """


async def seen_inside(connection: Connection, scope: Scope, table: str) -> set[UUID]:
    statement = inside(f"SELECT array_agg(t.id) FROM {table} t")
    return set(await connection.fetchval(statement, *told(scope)) or [])


async def test_after_settings_each_viewer_sees_what_the_policy_allows_and_no_row_more(
    world: World, reader: Connection
) -> None:
    allowed = await Allowed.read()

    for name, scope in (await world.viewers()).items():
        for table in SEEN:
            seen = await seen_after_settings(reader, scope, table)
            assert seen == allowed.seen_by(scope, table), (name, table)


@pytest.mark.parametrize("plans", ["auto", "force_custom_plan", "force_generic_plan"])
async def test_a_scope_told_inside_the_statement_holds_for_that_execution_only(
    world: World, reader: Connection, plans: str
) -> None:
    allowed, viewers = await Allowed.read(), await world.viewers()
    await reader.execute(f"SET plan_cache_mode = {plans}")

    for table in SEEN:
        # Ten viewers twice over: one prepared statement, past the five custom plans of `auto`.
        for name, scope in [*viewers.items(), *reversed(viewers.items())]:
            seen = await seen_inside(reader, scope, table)
            assert seen == allowed.seen_by(scope, table), (name, table)

    counts = await reader.fetchrow(
        "SELECT sum(generic_plans) AS generic, sum(custom_plans) AS custom "
        "FROM pg_prepared_statements WHERE statement LIKE '%set_config%'"
    )
    assert counts is not None
    if plans == "force_generic_plan":
        assert (counts["custom"], counts["generic"] > 0) == (0, True)
    with pytest.raises(asyncpg.InvalidTextRepresentationError):
        await reader.fetch("SELECT id FROM employee")


async def test_the_world_tells_the_viewers_apart(world: World, reader: Connection) -> None:
    """No two viewers see the same, but two: so the tests above cannot pass by accident."""
    allowed, viewers = await Allowed.read(), await world.viewers()

    views = {
        name: tuple(frozenset(allowed.seen_by(scope, table)) for table in SEEN)
        for name, scope in viewers.items()
    }

    alike = [
        {one, other}
        for one in views
        for other in views
        if one < other and views[one] == views[other]
    ]
    assert alike == [{"administrator", "auditor"}]
    assert not any(views["nobody"])


async def test_an_unset_scope_raises(world: World, reader: Connection) -> None:
    """Also after a transaction that set it, where PostgreSQL keeps the setting as ''."""
    for table in SEEN:
        with pytest.raises(asyncpg.UndefinedObjectError, match="ekinerja"):
            await reader.fetch(f"SELECT id FROM {table}")

    await seen_after_settings(reader, await scope_of(NIPS["employee"]), "agency")

    for table in SEEN:
        with pytest.raises(asyncpg.InvalidTextRepresentationError):
            await reader.fetch(f"SELECT id FROM {table}")


async def test_a_scope_that_is_told_in_part_raises(fresh_database: Database, world: World) -> None:
    names = ("viewer", "line", "directories", "agencies")
    values = dict(zip(names, told(await scope_of(NIPS["colleague"])), strict=True))

    for missing in names:
        reader = await fresh_database.connect(DatabaseRole.APPLICATION)
        await reader.execute(f"SET ROLE {READER}")
        for name in set(names) - {missing}:
            await reader.execute(
                "SELECT set_config($1, $2, false)", f"ekinerja.{name}", values[name]
            )
        with pytest.raises(asyncpg.UndefinedObjectError, match=f"ekinerja.{missing}"):
            await reader.fetch("SELECT id FROM progress_record")
        await reader.close()


async def test_the_reader_writes_nowhere(world: World, reader: Connection) -> None:
    for table in [*SEEN, *NEVER]:
        for write in (
            f"INSERT INTO {table} DEFAULT VALUES",
            f"UPDATE {table} SET id = id",
            f"DELETE FROM {table}",
            f"SELECT FROM {table} FOR UPDATE",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.execute(write)


async def test_secrets_are_not_the_readers(world: World, reader: Connection) -> None:
    for secret in (
        "SELECT secrets FROM installation",
        "SELECT webhook_secret FROM installation",
        "SELECT cursor FROM installation",
        "SELECT * FROM installation",
        "SELECT to_json(i) FROM installation i",
        *(f"SELECT 1 FROM {table}" for table in NEVER),
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch(secret)


async def test_an_activity_shows_its_source_to_whoever_sees_it(
    world: World, reader: Connection
) -> None:
    allowed = await Allowed.read()

    for name, scope in (await world.viewers()).items():
        rows = await reader.fetchval(
            inside(
                "SELECT json_object_agg(activity_id, plugin || ' ' || title) FROM activity_source"
            ),
            *told(scope),
        )
        sources = allowed.rows["installation"]
        expected = {
            str(key): "fake " + sources[allowed.rows["activity"][key]["installation_id"]]["title"]
            for key in allowed.seen_by(scope, "activity")
        }
        assert (json.loads(rows or "{}")) == expected, name


THREAD = "SELECT json_agg(json_build_array(title, cascade) ORDER BY distance) FROM red_thread($5)"


async def thread(reader: Connection, viewer: str, target: Target) -> list[list[str]]:
    scope = await scope_of(VIEWERS[viewer])
    return json.loads(await reader.fetchval(inside(THREAD), *told(scope), target.id) or "[]")


async def test_red_thread_shows_title_of_ancestors_that_are_not_seen(
    world: World, reader: Connection
) -> None:
    scope = await scope_of(NIPS["employee"])

    up = await thread(reader, "employee", world.targets["employee"])

    assert up == [
        ["Hasil kerja Employee", "DIRECT"],
        ["Hasil kerja Boss", "DIRECT"],
        ["Hasil kerja Bagian Umum", "DIRECT"],
        ["Hasil kerja Sekretariat", "ROOT"],
    ]
    assert world.targets["boss"].id not in await seen_inside(reader, scope, "target")


async def test_red_thread_begins_only_where_the_viewer_has_a_target(
    world: World, reader: Connection
) -> None:
    for viewer, of, length in [
        ("employee", "boss", 3),  # a knot of the viewer's own thread, and on from there
        ("boss", "employee", 4),
        ("chief", "employee", 4),
        ("auditor", "employee", 4),
        ("elsewhere", "unit", 2),
        ("colleague", "employee", 0),
        ("elsewhere", "boss", 0),
        ("employee", "elsewhere", 0),
        ("other administrator", "employee", 0),
        ("other administrator", "unit", 2),  # above what the lent one had in A, who is B's now
        ("nobody", "goal", 0),
    ]:
        assert len(await thread(reader, viewer, world.targets[of])) == length, (viewer, of)


async def actual(reader: Connection, viewer: str, indicator: Indicator, day: date) -> object:
    scope = await scope_of(VIEWERS[viewer])
    statement = inside("SELECT actual_by($5, $6)")
    return await reader.fetchval(statement, *told(scope), indicator.id, day)


async def test_actual_by_sums_records_that_the_viewer_does_not_see(
    world: World, reader: Connection
) -> None:
    """Confirmed are 2 and 4 each of boss, employee, colleague, and 8 of the lent one: 26."""
    unit = world.indicators["unit"]

    assert await actual(reader, "elsewhere", unit, DAY) == 26
    assert await actual(reader, "elsewhere", unit, DAY - timedelta(days=1)) is None

    await Indicator.filter(id=world.indicators["employee"].id).update(
        accumulation=Accumulation.LATEST
    )
    assert await actual(reader, "elsewhere", unit, DAY) == 24  # 4 is the employee's last


async def test_actual_by_tells_nothing_of_a_figure_that_is_not_the_viewers(
    world: World, reader: Connection
) -> None:
    of_employee = world.indicators["employee"]

    figures = {name: await actual(reader, name, of_employee, DAY) for name in VIEWERS}

    told_to = {name for name, figure in figures.items() if figure is not None}
    assert told_to == {"employee", "boss", "chief", "administrator", "auditor"}
    assert {figures[name] for name in told_to} == {6}


async def test_every_table_has_a_decision(reader: Connection) -> None:
    rows = await reader.fetch(
        """
        SELECT c.relname AS name, c.relkind::text AS kind, c.relrowsecurity AS walled,
          has_any_column_privilege($1::name, c.oid, 'SELECT') AS read,
          EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = 'r'
              AND p.polroles = ARRAY[$1::regrole::oid]
          ) AS seen
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        """,
        READER,
    )
    found = {row["name"]: row for row in rows}

    views = {"activity_source", "clock_source"}
    assert set(found) == {*SEEN, *NEVER, *views}
    assert {name for name, row in found.items() if row["kind"] != "r"} == views
    for name in SEEN:
        assert (found[name]["walled"], found[name]["read"], found[name]["seen"]) == (True,) * 3
    for name in NEVER:
        assert (found[name]["read"], found[name]["seen"]) == (False, False), name
    for name in NEVER - {"tortoise_migrations"}:
        assert found[name]["walled"], name


async def test_the_reader_is_nobody_that_row_security_passes_over(reader: Connection) -> None:
    role = await reader.fetchrow(
        """
        SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole,
          (SELECT count(*) FROM pg_class WHERE relowner = r.oid) AS owned,
          (SELECT count(*) FROM pg_auth_members WHERE member = r.oid) AS joined
        FROM pg_roles r WHERE rolname = current_user
        """
    )

    assert role is not None
    assert tuple(role) == (False, False, False, False, 0, 0)


async def test_functions_that_run_as_the_owner_are_pinned_and_not_everybodys(
    reader: Connection,
) -> None:
    rows = await reader.fetch(
        """
        SELECT p.proname,
          coalesce('search_path=public, pg_temp' = ANY (p.proconfig), false) AS pinned,
          EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
            WHERE a.grantee = 0) AS public
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND p.prosecdef
        """
    )

    assert {row["proname"] for row in rows} >= {"red_thread", "actual_by"}
    assert [row["proname"] for row in rows if not row["pinned"] or row["public"]] == []
