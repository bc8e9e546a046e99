"""The form of a plan (*SKP*) as PDF, in the order of PermenPANRB 6/2022."""

from collections.abc import Sequence
from typing import Any

from reportlab.lib.colors import black
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, PageBreak, Paragraph, Spacer

from schema.papers.lines import aspects, of_category, title_of
from schema.papers.values import BehaviourRow, Head, PlanForm, ResultRow
from schema.papers.words import APPROACHES, ATTACHMENTS, BEHAVIOURS, NOTHING, PERSPECTIVES, span
from schema.plans.models import AttachmentKind, Behaviour
from schema.targets.models import Perspective, ResultCategory
from server.papers.pages import (
    CELL,
    CENTRE,
    GRID,
    HEADING,
    LINE,
    STRONG,
    Style,
    cell,
    drawn,
    headings,
    opening,
    shaded,
    signatures,
    table,
)

CATEGORIES = ((ResultCategory.MAIN, "A. UTAMA"), (ResultCategory.ADDITIONAL, "B. TAMBAHAN"))
COLUMNS = (
    "NO",
    "RENCANA HASIL KERJA PIMPINAN YANG DIINTERVENSI",
    "RENCANA HASIL KERJA",
    "ASPEK",
    "INDIKATOR KINERJA INDIVIDU",
    "TARGET",
)
WIDTHS = (3, 22, 24, 9, 27, 15)


def plan_pdf(form: PlanForm) -> bytes:
    """The form, three parts: results, behaviours, attachments."""
    head = form.head
    approach = APPROACHES[head.approach] if head.approach else NOTHING
    title = ("SASARAN KINERJA PEGAWAI", f"PENDEKATAN HASIL KERJA {approach}")
    period = span(head.starts_on, head.ends_on)
    by_perspective = is_by_perspective(head, form.results)
    story = [
        *opening(head, title, period),
        _results(form.results, by_perspective=by_perspective),
        Spacer(0, 3 * mm),
        _behaviours(form.behaviours),
        signatures(head, head.set_on),
        PageBreak(),
        *_attachments(form),
    ]
    footer = f"SKP {head.employee.name or NOTHING} · {period} · {head.id}"
    return drawn(f"SKP {head.employee.nip or ''}".strip(), footer, story)


def _results(results: Sequence[ResultRow], *, by_perspective: bool) -> Flowable:
    columns = list(COLUMNS)
    if by_perspective:
        columns[1] = "PERSPEKTIF"
    rows: list[list[Paragraph | str]] = [
        [cell("HASIL KERJA", STRONG), *[""] * 5],
        list(headings(columns)),
    ]
    styles: list[Style] = [("SPAN", (0, 0), (-1, 0)), shaded(0, 1), *framed(2)]
    for category, words in CATEGORIES:
        band(rows, styles, words)
        chosen = in_order(of_category(results, category), by_perspective=by_perspective)
        for place, one in enumerate(chosen, start=1):
            of = perspective_of(one) if by_perspective else one.serves or NOTHING
            start = [cell(str(place), CENTRE), cell(of), cell(title_of(one))]
            for line, (aspect, what, aim, _) in enumerate(aspects(one)):
                rows.append(
                    [*(start if not line else [""] * 3), cell(aspect), cell(what), cell(aim)]
                )
                ruled(styles, len(rows) - 1, 3, begins=not line)
        if not chosen:
            rows.append([cell(NOTHING, CENTRE), *[""] * 5])
            ruled(styles, len(rows) - 1, 3, begins=True)
    return table(rows, WIDTHS, styles, repeat=2)


def is_by_perspective(head: Head, results: Sequence[ResultRow]) -> bool:
    """Who leads a unit groups results by perspective, in place of the superior's results."""
    return head.heads_unit and any(one.perspective for one in results)


def in_order(results: Sequence[ResultRow], *, by_perspective: bool) -> list[ResultRow]:
    """As the plan has them; of a head by perspective, those without one last."""
    if not by_perspective:
        return list(results)
    places = {one: place for place, one in enumerate(Perspective)}
    return sorted(
        results, key=lambda one: places[one.perspective] if one.perspective else len(places)
    )


def perspective_of(result: ResultRow) -> str:
    return PERSPECTIVES[result.perspective] if result.perspective else NOTHING


def framed(head: int) -> list[Style]:
    """Lines around a table and between its columns; the first rows have a grid."""
    return [
        ("BOX", (0, 0), (-1, -1), LINE, black),
        ("GRID", (0, 0), (-1, head - 1), LINE, black),
        ("LINEAFTER", (0, head), (-2, -1), LINE, black),
    ]


def ruled(styles: list[Style], row: int, shared: int, *, begins: bool) -> None:
    """A line above a row; where a result goes on, not above what its lines share."""
    styles.append(("LINEABOVE", (0 if begins else shared, row), (-1, row), LINE, black))


def band(rows: list[list[Paragraph | str]], styles: list[Style], words: str) -> None:
    """A row with one cell over all columns."""
    place = len(rows)
    rows.append([cell(words, STRONG), *[""] * (len(rows[0]) - 1)])
    styles += [
        ("SPAN", (0, place), (-1, place)),
        ("LINEABOVE", (0, place), (-1, place), LINE, black),
        ("LINEBELOW", (0, place), (-1, place), LINE, black),
    ]


def guide(behaviour: Behaviour) -> list[Paragraph]:
    """A core value with its guide of behaviour."""
    name, lines = BEHAVIOURS[behaviour]
    return [cell(name, STRONG), *(cell(f"• {line}") for line in lines)]


def _behaviours(rows_of: Sequence[BehaviourRow]) -> Flowable:
    expected = {one.behaviour: one.expectation for one in rows_of}
    rows: list[list[Any]] = [
        [cell("PERILAKU KERJA", STRONG), "", ""],
        headings(("NO", "NILAI DASAR ASN DAN PANDUAN PERILAKU", "EKSPEKTASI KHUSUS PIMPINAN")),
    ]
    for place, one in enumerate(Behaviour, start=1):
        rows.append(
            [cell(str(place), CENTRE), guide(one), cell(expected.get(one) or NOTHING, CELL)]
        )
    return table(rows, (3, 52, 45), [GRID, shaded(0, 1), ("SPAN", (0, 0), (-1, 0))], repeat=2)


def _attachments(form: PlanForm) -> list[Flowable]:
    rows: list[list[Any]] = [[cell("LAMPIRAN SASARAN KINERJA PEGAWAI", HEADING), ""]]
    styles: list[Style] = [GRID, shaded(0, 0), ("SPAN", (0, 0), (-1, 0))]
    for kind in AttachmentKind:
        place = len(rows)
        rows.append([cell(ATTACHMENTS[kind], STRONG), ""])
        styles.append(("SPAN", (0, place), (-1, place)))
        lines = [one.text for one in form.attachments if one.kind is kind]
        rows += [[cell(str(n), CENTRE), cell(text)] for n, text in enumerate(lines, start=1)]
        if not lines:
            rows.append([cell(NOTHING, CENTRE), ""])
    return [table(rows, (3, 97), styles, repeat=1)]
