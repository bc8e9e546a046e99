"""SIASN's codes for ratings, predicates, periods and ranks, and the bodies of its saves. Pure.

The *kuadran* comes from the matrix, never from arithmetic: a public client that takes the larger
of the two codes never sends 4 and so reports misconduct as 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ekinerja_connectors import JSON, Malformed, Predicate, Rating, Result, ResultKind

from .fields import text_of, whole_of
from .records import Person

__all__ = ["Codes", "body_of", "codes_in", "codes_of", "is_of_period", "rank_of"]

#: DIATAS, SESUAI, DIBAWAH ESPEKTASI, spelt as SIASN does.
RATINGS = {Rating.ABOVE: 1, Rating.MEETS: 2, Rating.BELOW: 3}
PREDICATES = {
    Predicate.EXCELLENT: 1,
    Predicate.GOOD: 2,
    Predicate.NEEDS_IMPROVEMENT: 3,
    Predicate.POOR: 4,
    Predicate.VERY_POOR: 5,
}
#: PermenPANRB 6/2022, predicate by work result and behaviour: (1, 1) is very good, (2, 3) poor.
MATRIX = {
    (1, 1): 1, (1, 2): 2, (1, 3): 4,
    (2, 1): 2, (2, 2): 2, (2, 3): 4,
    (3, 1): 3, (3, 2): 3, (3, 3): 5,
}  # fmt: skip
#: bulanan and triwulan.
PERIODS = {ResultKind.MONTHLY: "1", ResultKind.QUARTERLY: "2"}
_GROUPS = {"I": 1, "II": 2, "III": 3, "IV": 4}
_ROOMS = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What an appraisal comes down to in SIASN; None is what a record does not say."""

    work: int | None
    behaviour: int | None
    quadrant: int | None

    def __str__(self) -> str:
        return f"hasil {self.work}, perilaku {self.behaviour}, kuadran {self.quadrant}"


def codes_of(result: Result) -> Codes:
    """The codes of a result.

    Raises:
        Malformed: its predicate is not that of its ratings.
    """
    work, behaviour = RATINGS[result.work], RATINGS[result.behaviour]
    quadrant = MATRIX[work, behaviour]
    if PREDICATES[result.predicate] != quadrant:
        raise Malformed(
            f"result {result.id} says {result.predicate}, but {result.work} by "
            f"{result.behaviour} has the quadrant {quadrant}; nothing was sent"
        )
    return Codes(work=work, behaviour=behaviour, quadrant=quadrant)


def codes_in(row: Mapping[str, JSON]) -> Codes:
    """The codes of a row of rw-kinerjaperiodik or rw-skp22."""
    return Codes(
        work=whole_of(row, "hasilKinerjaNilai"),
        behaviour=whole_of(row, "perilakuKerjaNilai"),
        quadrant=whole_of(row, "kuadranKinerjaNilai"),
    )


def is_of_period(row: Mapping[str, JSON], result: Result) -> bool | None:
    """Whether a row is of the period of `result`; None where it does not tell its months."""
    if whole_of(row, "tahun") != result.year:
        return False
    if result.kind is ResultKind.FINAL:
        return True
    if text_of(row, "periodikId") != PERIODS[result.kind]:
        return False
    months = whole_of(row, "bulanMulaiPenilaian"), whole_of(row, "bulanSelesaiPenilaian")
    if None in months:
        return None
    return months == (result.starts_on.month, result.ends_on.month)


def rank_of(rank: str | None) -> str:
    """The id of a *golongan* such as III/d (34); what is no such text is taken for an id."""
    group, _, room = (rank or "").strip().partition("/")
    if group.upper() in _GROUPS and room.lower() in _ROOMS:
        return f"{_GROUPS[group.upper()]}{_ROOMS[room.lower()]}"
    return group if group.isdigit() and not room else ""


def body_of(
    result: Result, person: Person, appraiser: Person | None, coefficient: str
) -> dict[str, JSON]:
    """What a save takes. An `appraiser` whom SIASN does not know is no civil servant."""
    codes, official = codes_of(result), result.appraiser
    final = result.kind is ResultKind.FINAL
    body: dict[str, JSON] = {
        "hasilKinerjaNilai": codes.work,
        "perilakuKerjaNilai": codes.behaviour,
        "kuadranKinerjaNilai": str(codes.quadrant),
        "penilaiGolongan": rank_of(official.rank) or (appraiser.rank if appraiser else ""),
        "penilaiJabatan" if final else "penilaiJabatanNama": official.position,
        "penilaiNama": official.name,
        "penilaiNipNrp": official.nip,
        "penilaiUnorNama": official.unit,
        "pnsDinilaiOrang" if final else "pnsDinilaiId": person.id,
        "statusPenilai": "ASN" if appraiser else "NON ASN",
        "tahun": result.year,
    }
    if not final:
        body |= {
            "bulanMulaiPenilaian": result.starts_on.month,
            "bulanSelesaiPenilaian": result.ends_on.month,
            "tahunMulaiPenilaian": result.starts_on.year,
            "tahunSelesaiPenilaian": result.ends_on.year,
            "periodikId": PERIODS[result.kind],
            "koefisienId": coefficient,
            "path": [],
        }
    return body
