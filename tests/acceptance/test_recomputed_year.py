"""A thousand people's year: signed in few statements, and worked out anew from its file alone."""

import io
from dataclasses import replace
from decimal import Decimal

import pytest

from schema.appraisals import documents, rules
from schema.appraisals.documents import Inputs, Result
from schema.appraisals.evidence import PolicyNumbers
from schema.appraisals.models import AppraisalSeal, Predicate
from schema.appraisals.service import open_appraisals
from schema.consequences.exporting import lines_of
from schema.consequences.models import Consequence
from schema.consequences.rule_sets import bring_defaults
from schema.consequences.verifying import Verification, WrongLine, verified
from schema.plans.models import EvaluationKind
from server.commands.appraise import sign_all
from server.database import Database, DatabaseRole, opened
from tests.benchmarks.appraisals import AGENCY, NOW, evaluation, provide, rate
from tests.statement_count import counted

pytestmark = pytest.mark.slow

PEOPLE = 1_000
MOST_STATEMENTS = 20
"""For a thousand people: appraisals and all that follows."""
OF_THE_DRIVER = ("typeinfo_tree", "set_config('jit'", "pg_advisory_unlock_all", "DISCARD", "RESET")
"""What it asks of the types of a new connection, and says when it puts one back."""


def invented(inputs: Inputs, policy: PolicyNumbers) -> Result:
    """A later version, by which nobody is good."""
    first = documents.first_version(inputs, replace(policy, achievement_cap=Decimal(100)))
    return replace(first, predicate=Predicate.NEEDS_IMPROVEMENT)


def whole(content: bytes) -> Verification:
    *_, last = verified(io.BytesIO(content))
    return last


async def test_a_thousand_peoples_year_takes_few_statements_and_recomputes_from_its_file(
    fresh_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await provide(fresh_database, PEOPLE, 12)
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        scope, one = await evaluation(EvaluationKind.FINAL)
        assert await open_appraisals(scope, one.id, NOW) == PEOPLE
        await bring_defaults(scope, AGENCY, NOW)
    await rate(fresh_database, one.id)
    async with (
        counted(fresh_database) as (database, statements),
        opened(database, DatabaseRole.APPLICATION),
    ):
        assert await sign_all(scope, one, NOW) == PEOPLE
    asked = {
        text: count
        for text, count in statements.by_text.items()
        if not any(words in text for words in OF_THE_DRIVER)
    }
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert await AppraisalSeal.all().count() == PEOPLE
        consequences = await Consequence.all().count()
        lines = [line async for line in lines_of(scope, one.period.agency_id, "2026")]
    content = "".join(f"{line}\n" for line in lines).encode()

    assert sum(asked.values()) <= MOST_STATEMENTS, [*asked.items()]
    of_sealing = [text for text in asked if "appraisal" in text and "consequence" not in text]
    assert len(of_sealing) <= 8
    assert consequences == 4 * PEOPLE
    assert whole(content).counts == {
        "rules": 4,
        "appraisal": PEOPLE,
        "consequence": consequences,
    }

    monkeypatch.setitem(documents.VERSIONS, 2, invented)
    monkeypatch.setattr(rules, "RULES_VERSION", 2)
    assert whole(content).counts["appraisal"] == PEOPLE

    of_them = lines.index(next(line for line in lines if line.startswith('{"appraisal"'))) + 500
    place = sum(len(line.encode()) + 1 for line in lines[:of_them]) + 700
    flipped = bytearray(content)
    flipped[place] ^= 1
    with pytest.raises(WrongLine) as found:
        whole(bytes(flipped))
    assert found.value.line == of_them + 1
