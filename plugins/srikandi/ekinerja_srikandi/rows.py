"""What the rows of an export say, as the CloudEvents that a webhook would have brought. Pure.

Two kinds are known: exports of events, and registers of outgoing letters (*buku agenda surat
keluar*), in which a row is a letter with the state that it has reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta, timezone

from ekinerja_connectors import JSON, Malformed

from .assumptions import Assumptions
from .dates import moment_of
from .settings import Settings

__all__ = ["COLUMNS", "EVENT", "REGISTER", "REQUIRED", "event_of"]

EVENT, REGISTER = "event", "register"
#: The columns by which a file is told to be what it is.
REQUIRED = {
    EVENT: ("event_id", "waktu", "kelompok", "peristiwa", "status"),
    REGISTER: ("nomor_naskah", "tanggal"),
}
#: All that are read. Others are no part of what a letter is, and stay in the file.
COLUMNS = (
    *REQUIRED[EVENT], *REQUIRED[REGISTER],
    "source", "naskah_id", "nomor_sementara", "nomor_agenda", "tanggal_naskah", "jenis_naskah",
    "sifat", "urgensi", "klasifikasi", "klasifikasi_nama", "hal", "isi_ringkas", "tujuan_jenis",
    "tujuan", "tembusan", "asal_naskah", "nip_pelaku", "peran_pelaku", "unit_pelaku",
    "nip_penerima", "nip_pemberi", "instruksi", "batas_waktu", "membatalkan", "disposisi_id",
    "unit_kode", "unit_pengolah",
)  # fmt: skip
_NOT_DATA = frozenset({"event_id", "waktu", "source"})
_NIPS = ("nip_pelaku", "nip_penerima", "nip_pemberi")
_NIP = re.compile(r"[0-9]{18}", re.ASCII)
#: 1.97310072002042E+17, or 18 digits of which a number keeps 15: serial numbers begin at 001.
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]{15}000", re.ASCII)


def event_of(kind: str, cells: Mapping[str, str], settings: Settings, today: date) -> JSON:
    """The CloudEvent of one row.

    `today` is by the clock of the export's zone. A state that no rule knows is kept as it is;
    translating it tells that it is unknown.

    Raises:
        Malformed: something in the row cannot be read or cannot be.
    """
    data = dict(cells)
    for name in _NIPS:
        _check_nip(name, data.get(name, ""))
    source = data.get("source", settings.source).strip()
    if not source:
        raise Malformed("the row names no source: set `source` to what the events carry")
    if kind == REGISTER:
        name, told = _complete_letter(data, settings), data.pop("tanggal", "")
    else:
        name, told = data.get("event_id", ""), data.get("waktu", "")
    if not name:
        raise Malformed("the row has no event_id")
    if not told:
        raise Malformed("the row has no date")
    if not data.get("nip_pelaku"):
        raise Malformed("nip_pelaku is blank: whose work it is is not told")
    zone = timezone(timedelta(hours=settings.assumptions.utc_offset_hours))
    moment = moment_of(told, zone, settings.day_numbers)
    if moment.astimezone(zone).date() > today:
        raise Malformed(f"{told.strip()[:40]} lies in the future")
    word = f"{data.get('kelompok', '')}.{data.get('peristiwa', '')}".replace("_", "-")
    event: dict[str, JSON] = {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": f"{settings.assumptions.type_prefix}{word}.v1",
        "time": moment.isoformat(),
        "datacontenttype": "application/json",
        "dataschema": "urn:ekinerja:srikandi:event:v1",
        "data": {key: value for key, value in data.items() if key not in _NOT_DATA},
    }
    if "naskah_id" in data:
        event["subject"] = data["naskah_id"]
    return event


def _complete_letter(data: dict[str, str], settings: Settings) -> str:
    """Give a row of a register what an event has, and the name of that event."""
    assumed = settings.assumptions
    data.setdefault("naskah_id", data.get("nomor_naskah", ""))
    if not data["naskah_id"]:
        raise Malformed("the letter has neither an id nor a number")
    data.setdefault("status", assumed.register_status)
    data["kelompok"], data["peristiwa"] = "naskah_keluar", _step_of(data["status"], assumed)
    if "nip_pelaku" not in data:
        unit = data.get("unit_kode", "").strip()
        nip = settings.unit_nips.get(unit) or settings.unit_nips.get("*")
        if not nip:
            raise Malformed(
                f"the letter names no person: say in unit_nips whose work the letters of unit "
                f"{unit or '*'} are"
            )
        data["nip_pelaku"] = nip
    return f"{data['naskah_id']}/{data['status'].strip().lower()}"


def _step_of(status: str, assumed: Assumptions) -> str:
    """The step (*peristiwa*) after which an outgoing letter has a state, by the rules."""
    for key in assumed.rules:
        group, step, state = key.split("/", 2)
        if group == "naskah_keluar" and state == status.strip().lower():
            return step
    return "register"


def _check_nip(name: str, cell: str) -> None:
    text = cell.replace(" ", "")
    if not text:
        return
    if _SHORTENED.fullmatch(text):
        raise Malformed(
            f"{name} {text[:40]} was shortened by a spreadsheet, which keeps 15 digits of a "
            "number: format the column as text and export anew"
        )
    if not _NIP.fullmatch(text):
        raise Malformed(f"{name} must be 18 digits")
