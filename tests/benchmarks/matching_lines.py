"""The labelled lines that matching is measured on, and the candidates of each, from `cases/`."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from schema.progress.likeness import Candidate

CASES = Path(__file__).parents[2] / "cases"
MOST_UNDER = 40
# The sheet's lines are themselves targets of this level: left out, or the lines would find
# themselves.
SAME_AS_LINES = "aktivitas"
CASE_OF_SET = {
    "tapin_iku": "bps_tapin_2026",
    "tapin_ro": "bps_tapin_2026",
    "tapin_kegiatan": "bps_tapin_2026",
    "aceh_item": "bps_aceh_zi_2025",
}


@dataclass(frozen=True)
class Line:
    """A line of work; `whose` names the candidates, `kind` its source's kind of work."""

    text: str
    whose: str
    kind: str
    right: frozenset[UUID]
    real: bool
    generic: bool
    same: bool
    """The text is word for word that of a line of its target."""

    @property
    def counted(self) -> bool:
        """It has a target that a human can tell, in other words than the target's own."""
        return bool(self.right) and not self.generic and not self.same


@dataclass(frozen=True)
class Lines:
    """All lines, and the candidates by the name that lines give."""

    lines: tuple[Line, ...]
    candidates: Mapping[str, tuple[Candidate, ...]]

    def groups(self) -> Iterator[tuple[str, list[Line]]]:
        """The groups that are reported, each with its lines."""
        real = [line for line in self.lines if line.real and line.right]
        yield "real, all", real
        yield "real, a human can tell", [line for line in real if not line.generic]
        yield "real, text of a target", [line for line in real if line.same]
        yield "real, in other words", [line for line in real if line.counted]
        yield "- letters", [line for line in real if line.kind == "hal surat keluar"]
        yield "- generic", [line for line in real if line.generic]
        yield "worded by us", [line for line in self.lines if not line.real and line.right]


def key(code: str) -> UUID:
    """The id that stands for a case's target here."""
    return uuid5(NAMESPACE_OID, code)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


class _Case:
    def __init__(self, name: str) -> None:
        text = (CASES / f"cascade_{name}.json").read_text("utf-8")
        self.targets: dict[str, dict[str, Any]] = {
            target["code"]: target for target in json.loads(text)["targets"]
        }
        self.children = defaultdict(list)
        for code, target in self.targets.items():
            self.children[target["parent"]].append(code)

    def candidate(self, code: str, without: str | None = None) -> Candidate:
        target = self.targets[code]
        own = (target, *target["indicators"], *target["stages"])
        under = dict.fromkeys(self._under(code, without, 2))
        return Candidate(
            key(code), tuple(one["title"] for one in own), tuple(list(under)[:MOST_UNDER])
        )

    def _under(self, code: str, without: str | None, steps: int) -> Iterator[str]:
        for child in self.children[code] if steps else ():
            if self.targets[child].get("node") != without or without is None:
                yield self.targets[child]["title"]
                yield from self._under(child, without, steps - 1)

    def of_person(self, nip: str) -> tuple[Candidate, ...]:
        owned = (code for code, one in self.targets.items() if one["owner"].get("nip") == nip)
        return tuple(self.candidate(code) for code in owned)


@cache
def read() -> Lines:
    """Both files, in their order."""
    cases = {name: _Case(name) for name in (*set(CASE_OF_SET.values()), *JABAR)}
    candidates: dict[str, tuple[Candidate, ...]] = {}
    lines: list[Line] = []
    real = json.loads((CASES / "activities_real.json").read_text("utf-8"))
    for name, codes in real["candidate_sets"].items():
        case = cases[CASE_OF_SET[name]]
        candidates[name] = tuple(case.candidate(code, SAME_AS_LINES) for code in codes)
    for one in real["lines"]:
        generic = one.get("generic", False)
        lines.append(
            _line(one, one["candidates"], one["kind"], candidates, real=True, generic=generic)
        )
    for one in json.loads((CASES / "activities_worded.json").read_text("utf-8"))["lines"]:
        whose = f"{one['case']}:{one['nip']}"
        if whose not in candidates:
            candidates[whose] = cases[one["case"]].of_person(one["nip"])
        lines.append(_line(one, whose, "", candidates, real=False, generic=False))
    return Lines(tuple(lines), candidates)


JABAR = ("jabar_biro_organisasi_2016", "jabar_diskominfo_2016")


def _line(
    one: dict[str, Any],
    whose: str,
    kind: str,
    candidates: Mapping[str, tuple[Candidate, ...]],
    *,
    real: bool,
    generic: bool,
) -> Line:
    right = frozenset(key(code) for code in one["right"])
    texts = {_plain(text) for of in candidates[whose] if of.id in right for text in of.lines}
    return Line(one["text"], whose, kind, right, real, generic, _plain(one["text"]) in texts)
