"""Person and Unit: what SIASN's `data-utama` and `ref-unor` say, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ekinerja_connectors import JSON, Malformed

from .fields import date_of, text_of

__all__ = ["Person", "Unit", "person_of", "unit_of"]

#: Ids of SIASN are 32 hex digits or a UUID; public clients keep up to 42 characters.
MAX_ID = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A unit (*unor*): its `id`, the unit above it and the pns id of who leads it, or empty."""

    id: str
    name: str
    echelon: str
    above: str
    head: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who SIASN says somebody is. `id` is the pns id, which is not the NIP.

    `starts_on` is since when the post is held (*TMT jabatan*), None when SIASN does not say.
    `rank` is the id of the *golongan*, `level` the *jenjang jabatan* or, without one, the kind of
    post; `standing` the code of the *kedudukan hukum* and `standing_name` its words.
    """

    id: str
    nip: str
    name: str
    unit: str
    position: str
    starts_on: date | None
    rank: str
    level: str
    standing: str
    standing_name: str


def unit_of(row: JSON) -> Unit:
    """The unit in a row of ref-unor.

    Raises:
        Malformed: it has no name or no usable id.
    """
    if not isinstance(row, Mapping):
        raise Malformed("a unit of ref-unor is no object")
    found = Unit(
        id=_id(row, "Id"),
        name=text_of(row, "NamaUnor"),
        echelon=text_of(row, "EselonId"),
        above=text_of(row, "DiatasanId"),
        head=text_of(row, "PemimpinPnsId"),
    )
    if not found.id:
        raise Malformed(f"the unit {found.name or 'without a name'} of ref-unor has no Id")
    if not found.name:
        raise Malformed(f"the unit {found.id} of ref-unor has no NamaUnor")
    return found


def person_of(row: Mapping[str, JSON]) -> Person:
    """The person in a record of data-utama.

    Raises:
        Malformed: there is no id, or TMT jabatan is no date.
    """
    started = text_of(row, "tmtJabatan")
    found = Person(
        id=_id(row, "id"),
        nip=text_of(row, "nipBaru").replace(" ", ""),
        name=text_of(row, "nama"),
        unit=text_of(row, "unorId"),
        position=text_of(
            row,
            "jabatanNama",
            "jabatanStrukturalNama",
            "jabatanFungsionalNama",
            "jabatanFungsionalUmumNama",
        ),
        starts_on=date_of(started) if started else None,
        rank=text_of(row, "golRuangAkhirId"),
        level=text_of(row, "asnJenjangJabatan", "jenisJabatan"),
        standing=text_of(row, "kedudukanPnsId"),
        standing_name=text_of(row, "kedudukanPnsNama"),
    )
    if not found.id:
        raise Malformed(f"data-utama of {found.nip or 'somebody'} has no id")
    return found


def _id(row: Mapping[str, JSON], name: str) -> str:
    found = text_of(row, name)
    if len(found) > MAX_ID:
        raise Malformed(f"{name} has {len(found)} characters; ids of SIASN have {MAX_ID} at most")
    return found
