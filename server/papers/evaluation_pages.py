"""The form of an evaluation (*evaluasi kinerja pegawai*) as PDF, in the order of PermenPANRB
6/2022."""

from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, Spacer

from schema.appraisals.models import AppraisalState
from schema.papers.lines import (
    achieved_in_all,
    aspects,
    feedback_on,
    of_category,
    reached,
    title_of,
)
from schema.papers.values import EvaluationForm
from schema.papers.words import (
    NOTHING,
    PATTERNS,
    PREDICATES,
    RATINGS,
    UNIT_PREDICATES,
    evaluation,
    hours,
    number,
    span,
)
from schema.plans.models import Behaviour
from server.papers.pages import (
    CENTRE,
    GRID,
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
from server.papers.plan_pages import (
    CATEGORIES,
    band,
    framed,
    guide,
    in_order,
    is_by_perspective,
    perspective_of,
    ruled,
)

COLUMNS = (
    "NO",
    "RENCANA HASIL KERJA PIMPINAN YANG DIINTERVENSI",
    "RENCANA HASIL KERJA",
    "ASPEK",
    "INDIKATOR KINERJA INDIVIDU",
    "TARGET",
    "REALISASI BERDASARKAN BUKTI DUKUNG",
    "UMPAN BALIK BERKELANJUTAN BERDASARKAN BUKTI DUKUNG",
)
WIDTHS = (3, 16, 17, 8, 17, 11, 12, 16)


def evaluation_pdf(form: EvaluationForm) -> bytes:
    """The form: the unit's result, results, behaviours, predicate, signatures."""
    judged, head = form.judgement, form.head
    period = evaluation(judged.kind, judged.number, judged.ends_on.year)
    title = ("EVALUASI KINERJA PEGAWAI", f"PERIODE: {period.upper()}")
    story = [
        *opening(head, title, span(judged.starts_on, judged.ends_on)),
        *_organization(form),
        _results(form),
        Spacer(0, 3 * mm),
        _behaviours(form),
        Spacer(0, 3 * mm),
        signatures(head, judged.signed_on, above=[_outcome(form)]),
    ]
    name = f"Evaluasi {head.employee.nip or ''} {judged.ends_on}"
    return drawn(name, _footer(form), story)


def _footer(form: EvaluationForm) -> str:
    judged = form.judgement
    if judged.state is AppraisalState.SIGNED and judged.digest:
        return f"Disegel, SHA-256 {judged.digest} · {judged.id}"
    return f"BELUM DITANDATANGANI: isi masih dapat berubah · {judged.id}"


def _organization(form: EvaluationForm) -> list[Flowable]:
    """The unit's result and the pattern that it suggests, where the reader sees it."""
    predicate = form.judgement.unit_predicate
    if predicate is None:
        return []
    rows = [
        [cell("CAPAIAN KINERJA ORGANISASI", STRONG), cell(UNIT_PREDICATES[predicate], STRONG)],
        [cell("POLA DISTRIBUSI", STRONG), cell(PATTERNS[predicate])],
    ]
    return [table(rows, (25, 75), [GRID]), Spacer(0, 3 * mm)]


def _results(form: EvaluationForm) -> Flowable:
    by_perspective = is_by_perspective(form.head, form.grounds.results)
    columns = list(COLUMNS)
    if by_perspective:
        columns[1] = "PERSPEKTIF"
    rows: list[list[Paragraph | str]] = [
        [cell("HASIL KERJA", STRONG), *[""] * 7],
        list(headings(columns)),
    ]
    styles: list[Style] = [("SPAN", (0, 0), (-1, 0)), shaded(0, 1), *framed(2)]
    for category, words in CATEGORIES:
        band(rows, styles, words)
        chosen = of_category(form.grounds.results, category)
        for place, one in enumerate(in_order(chosen, by_perspective=by_perspective), start=1):
            of = perspective_of(one) if by_perspective else one.serves or NOTHING
            said = "\n".join(feedback_on(form.judgement, one)) or NOTHING
            found = [reached(one, form.grounds)]
            for line, (aspect, what, aim, got) in enumerate(aspects(one)):
                start = [cell(str(place), CENTRE), cell(of), cell(title_of(one))]
                texts = "\n".join([got, *(found if not line else ())])
                rows.append(
                    [
                        *(start if not line else [""] * 3),
                        *(cell(aspect), cell(what), cell(aim), cell(texts)),
                        cell(said) if not line else "",
                    ]
                )
                _ruled(styles, len(rows) - 1, begins=not line)
        if not chosen:
            rows.append([cell(NOTHING, CENTRE), *[""] * 7])
            ruled(styles, len(rows) - 1, 3, begins=True)
    return table(rows, WIDTHS, styles, repeat=2)


def _ruled(styles: list[Style], row: int, *, begins: bool) -> None:
    ruled(styles, row, 3, begins=begins)
    if not begins:  # feedback is of the whole result: no line through it
        command, first, _, *how = styles.pop()
        styles.append((command, first, (-2, row), *how))


def _behaviours(form: EvaluationForm) -> Flowable:
    expected = {one.behaviour: one.expectation for one in form.grounds.behaviours}
    rows: list[list[Any]] = [
        [cell("PERILAKU KERJA", STRONG), "", "", ""],
        headings(
            (
                "NO",
                "NILAI DASAR ASN DAN PANDUAN PERILAKU",
                "EKSPEKTASI KHUSUS PIMPINAN",
                "UMPAN BALIK BERKELANJUTAN BERDASARKAN BUKTI DUKUNG",
            )
        ),
    ]
    for place, one in enumerate(Behaviour, start=1):
        said = "\n".join(feedback_on(form.judgement, one)) or NOTHING
        rows.append(
            [
                cell(str(place), CENTRE),
                guide(one),
                cell(expected.get(one) or NOTHING),
                cell(said),
            ]
        )
    styles: list[Style] = [GRID, shaded(0, 1), ("SPAN", (0, 0), (-1, 0))]
    return table(rows, (3, 45, 26, 26), styles, repeat=2)


def _outcome(form: EvaluationForm) -> Flowable:
    """Ratings with their reasons, hours, and the predicate, which the matrix gives."""
    judged, time = form.judgement, form.grounds.time
    percent = achieved_in_all(form.grounds)
    share = NOTHING if percent is None else f"{number(percent, 2)}%"
    worked = (
        f"{number(hours(time.recorded_minutes), 2)} dari {number(hours(time.required_minutes), 2)} "
        f"jam; {number(time.days_filled)} dari {number(time.days_asked)} hari kerja terisi"
    )
    work = RATINGS[judged.work_rating] if judged.work_rating else NOTHING
    behaviour = RATINGS[judged.behaviour_rating] if judged.behaviour_rating else NOTHING
    predicate = PREDICATES[judged.predicate] if judged.predicate else NOTHING
    rows: list[list[Any]] = [
        [cell("RATING HASIL KERJA", STRONG), cell(work, STRONG), cell(judged.work_reason or "")],
        [
            cell("RATING PERILAKU KERJA", STRONG),
            cell(behaviour, STRONG),
            cell(judged.behaviour_reason or ""),
        ],
        [cell("CAPAIAN RATA-RATA", STRONG), cell(share), cell(worked)],
        [cell("PREDIKAT KINERJA PEGAWAI", STRONG), cell(predicate, STRONG), ""],
    ]
    styles: list[Style] = [GRID, shaded(3, 3), ("SPAN", (1, 3), (2, 3))]
    return table(rows, (25, 25, 50), styles)
