"""Storing case files: all rows are there, sums hold in the database, and it is all or nothing."""

import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tortoise import Tortoise
from tortoise.exceptions import IntegrityError

from schema.errors import DomainError
from schema.plans.loading import Loaded, save_case, save_units
from schema.progress.recomputing import recompute
from schema.targets.case_file import parse_case, read_case
from schema.targets.case_values import Case
from server.commands.load import check, load, store
from server.database import Database, DatabaseRole, PostgresServer, provision
from server.settings import Settings
from tests.schema.test_statements import counted

CASES = Path(__file__).parents[2] / "cases"
HEAD, STAFF, OTHER = "197001012000011001", "199001012015011003", "199101012016012004"
TABLES = (
    "agency",
    "unit",
    "unit_placement",
    "employee",
    "assignment",
    "period",
    "performance_plan",
    "target",
    "target_edge",
    "indicator",
    "trajectory_point",
    "stage",
)


async def rows(statement: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    return await Tortoise.get_connection("default").execute_query_dict(statement, list(values))


async def counts() -> dict[str, int]:
    """Rows in each table that a case fills."""
    return {table: (await rows(f"SELECT count(*) AS n FROM {table}"))[0]["n"] for table in TABLES}


def real(name: str, *, units_only: bool = False) -> Case:
    case, faults, _ = read_case((CASES / f"{name}.json").read_bytes(), units_only=units_only)
    assert faults == []
    assert case is not None
    return case


def small(**changes: Any) -> dict[str, Any]:
    """An office of two people: a goal of 10, of which the staff member has 10, in two stages."""
    number = {"aspect": "kuantitas", "title": "Jumlah", "target": 10, "unit_of_measure": "kali"}
    target = {"kind": "quantitative", "cascade": "direct", "indicators": [number], "stages": []}
    return {
        "agency": "Dinas Contoh",
        "agency_code": "DC",
        "year": 2026,
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "units": [
            {"code": "A", "parent": None, "name": "Dinas", "level": "eselon_2"},
            {"code": "B", "parent": "A", "name": "Seksi", "level": "eselon_4"},
        ],
        "employees": [
            {"nip": HEAD, "name": "Ani", "unit": "A", "position": "Kepala Dinas"},
            {
                "nip": STAFF,
                "name": "Budi",
                "unit": "B",
                "position": "Kepala Seksi",
                "appraiser": HEAD,
            },
        ],
        "targets": [
            target | {"code": "G", "cascade": "none", "owner": {"unit": "A"}, "title": "Tujuan"},
            target | {"code": "S", "parent": "G", "owner": {"nip": STAFF}, "title": "Bagian"},
            target
            | {
                "code": "W",
                "parent": "S",
                "cascade": "indirect",
                "kind": "staged",
                "owner": {"nip": STAFF},
                "title": "Kerja bertahap",
                "stages": [{"order": 1, "title": "Awal"}, {"order": 2, "title": "Akhir"}],
            },
        ],
    } | changes


def parsed(data: dict[str, Any]) -> Case:
    case, faults, _ = parse_case(data)
    assert faults == []
    assert case is not None
    return case


@pytest.mark.parametrize(
    ("name", "loaded"),
    [
        (
            "cascade_bps_aceh_zi_2025",
            Loaded(units=8, employees=26, targets=125, edges=124, indicators=136, stages=141),
        ),
        (
            "cascade_bps_tapin_2026",
            Loaded(units=9, employees=24, targets=252, edges=249, indicators=271, points=753),
        ),
        (
            "cascade_jabar_biro_organisasi_2016",
            Loaded(units=15, employees=50, targets=86, edges=83, indicators=150),
        ),
        (
            "cascade_jabar_diskominfo_2016",
            Loaded(units=25, employees=25, targets=91, edges=94, indicators=108),
        ),
    ],
)
async def test_real_cascade_is_stored_in_full(
    database: Database, name: str, loaded: Loaded
) -> None:
    assert await save_case(real(name)) == loaded

    assert await counts() == {
        "agency": 1,
        "unit": loaded.units,
        "unit_placement": loaded.units,
        "employee": loaded.employees,
        "assignment": loaded.employees,
        "period": 1,
        "performance_plan": loaded.employees,
        "target": loaded.targets,
        "target_edge": loaded.edges,
        "indicator": loaded.indicators,
        "trajectory_point": loaded.points,
        "stage": loaded.stages,
    }


FLOW_TO_ROOT = """
WITH RECURSIVE way (root, id, depth, planned) AS (
  SELECT id, id, 0, planned FROM indicator WHERE contributes_to_id IS NULL
  UNION ALL
  SELECT way.root, i.id, way.depth + 1, i.planned
  FROM indicator i JOIN way ON i.contributes_to_id = way.id
)
SELECT target.code, way.depth, count(*) AS n, sum(way.planned) AS planned
FROM way JOIN indicator i ON i.id = way.root JOIN target ON target.id = i.target_id
GROUP BY 1, 2 ORDER BY 1, 2
"""


async def test_national_sums_hold_at_every_level_of_the_stored_forest(database: Database) -> None:
    stored: list[int] = []

    loaded = await save_case(real("cascade_bps_ro_national_2026"), stored.append)

    assert loaded == Loaded(units=537, employees=35, targets=1713, edges=1710, indicators=1713)
    assert stored[-1] == 1713
    # Each of three outputs: the nation, its 34 provinces, their 34 provincial offices and 502
    # regencies (1 + 34 + 536 = 571; 3 x 571 = 1,713). The totals are those of the workbook, and
    # since a parent is the sum of its children, each level has the total again.
    levels = [
        (row["code"], row["depth"], row["n"], row["planned"]) for row in await rows(FLOW_TO_ROOT)
    ]
    assert levels == [
        (code, depth, many, Decimal(total))
        for code, total in [("2902.BMA.006", 3628), ("2906.BMA.006", 3312), ("2907.UBB.007", 2981)]
        for depth, many in [(0, 1), (1, 34), (2, 536)]
    ]
    differing = await rows(
        """SELECT parent.id FROM indicator parent
        JOIN indicator child ON child.contributes_to_id = parent.id
        GROUP BY parent.id HAVING parent.planned <> sum(child.planned)"""
    )
    assert differing == []


async def test_department_of_west_java_sums_past_a_level(database: Database) -> None:
    await save_case(real("cascade_jabar_diskominfo_2016"))

    # S6: 176 points = 75 + 5 + 92 + 1 + 1 + 1 + 1, from seven targets two levels below.
    [row] = await rows(
        """SELECT i.planned, sum(c.planned) AS total, count(c.id) AS n,
          bool_and(e.kind = 'DIRECT' AND NOT e.primary) AS besides
        FROM target t JOIN indicator i ON i.target_id = t.id
        JOIN indicator c ON c.contributes_to_id = i.id
        JOIN target_edge e ON e.parent_id = t.id AND e.child_id = c.target_id
        WHERE t.code = 'S6' GROUP BY i.planned"""
    )

    assert row == {"planned": Decimal(176), "total": Decimal(176), "n": 7, "besides": True}


@pytest.mark.parametrize(("name", "units"), [("org_banyuwangi_2024", 1671), ("org_bps_2026", 537)])
async def test_organization_is_stored_with_all_its_units(
    database: Database, name: str, units: int
) -> None:
    assert await save_units(real(name, units_only=True)) == Loaded(units=units)

    [row] = await rows(
        """WITH RECURSIVE tree (id) AS (
          SELECT unit_id FROM unit_placement WHERE parent_id IS NULL
          UNION ALL
          SELECT p.unit_id FROM unit_placement p JOIN tree ON p.parent_id = tree.id
        ) SELECT count(*) AS n FROM tree"""
    )
    assert row["n"] == units


async def test_units_load_again_and_beneath_a_cascade_without_a_second_row(
    database: Database,
) -> None:
    await save_units(real("org_bps_2026", units_only=True))
    await save_case(real("cascade_bps_ro_national_2026"))
    await save_units(real("org_bps_2026", units_only=True))

    found = await counts()
    assert (found["agency"], found["unit"], found["unit_placement"]) == (1, 537, 537)


async def test_stored_case_means_what_the_file_says(database: Database) -> None:
    data = small(timezone="Asia/Makassar")
    data["units"][0]["timezone"] = "Asia/Jayapura"
    data["employees"][1]["acting"] = "PLT"
    data["targets"][1]["indicators"] = [
        {
            "aspect": "kuantitas",
            "title": "Jumlah",
            "target": 10,
            "unit_of_measure": "Kali",
            "monthly_plan": {"2026-02": 4, "2026-05": 6},
        }
    ]

    await save_case(parsed(data))

    people = await rows(
        """SELECT e.nip, e.timezone, a.kind, a.heads_unit, a.starts_on, p.state,
          array(SELECT s.nip FROM employee s WHERE s.id = ANY (e.superiors)) AS superiors
        FROM employee e JOIN assignment a ON a.employee_id = e.id
        JOIN performance_plan p ON p.assignment_id = a.id AND p.employee_id = e.id
        ORDER BY e.nip"""
    )
    assert people == [
        {
            "nip": nip,
            "timezone": "Asia/Jayapura",  # of unit A, and of unit B below it
            "kind": kind,
            "heads_unit": True,
            "starts_on": date(2026, 1, 1),
            "state": "APPROVED",
            "superiors": superiors,
        }
        for nip, kind, superiors in [(HEAD, "DEFINITIVE", []), (STAFF, "PLT", [HEAD])]
    ]
    targets = await rows(
        """SELECT t.code, t.classification, t.plan_id IS NOT NULL AS planned,
          up.code AS flows_into
        FROM target t JOIN indicator i ON i.target_id = t.id
        LEFT JOIN indicator above ON above.id = i.contributes_to_id
        LEFT JOIN target up ON up.id = above.target_id ORDER BY t.code"""
    )
    assert [tuple(row.values()) for row in targets] == [
        ("G", "ORGANIZATION", False, None),
        ("S", "INDIVIDUAL", True, "G"),
        ("W", "INDIVIDUAL", True, None),  # indirect: shown, not summed
    ]
    points = await rows("SELECT day, planned FROM trajectory_point ORDER BY day")
    assert [tuple(row.values()) for row in points] == [
        (date(2026, 2, 28), Decimal(4)),
        (date(2026, 5, 31), Decimal(10)),
    ]


def weighing(number: int = 1) -> dict[str, Any]:
    """G (10 times) <- S 40 %, and `number` targets W of two stages that count in S and in G.

    All W of one parent share 50 %; S has its own number for the other 50.
    """
    data = small()
    weight = 50 // number
    _, part, staged = data["targets"]
    part |= {"cascade": "weighted", "weight": 40}
    data["targets"][2:] = [
        staged
        | {
            "code": f"W{n}",
            "cascade": "weighted",
            "weight": weight,
            "also_serves": [{"parent": "G", "weight": weight}],
            "category": "tambahan",
            "assigned_by": "Kepala Dinas",
            "perspective": "anggaran",
            "indicators": [],
        }
        for n in range(number)
    ]
    return data


async def test_weights_are_stored_and_staged_work_counts_from_the_first_day(
    database: Database,
) -> None:
    assert (await save_case(parsed(weighing()))).edges == 3

    edges = await rows(
        """SELECT p.code AS parent, c.code AS child, e.kind, e.weight, e."primary", e.achieved
        FROM target_edge e JOIN target p ON p.id = e.parent_id JOIN target c ON c.id = e.child_id
        ORDER BY 1, 2"""
    )
    # No stage of W0 is done: 0 %. S has no number, so it stands where W0 does; its own is missing.
    assert [tuple(row.values()) for row in edges] == [
        ("G", "S", "WEIGHTED", Decimal(40), True, Decimal(0)),
        ("G", "W0", "WEIGHTED", Decimal(50), False, Decimal(0)),
        ("S", "W0", "WEIGHTED", Decimal(50), True, Decimal(0)),
    ]
    targets = await rows("SELECT code, category, assigned_by, perspective FROM target ORDER BY 1")
    assert [tuple(row.values()) for row in targets] == [
        ("G", "MAIN", None, None),
        ("S", "MAIN", None, None),
        ("W0", "ADDITIONAL", "Kepala Dinas", "BUDGET"),
    ]
    assert [kind.differences async for kind in recompute()] == [[]] * 4


async def test_weighted_targets_are_rolled_up_in_as_many_statements_as_one(
    database: Database,
) -> None:
    one, other = json.dumps(weighing(1)), json.dumps(weighing(50))
    for mine, theirs in ((HEAD, OTHER), (STAFF, OTHER[:-1] + "5"), ('"DC"', '"DL"')):
        other = other.replace(mine, theirs)
    numbers = []
    for text in (one, other):
        with counted() as statements:
            await save_case(parsed(json.loads(text)))
        numbers.append(len(statements))

    # Rows are stored in batches of more than 50.
    assert numbers[0] == numbers[1]


async def test_second_load_is_refused_and_changes_nothing(database: Database) -> None:
    await save_case(parsed(small()))
    before = await counts()
    changed = small()
    changed["units"][1]["name"] = "Another name"

    with pytest.raises(DomainError, match="period 2026 of Dinas Contoh already holds 3 targets"):
        await save_case(parsed(changed))

    assert await counts() == before
    assert await rows("SELECT FROM unit WHERE name = 'Another name'") == []


async def test_failure_of_the_last_table_leaves_nothing(
    database: Database, fresh_database: Database
) -> None:
    owner = await fresh_database.connect(DatabaseRole.OWNER)
    try:
        await owner.execute("ALTER TABLE stage ADD CHECK (position < 2)")
    finally:
        await owner.close()

    with pytest.raises(IntegrityError):
        await save_case(parsed(small()))

    assert set((await counts()).values()) == {0}


async def test_next_year_dates_what_changed_and_keeps_what_did_not(database: Database) -> None:
    """In 2027 unit B moves to the top, Budi leads A in place of Ani, and Citra is new in B."""
    await save_case(parsed(small()))
    later = small(year=2027, period={"start": "2027-01-01", "end": "2027-12-31"})
    later["units"][1]["parent"] = None
    ani, budi = later["employees"]
    ani |= {"unit": "B", "position": "Analis", "appraiser": OTHER}
    budi |= {"unit": "A", "position": "Kepala Dinas", "appraiser": None, "name": "Budi S."}
    citra = {"nip": OTHER, "name": "Citra", "unit": "B", "position": "Kepala Seksi"}
    later["employees"].append(citra | {"appraiser": STAFF})

    await save_case(parsed(later))

    start, turn = date(2026, 1, 1), date(2027, 1, 1)
    places = await rows(
        """SELECT u.code, above.code AS parent, p.starts_on, p.ends_on
        FROM unit_placement p JOIN unit u ON u.id = p.unit_id
        LEFT JOIN unit above ON above.id = p.parent_id ORDER BY 1, 3"""
    )
    assert [tuple(row.values()) for row in places] == [
        ("A", None, start, None),
        ("B", "A", start, turn),
        ("B", None, turn, None),
    ]
    posts = await rows(
        """SELECT e.name, u.code, a.heads_unit, a.starts_on, a.ends_on FROM assignment a
        JOIN employee e ON e.id = a.employee_id JOIN unit u ON u.id = a.unit_id ORDER BY 1, 4"""
    )
    assert [tuple(row.values()) for row in posts] == [
        ("Ani", "A", True, start, turn),
        ("Ani", "B", False, turn, None),
        ("Budi S.", "B", True, start, turn),
        ("Budi S.", "A", True, turn, None),
        ("Citra", "B", True, turn, None),
    ]


async def test_same_day_load_amends_posts_in_place_even_where_two_swap(database: Database) -> None:
    await save_case(parsed(small(targets=[])))
    swapped = small()
    ani, budi = swapped["employees"]
    ani |= {"unit": "B", "position": "Kepala Seksi", "appraiser": STAFF}
    budi |= {"unit": "A", "position": "Kepala Dinas", "appraiser": None}

    await save_case(parsed(swapped))

    posts = await rows(
        """SELECT e.name, u.code, a.heads_unit FROM assignment a
        JOIN employee e ON e.id = a.employee_id JOIN unit u ON u.id = a.unit_id ORDER BY 1"""
    )
    assert [tuple(row.values()) for row in posts] == [("Ani", "B", True), ("Budi", "A", True)]


async def test_older_year_is_placed_before_the_newer_one(database: Database) -> None:
    await save_case(parsed(small()))
    older = small(year=2025, period={"start": "2025-01-01", "end": "2025-12-31"})

    await save_case(parsed(older))

    spans = await rows("SELECT DISTINCT starts_on, ends_on FROM assignment ORDER BY 1")
    assert [tuple(row.values()) for row in spans] == [
        (date(2025, 1, 1), date(2026, 1, 1)),
        (date(2026, 1, 1), None),
    ]


async def test_what_belongs_to_others_is_refused_with_its_name(database: Database) -> None:
    await save_case(parsed(small()))
    next_year = {"year": 2027, "period": {"start": "2027-01-01", "end": "2027-12-31"}}
    newcomer = small(**next_year)
    newcomer["employees"][0]["nip"] = newcomer["employees"][1]["appraiser"] = OTHER
    empty = {"targets": [], "employees": [], "agency": "Dinas Kosong", "agency_code": "DK"}
    await save_case(parsed(small(**empty)))
    half_year = {"period": {"start": "2026-01-01", "end": "2026-06-30"}}
    before = await counts()

    for refused, why in [
        (small(agency="Dinas Lain"), "the agency code DC belongs to Dinas Contoh"),
        (
            small(agency="Dinas Lain", agency_code="DL"),
            f"employees of another agency: {HEAD}, {STAFF}",
        ),
        (newcomer, f"unit A is led by {HEAD} from 2026-01-01 on"),
        (small(**empty | half_year), "runs from 2026-01-01 to 2026-12-31, not from 2026-01-01"),
    ]:
        with pytest.raises(DomainError, match=why):
            await save_case(parsed(refused))

    assert await counts() == before


def written(folder: Path, data: Any) -> Path:
    path = folder / "case.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


async def test_command_stores_and_says_how_much(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small()
    data["targets"][1]["indicators"] = [data["targets"][1]["indicators"][0] | {"target": 4}]
    case = check(written(tmp_path, data), units_only=False)
    assert case is not None

    assert await store(case, units_only=False) == 0
    assert await store(case, units_only=False) == 1

    said = capsys.readouterr()
    assert said.out.splitlines() == [
        'warning: targets[0] "G".indicators[0]: plans 10 kali, its direct children (1) add up to '
        "4 kali",
        "Warnings: 1. All is stored as the file has it.",
        "Storing 3 targets.",
        "Dinas Contoh (DC): 2 units, 2 employees, 3 targets, 2 edges, 3 indicators, 2 stages.",
        "Storing 3 targets.",
    ]
    assert said.err == (
        "Nothing was stored. Invalid input: period 2026 of Dinas Contoh already holds 3 targets\n"
    )


def test_command_lists_all_faults_on_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = small()
    data["targets"][1]["parent"] = "[bold]Z[/bold]"
    data["employees"][0]["nip"] = "123"

    assert check(written(tmp_path, data), units_only=False) is None
    assert check(tmp_path / "missing.json", units_only=False) is None

    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines() == [
        'employees[0] "123".nip: "123" is no NIP of 18 digits',
        f'employees[1] "{STAFF}": unknown appraiser "{HEAD}"',
        'targets[1] "S": unknown parent "[bold]Z[/bold]"',
        "case.json: faults: 3. Nothing was stored.",
        f"{tmp_path / 'missing.json'}: No such file or directory",
    ]


async def test_command_shows_a_bar_on_a_terminal(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")

    assert await store(parsed(small()), units_only=False) == 0

    assert "3/3" in capsys.readouterr().out


async def test_command_opens_the_database_of_the_settings(
    fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])

    code = await load(CASES / "org_bps_2026.json", units_only=True, settings=settings)

    assert code == 0
    assert capsys.readouterr().out == "Badan Pusat Statistik (BPS): 537 units.\n"


async def test_command_says_when_the_database_is_not_migrated(
    postgres_server: PostgresServer, capsys: pytest.CaptureFixture[str]
) -> None:
    await provision(postgres_server, "test_not_migrated")
    url = postgres_server.url(DatabaseRole.APPLICATION, "test_not_migrated")

    code = await load(
        CASES / "org_bps_2026.json", units_only=True, settings=Settings(database_url=url)
    )

    assert code == 1
    assert "run `python -m server migrate`" in capsys.readouterr().err
