"""What was measured, as a table in docs/benchmarks.md, numbers in JSON and a drawing."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.data import ROOT
from tests.benchmarks.questions import QUESTIONS

PAGE = ROOT / "docs" / "benchmarks.md"
FOLDER = ROOT / "docs" / "benchmarks"
NAMES = {
    "ekinerja": "this server",
    "limit": "the limit",
    "postgraphile": "PostGraphile 5",
    "loaders": "Strawberry, Tortoise, loaders",
}
COLOURS = {
    "ekinerja": "#0b6e4f",
    "limit": "#9aa5b1",
    "postgraphile": "#3b6fb6",
    "loaders": "#c9743b",
}
GOALS = (
    ("tree", "postgraphile", 2.4),
    ("calendar", "postgraphile", 1.4),
    ("team", "postgraphile", 1.1),
    ("tree", "limit", 0.85),
    ("team", "limit", 0.6),
    ("calendar", "limit", 0.6),
    ("inbox", "limit", 0.6),
    ("thread", "limit", 0.6),
)
"""Of this server's answers a second to another's, at least."""
GROWTH_GOAL = 1.2
GROWTH_QUESTIONS = ("team", "calendar")

Cells = Mapping[str, Mapping[str, Mapping[str, float]]]


def machine() -> dict[str, Any]:
    """What it was measured on; no name of it."""
    return {
        "cpu": _cpu(),
        "cpus": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "python": platform.python_version(),
        "system": platform.system(),
    }


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.machine())


def ratio(cells: Cells, question: str, other: str) -> float:
    """This server's answers a second by another's."""
    asked = cells[question]
    return asked["ekinerja"]["answers_per_second"] / asked[other]["answers_per_second"]


def comparison(cells: Cells, nodes: Mapping[str, int], memory: Mapping[str, float]) -> str:
    """The tables of one run of all servers, in Markdown."""
    lines = [
        "| question | server | p50 ms | p99 ms | answers/s (16 connections) | "
        "slowest to fastest round | bytes | this server is |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for question in QUESTIONS:
        for label, cell in cells[question.name].items():
            title = f"{question.title}, {nodes[question.name]:,} objects"
            share = "" if label == "ekinerja" else f"{ratio(cells, question.name, label):.2f} x"
            lines.append(
                f"| {title if label == 'ekinerja' else ''} | {NAMES[label]} | "
                f"{cell['p50_ms']:.2f} | {cell['p99_ms']:.2f} | "
                f"{cell['answers_per_second']:,.1f} | {cell['slowest_round']:,.1f} to "
                f"{cell['fastest_round']:,.1f} | {cell['bytes']:,.0f} | {share} |"
            )
    lines += ["", "| goal (answers a second) | at least | measured | |", "|---|---|---|---|"]
    for name, other, goal in GOALS:
        found = ratio(cells, name, other)
        met = "met" if found >= goal else "not met"
        lines.append(f"| {name}, to {NAMES[other]} | {goal} | {found:.2f} | {met} |")
    lines += ["", "| process | resident memory, MB |", "|---|---|"]
    lines += [f"| {NAMES[name]} | {size:.0f} |" for name, size in memory.items()]
    return "\n".join(lines)


def growth(cells: Cells, small: str, large: str) -> str:
    """How much slower the same questions are with ten times the records, in Markdown."""
    lines = [
        "| question | server | p50 ms | tenfold | times | answers/s | tenfold | times as few | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for question in QUESTIONS:
        for name in ("ekinerja", "limit"):
            few, many = (cells[question.name][f"{name}@{size}"] for size in (small, large))
            slower = many["p50_ms"] / few["p50_ms"]
            fewer = few["answers_per_second"] / many["answers_per_second"]
            judged = question.name in GROWTH_QUESTIONS and name == "ekinerja"
            met = "met" if max(slower, fewer) <= GROWTH_GOAL else "not met"
            lines.append(
                f"| {question.title} | {NAMES[name]} | {few['p50_ms']:.2f} | "
                f"{many['p50_ms']:.2f} | {slower:.2f} | {few['answers_per_second']:,.1f} | "
                f"{many['answers_per_second']:,.1f} | {fewer:.2f} | "
                f"{f'goal {GROWTH_GOAL}: {met}' if judged else ''} |"
            )
    return "\n".join(lines)


def write_json(name: str, result: Mapping[str, Any], folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def write_between(marker: str, text: str, page: Path = PAGE) -> None:
    """Replace what stands between `<!-- MARKER -->` and `<!-- /MARKER -->`.

    Raises:
        ValueError: the page has no such place.
    """
    opening, closing = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    before, found, rest = page.read_text().partition(opening)
    _, ended, after = rest.partition(closing)
    if not (found and ended):
        raise ValueError(f"{page} has no {opening} ... {closing}")
    page.write_text(f"{before}{opening}\n{text}\n{closing}{after}")


BAR, GAP, LEFT, WIDTH = 16, 26, 190, 520


def drawing(cells: Cells, labels: Sequence[str]) -> str:
    """Bars of answers a second as a share of the limit's, as SVG."""
    height = len(QUESTIONS) * (len(labels) * BAR + GAP) + 60
    scale = WIDTH / max(1.1, *(_share(cells, q.name, one) for q in QUESTIONS for one in labels))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT + WIDTH + 90} {height}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{LEFT}" y="20">Answers a second, as a share of the limit\'s '
        "(one process, one core)</text>",
    ]
    top = 36
    for question in QUESTIONS:
        parts.append(f'<text x="8" y="{top + BAR}">{question.title}</text>')
        for label in labels:
            share = _share(cells, question.name, label)
            rate = cells[question.name][label]["answers_per_second"]
            parts.append(
                f'<rect x="{LEFT}" y="{top}" width="{share * scale:.1f}" height="{BAR - 3}" '
                f'fill="{COLOURS[label]}"/><text x="{LEFT + share * scale + 5:.1f}" '
                f'y="{top + 11}" font-size="10">{rate:,.0f}/s</text>'
            )
            top += BAR
        top += GAP
    for place, label in enumerate(labels):
        x = 8 + place * 180
        parts.append(
            f'<rect x="{x}" y="{top - 8}" width="12" height="12" fill="{COLOURS[label]}"/>'
            f'<text x="{x + 17}" y="{top + 2}">{NAMES[label]}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _share(cells: Cells, question: str, label: str) -> float:
    asked = cells[question]
    return asked[label]["answers_per_second"] / asked["limit"]["answers_per_second"]
