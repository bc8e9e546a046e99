"""Which target a piece of work most likely serves: pure, from the words alone.

A suggestion is only shown; the employee decides. Each line of a candidate's text (its title, an
indicator, a stage) is compared by itself, since work mostly repeats one of them and not all.
Words lose their Indonesian affixes, are cut into character n-grams and compared by the cosine of
their TF-IDF weights.

Measured on 295 real lines of work plans and letters, with 17 to 111 candidates each: the right
target comes first for 0.48, among three for 0.57; a plain trigram cosine over the whole text gives
0.44 and 0.55. 79 of the lines repeat a stage word for word; of the other 216 it is 0.30 first,
against 0.25, and 0.79 of what is suggested is right (57 lines). Half of all lines share no word
with their target, so words alone end here. tests/schema/test_matching.py repeats the 216.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log, sqrt
from uuid import UUID

from schema.progress.models import SuggestionOrigin

SHORTEST_GRAM, LONGEST_GRAM = 3, 5  # characters
THRESHOLD = 0.15
"""Below it nothing is suggested: a wrong hint costs more than none (a house rule)."""
MOST_WORDS_SHOWN = 5

_WORD = re.compile(r"[^\W\d_]{2,}")
_SUFFIX = re.compile(r"(kan|nya|an|i)$")
_PREFIX = re.compile(r"^(meng|meny|mem|men|me|peng|peny|pem|pen|per|pe|ber|di|ter|ke|se)(?=\w{3})")
# Words of every office text: they would make everything look alike.
_EMPTY = frozenset(
    {"dan", "di", "ke", "dari", "yang", "untuk", "pada", "dengan", "dalam", "oleh", "atau"}
    | {"serta", "para", "telah", "sudah", "tahun", "kabupaten", "provinsi", "kota", "jumlah"}
    | {"persentase", "volume", "nilai"}
)

Grams = Counter[str]
Weights = dict[str, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that may be suggested; each line of `text` is compared by itself."""

    id: UUID
    text: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The best candidate: `score` from 0 to 1 with 4 decimals, and the words that made it."""

    target_id: UUID
    score: Decimal
    reason: str
    origin: SuggestionOrigin


def suggest(text: str, candidates: Sequence[Candidate]) -> Suggestion | None:
    """The best candidate, the earlier one of two equals; None when none is near enough."""
    ranked = rank(text, candidates)
    if not ranked or ranked[0][1] < THRESHOLD:
        return None
    best, score = ranked[0]
    return Suggestion(
        best.id, Decimal(f"{min(score, 1.0):.4f}"), _reason(text, best.text), SuggestionOrigin.TEXT
    )


def rank(text: str, candidates: Sequence[Candidate]) -> list[tuple[Candidate, float]]:
    """All candidates with their score from 0 to 1, best first, equals in the order given."""
    lines = [[_grams(line) for line in one.text.splitlines()] for one in candidates]
    rarity = _rarity(lines)
    unseen = log(1 + 2 * len(candidates)) if candidates else 0.0
    work = _weighted(_grams(text), rarity, unseen)
    scores = [
        max((_cosine(work, _weighted(line, rarity, unseen)) for line in of_one), default=0.0)
        for of_one in lines
    ]
    order = sorted(range(len(candidates)), key=lambda place: (-scores[place], place))
    return [(candidates[place], scores[place]) for place in order]


def _rarity(lines: Sequence[Sequence[Grams]]) -> Weights:
    """How telling each n-gram is: log(1 + (N - n + 0.5) / (n + 0.5)), in n of N candidates."""
    among = Counter(gram for of_one in lines for gram in set().union(*of_one))
    total = len(lines)
    return {gram: log(1 + (total - n + 0.5) / (n + 0.5)) for gram, n in among.items()}


def _weighted(grams: Grams, rarity: Weights, unseen: float) -> Weights:
    return {gram: count * rarity.get(gram, unseen) for gram, count in grams.items()}


def _cosine(left: Weights, right: Weights) -> float:
    shared = sum(weight * right[gram] for gram, weight in left.items() if gram in right)
    if shared == 0.0:
        return 0.0
    return shared / (_length(left) * _length(right))


def _length(weights: Weights) -> float:
    return sqrt(sum(weight * weight for weight in weights.values()))


def _grams(text: str) -> Grams:
    grams: Grams = Counter()
    for word in _words(text):
        padded = f" {_stem(word)} "
        for size in range(SHORTEST_GRAM, LONGEST_GRAM + 1):
            grams.update(padded[i : i + size] for i in range(len(padded) - size + 1))
    return grams


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if word not in _EMPTY]


def _stem(word: str) -> str:
    """Cut one suffix and one prefix where enough is left: `menyusunkan` and `disusun` meet."""
    shorter = _SUFFIX.sub("", word) if len(word) > 5 else word
    return _PREFIX.sub("", shorter) if len(shorter) > 6 else shorter


def _reason(text: str, other: str) -> str:
    """The words that both share, in the order of the work's text."""
    stems = {_stem(word) for word in _words(other)}
    shared = list(dict.fromkeys(word for word in _words(text) if _stem(word) in stems))
    return ", ".join(shared[:MOST_WORDS_SHOWN]) or "kata yang mirip"
