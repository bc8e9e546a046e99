"""Pure rules for posts of a directory: which start, end and go on otherwise, and under whom.

A definitive post follows any definitive one, an acting post (*PLT, PLH*) the one of its unit: that
is its slot. Unit and position make a post; under another appraiser, led or spelled otherwise it is
the same one. What began in the service before the day begins here on the day: no history is
rewritten. Where the service gives an appraiser who is known, it is that one; else the nearest head
above; an appraiser of another agency, whom no directory of ours can name, stays.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from uuid import UUID

from schema.organizations.directory_units import Parents
from schema.organizations.directory_values import (
    OUTSIDE,
    AlterPost,
    Change,
    ChangeKind,
    Directory,
    EndPost,
    GivenPost,
    Held,
    KnownPost,
    Organization,
    StartPost,
    problem,
)
from schema.organizations.models import AssignmentKind

Slot = tuple[str, str | None]
DEFINITIVE = AssignmentKind.DEFINITIVE


@dataclass(kw_only=True)
class Slots:
    """The posts of the service by slot, each with the one that it follows or goes on here."""

    wanted: dict[Slot, GivenPost] = field(default_factory=dict)
    current: dict[Slot, KnownPost] = field(default_factory=dict)
    ended: list[KnownPost] = field(default_factory=list)
    problems: list[Change] = field(default_factory=list)

    def touched(self, day: date) -> set[UUID]:
        """Posts of ours that end or may go on otherwise, and so need not lead any more.

        One that began on the day and has ended is held, and led, for that day.
        """
        ended = (post for post in self.ended if post.starts_on < day)
        return {post.id for post in (*ended, *self.current.values())}


def compare_posts(
    given: Directory,
    known: Organization,
    people: frozenset[str],
    parents: Parents,
    day: date,
) -> list[Change]:
    """What would change of posts; `people` and `parents` are as they would be then."""
    usable, problems = _usable(given, known, people, parents)
    slots = _slots(usable, known, day)
    problems += slots.problems
    heads, leading, more = _heads(slots, known, day)
    problems += more
    touched = slots.touched(day)
    free = {post.unit: f"lead {post.id}" for post in leading if post.id in touched}
    of_unit = {post.unit: post.nip for post in leading if post.id not in touched}
    of_unit |= {slots.wanted[slot].unit: slot[0] for slot in heads}
    found: list[Change] = [_ended(post, None) for post in slots.ended]
    for slot, post in slots.wanted.items():
        current = slots.current.get(slot)
        appraiser = _appraiser(post, current, slot in heads, of_unit, parents)
        held = Held(
            nip=post.nip,
            unit=post.unit,
            position=post.position,
            kind=post.kind,
            heads_unit=slot in heads,
            appraiser=appraiser,
            until=post.ends_on,
        )
        found += _changes(held, current, free, post.starts_on)
    return [*problems, *found, *_missing(given, known, day)]


def slot_of(post: GivenPost | KnownPost) -> Slot:
    return (post.nip, None if post.kind is DEFINITIVE else post.unit)


def is_same(post: GivenPost | Held, other: KnownPost) -> bool:
    """Whether it is the same post, whoever appraises it and however it is spelled."""
    return (post.unit, post.kind, _plain(post.position)) == (
        other.unit,
        other.kind,
        _plain(other.position),
    )


def covers(post: KnownPost, day: date) -> bool:
    return post.starts_on <= day and (post.ends_on is None or day < post.ends_on)


def _plain(position: str) -> str:
    return " ".join(position.split()).casefold()


def _usable(
    given: Directory, known: Organization, people: frozenset[str], parents: Parents
) -> tuple[list[GivenPost], list[Change]]:
    """The posts that can be read, without what is wrong with them."""
    usable: dict[GivenPost, None] = {}
    problems: list[Change] = []
    for post in given.posts:
        if post.nip not in people:
            detail = f"{post.position}: nobody with this NIP can be taken in"
            problems.append(problem(post.nip, detail))
            continue
        if post.unit not in parents and post.unit not in known.units:
            detail = f"{post.position}: in the unit {post.unit}, which nobody knows"
            problems.append(problem(post.nip, detail))
            continue
        if post.appraiser is not None and (
            post.appraiser == post.nip or post.appraiser not in people
        ):
            why = "is themself" if post.appraiser == post.nip else "is not known"
            detail = f"{post.position}: the appraiser {post.appraiser} {why}; taken is the head"
            problems.append(problem(post.nip, detail))
            post = replace(post, appraiser=None)
        usable[post] = None
    return list(usable), problems


def _slots(usable: Iterable[GivenPost], known: Organization, day: date) -> Slots:
    """Which post is held in each slot on the day, theirs and ours."""
    slots = Slots()
    ours: dict[Slot, list[KnownPost]] = defaultdict(list)
    for post in known.posts:
        ours[slot_of(post)].append(post)
    theirs: dict[Slot, list[GivenPost]] = defaultdict(list)
    for one in usable:
        theirs[slot_of(one)].append(one)
    for slot, posts in theirs.items():
        present = [p for p in posts if p.starts_on <= day and (not p.ends_on or day < p.ends_on)]
        rows = ours[slot]
        current = next((row for row in rows if covers(row, day)), None)
        slots.problems += _not_now(posts, rows, day)
        if len(present) > 1:
            names = ", ".join(sorted(f"{p.position} in {p.unit}" for p in present))
            slots.problems.append(problem(slot[0], f"holds several posts at once: {names}"))
        elif present:
            _take(slots, slot, present[0], current, rows, day)
        elif current is not None and _has_ended(current, posts, day):
            slots.ended.append(current)
    return slots


def _has_ended(current: KnownPost, posts: Sequence[GivenPost], day: date) -> bool:
    """Whether the service says that our post is over, and it does not end here anyway."""
    said = any(is_same(post, current) and post.ends_on and post.ends_on <= day for post in posts)
    # What began on the day is held for that day: a post is never ended before it began.
    soonest = max(day, _next(current.starts_on))
    return said and (current.ends_on is None or current.ends_on > soonest)


def _not_now(posts: Sequence[GivenPost], rows: Sequence[KnownPost], day: date) -> Iterable[Change]:
    """Posts before and after the day, unless they are known here too."""
    for post in posts:
        to_come = post.starts_on > day
        if any(is_same(post, row) and (row.starts_on > day) == to_come for row in rows):
            continue
        if to_come:
            detail = f"{post.position} begins on {post.starts_on}: read the directory again then"
            yield problem(post.nip, detail)
        elif post.ends_on is not None and post.ends_on <= day:
            detail = f"{post.position} ended on {post.ends_on}: history is not rewritten"
            yield problem(post.nip, detail)


def _take(
    slots: Slots,
    slot: Slot,
    post: GivenPost,
    current: KnownPost | None,
    rows: Sequence[KnownPost],
    day: date,
) -> None:
    """Let a slot have a post, unless what is planned here for later stands against it."""
    later = min((row for row in rows if row.starts_on > day), key=_start, default=None)
    if later is not None and (current is None or not is_same(post, current)):
        if not is_same(post, later):
            detail = (
                f"{post.position}: here another post follows on {later.starts_on}, "
                f"{later.position}; it stays"
            )
            slots.problems.append(problem(slot[0], detail))
        return
    ends = [end for end in (post.ends_on, later and later.starts_on) if end]
    if current is not None and post.ends_on is None and is_same(post, current):
        ends = [current.ends_on] if current.ends_on else []
    slots.wanted[slot] = replace(post, ends_on=min(ends, default=None))
    if current is not None:
        slots.current[slot] = current


def _start(post: KnownPost) -> date:
    return post.starts_on


def _next(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)


def _heads(
    slots: Slots, known: Organization, day: date
) -> tuple[set[Slot], list[KnownPost], list[Change]]:
    """Which slots lead their units, which posts of ours do now, and who cannot lead, and why."""
    ours: dict[str, list[KnownPost]] = defaultdict(list)
    for row in known.posts:
        if row.heads_unit and (row.ends_on is None or row.ends_on > day):
            ours[row.unit].append(row)
    touched = slots.touched(day)
    claims: dict[str, list[Slot]] = defaultdict(list)
    for slot, post in slots.wanted.items():
        if post.heads_unit:
            claims[post.unit].append(slot)
    heads: set[Slot] = set()
    problems: list[Change] = []
    for unit, claimants in claims.items():
        if len(claimants) > 1:
            nips = ", ".join(sorted({slot[0] for slot in claimants}))
            problems.append(problem(unit, f"has several heads in the service: {nips}"))
        now = {row.id for row in ours[unit]}
        kept = [s for s in claimants if s in slots.current and slots.current[s].id in now]
        chosen = claimants if len(claimants) == 1 else kept[:1]
        for slot in chosen:
            until = slots.wanted[slot].ends_on
            other = next((r for r in ours[unit] if r.id not in touched and _meets(r, until)), None)
            if other is None:
                heads.add(slot)
            else:
                detail = f"{slot[0]} cannot lead it: {other.nip} leads it here, end that post first"
                problems.append(problem(unit, detail))
    leading = [row for rows in ours.values() for row in rows if covers(row, day)]
    return heads, leading, problems


def _meets(row: KnownPost, until: date | None) -> bool:
    return until is None or row.starts_on < until


def _appraiser(
    post: GivenPost,
    current: KnownPost | None,
    leads: bool,
    of_unit: Mapping[str, str],
    parents: Parents,
) -> str | None:
    """Whoever appraises: as given, or an outsider as here, or the nearest head above."""
    if post.appraiser is not None:
        return post.appraiser
    if current is not None and current.appraiser == OUTSIDE and is_same(post, current):
        return OUTSIDE
    at = parents.get(post.unit) if leads else post.unit
    seen: set[str] = set()
    while at is not None and at not in seen:
        if of_unit.get(at, post.nip) != post.nip:
            return of_unit[at]
        seen.add(at)
        at = parents.get(at)
    return None


def _changes(
    held: Held,
    current: KnownPost | None,
    free: Mapping[str, str],
    since: date,
) -> Iterable[Change]:
    needs = [f"unit {held.unit}", f"person {held.nip}", f"person {held.appraiser}"]
    if held.heads_unit and held.unit in free:
        needs.append(free[held.unit])
    after = _shown(held, held.until)
    if current is not None and is_same(held, current):
        before = _shown(current, current.ends_on)
        if before != after:
            differ = [name for name in after if before[name] != after[name]]
            yield Change(
                kind=ChangeKind.POST_CHANGED,
                subject=held.nip,
                detail=", ".join(f"{n}: {before[n]} -> {after[n]}" for n in differ),
                before=before,
                after=after,
                act=AlterPost(post=current, held=held),
                gives=(f"lead {current.id}",),
                needs=tuple(one for one in needs if one != f"lead {current.id}"),
            )
        return
    if current is not None:
        yield _ended(current, held)
        needs.append(f"end {current.id}")
    mine = [f"lead {current.id}"] if current is not None else []
    yield Change(
        kind=ChangeKind.POST_STARTED,
        subject=held.nip,
        detail=f"{held.position} in {held.unit}, in the service since {since}",
        after=after | {"since": since.isoformat()},
        act=StartPost(held=held, after=current),
        needs=tuple(one for one in needs if one not in mine),
    )


def _ended(post: KnownPost, followed_by: Held | None) -> Change:
    then = f", followed by {followed_by.position}" if followed_by else ""
    return Change(
        kind=ChangeKind.POST_ENDED,
        subject=post.nip,
        detail=f"{post.position} in {post.unit}{then}",
        before=_shown(post, post.ends_on),
        act=EndPost(post=post),
        gives=(f"end {post.id}", f"lead {post.id}"),
    )


def _shown(post: Held | KnownPost, ends_on: date | None) -> dict[str, Any]:
    return {
        "unit": post.unit,
        "position": post.position,
        "kind": str(post.kind),
        "headsUnit": post.heads_unit,
        "appraiser": post.appraiser,
        "endsOn": ends_on and ends_on.isoformat(),
    }


def _missing(given: Directory, known: Organization, day: date) -> Iterable[Change]:
    """Whoever holds a post here and is not in the service any more. Nothing ends by it."""
    people = {person.nip for person in given.people}
    with_posts = {post.nip for post in given.posts}
    mentioned = people | with_posts
    for post in known.posts:
        if post.kind is not DEFINITIVE or not covers(post, day):
            continue
        if people and post.nip not in mentioned:
            name = known.people[post.nip].name
            yield problem(post.nip, f"{name} is not in the service any more; {post.position} stays")
        elif with_posts and post.nip not in with_posts:
            yield problem(post.nip, f"the service gives no post of theirs; {post.position} stays")
