"""Direct cascades as they are published: the children confirm, and the parent adds up."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from schema.organizations.viewers import scope_of
from schema.plans.loading import save_case
from schema.progress import service
from schema.progress.placing import Place
from schema.progress.recomputing import recompute
from schema.targets.case_file import parse_case
from schema.targets.models import Target
from server.database import Database
from tests.factories import NOW, Api, entry, key_of, person

HEAD = "197001011995031001"


def case_of(unit_of_measure: str, parts: Sequence[int]) -> dict[str, Any]:
    """A head with the sum, and one employee below with each part of it."""
    nips = [f"19900101201503{number:04}" for number in range(2, 2 + len(parts))]
    names = list("ABCDEF")[: len(parts)]

    def of(code: str, nip: str, planned: int, parent: str | None = None) -> dict[str, Any]:
        number = {"aspect": "kuantitas", "title": "Jumlah", "unit_of_measure": unit_of_measure}
        return {
            "code": code,
            "parent": parent,
            "cascade": "direct" if parent else "none",
            "kind": "quantitative",
            "owner": {"nip": nip},
            "title": f"Hasil {code}",
            "indicators": [number | {"target": planned}],
            "stages": [],
        }

    return {
        "agency": "Dinas Contoh",
        "agency_code": "DC",
        "year": 2026,
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "units": [{"code": "U", "parent": None, "name": "Dinas", "level": "dinas"}],
        "employees": [
            person(HEAD, "Kepala", "U", None),
            *(
                person(nip, f"Pegawai {name}", "U", HEAD)
                for nip, name in zip(nips, names, strict=True)
            ),
        ],
        "targets": [
            of("P", HEAD, sum(parts)),
            *(of(name, nip, part, "P") for name, nip, part in zip(names, nips, parts, strict=True)),
        ],
    }


QUESTION = "query($id: ID!) { target(id: $id) { achievement { realized planned percentage } } }"


async def figures() -> dict[str, tuple[str, ...]]:
    api = Api(HEAD)
    found = {}
    for target in await Target.all().order_by("code"):
        answer = await api.data(QUESTION, id=key_of(target))
        found[target.code] = tuple(answer["target"]["achievement"].values())
    return found


async def write(case: dict[str, Any], amounts: Sequence[str]) -> None:
    """Each employee writes an amount for the part that is theirs."""
    for target, amount in zip(case["targets"][1:], amounts, strict=True):
        row = await Target.get(code=target["code"])
        place = Place(target_id=row.id, quantity=Decimal(amount))
        await service.log_progress(await scope_of(target["owner"]["nip"]), entry(place=place), NOW)


@pytest.mark.parametrize(
    ("unit_of_measure", "parts", "half", "shown"),
    [
        # 10 t = 5 t + 5 t; after 2.5 and 1.25: 3.75 of 10 = 37.5 %
        (
            "ton",
            (5, 5),
            ("2.5", "1.25"),
            {"A": ("2.5", "5", "50"), "B": ("1.25", "5", "25"), "P": ("3.75", "10", "37.5")},
        ),
        # 1,200 = 300 + 300 + 600; after 300, 100 and 200: 600 of 1,200 = 50 %
        (
            "orang",
            (300, 300, 600),
            ("300", "100", "200"),
            {
                "A": ("300", "300", "100"),
                "B": ("100", "300", "33.33"),
                "C": ("200", "600", "33.33"),
                "P": ("600", "1200", "50"),
            },
        ),
    ],
)
async def test_a_published_cascade_adds_up(
    database: Database,
    unit_of_measure: str,
    parts: Sequence[int],
    half: Sequence[str],
    shown: dict[str, tuple[str, ...]],
) -> None:
    case = case_of(unit_of_measure, parts)
    read, faults, warnings = parse_case(case)
    assert (faults, warnings) == ([], [])
    assert read is not None
    await save_case(read)
    before = await figures()

    await write(case, half)

    total = str(sum(parts))
    assert before["P"] == (None, total, None)
    assert await figures() == shown
    assert [kind.differences async for kind in recompute()] == [[]] * 4


async def test_all_parts_done_are_the_whole_done(database: Database) -> None:
    # 300 + 300 + 600 = 1,200 of 1,200 = 100 %
    case = case_of("orang", (300, 300, 600))
    read, _, _ = parse_case(case)
    assert read is not None
    await save_case(read)

    await write(case, ("300", "300", "600"))

    assert (await figures())["P"] == ("1200", "1200", "100")
