"""What an agency says of activities: which of its mapping rules holds for one. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from schema.progress.likeness import Candidate
from schema.progress.words import stem, words


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Activities of this plugin, of this kind, with all these words serve `goal_id`; None: any."""

    goal_id: UUID
    goal: str
    plugin: str | None = None
    kind: str | None = None
    words: str | None = None

    def holds(self, plugin: str, kind: str, title: str) -> bool:
        """Whether it is said of such an activity."""
        if self.plugin not in (None, plugin) or self.kind not in (None, kind):
            return False
        if self.words is None:
            return True
        return {stem(word) for word in words(self.words)} <= {stem(word) for word in words(title)}


def ruled(
    rules: Sequence[Rule], plugin: str, kind: str, title: str, candidates: Sequence[Candidate]
) -> tuple[Rule, list[Candidate]] | None:
    """The first rule that holds and leaves a candidate, with the candidates that it leaves.

    A rule under whose goal the employee has no target says nothing of them.
    """
    for rule in rules:
        if rule.holds(plugin, kind, title):
            left = [
                one for one in candidates if rule.goal_id in one.goals or one.id == rule.goal_id
            ]
            if left:
                return rule, left
    return None
