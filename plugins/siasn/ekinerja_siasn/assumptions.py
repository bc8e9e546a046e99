"""What we assume of SIASN and its owner has not documented, in one place.

An agency that knows better gives other values in the settings, under `assumptions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Assumptions", "Rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a disposition (*disposisi*) in one state means.

    `person` is the record's field that holds the NIP of who worked. `title` may name
    `{perihal}`. Without a kind the state is no activity, for the `reason` given; `retracts` names
    the state whose activity it takes back (*pembatalan*).
    """

    kind: str = ""
    person: str = ""
    title: str = ""
    reason: str = ""
    retracts: str = ""

    def __post_init__(self) -> None:
        if self.kind and self.retracts:
            raise ValueError("a rule states an activity (kind) or takes one back (retracts)")


def _rules() -> dict[str, Rule]:
    return {
        "belum dibaca": Rule(
            kind="disposisi-dibuat", person="nipPembuat", title="Membuat disposisi: {perihal}"
        ),
        "sudah ditindaklanjuti": Rule(
            kind="disposisi-ditindaklanjuti",
            person="nipPenerima",
            title="Menindaklanjuti disposisi: {perihal}",
        ),
        "dibaca": Rule(reason="a disposition that was only read is no work yet"),
        "belum ditindaklanjuti": Rule(reason="the disposition is not followed up yet"),
        "dibatalkan": Rule(retracts="belum dibaca", reason="the disposition was cancelled"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Paths, parameters, field values and meanings.

    The list of dispositions is taken to hold, oldest change first, every disposition whose
    `waktu` is at or after the parameter `sejak`, each with the state that it has now.
    """

    path: str = "/kinerja/disposisi"
    since_parameter: str = "sejak"
    #: Times carry no zone; they are taken to be WIB, where BKN's servers stand.
    utc_offset_hours: int = 7
    #: How far each new reading goes back, for what was stored late.
    overlap_seconds: int = 60
    category: str = "disposisi"
    #: By state, in lower case.
    rules: Mapping[str, Rule] = field(default_factory=_rules)

    #: Below `api_url`; `{nip}` stands for who is asked for. Seen in public clients.
    units_path: str = "/referensi/ref-unor"
    person_path: str = "/pns/data-utama/{nip}"
    periodic_history_path: str = "/pns/rw-kinerjaperiodik/{nip}"
    final_history_path: str = "/pns/rw-skp22/{nip}"
    periodic_save_path: str = "/kinerjaperiodik/save"
    final_save_path: str = "/skp22/save"
    #: The code of who is in service (*kedudukan hukum*: aktif).
    active_codes: tuple[str, ...] = ("01",)
    #: In a refusal of a save these words mean that it may succeed later.
    transient_words: tuple[str, ...] = (
        "coba lagi", "gangguan", "sibuk", "timeout", "time out", "terjadi kesalahan", "internal",
    )  # fmt: skip
    #: In a refusal of a save these words mean that the period has a result already.
    exists_words: tuple[str, ...] = ("sudah ada",)

    def __post_init__(self) -> None:
        if not -12 <= self.utc_offset_hours <= 14:
            raise ValueError("utc_offset_hours must be between -12 and 14")
        if self.overlap_seconds < 0:
            raise ValueError("overlap_seconds must not be negative")
