"""Which target a piece of work most likely serves, how sure that is, and why: pure.

The agency's mapping rules come first, then what the employee chose before for the same source and
kind, then the words. A suggestion is only shown; the employee decides. What was measured is in
docs/matching.md, which `python -m tests.benchmarks.matching` repeats.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import exp
from uuid import UUID

from schema.progress.habits import Leaning, Past, leanings
from schema.progress.likeness import Candidate, Likeness, Prepared
from schema.progress.mapping import Rule, ruled
from schema.progress.models import SuggestionOrigin
from schema.progress.words import stem, words

THRESHOLD = 0.6
"""Below this confidence nothing is suggested: a wrong hint costs more than none (a house rule)."""
SAID = 0.95
"""The confidence of a rule that leaves one target: the agency said so (a house rule)."""
MOST_WORDS_SHOWN = 5
LONGEST_SHOWN = 80  # characters of an earlier title
SUREST = 0.99


@dataclass(frozen=True, slots=True)
class Scale:
    """From a score to a confidence: 1 / (1 + exp(-(base + score * s + margin * m))).

    `s` is the best score, `m` how far it is above the next one.
    """

    base: float
    score: float
    margin: float

    def of(self, score: float, margin: float) -> float:
        sure = 1 / (1 + exp(-(self.base + self.score * score + self.margin * margin)))
        return min(sure, SUREST)


# Fitted by `python -m tests.benchmarks.matching --fit`, on the lines of cases/activities_*.json.
BY_TEXT = Scale(-1.3, 2.51, 8.45)
BY_HABIT = Scale(-2.32, 5.07, 1.66)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An activity as far as it matters to where it belongs; `day` as its employee works."""

    employee_id: UUID
    day: date
    plugin: str
    kind: str
    title: str
    description: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A target, and `score`: the confidence from 0 to 1, with 4 decimals.

    Of suggestions with a confidence around 0.8, about eight in ten are right.
    """

    target_id: UUID
    score: Decimal
    reason: str
    origin: SuggestionOrigin


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with what speaks for it."""

    candidate: Candidate
    score: float
    likeness: Likeness
    leaning: Leaning | None

    @property
    def by_habit(self) -> bool:
        return self.leaning is not None and self.leaning.value >= self.likeness.value


def suggest(
    work: Work, among: Prepared, rules: Sequence[Rule] = (), past: Sequence[Past] = ()
) -> Suggestion | None:
    """The best candidate, the earlier one of two equals; None when none is sure enough."""
    best = top(work, among, rules, past)
    return best[0] if best and best[0].score >= Decimal(str(THRESHOLD)) else None


def top(
    work: Work,
    among: Prepared,
    rules: Sequence[Rule] = (),
    past: Sequence[Past] = (),
    most: int = 1,
) -> list[Suggestion]:
    """The best candidates that anything speaks for, the surest first, however unsure."""
    found = ruled(rules, work.plugin, work.kind, work.title, among.candidates) if rules else None
    scored = ranked(work, among, past)
    if found is None:
        return _told(work, scored, None, most)
    rule, left = found
    if len(left) == 1:
        reason = f"aturan instansi: {rule.goal}"
        return [Suggestion(left[0].id, _decimal(SAID), reason, SuggestionOrigin.RULE)]
    allowed = {one.id for one in left}
    return _told(work, [one for one in scored if one.candidate.id in allowed], rule, most)


def ranked(work: Work, among: Prepared, past: Sequence[Past] = ()) -> list[Scored]:
    """All candidates by what the words and the past say of them, the best first."""
    alike = among.ranked(work.title)
    if not past:
        return [Scored(one.candidate, one.value, one, None) for one in alike]
    leaning = leanings(work.title, work.day, past, among.titles)
    scored = [
        Scored(
            one.candidate,
            max(one.value, leaning[one.candidate.id].value)
            if one.candidate.id in leaning
            else one.value,
            one,
            leaning.get(one.candidate.id),
        )
        for one in alike
    ]
    return sorted(scored, key=lambda one: -one.score)


def _told(work: Work, scored: Sequence[Scored], rule: Rule | None, most: int) -> list[Suggestion]:
    """Suggestions of the best; what is behind the first has no margin, and is less sure."""
    found = []
    for place, one in enumerate(scored[:most]):
        if one.score <= 0:
            break
        next_one = scored[place + 1].score if place + 1 < len(scored) else 0.0
        margin = one.score - next_one if place == 0 else one.score - scored[0].score
        found.append(_suggestion(work, one, margin, rule))
    return found


def _suggestion(work: Work, one: Scored, margin: float, rule: Rule | None) -> Suggestion:
    sure = _decimal((BY_HABIT if one.by_habit else BY_TEXT).of(one.score, margin))
    reason = _by_habit(one.leaning) if one.by_habit and one.leaning else _by_words(work, one)
    if rule is not None:
        reason = f"aturan instansi: {rule.goal}; {reason}"
        return Suggestion(one.candidate.id, sure, reason, SuggestionOrigin.RULE)
    origin = SuggestionOrigin.HABIT if one.by_habit else SuggestionOrigin.TEXT
    return Suggestion(one.candidate.id, sure, reason, origin)


def _by_habit(leaning: Leaning) -> str:
    title = leaning.nearest
    shown = title if len(title) <= LONGEST_SHOWN else f"{title[:LONGEST_SHOWN]}…"
    return f"{leaning.times} kali dipilih untuk pekerjaan serupa, seperti “{shown}”"


def _by_words(work: Work, one: Scored) -> str:
    """The words that both share, in the order of the work's; and where, when beneath the target."""
    roots = {stem(word) for word in words(one.likeness.line)}
    shared = list(dict.fromkeys(word for word in words(work.title) if stem(word) in roots))
    told = ", ".join(shared[:MOST_WORDS_SHOWN])
    told = f"kata yang sama: {told}" if told else f"kata yang mirip: {one.likeness.line}"
    beneath = one.likeness.line not in one.candidate.lines
    return f"{told} (pada sasaran di bawahnya)" if beneath else told


def _decimal(confidence: float) -> Decimal:
    return Decimal(f"{confidence:.4f}")
