"""What both forms are laid out of: pages with their footer, cells, tables, the two who sign."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from io import BytesIO
from typing import Any, cast

from reportlab.lib.colors import Color, black
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    Flowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from schema.papers.values import Head, Party
from schema.papers.words import NOTHING, day
from server.papers.fonts import BOLD, PLAIN, marked_up

PAGE = landscape(A4)
MARGIN = 14 * mm
WIDTH = PAGE[0] - 2 * MARGIN
TOP, BOTTOM = 12 * mm, 15 * mm
FULL = PAGE[1] - TOP - BOTTOM - 12
"""The height of a page's frame, whose padding is 6 points on each side."""
SHADE = Color(0.9, 0.9, 0.9)
LINE = 0.5
NAMELESS = "." * 40
LONGEST_CELL = 30_000
"""Letters of one cell: six of the longest reasons, and some seconds."""
LINE_LETTERS = 30
"""A new line takes the room of so many."""

CELL = ParagraphStyle("cell", fontName=PLAIN, fontSize=8, leading=9.8)
CENTRE = ParagraphStyle("centre", parent=CELL, alignment=TA_CENTER)
RIGHT = ParagraphStyle("right", parent=CELL, alignment=TA_RIGHT)
STRONG = ParagraphStyle("strong", parent=CELL, fontName=BOLD)
HEADING = ParagraphStyle("heading", parent=STRONG, alignment=TA_CENTER)
TITLE = ParagraphStyle("title", parent=HEADING, fontSize=12, leading=15)

Style = tuple[Any, ...]


class NumberedCanvas(Canvas):
    """Draws every page's footer when it is known how many there are."""

    def __init__(self, *given: Any, footer: str, **named: Any) -> None:
        super().__init__(*given, **named)
        self._footer = footer
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]

    def save(self) -> None:
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self.setFont(PLAIN, 6.5)
            self.drawString(MARGIN, 8 * mm, self._footer)
            self.drawRightString(
                PAGE[0] - MARGIN, 8 * mm, f"Halaman {number} dari {len(self._pages)}"
            )
            super().showPage()
        super().save()


class LongTable(Table):
    """Goes on to the next page between two rows, and within one only where a page is too short
    for it: reportlab would begin such a row below the heads again, on the same page."""

    def split(self, availWidth: float, availHeight: float) -> list[Flowable]:
        self._calc(availWidth, availHeight)  # type: ignore[attr-defined]
        parts = cast("list[Flowable]", self._splitRows(availHeight))  # type: ignore[attr-defined]
        if parts or availHeight < FULL - 1:
            return parts
        within = self._splitRows(availHeight, doInRowSplit=1)  # type: ignore[attr-defined]
        return cast("list[Flowable]", within)


def drawn(title: str, footer: str, story: Sequence[Flowable]) -> bytes:
    """A PDF of these flowables; the same ones make the same bytes."""
    target = BytesIO()
    document = SimpleDocTemplate(
        target,
        pagesize=PAGE,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=TOP,
        bottomMargin=BOTTOM,
        title=title,
        author="",
        invariant=1,
        lang="id-ID",
    )
    document.build(list(story), canvasmaker=partial(NumberedCanvas, footer=footer))
    return target.getvalue()


def cell(text: str, style: ParagraphStyle = CELL) -> Paragraph:
    """A text; of one that would fill many pages the beginning, and that there is more."""
    return Paragraph(marked_up(fitting(text)), style)


def fitting(text: str) -> str:
    """As much of a text as one cell shows. A cell is laid out anew on each page that it goes on
    to, so that a hundred pages take minutes; what is cut off is in the application."""
    left = LONGEST_CELL
    for place, char in enumerate(text):
        left -= LINE_LETTERS if char == "\n" else 1
        if left < 0:
            more = f"… (masih {len(text) - place} huruf, lihat di aplikasi)"
            return f"{text[:place]}\n{more}"
    return text


def headings(words: Sequence[str]) -> list[Paragraph]:
    return [cell(word, HEADING) for word in words]


def table(
    rows: Sequence[Sequence[Any]], widths: Sequence[float], styles: Sequence[Style], repeat: int = 0
) -> Table:
    """A table over the page's width, by shares of it; its first rows come again on each page."""
    whole = sum(widths)
    made = LongTable(
        [list(row) for row in rows],
        colWidths=[WIDTH * share / whole for share in widths],
        repeatRows=repeat,
        splitInRow=1,
    )
    common: list[Style] = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("FONTSIZE", (0, 0), (-1, -1), CELL.fontSize),
        ("LEADING", (0, 0), (-1, -1), CELL.leading),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
    ]
    made.setStyle(TableStyle([*common, *styles]))
    return made


GRID: Style = ("GRID", (0, 0), (-1, -1), LINE, black)


def shaded(first: int, last: int) -> Style:
    return ("BACKGROUND", (0, first), (-1, last), SHADE)


def opening(head: Head, title: Sequence[str], period: str) -> list[Flowable]:
    """The title, the agency and the period, and the blocks of the two parties."""
    line = [cell(head.agency.upper(), STRONG), cell(f"PERIODE PENILAIAN: {period}", RIGHT)]
    return [
        *(cell(text, TITLE) for text in title),
        Spacer(0, 3 * mm),
        table([line], (1, 1), ()),
        _parties(head),
        Spacer(0, 3 * mm),
    ]


def _parties(head: Head) -> Table:
    left, right = (_of(party) for party in (head.employee, head.appraiser))
    rows: list[list[Any]] = [
        [
            *headings(("NO", "PEGAWAI YANG DINILAI")),
            "",
            *headings(("NO", "PEJABAT PENILAI KINERJA")),
            "",
        ]
    ]
    for place, (name, of_left, of_right) in enumerate(
        zip(LABELS, left, right, strict=True), start=1
    ):
        number = cell(str(place), CENTRE)
        rows.append([number, cell(name), cell(of_left), number, cell(name), cell(of_right)])
    spans: list[Style] = [("SPAN", (1, 0), (2, 0)), ("SPAN", (4, 0), (5, 0))]
    return table(rows, (3, 14, 33, 3, 14, 33), [GRID, shaded(0, 0), *spans])


LABELS = ("NAMA", "NIP", "PANGKAT/GOL. RUANG", "JABATAN", "UNIT KERJA")


def _of(party: Party) -> list[str]:
    parts = (party.name, party.nip, party.rank, party.position, party.unit)
    return [part or NOTHING for part in parts]


def signatures(head: Head, on: date | None, above: Sequence[Flowable] = ()) -> Flowable:
    """Where the two sign: the employee on the left, the appraiser with place and day on the
    right. They stand on one page with what is signed just above."""
    when = f"{'.' * 22}, {day(on) if on else '.' * 24}"
    rows: list[list[Any]] = [
        ["", "", cell(when, CENTRE)],
        [cell("Pegawai yang Dinilai,", CENTRE), "", cell("Pejabat Penilai Kinerja,", CENTRE)],
        [Spacer(0, 18 * mm), "", ""],
        [_signer(head.employee), "", _signer(head.appraiser)],
    ]
    return KeepTogether([*above, Spacer(0, 5 * mm), table(rows, (2, 1, 2), ())])


def _signer(party: Party) -> list[Paragraph]:
    name = f"<b><u>{marked_up(party.name or NAMELESS)}</u></b>"
    return [Paragraph(name, CENTRE), cell(f"NIP {party.nip or NAMELESS}", CENTRE)]
