"""Pairing: which of a parent's indicators a child's number flows into."""

from dataclasses import dataclass

import pytest

from schema.targets.models import Accumulation, Aspect
from schema.targets.pairing import Match, pair


@dataclass(frozen=True)
class Number:
    """An indicator as pairing sees it."""

    title: str = "Jumlah laporan"
    unit_of_measure: str | None = "laporan"
    aspect: Aspect = Aspect.QUANTITY
    accumulation: Accumulation = Accumulation.SUM
    position: int = 0


NONE = Match(None)
LATEST = Accumulation.LATEST


@pytest.mark.parametrize(
    ("child", "parents", "match"),
    [
        (Number(), [Number()], Match(0)),
        (Number(title="Lain"), [Number()], Match(0)),
        (Number(unit_of_measure=" LAPORAN "), [Number()], Match(0)),
        (Number(), [], NONE),
        (Number(), [Number(unit_of_measure="orang")], NONE),
        (Number(), [Number(unit_of_measure=None)], NONE),
        (Number(unit_of_measure=None), [Number(unit_of_measure=None)], NONE),
        (Number(), [Number(aspect=Aspect.QUALITY)], NONE),
        (Number(accumulation=LATEST), [Number(accumulation=LATEST)], Match(0)),
        (Number(accumulation=LATEST), [Number()], NONE),
        (Number(), [Number(accumulation=LATEST)], NONE),
        # Of several that fit, the title decides, spaces and letter case aside ...
        (Number(title="dilatih"), [Number(), Number(title="Di latih", position=1)], Match(1)),
        # ... else the position ...
        (Number(title="X", position=1), [Number(), Number(title="Y", position=1)], Match(1)),
        (Number(position=1), [Number(), Number(position=1)], Match(1)),
        # ... else nothing does.
        (Number(title="X", position=2), [Number(), Number(position=1)], Match(None, True)),
    ],
)
def test_number_flows_where_it_counts_the_same(
    child: Number, parents: list[Number], match: Match
) -> None:
    assert pair([child], parents) == [match]


def test_each_of_the_childs_numbers_has_its_own_match() -> None:
    people = Number(title="Jumlah orang", unit_of_measure="orang", position=1)

    assert pair([people, Number(), Number(title="Z")], [Number(), people]) == [
        Match(1),
        Match(0),
        Match(0),
    ]
