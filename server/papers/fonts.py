"""The letters of PDFs: Helvetica, which every reader has, and Vera for what it lacks."""

import unicodedata
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, BOLD = "Helvetica", "Helvetica-Bold"
SPARE = "Vera"
ALIKE = {"→": "->", "←": "<-", "⇒": "=>", "✓": "v", "✔": "v", "‑": "-"}
UNKNOWN = "?"
"""Stands for a character that neither has, such as of another script."""


@cache
def _spare() -> frozenset[int]:
    """The characters that Vera draws; it comes with reportlab and is embedded where needed."""
    font = TTFont(SPARE, str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"))
    pdfmetrics.registerFont(font)
    return frozenset(font.face.charToGlyph)


def marked_up(text: str) -> str:
    """A text as reportlab's paragraphs take it: escaped, lines kept, other letters in Vera."""
    return "".join(_drawn(char) for char in text.replace("\r\n", "\n"))


def _drawn(char: str) -> str:
    if char == "\n":
        return "<br/>"
    if char == "\t":
        return " "
    if not char.isprintable():
        return ""
    if _is_usual(char):
        return escape(char)
    if ord(char) in _spare():
        return f'<font name="{SPARE}">{char}</font>'
    alike = ALIKE.get(char) or unicodedata.normalize("NFKD", char)
    return escape("".join(one if _is_usual(one) else UNKNOWN for one in alike))


def _is_usual(char: str) -> bool:
    try:
        char.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
