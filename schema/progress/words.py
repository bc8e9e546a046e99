"""The words of a text as matching compares them: pure, and remembered per word.

Indonesian forms new words by affixes, so a word loses one prefix and one suffix (`menyusunkan`,
`disusun`), and is cut into character n-grams, by which `jadwal` and `penjadwalan` stay near.
Offices write in initials: `meanings` says which words of a text may be meant by SBR or KSA.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

SHORTEST_GRAM, LONGEST_GRAM = 3, 5  # characters
WHOLE_WORD = 4.0
"""What a whole word weighs beside its n-grams of weight 1."""
SHORTEST_INITIALS, LONGEST_INITIALS = 2, 6
_REMEMBERED = 50_000  # words: some 2 kB each at most

Grams = tuple[tuple[str, float], ...]

_WORD = re.compile(r"[^\W\d_]{2,}")
_LETTERS = re.compile(r"[^\W\d_]+")
_SUFFIX = re.compile(r"(kan|nya|an|i)$")
_PREFIX = re.compile(r"^(meng|meny|mem|men|me|peng|peny|pem|pen|per|pe|ber|di|ter|ke|se)(?=\w{3})")
_JOINING = frozenset(
    {"dan", "di", "ke", "dari", "yang", "untuk", "pada", "dengan", "dalam", "oleh", "atau"}
)
# Words of every office text: they would make everything look alike.
_EMPTY = _JOINING | frozenset(
    {"serta", "para", "telah", "sudah", "tahun", "kabupaten", "provinsi", "kota", "jumlah"}
    | {"persentase", "volume", "nilai"}
)


def words(text: str) -> list[str]:
    """The words of a text that tell something, in small letters and their order."""
    return [word for word in _WORD.findall(text.casefold()) if word not in _EMPTY]


@lru_cache(maxsize=_REMEMBERED)
def stem(word: str) -> str:
    """Cut one suffix and one prefix where enough is left: `menyusunkan` and `disusun` meet."""
    shorter = _SUFFIX.sub("", word) if len(word) > 5 else word
    return _PREFIX.sub("", shorter) if len(shorter) > 6 else shorter


def stems(text: str) -> list[str]:
    """The stems of a text, in their order."""
    return [stem(word) for word in words(text)]


@lru_cache(maxsize=_REMEMBERED)
def grams(word: str) -> Grams:
    """The n-grams of a word's stem with how often each is in it, and the stem as a whole."""
    root = stem(word)
    padded = f" {root} "
    counted: Counter[str] = Counter()
    for size in range(SHORTEST_GRAM, LONGEST_GRAM + 1):
        counted.update(padded[i : i + size] for i in range(len(padded) - size + 1))
    return (*((gram, float(count)) for gram, count in counted.items()), (f"={root}", WHOLE_WORD))


@dataclass(frozen=True, slots=True)
class Run:
    """Words that follow each other, with the first letter of each."""

    letters: str
    words: tuple[str, ...]


def runs(line: str) -> tuple[Run, ...]:
    """A line's words, and once more without joining words where it has some."""
    every = tuple(_LETTERS.findall(line.casefold()))
    telling = tuple(word for word in every if word not in _JOINING)
    return tuple(
        Run("".join(word[0] for word in one), one) for one in dict.fromkeys((every, telling))
    )


def meanings(initials: str, among: Iterable[Run]) -> list[tuple[str, ...]]:
    """The words that initials may stand for: SBR for `statistical business register`.

    Two to six letters; each different reading once.
    """
    if not SHORTEST_INITIALS <= len(initials) <= LONGEST_INITIALS:
        return []
    found: dict[tuple[str, ...], None] = {}
    for run in among:
        start = run.letters.find(initials)
        while start >= 0:
            part = run.words[start : start + len(initials)]
            found[tuple(word for word in part if word not in _EMPTY)] = None
            start = run.letters.find(initials, start + 1)
    return list(found)
