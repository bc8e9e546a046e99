"""The confidences of `schema/progress/matching.py`: derived from labelled lines, and checked.

A confidence is a logistic function of the best score and its margin over the second. It is fitted
by Newton's method with a small penalty, on lines with a target and on lines without one; what is
reported of it comes from five folds, each counted with constants fitted on the other four.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import exp

from schema.progress.likeness import prepared
from schema.progress.matching import THRESHOLD, Scale, Scored, ranked
from tests.benchmarks.matching import FOLDS, all_ranked, fold_of, row, work
from tests.benchmarks.matching_lines import Line, Lines

PENALTY = 0.1
STEPS = 25
THRESHOLDS = (0.4, 0.5, THRESHOLD, 0.7, 0.8)
HABITS_SEEN = (2, 5, 10, 20)


@dataclass(frozen=True)
class Sample:
    """A best score and its margin, and whether it was right."""

    line: Line
    score: float
    margin: float
    right: bool


def sample(line: Line, order: Sequence[Scored]) -> Sample:
    second = order[1].score if len(order) > 1 else 0.0
    best = order[0]
    return Sample(line, best.score, best.score - second, best.candidate.id in line.right)


def by_text(lines: Lines) -> list[Sample]:
    """All lines that are not a target's own text: those have nothing to teach."""
    among = {whose: prepared(of) for whose, of in lines.candidates.items()}
    tried = [line for line in lines.lines if not line.same and lines.candidates[line.whose]]
    return [sample(line, ranked(work(line), among[line.whose])) for line in tried]


def by_habit(lines: Lines) -> list[Sample]:
    """The cases that the past decides, with two to twenty lines revealed."""
    tried = (all_ranked(lines, count, real=True) for count in HABITS_SEEN)
    return [sample(line, order) for of in tried for line, order, _ in of if order[0].by_habit]


def fitted(samples: Sequence[Sample]) -> Scale:
    """Newton's method on three constants; each step solves three linear equations."""
    b = [0.0, 0.0, 0.0]
    for _ in range(STEPS):
        slope = [-PENALTY * one for one in b]
        bend = [[PENALTY if i == j else 0.0 for j in range(3)] for i in range(3)]
        for one in samples:
            x = (1.0, one.score, one.margin)
            sure = 1 / (1 + exp(-sum(p * q for p, q in zip(b, x, strict=True))))
            for i in range(3):
                slope[i] += (one.right - sure) * x[i]
                for j in range(3):
                    bend[i][j] += sure * (1 - sure) * x[i] * x[j]
        b = [one + step for one, step in zip(b, _solved(bend, slope), strict=True)]
    return Scale(*(round(one, 2) for one in b))


def _solved(left: list[list[float]], right: list[float]) -> list[float]:
    """Gauss and Jordan; the penalty keeps the diagonal above zero."""
    rows = [[*of, value] for of, value in zip(left, right, strict=True)]
    for i in range(len(rows)):
        rows[i] = [one / rows[i][i] for one in rows[i]]
        for j in range(len(rows)):
            if j != i:
                rows[j] = [p - rows[j][i] * q for p, q in zip(rows[j], rows[i], strict=True)]
    return [of[-1] for of in rows]


def out_of_fold(samples: Sequence[Sample]) -> list[tuple[Sample, float]]:
    """Each with the confidence by constants that were fitted without its fold."""
    found = []
    for fold in range(FOLDS):
        scale = fitted([one for one in samples if fold_of(one.line) != fold])
        found += [
            (one, scale.of(one.score, one.margin)) for one in samples if fold_of(one.line) == fold
        ]
    return found


def abstention(lines: Lines) -> Iterator[str]:
    """At several thresholds: how many lines get a suggestion, and how many of these are right."""
    sure = out_of_fold(by_text(lines))
    groups = {
        "real, in other words": [x for x in sure if x[0].line.real and x[0].line.counted],
        "real, generic": [x for x in sure if x[0].line.generic],
        "worded by us": [x for x in sure if not x[0].line.real and x[0].line.right],
        "no target is right": [x for x in sure if not x[0].line.right],
    }
    yield "Confidence fitted on four folds, counted on the fifth: suggested, and right of these:"
    yield row("threshold", [f"{one:.1f}" for one in THRESHOLDS])
    for name, of in groups.items():
        yield row(f"{name} ({len(of)})", [_said(of, threshold) for threshold in THRESHOLDS])
    yield "How sure against how right (all lines, ten steps of confidence):"
    for low in range(10):
        within = [one for one, value in sure if low <= value * 10 < low + 1]
        if within:
            right = sum(one.right for one in within) / len(within)
            steps = f"{low / 10:.1f} to {low / 10 + 0.1:.1f}"
            yield f"{steps}: {len(within):4} lines, right {right:.2f}"


def _said(of: Sequence[tuple[Sample, float]], threshold: float) -> str:
    said = [one for one, sure in of if sure >= threshold]
    return f"{len(said)}, {sum(one.right for one in said)}"


def derived(lines: Lines) -> Iterator[str]:
    """The constants as they are to be written into `schema/progress/matching.py`."""
    for name, samples in (("BY_TEXT", by_text(lines)), ("BY_HABIT", by_habit(lines))):
        scale = fitted(samples)
        yield f"{name} = Scale({scale.base}, {scale.score}, {scale.margin})  # {len(samples)} lines"
