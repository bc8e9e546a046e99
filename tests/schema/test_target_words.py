"""Targets in words as a table of cases; the published examples are among them."""

from decimal import Decimal

import pytest

from schema.errors import DomainError
from schema.targets.models import Polarity
from schema.targets.rules import Plan, percentage
from schema.targets.words import Aim, aim_of


def rising(planned: str, unit: str | None) -> Aim:
    return Aim(polarity=Polarity.RISING, planned=Decimal(planned), unit_of_measure=unit)


def between(minimum: str | None, maximum: str, unit: str | None) -> Aim:
    return Aim(
        polarity=Polarity.RANGE,
        minimum=None if minimum is None else Decimal(minimum),
        maximum=Decimal(maximum),
        unit_of_measure=unit,
    )


@pytest.mark.parametrize(
    ("text", "aim"),
    [
        # published: number and unit are two things, a range has two ends
        ("3–5 hari", between("3", "5", "hari")),
        ("3 - 5 hari", between("3", "5", "hari")),
        ("3 s.d. 5 hari", between("3", "5", "hari")),
        # published: two days after, or five days after the event, is 0 to 5
        ("H+2/5 hari sesudah acara", between("0", "5", "hari sesudah acara")),
        ("H+3", between("0", "3", "hari")),
        # published: March is the third month: 1 to 3
        ("bulan Maret", between("1", "3", "bulan")),
        ("Desember 2026", between("1", "12", "bulan")),
        # no more than
        ("maksimal 3 hari", between(None, "3", "hari")),
        ("Paling lambat 10 hari kerja", between(None, "10", "hari kerja")),
        ("≤ 2 %", between(None, "2", "persen")),
        # at least, and plain numbers; a dot parts thousands, a comma decimals
        ("minimal 90%", rising("90", "persen")),
        ("12 laporan", rising("12", "laporan")),
        ("1.200 orang", rising("1200", "orang")),
        ("97,5 persen", rising("97.5", "persen")),
        ("97.5 persen", rising("97.5", "persen")),
        ("1.234.567,89 rupiah", rising("1234567.89", "rupiah")),
        ("10 t", rising("10", "t")),
        ("100", rising("100", None)),
    ],
)
def test_a_target_in_words(text: str, aim: Aim) -> None:
    assert aim_of(text) == aim


@pytest.mark.parametrize("text", ["", "laporan", "5-3 hari", "bulan Mei-Juni", "-5 hari"])
def test_what_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(DomainError, match="is no target"):
        aim_of(text)


@pytest.mark.parametrize(
    ("text", "realized", "percent"),
    [
        # 4 days are within 3 to 5
        ("3–5 hari", "4", "100"),
        # 6 days: (2 x 5 - 6) / 5 = 80 %
        ("3–5 hari", "6", "80"),
        # the day after the event is in time; on the eighth (10 - 8) / 5 = 40 %
        ("H+2/5 hari sesudah acara", "1", "100"),
        ("H+2/5 hari sesudah acara", "8", "40"),
        # April instead of March: (6 - 4) / 3 = 66.67 %
        ("bulan Maret", "4", "66.67"),
    ],
)
def test_what_is_reached_of_it(text: str, realized: str, percent: str) -> None:
    aim = aim_of(text)
    plan = Plan(
        polarity=aim.polarity, planned=aim.planned, minimum=aim.minimum, maximum=aim.maximum
    )

    reached = percentage(plan, Decimal(realized))

    assert reached is not None
    assert round(reached, 2) == Decimal(percent)
