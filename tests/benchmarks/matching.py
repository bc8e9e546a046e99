"""`python -m tests.benchmarks.matching`: how often the right target is found, as tables.

Deterministic. `--fit` derives the constants of `schema/progress/matching.py` anew, `--postgres`
adds PostgreSQL's own text search and trigrams, on an embedded database.
"""

import argparse
import asyncio
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import cache
from math import log, sqrt
from time import process_time
from uuid import UUID

from schema.progress import likeness, words
from schema.progress.habits import Past
from schema.progress.likeness import Candidate, Prepared, prepared
from schema.progress.matching import THRESHOLD, Scored, Work, ranked, top
from tests.benchmarks.matching_lines import Line, Lines, read

Ranker = Callable[[Line], Sequence[UUID]]
DAY = date(2026, 6, 1)
NOBODY = UUID(int=0)
FOLDS = 5
REVEALED = (0, 1, 2, 5, 10, 20, 40)
ROUNDS = 5
GRID = [(under, whole) for under in (0.6, 0.8, 0.9, 1.0) for whole in (0.0, 2.0, 4.0, 8.0)]


def work(line: Line) -> Work:
    return Work(employee_id=NOBODY, day=DAY, plugin="p", kind=line.kind, title=line.text)


def plain(lines: Lines, *, under: bool = False) -> Ranker:
    """The baseline: cosine of TF-IDF weights of the character trigrams of the whole text."""

    def grams(text: str) -> Counter[str]:
        padded = f" {' '.join(text.casefold().split())} "
        return Counter(padded[i : i + 3] for i in range(len(padded) - 2))

    @cache
    def weighed(whose: str) -> tuple[list[Counter[str]], dict[str, float]]:
        of = lines.candidates[whose]
        texts = ["\n".join((*one.lines, *(one.under if under else ()))) for one in of]
        counted = [grams(text) for text in texts]
        among = Counter(gram for one in counted for gram in one)
        return counted, {gram: log((1 + len(of)) / (1 + n)) + 1 for gram, n in among.items()}

    def rank(line: Line) -> Sequence[UUID]:
        counted, weight = weighed(line.whose)
        asked = grams(line.text)
        scores = [
            sum(n * one[gram] * weight[gram] ** 2 for gram, n in asked.items() if gram in one)
            / sqrt(sum((n * weight[gram]) ** 2 for gram, n in one.items()))
            for one in counted
        ]
        of = lines.candidates[line.whose]
        return [of[place].id for place in sorted(range(len(of)), key=lambda i: -scores[i])]

    return rank


def ours(lines: Lines, *, under: bool = True) -> Ranker:
    """By the words alone, nothing learned; without `under` by the targets' own lines only."""

    @cache
    def among(whose: str) -> Prepared:
        of = lines.candidates[whose]
        return prepared(of if under else [Candidate(one.id, one.lines) for one in of])

    return lambda line: [one.candidate.id for one in ranked(work(line), among(line.whose))]


def found(ranker: Ranker, lines: Sequence[Line], among: int = 1) -> int:
    """For how many lines a right target is among the first so many."""
    return sum(not line.right.isdisjoint(ranker(line)[:among]) for line in lines)


def fold_of(line: Line) -> int:
    """Equal texts stand in the same fold; digits do not tell texts apart."""
    letters = "".join(c for c in line.text.casefold() if c.isalpha())
    return sum(ord(c) * place for place, c in enumerate(letters, 1)) % FOLDS


# --- The weights, chosen within the training folds ---


@contextmanager
def weighing(under: float, whole: float) -> Iterator[None]:
    """Other weights for a while."""
    before = likeness.UNDER, words.WHOLE_WORD
    likeness.UNDER, words.WHOLE_WORD = under, whole
    words.grams.cache_clear()
    try:
        yield
    finally:
        likeness.UNDER, words.WHOLE_WORD = before
        words.grams.cache_clear()


def cross_validated(lines: Lines) -> dict[str, tuple[int, int, int]]:
    """Each group's lines, first and among three, with weights chosen on the other folds."""
    places: dict[tuple[float, float], dict[Line, int]] = {}
    for weights in GRID:
        with weighing(*weights):
            places[weights] = {
                line: _place(ours_now, line)
                for ours_now in (ours(lines),)
                for line in lines.lines
                if line.right
            }
    counted = [line for line in lines.lines if line.counted]
    best = {}
    for fold in range(FOLDS):
        training = [line for line in counted if fold_of(line) != fold]
        best[fold] = max(GRID, key=lambda one: sum(places[one][line] == 0 for line in training))
    chosen = {line: places[best[fold_of(line)]][line] for line in lines.lines if line.right}
    return {
        name: (len(group), sum(chosen[x] == 0 for x in group), sum(chosen[x] < 3 for x in group))
        for name, group in lines.groups()
    }


def _place(ranker: Ranker, line: Line) -> int:
    order = ranker(line)
    return min((order.index(key) for key in line.right if key in order), default=len(order))


# --- What an employee's own confirmations add ---


def revealed(lines: Lines, count: int, *, real: bool) -> Iterator[tuple[Line, list[Past]]]:
    """Each line with so many other lines of the same candidates and kind as confirmed before."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines.lines:
        if line.real == real and line.right and not line.generic and not line.same:
            groups[line.whose, line.kind].append(line)
    for turn in range(ROUNDS):
        chance = random.Random(turn)
        for group in groups.values():
            for line in group if len(group) > 2 else ():
                others = [one for one in group if one is not line]
                shown = chance.sample(others, min(count, len(others)))
                yield line, [Past(one.text, DAY, sorted(one.right)[0]) for one in shown]


def all_ranked(
    lines: Lines, count: int, *, real: bool
) -> list[tuple[Line, list[Scored], list[Past]]]:
    among = {whose: prepared(of) for whose, of in lines.candidates.items()}
    return [
        (line, ranked(work(line), among[line.whose], past), past)
        for line, past in revealed(lines, count, real=real)
    ]


def growth(lines: Lines) -> Iterator[tuple[str, int, float, float, float, float]]:
    """For each file and number of confirmations: first, among three, suggested, and right then."""
    among = {whose: prepared(of) for whose, of in lines.candidates.items()}
    for real in (True, False):
        for count in REVEALED if real else REVEALED[:4]:
            tried = all_ranked(lines, count, real=real)
            first = sum(order[0].candidate.id in line.right for line, order, _ in tried)
            three = sum(
                not line.right.isdisjoint(one.candidate.id for one in order[:3])
                for line, order, _ in tried
            )
            said = [(line, top(work(line), among[line.whose], (), past)) for line, _, past in tried]
            sure = [(line, of[0]) for line, of in said if of and of[0].score >= THRESHOLD]
            right = sum(of.target_id in line.right for line, of in sure)
            yield (
                "real" if real else "worded",
                count,
                first / len(tried),
                three / len(tried),
                len(sure) / len(tried),
                right / max(len(sure), 1),
            )


# --- The tables ---


def row(name: str, cells: Sequence[object]) -> str:
    return f"| {name:34} | " + " | ".join(f"{cell!s:>13}" for cell in cells) + " |"


def share(hits: int, of: int) -> str:
    return f"{hits} ({hits / of:.2f})"


def accuracy(contenders: Mapping[str, Ranker], lines: Lines) -> Iterator[str]:
    groups = list(lines.groups())
    for among in (1, 3):
        yield row(f"among {among}" if among > 1 else "first", [name for name, _ in groups])
        yield row("lines", [len(group) for _, group in groups])
        for name, ranker in contenders.items():
            yield row(name, [share(found(ranker, of, among), len(of)) for _, of in groups])
        yield ""


def speed(lines: Lines) -> Iterator[str]:
    """1,000 activities over 100 employees with 20 targets each: cold, and met before."""
    pool = [one for of in lines.candidates.values() for one in of]
    texts = [line.text for line in lines.lines]
    chance = random.Random(1)
    people = [chance.sample(pool, 20) for _ in range(100)]
    past = [Past(text, DAY, pool[i].id) for i, text in enumerate(texts[:40])]
    works = [(i % 100, chance.choice(texts)) for i in range(1_000)]
    ready: dict[int, Prepared] = {}
    for name, before in (("cold", []), ("met before", []), ("with 40 earlier titles", past)):
        start = process_time()
        for person, text in works:
            if person not in ready:
                ready[person] = prepared(people[person])
            job = Work(employee_id=NOBODY, day=DAY, plugin="p", kind="k", title=text)
            top(job, ready[person], (), before)
        yield f"{name}: {(process_time() - start) / len(works) * 1e6:.0f} µs an activity"


def report(*, postgres: bool) -> Iterator[str]:
    lines = read()
    contenders = {
        "plain trigrams": plain(lines),
        "plain trigrams, and what is beneath": plain(lines, under=True),
        "ours, own lines only": ours(lines, under=False),
        "ours": ours(lines),
    }
    if postgres:
        from tests.benchmarks.matching_postgres import contenders as of_postgres

        contenders |= asyncio.run(of_postgres(lines))
    yield from accuracy(contenders, lines)
    yield "Weights chosen on four folds, counted on the fifth:"
    chosen = cross_validated(lines)
    yield row("", list(chosen))
    yield row("first", [share(first, n) for n, first, _ in chosen.values()])
    yield row("among 3", [share(three, n) for n, _, three in chosen.values()])
    yield ""
    from tests.benchmarks.matching_fit import abstention

    yield from abstention(lines)
    yield ""
    yield row("confirmed before", ["first", "among 3", "suggested", "right of these"])
    for file, count, *shares in growth(lines):
        yield row(f"{file}, {count}", [f"{one:.3f}" for one in shares])
    yield ""
    yield from speed(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.matching")
    parser.add_argument("--fit", action="store_true", help="derive the constants anew")
    parser.add_argument("--postgres", action="store_true", help="measure PostgreSQL's too")
    chosen = parser.parse_args()
    if chosen.fit:
        from tests.benchmarks.matching_fit import derived

        sys.stdout.writelines(f"{line}\n" for line in derived(read()))
    else:
        sys.stdout.writelines(f"{line}\n" for line in report(postgres=chosen.postgres))


if __name__ == "__main__":
    main()
