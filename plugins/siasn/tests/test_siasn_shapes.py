"""SIASN's irregular shapes, one by one: each that public clients show has a test of its own."""

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from ekinerja_connectors import AuthFailed, Fatal, Malformed, Response, Retryable
from ekinerja_siasn.envelope import listing_of, record_of, rows_of
from ekinerja_siasn.fields import (
    date_of,
    documents_of,
    field_of,
    instant_of,
    text_of,
    whole_of,
)
from ekinerja_siasn.records import person_of, unit_of

from plugins.siasn.tests.service import sample


def response(status: int, body: Any) -> Response:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers={}, body=text, url="http://siasn.example/x")


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"code": 0, "data": "gagal"}, Retryable),
        (200, {"Error": True, "Message": "Terjadi kesalahan"}, Retryable),
        (200, b"<html>", Retryable),
        (200, b"", Retryable),
        (200, [], Fatal),
        (200, {"code": 1, "data": "teks"}, Fatal),
        (200, {"code": 1}, Fatal),
        (404, b"", Fatal),
        (404, {"message": "no Route matched"}, Fatal),
        (403, {}, AuthFailed),
    ],
)
def test_envelope_that_is_no_list_has_its_error(
    status: int, body: Any, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        rows_of(response(status, body))


def test_failure_with_http_200_and_code_0_is_told_in_siasns_words() -> None:
    with pytest.raises(Retryable, match="sudah ada"):
        rows_of(response(200, sample("kinerjaperiodik_save_200_code0")))


def test_failure_as_error_and_message_is_told_in_siasns_words() -> None:
    with pytest.raises(Retryable, match="tidak boleh kosong"):
        rows_of(response(200, sample("kinerjaperiodik_save_200_error_message")))


@pytest.mark.parametrize("code", [1, "1", 1.0])
def test_envelope_is_read_with_its_code_as_number_or_text(code: object) -> None:
    assert rows_of(response(200, {"code": code, "data": [1, 2], "count": 2})) == [1, 2]


def test_not_found_in_siasns_own_envelope_is_an_empty_list_and_no_record() -> None:
    not_found = response(404, sample("not_found_404"))

    assert rows_of(not_found) == ()
    assert listing_of(not_found).count == 0
    assert record_of(not_found) is None


@pytest.mark.parametrize(("told", "count"), [(15, 15), ("15", 15), (None, None), ("banyak", None)])
def test_count_is_read_as_number_or_text_and_may_be_absent(told: object, count: object) -> None:
    assert listing_of(response(200, {"code": 1, "data": [], "count": told})).count == count


def test_record_that_is_a_list_is_a_changed_shape() -> None:
    with pytest.raises(Fatal, match="no object"):
        record_of(response(200, {"code": 1, "data": []}))


def test_names_of_fields_are_read_in_any_case() -> None:
    (row, *_) = sample("rw-skp22_200")["data"]

    assert "kuadranKinerjaNilai" not in row  # as it is asked for; the sample has a capital K
    assert field_of(row, "kuadranKinerjaNilai") == 1
    assert field_of(row, "perilakuKerjaNilai") == 1
    assert field_of(row, "hasilKinerjaNilai") == 1


def test_name_spelt_exactly_comes_before_one_in_another_case() -> None:
    assert field_of({"Nilai": 1, "nilai": 2}, "nilai") == 2


def test_koefisien_is_found_under_both_spellings() -> None:
    (row, *_) = sample("rw-kinerjaperiodik_200")["data"]

    assert text_of(row, "koefisienId", "koefisenId") == "12"
    assert text_of({"koefisienId": "72"}, "koefisienId", "koefisenId") == "72"


def test_numbers_are_read_from_number_text_and_float() -> None:
    first, second = sample("rw-skp22_200_traps")["data"]

    assert whole_of(first, "hasilKinerjaNilai") == 2
    assert whole_of(second, "hasilKinerjaNilai") == 1  # "1"
    assert whole_of(second, "PerilakuKerjaNilai") == 1  # 1.0
    assert whole_of({"n": "2.00"}, "n") == 2  # decimal(3,2)


@pytest.mark.parametrize("value", ["", None, "SESUAI", "2.5", "NaN", True, [2], {"n": 2}])
def test_what_is_no_whole_number_is_none(value: Any) -> None:
    assert whole_of({"n": value}, "n") is None


def test_text_is_trimmed_and_a_float_that_is_whole_loses_its_point() -> None:
    assert text_of({"a": " x ", "b": 2.0, "c": None, "d": {"e": 1}}, "a") == "x"
    assert text_of({"b": 2.0}, "b") == "2"
    assert text_of({"c": None, "d": {"e": 1}}, "c", "d") == ""


def test_blank_field_gives_way_to_the_next_name() -> None:
    assert text_of({"jabatanNama": "", "jabatanFungsionalNama": "Perencana"}, "jabatanNama",
                   "jabatanFungsionalNama") == "Perencana"  # fmt: skip


def test_path_is_an_object_by_document_code_a_list_or_null() -> None:
    with_one, _, without = sample("rw-skp22_200")["data"]
    entry = {"dok_id": "890", "dok_uri": "peremajaan/usulan/contoh.pdf"}

    assert [uri[:22] for uri in documents_of(with_one)] == ["peremajaan/usulan/891_"]
    assert documents_of(without) == ()
    assert documents_of({"path": [entry]}) == ("peremajaan/usulan/contoh.pdf",)
    assert documents_of({"path": {"890": None}}) == ()


@pytest.mark.parametrize("text", ["03-02-2026", "2026-02-03", "2026-02-03 14:05:00"])
def test_date_is_read_in_three_forms_and_the_day_comes_first(text: str) -> None:
    assert date_of(text) == date(2026, 2, 3)


@pytest.mark.parametrize("text", ["", "02/03/2026", "31-02-2026", "0000-00-00", None, 45323])
def test_what_is_no_date_is_malformed(text: Any) -> None:
    with pytest.raises(Malformed, match="DD-MM-YYYY"):
        date_of(text)


def test_instant_of_a_list_has_the_zone_that_is_given() -> None:
    assert instant_of("2026-02-03 14:05:00", UTC) == datetime(2026, 2, 3, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize("length", [32, 36, 42])
def test_ids_are_texts_of_up_to_42_characters(length: int) -> None:
    assert unit_of({"Id": "a" * length, "NamaUnor": "Bagian"}).id == "a" * length


def test_longer_id_is_malformed() -> None:
    with pytest.raises(Malformed, match="42 at most"):
        unit_of({"Id": "a" * 43, "NamaUnor": "Bagian"})


def test_pppk_has_a_rank_of_another_kind_and_no_tmt_cpns() -> None:
    person = person_of(sample("data-utama_200_pppk")["data"])

    assert (person.nip, person.rank) == ("199005032022212945", "9")
    assert person.starts_on == date(2026, 1, 1)


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("jft", "Ahli Muda"),
        ("pelaksana", "Jabatan Fungsional Umum"),
        ("struktural", "Jabatan Struktural"),
    ],
)
def test_level_is_the_jenjang_or_else_the_kind_of_post(kind: str, level: str) -> None:
    assert person_of(sample(f"data-utama_200_{kind}")["data"]).level == level
