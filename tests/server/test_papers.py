"""Papers: what forms and tables say to whom, and what comes over HTTP."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import openpyxl
import orjson
import pytest
from pypdf import PdfReader
from strawberry.relay import to_base64

from schema.access import Scope
from schema.appraisals.models import Appraisal, AppraisalSeal, AppraisalState
from schema.consequences.models import Career, Consequence, Employment, RuleKind
from schema.errors import NotFound
from schema.papers.own_data import ABOUT, LEFT_OUT
from schema.plans.models import AttachmentKind, EvaluationPeriod, PerformancePlan, PlanAttachment
from schema.progress.models import ProgressRecord
from schema.tables import MODULES, dicts_of
from schema.values import canonical, digest_of
from server.app import running_app
from server.auth import TokenVerifier
from server.database import Database, DatabaseRole, opened
from server.papers.files import write_evaluation, write_own_data, write_plan, write_table
from server.papers.tables import guarded
from server.settings import Settings
from server.token_keys import DevelopmentKey
from tests.appraised import appraise, follow_from, rules_of
from tests.copies import copy_of
from tests.factories import (
    COLLEAGUE,
    NOW,
    STAFF,
    SUPERVISOR,
    VIEWERS,
    World,
    busy_day,
    found,
    grant_roles,
)

STAND_IN = """
DO $$ BEGIN
  IF to_regprocedure('appraisal_evidence(uuid)') IS NULL THEN
    CREATE FUNCTION appraisal_evidence(of_appraisal uuid) RETURNS json LANGUAGE sql STABLE AS $f$
      SELECT json_build_object('policy', NULL,
        'results', (SELECT coalesce(json_agg(json_build_object('id', t.id, 'title', t.title,
            'category', t.category, 'records', 1, 'indicators', (SELECT json_agg(
              json_build_object('title', i.title, 'aspect', i.aspect, 'polarity', i.polarity,
                'unit_of_measure', i.unit_of_measure, 'planned', i.planned::text,
                'realized', '15.5', 'minimum', i.minimum, 'maximum', i.maximum))
              FROM indicator i WHERE i.target_id = t.id))), '[]')
          FROM target t WHERE t.plan_id = a.plan_id AND t.kind = 'QUANTITATIVE'),
        'behaviours', json_build_array(json_build_object('behaviour', 'LOYAL',
          'expectation', 'Teliti')),
        'time', json_build_object('required_minutes', 75090, 'recorded_minutes', 60090,
          'days_asked', 167, 'days_filled', 140))
      FROM appraisal a WHERE a.id = of_appraisal $f$;
  END IF;
END $$"""
"""Where the database has none yet."""
LONG = "Meningkatnya kualitas penyusunan penyelenggaraan pelayanan publik " * 60


async def appraised_day(world: World) -> None:
    """The small agency with an open evaluation of the staff member and a colleague's signed one."""
    await busy_day(world)
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


@pytest.fixture(scope="module")
async def world(postgres_server: Any, template_database: str) -> AsyncIterator[World]:
    async with copy_of(postgres_server, template_database) as database:
        owner = database.urls[DatabaseRole.OWNER]
        connection = await asyncpg.connect(owner.replace(DatabaseRole.OWNER, "postgres", 1))
        await connection.execute(STAND_IN)
        await connection.close()
        async with opened(database, DatabaseRole.OWNER):
            made = await found()
            await appraised_day(made)
        async with opened(database, DatabaseRole.APPLICATION):
            made.rows["database"] = database  # type: ignore[assignment]
            yield made


def text_of(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


async def test_look(world: World, tmp_path: Any) -> None:
    import pathlib
    out = pathlib.Path("/tmp/papers"); out.mkdir(exist_ok=True)
    scope = await world.scope("self")
    for name, write, key in (("skp", write_plan, world.rows[f"plan {STAFF}"].id), ("evaluasi", write_evaluation, world.rows[f"appraisal {STAFF}"].id)):
        b = io.BytesIO()
        await write(scope, key, b)
        (out / f"{name}.pdf").write_bytes(b.getvalue())
    b = io.BytesIO()
    await write_own_data(scope, b)
    (out / "own.json").write_bytes(b.getvalue())
    import json
    d = json.loads(b.getvalue())
    print({k: len(v) for k, v in d["tables"].items()})
    for form in ("csv", "xlsx"):
        b = io.BytesIO()
        print(await write_table(await world.scope("administrator"), world.rows["unit A"].id, world.rows["final"].id, form, b))
        (out / f"t.{form}").write_bytes(b.getvalue())
