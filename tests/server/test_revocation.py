"""Tokens that were revoked hold no more: whose, since when, by whom, and at what cost."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from schema.access import Role
from schema.errors import DomainError, ErrorCode, NotFound, Unauthenticated
from schema.organizations.models import Agency, Employee, RoleGrant, TokenRevocation
from schema.organizations.revoking import revoke_tokens
from schema.organizations.viewers import scope_of, standing
from server.cli import parser
from server.commands.administer import COMMANDS
from server.database import Database, DatabaseRole, opened
from server.settings import Settings
from tests.factories import NOW, Api

SARI, BUDI = "198503122009011007", "199001012015011001"
AT = datetime(2026, 11, 24, 3, 0, 0, 400_000, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ROOT = Path(__file__).parents[2]


@pytest.fixture
async def agency(database: Database) -> None:
    await two_agencies()


async def two_agencies() -> None:
    agency = await Agency.create(code="BC", name="Badan Contoh")
    other = await Agency.create(code="BL", name="Badan Lain")
    await Employee.create(agency=agency, nip=SARI, name="Sari")
    await Employee.create(agency=other, nip=BUDI, name="Budi")
    await RoleGrant.create(agency=agency, subject="pengelola", role=Role.ADMINISTRATOR)
    await RoleGrant.create(agency=other, subject="inspektorat", role=Role.AUDITOR)


async def revoked(by: str, subject: str | None = None, reason: str | None = None) -> datetime:
    return (await revoke_tokens(await scope_of(by), subject, reason, AT)).issued_before


async def test_signing_out_everywhere_ends_tokens_up_to_the_present_second(agency: None) -> None:
    await revoked(SARI)

    for issued in (datetime.fromtimestamp(0, UTC), AT - SECOND, AT, AT.replace(microsecond=0)):
        with pytest.raises(Unauthenticated):
            await scope_of(SARI, issued)
    assert (await scope_of(SARI, AT.replace(microsecond=0) + SECOND)).subject == SARI
    assert (await scope_of("pengelola", AT)).subject == "pengelola"


async def test_a_revocation_keeps_who_when_and_why(agency: None) -> None:
    await revoked("pengelola", SARI, "  Gawai hilang ")

    row = await TokenRevocation.get()
    assert (row.subject, row.revoked_by, row.reason) == (SARI, "pengelola", "Gawai hilang")
    assert (row.revoked_at, row.issued_before) == (AT, AT.replace(microsecond=0) + SECOND)


async def test_nobody_revokes_for_those_whom_they_do_not_administer(agency: None) -> None:
    strangers = [BUDI, "inspektorat", "tidak-ada", "", "9" * 121]
    refused = [(SARI, BUDI), (SARI, "pengelola"), ("inspektorat", BUDI)]
    refused += [("pengelola", one) for one in strangers]

    for by, subject in refused:
        with pytest.raises(NotFound):
            await revoked(by, subject)

    assert not await TokenRevocation.exists()


async def test_a_reason_that_is_too_long_is_refused(agency: None) -> None:
    with pytest.raises(DomainError) as refused:
        await revoked(SARI, reason="x" * 1_001)

    assert (refused.value.code, refused.value.field) == (ErrorCode.TEXT_TOO_LONG, "reason")


async def test_the_standing_of_many_is_that_of_each(agency: None) -> None:
    await revoked(SARI)
    subjects = [SARI, BUDI, "pengelola", "inspektorat", "tidak-ada", SARI]
    issued = [AT, AT, AT, AT, AT, AT + 2 * SECOND]

    async def alone(subject: str, at: datetime) -> bool:
        try:
            return (await scope_of(subject, at)).subject == subject
        except Unauthenticated:
            return False

    held = [await alone(*one) for one in zip(subjects, issued, strict=True)]

    assert await standing(list(zip(subjects, issued, strict=True))) == held
    assert held == [False, True, True, True, False, True]
    assert await standing([]) == []


async def test_a_signed_in_viewer_is_nobody_after_signing_out(agency: None) -> None:
    await Employee.filter(nip=SARI).update(nip="199001012015031001")
    api = Api("199001012015031001")
    document = "mutation { revokeTokens(input: {}) { issuedBefore userErrors { code } } }"

    answer = await api.data(document)

    assert answer["revokeTokens"]["issuedBefore"] == (NOW + SECOND).isoformat()
    with pytest.raises(Unauthenticated):
        await api.run("{ viewer { roles } }")
    api.issued_at = NOW + SECOND
    assert (await api.data("{ viewer { roles } }"))["viewer"]["roles"] == ["EMPLOYEE"]


async def test_the_operator_revokes_by_a_command(
    fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await two_agencies()
    words = ["revoke", "--agency", "BC", "--reason", "Pindah", "--subject"]

    code = await COMMANDS["revoke"](parser().parse_args([*words, SARI]), settings)
    with pytest.raises(NotFound):
        await COMMANDS["revoke"](parser().parse_args([*words, BUDI]), settings)

    assert code == 0
    assert capsys.readouterr().out.startswith(f"tokens of {SARI} issued before 20")
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        row = await TokenRevocation.get()
        assert (row.subject, row.revoked_by, row.reason) == (SARI, "command line", "Pindah")
        with pytest.raises(Unauthenticated):
            await scope_of(SARI, row.revoked_at)


def test_the_server_never_asks_for_a_scope_without_the_instant_of_issue() -> None:
    """The demonstration and an operator's export act for people without tokens; no other does."""
    found = []
    for path in (ROOT / "server").rglob("*.py"):
        if "demo" in path.parts or path.name == "export.py":
            continue
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "scope_of"
        ]
        found += [len(call.args) for call in calls]

    assert len(found) >= 3
    assert set(found) == {2}
