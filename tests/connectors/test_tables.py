"""Rows of CSV and XLSX uploads: what offices hand in reads as text, and bombs are refused."""

import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time

import openpyxl
import pytest
from ekinerja_connectors import Malformed, Upload
from ekinerja_connectors import workbooks as limits
from ekinerja_connectors.moments import ZONES, date_of, moment_of, time_of
from ekinerja_connectors.tables import read_sheet


def upload(content: bytes, name: str = "log.csv") -> Upload:
    return Upload(name=name, content=content)


def workbook(rows: Sequence[Sequence[object]]) -> Upload:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    target = io.BytesIO()
    book.save(target)
    return upload(target.getvalue(), "log.xlsx")


def cells(given: Upload) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.number, row.cells) for row in read_sheet(given).rows]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("nip,kegiatan\n1,rapat é\n".encode(), "utf-8-sig"),
        ("nip;kegiatan\r\n1;rapat é\r\n".encode("utf-8-sig"), "utf-8-sig"),
        ("nip\tkegiatan\n1\trapat é\n".encode("utf-16"), "utf-16"),
        ("nip|kegiatan\n1|rapat é\n".encode("cp1252"), "cp1252"),
        ('nip;kegiatan\n"1";"rapat é"\n'.encode(), "utf-8-sig"),
    ],
)
def test_csv_is_read_in_each_encoding_and_with_each_separator(
    content: bytes, encoding: str
) -> None:
    sheet = read_sheet(upload(content))

    assert [row.cells for row in sheet.rows] == [("nip", "kegiatan"), ("1", "rapat é")]
    assert sheet.encoding == encoding


def test_rows_keep_the_numbers_that_a_spreadsheet_shows() -> None:
    content = b'sep=;\nnip;kegiatan\n\n1;"dua\nbaris, satu sel"\n2;tiga\n'

    assert cells(upload(content)) == [
        (2, ("nip", "kegiatan")),
        (4, ("1", "dua\nbaris, satu sel")),
        (5, ("2", "tiga")),
    ]


def test_commas_inside_quotes_do_not_make_it_comma_separated() -> None:
    content = b'kegiatan;jam\n"a, b, c, d, e";07.30\n'

    assert cells(upload(content))[1] == (2, ("a, b, c, d, e", "07.30"))


def test_workbook_cells_become_exact_text() -> None:
    given = workbook(
        [
            [date(2026, 3, 2), datetime.fromisoformat("2026-03-02T07:30"), time(7, 30), True],
            [],
            ["198503122009011007", 198503122009011007, 1.97310072002042e17, 0.1, 3.0],
            ["=1+1", "'=1+1", -2.5, 10**15, "  teks  "],
        ]
    )

    assert cells(given) == [
        (1, ("2026-03-02", "2026-03-02 07:30:00", "07:30:00", "TRUE")),
        (3, ("198503122009011007", "1.98503122009011E+17", "1.97310072002042E+17", "0.1", "3")),
        (4, ("=1+1", "'=1+1", "-2.5", "1.00000000000000E+15", "teks")),
    ]
    assert [row.formulas for row in read_sheet(given).rows] == [set(), set(), {0}]


def test_named_worksheet_is_read_and_a_missing_one_told() -> None:
    book = openpyxl.Workbook()
    book.create_sheet("Maret").append(["isi"])
    target = io.BytesIO()
    book.save(target)
    given = upload(target.getvalue(), "log.xlsx")

    assert [row.cells for row in read_sheet(given, sheet="Maret").rows] == [("isi",)]
    with pytest.raises(Malformed, match="no worksheet April; it has"):
        read_sheet(given, sheet="April")


def test_headings_are_found_below_a_title_and_by_any_of_their_names() -> None:
    sheet = read_sheet(
        upload(b"Laporan Dinas;;\n;;\nNo. Pegawai ;JAM_MULAI;catatan\n1;07.30;x\n;;y\n")
    )

    header = sheet.header({"nip": ["no pegawai"], "begin": ["jam mulai"]}, ["nip", "begin"])
    first, second = sheet.records(header)

    assert header.row.number == 3
    assert first.values == {"nip": "1", "begin": "07.30"}
    assert first.payload == {"No. Pegawai": "1", "JAM_MULAI": "07.30", "catatan": "x"}
    assert (second.number, second.values) == (5, {})


def test_missing_and_doubled_headings_are_told() -> None:
    with pytest.raises(Malformed, match="the columns end are missing"):
        read_sheet(upload(b"nip;begin\n")).header({"end": [], "nip": []}, ["nip", "end"])
    with pytest.raises(Malformed, match="row 1: two columns are the nip"):
        read_sheet(upload(b"nip;NIP\n")).header({"nip": []}, ["nip"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old .xls or has a password"),
        (b"  <html><table>", "web page"),
        (b"PK\x03\x04 and no more", "damaged workbook"),
        (b"a;b\0", "no text"),
        (b'a;"b\n', "cannot be read beyond line"),
        (b"a\n" * 10_001, "more than 10000 rows"),
        (b"%s\n" % (b"a" * 10_000) * 420, "more than 4194304 characters"),
        (b"a;" * 200 + b"a", "more than 200 columns"),
    ],
)
def test_what_is_no_table_is_refused_with_what_to_do(content: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        read_sheet(upload(content))


def test_workbook_that_unpacks_to_far_more_is_refused_before_it_is_unpacked() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (limits.MAX_UNPACKED_BYTES + 1))

    with pytest.raises(Malformed, match="unpacks to 67108865 bytes in 1 parts"):
        read_sheet(upload(target.getvalue()))


def test_workbook_with_parts_missing_or_torn_is_malformed() -> None:
    whole = workbook([["nip", "kegiatan"], ["1", "rapat"]]).content
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(whole)) as source,
        zipfile.ZipFile(target, "w") as copy,
    ):
        for name in source.namelist():
            content = source.read(name)
            copy.writestr(name, content[:60] if "sheet1" in name else content)

    for content in (target.getvalue(), whole[: len(whole) // 2]):
        with pytest.raises(Malformed, match="workbook"):
            read_sheet(upload(content))


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02",
        "2026-03-02 07:30:00",
        "02/03/2026",
        "2-3-2026",
        "2.3.2026",
        "2 Maret 2026",
        "Senin, 2 Mar 2026",
        "02-Mar-2026",
    ],
)
def test_dates_are_read_day_first(text: str) -> None:
    assert date_of(text) == date(2026, 3, 2)


@pytest.mark.parametrize("text", ["31/02/2026", "3/2", "45323", "2 Marzo 2026", "", "2/3-2026"])
def test_unreadable_dates_say_what_to_write(text: str) -> None:
    with pytest.raises(Malformed, match="the date"):
        date_of(text)


@pytest.mark.parametrize("text", ["07.30", "7:30", "07:30:00", "pukul 07.30 WITA", "07:30:00.000"])
def test_times_are_read_with_full_stop_or_colon(text: str) -> None:
    assert time_of(text) == time(7, 30)


@pytest.mark.parametrize("text", ["24.00", "7", "730", "07.3", ""])
def test_unreadable_times_say_what_to_write(text: str) -> None:
    with pytest.raises(Malformed, match="the time"):
        time_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-02 07:30",
        "2026-03-02T07:30:00",
        "2026-03-01T23:30:00Z",
        "02/03/2026 07.30",
        "2 Maret 2026, 07:30",
    ],
)
def test_moment_is_a_date_and_a_time_in_a_zone(text: str) -> None:
    assert moment_of(text, ZONES["WITA"]) == datetime(2026, 3, 2, 7, 30, tzinfo=ZONES["WITA"])


@pytest.mark.parametrize("text", ["2026-03-02", "02/03/2026", "07:30", ""])
def test_moment_without_a_date_or_a_time_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        moment_of(text, ZONES["WIB"])
