"""What we assume of SRIKANDI and its owner has not documented, in one place.

The steps of a letter (*naskah*) and the states of a disposition are documented; their spelling,
the names of events, the path and the envelope are ours. An agency that knows better gives
other values in the settings, under `assumptions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Assumptions", "Rule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an event means.

    `person` is the field of `data` that holds the NIP of who worked. `title` may name `{hal}`.
    Without a kind the event is no activity, for the `reason` given; `retracts` is the key of the
    rule whose activity it takes back (*pembatalan*).

    `named_by` are the fields of `data` that name what happened, so that a later event can name it
    too. Without them an event is named by its own id, and what takes it back has to tell that id
    in `membatalkan`.
    """

    kind: str = ""
    person: str = "nip_pelaku"
    title: str = ""
    reason: str = ""
    retracts: str = ""
    named_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind and self.retracts:
            raise ValueError("a rule states an activity (kind) or takes one back (retracts)")


def _rules() -> dict[str, Rule]:
    return {
        "naskah_keluar/registrasi/konsep": Rule(
            kind="naskah-dikonsep", title="Menyusun konsep surat: {hal}"
        ),
        "naskah_keluar/registrasi/konsep diperbaiki": Rule(
            kind="naskah-diperbaiki", title="Memperbaiki konsep surat: {hal}"
        ),
        "naskah_keluar/verifikasi/diverifikasi": Rule(
            kind="naskah-diverifikasi", title="Memverifikasi surat: {hal}"
        ),
        "naskah_keluar/verifikasi/ditolak verifikator": Rule(
            kind="naskah-ditolak", title="Memeriksa dan mengembalikan konsep surat: {hal}"
        ),
        "naskah_keluar/ttd_elektronik/ditandatangani": Rule(
            kind="naskah-ditandatangani", title="Menandatangani surat: {hal}"
        ),
        "naskah_keluar/kirim/terkirim": Rule(
            kind="naskah-dikirim", title="Mengirim surat: {hal}", named_by=("naskah_id", "tujuan")
        ),
        "naskah_keluar/kirim/ditarik": Rule(
            retracts="naskah_keluar/kirim/terkirim", reason="the letter was withdrawn"
        ),
        "naskah_masuk/registrasi/teregistrasi": Rule(
            kind="naskah-diregistrasi", title="Meregistrasi surat masuk: {hal}"
        ),
        "naskah_masuk/kirim/terkirim": Rule(
            reason="handing on an incoming letter belongs to its registration"
        ),
        "naskah_masuk/baca/dibaca": Rule(reason="a letter that was only read is no work yet"),
        "naskah_masuk/penyelesaian/selesai": Rule(
            kind="naskah-diselesaikan", title="Menyelesaikan surat masuk: {hal}"
        ),
        "disposisi/disposisi/belum dibaca": Rule(
            kind="disposisi-dibuat",
            title="Membuat disposisi: {hal}",
            named_by=("naskah_id", "nip_pelaku", "nip_penerima"),
        ),
        "disposisi/baca/dibaca": Rule(reason="a disposition that was only read is no work yet"),
        "disposisi/tindak_lanjut/sudah ditindaklanjuti": Rule(
            kind="disposisi-ditindaklanjuti", title="Menindaklanjuti disposisi: {hal}"
        ),
        "disposisi/tindak_lanjut/belum ditindaklanjuti": Rule(
            reason="the disposition is not followed up yet"
        ),
        "disposisi/batal/dibatalkan": Rule(
            retracts="disposisi/disposisi/belum dibaca", reason="the disposition was cancelled"
        ),
    }


def _columns() -> dict[str, str]:
    return {
        "id": "naskah_id",
        "id_naskah": "naskah_id",
        "no_surat": "nomor_naskah",
        "nomor_surat": "nomor_naskah",
        "perihal": "hal",
        "tanggal_raw": "tanggal",
        "tanggal_surat": "tanggal",
        "kode_unit": "unit_kode",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Path and parameters of the list of events, columns of exports, and what each event means.

    The list is taken to answer `{"data": [CloudEvent, ...], "next": text, "more": bool}`, oldest
    first, beginning after the cursor that its parameter names.
    """

    path: str = "/api/v1/peristiwa"
    after_parameter: str = "after"
    limit_parameter: str = "limit"
    type_prefix: str = "srikandi."
    #: By `kelompok/peristiwa/status`, in lower case.
    rules: Mapping[str, Rule] = field(default_factory=_rules)
    #: Other names of columns in exports, in lower case with _ for a space, and what we call them.
    columns: Mapping[str, str] = field(default_factory=_columns)
    #: Times in exports that carry no zone are taken to be WIB.
    utc_offset_hours: int = 7
    #: What the letters of a register without the column `status` went through.
    register_status: str = "terkirim"

    def __post_init__(self) -> None:
        if not -12 <= self.utc_offset_hours <= 14:
            raise ValueError("utc_offset_hours must be between -12 and 14")
        unknown = [one.retracts for one in self.rules.values() if one.retracts]
        unknown = [key for key in unknown if key not in self.rules]
        if unknown:
            raise ValueError(f"rules take back {unknown[0]!r}, which is no rule")
