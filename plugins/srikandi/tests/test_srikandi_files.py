"""Exports of SRIKANDI: every row is an item or refused with its reason, by number."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from ekinerja_connectors import (
    JSON,
    Activity,
    FileReading,
    InvalidSettings,
    Item,
    Malformed,
    Retraction,
    Skippable,
    Upload,
)
from ekinerja_connectors.settings import parse
from ekinerja_connectors.wire import MAX_LINE, encode_line, encode_reading
from ekinerja_srikandi import SrikandiConnector
from ekinerja_srikandi.files import MAX_ROWS

from plugins.srikandi.tests.service import FIXTURES, SOURCE, events
from plugins.srikandi.tests.test_srikandi_connector import connector_of, received

WIB = timezone(timedelta(hours=7))
CLERK = "198503122009011007"
HEADER = ("event_id", "waktu", "kelompok", "peristiwa", "status", "naskah_id", "hal", "nip_pelaku")
GOOD = ("E-1", "2026-03-02T08:00:00+07:00", "naskah_keluar", "registrasi", "konsep", "N-1",
        "Undangan rapat", CLERK)  # fmt: skip


def connector(**settings: JSON) -> SrikandiConnector:
    return connector_of({"source": SOURCE, **settings})


def fixture(name: str) -> Upload:
    return Upload(name=name, content=(FIXTURES / name).read_bytes(), media_type="text/csv")


def text(*rows: Sequence[str], separator: str = ",", header: Sequence[str] = HEADER) -> Upload:
    written = io.StringIO()
    csv.writer(written, delimiter=separator).writerows([header, *rows])
    return Upload(name="ekspor.csv", content=written.getvalue().encode())


def good(**change: str) -> tuple[str, ...]:
    return tuple({**dict(zip(HEADER, GOOD, strict=True)), **change}.values())


def told(reading: FileReading) -> dict[int, str]:
    return {one.row: one.reason for one in reading.refused}


def test_export_of_events_gives_the_very_items_that_webhooks_give() -> None:
    reading = connector().read(fixture("srikandi_events.csv"))

    assert reading.refused == ()
    assert list(reading.items) == [received(connector(), event) for event in events()]


def test_cancellation_in_a_file_takes_back_what_a_webhook_brought() -> None:
    by_id = {event["id"]: event for event in events()}
    making = received(connector(), by_id["SRK-0050"])
    rows = {item.payload["id"]: item  # type: ignore[index,call-overload]
            for item in connector().read(fixture("srikandi_events.csv")).items}  # fmt: skip

    taken_back = connector().translate(rows["SRK-0051"])

    assert isinstance(taken_back, Retraction)
    assert taken_back.retracts == making.source_id


def test_bad_export_is_told_row_by_row_as_expected() -> None:
    expected = json.loads((FIXTURES / "srikandi_events_bad.expected.json").read_text())["lines"]
    earlier = {one.source_id: one for one in
               connector().read(fixture("srikandi_events.csv")).items}  # fmt: skip

    reading = connector().read(fixture("srikandi_events_bad.csv"))
    items = {item.payload["id"]: item for item in reading.items}  # type: ignore[index,call-overload]
    reasons = told(reading)

    assert len(expected) == 10
    assert set(reasons) == {2, 6, 9}
    assert "shortened by a spreadsheet" in reasons[2]  # NIP in scientific notation: refuse
    # Local date without zone: read day first in the zone of the export.
    assert instant(items["SRK-BAD2"]) == datetime(2016, 3, 7, 10, 5, tzinfo=WIB)
    with pytest.raises(Malformed, match="unknown"):  # unknown state: kept, and no progress
        connector().translate(items["SRK-BAD3"])
    # NIP not in the directory: the host knows the directory and refuses it.
    assert isinstance(connector().translate(items["SRK-BAD4"]), Activity)
    assert "nip_pelaku is blank" in reasons[6]  # empty NIP: refuse
    # Same event, same content: the very same item, which the host keeps once.
    assert items["SRK-0006"] == earlier[items["SRK-0006"].source_id]
    # Same event, other content: the same name with another payload, a conflict for the host.
    same_name = earlier[items["SRK-0001"].source_id]
    assert same_name.payload != items["SRK-0001"].payload
    assert "lies in the future" in reasons[9]  # refuse
    spaced = connector().translate(items["SRK-BAD9"])  # NIP with spaces: accept
    assert isinstance(spaced, Activity)
    assert spaced.nip == "198309152012021920"
    formula = connector().translate(items['=HYPERLINK("x")'])  # store as text, never evaluate
    assert isinstance(formula, Activity)
    assert formula.title == "Menandatangani surat: =1+1"


def instant(item: Item) -> datetime:
    stated = connector().translate(item)
    assert isinstance(stated, Activity)
    return stated.occurred_at


def test_refused_row_keeps_its_cells_by_column() -> None:
    reading = connector().read(text(good(nip_pelaku="1,97E+17")))

    (refused,) = reading.refused
    assert refused.payload == {**dict(zip(HEADER, GOOD, strict=True)), "nip_pelaku": "1,97E+17"}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_separator_is_found_and_a_byte_order_mark_dropped(separator: str, mark: bytes) -> None:
    upload = text(good(hal="Rapat; evaluasi, lanjutan"), separator=separator)

    (item,) = connector().read(Upload(name="x.csv", content=mark + upload.content)).items

    assert item.payload["data"]["hal"] == "Rapat; evaluasi, lanjutan"  # type: ignore


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    upload = text(good(hal="dua\nbaris"), ("",) * 8, good(event_id="", hal="tanpa nama"))

    reading = connector().read(upload)

    assert told(reading) == {4: "the row has no event_id"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"nip_pelaku": "1.97310072002042E+17"}, "shortened"),
        ({"nip_pelaku": "1,97310072002042E+17"}, "shortened"),
        ({"nip_pelaku": "197310072002042000"}, "shortened"),  # serial numbers begin at 001
        ({"nip_pelaku": "19731007200204"}, "18 digits"),
        ({"nip_pelaku": " "}, "blank"),
        ({"waktu": ""}, "no date"),
        ({"waktu": "kemarin"}, "no date; write"),
        ({"waktu": "31/02/2026"}, "no date; write"),
        ({"waktu": "45323"}, "number of a day"),
        ({"waktu": "2999-01-01"}, "future"),
    ],
)
def test_row_that_cannot_be_taken_is_refused_and_the_others_go_on(
    change: dict[str, str], reason: str
) -> None:
    reading = connector().read(text(good(**change), good(event_id="E-2", naskah_id="N-2")))

    assert set(told(reading)) == {2}
    assert reason in told(reading)[2]
    assert [item.source_id for item in reading.items] == [f"{SOURCE}#E-2"]


def test_today_is_no_future_and_tomorrow_is() -> None:
    today = datetime.now(WIB).date()
    rows = [good(event_id=str(day), waktu=day.isoformat())
            for day in (today, today + timedelta(days=1))]  # fmt: skip

    reading = connector().read(text(*rows))

    assert [item.payload["id"] for item in reading.items] == [str(today)]  # type: ignore
    assert set(told(reading)) == {3}


def test_row_that_was_cut_off_is_refused_with_what_is_left_of_it() -> None:
    (refused,) = connector().read(text(GOOD[:5])).refused

    assert "nip_pelaku is blank" in refused.reason
    assert refused.payload == dict(zip(HEADER[:5], GOOD[:5], strict=True))


def test_cell_under_no_heading_is_refused_and_kept() -> None:
    (refused,) = connector().read(text((*GOOD, "lebih"))).refused

    assert "cell 9 of the row stands under no heading" in refused.reason
    assert isinstance(refused.payload, dict)
    assert "lebih" in refused.payload.values()


def test_same_row_twice_is_one_item_and_other_content_is_a_conflict() -> None:
    reading = connector().read(text(GOOD, GOOD, good(hal="Lain")))

    assert len(reading.items) == 1
    assert told(reading) == {4: f"row 2 says otherwise of the same: {SOURCE}#E-1"}


def test_state_that_no_rule_knows_is_kept_for_a_rule_that_will() -> None:
    (item,) = connector().read(text(good(status="diarsipkan"))).items
    rule: JSON = {"naskah_keluar/registrasi/diarsipkan": {"kind": "arsip", "title": "Arsip {hal}"}}

    with pytest.raises(Malformed, match="unknown"):
        connector().translate(item)
    known = connector(assumptions={"rules": rule}).translate(item)

    assert isinstance(known, Activity)
    assert known.title == "Arsip Undangan rapat"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "neither an export of events"),
        (b"a,b\n1,2\n", "nor a register of letters"),
        (b"kelompok,peristiwa\nx,y\n", "the columns event_id, waktu, status are missing"),
        (b"\xff\xfe\x00", "is no text"),
        (b"\xd0\xcf\x11\xe0rest", "old .xls"),
        (b"PK\x03\x04 no archive", "damaged workbook"),
        (b'event_id,waktu\n"open', "cannot be read beyond line 2"),
        (b"event_id,waktu,waktu\n", "two columns are the waktu"),
    ],
)
def test_file_of_which_nothing_can_be_read_says_why(content: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        connector().read(Upload(name="x.csv", content=content))


def test_source_has_to_be_told_by_the_settings_or_by_a_column() -> None:
    with pytest.raises(Malformed, match="set `source`"):
        connector_of({}).read(text(GOOD))

    upload = text((*GOOD, "/sumber"), header=(*HEADER, "source"))

    assert connector_of({}).read(upload).items[0].source_id == "/sumber#E-1"


def test_columns_of_another_name_are_named_in_the_settings() -> None:
    renamed = tuple("Kode Peristiwa" if name == "event_id" else name for name in HEADER)
    columns: JSON = {"kode_peristiwa": "event_id"}

    reading = connector(assumptions={"columns": columns}).read(text(GOOD, header=renamed))

    assert [item.source_id for item in reading.items] == [f"{SOURCE}#E-1"]


def test_more_rows_than_fit_are_refused_and_as_many_as_fit_travel() -> None:
    many = [good(event_id=f"E-{number}", naskah_id=f"N-{number}", hal="Surat " * 30)
            for number in range(MAX_ROWS + 1)]  # fmt: skip

    with pytest.raises(Malformed, match="in parts"):
        connector().read(text(*many))
    reading = connector().read(text(*many[:-1]))

    assert len(reading.items) == MAX_ROWS
    assert len(encode_line(encode_reading(reading))) < MAX_LINE


class TestRegister:
    """The register of an office's outgoing letters, as it is and with its dates as typed."""

    def test_letters_are_work_of_whom_the_settings_name_for_their_unit(self) -> None:
        nips: JSON = {"18100": CLERK, "*": "199207152018012003"}

        reading = connector(unit_nips=nips).read(fixture("srikandi_naskah_keluar_real.csv"))
        stated = [connector().translate(item) for item in reading.items]

        assert (len(reading.items), reading.refused) == (149, ())
        assert all(isinstance(one, Activity) for one in stated)
        first = stated[0]
        assert isinstance(first, Activity)
        assert (first.nip, first.kind) == (CLERK, "naskah-dikirim")
        assert first.title == ("Mengirim surat: Surat pernyataan melaksanakan tugas (SPMT) pegawai")
        assert (first.category, first.description) == ("KP.630", "Nomor B-001/18100/KP.630/01/2024")
        assert first.occurred_at == datetime(2024, 1, 2, 12, tzinfo=WIB)
        kinds = [one.kind for one in stated if isinstance(one, Activity)]
        assert (kinds.count("naskah-dikirim"), kinds.count("naskah-dikonsep")) == (146, 3)

    def test_letters_that_name_nobody_are_refused_with_their_unit(self) -> None:
        reading = connector().read(fixture("srikandi_naskah_keluar_real.csv"))

        assert reading.items == ()
        assert len(reading.refused) == 149
        assert "unit_nips whose work the letters of unit 18100" in told(reading)[2]

    def test_day_numbers_are_refused_with_both_days_that_they_may_be(self) -> None:
        every: JSON = {"*": CLERK}

        reading = connector(unit_nips=every).read(
            fixture("srikandi_naskah_keluar_real_raw_dates.csv")
        )

        assert (len(reading.items), len(reading.refused)) == (90, 59)
        assert "(2024-02-01 or, with day and month exchanged, 2024-01-02)" in told(reading)[2]

    def test_day_numbers_that_were_exchanged_give_the_days_of_the_letters(self) -> None:
        every: JSON = {"*": CLERK}
        mended = connector(unit_nips=every).read(fixture("srikandi_naskah_keluar_real.csv"))
        days = {one["data"]["nomor_naskah"]: one["time"]
                for one in map(payload, mended.items)}  # fmt: skip

        reading = connector(unit_nips=every, day_numbers="exchanged").read(
            fixture("srikandi_naskah_keluar_real_raw_dates.csv")
        )

        assert reading.refused == ()
        assert {
            one["data"]["nomor_naskah"]: one["time"] for one in map(payload, reading.items)
        } == days

    def test_later_export_takes_back_the_sending_of_a_letter_that_was_withdrawn(self) -> None:
        header = ("id", "nomor_naskah", "tanggal", "hal", "tujuan", "status", "nip_pelaku")
        letter = ("L-1", "B-1", "2026-03-02", "Undangan", "Bappeda", "terkirim", CLERK)
        withdrawn = (*letter[:5], "Ditarik", CLERK)

        (sent,) = connector().read(text(letter, header=header)).items
        (later,) = connector().read(text(withdrawn, header=header)).items
        taken_back = connector().translate(later)

        assert isinstance(taken_back, Retraction)
        assert taken_back.retracts == sent.source_id

    def test_state_of_a_letter_that_no_rule_knows_is_kept(self) -> None:
        header = ("nomor_naskah", "tanggal", "status", "nip_pelaku")

        (item,) = connector().read(text(("B-1", "2026-03-02", "entah", CLERK), header=header)).items

        with pytest.raises(Malformed, match="unknown"):
            connector().translate(item)


def payload(item: Item) -> Any:
    return item.payload


def test_every_item_of_the_sample_is_work_taken_back_or_skipped_with_a_reason() -> None:
    outcomes: list[str] = []
    for item in connector().read(fixture("srikandi_events.csv")).items:
        try:
            outcomes.append(type(connector().translate(item)).__name__)
        except Skippable as reason:
            outcomes.append("skipped" if str(reason) else "without a reason")

    # 58 events: 5 letters handed on or read and 9 dispositions read or open are no work.
    assert {one: outcomes.count(one) for one in set(outcomes)} == {
        "Activity": 58 - 1 - outcomes.count("skipped"),
        "Retraction": 1,
        "skipped": sum(
            one["data"]["status"] in ("dibaca", "belum ditindaklanjuti")
            or (one["data"]["kelompok"], one["data"]["status"]) == ("naskah_masuk", "terkirim")
            for one in events()
        ),
    }


def test_settings_know_three_ways_to_take_day_numbers() -> None:
    with pytest.raises(InvalidSettings, match="day_numbers must be one of"):
        parse(SrikandiConnector.settings, {"day_numbers": "tebak"})
