"""What is removed from fixtures: secrets, people, and what leads to them; the same by the same."""

import base64
from typing import Any

import pytest
from ekinerja_connectors.tools.redaction import REMOVED, Redaction

NIP, OTHER = "198503122009011007", "199207152018012003"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


def redacted(value: Any, *secrets: str) -> Any:
    redaction = Redaction(secrets)
    redaction.learn(value)
    return redaction.redacted(value)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"password": "x"}, {"password": REMOVED}),
        ({"access_token": {"value": "x", "n": 5}}, {"access_token": {"value": "x", "n": 5}}),
        ({"Authorization": "Bearer abc"}, {"Authorization": REMOVED}),
        ({"log": "Authorization: Bearer abc.def-1"}, {"log": f"Authorization: Bearer {REMOVED}"}),
        ({"x": f"a {JWT} b"}, {"x": f"a {REMOVED} b"}),
        (
            {"url": "https://x.example/a?id=1&token=abc&b=2"},
            {"url": f"https://x.example/a?id=1&token={REMOVED}&b=2"},
        ),
        ({"url": "https://u:p@x.example/"}, {"url": "https://x.example/"}),
        ({"email": "a@b.example"}, {"email": REMOVED}),
        ({"note": "tulis ke a.b@c.example"}, {"note": "tulis ke pegawai@contoh.example"}),
        ({"note": "hubungi 081234567890"}, {"note": "hubungi 080000000000"}),
        ({"note": "NIK 3201010101010001"}, {"note": "NIK 1000000000000001"}),
        ({"tanggal_lahir": "1985-03-12"}, {"tanggal_lahir": REMOVED}),
        ({"nama": "Sari Wulandari"}, {"nama": "Pegawai 1"}),
        ({"namaUnor": "Sekretariat"}, {"namaUnor": "Sekretariat"}),
        ({"event_name": "signed"}, {"event_name": "signed"}),
        ({"nip": int(NIP)}, {"nip": 190001011900000001}),
        (
            {"aktif": True, "n": 12, "x": None, "y": 1.5},
            {"aktif": True, "n": 12, "x": None, "y": 1.5},
        ),
    ],
)
def test_what_is_personal_or_secret_is_replaced_and_the_rest_stays(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert redacted(before) == after


def test_person_has_one_invented_nip_however_it_is_spelt() -> None:
    found = redacted([NIP, OTHER, f"oleh {NIP}", "19850312 200901 1 007", {NIP: 1}])

    first, second = "190001011900000001", "190001011900000002"
    assert found == [first, second, f"oleh {first}", "19000101 190000 0 001", {first: 1}]
    assert len(first) == 18


def test_name_is_replaced_in_free_text_too_and_only_whole() -> None:
    found = redacted({"nama_pegawai": "Adi", "hal": "Rapat Adi di Adipura", "nama": "Adi Putra"})

    assert found == {
        "nama_pegawai": "Pegawai 1",
        "hal": "Rapat Pegawai 1 di Adipura",
        "nama": "Pegawai 2",
    }


def test_secret_of_the_settings_is_found_in_any_of_its_spellings() -> None:
    secret = "kunci&rahasia/1"
    coded = base64.b64encode(secret.encode()).decode()
    value = {"a": f"x{secret}x", "b": "kunci%26rahasia%2F1", "c": coded, f"k{secret}": 1}

    assert Redaction([secret]).left_in(value) == 3
    assert Redaction([secret]).left_in(redacted(value, secret)) == 0


def test_other_documents_hold_no_secret() -> None:
    assert Redaction(["rahasia"]).left_in({"a": ["rapat", 5, None, True]}) == 0
