"""The directory of SIASN: units and people of the samples, and what SIASN has wrong is told."""

import copy
from datetime import date
from typing import Any

import pytest
from ekinerja_connectors import JSON, DirectoryAssignment, Fatal, InvalidCursor, Retryable

from plugins.siasn.tests.reading import reading, whole_directory
from plugins.siasn.tests.service import Service, sample

JFT, CLERK = "198406052007022914", "197506241998012905"
PPPK, HEAD = "199005032022212945", "197612142005122905"
BIRO = "a438c822-fd87-69d9-b6a5-21e89a9ac910"
SUBBAGIAN = "afeaa78f-ffce-db36-fa3c-533542f57896"


async def read(service: Service, *nips: str, **settings: JSON) -> Any:
    async with reading(service, nips=list(nips), **settings) as connector:
        return await whole_directory(connector)


@pytest.mark.parametrize("page_size", [1, 4, 10, 15, 100])
async def test_all_units_are_read_at_any_page_size(page_size: int) -> None:
    found = await read(Service(), page_size=page_size)

    assert len(found.units) == 15
    (biro,) = [unit for unit in found.units if unit.code == BIRO]
    (below,) = [unit for unit in found.units if unit.code == SUBBAGIAN]
    assert biro.name == "Biro Organisasi Sekretariat Daerah Provinsi Jawa Barat"
    assert (biro.kind, biro.parent_code) == ("eselon 22", None)
    assert below.parent_code == "9d7f541e-fcb1-946c-8b2c-96155ec0d1be"


async def test_unit_whose_parent_is_not_in_the_list_is_put_at_the_top_and_told() -> None:
    found = await read(Service())

    told = [one for one in found.problems if "which ref-unor does not have" in one]
    assert len(told) == 1
    assert BIRO in told[0]
    assert "fc81df30-cb2a-97f4-1426-c288a4ea9ce6" in told[0]


async def test_no_page_says_one_unit_twice() -> None:
    async with reading(Service()) as connector:
        page = await connector.directory(None)

    assert len({unit.code for unit in page.units}) == len(page.units) == 15


async def test_self_parent_missing_parent_and_empty_parent_are_each_dealt_with() -> None:
    service = Service()
    service.units = sample("ref-unor_200_traps")["data"]

    found = await read(service)

    assert [unit.parent_code for unit in found.units] == [None, None, None]
    told = [one for one in found.problems if "top" in one]
    assert len(told) == 2  # to stand at the top is no fault
    assert any("Pengembangan Jabatan Fungsional" in one and "itself" in one for one in told)
    assert any("Bagian Tatalaksana" in one and "does not have" in one for one in told)


@pytest.mark.parametrize(
    ("change", "told"),
    [({"Id": ""}, "no Id"), ({"NamaUnor": None}, "no NamaUnor"), ({"Id": "a" * 43}, "42 at most")],
)
async def test_unit_that_cannot_be_named_is_told_and_the_others_go_on(
    change: dict[str, Any], told: str
) -> None:
    service = Service()
    service.units[3] = {**service.units[3], **change}

    found = await read(service)

    assert len(found.units) == 14
    assert any(told in one for one in found.problems)


async def test_names_of_fields_in_another_case_are_read() -> None:
    service = Service()
    service.units = [{name.lower(): value for name, value in one.items()} for one in service.units]

    assert len((await read(service)).units) == 15


async def test_list_that_ignores_offset_is_fatal_and_no_endless_loop() -> None:
    service = Service()
    service.obeys_offset = False

    with pytest.raises(Fatal, match="ignores offset"):
        await read(service, page_size=5)


async def test_list_shorter_than_its_count_is_told() -> None:
    service = Service()
    short = {"code": 1, "count": "20", "data": []}
    async with reading(service, page_size=15) as connector:
        service.next = [("ref-unor", 200, {**short, "data": service.units}),
                        ("ref-unor", 200, short)]  # fmt: skip
        found = await whole_directory(connector)

    assert "/referensi/ref-unor tells of 20 units and gives 15" in found.problems


async def test_agency_gives_units_codes_of_its_own() -> None:
    found = await read(Service(), HEAD, unit_codes={SUBBAGIAN: "BO.1.1", BIRO: "BO"})

    codes = {unit.code: unit.parent_code for unit in found.units}
    assert codes["BO.1.1"] == "9d7f541e-fcb1-946c-8b2c-96155ec0d1be"
    assert codes["9d7f541e-fcb1-946c-8b2c-96155ec0d1be"] == "BO"
    assert found.assignments[0].unit_code == "BO.1.1"


async def test_people_of_the_settings_have_their_posts_and_the_head_leads() -> None:
    found = await read(Service(), JFT, CLERK, HEAD)

    assert [(one.nip, one.name) for one in found.employees] == [
        (JFT, "NABILA SARASWATI"),
        (CLERK, "VINA PURNOMO"),
        (HEAD, "DEWI GUNADI"),
    ]
    assert found.assignments[1:] == (
        DirectoryAssignment(
            nip=CLERK,
            unit_code=SUBBAGIAN,
            position="Pengadministrasi Umum",
            starts_on=date(2016, 1, 1),
        ),
        DirectoryAssignment(
            nip=HEAD,
            unit_code=SUBBAGIAN,
            position="Kepala Subbagian Kelembagaan Provinsi",
            starts_on=date(2016, 1, 1),
            heads_unit=True,
        ),
    )


async def test_pppk_is_a_person_like_others_and_a_unit_that_is_unknown_is_told() -> None:
    found = await read(Service(), PPPK)

    assert [one.nip for one in found.employees] == [PPPK]
    assert found.assignments == ()
    assert any(PPPK in one and "8970816e" in one for one in found.problems)


async def test_pppk_in_a_known_unit_has_a_post() -> None:
    service = Service()
    service.people[PPPK]["unorId"] = SUBBAGIAN

    (post,) = (await read(service, PPPK)).assignments

    assert (post.position, post.starts_on) == (
        "Petugas Lapangan Statistik (PPPK)",
        date(2026, 1, 1),
    )


async def test_head_who_is_not_among_the_people_is_told_by_pns_id() -> None:
    found = await read(Service(), HEAD)

    told = [one for one in found.problems if "is led by" in one]
    assert len(told) == 14
    assert not any(SUBBAGIAN in one for one in told)


@pytest.mark.parametrize(
    ("change", "told", "known"),
    [
        ({"unorId": ""}, "no unit", True),
        ({"jabatanNama": "", "jabatanFungsionalNama": ""}, "no post", True),
        ({"tmtJabatan": ""}, "no tmtJabatan", True),
        ({"tmtJabatan": "Januari 2016"}, "DD-MM-YYYY", False),
        ({"kedudukanPnsId": "99", "kedudukanPnsNama": "Pensiun"}, "Pensiun", True),
        ({"id": None}, "no id", False),
        ({"nama": ""}, "name", False),
        ({"nipBaru": "1.98406052007023E+17"}, "when asked for", False),
    ],
)
async def test_person_with_a_fault_is_told_and_has_no_post(
    change: dict[str, Any], told: str, known: bool
) -> None:
    service = Service()
    service.people[JFT] |= change

    found = await read(service, JFT, CLERK)

    assert [one.nip for one in found.employees] == [JFT, CLERK] if known else [CLERK]
    assert [one.nip for one in found.assignments] == [CLERK]
    assert any(JFT in one and told in one for one in found.problems)


async def test_nip_that_siasn_does_not_know_is_told_and_the_others_go_on() -> None:
    found = await read(Service(), "199912312024011999", CLERK)

    assert [one.nip for one in found.employees] == [CLERK]
    assert "199912312024011999 is not known to SIASN" in found.problems


def crowd(service: Service, size: int) -> list[str]:
    """`size` more people like the clerk."""
    nips = [f"1990010120200110{number:02d}" for number in range(size)]
    for nip in nips:
        one = copy.deepcopy(service.people[CLERK])
        service.people[nip] = {**one, "nipBaru": nip, "id": f"F{nip}"}
    return nips


async def test_many_people_come_in_pages_and_a_failing_page_is_read_again() -> None:
    service = Service()
    nips = [*crowd(service, 23), HEAD]

    async with reading(service, nips=nips) as connector:
        first = await connector.directory(None)
        second = await connector.directory(first.next_cursor)
        service.next = [("0110" + "12", 503, "")]
        with pytest.raises(Retryable):
            await connector.directory(second.next_cursor)
        third = await connector.directory(second.next_cursor)
        fourth = await connector.directory(third.next_cursor)

    found = [one.nip for page in (second, third, fourth) for one in page.employees]
    assert found == nips
    assert fourth.next_cursor is None


async def test_reading_goes_on_in_another_process_with_units_still_compared() -> None:
    service = Service()
    nips = [*crowd(service, 12), HEAD]
    async with reading(service, nips=nips, page_size=10) as connector:
        units = await connector.directory(None)
        rest = await connector.directory(units.next_cursor)
        people = await connector.directory(rest.next_cursor)

    async with reading(service, nips=nips, page_size=10) as another:
        again = await another.directory(units.next_cursor)
        same = await another.directory(rest.next_cursor)
    async with reading(service, nips=nips, page_size=10) as third:
        last = await third.directory(people.next_cursor)

    assert again == rest
    assert same == people
    assert [one.heads_unit for one in last.assignments] == [False, False, True]
    assert last.problems == (
        "the reading was interrupted, so that heads of units were not compared",
    )


@pytest.mark.parametrize("cursor", ["teks", "[]", '{"offset": -1}', '{"people": 1}'])
async def test_place_that_is_none_of_ours_is_told_as_invalid(cursor: str) -> None:
    async with reading(Service()) as connector:
        with pytest.raises(InvalidCursor, match="begin anew"):
            await connector.directory(cursor)
