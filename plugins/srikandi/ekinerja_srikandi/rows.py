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
from .tables import Cell, Row

__all__ = ["EVENT", "KNOWN", "REGISTER", "event_of", "kind_of", "named"]

EVENT, REGISTER = "event", "register"
#: Columns by which a file is told to be what it is, and others that either may have.
_EVENT = frozenset({"event_id", "waktu", "kelompok", "peristiwa", "status"})
_REGISTER = frozenset({"nomor_naskah", "tanggal"})
KNOWN = _EVENT | _REGISTER | {"naskah_id", "hal", "tujuan", "nip_pelaku"}
_NOT_DATA = frozenset({"event_id", "waktu", "source"})
_NIPS = ("nip_pelaku", "nip_penerima", "nip_pemberi")
_NIP = re.compile(r"[0-9]{18}", re.ASCII)
#: 1.97310072002042E+17, or 18 digits of which a number keeps 15: serial numbers begin at 001.
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+?[0-9]+|[0-9]{15}000", re.ASCII)


def kind_of(columns: frozenset[str], name: str) -> str:
    """Which kind of export has these columns. Raises: Malformed, with what is missing."""
    if columns >= _EVENT:
        return EVENT
    if columns >= _REGISTER:
        return REGISTER
    events, register = sorted(_EVENT - columns), sorted(_REGISTER - columns)
    raise Malformed(
        f"{name} is neither an export of events (without {', '.join(events)}) nor a register "
        f"(without {', '.join(register)}); columns may be named in assumptions.columns"
    )


def named(header: tuple[str, ...], row: Row) -> dict[str, Cell]:
    """The cells of a row by column. Raises: Malformed when there are more or fewer of them."""
    cells = list(row.cells)
    while len(cells) > len(header) and cells[-1] in (None, ""):
        del cells[-1]
    if len(cells) != len(header):
        raise Malformed(f"the row has {len(cells)} cells, the header {len(header)}")
    for place, (name, cell) in enumerate(zip(header, cells, strict=True), 1):
        if not name and cell not in (None, ""):
            raise Malformed(f"cell {place} of the row stands under no name of a column")
    return {name: cell for name, cell in zip(header, cells, strict=True) if name}


def event_of(kind: str, cells: Mapping[str, Cell], settings: Settings, today: date) -> JSON:
    """The CloudEvent of one row.

    `today` is by the clock of the export's zone. A state that no rule knows is kept as it is;
    translating it tells that it is unknown.

    Raises:
        Malformed: something in the row cannot be read or cannot be.
    """
    data = {name: _text(cell) for name, cell in cells.items() if _text(cell).strip()}
    for name in _NIPS:
        _check_nip(name, cells.get(name))
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


def _check_nip(name: str, cell: Cell) -> None:
    text = _text(cell).replace(" ", "")
    if not text:
        return
    if not isinstance(cell, str) or _SHORTENED.fullmatch(text):
        raise Malformed(
            f"{name} {text[:40]} was shortened by a spreadsheet, which keeps 15 digits of a "
            "number: format the column as text and export anew"
        )
    if not _NIP.fullmatch(text):
        raise Malformed(f"{name} must be 18 digits")


def _text(cell: Cell) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e15:
        return str(int(cell))
    return "" if cell is None else str(cell)
