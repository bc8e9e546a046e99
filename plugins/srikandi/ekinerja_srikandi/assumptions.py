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
    Without a kind the event is no activity, for the `reason` given.
    """

    kind: str = ""
    person: str = "nip_pelaku"
    title: str = ""
    reason: str = ""


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
        "naskah_keluar/kirim/terkirim": Rule(kind="naskah-dikirim", title="Mengirim surat: {hal}"),
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
            kind="disposisi-dibuat", title="Membuat disposisi: {hal}"
        ),
        "disposisi/baca/dibaca": Rule(reason="a disposition that was only read is no work yet"),
        "disposisi/tindak_lanjut/sudah ditindaklanjuti": Rule(
            kind="disposisi-ditindaklanjuti", title="Menindaklanjuti disposisi: {hal}"
        ),
        "disposisi/tindak_lanjut/belum ditindaklanjuti": Rule(
            reason="the disposition is not followed up yet"
        ),
        "disposisi/batal/dibatalkan": Rule(reason="the disposition was cancelled"),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions:
    """Path and parameters of the list of events, and what each event means.

    The list is taken to answer `{"data": [CloudEvent, ...], "next": text, "more": bool}`, oldest
    first, beginning after the cursor that its parameter names.
    """

    path: str = "/api/v1/peristiwa"
    after_parameter: str = "after"
    limit_parameter: str = "limit"
    type_prefix: str = "srikandi."
    #: By `kelompok/peristiwa/status`, in lower case.
    rules: Mapping[str, Rule] = field(default_factory=_rules)
