"""Exports of SRIKANDI as workbooks: cells of each kind, and files made to do harm."""

import csv
import io
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from ekinerja_connectors import (
    Malformed,
    Upload,
)

from plugins.srikandi.tests.service import SOURCE
from plugins.srikandi.tests.test_srikandi_files import (
    CLERK,
    GOOD,
    HEADER,
    WIB,
    connector,
    fixture,
    good,
    payload,
    told,
)

NAIVE = datetime(2026, 3, 2)  # noqa: DTZ001 - cells of a spreadsheet have no zone


def workbook(*rows: Sequence[Any], before: Sequence[Sequence[Any]] = ()) -> Upload:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (*before, HEADER, *rows):
        sheet.append(row)
    written = io.BytesIO()
    book.save(written)
    book.close()
    return Upload(name="ekspor.xlsx", content=written.getvalue())


class TestWorkbook:
    """XLSX, written by openpyxl as a spreadsheet would write it."""

    def test_rows_are_the_same_items_as_those_of_a_csv(self) -> None:
        rows = list(csv.reader(io.StringIO(fixture("srikandi_events.csv").text())))
        book = openpyxl.Workbook()
        assert book.active is not None
        for row in rows:
            book.active.append(row)
        written = io.BytesIO()
        book.save(written)

        reading = connector().read(Upload(name="x.xlsx", content=written.getvalue()))

        assert reading == connector().read(fixture("srikandi_events.csv"))

    def test_title_above_the_header_does_no_harm(self) -> None:
        upload = workbook(GOOD, before=(["Ekspor peristiwa"], []))

        reading = connector().read(upload)

        assert [item.source_id for item in reading.items] == [f"{SOURCE}#E-1"]

    def test_sheet_is_the_first_or_the_one_of_the_settings(self) -> None:
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.append(["Petunjuk"])
        sheet = book.create_sheet("Data")
        for row in (HEADER, GOOD):
            sheet.append(row)
        written = io.BytesIO()
        book.save(written)
        upload = Upload(name="x.xlsx", content=written.getvalue())

        with pytest.raises(Malformed, match="neither"):
            connector().read(upload)
        assert len(connector(sheet="Data").read(upload).items) == 1

    @pytest.mark.parametrize(
        ("cell", "instant"),
        [
            (NAIVE.replace(hour=8, minute=30), datetime(2026, 3, 2, 8, 30, tzinfo=WIB)),
            (NAIVE, datetime(2026, 3, 2, 12, tzinfo=WIB)),
            (date(2026, 3, 2), datetime(2026, 3, 2, 12, tzinfo=WIB)),
        ],
    )
    def test_cell_that_is_a_date_is_read_in_the_zone_of_the_export(
        self, cell: date, instant: datetime
    ) -> None:
        (item,) = connector().read(workbook((GOOD[0], cell, *GOOD[2:]))).items

        assert payload(item)["time"] == instant.isoformat()

    @pytest.mark.parametrize("nip", [197310072002042000, 1.97310072002042e17])
    def test_nip_that_was_kept_as_a_number_is_refused_with_what_to_do(self, nip: float) -> None:
        reading = connector().read(workbook((*GOOD[:7], nip), (*good(event_id="E-2"),)))

        assert "format the column as text" in told(reading)[2]
        assert len(reading.items) == 1

    def test_number_in_a_column_of_text_is_read_without_a_point(self) -> None:
        (item,) = connector().read(workbook((*GOOD[:5], 12.0, *GOOD[6:]))).items

        assert payload(item)["subject"] == "12"

    def test_formula_is_kept_as_its_own_text(self) -> None:
        (item,) = connector().read(workbook((*GOOD[:6], "=1+1", CLERK))).items

        assert payload(item)["data"]["hal"] == "=1+1"

    def test_cell_beyond_the_header_is_refused(self) -> None:
        (refused,) = connector().read(workbook((*GOOD, None, "lebih"))).refused

        assert "cell 10 of the row stands under no heading" in refused.reason

    def test_archive_that_unpacks_to_gigabytes_is_refused_unopened(self) -> None:
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for number in range(9):
                archive.writestr(f"xl/worksheets/sheet{number}.xml", b"0" * 8 * 1024 * 1024)
        assert len(written.getvalue()) < 150_000

        with pytest.raises(Malformed, match="unpacks to 75497472 bytes in 9 parts"):
            connector().read(Upload(name="bom.xlsx", content=written.getvalue()))

    def test_entities_are_not_expanded(self) -> None:
        entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{entities}]><x>&l9;</x>'
        for member in ("xl/workbook.xml", "xl/worksheets/sheet1.xml"):
            with pytest.raises(Malformed) as caught:
                connector().read(with_member(workbook(GOOD), member, bomb))
            causes: list[str] = []
            error: BaseException | None = caught.value
            while error is not None:
                causes.append(type(error).__name__)
                error = error.__cause__ or error.__context__
            assert "EntitiesForbidden" in causes

    def test_dimension_that_lies_is_not_believed(self) -> None:
        upload = workbook(GOOD, good(event_id="E-2", naskah_id="N-2"))
        sheet = zipfile.ZipFile(io.BytesIO(upload.content)).read("xl/worksheets/sheet1.xml")
        lying = sheet.decode().replace('ref="A1:H3"', 'ref="A1:A1"')
        assert lying != sheet.decode()

        reading = connector().read(with_member(upload, "xl/worksheets/sheet1.xml", lying))

        assert len(reading.items) == 2

    def test_blank_rows_between_are_passed_over_and_a_row_far_below_is_not_lost(self) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in (HEADER, GOOD):
            sheet.append(row)
        for column, value in enumerate(good(event_id="E-2", naskah_id="N-2"), 1):
            sheet.cell(9_000, column, value)
        written = io.BytesIO()
        book.save(written)

        reading = connector().read(Upload(name="x.xlsx", content=written.getvalue()))

        assert len(reading.items) == 2


def with_member(upload: Upload, member: str, content: str) -> Upload:
    """The workbook with one of its parts replaced."""
    written = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(upload.content)) as old,
        zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, content if name == member else old.read(name))
    return Upload(name=upload.name, content=written.getvalue())
