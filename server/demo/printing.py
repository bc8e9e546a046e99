"""The papers of the played year: every plan's form, every signed evaluation's, the table of the
agency in both forms, and what each person takes away; each is written, none is kept."""

from collections.abc import Sequence
from io import BytesIO

import orjson

from schema.appraisals.models import Appraisal
from server.demo.cast import Play
from server.demo.checking import Checks
from server.papers.files import FORMS, write_evaluation, write_own_data, write_plan, write_table

PDF = b"%PDF-"


async def check_papers(play: Play, rows: Sequence[Appraisal], checks: Checks) -> None:
    """Write everything, as those who may: forms as their employees, tables as the administrator."""
    for row in rows:
        person = next(one for one in play.people.values() if one.id == row.employee_id)
        form, plan = BytesIO(), BytesIO()
        await write_evaluation(person.scope, row.id, form)
        await write_plan(person.scope, row.plan_id, plan)
        checks.same("forms", f"{person.nip} evaluation", PDF, form.getvalue()[: len(PDF)])
        checks.same("forms", f"{person.nip} plan", PDF, plan.getvalue()[: len(PDF)])
    top = next(unit.code for unit in play.case.units if unit.parent is None)
    evaluation = rows[0].evaluation_period_id
    for kind in FORMS:
        paper = await write_table(play.administrator, play.units[top], evaluation, kind, BytesIO())
        checks.same("tables", kind, len(rows), paper.rows)
    for person in play.people.values():
        own = BytesIO()
        await write_own_data(person.scope, own)
        tables = orjson.loads(own.getvalue())["tables"]
        theirs = {row["id"] for row in tables["appraisal"]}
        given = {str(row.id) for row in rows if row.employee_id == person.id}
        checks.same("own data", person.nip, given, given & theirs)
