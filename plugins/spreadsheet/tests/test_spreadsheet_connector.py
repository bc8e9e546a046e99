"""The spreadsheet connector: what people hand in, with every fault told by row and column."""

import contextlib
import io
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from ekinerja_connectors import (
    JSON,
    Activity,
    Evidence,
    FileReading,
    Http,
    InvalidSettings,
    Item,
    Malformed,
    Upload,
)
from ekinerja_connectors.settings import parse
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_spreadsheet import SpreadsheetConnector
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NIP = "198503122009011007"
HEAD = "NIP;Tanggal;Jam mulai;Jam selesai;Kegiatan;Realisasi;Satuan;Bukti dukung;Rencana aksi"
ROW = f"{NIP};02/03/2026;07.30;09.00;Menyusun laporan;1;dokumen;https://arsip.example/7;"


class TestSpreadsheetSuite(ConnectorSuite):
    connector = SpreadsheetConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        yield {}

    def uploads(self) -> list[Upload]:
        content = f"{HEAD}\n{ROW}\n{ROW.replace('07.30', '08.00')}\n;;;;;;;;\n".encode()
        return [
            Upload(name="maret.csv", content=content),
            workbook(HEAD.split(";"), [NIP, date(2026, 3, 3), time(8), time(9), "Rapat"]),
        ]


def connector_of(**settings: JSON) -> SpreadsheetConnector:
    return SpreadsheetConnector(parse(SpreadsheetConnector.settings, settings), Http([]))


def reading(*lines: str, **settings: JSON) -> FileReading:
    content = "\r\n".join(lines).encode("utf-8-sig")
    return connector_of(**settings).read(Upload(name="maret.csv", content=content))


def workbook(*rows: Sequence[object]) -> Upload:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return Upload(name="maret.xlsx", content=target.getvalue())


def activities(found: FileReading, **settings: JSON) -> list[Activity]:
    assert found.refused == ()
    return [connector_of(**settings).translate(item) for item in found.items]


def test_row_states_an_activity() -> None:
    (activity,) = activities(reading(HEAD, ROW + "Menyusun laporan kinerja"))

    assert activity == Activity(
        source_id=activity.source_id,
        nip=NIP,
        kind="kegiatan-harian",
        title="Menyusun laporan",
        occurred_at=datetime(2026, 3, 2, 0, 30, tzinfo=UTC),
        ended_at=datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
        description="Rencana aksi: Menyusun laporan kinerja",
        quantity=Decimal(1),
        unit_of_measure="dokumen",
        evidence=(Evidence(title="Bukti dukung di arsip.example", url="https://arsip.example/7"),),
    )


def test_workbook_says_the_same_as_the_csv() -> None:
    sheet = workbook(
        ["Laporan kegiatan bulan Maret"],
        HEAD.split(";"),
        [
            NIP,
            date(2026, 3, 2),
            time(7, 30),
            time(9),
            "Menyusun laporan",
            1,
            "dokumen",
            "https://arsip.example/7",
        ],
    )

    found = connector_of().read(sheet)

    assert activities(found) == activities(reading(HEAD, ROW))
    assert [item.source_id for item in found.items] == [
        item.source_id for item in reading(HEAD, ROW).items
    ]


@pytest.mark.parametrize(("zone", "hour"), [("WIB", 0), ("WITA", 23), ("WIT", 22)])
def test_times_are_of_the_zone_that_was_set(zone: str, hour: int) -> None:
    (activity,) = activities(reading(HEAD, ROW, zone=zone), zone=zone)

    assert activity.occurred_at.astimezone(UTC).hour == hour


def test_headings_may_be_english_and_in_any_order() -> None:
    found = reading(
        "End time,Start time,Task,Date,Employee number,Amount,Unit",
        f"09:00,07:30,Menyusun laporan,2026-03-02,{NIP},1,dokumen",
    )

    assert [one.source_id for one in activities(found)] == [
        one.source_id for one in reading(HEAD, ROW).items
    ]


@pytest.mark.parametrize("text", ["02/03/2026", "2-3-2026", "2026-03-02", "2 Maret 2026"])
@pytest.mark.parametrize("clock", ["07.30", "07:30", "7.30"])
def test_dates_and_times_of_each_form_name_the_same_row(text: str, clock: str) -> None:
    row = ROW.replace("02/03/2026", text).replace("07.30", clock)

    assert reading(HEAD, row).items[0].source_id == reading(HEAD, ROW).items[0].source_id


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (NIP, "1.98503122009011E+17", "NIP: the spreadsheet has made a number of the NIP"),
        (NIP, "1,98503E+17", "NIP: the spreadsheet has made a number of the NIP"),
        (NIP, "19850312", "NIP: the NIP must be 18 digits"),
        (NIP, "", "NIP: it is empty"),
        ("02/03/2026", "31/02/2026", "Tanggal: the date '31/02/2026' does not exist"),
        ("02/03/2026", "45323", "Tanggal: the date '45323' cannot be read"),
        ("07.30", "pagi", "Jam mulai: the time 'pagi' cannot be read"),
        ("07.30", "10.00", "Jam selesai: it lies before the beginning at 10.00"),
        ("Menyusun laporan", "  ", "Kegiatan: it is empty"),
        (";1;", ";1.000;", "Realisasi: 1.000 may be one or a thousand"),
        (";1;", ";banyak;", "Realisasi: 'banyak' is no number"),
        (";1;", ";-1;", "Realisasi: '-1' is no number"),
        (";dokumen;", ";;", "Satuan: it is empty beside a Realisasi"),
        ("https://arsip", "arsip", "Bukti dukung: 'arsip.example/7' is no link"),
    ],
)
def test_fault_is_told_by_row_and_column_with_what_to_do(old: str, new: str, reason: str) -> None:
    good = ROW.replace("07.30", "06.00")

    found = reading(HEAD, good, "", ROW.replace(old, new), good.replace("06.00", "05.00"))

    assert len(found.items) == 2
    (refused,) = found.refused
    assert refused.row == 4
    assert reason in refused.reason
    assert isinstance(refused.payload, Mapping)
    assert refused.payload["Jam selesai"] == "09.00"


def test_all_faults_of_a_row_are_told_at_once() -> None:
    (refused,) = reading(HEAD, "1;besok;pagi;sore;;x;;y").refused

    for column in ("NIP", "Tanggal", "Jam mulai", "Jam selesai", "Kegiatan", "Realisasi", "Bukti"):
        assert column in refused.reason


def test_formula_of_a_workbook_is_refused_and_text_that_looks_like_one_is_kept() -> None:
    found = connector_of().read(
        workbook(
            HEAD.split(";"),
            [NIP, "02/03/2026", "07.30", "09.00", "=CONCATENATE(A1,B1)"],
            [NIP, "02/03/2026", "10.00", "11.00", "+62 dihubungi untuk rapat"],
        )
    )
    csv = reading(HEAD, ROW.replace("Menyusun", '=HYPERLINK("http://x.example")'))

    assert [(one.row, one.reason) for one in found.refused] == [
        (2, "Kegiatan: a formula is never computed; paste it as a value")
    ]
    assert connector_of().translate(found.items[0]).title == "+62 dihubungi untuk rapat"
    assert connector_of().translate(csv.items[0]).title.startswith("=HYPERLINK(")


def test_corrected_sheet_handed_in_again_adds_only_what_is_new() -> None:
    bad = ROW.replace("07.30", "10.00").replace("09.00", "09.30")
    first = reading(HEAD, ROW, bad)
    second = reading(HEAD, bad.replace("09.30", "11.30"), ROW)

    assert len(first.refused) == 1
    assert second.refused == ()
    new = {one.source_id for one in second.items} - {one.source_id for one in first.items}
    assert len(new) == 1


def test_row_that_stands_there_twice_is_taken_once_and_told() -> None:
    found = reading(HEAD, ROW, ROW.replace("Menyusun", "MENYUSUN "))

    assert len(found.items) == 1
    assert [(one.row, one.reason[:25]) for one in found.refused] == [
        (3, "it says the same as row 2")
    ]


def test_work_until_midnight_ends_on_the_next_day() -> None:
    for text in ("24.00", "00.00", "24:00"):
        row = ROW.replace("07.30", "21.00").replace("09.00", text)
        (activity,) = activities(reading(HEAD, row))

        assert activity.ended_at == datetime(2026, 3, 2, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [("3", "3"), ("1,5", "1.5"), ("1.5", "1.5"), ("1.000,5", "1000.5"), ("1.000.000", "1000000")],
)
def test_quantity_is_read_as_indonesia_writes_it(text: str, quantity: str) -> None:
    (activity,) = activities(reading(HEAD, ROW.replace(";1;", f";{text};")))

    assert activity.quantity == Decimal(quantity)


def test_sheet_without_the_needed_columns_is_told_them() -> None:
    with pytest.raises(Malformed, match="the columns begin, end are missing"):
        reading("NIP;Tanggal;Kegiatan", "1;2;3")


def test_template_is_written_once_and_is_read_as_an_empty_sheet(tmp_path: Path) -> None:
    target = tmp_path / "lembar.xlsx"
    command = [sys.executable, "-m", "ekinerja_spreadsheet", "template", str(target)]

    first = subprocess.run(command, check=False, capture_output=True, text=True)
    second = subprocess.run(command, check=False, capture_output=True, text=True)

    assert (first.returncode, first.stderr) == (0, "")
    assert second.returncode == 1
    assert "cannot be written: File exists" in second.stderr
    empty = connector_of().read(Upload(name=target.name, content=target.read_bytes()))
    assert empty == FileReading(items=(), refused=())
    book = openpyxl.load_workbook(target)
    for at, value in enumerate((NIP, date(2026, 3, 2), time(7, 30), time(9), "Menyusun"), 1):
        book["Kegiatan"].cell(2, at).value = value
    filled = io.BytesIO()
    book.save(filled)
    (item,) = connector_of().read(Upload(name="a.xlsx", content=filled.getvalue())).items
    assert connector_of().translate(item).title == "Menyusun"


def test_thousand_rows_of_a_workbook_are_read_in_good_time() -> None:
    rows = [
        [NIP, f"{day:02}/03/2026", f"{hour:02}.00", f"{hour:02}.30", f"Kegiatan {day} {hour}"]
        for day in range(1, 32)
        for hour in range(24)
    ]

    found = connector_of().read(workbook(HEAD.split(";"), *rows))

    assert (len(found.items), found.refused) == (31 * 24, ())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.dictionaries(
    st.sampled_from(["nip", "date", "begin", "end", "activity", "quantity", "unit", "evidence"]),
    st.text(max_size=12) | st.sampled_from([NIP, "02/03/2026", "07.30", "24.00", "1", "31-12-9999"])
    | st.none() | st.integers(),
))  # fmt: skip
def test_garbage_in_any_cell_raises_malformed_only(values: dict[str, JSON]) -> None:
    with contextlib.suppress(Malformed):
        connector_of().translate(Item(source_id="x", payload=values))


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff\xfe", b"PK\x03\x04", b"NIP\n"])
def test_file_that_is_no_sheet_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed):
        connector_of().read(Upload(name="x.xlsx", content=content))


@pytest.mark.parametrize("settings", [{"zone": "PST"}, {"kind": "Dengan Spasi"}])
def test_unusable_setting_is_refused(settings: Mapping[str, JSON]) -> None:
    with pytest.raises(InvalidSettings):
        connector_of(**settings)
