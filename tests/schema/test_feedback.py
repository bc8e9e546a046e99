"""Feedback (360): asked, answered, shown in groups; and attacks on who said what."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest
from strawberry.relay import to_base64
from tortoise import Tortoise

from schema.access import Role
from schema.appraisals.feedback import low_groups
from schema.appraisals.models import (
    Appraisal,
    AppraisalState,
    FeedbackAnswer,
    FeedbackRequest,
    Predicate,
    Rating,
)
from schema.organizations.models import Assignment, Employee
from schema.organizations.service import grant_role, refresh_reporting_lines
from schema.plans.models import Behaviour, EvaluationKind, EvaluationPeriod, PerformancePlan
from schema.policies.models import AgencyPolicy
from schema.policies.rules import Policy
from schema.tables import WRITER, dicts_of
from schema.targets.models import Period
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    NOW,
    OTHER_STAFF,
    OTHER_SUPERVISOR,
    STAFF,
    STRANGER,
    SUPERIOR,
    SUPERVISOR,
    VIEWERS,
    Api,
    World,
    copied_world,
    grant_roles,
    key_of,
    save_other_agency,
)

FIRST, LAST = date(2026, 1, 1), date(2026, 6, 30)
UNTIL = date(2026, 12, 4)
CLOSES = datetime(2026, 12, 4, 17, tzinfo=UTC)
"""Midnight behind it in Jakarta."""
SHOWN = CLOSES + timedelta(hours=1)
MORE = ("199401012018031011", "199501012019031012", "199601012020031013")
"""Three more in the staff member's unit, under the same supervisor."""
ELSEWHERE = "199701012021031014"
"""Who was in that unit in spring, and is in another now."""

ASK = """mutation($i: AskForFeedbackInput!) { askForFeedback(input: $i) {
  requests { id relation respondent { name } closesAt smallestGroup }
  userErrors { code field message } } }"""
ANSWER = """mutation($i: AnswerFeedbackInput!) { answerFeedback(input: $i) {
  request { id answeredAt canAnswer answers { behaviour score comment } }
  userErrors { code field message } } }"""
GROUPS = """query($a: ID!) { node(id: $a) { ... on Appraisal {
  feedback360 { behaviour relation mean answers comments } feedbackRequests { id } } } }"""
INBOX = """{ viewer { feedbackAsked { totalCount edges { node { id relation about { name }
  startsOn endsOn closesAt smallestGroup canAnswer answeredAt } } } } }"""


async def prepare(world: World) -> None:
    """Appraisals of the staff member and of their supervisor, of half a year; more colleagues."""
    await save_other_agency()
    await grant_roles(world)
    agency = world.rows["agency"]
    policy = Policy(peer_feedback=True)
    await AgencyPolicy.create(
        agency_id=agency.id, starts_on=FIRST, set_by="p", set_at=NOW, **asdict(policy)
    )
    supervisor = world.people[SUPERVISOR]
    common: dict[str, Any] = {"appraiser": supervisor, "position": "Analis", "starts_on": FIRST}
    for nip in (*MORE, ELSEWHERE):
        person = await Employee.create(agency_id=agency.id, nip=nip, name=f"Pegawai {nip[-2:]}")
        world.people[nip] = person
        gone = date(2026, 5, 1) if nip == ELSEWHERE else None
        await Assignment.create(
            employee=person, unit_id=world.rows["unit C"].id, ends_on=gone, **common
        )
    await Assignment.create(
        employee=world.people[ELSEWHERE],
        unit_id=world.rows["unit D"].id,
        appraiser=world.people[OTHER_SUPERVISOR],
        position="Analis",
        starts_on=date(2026, 5, 1),
    )
    evaluation = await EvaluationPeriod.create(
        period=await Period.get(agency_id=agency.id),
        kind=EvaluationKind.QUARTERLY,
        number=2,
        starts_on=FIRST,
        ends_on=LAST,
        filling_until=LAST,
    )
    for name, nip, appraiser in (("staff", STAFF, SUPERVISOR), ("boss", SUPERVISOR, SUPERIOR)):
        plan = await PerformancePlan.get(employee=world.people[nip])
        post = await Assignment.get(id=plan.assignment_id)
        world.rows[name] = await Appraisal.create(
            agency_id=agency.id,
            employee=world.people[nip],
            plan=plan,
            evaluation_period=evaluation,
            unit_id=post.unit_id,
            appraiser=world.people[appraiser],
            heads_unit=False,
            starts_on=FIRST,
            ends_on=LAST,
        )
    connection = Tortoise.get_connection(WRITER)
    await refresh_reporting_lines(connection, agency, NOW.date())
    for nip, person in list(world.people.items()):
        world.people[nip] = await Employee.get(id=person.id)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, prepare) as world:
        yield world


def at(now: datetime, subject: str | None) -> Api:
    """The API as somebody meets it at an instant."""
    return Api(subject, now=now, issued_at=now, expires_at=now + timedelta(hours=1))


async def ask(
    world: World,
    nips: Sequence[str],
    relation: str = "PEER",
    *,
    by: str = "supervisor",
    about: str = "staff",
    until: date | None = UNTIL,
    now: datetime = NOW,
) -> Any:
    """The payload of the mutation."""
    given = {
        "appraisal": key_of(world.rows[about]),
        "respondents": [
            {"employee": key_of(world.people[nip]), "relation": relation} for nip in nips
        ],
        "until": until and until.isoformat(),
    }
    answer = await at(now, VIEWERS[by]).data(ASK, i=given)
    return answer["askForFeedback"]


def refused(payload: Any) -> list[tuple[str, str | None]]:
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def give(
    world: World,
    nip: str,
    scores: Sequence[int],
    *,
    about: str = "staff",
    now: datetime = NOW,
    comment: str | None = None,
) -> Any:
    """What somebody answers of the first behaviours, in their order."""
    row = await FeedbackRequest.get(
        appraisal_id=world.rows[about].id, respondent_id=world.people[nip].id
    )
    answers = [
        {"behaviour": one.name, "score": score, "comment": comment}
        for one, score in zip(Behaviour, scores, strict=False)
    ]
    given = {"request": key_of(row), "answers": answers}
    answer = await at(now, nip).data(ANSWER, i=given)
    return answer["answerFeedback"]


async def groups(
    world: World, subject: str | None, *, about: str = "staff", now: datetime = SHOWN
) -> list[dict[str, Any]]:
    node = (await at(now, subject).data(GROUPS, a=key_of(world.rows[about])))["node"]
    return [] if node is None else list(node["feedback360"])


async def sign(world: World, about: str = "staff") -> None:
    key = world.rows[about].id
    rated = {"work_rating": Rating.MEETS, "behaviour_rating": Rating.MEETS}
    said = {"work_reason": "-", "behaviour_reason": "-", "predicate": Predicate.GOOD}
    who = {"rated_by": "p", "rated_at": NOW, "signed_by": "p", "signed_at": NOW}
    await Appraisal.filter(id=key).update(state=AppraisalState.SIGNED, **rated, **said, **who)


async def test_peers_are_asked_answer_once_and_are_shown_as_a_group(world: World) -> None:
    peers = (COLLEAGUE, *MORE)
    asked = await ask(world, peers)

    assert asked["userErrors"] == []
    assert {one["closesAt"] for one in asked["requests"]} == {"2026-12-04T17:00:00+00:00"}
    assert {one["smallestGroup"] for one in asked["requests"]} == {3}
    inbox = (await Api(COLLEAGUE).data(INBOX))["viewer"]["feedbackAsked"]
    (edge,) = inbox["edges"]
    assert (inbox["totalCount"], edge["node"]["about"]["name"]) == (1, "Sari Wulandari")
    assert (edge["node"]["startsOn"], edge["node"]["endsOn"]) == ("2026-01-01", "2026-06-30")
    assert edge["node"]["canAnswer"] is True

    for nip, score, words in zip(peers, (2, 3, 3, 4), ("d", "b", "c", None), strict=True):
        given = await give(world, nip, [score, *[5] * (nip in MORE)], comment=words)
        assert given["userErrors"] == []
        assert given["request"]["canAnswer"] is False
    again = await give(world, COLLEAGUE, [5])

    assert refused(again) == [("ALREADY_ANSWERED", None)]
    # (2 + 3 + 3 + 4) / 4 = 3; of the second behaviour the three others said 5.
    expected = [
        {
            "behaviour": "SERVICE_ORIENTED",
            "relation": "PEER",
            "mean": "3",
            "answers": 4,
            "comments": ["b", "c", "d"],
        },
        {
            "behaviour": "ACCOUNTABLE",
            "relation": "PEER",
            "mean": "5",
            "answers": 3,
            "comments": ["b", "c"],
        },
    ]
    for subject in (STAFF, SUPERVISOR, SUPERIOR, "pengelola.dc", "auditor.dc"):
        assert await groups(world, subject) == expected, subject
    for subject in (COLLEAGUE, *MORE, OTHER_SUPERVISOR, OTHER_STAFF, STRANGER, "pengelola.dl"):
        assert await groups(world, subject) == [], subject


@pytest.mark.slow
async def test_means_are_rounded_half_up_to_two_decimals(world: World) -> None:
    await ask(world, (COLLEAGUE, *MORE, ELSEWHERE))
    # 2 + 2 + 3 = 7 of three: 2.333...; 2 + 2 + 3 + 3 + 3 = 13 of five: 2.6
    for nip, scores in zip(
        (COLLEAGUE, *MORE, ELSEWHERE), ([2, 2], [2, 2], [3, 3], [3], [3]), strict=True
    ):
        await give(world, nip, scores)

    assert [one["mean"] for one in await groups(world, STAFF)] == ["2.6", "2.33"]


@pytest.mark.slow
async def test_whom_is_asked_already_is_not_asked_again(world: World) -> None:
    first = await ask(world, [COLLEAGUE])

    again = await ask(world, [MORE[0], COLLEAGUE], until=None, by="administrator")

    assert again["userErrors"] == []
    assert again["requests"][1]["id"] == first["requests"][0]["id"]
    assert await FeedbackRequest.all().count() == 2


async def test_relations_are_those_of_the_posts_of_the_time(world: World) -> None:
    """Who was in the unit in spring is a peer of the half-year; its supervisor's subordinate."""
    assert refused(await ask(world, [ELSEWHERE])) == []
    assert refused(await ask(world, [ELSEWHERE], "SUBORDINATE", about="boss", by="superior")) == []
    for nips, relation, about, by in (
        ([ELSEWHERE, OTHER_STAFF], "PEER", "staff", "supervisor"),
        ([ELSEWHERE, STAFF], "PEER", "staff", "supervisor"),
        ([ELSEWHERE, SUPERVISOR], "PEER", "staff", "superior"),
        ([ELSEWHERE, SUPERIOR], "PEER", "staff", "supervisor"),
        # A head's staff are no peers of the head, though they are in one unit.
        ([OTHER_SUPERVISOR, STAFF], "PEER", "boss", "superior"),
        ([ELSEWHERE, OTHER_SUPERVISOR], "SUBORDINATE", "boss", "superior"),
    ):
        payload = await ask(world, nips, relation, about=about, by=by, until=None)
        assert refused(payload) == [("RELATION_WRONG", "respondents.1.relation")], nips
    # Under the same appraiser, in another unit.
    assert (
        refused(await ask(world, [OTHER_SUPERVISOR], about="boss", by="superior", until=None)) == []
    )


@pytest.mark.slow
async def test_a_post_that_began_afterwards_makes_no_peer(world: World) -> None:
    post = await Assignment.get(employee=world.people[MORE[0]])
    await Assignment.filter(id=post.id).update(starts_on=LAST + timedelta(days=1))

    payload = await ask(world, [MORE[0]])

    assert refused(payload) == [("RELATION_WRONG", "respondents.0.relation")]


@pytest.mark.slow
async def test_who_is_nowhere_and_who_is_elsewhere_are_one_answer(world: World) -> None:
    stranger = await Employee.get(nip=STRANGER)
    answers = []
    for key in (key_of(stranger), to_base64("Employee", world.rows["staff"].id)):
        given = {
            "appraisal": key_of(world.rows["staff"]),
            "respondents": [{"employee": key, "relation": "PEER"}],
            "until": UNTIL.isoformat(),
        }
        answers.append((await Api.of("supervisor").data(ASK, i=given))["askForFeedback"])

    assert answers[0] == answers[1]
    assert refused(answers[0]) == [("NOT_FOUND", "respondents.0.employee")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("nips", "until", "expected"),
    [
        ([], UNTIL, [("NOTHING_CHOSEN", "respondents")]),
        ([COLLEAGUE] * 21, UNTIL, [("TOO_MANY", "respondents")]),
        ([COLLEAGUE] * 2, UNTIL, [("BAD_USER_INPUT", "respondents.1.employee")]),
        ([COLLEAGUE], None, [("BAD_USER_INPUT", "until")]),
        ([COLLEAGUE], date(2026, 11, 23), [("BAD_USER_INPUT", "until")]),
        ([COLLEAGUE], date(2027, 2, 23), [("BAD_USER_INPUT", "until")]),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    world: World, nips: list[str], until: date | None, expected: Any
) -> None:
    assert refused(await ask(world, nips, until=until)) == expected
    assert await FeedbackRequest.all().count() == 0


@pytest.mark.slow
async def test_an_agency_that_asks_for_none_is_told_so(world: World) -> None:
    off = asdict(Policy())
    await AgencyPolicy.create(
        agency_id=world.rows["agency"].id, starts_on=FIRST, set_by="p", set_at=NOW, **off
    )

    assert refused(await ask(world, [COLLEAGUE])) == [("FEEDBACK_OFF", None)]


@pytest.mark.slow
async def test_signed_or_closed_nobody_is_asked_and_nobody_answers(world: World) -> None:
    await ask(world, [COLLEAGUE, MORE[0]])
    late = CLOSES

    assert refused(await give(world, COLLEAGUE, [3], now=late)) == [("FEEDBACK_OVER", None)]
    assert refused(await ask(world, [MORE[1]], until=None, now=late)) == [("FEEDBACK_OVER", None)]

    await sign(world)
    assert refused(await give(world, COLLEAGUE, [3])) == [("FEEDBACK_OVER", None)]
    assert refused(await ask(world, [MORE[1]], until=None)) == [("FEEDBACK_OVER", None)]
    (edge,) = (await Api(COLLEAGUE).data(INBOX))["viewer"]["feedbackAsked"]["edges"]
    assert edge["node"]["canAnswer"] is False


@pytest.mark.slow
async def test_low_behaviours_are_those_that_a_shown_group_finds_low(world: World) -> None:
    """Means of 2.67 and 3; of the third behaviour two answers, which is nobody's to know."""
    await ask(world, (COLLEAGUE, *MORE))
    for nip, scores in zip((COLLEAGUE, *MORE), ([3, 3], [3, 3, 1], [2, 3, 1], []), strict=True):
        if scores:
            await give(world, nip, scores)
    asked = low_groups("$1::uuid[]"), [[world.rows[n].id for n in ("staff", "boss")]]

    unsigned = await dicts_of(*asked)
    await sign(world)
    signed = await dicts_of(*asked)

    assert unsigned == []
    staff, behaviour = world.rows["staff"].id, Behaviour.SERVICE_ORIENTED
    assert signed == [{"appraisal_id": staff, "behaviour": behaviour}]


# Attacks: each is somebody who wants to know who said what, or who was asked.


async def test_a_group_that_is_too_small_looks_as_if_nobody_had_been_asked(world: World) -> None:
    before = await groups(world, STAFF)
    await ask(world, (COLLEAGUE, *MORE))
    for nip in (COLLEAGUE, MORE[0]):
        await give(world, nip, [1], comment=f"Kata {nip}")

    for subject in (STAFF, SUPERVISOR, SUPERIOR, "pengelola.dc", "auditor.dc"):
        assert await groups(world, subject) == before == [], subject


@pytest.mark.slow
async def test_two_groups_are_not_added_up_to_one_that_is_large_enough(world: World) -> None:
    """Two peers and two subordinates of the supervisor: four answers, and none is shown."""
    await Assignment.filter(employee=world.people[MORE[0]]).update(
        appraiser=world.people[SUPERIOR], unit_id=world.rows["unit B"].id
    )
    peers = (OTHER_SUPERVISOR, MORE[0])
    asked = await ask(world, peers, about="boss", by="superior")
    below = await ask(
        world, (STAFF, COLLEAGUE), "SUBORDINATE", about="boss", by="superior", until=None
    )
    assert refused(asked) == refused(below) == []
    for nip in (*peers, STAFF, COLLEAGUE):
        await give(world, nip, [2], about="boss")

    assert await groups(world, SUPERVISOR, about="boss") == []
    assert await groups(world, SUPERIOR, about="boss") == []


async def test_no_two_readings_differ_by_an_answer(world: World) -> None:
    """Nothing before all is in; then one thing, whatever is tried."""
    await ask(world, (COLLEAGUE, *MORE))
    seen = []
    for number, nip in enumerate((COLLEAGUE, *MORE)):
        at = CLOSES - timedelta(minutes=4 - number)
        await give(world, nip, [number + 1], now=at)
        seen += [await groups(world, SUPERVISOR, now=at), await groups(world, STAFF, now=at)]
    seen.append(await groups(world, SUPERVISOR, now=SHOWN - timedelta(seconds=1)))
    assert all(one == [] for one in seen)

    first = await groups(world, SUPERVISOR)
    assert [(one["mean"], one["answers"]) for one in first] == [("2.5", 4)]
    later = await ask(world, [ELSEWHERE], until=date(2027, 1, 31), now=SHOWN)
    assert refused(later) == [("FEEDBACK_OVER", None)]
    await sign(world)
    assert await groups(world, SUPERVISOR) == first


@pytest.mark.slow
async def test_the_end_is_not_moved_for_those_who_are_asked_later(world: World) -> None:
    await ask(world, [COLLEAGUE])

    moved = await ask(world, [MORE[0]], until=UNTIL - timedelta(days=1))

    assert refused(moved) == [("BAD_USER_INPUT", "until")]


@pytest.mark.slow
async def test_what_was_promised_is_kept_when_the_policy_changes(world: World) -> None:
    """An administrator lowers the smallest group behind two answers; also for a new request."""
    await ask(world, [COLLEAGUE, MORE[0]])
    for nip in (COLLEAGUE, MORE[0]):
        await give(world, nip, [1])
    lower = asdict(Policy(peer_feedback=True, smallest_feedback_group=2))
    await AgencyPolicy.create(
        agency_id=world.rows["agency"].id, starts_on=FIRST, set_by="p", set_at=NOW, **lower
    )

    more = await ask(world, [MORE[1]], until=None)

    assert more["requests"][0]["smallestGroup"] == 3
    assert await groups(world, "pengelola.dc") == []


@pytest.mark.slow
async def test_a_respondent_who_comes_to_see_groups_counts_for_nothing_in_them(
    world: World,
) -> None:
    """A peer who becomes the superior knows one answer of three, and so is shown no mean."""
    await ask(world, (COLLEAGUE, *MORE[:2]))
    for nip in (COLLEAGUE, *MORE[:2]):
        await give(world, nip, [4])
    assert len(await groups(world, SUPERVISOR)) == 1

    above = [world.people[COLLEAGUE].id, *world.people[STAFF].superiors]
    await Employee.filter(id=world.people[STAFF].id).update(superiors=above)

    assert await groups(world, COLLEAGUE) == []
    assert len(await groups(world, SUPERVISOR)) == 1


SPIES = {
    "requests of an appraisal": 'node(id: "{appraisal}") { ... on Appraisal { feedbackRequests '
    "{ id respondent { name } answeredAt answers { score } } } }",
    "request": 'node(id: "{request}") { id ... on FeedbackRequest { relation respondent { name } '
    "answeredAt canAnswer answers { behaviour score comment } } }",
    "inbox": "viewer { feedbackAsked { totalCount edges { node { id } } } }",
}


async def test_nobody_but_its_author_reads_an_answer_and_the_person_reads_no_request(
    world: World,
) -> None:
    await ask(world, (COLLEAGUE, *MORE))
    for nip in (COLLEAGUE, *MORE):
        await give(world, nip, [3], comment=f"rahasia {nip}")
    row = await FeedbackRequest.get(respondent_id=world.people[COLLEAGUE].id)
    keys = {"{appraisal}": key_of(world.rows["staff"]), "{request}": key_of(row)}
    askers = {"supervisor", "superior", "administrator", "auditor"}
    for viewer, subject in VIEWERS.items():
        if subject is None:
            continue
        found = {}
        for name, text in SPIES.items():
            for word, key in keys.items():
                text = text.replace(word, key)
            found[name] = (await Api.of(viewer).run("{ " + text + " }")).data
        told = orjson.dumps(found).decode()
        author = viewer == "colleague"
        assert ("rahasia" in told) is author, viewer
        assert ('answeredAt":"' in told) is author, viewer
        assert (found["request"]["node"] is not None) is (author or viewer in askers), viewer
        appraisal = found["requests of an appraisal"]["node"]
        asked = appraisal["feedbackRequests"] if appraisal else []
        assert len(asked) == (4 if viewer in askers else 0), viewer
        assert found["inbox"]["viewer"]["feedbackAsked"]["totalCount"] == int(author), viewer


@pytest.mark.slow
async def test_an_administrator_does_not_learn_who_was_asked_about_themselves(
    world: World,
) -> None:
    """Nor asks anybody: not through the role, and not through the eyes of their superiors."""
    await ask(world, (COLLEAGUE, *MORE))
    await grant_role(world.rows["agency"].id, STAFF, Role.ADMINISTRATOR)
    node = (await Api(STAFF).data(GROUPS, a=key_of(world.rows["staff"])))["node"]
    payload = await ask(world, [COLLEAGUE], by="self", until=None)

    assert node["feedbackRequests"] == []
    assert refused(payload) == [("NOT_ALLOWED", None)]
    for row in await FeedbackRequest.all():
        one = await Api(STAFF).run("query($k: ID!) { node(id: $k) { id } }", k=key_of(row))
        assert one.data == {"node": None}


@pytest.mark.slow
async def test_order_of_words_is_that_of_the_words(world: World) -> None:
    """Neither who was asked first nor who answered first comes first."""
    await ask(world, (COLLEAGUE, *MORE))
    for nip, words in zip((*MORE, COLLEAGUE), ("c", "a", "d", "b"), strict=True):
        await give(world, nip, [3], comment=words)

    (group,) = await groups(world, STAFF)

    assert group["comments"] == ["a", "b", "c", "d"]
    assert await FeedbackAnswer.all().count() == 4
