"""How alike a work's words and a target's words are: pure, from the words alone.

Work mostly repeats one line of a target (its title, an indicator, a stage, or the title of a
target beneath it), not all of them, so each line is compared by itself and the best one counts.
A line's words become weighted n-grams (`words.grams`), rare ones among the candidates weigh more,
and likeness is the cosine: 1 for the same words, 0 for none alike. Initials are read as the words
that a candidate writes in full. What the weights were chosen on is in docs/matching.md.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import log, sqrt
from uuid import UUID

from schema.progress.words import Run, grams, meanings, runs, words

UNDER = 0.9
"""What a line of a target beneath the candidate counts, where one of its own counts 1."""
MEANT = 1.0
"""What all words together weigh that a work's initials may stand for; the initials weigh 1."""
FAINT = 0.01
"""A word that is less alike to a whole line than this is not heard there."""
MOST_HEARD = 1_000
"""How many different words of works are remembered with a set of candidates."""

_REMEMBERED = 4_096
"""Lines, some 7 kB each."""

Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that may be suggested.

    `lines` are its title, indicators and stages; `under` titles of targets that serve it; `goals`
    the targets that it serves itself, near or far.
    """

    id: UUID
    lines: tuple[str, ...]
    under: tuple[str, ...] = ()
    goals: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike a candidate is, from 0 to 1, and by which of its lines."""

    candidate: Candidate
    value: float
    line: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What one word of a work says: its own weight, squared, and what it adds to which lines."""

    square: float
    adds: tuple[tuple[int, float], ...]


@dataclass(slots=True)
class Prepared:
    """Candidates ready to be compared with many works."""

    candidates: tuple[Candidate, ...]
    lines: list[tuple[int, str]]
    """Each line with the place of its candidate."""
    counted: list[Weights]
    """How often an n-gram is in each line."""
    counts: list[float]
    """What each line counts, for one of length 1."""
    rarity: Weights
    unseen: float
    runs: tuple[Run, ...]
    """The lines' words, for initials to be found in."""
    titles: Mapping[UUID, str]
    """The first line of each candidate, its title."""
    heard: dict[str, Heard] = field(default_factory=dict)
    """Words that works have had."""

    def ranked(self, text: str) -> list[Likeness]:
        """All candidates, best first, equals in the order given."""
        sums: dict[int, float] = {}
        square = 0.0
        for word in words(text):
            heard = self.heard.get(word) or self._hear(word)
            square += heard.square
            for line, weight in heard.adds:
                sums[line] = sums.get(line, 0.0) + weight
        best: dict[int, tuple[float, int]] = {}
        for line in sorted(sums):
            place = self.lines[line][0]
            if place not in best or sums[line] > best[place][0]:
                best[place] = (sums[line], line)
        return self._in_order(best, sqrt(square))

    def _in_order(self, best: Mapping[int, tuple[float, int]], length: float) -> list[Likeness]:
        found = [
            Likeness(
                self.candidates[place], min(best[place][0] / length, 1.0), self._line(best, place)
            )
            if place in best
            else Likeness(self.candidates[place], 0.0, "")
            for place in range(len(self.candidates))
        ]
        return sorted(found, key=lambda one: -one.value)  # sorting is stable

    def _line(self, best: Mapping[int, tuple[float, int]], place: int) -> str:
        return self.lines[best[place][1]][1]

    def _hear(self, word: str) -> Heard:
        weights: Weights = {}
        _add(weights, word, 1.0)
        meant = meanings(word, self.runs)
        for other in (other for reading in meant for other in reading):
            _add(weights, other, MEANT / len(meant))
        adds: dict[int, float] = {}
        square = 0.0
        for gram, weight in weights.items():
            weighed = weight * self.rarity.get(gram, self.unseen)
            square += weighed * weighed
            if gram in self.rarity:
                heavy = weighed * self.rarity[gram]
                for line, of_one in enumerate(self.counted):
                    if gram in of_one:
                        adds[line] = adds.get(line, 0.0) + heavy * of_one[gram] * self.counts[line]
        if len(self.heard) >= MOST_HEARD:
            self.heard.clear()
        heard = self.heard[word] = Heard(
            square, tuple((line, add) for line, add in adds.items() if add > FAINT * sqrt(square))
        )
        return heard


def _add(weights: Weights, word: str, share: float) -> None:
    for gram, count in grams(word):
        weights[gram] = weights.get(gram, 0.0) + count * share


def prepared(candidates: Sequence[Candidate]) -> Prepared:
    """The candidates with what their lines weigh."""
    lines: list[tuple[int, str]] = []
    counted: list[Weights] = []
    counts: list[float] = []
    met: Counter[str] = Counter()
    for place, candidate in enumerate(candidates):
        of_one: set[str] = set()
        for counting, texts in ((1.0, candidate.lines), (UNDER, candidate.under)):
            for text in dict.fromkeys(texts):
                lines.append((place, text))
                counts.append(counting)
                counted.append(_counted(text))
                of_one.update(counted[-1])
        met.update(of_one)
    rarity = _rarity(met, len(candidates))
    return Prepared(
        candidates=tuple(candidates),
        lines=lines,
        counted=counted,
        counts=[
            counting / (_length(of_one, rarity) or 1.0)
            for counting, of_one in zip(counts, counted, strict=True)
        ],
        rarity=rarity,
        unseen=log(1 + 2 * len(candidates)) if candidates else 0.0,
        titles={one.id: one.lines[0] if one.lines else "" for one in candidates},
        runs=tuple(dict.fromkeys(run for _, line in lines for run in runs(line))),
    )


@lru_cache(maxsize=_REMEMBERED)
def _counted(text: str) -> Weights:
    """The n-grams of a line, remembered: nobody changes them."""
    weights: Weights = {}
    for word in words(text):
        _add(weights, word, 1.0)
    return weights


def _rarity(met: Mapping[str, int], total: int) -> Weights:
    """How telling each n-gram is: log(1 + (N - n + 0.5) / (n + 0.5)), in n of N candidates."""
    known = [0.0, *(log(1 + (total - n + 0.5) / (n + 0.5)) for n in range(1, total + 1))]
    return {gram: known[n] for gram, n in met.items()}


def _length(counted: Weights, rarity: Weights) -> float:
    return sqrt(sum((count * rarity[gram]) ** 2 for gram, count in counted.items()))
