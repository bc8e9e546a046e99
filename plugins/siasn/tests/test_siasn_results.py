"""Closed appraisals on their way to SIASN: codes, bodies as in the samples, once, refusals."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from ekinerja_connectors import (
    JSON,
    AuthFailed,
    Fatal,
    Malformed,
    Predicate,
    Rating,
    Receipt,
    Result,
    Retryable,
)
from ekinerja_siasn.ratings import codes_in, codes_of, rank_of

from plugins.siasn.tests.reading import APPRAISER, EMPLOYEE, MONTH, YEAR, reading, result_of
from plugins.siasn.tests.service import Service, request_sample, sample

SAVE = "/kinerjaperiodik/save"

ABOVE, MEETS, BELOW = Rating.ABOVE, Rating.MEETS, Rating.BELOW


async def sent(service: Service, *results: Result, **settings: JSON) -> list[Receipt]:
    async with reading(service, **settings) as connector:
        return [await connector.send(one) for one in results]


# All nine cells, with hasil, perilaku and kuadran as SIASN codes them. max(work, behaviour) would
# give 3 for (2, 3) and (1, 3), and hide misconduct.
@pytest.mark.parametrize("change", [{}, MONTH, YEAR])
@pytest.mark.parametrize(
    ("work", "behaviour", "predicate", "codes"),
    [
        (ABOVE, ABOVE, Predicate.EXCELLENT, (1, 1, "1")),
        (ABOVE, MEETS, Predicate.GOOD, (1, 2, "2")),
        (ABOVE, BELOW, Predicate.POOR, (1, 3, "4")),
        (MEETS, ABOVE, Predicate.GOOD, (2, 1, "2")),
        (MEETS, MEETS, Predicate.GOOD, (2, 2, "2")),
        (MEETS, BELOW, Predicate.POOR, (2, 3, "4")),
        (BELOW, ABOVE, Predicate.NEEDS_IMPROVEMENT, (3, 1, "3")),
        (BELOW, MEETS, Predicate.NEEDS_IMPROVEMENT, (3, 2, "3")),
        (BELOW, BELOW, Predicate.VERY_POOR, (3, 3, "5")),
    ],
)
async def test_codes_that_are_sent_come_from_the_matrix(
    work: Rating,
    behaviour: Rating,
    predicate: Predicate,
    codes: tuple[int, int, str],
    change: dict[str, Any],
) -> None:
    service = Service()

    await sent(service, result_of(**change, work=work, behaviour=behaviour, predicate=predicate))

    ((path, body),) = service.saved
    assert path == ("/api/skp22/save" if change == YEAR else "/api/kinerjaperiodik/save")
    names = ("hasilKinerjaNilai", "perilakuKerjaNilai", "kuadranKinerjaNilai")
    assert tuple(body[name] for name in names) == codes


async def test_quarter_over_new_year_is_of_the_year_in_which_it_ends() -> None:
    service = Service()
    winter = {"starts_on": date(2025, 11, 1), "ends_on": date(2026, 1, 31)}

    first, again = await sent(service, result_of(**winter), result_of(**winter))

    ((_, body),) = service.saved
    assert (body["tahun"], body["tahunMulaiPenilaian"], body["tahunSelesaiPenilaian"]) == (
        2026, 2025, 2026,
    )  # fmt: skip
    assert (body["bulanMulaiPenilaian"], body["bulanSelesaiPenilaian"]) == (11, 1)
    assert first.reference == again.reference


async def test_predicate_that_is_not_that_of_the_ratings_is_not_sent() -> None:
    service = Service()
    wrong = result_of(behaviour=BELOW, predicate=Predicate.NEEDS_IMPROVEMENT)

    with pytest.raises(Malformed, match="nothing was sent"):
        await sent(service, wrong)

    assert service.calls.total() == 0


def test_row_of_the_client_that_takes_the_maximum_is_told_apart_from_ours() -> None:
    trap = sample("rw-skp22_200_traps")["data"][0]  # 2 and 3, stored as 3
    ours = codes_of(result_of(**YEAR, behaviour=BELOW, predicate=Predicate.POOR))

    assert str(codes_in(trap)) == "hasil 2, perilaku 3, kuadran 3"
    assert ours.quadrant == 4
    assert codes_in(trap) != ours


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("kinerjaperiodik_save_request_triwulan", {}),
        ("kinerjaperiodik_save_request_bulanan",
         {**MONTH, "work": ABOVE, "behaviour": ABOVE, "predicate": Predicate.EXCELLENT}),
        ("kinerjaperiodik_save_request_misconduct",
         {"behaviour": BELOW, "predicate": Predicate.POOR}),
        ("skp22_save_request",
         {**YEAR, "work": ABOVE, "behaviour": ABOVE, "predicate": Predicate.EXCELLENT}),
    ],
)  # fmt: skip
async def test_body_has_the_fields_types_and_codes_of_the_sample(
    name: str, change: dict[str, Any]
) -> None:
    service = Service()
    wanted = request_sample(name)
    wanted_koefisien = wanted.get("koefisienId", "12")

    await sent(service, result_of(**change), coefficients={"*": wanted_koefisien})

    ((path, body),) = service.saved
    final = name.startswith("skp22")
    assert path == ("/api/skp22/save" if final else "/api/kinerjaperiodik/save")
    assert {key: type(value) for key, value in body.items()} == {
        key: type(value) for key, value in wanted.items()
    }
    personal = {
        "penilaiJabatan": "Kepala Subbagian",
        "penilaiJabatanNama": "Kepala Subbagian",
        "penilaiNama": "Dewi Gunadi",
        "penilaiNipNrp": APPRAISER,
        "penilaiUnorNama": "Subbagian Kelembagaan",
        "pnsDinilaiId": "A97EC8024B1DF067D659A1A003111B27",
        "pnsDinilaiOrang": "A97EC8024B1DF067D659A1A003111B27",
        "path": [],
    }
    assert body == {key: personal.get(key, value) for key, value in wanted.items()}


@pytest.mark.parametrize("change", [{}, MONTH, YEAR])
async def test_receipt_is_the_id_in_map_data(change: dict[str, Any]) -> None:
    service = Service()

    (receipt,) = await sent(service, result_of(**change))

    ((rows),) = service.history.values()
    assert receipt.reference == rows[0]["id"]
    assert receipt.message == "Data berhasil disimpan"
    assert receipt.at.utcoffset() is not None


@pytest.mark.parametrize("change", [{}, MONTH, YEAR])
@pytest.mark.parametrize("months_told", [True, False])
async def test_same_result_again_gives_the_same_receipt_and_saves_once(
    change: dict[str, Any], months_told: bool
) -> None:
    service = Service()
    service.months_told = months_told

    first, again = await sent(service, result_of(**change), result_of(**change))

    assert first.reference == again.reference
    assert "already" in str(again.message)
    assert len(service.saved) == 1


async def test_other_months_and_kinds_of_a_year_are_results_of_their_own() -> None:
    service = Service()
    august = {"starts_on": date(2026, 8, 1), "ends_on": date(2026, 8, 31)}

    receipts = await sent(
        service,
        result_of(**MONTH),
        result_of(**{**MONTH, **august}),
        result_of(),
        result_of(**YEAR),
    )

    assert len({one.reference for one in receipts}) == 4
    assert len(service.saved) == 4


@pytest.mark.parametrize("change", [{}, YEAR])
async def test_another_result_of_the_same_period_is_refused_with_both_codes(
    change: dict[str, Any],
) -> None:
    service = Service()
    other = result_of(**change, work=ABOVE, id="hasil-2")

    with pytest.raises(Malformed, match=r"hasil 2, perilaku 2, kuadran 2.*hasil 1, perilaku 2"):
        await sent(service, result_of(**change), other)

    assert len(service.saved) == 1


@pytest.mark.parametrize("months_told", [True, False])
async def test_answer_that_was_lost_after_the_save_gives_the_receipt_all_the_same(
    months_told: bool,
) -> None:
    service = Service()
    service.months_told, service.lost_answers = months_told, 1

    (receipt,) = await sent(service, result_of())

    ((rows),) = service.history.values()
    assert [receipt.reference] == [row["id"] for row in rows]


async def test_rows_without_months_that_cannot_be_told_apart_are_left_to_people() -> None:
    service = Service()
    service.months_told = False
    august = result_of(**{**MONTH, "starts_on": date(2026, 8, 1), "ends_on": date(2026, 8, 31)})

    with pytest.raises(Malformed, match=r"2 of its rows .* compare by hand"):
        await sent(service, result_of(**MONTH), august, august)

    assert len(service.saved) == 2


@pytest.mark.parametrize(
    ("status", "body", "expected", "told"),
    [
        (200, sample("kinerjaperiodik_save_200_success_false"), Malformed, "tidak ditemukan"),
        (200, sample("kinerjaperiodik_save_200_error_message"), Malformed, "tidak boleh kosong"),
        (200, {"code": 0, "message": "Periode belum dibuka"}, Malformed, "belum dibuka"),
        (422, {"code": 0, "message": "tahun salah"}, Malformed, "tahun salah"),
        (404, sample("not_found_404"), Malformed, "tidak ditemukan"),
        (200, {"Error": True, "Message": "Sistem sibuk"}, Retryable, "sibuk"),
        (200, {"code": 0, "message": "Terjadi kesalahan"}, Retryable, "kesalahan"),
        (200, {"success": False, "message": None, "mapData": None}, Retryable, "no cause"),
        (200, {"success": True, "message": "ok", "mapData": None}, Retryable, "names no id"),
        (200, {"code": 1, "data": "ok"}, Retryable, "names no id"),
        (200, "", Retryable, "no JSON"),
        (503, "", Retryable, "503"),
        (200, {"hasil": "ok"}, Fatal, "unknown shape"),
        (403, {}, AuthFailed, "403"),
        (405, {}, Fatal, "405"),
    ],
)
async def test_refusal_has_the_error_that_fits_its_shape(
    status: int, body: Any, expected: type[Exception], told: str
) -> None:
    service = Service()
    async with reading(service) as connector:
        service.next = [(SAVE, status, body)]
        with pytest.raises(expected, match=told) as caught:
            await connector.send(result_of())

    assert type(caught.value) is expected
    assert service.saved == []


async def test_refusal_because_it_is_there_already_without_a_row_is_malformed() -> None:
    service = Service()
    async with reading(service) as connector:
        service.next = [(SAVE, 200, sample("kinerjaperiodik_save_200_code0"))]
        with pytest.raises(Malformed, match="0 of its rows"):
            await connector.send(result_of())


async def test_401_before_a_save_is_repeated_and_saves_once() -> None:
    service = Service()
    async with reading(service) as connector:
        service.next = [(SAVE, 401, sample("unauthorized_401_sso"))]
        await connector.send(result_of())

    assert len(service.saved) == 1


async def test_person_unknown_to_siasn_is_malformed() -> None:
    service = Service()
    del service.people[EMPLOYEE]

    with pytest.raises(Malformed, match=EMPLOYEE):
        await sent(service, result_of())


async def test_appraiser_unknown_to_siasn_is_no_civil_servant() -> None:
    service = Service()
    del service.people[APPRAISER]

    await sent(service, result_of())

    assert service.saved[0][1]["statusPenilai"] == "NON ASN"


async def test_rank_of_the_appraiser_is_taken_from_siasn_when_it_is_not_told() -> None:
    service = Service()
    without = replace(result_of().appraiser, rank=None)

    await sent(service, result_of(appraiser=without))

    assert service.saved[0][1]["penilaiGolongan"] == "34"


@pytest.mark.parametrize(
    ("rank", "code"),
    [("I/a", "11"), ("III/d", "34"), ("IV/e", "45"), ("iii/C", "33"), ("34", "34"), ("", ""),
     (None, ""), ("Penata", ""), ("V/a", "")],
)  # fmt: skip
def test_rank_has_the_id_of_its_golongan(rank: str | None, code: str) -> None:
    assert rank_of(rank) == code


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"*": "1", "quarterly": "2", "Ahli Muda": "3", "quarterly/Ahli Muda": "4"}, "4"),
        ({"*": "1", "quarterly": "2", "Ahli Muda": "3"}, "3"),
        ({"*": "1", "quarterly": "2"}, "2"),
        ({"*": "1", "monthly": "2"}, "1"),
    ],
)
async def test_coefficient_is_the_most_particular_of_the_settings(
    given: dict[str, JSON], found: str
) -> None:
    service = Service()

    await sent(service, result_of(), coefficients=given)

    assert service.saved[0][1]["koefisienId"] == found


async def test_without_a_coefficient_an_administrator_has_to_look() -> None:
    service = Service()

    with pytest.raises(Fatal, match="quarterly/Ahli Muda"):
        await sent(service, result_of(), coefficients={})
    await sent(service, result_of(**YEAR), coefficients={})  # a final result has none

    assert len(service.saved) == 1
