"""The commands that sign a year for an agency, write it down, and verify what was written."""

import argparse
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from schema.access import Scope
from schema.appraisals import bulk
from schema.appraisals.bulk import Side, count_ready
from schema.appraisals.documents import read
from schema.appraisals.models import Appraisal, AppraisalEvent, AppraisalSeal, AppraisalState
from schema.appraisals.rules import RULES_VERSION, objection_until
from schema.consequences.models import Consequence, RuleKind
from schema.consequences.verifying import WrongLine, verified
from schema.errors import DomainError, ErrorCode
from schema.plans.models import EvaluationKind, PerformancePlan
from schema.tables import transaction
from schema.values import digest_of, local_date
from server.cli import parser
from server.commands import appraise as appraising
from server.commands import results
from server.database import Database, DatabaseRole, PostgresServer, opened
from server.settings import Settings
from tests.benchmarks.appraisals import AGENCY, NOW, evaluation, provide, rate
from tests.copies import copy_of

PEOPLE = 24
YEAR = ("--agency", AGENCY, "--period", "2026")


@pytest.fixture(scope="module")
async def year(module_database: Database) -> str:
    """The name of a database with an agency's year, to be copied."""
    await provide(module_database, PEOPLE, 5)
    return urlsplit(module_database.urls[DatabaseRole.OWNER]).path.removeprefix("/")


@pytest.fixture
async def fresh_database(postgres_server: PostgresServer, year: str) -> AsyncIterator[Database]:
    async with copy_of(postgres_server, year) as database:
        yield database


@pytest.fixture
async def settings(fresh_database: Database) -> Settings:
    return Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])


@pytest.fixture(autouse=True)
def in_january(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appraising, "utc_now", lambda: NOW)


async def command(settings: Settings, *arguments: str) -> int:
    given: argparse.Namespace = parser().parse_args(arguments)
    if given.command == "appraise":
        return await appraising.appraise(given, settings)
    return await results.COMMANDS[given.command](given, settings)


async def rate_all(database: Database) -> None:
    async with opened(database, DatabaseRole.APPLICATION):
        _, one = await evaluation(EvaluationKind.FINAL)
    await rate(database, one.id)


async def test_a_year_is_opened_signed_written_and_verified(
    settings: Settings,
    fresh_database: Database,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "hasil.jsonl"

    assert await command(settings, "appraise", *YEAR, "--kind", "final") == 0
    assert capsys.readouterr().out == f"opened: {PEOPLE}\nsigned: 0\nOPEN: {PEOPLE}\n"
    await rate_all(fresh_database)
    assert await command(settings, "appraise", *YEAR, "--kind", "final") == 0
    assert capsys.readouterr().out == f"opened: 0\nsigned: {PEOPLE}\nSIGNED: {PEOPLE}\n"
    assert await command(settings, "appraise", *YEAR, "--kind", "final") == 0
    assert capsys.readouterr().out == f"opened: 0\nsigned: 0\nSIGNED: {PEOPLE}\n"
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert await AppraisalSeal.all().count() == PEOPLE
        assert await AppraisalEvent.filter(kind="SIGNED").count() == PEOPLE
        consequences = await Consequence.all().count()
        assert await Consequence.filter(kind=RuleKind.WEIGHT).count() == PEOPLE
    assert consequences == 4 * PEOPLE

    assert await command(settings, "export-results", *YEAR, str(file)) == 0
    lines = PEOPLE + consequences + 4 + 1
    assert capsys.readouterr().out == f"{file}: {lines} lines\n"
    assert file.stat().st_mode & 0o777 == 0o600  # personal data of everybody
    assert await command(Settings(database_url="postgresql://nobody@127.0.0.1:1/x"),
                         "verify-results", str(file)) == 0  # fmt: skip

    said = f"rules: 4, appraisal: {PEOPLE}, consequence: {consequences}"
    assert capsys.readouterr().out == f"{file}: all holds ({said})\n"
    check_tampering(file.read_bytes())


def check_tampering(content: bytes) -> None:
    """Any byte that is another one is found, in the line in which it is."""
    lines = content.splitlines(keepends=True)
    kinds: dict[str, int] = {}
    for number, line in enumerate(lines):
        kinds.setdefault(next(iter(msgspec.json.decode(line))), number)
    for number in kinds.values():
        for place in range(0, len(lines[number]), max(1, len(lines[number]) // 40)):
            changed = bytearray(lines[number])
            changed[place] ^= 1
            tampered = [*lines[:number], bytes(changed), *lines[number + 1 :]]
            with pytest.raises(WrongLine) as found:
                list(verified(b"".join(tampered).splitlines(keepends=True)))
            assert found.value.line == number + 1, (number, place)
    last = len(lines) - 1
    for fewer, line in ((lines[:-1], last + 1), ([*lines[:9], *lines[10:]], last)):
        with pytest.raises(WrongLine) as found:
            list(verified(fewer))
        assert found.value.line == line
    with pytest.raises(WrongLine, match="behind the last line"):
        list(verified([*lines, lines[9]]))


async def test_a_plan_that_ended_after_its_rating_counts_until_its_end(
    settings: Settings, fresh_database: Database
) -> None:
    """Rated in January for the whole year; a transfer of 1 July is known only then."""
    await command(settings, "appraise", *YEAR, "--kind", "final")
    await rate_all(fresh_database)
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        row = await Appraisal.first().prefetch_related("plan")
        assert row is not None
        await PerformancePlan.filter(id=row.plan_id).update(ends_on=date(2026, 6, 30))

    assert await command(settings, "appraise", *YEAR, "--kind", "final") == 0

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        row = await Appraisal.get(id=row.id).prefetch_related("seal")
    one = read(row.seal.document)
    assert row.ends_on == one.inputs.days.ends_on == date(2026, 6, 30)
    assert one.inputs.evidence.time.months == 6


async def test_each_documents_inputs_are_what_was_rated(
    settings: Settings, fresh_database: Database
) -> None:
    await command(settings, "appraise", *YEAR, "--kind", "final")
    await rate_all(fresh_database)
    await command(settings, "appraise", *YEAR, "--kind", "final")

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        rows = await Appraisal.all().prefetch_related("seal", "employee", "lines", "appraiser")
    assert {row.predicate for row in rows} >= {"EXCELLENT", "GOOD", "POOR", "VERY_POOR"}
    for row in rows:
        one = read(row.seal.document)
        assert row.seal.digest == digest_of(row.seal.document)
        assert (one.result.work, one.result.behaviour, one.result.predicate) == (
            row.work_rating,
            row.behaviour_rating,
            row.predicate,
        )
        assert one.inputs.employee.nip == row.employee.nip
        assert len(one.inputs.lines) == len(row.lines)
        assert one.rules.version == RULES_VERSION
        assert (row.version, row.signed_by, row.signed_at) == (3, "command line", NOW)
        assert (one.inputs.unit_rating is not None) == row.heads_unit
        if row.appraiser is None:
            assert one.inputs.appraiser is None
        else:
            assert one.inputs.appraiser is not None
            assert one.inputs.appraiser.nip == row.appraiser.nip
            assert one.inputs.appraiser.position == "Kepala Bidang"
    objections = [read(row.seal.document).inputs.objection for row in rows]
    decided = {one.outcome for one in objections if one is not None}
    assert decided == {"UPHELD"}


async def test_what_may_still_be_objected_to_is_not_signed(
    settings: Settings, fresh_database: Database
) -> None:
    await command(settings, "appraise", *YEAR, "--kind", "final")
    await rate_all(fresh_database)

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        _, one = await evaluation(EvaluationKind.FINAL)
        # Rated on 28 December in Jakarta, seven days to object: to the end of 4 January.
        in_time = await count_ready(one, datetime(2027, 1, 4, 16, 59, tzinfo=UTC))
        over = await count_ready(one, datetime(2027, 1, 4, 17, tzinfo=UTC))
        rated = await Appraisal.filter(state=AppraisalState.RATED).count()

    assert rated > 0
    assert (in_time, over) == (PEOPLE - rated, PEOPLE)


async def test_only_one_signs_for_an_agency_at_a_time(
    settings: Settings, fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        agency, _ = await bulk.evaluation_of(AGENCY, "2026", EvaluationKind.FINAL, 1)

    async with appraising.alone(fresh_database, agency) as is_alone:
        code = await command(settings, "appraise", *YEAR, "--kind", "final")

    assert is_alone
    assert code == 1
    assert capsys.readouterr().out == f"{AGENCY}: another `appraise` is at work; nothing was done\n"
    assert await command(settings, "appraise", *YEAR, "--kind", "final") == 0


async def test_what_is_broken_off_goes_on_behind_the_last_whole_batch(
    settings: Settings, fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await command(settings, "appraise", *YEAR, "--kind", "final")
    await rate_all(fresh_database)
    follow: Any = appraising.follow
    batches = 0

    async def dies(*given: Any) -> Any:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise ConnectionError("the machine is switched off")
        return await follow(*given)

    monkeypatch.setattr(appraising, "follow", dies)
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        scope, one = await evaluation(EvaluationKind.FINAL)
        assert await appraising.sign_next(scope, one, NOW, Side(), 10) == 10
        with pytest.raises(ConnectionError):
            await appraising.sign_next(scope, one, NOW, Side(), 10)
        assert await AppraisalSeal.all().count() == 10
        assert await count_ready(one, NOW) == PEOPLE - 10

    assert await command(settings, "appraise", *YEAR, "--kind", "final") == 0

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert await AppraisalSeal.all().count() == PEOPLE


@pytest.mark.parametrize("of_policy", [None, 0, 3])
async def test_days_to_object_are_over_in_bulk_when_the_rule_says_so(
    settings: Settings, fresh_database: Database, of_policy: int | None
) -> None:
    """In two zones, at each side of midnight, with a policy and without one."""
    await command(settings, "appraise", *YEAR, "--kind", "final")
    await rate_all(fresh_database)
    owner = await fresh_database.connect(DatabaseRole.OWNER)
    try:
        await owner.execute("ALTER TABLE agency_policy DISABLE TRIGGER USER")
        await owner.execute("DELETE FROM agency_policy WHERE $1::int IS NULL", of_policy)
        await owner.execute("UPDATE agency_policy SET objection_days = $1::int", of_policy)
        await owner.execute(
            "UPDATE employee SET timezone = 'Asia/Jayapura' WHERE right(nip, 1) IN ('1', '5', '9')"
        )
        await owner.execute("UPDATE appraisal SET state = 'RATED', rated_at = '2026-12-27 14:30Z'")
    finally:
        await owner.close()

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        _, one = await evaluation(EvaluationKind.FINAL)
        rows = await Appraisal.all().select_related("employee")
        seen = set()
        rated_at = datetime(2026, 12, 27, 14, 30, tzinfo=UTC)
        zones = [row.employee.timezone for row in rows]
        for hour in range(24 * 10):
            now = rated_at + timedelta(hours=hour)
            over = [
                local_date(now, zone) > until
                for zone in zones
                if (until := objection_until(rated_at, zone, of_policy)) is not None
            ]
            assert await count_ready(one, now) == sum(over)
            seen.add(sum(over))

    assert len(seen) == 3, "nobody, those of one zone, all"


async def test_nobody_but_the_agencys_administrator_signs_in_bulk(
    settings: Settings, fresh_database: Database
) -> None:
    await command(settings, "appraise", *YEAR, "--kind", "final")
    await rate_all(fresh_database)

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        _, one = await evaluation(EvaluationKind.FINAL)
        with pytest.raises(DomainError) as refused:
            async with transaction() as connection:
                await bulk.sign_batch(connection, Scope(subject="x"), one, NOW, Side())

    assert refused.value.code is ErrorCode.NOT_ALLOWED


async def test_a_document_that_comes_to_another_predicate_is_not_sealed(
    settings: Settings, fresh_database: Database
) -> None:
    await command(settings, "appraise", *YEAR, "--kind", "final")
    await rate_all(fresh_database)
    connection = await fresh_database.connect(DatabaseRole.OWNER)
    try:
        await connection.execute("ALTER TABLE unit_rating DISABLE TRIGGER USER")
        await connection.execute(
            "UPDATE unit_rating SET predicate = CASE predicate WHEN 'GOOD' THEN 'POOR' "
            "ELSE 'GOOD' END"
        )
    finally:
        await connection.close()

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        scope, one = await evaluation(EvaluationKind.FINAL)
        with pytest.raises(ValueError, match="comes to"):
            await appraising.sign_next(scope, one, NOW, Side())
        assert await AppraisalSeal.all().count() == 0


async def test_what_is_not_there_is_said(settings: Settings, tmp_path: Path) -> None:
    for arguments in (
        ("appraise", "--agency", "X", "--period", "2026", "--kind", "final"),
        ("appraise", "--agency", AGENCY, "--period", "2027", "--kind", "final"),
        ("appraise", *YEAR, "--kind", "quarterly", "--number", "1"),
        ("export-results", "--agency", AGENCY, "--period", "2027", str(tmp_path / "x")),
    ):
        with pytest.raises(DomainError) as refused:
            await command(settings, *arguments)
        assert refused.value.code is ErrorCode.NOT_FOUND
    assert list(tmp_path.iterdir()) == []


async def test_which_month_is_signed_is_never_guessed(settings: Settings) -> None:
    with pytest.raises(DomainError, match="--kind monthly needs --number"):
        await command(settings, "appraise", *YEAR, "--kind", "monthly")


async def test_a_file_that_cannot_be_read_or_written_leaves_with_two(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "no" / "file")

    assert await command(settings, "verify-results", missing) == 2
    assert await command(settings, "export-results", *YEAR, missing) == 2
    empty = tmp_path / "empty"
    empty.touch()
    assert await command(settings, "verify-results", str(empty)) == 1

    assert "line 1: the file ends before its last line" in capsys.readouterr().out
