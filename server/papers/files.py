"""Papers as files: each use case with its name and media type, written to where it shall go.

What draws forms is loaded with the first one: a tenth of what starting a server takes.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

from schema.access import Scope
from schema.papers.service import UnitTable, evaluation_form, own_data, plan_form, unit_table
from server.papers.tables import write_text, write_workbook

PDF = "application/pdf"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
JSON = "application/json"
Write = Callable[[UnitTable, BinaryIO], Awaitable[int]]
FORMS: dict[str, tuple[str, Write]] = {"xlsx": (XLSX, write_workbook), "csv": (CSV, write_text)}


@dataclass(frozen=True, slots=True)
class Paper:
    """What was written: under which name it is kept, what it is, and of how many rows."""

    name: str
    media_type: str
    rows: int = 1


async def write_plan(scope: Scope, key: UUID, target: BinaryIO) -> Paper:
    """A plan's form.

    Raises:
        NotFound: it is not there, or not the viewer's to see.
    """
    from server.papers.plan_pages import plan_pdf

    form = await plan_form(scope, key)
    target.write(await asyncio.to_thread(plan_pdf, form))
    head = form.head
    return Paper(named("skp", head.employee.nip, head.starts_on, key.hex[-8:], "pdf"), PDF)


async def write_evaluation(scope: Scope, key: UUID, target: BinaryIO) -> Paper:
    """An evaluation's form.

    Raises:
        NotFound: it is not there, or not the viewer's to see.
    """
    from server.papers.evaluation_pages import evaluation_pdf

    form = await evaluation_form(scope, key)
    target.write(await asyncio.to_thread(evaluation_pdf, form))
    judged = form.judgement
    parts = ("evaluasi", form.head.employee.nip, judged.kind.lower(), judged.ends_on, key.hex[-8:])
    return Paper(named(*parts, "pdf"), PDF)


async def write_table(
    scope: Scope, unit_id: UUID, evaluation_id: UUID, form: str, target: BinaryIO
) -> Paper:
    """A unit's table, in one of FORMS.

    Raises:
        NotFound: no such unit, or no such evaluation period of its agency.
    """
    media_type, write = FORMS[form]
    async with unit_table(scope, unit_id, evaluation_id) as table:
        rows = await write(table, target)
    head = table.head
    return Paper(
        named("evaluasi", head.code, head.kind.lower(), head.ends_on, form), media_type, rows
    )


async def write_own_data(scope: Scope, target: BinaryIO) -> Paper:
    """Everything about the viewer.

    Raises:
        NotFound: the viewer is no employee.
    """
    async for piece in own_data(scope):
        target.write(piece)
    return Paper("data-saya.json", JSON)


def named(*parts: object) -> str:
    """A file's name that every system and header takes; the last part is its kind."""
    *words, kind = (re.sub(r"[^A-Za-z0-9.]+", "-", str(part)) for part in parts if part)
    return f"{'_'.join(words)}.{kind}"
