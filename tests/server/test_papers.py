"""Papers: what forms and tables say to whom, and what comes over HTTP."""

import csv
import importlib
import io
import re
import tracemalloc
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import openpyxl
import orjson
import pypdfium2
import pytest
from pypdf import PdfReader
from strawberry.relay import to_base64
from structlog.testing import capture_logs

from schema.appraisals.documents import document_of
from schema.appraisals.models import AppraisalState
from schema.consequences.models import Career, Consequence, Employment, RuleKind
from schema.errors import NotFound
from schema.papers.lines import achieved, sealed_grounds, sealed_head
from schema.papers.own_data import ABOUT, LEFT_OUT
from schema.papers.service import UnitTable, evaluation_form, plan_form
from schema.papers.values import EvaluationForm, Sealed, TableHead, UnitRow
from schema.plans.models import EvaluationKind, PerformancePlan
from schema.tables import MODULES, Row, dicts_of
from schema.values import canonical, digest_of
from server.app import running_app
from server.auth import TokenVerifier
from server.database import Database, DatabaseRole, opened
from server.papers.evaluation_pages import evaluation_pdf
from server.papers.files import write_evaluation, write_own_data, write_plan, write_table
from server.papers.pages import LONGEST_CELL, fitting
from server.papers.plan_pages import plan_pdf
from server.papers.tables import guarded, write_text, write_workbook
from server.settings import Settings
from server.token_keys import DevelopmentKey
from tests.appraised import appraise, follow_from, rules_of
from tests.copies import copy_of
from tests.factories import COLLEAGUE, NOW, STAFF, SUPERVISOR, VIEWERS, World, found, unrated_day
from tests.schema.test_appraisal_documents import ABOUT as ABOUT_SEALED
from tests.schema.test_appraisal_documents import FACTS, SIGNED

DATABASES: dict[int, Database] = {}
"""Of each world, its database."""
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def appraised_day(world: World) -> None:
    """The small agency with an open evaluation of the staff member and a colleague's signed one."""
    await unrated_day(world)
    final: Any = world.rows["final"]
    rules = await rules_of(world.rows["agency"].id, NOW)
    for nip, code in ((STAFF, "T"), (COLLEAGUE, "S")):
        plan = await PerformancePlan.get(employee_id=world.people[nip].id)
        made = await appraise(plan, world.targets[code], final, world.installation, NOW)
        await follow_from(made, rules, final.period_id, NOW)
        world.rows[f"appraisal {nip}"] = made
        world.rows[f"plan {nip}"] = plan
    await Career.create(
        employee_id=world.people[STAFF].id,
        starts_on=date(2026, 2, 1),
        employment=Employment.PNS,
        rank="Penata, III/c",
        set_by="p",
        set_at=NOW,
    )


async def appraised_in(database: Database) -> World:
    """A fresh database with that agency in it."""
    async with opened(database, DatabaseRole.OWNER):
        made = await found()
        await appraised_day(made)
    return made


@pytest.fixture(scope="module")
async def world(postgres_server: Any, template_database: str) -> AsyncIterator[World]:
    async with copy_of(postgres_server, template_database) as database:
        made = await appraised_in(database)
        async with opened(database, DatabaseRole.APPLICATION):
            DATABASES[id(made)] = database
            yield made


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


async def made(write: Any, *given: Any) -> bytes:
    target = io.BytesIO()
    await write(*given, target)
    return target.getvalue()


async def test_plan_form_says_who_what_and_how_much(world: World) -> None:
    plan = world.rows[f"plan {STAFF}"]

    content = await made(write_plan, await world.scope("self"), plan.id)

    said = text_of(content)
    for words in (
        *("SASARAN KINERJA PEGAWAI", "PENDEKATAN HASIL KERJA KUANTITATIF", "DINAS CONTOH"),
        *("1 Januari s.d. 31 Desember 2026", "Sari Wulandari", STAFF, "Penata, III/c"),
        *("Dewi Anggraini", SUPERVISOR, "Pejabat C", "Seksi", "A. UTAMA", "B. TAMBAHAN"),
        *("Telaah kebijakan arsip dinamis", "penugasan dari", "20 laporan", "90 – 100 persen"),
        *("Tersusunnya laporan S", "Berorientasi Pelayanan", "Kolaboratif", "Teliti"),
        *("DUKUNGAN SUMBER DAYA", "Dua analis", "KONSEKUENSI", "Halaman 1 dari"),
    ):
        assert words in said, words


async def test_forms_are_the_same_bytes_each_time(world: World) -> None:
    scope, key = await world.scope("self"), world.rows[f"appraisal {STAFF}"].id

    assert await made(write_evaluation, scope, key) == await made(write_evaluation, scope, key)


async def test_evaluation_form_says_ratings_predicate_and_what_they_rest_on(world: World) -> None:
    key = world.rows[f"appraisal {STAFF}"].id

    said = text_of(await made(write_evaluation, await world.scope("supervisor"), key))

    for words in (
        *("EVALUASI KINERJA PEGAWAI", "AKHIR TAHUN 2026", STAFF, SUPERVISOR),
        *("SESUAI EKSPEKTASI", "Sesuai rencana", "DI ATAS EKSPEKTASI", "Membantu unit lain"),
        *("PREDIKAT KINERJA PEGAWAI", "BAIK", "CAPAIAN KINERJA ORGANISASI"),
        *("Di bawah ekspektasi", "Sudah baik", "BELUM DITANDATANGANI"),
    ):
        assert words in said, words


async def test_rank_is_shown_to_whom_it_is_and_the_agency_only(world: World) -> None:
    key = world.rows[f"plan {STAFF}"].id

    shown = {
        who: "III/c" in text_of(await made(write_plan, await world.scope(who), key))
        for who in ("self", "supervisor", "administrator", "auditor")
    }

    assert shown == {"self": True, "supervisor": False, "administrator": True, "auditor": True}


@pytest.mark.parametrize("who", ["colleague", "other supervisor", "other administrator"])
async def test_form_of_another_is_not_there(world: World, who: str) -> None:
    scope = await world.scope(who)

    for write, row in ((write_plan, "plan"), (write_evaluation, "appraisal")):
        with pytest.raises(NotFound):
            await made(write, scope, world.rows[f"{row} {STAFF}"].id)


def a_seal(result: Any) -> str:
    """A document as a signature writes it, as far as papers read it."""
    unit = {"code": "C", "name": "Seksi Lama"}
    post = {"nip": STAFF, "name": "Sari W. (lama)", "position": "Analis", "kind": "PLT"}
    row = {
        **{"id": str(result.id), "title": "Hasil yang disegel", "category": "MAIN"},
        **{"indicators": [], "stages": None, "children": [], "records": 7, "serves": None},
    }
    time = {
        **{"required_minutes": 600, "recorded_minutes": 75},
        **{"days_asked": 2, "days_filled": 1},
    }
    return canonical(
        {
            "inputs": {
                "employee": {**post, "unit": unit},
                "appraiser": {"nip": SUPERVISOR, "name": "Dewi A.", "position": None, "unit": unit},
                "evidence": {"results": [row], "behaviours": [], "time": time},
            },
            "rules": {"policy": {"achievement_cap": "120", "missing_counts_as_zero": False}},
            "result": {"results": [{"id": str(result.id), "achieved": "88.25"}]},
        }
    )


async def test_signed_form_shows_what_was_sealed_and_its_digest(world: World) -> None:
    document = a_seal(world.targets["T"])
    form = await evaluation_form(await world.scope("self"), world.rows[f"appraisal {STAFF}"].id)
    seal = msgspec.json.decode(document, type=Sealed)
    judged = msgspec.structs.replace(
        form.judgement,
        state=AppraisalState.SIGNED,
        signed_on=date(2027, 1, 8),
        digest=digest_of(document),
    )

    said = text_of(
        evaluation_pdf(
            EvaluationForm(
                head=sealed_head(form.head, seal), judgement=judged, grounds=sealed_grounds(seal)
            )
        )
    )

    for words in ("Sari W. (lama)", "Plt. Analis", "Seksi Lama", "Hasil yang disegel", "88,25%"):
        assert words in said
    assert "1,25 dari 10,00 jam" in said
    assert digest_of(document) in said
    assert "8 Januari 2027" in said
    assert "BELUM" not in said


def test_a_document_as_signatures_write_it_is_read_with_what_it_came_to() -> None:
    document, came_to = document_of(ABOUT_SEALED, FACTS, SIGNED)

    seal = msgspec.json.decode(document, type=Sealed)

    grounds = sealed_grounds(seal)
    assert [achieved(one, grounds) for one in grounds.results] == [
        one.achieved for one in came_to.results
    ]
    assert grounds.time.recorded_minutes == FACTS.time.recorded_minutes
    assert (seal.inputs.employee.nip, seal.inputs.appraiser) == (ABOUT_SEALED.employee.nip, None)


async def test_longest_text_goes_on_over_pages_with_nothing_lost(world: World) -> None:
    form = await plan_form(await world.scope("self"), world.rows[f"plan {STAFF}"].id)
    words = " ".join(f"kata{number}" for number in range(3000))
    row = msgspec.structs.replace(form.results[0], title=words)

    pages = PdfReader(io.BytesIO(plan_pdf(msgspec.structs.replace(form, results=[row])))).pages

    said = "\n".join(page.extract_text() for page in pages)
    assert set(re.findall(r"kata[0-9]+", said)) == set(words.split())
    heads = [page.extract_text().count("INDIKATOR KINERJA INDIVIDU") for page in pages]
    assert len(pages) > 4
    assert max(heads) == 1
    assert sum(heads) > 3


async def test_letters_beyond_latin_are_drawn_or_said_to_be_missing(world: World) -> None:
    form = await plan_form(await world.scope("self"), world.rows[f"plan {STAFF}"].id)
    row = msgspec.structs.replace(form.results[0], title="≥ 95 → <b>&amp; 部 selesai")

    said = text_of(plan_pdf(msgspec.structs.replace(form, results=[row])))

    assert "≥ 95 -> <b>&amp; ? selesai" in said


async def test_form_can_be_drawn_as_an_image(world: World) -> None:
    content = await made(write_plan, await world.scope("self"), world.rows[f"plan {STAFF}"].id)

    document = pypdfium2.PdfDocument(content)
    shades = document[0].render(scale=0.5).to_pil().convert("L").histogram()
    document.close()

    assert 0.005 < sum(shades[:128]) / sum(shades) < 0.3, "black on white, and neither alone"


async def table_of(world: World, who: str, form: str, unit: str = "A") -> bytes:
    unit_id, final = world.rows[f"unit {unit}"].id, world.rows["final"].id
    return await made(write_table, await world.scope(who), unit_id, final, form)


async def allowance_of(world: World) -> Decimal:
    row = await Consequence.get(employee_id=world.people[STAFF].id, kind=RuleKind.ALLOWANCE)
    assert row.amount
    return row.amount


async def csv_of(world: World, who: str, unit: str = "A") -> list[dict[str, str]]:
    content = await table_of(world, who, "csv", unit)
    assert content.startswith(b"\xef\xbb\xbfNIP;Nama;")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


async def test_unit_table_shows_each_viewer_their_rows_only(world: World) -> None:
    seen = {
        who: [row["Nama"] for row in await csv_of(world, who)]
        for who in ("self", "colleague", "supervisor", "other supervisor", "administrator")
    }

    assert seen == {
        "self": ["Sari Wulandari"],
        "colleague": ["Budi Hartono"],
        "supervisor": ["Budi Hartono", "Dewi Anggraini", "Sari Wulandari"],
        "other supervisor": [],
        "administrator": ["Budi Hartono", "Dewi Anggraini", "Sari Wulandari"],
    }
    assert await csv_of(world, "administrator", "D") == []


@pytest.mark.parametrize("who", sorted(set(VIEWERS) - {"nobody", "connector"}))
async def test_pay_is_a_column_for_administrators_and_auditors_only(world: World, who: str) -> None:
    try:
        head = (await table_of(world, who, "csv")).decode("utf-8-sig").splitlines()[0]
    except NotFound:
        assert who in {"other administrator", "other agency"}
    else:
        assert ("Tunjangan" in head) == (who in {"administrator", "auditor"})


async def test_text_table_keeps_numbers_and_days_as_offices_write_them(world: World) -> None:
    row = (await csv_of(world, "administrator"))[-1]
    pay = await allowance_of(world)

    assert row["NIP"] == f"'{STAFF}"
    assert row["Predikat"] == "BAIK"
    assert row["Sampai"] == "31/12/2026"
    assert row["Tunjangan Kinerja (Rp)"] == f"{pay:.2f}".replace(".", ",")
    assert re.fullmatch(r"[0-9]+,[0-9]{2}", row["Jam Wajib"])


@pytest.mark.parametrize("text", ["=1+1", "+62", "-5", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_taken_for_a_formula(text: str) -> None:
    assert guarded(text) == f"'{text}"
    assert guarded(f"a{text}") == f"a{text}"


async def test_workbook_has_typed_cells_and_a_frozen_head(world: World) -> None:
    content = await table_of(world, "administrator", "xlsx")

    sheet = openpyxl.load_workbook(io.BytesIO(content)).active
    heads = [cell.value for cell in sheet[2]]
    row = {name: sheet.cell(5, place) for place, name in enumerate(heads, start=1)}
    assert sheet.freeze_panes == "C3"
    assert sheet["A1"].value == "Evaluasi Kinerja Akhir Tahun 2026: Dinas (Dinas Contoh)"
    assert (row["NIP"].value, row["NIP"].data_type) == (STAFF, "s")
    assert row["Sampai"].is_date
    assert Decimal(row["Tunjangan Kinerja (Rp)"].value) == await allowance_of(world)
    assert row["Jam Wajib"].number_format == "#,##0.00"
    assert content == await table_of(world, "administrator", "xlsx")


def generated(many: int) -> UnitTable:
    """A table of so many people, each made when it is asked for."""
    day = date(2026, 12, 31)
    head = TableHead(
        **{"agency": "A", "unit": "U", "code": "U", "kind": EvaluationKind.FINAL, "number": 1},
        **{"starts_on": day, "ends_on": day, "with_pay": True},
    )

    async def rows() -> AsyncIterator[UnitRow]:
        for number in range(many):
            yield UnitRow(
                **{"nip": f"{number:018}", "name": f"Pegawai {number}", "position": "Analis"},
                **{"unit": "U", "starts_on": day, "ends_on": day, "state": AppraisalState.OPEN},
                document=a_seal(SimpleNamespace(id=uuid4())),
            )

    return UnitTable(head, rows())


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_workbook, write_text])
async def test_memory_does_not_grow_with_a_table(write: Any, tmp_path: Any) -> None:
    peaks = []
    for many in (500, 5_000):
        tracemalloc.start()
        with (tmp_path / "table").open("w+b") as target:
            assert await write(generated(many), target) == many
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.3 * peaks[0]


async def own(world: World, who: str) -> dict[str, Any]:
    return orjson.loads(await made(write_own_data, await world.scope(who)))


async def test_every_table_is_in_ones_own_data_or_left_out_with_its_reason() -> None:
    tables = {
        model._meta.db_table
        for module in MODULES
        for model in vars(importlib.import_module(module)).values()
        if isinstance(model, type) and issubclass(model, Row) and model is not Row
    }

    assert len(tables) > 60
    assert tables == ABOUT.keys() | LEFT_OUT.keys()
    assert ABOUT.keys().isdisjoint(LEFT_OUT)
    assert all(len(reason) > 10 for reason in LEFT_OUT.values())


async def test_own_data_holds_all_rows_of_the_person_and_nobody_elses(world: World) -> None:
    found = (await own(world, "self"))["tables"]
    person = str(world.people[STAFF].id)

    assert found.keys() == ABOUT.keys()
    for name in ABOUT:
        if name in {"role_matrix", "feedback_request"}:
            continue
        held = await dicts_of(f"SELECT * FROM {name}", [])
        if held and "employee_id" in held[0]:
            theirs = {str(row["id"]) for row in held if str(row["employee_id"]) == person}
            assert {row["id"] for row in found[name]} == theirs, name
            assert theirs or name not in {"appraisal", "career", "consequence", "progress_record"}
    assert [row["name"] for row in found["employee"]] == ["Sari Wulandari"]
    assert len(found["activity"]) > 2
    assert len(found["appraisal_seal"]) == 1
    assert len(found["consequence"]) == len(found["rule_set"]) == 5
    assert all(digest_of(row["body"]) == row["digest"] for row in found["rule_set"])


async def test_own_data_names_others_and_never_by_their_nip(world: World) -> None:
    found = await own(world, "self")

    others = {world.people[nip].nip for nip in world.people} - {STAFF}
    text = orjson.dumps(found).decode()
    assert STAFF in text
    assert [nip for nip in others if nip in text] == []
    assert found["tables"]["plan_event"][0]["actor"] == "Dewi Anggraini"


async def test_whoever_is_no_employee_has_no_own_data(world: World) -> None:
    with pytest.raises(NotFound):
        await own(world, "auditor")


@pytest.fixture(scope="module")
async def client(world: World, tmp_path_factory: Any) -> AsyncIterator[Any]:
    """Asks over HTTP as somebody, on the same database."""
    settings = Settings(data_folder=tmp_path_factory.mktemp("data"))
    key, database = DevelopmentKey(settings), DATABASES[id(world)]
    async with running_app(settings, database, TokenVerifier.of(settings)) as app:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as http:

            async def get(path: str, who: str | None, **headers: str) -> httpx.Response:
                if who is not None:
                    headers["authorization"] = f"Bearer {key.issue(VIEWERS[who] or '')}"
                return await http.get(f"/exports{path}", headers=headers)

            yield get


def path_of(world: World, kind: str, name: str) -> str:
    return to_base64(kind, world.rows[name].id)


async def test_papers_come_as_attachments(client: Any, world: World) -> None:
    plan = path_of(world, "PerformancePlan", f"plan {STAFF}")
    unit, final = (
        path_of(world, kind, name)
        for kind, name in (("Unit", "unit A"), ("EvaluationPeriod", "final"))
    )
    appraisal = path_of(world, "Appraisal", f"appraisal {STAFF}")

    for path, media_type, begin, name in (
        (f"/plans/{plan}.pdf", "application/pdf", b"%PDF-", f"skp_{STAFF}"),
        (f"/appraisals/{appraisal}.pdf", "application/pdf", b"%PDF-", "evaluasi_"),
        (f"/units/{unit}/appraisals.xlsx?evaluation={final}", XLSX, b"PK", "evaluasi_A_final"),
        (f"/units/{unit}/appraisals.csv?evaluation={final}", "text/csv", b"\xef\xbb", "evaluasi_A"),
        ("/me.json", "application/json", b"{", "data-saya.json"),
    ):
        answer = await client(path, "self")

        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith(media_type)
        assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name}')
        assert answer.headers["cache-control"] == "no-store"
        assert answer.content.startswith(begin)
        assert len(answer.content) == int(answer.headers["content-length"])


async def test_refusals_say_their_code_in_the_language_that_was_asked_for(
    client: Any, world: World
) -> None:
    plan = path_of(world, "PerformancePlan", f"plan {STAFF}")
    unit = path_of(world, "Unit", "unit A")
    cases = (
        (f"/plans/{plan}.pdf", None, 401, "UNAUTHENTICATED"),
        (f"/plans/{plan}.pdf", "colleague", 404, "NOT_FOUND"),
        (f"/plans/{unit}.pdf", "self", 404, "NOT_FOUND"),
        ("/plans/sembarang.pdf", "self", 400, "BAD_USER_INPUT"),
        (f"/units/{unit}/appraisals.csv", "self", 400, "BAD_USER_INPUT"),
        (f"/units/{unit}/appraisals.ods?evaluation=x", "self", 404, "NOT_FOUND"),
        (f"/plans/{to_base64('PerformancePlan', uuid4())}.pdf", "self", 404, "NOT_FOUND"),
        ("/me.json", "auditor", 404, "NOT_FOUND"),
    )
    for path, who, status, code in cases:
        said = [
            await client(path, who, **{"accept-language": language}) for language in ("id", "en")
        ]

        assert [answer.status_code for answer in said] == [status] * 2, path
        assert [answer.json()["code"] for answer in said] == [code] * 2
        assert said[0].json()["error"] != said[1].json()["error"]
        assert ("www-authenticate" in said[0].headers) == (status == 401)


async def test_page_of_another_origin_may_not_fetch_papers(client: Any) -> None:
    headers = {"sec-fetch-site": "cross-site", "origin": "https://lain.example"}

    answer = await client("/me.json", "self", **headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN_ORIGIN")


async def test_no_line_of_the_log_names_whom_a_paper_is_about(world: World, client: Any) -> None:
    plan = path_of(world, "PerformancePlan", f"plan {STAFF}")
    with capture_logs() as lines:
        answer = await client(f"/plans/{plan}.pdf", "self")

    assert answer.status_code == 200
    assert STAFF in answer.headers["content-disposition"]
    made = [line for line in lines if line["event"] == "paper.made"]
    assert len(made) == 1
    assert STAFF not in str(made)


def test_a_cell_shows_a_long_text_in_part_and_says_so() -> None:
    reason, many = "kata " * 4_000, "Sesuai.\n" * 5_000

    assert fitting(reason) == reason
    assert fitting(many).startswith("Sesuai.\nSesuai.")
    assert len(fitting(many)) < LONGEST_CELL
    assert re.search(r"… \(masih \d{5} huruf, lihat di aplikasi\)$", fitting(many))
