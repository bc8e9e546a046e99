"""Files that clocks export: a row for each press, a row for each day, or the ZK family's attlog."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from ekinerja_connectors import JSON, FileReading, Item, Malformed, RefusedRow, Upload
from ekinerja_connectors.moments import date_of, time_of
from ekinerja_connectors.tables import Record, Row, Sheet, read_sheet

from .clockings import item_of, statement_of
from .settings import Settings

__all__ = ["reading_of"]

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "nip": ("NIP Pegawai", "Nomor Induk Pegawai"),
    "pin": ("No ID", "ID", "User ID", "No Akun", "AC No", "Emp No", "Enroll No", "ID Pengguna"),
    "at": ("Waktu", "Tanggal waktu", "Date time", "Tgl jam", "Tanggal scan", "Scan", "Time"),
    "date": ("Tanggal", "Tgl"),
    "clock": ("Jam", "Pukul", "Jam scan"),
    "direction": ("Status", "IN OUT", "I O", "State", "Arah", "Jenis", "Masuk pulang"),
    "in": ("Scan masuk", "Jam masuk", "Masuk", "Clock in", "Check in", "Datang"),
    "out": ("Scan pulang", "Scan keluar", "Jam pulang", "Pulang", "Clock out", "Check out"),
    "place": ("Mesin", "Lokasi", "Device", "Terminal", "Nama mesin"),
}
#: Which columns say when and which way; the first form of which all are there is taken.
_FORMS: tuple[tuple[str, ...], ...] = (
    ("at", "direction"),
    ("date", "clock", "direction"),
    ("date", "in", "out"),
)
_PIN, _MOMENT = re.compile(r"[0-9]{1,18}", re.ASCII), re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} .*")


def reading_of(upload: Upload, settings: Settings) -> FileReading:
    """The clockings of a file as items; rows that are none with their reason.

    Of a day without one of its two times the other is taken.

    Raises:
        Malformed: it is no table, or its columns do not say who, when and which way.
    """
    sheet = read_sheet(upload)
    items: dict[str, Item] = {}
    refused: list[RefusedRow] = []
    for row, payload, clockings_in in _rows(sheet, settings):
        try:
            records = clockings_in()
            if not records:
                raise Malformed("no time of coming or going stands in it")
            found = [item_of(_under(record, settings), settings) for record in records]
            for item in found:
                _check(item, settings)
        except Malformed as error:
            refused.append(RefusedRow(row=row, reason=str(error), payload=payload))
        else:
            items.update((item.source_id, item) for item in found)
    return FileReading(items=tuple(items.values()), refused=tuple(refused))


def _under(values: Mapping[str, str], settings: Settings) -> dict[str, JSON]:
    """The values of a row under the names that a record of the service has."""
    return {getattr(settings.fields, name): value for name, value in values.items()}


def _check(item: Item, settings: Settings) -> None:
    """Refuse a row here that could not be named, so that its number is told."""
    if item.source_id.startswith("unnamed#"):
        statement_of(item, settings)
        raise Malformed("neither NIP nor PIN says who")


def _rows(
    sheet: Sheet, settings: Settings
) -> Iterator[tuple[int, JSON, Callable[[], list[dict[str, str]]]]]:
    """Each row's number, the row as it was read, and what finds the clockings in it."""
    if sheet.rows and _is_attlog(sheet.rows[0]):
        for row in sheet.rows:
            yield row.number, list(row.cells), partial(_of_attlog, row)
        return
    names = {
        name: (*all_, settings.columns[name]) if name in settings.columns else all_
        for name, all_ in _COLUMNS.items()
    }
    form, header = _FORMS[0], None
    for form in _FORMS:
        try:
            header = sheet.header(names, form)
            break
        except Malformed:
            continue
    if header is None or not {"nip", "pin"} & set(header.columns):
        raise Malformed(
            "the columns do not say who (NIP or PIN), when (Waktu, or Tanggal and Jam) and which "
            "way (Status, or Jam masuk and Jam pulang); name them in the setting columns"
        )
    for record in sheet.records(header):
        yield record.number, record.payload, partial(_of_row, record, form)


def _of_row(record: Record, form: tuple[str, ...]) -> list[dict[str, str]]:
    """The clockings of a row. Raises: Malformed, for a date or time that cannot be read."""
    values = record.values
    who = {name: values[name] for name in ("nip", "pin", "place") if name in values}
    if form == _FORMS[0]:
        return [
            {**who, "at": values.get("at", ""), "direction": values.get("direction", "")},
        ]
    day = date_of(values.get("date", ""))
    if form == _FORMS[1]:
        clock = time_of(values.get("clock", ""))
        return [{**who, "at": f"{day} {clock}", "direction": values.get("direction", "")}]
    return [
        {**who, "at": f"{day} {time_of(values[way])}", "direction": way}
        for way in ("in", "out")
        if way in values
    ]


def _is_attlog(row: Row) -> bool:
    """Whether a file has no headings: PIN, time, machine, way, means, work code."""
    cells = row.cells
    return len(cells) >= 4 and bool(_PIN.fullmatch(cells[0]) and _MOMENT.fullmatch(cells[1]))


def _of_attlog(row: Row) -> list[dict[str, str]]:
    pin, at, machine, way = (*row.cells, "", "", "", "")[:4]
    place = f"Mesin {machine}" if machine else ""
    return [{"pin": pin, "at": at, "place": place, "direction": way}]
