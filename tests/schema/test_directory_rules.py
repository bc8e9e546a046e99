"""What a directory would change: a table of faults, real trees; once applied, nothing is left."""

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schema.errors import DomainError
from schema.organizations.directory_rules import check_choice, compare, is_problem
from schema.organizations.directory_values import (
    OUTSIDE,
    AlterPost,
    Change,
    ChangeKind,
    Directory,
    EndPost,
    GivenPerson,
    GivenPost,
    GivenUnit,
    Held,
    KnownPost,
    KnownUnit,
    NewPerson,
    NewUnit,
    Organization,
    Place,
    PlaceUnit,
    RenamePerson,
    RenameUnit,
    StartPost,
)
from schema.organizations.models import AssignmentKind
from schema.values import uuid7

DAY = date(2026, 11, 24)
BEFORE = date(2020, 1, 1)
CASES = Path(__file__).parent.parent.parent / "cases"
PLT = AssignmentKind.PLT


def nip(number: int) -> str:
    return f"19900101201503{number:04d}"


def unit(code: str, parent: str | None = None, **given: Any) -> GivenUnit:
    return GivenUnit(code=code, name=f"Unit {code}", parent=parent, **given)


def person(number: int, **given: Any) -> GivenPerson:
    return GivenPerson(nip=nip(number), name=f"Pegawai {number}", **given)


def post(number: int, code: str, **given: Any) -> GivenPost:
    values: dict[str, Any] = {"position": "Analis", "starts_on": BEFORE} | given
    return GivenPost(nip=nip(number), unit=code, **values)


def applied(known: Organization, chosen: Iterable[Change], day: date = DAY) -> Organization:
    """What is known once changes were made, by an executor of its own without a database."""
    units, people = dict(known.units), dict(known.people)
    posts = {one.id: one for one in known.posts}
    chosen = list(chosen)
    began = {
        c.act.after.id
        for c in chosen
        if isinstance(c.act, StartPost) and c.act.after and c.act.after.starts_on == day
    }

    def begin(held: Held, appraiser: str | None = None) -> None:
        row = held_from(held, day)
        posts[row.id] = row

    for change in chosen:
        match change.act:
            case NewUnit(unit=new):
                place = Place(id=uuid7(), parent=new.parent, starts_on=day, ends_on=None)
                units[new.code] = KnownUnit(
                    code=new.code, name=new.name, kind=new.kind, places=(place,)
                )
            case RenameUnit(unit=new):
                units[new.code] = replace(units[new.code], name=new.name, kind=new.kind)
            case PlaceUnit(code=code, parent=parent, current=current):
                old = [p for p in units[code].places if p != current]
                if current is not None and current.starts_on < day:
                    old.append(replace(current, ends_on=day))
                until = current and current.ends_on
                old.append(Place(id=uuid7(), parent=parent, starts_on=day, ends_on=until))
                units[code] = replace(units[code], places=tuple(old))
            case NewPerson(person=new) | RenamePerson(person=new):
                people[new.nip] = new
            case EndPost(post=row) if row.id not in began:
                end = max(day, row.starts_on + timedelta(days=1))
                posts[row.id] = replace(row, ends_on=end)
            case StartPost(held=held, after=after):
                if after is not None and after.id in began:
                    del posts[after.id]
                begin(held)
            case AlterPost(post=row, held=held):
                same = ("position", "heads_unit", "appraiser")
                if all(getattr(row, name) == getattr(held, name) for name in same):
                    posts[row.id] = replace(row, ends_on=held.until)
                    continue
                del posts[row.id]
                if row.starts_on < day:
                    posts[row.id] = replace(row, ends_on=day)
                begin(held)
    return replace(known, units=units, people=people, posts=tuple(posts.values()))


def held_from(held: Held, day: date) -> KnownPost:
    return KnownPost(
        id=uuid7(),
        nip=held.nip,
        unit=held.unit,
        position=held.position,
        kind=held.kind,
        heads_unit=held.heads_unit,
        appraiser=held.appraiser,
        starts_on=day,
        ends_on=held.until,
    )


def known_from(directory: Directory, day: date = BEFORE) -> Organization:
    return applied(Organization(), compare(directory, Organization(), day), day)


def done(changes: Iterable[Change]) -> list[tuple[ChangeKind, str]]:
    return [(one.kind, one.subject) for one in changes if not is_problem(one)]


def told(changes: Iterable[Change]) -> list[str]:
    return [f"{one.subject}: {one.detail}" for one in changes if is_problem(one)]


SMALL = Directory(
    units=(unit("A"), unit("B", "A"), unit("C", "A")),
    people=tuple(person(n) for n in range(1, 6)),
    posts=(
        post(1, "A", position="Kepala", heads_unit=True),
        post(2, "B", position="Kepala", heads_unit=True),
        post(3, "B"),
        post(4, "C"),
    ),
)


def test_an_empty_agency_is_filled_and_appraisers_are_the_heads() -> None:
    changes = compare(SMALL, Organization(), DAY)

    assert [kind for kind, _ in done(changes)] == (
        [ChangeKind.UNIT_ADDED] * 3
        + [ChangeKind.EMPLOYEE_ADDED] * 5
        + [ChangeKind.POST_STARTED] * 4
    )
    appraisers = {c.subject: c.after["appraiser"] for c in changes if c.after and "unit" in c.after}
    # C has no head, so the one above it appraises; nobody is above the head of all.
    assert appraisers == {nip(1): None, nip(2): nip(1), nip(3): nip(2), nip(4): nip(1)}
    assert told(changes) == []


def other(**given: Any) -> Directory:
    return replace(SMALL, **given)


MORE_UNITS, MORE_POSTS = SMALL.units, SMALL.posts
FAULTS: list[tuple[str, Directory, list[str], list[tuple[str, str]]]] = [
    (
        "above itself",
        other(units=(*MORE_UNITS, GivenUnit(code="D", name="Dua", parent="D"))),
        ["D: unit Dua is its own parent; it is taken in at the top"],
        [("UNIT_ADDED", "D")],
    ),
    (
        "above itself, known here",
        other(units=(unit("A"), unit("B", "B"), unit("C", "A"))),
        ["B: unit Unit B is its own parent; it keeps its place here"],
        [],
    ),
    (
        "in a circle",
        other(units=(unit("A"), unit("B", "C"), unit("C", "B"))),
        [
            "B: unit Unit B is above itself, through C; it keeps its place here",
            "C: unit Unit C is above itself, through B; it keeps its place here",
        ],
        [],
    ),
    (
        "unknown parent",
        other(units=(unit("A"), unit("B", "A"), unit("C", "Z"))),
        ["C: unit Unit C stands under Z, which nobody knows; it keeps its place here"],
        [],
    ),
    (
        "no code",
        other(units=(*MORE_UNITS, GivenUnit(code=" ", name="Tanpa Kode"))),
        [" : the unit 'Tanpa Kode' (' ') has no code or no name"],
        [],
    ),
    (
        "given twice",
        other(units=(*MORE_UNITS, unit("C", "B"))),
        ["C: C is given more than once and differently; the last word holds"],
        # C has no head: whoever is above it appraises.
        [("UNIT_MOVED", "C"), ("POST_CHANGED", nip(4))],
    ),
    (
        "a unit that is gone",
        other(units=(unit("A"), unit("B", "A"))),
        ["C: unit Unit C is not in the service any more"],
        [],
    ),
    (
        "a person that is gone",
        other(people=SMALL.people[:3], posts=MORE_POSTS[:3]),
        [f"{nip(4)}: Pegawai 4 is not in the service any more; Analis stays"],
        [],
    ),
    (
        "two heads",
        other(posts=(*MORE_POSTS[:2], post(3, "B", heads_unit=True), MORE_POSTS[3])),
        [f"B: has several heads in the service: {nip(2)}, {nip(3)}"],
        [],
    ),
    (
        "unknown unit",
        other(posts=(*MORE_POSTS, post(5, "Z"))),
        [f"{nip(5)}: Analis: in the unit Z, which nobody knows"],
        [],
    ),
    (
        "unknown person",
        other(posts=(*MORE_POSTS, post(9, "A"))),
        [f"{nip(9)}: Analis: nobody with this NIP can be taken in"],
        [],
    ),
    (
        "unknown appraiser",
        other(posts=(*MORE_POSTS[:3], post(4, "C", appraiser=nip(9)))),
        [f"{nip(4)}: Analis: the appraiser {nip(9)} is not known; taken is the head"],
        [],
    ),
    (
        "one's own appraiser",
        other(posts=(*MORE_POSTS[:3], post(4, "C", appraiser=nip(4)))),
        [f"{nip(4)}: Analis: the appraiser {nip(4)} is themself; taken is the head"],
        [],
    ),
    (
        "several posts at once",
        other(posts=(*MORE_POSTS, post(4, "B"))),
        [f"{nip(4)}: holds several posts at once: Analis in B, Analis in C"],
        [],
    ),
    (
        "a post of the past",
        other(posts=(*MORE_POSTS, post(4, "B", ends_on=date(2021, 1, 1)))),
        [f"{nip(4)}: Analis ended on 2021-01-01: history is not rewritten"],
        [],
    ),
    (
        "a post to come",
        other(posts=(*MORE_POSTS, post(5, "B", starts_on=date(2027, 1, 1)))),
        [f"{nip(5)}: Analis begins on 2027-01-01: read the directory again then"],
        [],
    ),
    (
        "no time zone",
        other(people=(person(1, timezone="Asia/Nowhere"), *SMALL.people[1:])),
        [f"{nip(1)}: 'Asia/Nowhere' is no time zone; {nip(1)} keeps another"],
        [],
    ),
    (
        "no NIP",
        other(people=(*SMALL.people, GivenPerson(nip="12", name="Sari"))),
        ["12: '12' is no NIP of 18 digits, or has no name"],
        [],
    ),
    ("what the service says", other(problems=("page 3 is empty",)), ["-: page 3 is empty"], []),
]


@pytest.mark.parametrize(
    ("name", "directory", "problems", "changes"), FAULTS, ids=[one[0] for one in FAULTS]
)
def test_what_is_wrong_is_told_and_changes_nothing(
    name: str, directory: Directory, problems: list[str], changes: list[tuple[str, str]]
) -> None:
    found = compare(directory, known_from(SMALL), DAY)

    assert told(found) == problems
    assert done(found) == changes


def test_somebody_of_another_agency_is_not_taken_and_nobody_learns_whose_they_are() -> None:
    known = replace(known_from(SMALL), elsewhere=frozenset({nip(7)}))
    directory = other(people=(*SMALL.people, person(7)))

    changes = compare(directory, known, DAY)

    assert told(changes) == [
        f"{nip(7)}: {nip(7)} is an employee of another agency; " + "nothing of it is taken"
    ]
    assert done(changes) == []


def test_a_new_head_waits_for_the_one_who_leads_here_and_is_not_in_the_service() -> None:
    directory = other(
        people=tuple(person(n) for n in (1, 3, 4, 5)),
        posts=(MORE_POSTS[0], post(3, "B"), MORE_POSTS[3], post(5, "B", heads_unit=True)),
    )

    changes = compare(directory, known_from(SMALL), DAY)

    assert f"B: {nip(5)} cannot lead it: {nip(2)} leads it here, end that post first" in told(
        changes
    )
    (started,) = [c for c in changes if c.kind is ChangeKind.POST_STARTED]
    assert started.after is not None
    assert started.after["headsUnit"] is False


def test_a_new_head_appraises_the_unit_when_the_old_one_moves_away() -> None:
    directory = other(
        posts=(
            MORE_POSTS[0],
            post(2, "C", position="Kepala", heads_unit=True),
            post(3, "B", position="Kepala", heads_unit=True),
            MORE_POSTS[3],
        )
    )
    known = known_from(SMALL)

    changes = compare(directory, known, DAY)

    assert done(changes) == [
        (ChangeKind.POST_STARTED, nip(2)),
        (ChangeKind.POST_STARTED, nip(3)),
        (ChangeKind.POST_ENDED, nip(2)),
        (ChangeKind.POST_ENDED, nip(3)),
        (ChangeKind.POST_CHANGED, nip(4)),
    ]
    only = [c for c in changes if c.subject == nip(3)]
    with pytest.raises(DomainError, match=f"cannot be without POST_ENDED of {nip(2)}"):
        check_choice(only, changes, known, DAY)


def test_units_chosen_so_that_they_stand_above_themselves_are_refused() -> None:
    known = known_from(Directory(units=(unit("A"), unit("B", "A"))))
    changes = compare(Directory(units=(unit("A", "B"), unit("B"))), known, DAY)

    check_choice(changes, changes, known, DAY)
    with pytest.raises(DomainError, match="above themselves: A, B"):
        check_choice([c for c in changes if c.subject == "A"], changes, known, DAY)


def test_an_appraiser_of_another_agency_stays() -> None:
    known = known_from(SMALL)
    posts = tuple(
        replace(one, appraiser=OUTSIDE) if one.nip == nip(1) else one for one in known.posts
    )

    assert done(compare(SMALL, replace(known, posts=posts), DAY)) == []


def test_a_planned_move_stays() -> None:
    known = known_from(SMALL)
    (row,) = [one for one in known.posts if one.nip == nip(4)]
    later = replace(row, id=uuid7(), unit="B", starts_on=date(2027, 1, 1))
    ends = replace(row, ends_on=date(2027, 1, 1))
    kept = tuple(one for one in known.posts if one != row)
    known = replace(known, posts=(*kept, ends, later))

    same = compare(SMALL, known, DAY)
    moved = compare(other(posts=(*MORE_POSTS[:3], post(4, "A"))), known, DAY)

    assert (done(same), told(same)) == ([], [])
    assert done(moved) == []
    assert told(moved) == [
        f"{nip(4)}: Analis: here another post follows on 2027-01-01, Analis; it stays"
    ]


def test_a_post_that_the_service_ended_ends_here_once() -> None:
    over = other(posts=(*MORE_POSTS[:3], post(4, "C", ends_on=date(2026, 5, 1))))
    known = known_from(SMALL)

    changes = compare(over, known, DAY)
    again = compare(over, applied(known, changes), DAY)

    assert done(changes) == [(ChangeKind.POST_ENDED, nip(4))]
    assert done(again) == []


@pytest.mark.parametrize("file", ["org_banyuwangi_2024.json", "org_bps_2026.json"])
def test_real_trees_are_taken_in_with_their_faults_told(file: str) -> None:
    rows = json.loads((CASES / file).read_text())["units"]
    directory = Directory(
        units=tuple(
            GivenUnit(
                code=row["code"],
                name=row["name"],
                kind=row["level"],
                # As the source has it.
                parent=row["code"] if row.get("self_parent_in_source") else row["parent"],
            )
            for row in rows
        )
    )

    changes = compare(directory, Organization(), DAY)
    again = compare(directory, applied(Organization(), changes), DAY)

    faulty = [row["code"] for row in rows if row.get("self_parent_in_source")]
    assert len(done(changes)) == len(rows)
    assert [line.split(":")[0] for line in told(changes)] == sorted(faulty)
    assert len(faulty) == (83 if "banyuwangi" in file else 0)
    assert done(again) == []


def test_the_snapshot_comes_back_as_it_was() -> None:
    whole = other(posts=(*MORE_POSTS, post(5, "A", kind=PLT, ends_on=date(2027, 1, 1))))

    assert Directory.from_json(json.loads(json.dumps(whole.to_json()))) == whole


CODES = st.sampled_from("ABCDE")
NUMBERS = st.integers(1, 6)
DAYS = st.sampled_from([BEFORE, DAY - timedelta(days=30), DAY, DAY + timedelta(days=30)])


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """Anything that a service might say, faults included."""
    units = draw(
        st.lists(
            st.builds(
                GivenUnit,
                code=CODES,
                name=st.sampled_from(["Satu", "Dua"]),
                parent=st.none() | CODES | st.just("Z"),
            ),
            max_size=6,
        )
    )
    people = draw(st.lists(st.builds(person, NUMBERS), max_size=6))
    posts = []
    for _ in range(draw(st.integers(0, 8))):
        starts = draw(DAYS)
        ends = draw(st.none() | DAYS)
        posts.append(
            GivenPost(
                nip=nip(draw(NUMBERS)),
                unit=draw(CODES),
                position=draw(st.sampled_from(["Analis", "ANALIS", "Kepala"])),
                starts_on=starts,
                ends_on=ends if ends and ends > starts else None,
                kind=draw(st.sampled_from([AssignmentKind.DEFINITIVE, PLT])),
                heads_unit=draw(st.booleans()),
                appraiser=draw(st.none() | NUMBERS.map(nip)),
            )
        )
    return Directory(units=tuple(units), people=tuple(people), posts=tuple(posts))


def is_sound(known: Organization) -> bool:
    """What the database demands of dated rows."""
    rows = list(known.posts)
    for number, one in enumerate(rows):
        assert one.ends_on is None or one.ends_on > one.starts_on
        assert one.appraiser != one.nip
        for two in rows[number + 1 :]:
            apart = (one.ends_on is not None and one.ends_on <= two.starts_on) or (
                two.ends_on is not None and two.ends_on <= one.starts_on
            )
            if apart:
                continue
            definitive = {one.kind, two.kind} == {AssignmentKind.DEFINITIVE}
            acting = AssignmentKind.DEFINITIVE not in {one.kind, two.kind}
            assert not (one.nip == two.nip and definitive)
            assert not (one.nip == two.nip and acting and one.unit == two.unit)
            assert not (one.unit == two.unit and one.heads_unit and two.heads_unit)
    return True


@settings(max_examples=100, deadline=None)
@given(directories(), directories(), st.sampled_from([BEFORE, DAY]))
def test_a_directory_that_was_applied_changes_nothing_more(
    first: Directory, second: Directory, before: date
) -> None:
    known = known_from(first, before)
    assert is_sound(known)

    changes = compare(second, known, DAY)
    after = applied(known, changes)

    assert is_sound(after)
    assert done(compare(second, after, DAY)) == []
