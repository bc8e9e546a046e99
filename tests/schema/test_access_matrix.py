"""Who sees what, and who may do what: every field, node, mutation and subscription as everybody.

The tables are those of 'Who sees what' (API.md); the walk is driven by the schema itself, so a
field, node, mutation or subscription that no table speaks of fails here.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)
from strawberry.relay import to_base64

from schema.appraisals.models import (
    Appraisal,
    FeedbackAnswer,
    FeedbackRelation,
    FeedbackRequest,
)
from schema.consequences.models import RuleSet
from schema.consequences.rule_texts import packaged_rules
from schema.events import EventKind
from schema.matrices.models import (
    CascadeTemplate,
    MatrixCell,
    MatrixMember,
    Publication,
    RoleMatrix,
)
from schema.notices.models import Contact, Notice, NoticeKind
from schema.organizations.models import (
    Absence,
    AbsenceEvent,
    AbsenceKind,
    AbsenceState,
    DayDone,
)
from schema.plans.models import (
    Behaviour,
    EvaluationKind,
    EvaluationPeriod,
    PerformancePlan,
    PlanState,
)
from schema.targets.models import EdgeKind, TargetEdge
from schema.teams.models import DayClose, PresenceStatus
from schema.values import uuid7
from tests.appraisal_access import APPRAISAL_PLACES
from tests.appraisal_steps import APPRAISAL_MUTATIONS
from tests.consequence_access import (
    CONSEQUENCE_MUTATIONS,
    CONSEQUENCE_PLACES,
    CONSEQUENCE_ROOT,
    followed,
)
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    NOW,
    OTHER_STAFF,
    OTHER_SUPERVISOR,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    VIEWERS,
    Answer,
    Api,
    ScriptedFeed,
    World,
    busy_day,
    copied_world,
    event_of,
    key_of,
    random_id,
    schema,
)
from tests.plan_access import PLAN_MUTATIONS

# 'Who sees what', word for word, and the viewers of the factory to whom it says yes. The
# administrator and the auditor are those of the staff member's agency.
AGENCY = ("self", "colleague", "supervisor", "superior", "other supervisor")
WIDE = ("administrator", "auditor")
WHO: Mapping[str, frozenset[str]] = {
    # directory: name, post, unit, head, appraiser | everyone in the agency
    "directory": frozenset((*AGENCY, *WIDE)),
    # targets of the agency and of units | everyone in the agency
    "unit targets": frozenset((*AGENCY, *WIDE)),
    # ancestors on one's own red thread | their title and owner
    "thread": frozenset(("self", "supervisor", "superior", *WIDE)),
    # a person's targets, achievement, records, daily log, appraisal | that person, their
    # superiors, the agency's performance administrator, the auditor
    "work": frozenset(("self", "supervisor", "superior", *WIDE)),
    "supervisor's work": frozenset(("supervisor", "superior", *WIDE)),
    "other work": frozenset(("other supervisor", "superior", *WIDE)),
    "superior's work": frozenset(("superior", *WIDE)),
    "colleague's work": frozenset(("colleague", "supervisor", "superior", *WIDE)),
    # a matrix: whoever sees the work of its leader, here the staff member, and its members
    "matrix": frozenset(("self", "colleague", "supervisor", "superior", *WIDE)),
    # what follows of appraisals but weight and training: the person, administrator, auditor
    "career": frozenset(("self", *WIDE)),
    "colleague's own": frozenset(("colleague",)),
    # content of a PENDING record | its employee only; others see the count
    "pending": frozenset(("self",)),
    # a reported absence | decided by the superiors of whoever is away
    "deciders": frozenset(("supervisor", "superior")),
    # connectors and dead letters: the agency's administrator, and the auditor reading
    "feeds": frozenset(WIDE),
    # what plugins there are: who administers or audits any agency
    "plugins": frozenset((*WIDE, "other administrator")),
    # who am I: whoever has a token; an own employee: whoever is one
    "signed in": frozenset(VIEWERS) - {"nobody"},
    "employees": frozenset((*AGENCY, "other agency")),
    # feedback (360): who is asked, and who sees the appraisal; not the person whom it is about
    "respondent": frozenset(("colleague",)),
    "waiting for feedback": frozenset(("supervisor", "superior", *WIDE)),
    "feedback": frozenset(("colleague", "supervisor", "superior", *WIDE)),
    # a digest: who has a team
    "leaders": frozenset(("supervisor", "superior", "other supervisor")),
    # What has no value in this place, for anybody.
    "never": frozenset(),
}


@dataclass(frozen=True)
class Place:
    """Where an object of a type is met: a document with `@` for its fields.

    `pick` chooses among several of a list by global id. `fields` gives, for each row of WHO,
    the fields that it rules.
    """

    name: str
    type_name: str
    document: str
    fields: Mapping[str, str]
    pick: str = ""


RECORD = (
    "id startsAt endsAt minutes description category state createdAt on employee evidence source "
    "activity history"
)
TARGET = "title owner id cascade path"
CONNECTION = "pageInfo edges totalCount"
ACTION = "id description startsOn endsOn quantity unitOfMeasure"
PAGE = "hasNextPage hasPreviousPage"
NODE = 'node(id: "{%s}") { ... on %s { @ } }'


def node(name: str, type_name: str, key: str, fields: Mapping[str, str]) -> Place:
    return Place(name, type_name, NODE % (key, type_name), fields)


def on_node(key: str, type_name: str, inner: str) -> str:
    return (NODE % (key, type_name)).replace("@", inner)


YEAR = '(from: "2026-01-01", to: "2026-12-31")'
DAY = 'dailyLog(on: "2026-11-24") { %s }'
CHECK = 'cycleCheck(agency: "DC", period: "2026") { %s }'
TEAM = 'team(supervisor: "{supervisor}", on: "2026-11-24") { %s }'
PAST_TEAM = 'team(supervisor: "{supervisor}", on: "2026-11-23") { %s }'
BOARD = 'unitBoard(agency: "DC", unit: "C", on: "2026-11-24") { %s }'
RATINGS = 'ratingBoard(agency: "DC", unit: "C", evaluationPeriod: "{final}") { %s }'
BOARD_FIGURES = (
    "from to people statuses requiredMinutes recordedMinutes fillRate filledRate notFilled short "
    "uncountedDays"
)
PLACES = (
    *(Place(*one) for one in APPRAISAL_PLACES),
    *(Place(*one) for one in CONSEQUENCE_PLACES),
    node(
        "agency",
        "Agency",
        "agency",
        {
            "directory": "id code name timezone units goals evaluationPeriods policy policies "
            "workingWeeks holidays templates mappingRules ruleSets",
        },
    ),
    Place(
        "policy",
        "AgencyPolicy",
        on_node("agency", "Agency", 'policy(on: "2026-11-24") { @ }'),
        {
            "directory": "startsOn achievementCap missingCountsAsZero onTrackShare lateEntries "
            "entryDays fillingDays planDays actionPlansRequired effectiveShare recognizedMinutes "
            "activeMinutes flexibleMinutes dutyTravelExcuses nudgeAt digestAt quietFrom "
            "quietUntil noticesPerDay objectionDays peerFeedback smallestFeedbackGroup "
            "setAt setBy"
        },
    ),
    node(
        "rule set",
        "RuleSet",
        "rule set",
        {
            "directory": "id kind code version startsOn title source assumed table body digest "
            "loadedAt loadedBy"
        },
    ),
    Place(
        "packaged rules",
        "PackagedRules",
        "packagedRules { @ }",
        {"signed in": "code kind title source assumed text"},
    ),
    Place(
        "working week",
        "WorkingWeek",
        on_node("agency", "Agency", "workingWeeks { @ }"),
        {
            "directory": "name unit startsOn endsOn minutes weeklyMinutes breaks beginsAt "
            "observesHolidays setAt setBy"
        },
    ),
    Place(
        "mapping rule",
        "MappingRule",
        on_node("agency", "Agency", "mappingRules { @ }"),
        {"directory": "plugin activityKind words goal setAt setBy"},
    ),
    Place(
        "holiday",
        "Holiday",
        on_node("agency", "Agency", f"holidays{YEAR} {{ @ }}"),
        {"directory": "on name kind setAt setBy"},
    ),
    Place(
        "working time",
        "WorkTime",
        on_node("staff", "Employee", f"workTime{YEAR} {{ @ }}"),
        {
            "work": "workingDays requiredMinutes effectiveMinutes recordedMinutes "
            "recognizedMinutes shortMinutes"
        },
    ),
    node(
        "unit",
        "Unit",
        "unit C",
        {
            "directory": "id code name kind agency parent children path head employees",
            "unit targets": "targets",
            "supervisor's work": "teams rating",
        },
    ),
    Place(
        "people of a unit",
        "EmployeeConnection",
        on_node("unit C", "Unit", "employees { @ }"),
        {"directory": CONNECTION},
    ),
    Place(
        "page of people",
        "PageInfo",
        on_node("unit C", "Unit", "employees { pageInfo { @ } }"),
        {"directory": f"{PAGE} startCursor endCursor"},
    ),
    Place(
        "edge to a person",
        "EmployeeEdge",
        on_node("unit C", "Unit", "employees { edges { @ } }"),
        {"directory": "cursor node"},
    ),
    node(
        "staff",
        "Employee",
        "staff",
        {
            "directory": "id name timezone position unit appraiser posts",
            "work": "nip plan plans targets dailyLog calendar workTime absences appraisals "
            "consequences trainings",
            "career": "career potentials",
            "never": "subordinates matrices openCells",
        },
    ),
    node(
        "colleague, who is in the staff member's matrix",
        "Employee",
        "colleague",
        {
            "directory": "id name timezone position unit appraiser posts",
            "colleague's work": "nip plan plans targets dailyLog calendar workTime matrices "
            "consequences",
            "colleague's own": "openCells",
            "never": "subordinates absences appraisals career potentials trainings",
        },
    ),
    node(
        "supervisor",
        "Employee",
        "supervisor",
        {
            "directory": "id name timezone position unit appraiser subordinates posts",
            "supervisor's work": "nip plan plans targets dailyLog calendar workTime appraisals",
            "never": "matrices openCells absences consequences career potentials trainings",
        },
    ),
    node(
        "plan",
        "PerformancePlan",
        "plan",
        {
            "work": "id state version approach period startsOn endsOn employee post appraiser "
            "targets superiorResults percentage explanation behaviours attachments history "
            "feedback matrix appraisals"
        },
    ),
    Place(
        "explanation of a plan",
        "PlanExplanation",
        on_node("plan", "PerformancePlan", "explanation { @ }"),
        {"work": "formula results recordCount records"},
    ),
    node(
        "post",
        "Post",
        "post",
        {
            "directory": "id position kind headsUnit startsOn unit appraiser",
            "work": "plan",
            "never": "endsOn",
        },
    ),
    node(
        "post that has ended",
        "Post",
        "former post",
        {"directory": "id position kind headsUnit startsOn endsOn unit", "never": "appraiser plan"},
    ),
    Place(
        "attachment",
        "PlanAttachment",
        on_node("plan", "PerformancePlan", "attachments { @ }"),
        {"work": "kind text"},
    ),
    Place(
        "history of a plan",
        "PlanEvent",
        on_node("plan", "PerformancePlan", "history { @ }"),
        {"work": "kind at version comment changes actor"},
    ),
    Place(
        "feedback of a plan",
        "FeedbackConnection",
        on_node("plan", "PerformancePlan", "feedback { @ }"),
        {"work": CONNECTION},
    ),
    Place(
        "edge to feedback",
        "FeedbackEdge",
        on_node("plan", "PerformancePlan", "feedback { edges { @ } }"),
        {"work": "cursor node"},
    ),
    node(
        "feedback on a result",
        "Feedback",
        "feedback T",
        {"work": "id text at target author", "never": "behaviour"},
    ),
    node(
        "feedback on a behaviour",
        "Feedback",
        "feedback LOYAL",
        {"work": "id text at behaviour author", "never": "target"},
    ),
    node(
        "evaluation period",
        "EvaluationPeriod",
        "final",
        {
            "directory": "id period kind number startsOn endsOn fillingUntil history",
            "never": "closedAt",
        },
    ),
    node(
        "closed evaluation period",
        "EvaluationPeriod",
        "closed",
        {"directory": "id period kind number startsOn endsOn fillingUntil closedAt history"},
    ),
    Place(
        "history of an evaluation period",
        "EvaluationEvent",
        on_node("closed", "EvaluationPeriod", "history { @ }"),
        {"directory": "kind at actor", "never": "reason"},
    ),
    Place(
        "reopening of an evaluation period",
        "EvaluationEvent",
        on_node("final", "EvaluationPeriod", "history { @ }"),
        {"directory": "kind at actor reason"},
    ),
    node(
        "matrix",
        "RoleMatrix",
        "matrix",
        {"matrix": "id version publication publishedAt columns members", "work": "plan"},
    ),
    Place(
        "row of a matrix",
        "MatrixMember",
        on_node("matrix", "RoleMatrix", "members { @ }"),
        {"matrix": "position role employee cells"},
    ),
    node(
        "cell with a share that was handed out",
        "MatrixCell",
        "direct cell",
        {
            "matrix": "id title kind share result measure isHandedOut matrix",
            "work": "indicator",
            "colleague's work": "target",
            "never": "weight",
        },
    ),
    node(
        "cell with a weight that waits",
        "MatrixCell",
        "weighted cell",
        {
            "matrix": "id title kind weight result isHandedOut matrix",
            "never": "share measure indicator target",
        },
    ),
    Place(
        "what a share counts",
        "SharedMeasure",
        on_node("direct cell", "MatrixCell", "measure { @ }"),
        {"matrix": "title unitOfMeasure"},
    ),
    node(
        "template",
        "CascadeTemplate",
        "template",
        {"directory": "id code name version agency results"},
    ),
    Place(
        "result of a template",
        "TemplateResult",
        on_node("template", "CascadeTemplate", "results { @ }"),
        {"directory": "title category indicators stages"},
    ),
    Place(
        "indicator of a template",
        "TemplateIndicator",
        on_node("template", "CascadeTemplate", "results { indicators { @ } }"),
        {
            "directory": "aspect title unitOfMeasure polarity accumulation planned minimum maximum",
        },
    ),
    Place(
        "stage of a template",
        "TemplateStage",
        on_node("template", "CascadeTemplate", "results { stages { @ } }"),
        {"directory": "title evidence weight"},
    ),
    Place(
        "behaviour",
        "BehaviourExpectation",
        on_node("plan", "PerformancePlan", "behaviours { @ }"),
        {"work": "behaviour expectation"},
    ),
    node(
        "a person's target",
        "Target",
        "target T",
        {
            "work": f"{TARGET} code kind classification category period parent children indicators "
            "achievement actionPlans records assignedBy perspective countsInPlan",
            "never": "stagedWork",
        },
    ),
    node(
        "a person's staged target",
        "Target",
        "target Z",
        {
            "work": f"{TARGET} code kind classification category period parent stagedWork "
            "achievement records countsInPlan",
            "never": "children indicators actionPlans assignedBy perspective",
        },
    ),
    node(
        "a unit's target",
        "Target",
        "target U",
        {
            "unit targets": f"{TARGET} code kind classification category period parent children "
            "indicators achievement actionPlans",
            "work": "records",
            "never": "stagedWork assignedBy perspective countsInPlan",
        },
    ),
    # The superior's own target, met by those below as a knot of the staff member's red thread.
    # `cascade` is non-null by the contract; `parent` and `path` lead to other knots only.
    Place(
        "ancestor on the red thread",
        "Target",
        on_node("target T", "Target", "path { @ }"),
        {
            "thread": TARGET + " parent",
            "superior's work": "code kind classification category period children indicators "
            "achievement countsInPlan",
            "never": "stagedWork actionPlans records assignedBy perspective",
        },
        pick="target P",
    ),
    # The same one, met as itself: nobody below it.
    node(
        "ancestor by its id",
        "Target",
        "target P",
        {
            "superior's work": TARGET
            + " parent code kind classification category period children indicators achievement"
            " countsInPlan",
            "never": "stagedWork actionPlans records assignedBy perspective",
        },
    ),
    node(
        "action plan",
        "ActionPlan",
        "action T",
        {"work": "id description startsOn endsOn quantity unitOfMeasure target evaluationPeriod"},
    ),
    node(
        "action plan of a unit's target",
        "ActionPlan",
        "action U",
        {"unit targets": f"{ACTION} target", "never": "evaluationPeriod"},
    ),
    node(
        "indicator",
        "Indicator",
        "indicator T",
        {"work": "id aspect title unitOfMeasure measure achievement"},
    ),
    node(
        "indicator of a unit's target",
        "Indicator",
        "indicator U",
        {"unit targets": "id aspect title unitOfMeasure measure achievement"},
    ),
    Place(
        "measure",
        "Trajectory",
        on_node("indicator T", "Indicator", "measure { @ }"),
        {
            "work": "unitOfMeasure planned polarity accumulation points",
            "never": "minimum maximum baseline",
        },
    ),
    Place(
        "range",
        "Trajectory",
        on_node("indicator R", "Indicator", "measure { @ }"),
        {
            "work": "unitOfMeasure polarity accumulation minimum maximum baseline",
            "never": "planned points",
        },
    ),
    Place(
        "point",
        "TrajectoryPoint",
        on_node("indicator T", "Indicator", "measure { points { @ } }"),
        {"work": "on planned actual"},
    ),
    Place(
        "achievement",
        "Achievement",
        on_node("target T", "Target", "achievement { @ }"),
        {
            "work": "percentage realized planned onTrack track knownShare asOf explanation",
            "never": "completedStages",
        },
    ),
    Place(
        "achievement in stages",
        "Achievement",
        on_node("target Z", "Target", "achievement { @ }"),
        {
            "work": "percentage completedStages onTrack track knownShare explanation",
            "never": "realized planned asOf",
        },
    ),
    Place(
        "explanation",
        "Explanation",
        on_node("target T", "Target", "achievement { explanation { @ } }"),
        {"work": "formula parts recordCount records"},
    ),
    Place(
        "part of a number",
        "FigurePart",
        on_node("target T", "Target", "achievement { explanation { parts { @ } } }"),
        {
            "work": "kind title amount target indicator",
            "never": "weight percentage completedOn",
        },
    ),
    Place(
        "part of staged work",
        "FigurePart",
        on_node("target Z", "Target", "achievement { explanation { parts { @ } } }"),
        {
            "work": "kind title weight completedOn target",
            "never": "amount percentage indicator",
        },
    ),
    Place(
        "part with a weight",
        "FigurePart",
        on_node("target O", "Target", "achievement { explanation { parts { @ } } }"),
        {
            "other work": "kind title weight percentage target indicator",
            "never": "completedOn amount",
        },
    ),
    Place(
        "track",
        "Track",
        on_node("target T", "Target", "achievement { track { @ } }"),
        {"work": "status rule"},
    ),
    Place(
        "staged work",
        "StagedWork",
        on_node("target Z", "Target", "stagedWork { @ }"),
        {"work": "stages"},
    ),
    node(
        "stage",
        "Stage",
        "stage",
        {"work": "id position title evidence completedOn weight"},
    ),
    Place(
        "records of a target",
        "ProgressRecordConnection",
        on_node("target T", "Target", "records { @ }"),
        {"work": CONNECTION},
    ),
    Place(
        "edge to a record",
        "ProgressRecordEdge",
        on_node("target T", "Target", "records { edges { @ } }"),
        {"work": "cursor node"},
    ),
    node(
        "record",
        "ProgressRecord",
        "confirmed",
        {
            "work": f"{RECORD} quantity decidedAt target thread indicator late actionPlan "
            "retraction",
            "never": "suggestion stage supersedes cursor lateReason",
        },
    ),
    node(
        "record of a stage",
        "ProgressRecord",
        "staged",
        {
            "work": "id startsAt endsAt minutes description state createdAt decidedAt on employee "
            "evidence source history target thread stage late",
            "never": "category quantity indicator activity suggestion supersedes cursor "
            "actionPlan lateReason retraction",
        },
    ),
    node(
        "record that replaces another, on a unit's target",
        "ProgressRecord",
        "replacing",
        {
            "work": "id startsAt endsAt minutes description state createdAt decidedAt on employee "
            "source history target thread indicator quantity supersedes late lateReason "
            "actionPlan",
            "never": "category evidence activity suggestion stage cursor retraction",
        },
    ),
    node(
        "pending record",
        "ProgressRecord",
        "waiting",
        {
            "pending": f"{RECORD} suggestion late",
            "never": "quantity decidedAt target thread indicator stage supersedes cursor "
            "actionPlan lateReason retraction",
        },
    ),
    Place(
        "suggestion",
        "TargetSuggestion",
        on_node("waiting", "ProgressRecord", "suggestion { @ }"),
        {"pending": "target score reason origin"},
    ),
    Place(
        "evidence",
        "Evidence",
        on_node("confirmed", "ProgressRecord", "evidence { @ }"),
        {"work": "title url fromSource"},
    ),
    Place(
        "evidence of a pending record",
        "Evidence",
        on_node("waiting", "ProgressRecord", "evidence { @ }"),
        {"pending": "title url fromSource"},
    ),
    Place(
        "source",
        "Source",
        on_node("confirmed", "ProgressRecord", "source { @ }"),
        {"work": "kind plugin title"},
    ),
    Place(
        "history",
        "RecordEvent",
        on_node("replacing", "ProgressRecord", "history { @ }"),
        {"work": "kind at comment changes actor"},
    ),
    node(
        "activity",
        "Activity",
        "activity",
        {
            "work": "id sourceId kind title description category occurredAt endedAt receivedAt",
            "never": "quantity unitOfMeasure",
        },
    ),
    node(
        "activity of a pending record",
        "Activity",
        "pending activity",
        {
            "pending": "id sourceId kind title description category occurredAt endedAt receivedAt "
            "quantity unitOfMeasure",
        },
    ),
    Place(
        "day",
        "DailyLog",
        on_node("staff", "Employee", DAY % "@"),
        {
            "work": "on requiredMinutes recordedMinutes pendingMinutes pendingCount "
            "lastActivityAt employee status records clock doneAt absences"
        },
    ),
    Place(
        "clock",
        "ClockEvent",
        on_node("staff", "Employee", DAY % "clock { @ }"),
        {"work": "at direction place source"},
    ),
    node(
        "absence",
        "Absence",
        "absence",
        {
            "work": "id kind state startsOn endsOn fromTime untilTime note reportedAt decidedAt "
            "employee reportedBy decidedBy history"
        },
    ),
    Place(
        "history of an absence",
        "AbsenceEvent",
        on_node("absence", "Absence", "history { @ }"),
        {"work": "state at comment actor"},
    ),
    Place(
        "absences to decide",
        "AbsenceConnection",
        "viewer { absencesToDecide { @ } }",
        {"deciders": "edges", "signed in": "pageInfo totalCount"},
    ),
    Place(
        "edge to an absence",
        "AbsenceEdge",
        "viewer { absencesToDecide { edges { @ } } }",
        {"deciders": "cursor node"},
    ),
    Place(
        "feedback of a group",
        "FeedbackGroup",
        on_node("heard appraisal", "Appraisal", "feedback360 { @ }"),
        {"work": "behaviour relation mean answers comments"},
    ),
    node(
        "what somebody was asked and said",
        "FeedbackRequest",
        "feedback request",
        {
            "feedback": "id relation about startsOn endsOn respondent askedAt closesAt "
            "smallestGroup canAnswer",
            "respondent": "answeredAt answers",
        },
    ),
    Place(
        "one's own answer",
        "FeedbackAnswer",
        on_node("feedback request", "FeedbackRequest", "answers { @ }"),
        {"respondent": "behaviour score comment"},
    ),
    Place(
        "what one is asked",
        "FeedbackRequestConnection",
        "viewer { feedbackAsked { @ } }",
        {"respondent": "edges", "signed in": "pageInfo totalCount"},
    ),
    Place(
        "edge to what one is asked",
        "FeedbackRequestEdge",
        "viewer { feedbackAsked { edges { @ } } }",
        {"respondent": "cursor node"},
    ),
    Place(
        "retraction",
        "Retraction",
        on_node("confirmed", "ProgressRecord", "retraction { @ }"),
        {"work": "at reason"},
    ),
    Place(
        "team",
        "Team",
        TEAM % "@",
        {"supervisor's work": "supervisor on members summary"},
    ),
    Place(
        "team of a unit",
        "Team",
        on_node("unit C", "Unit", 'teams(on: "2026-11-24") { @ }'),
        {"supervisor's work": "supervisor on members summary"},
    ),
    Place(
        "member",
        "TeamMember",
        TEAM % "members { @ }",
        {
            "supervisor's work": "employee status log recordedMinutes requiredMinutes "
            "pendingCount lastActivityAt absence workingMinutes shortMinutes clockedInAt doneAt "
            "expectedFrom expectedUntil",
            "never": "known",
        },
    ),
    Place(
        "absence of a member",
        "AbsenceNow",
        TEAM % "members { absence { @ } }",
        {"supervisor's work": "kind state until lastDay"},
    ),
    Place(
        "member of a closed day",
        "TeamMember",
        PAST_TEAM % "members { @ }",
        {
            "supervisor's work": "employee status log recordedMinutes requiredMinutes "
            "pendingCount workingMinutes shortMinutes expectedFrom expectedUntil known",
            "never": "absence lastActivityAt clockedInAt doneAt",
        },
    ),
    Place(
        "what was known of a day",
        "DayKnown",
        PAST_TEAM % "members { known { @ } }",
        {"supervisor's work": "status recordedMinutes requiredMinutes pendingCount closedAt"},
    ),
    Place(
        "board of a unit",
        "UnitBoard",
        BOARD % "@",
        {"supervisor's work": "unit from to figures before days children people"},
    ),
    Place(
        "board in figures",
        "BoardFigures",
        BOARD % "figures { @ }",
        {"supervisor's work": BOARD_FIGURES},
    ),
    Place(
        "people of a board",
        "BoardPersonConnection",
        BOARD % "people { @ }",
        {"supervisor's work": CONNECTION},
    ),
    Place(
        "edge to a person of a board",
        "BoardPersonEdge",
        BOARD % "people { edges { @ } }",
        {"supervisor's work": "cursor node"},
    ),
    Place(
        "person of a board",
        "BoardPerson",
        BOARD % "people { edges { node { @ } } }",
        {
            "supervisor's work": "employeeId name unitCode unitName on status requiredMinutes "
            "recordedMinutes pendingCount"
        },
    ),
    Place(
        "summary",
        "TeamSummary",
        TEAM % "summary { @ }",
        {
            "supervisor's work": "members recordedMinutes requiredMinutes pendingCount statuses "
            "fillRate filled"
        },
    ),
    Place(
        "statuses",
        "StatusCount",
        TEAM % "summary { statuses { @ } }",
        {"supervisor's work": "status count"},
    ),
    Place(
        "viewer",
        "Viewer",
        "viewer { @ }",
        {
            "signed in": "roles unreadCount",
            "employees": "employee",
            "pending": "pendingRecords notices contact",
            "deciders": "absencesToDecide",
            "respondent": "feedbackAsked",
        },
    ),
    Place(
        "how one is reached",
        "Contact",
        "viewer { contact { @ } }",
        {"pending": "address muted"},
    ),
    node(
        "notice",
        "Notice",
        "notice",
        {"pending": "id kind on subject body createdAt"},
    ),
    Place(
        "page of notices",
        "NoticeConnection",
        "viewer { notices { @ } }",
        {"pending": "edges", "signed in": "pageInfo totalCount"},
    ),
    Place(
        "edge to a notice",
        "NoticeEdge",
        "viewer { notices { edges { @ } } }",
        {"pending": "cursor node"},
    ),
    Place(
        "digest as it would be",
        "DigestPreview",
        "previewDigest { @ }",
        {"leaders": "on subject body"},
    ),
    node(
        "connector",
        "Connector",
        "connector",
        {
            "feeds": "id plugin title enabled pollSeconds nextPollAt failures latestRun "
            "waitingCount deadLetterCount tasks paused haltedAt health breaker pluginInfo settings "
            "secretsSet webhookSecrets problems runs history results resultCounts"
        },
    ),
    node(
        "result that failed",
        "ResultDelivery",
        "result final",
        {
            "feeds": "id state attempts retryAt message appraisal connector",
            "never": "receivedAt reference",
        },
    ),
    node(
        "result that was received",
        "ResultDelivery",
        "result closed",
        {
            "feeds": "id state attempts receivedAt reference message appraisal connector",
            "never": "retryAt",
        },
    ),
    Place(
        "results of a connector",
        "ResultDeliveryConnection",
        on_node("connector", "Connector", "results { @ }"),
        {"feeds": CONNECTION},
    ),
    Place(
        "edge to a result",
        "ResultDeliveryEdge",
        on_node("connector", "Connector", "results { edges { @ } }"),
        {"feeds": "cursor node"},
    ),
    Place(
        "results by state",
        "ResultCount",
        on_node("connector", "Connector", "resultCounts { @ }"),
        {"feeds": "state count"},
    ),
    Place(
        "breaker",
        "Breaker",
        on_node("connector", "Connector", "breaker { @ }"),
        {"feeds": "state openedAt nextProbeAt"},
    ),
    Place(
        "plugin",
        "Plugin",
        "plugins { @ }",
        {
            "plugins": "name distribution version title capabilities settingsSchema state problem "
            "seenAt"
        },
    ),
    node(
        "connector's problem",
        "ConnectorProblem",
        "connector problem",
        {
            "feeds": "id code detail fix critical times firstAt lastAt dismissedAt",
            "never": "resolvedAt",
        },
    ),
    Place(
        "fix",
        "ProblemFix",
        on_node("connector problem", "ConnectorProblem", "fix { @ }"),
        {"feeds": "indonesian english"},
    ),
    node(
        "connector's problem that is gone",
        "ConnectorProblem",
        "gone problem",
        {"feeds": "id code detail fix critical times firstAt lastAt dismissedAt resolvedAt"},
    ),
    Place(
        "runs",
        "RunConnection",
        on_node("connector", "Connector", "runs { @ }"),
        {"feeds": CONNECTION},
    ),
    Place(
        "edge to a run",
        "RunEdge",
        on_node("connector", "Connector", "runs { edges { @ } }"),
        {"feeds": "cursor node"},
    ),
    Place(
        "history of a connector",
        "ConnectorEventConnection",
        on_node("connector", "Connector", "history { @ }"),
        {"feeds": CONNECTION},
    ),
    Place(
        "edge to an act",
        "ConnectorEventEdge",
        on_node("connector", "Connector", "history { edges { @ } }"),
        {"feeds": "cursor node"},
    ),
    Place(
        "act",
        "ConnectorEvent",
        on_node("connector", "Connector", "history { edges { node { @ } } }"),
        {"feeds": "act at subject detail"},
    ),
    node(
        "run",
        "Run",
        "run",
        {"feeds": "id startedAt endedAt state received accepted problem"},
    ),
    node(
        "dead letter",
        "DeadLetter",
        "dead letter",
        {"feeds": "id cause detail createdAt resolvedAt note connector sourceId body"},
    ),
    Place(
        "dead letters",
        "DeadLetterConnection",
        "deadLetters { @ }",
        {"feeds": "edges", "signed in": "pageInfo totalCount"},
    ),
    Place(
        "edge to a dead letter",
        "DeadLetterEdge",
        "deadLetters { edges { @ } }",
        {"feeds": "cursor node"},
    ),
    Place(
        "tasks of a connector",
        "ConnectorTaskConnection",
        on_node("connector", "Connector", "tasks { @ }"),
        {"feeds": CONNECTION},
    ),
    Place(
        "edge to a task",
        "ConnectorTaskEdge",
        on_node("connector", "Connector", "tasks { edges { @ } }"),
        {"feeds": "cursor node"},
    ),
    node(
        "task",
        "ConnectorTask",
        "task",
        {
            "feeds": "id kind state requestedBy requestedAt startedAt endedAt appliedAt problem "
            "result connector counts changes"
        },
    ),
    Place(
        "counts of a task",
        "DirectoryChangeCount",
        on_node("task", "ConnectorTask", "counts { @ }"),
        {"feeds": "kind count"},
    ),
    Place(
        "changes of a task",
        "DirectoryChangeConnection",
        on_node("task", "ConnectorTask", "changes { @ }"),
        {"feeds": CONNECTION},
    ),
    Place(
        "edge to a change",
        "DirectoryChangeEdge",
        on_node("task", "ConnectorTask", "changes { edges { @ } }"),
        {"feeds": "cursor node"},
    ),
    Place(
        "change",
        "DirectoryChange",
        on_node("task", "ConnectorTask", "changes { edges { node { @ } } }"),
        {"feeds": "position kind subject detail before after"},
    ),
    Place("check before a cycle", "CycleCheck", CHECK % "@", {"feeds": "on counts problems"}),
    Place(
        "problems by kind",
        "ProblemCount",
        CHECK % "counts { @ }",
        {"feeds": "kind severity count"},
    ),
    Place("problems", "ProblemConnection", CHECK % "problems { @ }", {"feeds": CONNECTION}),
    Place(
        "edge to a problem",
        "ProblemEdge",
        CHECK % "problems { edges { @ } }",
        {"feeds": "cursor node"},
    ),
    Place(
        "problem",
        "Problem",
        CHECK % "problems { edges { node { @ } } }",
        {"feeds": "kind severity subject detail mender menders"},
    ),
)

ROOT: Mapping[str, tuple[str, str]] = {
    **CONSEQUENCE_ROOT,
    "node": ("work", 'node(id: "{target T}") { id }'),
    "viewer": ("signed in", "viewer { roles }"),
    "agency": ("directory", 'agency(code: "DC") { id }'),
    "unit": ("directory", 'unit(agency: "DC", code: "C") { id }'),
    "employee": ("directory", 'employee(nip: "{nip}") { id }'),
    "target": ("work", 'target(id: "{target T}") { id }'),
    "team": ("supervisor's work", TEAM % "on"),
    "viewAs": ("employees", 'viewAs(on: "2026-11-24") { pendingCount }'),
    "unitBoard": ("supervisor's work", BOARD % "from"),
    "ratingBoard": ("directory", RATINGS % "appraisals"),
    "connectors": ("feeds", "connectors { id }"),
    # Which software there is, no secret of one agency: whoever administers any.
    "plugins": ("plugins", "plugins { name }"),
    "deadLetters": ("feeds", "deadLetters { edges { cursor } }"),
    "cycleCheck": ("feeds", CHECK % "on"),
    "previewDigest": ("leaders", "previewDigest { on }"),
    "packagedRules": ("signed in", "packagedRules { code }"),
}

ARGUMENTS = {
    "Employee.consequences": '(period: "2026")',
    "Employee.trainings": '(period: "2026")',
    "Employee.career": '(on: "2026-11-24")',
    "Agency.goals": '(period: "2026")',
    "Agency.evaluationPeriods": '(period: "2026")',
    "Employee.plans": '(period: "2026")',
    "Post.plan": '(period: "2026")',
    "Agency.policy": '(on: "2026-11-24")',
    "Agency.holidays": YEAR,
    "Unit.targets": '(period: "2026")',
    "Unit.rating": '(evaluationPeriod: "{final}")',
    "Unit.teams": '(on: "2026-11-24")',
    "Employee.plan": '(period: "2026")',
    "Employee.targets": '(period: "2026")',
    "Employee.matrices": '(period: "2026")',
    "Employee.openCells": '(period: "2026")',
    "Employee.dailyLog": '(on: "2026-11-24")',
    "Employee.calendar": '(from: "2026-11-24", to: "2026-11-24")',
    "Employee.workTime": YEAR,
    "Employee.absences": YEAR,
}

# Mutations: what each viewer is answered, by the payload's code; RAISED is a GraphQL error.
OK = "OK"
INPUT = 'startsAt: "2026-11-24T11:40:00+07:00", endsAt: "2026-11-24T11:50:00+07:00"'
MUTATIONS: Mapping[str, tuple[str, frozenset[str], str]] = {
    **CONSEQUENCE_MUTATIONS,
    "logProgress": (
        'input: {target: "{target T}", quantity: 1, description: "Rapat", ' + INPUT + "}",
        frozenset({"self"}),
        "TARGET_NOT_YOURS",
    ),
    "logMany": (
        'input: {entries: [{description: "Rapat", ' + INPUT.replace("T11:", "T05:") + "}]}",
        frozenset(
            {"self", "colleague", "supervisor", "superior", "other supervisor", "other agency"}
        ),
        "NOT_FOUND",
    ),
    "confirmProgress": (
        'input: {records: [{id: "{to confirm}"}]}',
        frozenset({"self"}),
        "NOT_FOUND",
    ),
    "setContact": (
        'input: {address: "seseorang@contoh.example", muted: [NUDGE]}',
        WHO["employees"],
        "NOT_FOUND",
    ),
    "setContacts": (
        'input: {agency: "DC", contacts: [{nip: "{nip}", address: "sari@contoh.example"}]}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "setMappingRules": (
        'input: {agency: "DC", rules: [{goal: "{target T}", activityKind: "surat"}]}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "suggestTargets": ('input: {record: "{waiting}"}', frozenset({"self"}), "NOT_FOUND"),
    "dismissProgress": (
        'input: {id: "{to dismiss}", reason: "Bukan saya"}',
        frozenset({"self"}),
        "NOT_FOUND",
    ),
    "correctProgress": (
        'input: {id: "{to correct}", reason: "Keliru", description: "Rapat", '
        + INPUT.replace("T11:", "T06:")
        + "}",
        frozenset({"self"}),
        "NOT_FOUND",
    ),
    "returnProgress": (
        'input: {id: "{to return}", comment: "Lengkapi"}',
        frozenset({"supervisor", "superior"}),
        "NOT_FOUND",
    ),
    "submitActivity": (
        'input: {sourceId: "D-9", nip: "{nip}", kind: "surat", title: "Surat", '
        'occurredAt: "2026-11-24T08:00:00+07:00"}',
        frozenset({"connector"}),
        "NOT_FOUND",
    ),
    "retractActivity": (
        'input: {sourceId: "D-9", at: "2026-11-24T09:00:00+07:00", reason: "Ditarik"}',
        frozenset({"connector"}),
        "NOT_FOUND",
    ),
    "setPolicy": (
        'input: {agency: "DC", startsOn: "2026-12-01", achievementCap: "110"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "loadRuleSet": (
        'input: {agency: "DC", startsOn: "2026-12-01", code: "klhk-2024"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "setWorkingWeek": (
        'input: {agency: "DC", unit: "C", name: "Enam hari", startsOn: "2026-12-01", '
        "minutes: [375, 375, 375, 375, 375, 375, 0]}",
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "setHolidays": (
        'input: {agency: "DC", holidays: [{on: "2026-12-24", name: "Cuti", kind: JOINT_LEAVE}]}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "replayDeadLetter": (
        'input: {id: "{dead letter}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "dryRunConnector": (
        'input: {connector: "{connector}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "previewDirectory": (
        'input: {connector: "{connector}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "applyDirectory": (
        'input: {task: "{task to apply}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "installConnector": (
        'input: {agency: "DC", plugin: "srikandi", title: "Baru", '
        'settings: {url: "http://layanan.example", token: "rahasia"}}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "configureConnector": (
        'input: {id: "{connector}", settings: {url: "http://layanan.example"}, pollSeconds: 30}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "setConnectorEnabled": (
        'input: {id: "{connector}", enabled: true}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "pauseConnector": (
        'input: {id: "{other connector}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "resumeConnector": ('input: {id: "{connector}"}', frozenset({"administrator"}), "NOT_FOUND"),
    "runConnector": ('input: {id: "{connector}"}', frozenset({"administrator"}), "NOT_FOUND"),
    "resetConnectorCursor": (
        'input: {id: "{connector}", cursor: "7"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "rotateWebhookSecret": (
        'input: {id: "{connector}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "dropWebhookSecret": ('input: {id: "{connector}"}', frozenset({"administrator"}), "NOT_FOUND"),
    "dismissProblem": (
        'input: {id: "{connector problem}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "replayDeadLetters": (
        'input: {ids: ["{dead letter}"]}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "resendResults": (
        'input: {ids: ["{result final}"]}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "resolveDeadLetter": (
        'input: {id: "{dead letter}", note: "Bukan kegiatan"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    # The superior's own results; once only, for then there is another version.
    "saveMatrix": (
        'input: {plan: "{plan of superior}", members: [{employee: "{nip}", cells: []}]}',
        frozenset({"superior", "administrator"}),
        "NOT_FOUND",
    ),
    "publishMatrix": (
        'input: {id: "{matrix}", version: 1, publication: PICK}',
        frozenset({"self", "supervisor", "superior", "administrator"}),
        "NOT_FOUND",
    ),
    "takeCells": ('input: {cells: ["{weighted cell}"]}', frozenset({"colleague"}), "NOT_FOUND"),
    "saveTemplate": (
        'input: {agency: "DC", code: "BARU", name: "Baru", results: [{title: "Laporan"}]}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
    "reportAbsence": (
        'input: {kind: LEAVE, startsOn: "2026-12-21", endsOn: "2026-12-23"}',
        WHO["employees"],
        "NOT_FOUND",
    ),
    # Of somebody whose only superior is the highest one: what is decided once is decided.
    "recordAbsences": (
        'input: {absences: [{nip: "{nip of other}", kind: DUTY_TRAVEL, startsOn: "2026-12-01", '
        'endsOn: "2026-12-02"}]}',
        frozenset({"superior", "administrator"}),
        "NOT_FOUND",
    ),
    "decideAbsence": (
        'input: {id: "{absence to decide}", accept: true}',
        frozenset({"superior", "administrator"}),
        "NOT_FOUND",
    ),
    "withdrawAbsence": (
        'input: {id: "{absence to withdraw}"}',
        frozenset({"superior", "administrator"}),
        "NOT_FOUND",
    ),
    # Who is asked already stays asked.
    "askForFeedback": (
        'input: {appraisal: "{open appraisal}", until: "2026-12-20", '
        'respondents: [{employee: "{colleague}", relation: PEER}]}',
        frozenset({"supervisor", "superior", "administrator"}),
        "NOT_FOUND",
    ),
    "answerFeedback": (
        'input: {request: "{feedback to give}", answers: [{behaviour: LOYAL, score: 4}]}',
        frozenset({"colleague"}),
        "NOT_FOUND",
    ),
    "markDayDone": ('input: {on: "2026-11-24"}', WHO["employees"], "NOT_FOUND"),
    "reopenDay": ('input: {on: "2026-11-24"}', WHO["employees"], "NOT_FOUND"),
    "revokeTokens": (
        'input: {subject: "{nip}"}',
        frozenset({"self", "administrator"}),
        "NOT_FOUND",
    ),
    # For somebody whom the superior appraises.
    "applyTemplate": (
        'input: {template: "{template}", period: "2026", employees: ["{nip of other}"]}',
        frozenset({"superior", "administrator"}),
        "NOT_FOUND",
    ),
}
# Who sees a thing and may not do this to it is told so: it is no secret that it is there.
NOT_ALLOWED: Mapping[str, frozenset[str]] = {
    "saveMatrix": frozenset({"auditor"}),
    "publishMatrix": frozenset({"auditor", "colleague"}),
    "saveTemplate": frozenset((*AGENCY, "auditor")),
    "applyTemplate": frozenset((*AGENCY, "auditor")),
    "askForFeedback": frozenset({"self", "auditor"}),
    # Nobody decides their own.
    "recordAbsences": frozenset({"other supervisor"}),
    "decideAbsence": frozenset({"other supervisor"}),
    "withdrawAbsence": frozenset({"other supervisor"}),
}

# Subscriptions: whom they tell of a change in the staff member's day; others are refused at
# the start, or (their own inbox) told nothing.
SUBSCRIPTIONS: Mapping[str, tuple[str, str, str | None]] = {
    "teamUpdates": ("supervisor's work", 'teamUpdates(supervisor: "{supervisor}")', "NOT_FOUND"),
    "pendingProgress": ("pending", "pendingProgress", None),
    "targetProgress": ("work", 'targetProgress(target: "{target T}")', "NOT_FOUND"),
}

# Answered by mutations and subscriptions, with all their fields.
PAYLOADS = {
    "SignAppraisalsPayload",
    "ReckonPayload",
    "RecordCareersPayload",
    "RecordPotentialsPayload",
    "RecordTrainingsPayload",
    "OpenAppraisalsPayload",
    "RateAppraisalsPayload",
    "AppraisalPayload",
    "RateUnitPayload",
    "AbsencePayload",
    "LoadRuleSetPayload",
    "AskForFeedbackPayload",
    "AnswerFeedbackPayload",
    "RecordAbsencesPayload",
    "OwnDayPayload",
    "RevokeTokensPayload",
    "LogProgressPayload",
    "LogManyPayload",
    "PlanPayload",
    "FeedbackPayload",
    "ActionPlansPayload",
    "EvaluationPeriodsPayload",
    "EvaluationPeriodPayload",
    "TransferPayload",
    "ConfirmProgressPayload",
    "DismissProgressPayload",
    "SetMappingRulesPayload",
    "SetContactPayload",
    "SetContactsPayload",
    "SuggestTargetsPayload",
    "RankedTarget",
    "CorrectProgressPayload",
    "ReturnProgressPayload",
    "SubmitActivityPayload",
    "RetractActivityPayload",
    "ReplayDeadLetterPayload",
    "ConnectorTaskPayload",
    "ApplyDirectoryPayload",
    "ReplayDeadLettersPayload",
    "ResendResultsPayload",
    "ResolveDeadLetterPayload",
    "ConnectorPayload",
    "RotateWebhookSecretPayload",
    "DismissProblemPayload",
    "SetPolicyPayload",
    "SetWorkingWeekPayload",
    "SetHolidaysPayload",
    "SaveMatrixPayload",
    "PublishMatrixPayload",
    "TakeCellsPayload",
    "SaveTemplatePayload",
    "ApplyTemplatePayload",
    "UserError",
    "TeamUpdate",
    "TargetUpdate",
}


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, dealt) as world:
        yield world


async def tell(world: World) -> None:
    """What the staff member was told, and how they are reached."""
    staff = world.people[STAFF]
    await Contact.create(employee=staff, address="sari@contoh.example", muted=[NoticeKind.DIGEST])
    world.rows["notice"] = await Notice.create(
        agency_id=staff.agency_id,
        employee=staff,
        kind=NoticeKind.NUDGE,
        day=NOW.date(),
        subject="Catatan kerja",
        body="Belum terisi",
        facts={},
        created_at=NOW,
    )


async def dealt(world: World) -> None:
    """A busy day, and the staff member's matrix, in which the colleague has two cells; a template.

    One cell is a target already, the other waits to be taken.
    """
    await busy_day(world)
    await tell(world)
    staff, colleague = world.people[STAFF].id, world.people[COLLEAGUE].id
    await judged(world.people[STAFF], world.people[SUPERVISOR].id)
    matrix = await RoleMatrix.create(
        plan=await PerformancePlan.get(employee_id=staff),
        publication=Publication.PICK,
        published_at=NOW,
    )
    member = await MatrixMember.create(matrix=matrix, employee_id=colleague, position=1)
    own = await PerformancePlan.get(employee_id=colleague)
    await PerformancePlan.filter(
        employee_id__in=[colleague, world.people[OTHER_SUPERVISOR].id]
    ).update(state=PlanState.DRAFT)
    target = world.targets["T"]
    made = target.clone(pk=uuid7())
    made.update_from_dict({"code": "T.1", "owner_employee_id": colleague, "plan_id": own.id})
    await made.save(force_create=True)
    await TargetEdge.create(parent=target, child=made, kind=EdgeKind.DIRECT)
    of_share = {"indicator": world.indicators["T"], "share": 4, "target": made}
    cells = {
        "direct cell": {"result": target, "kind": EdgeKind.DIRECT} | of_share,
        "weighted cell": {"result": world.targets["M"], "kind": EdgeKind.WEIGHTED, "weight": 40},
    }
    for name, given in cells.items():
        world.rows[name] = await MatrixCell.create(member=member, title="Naskah", **given)
    await away(world)
    await heard(world)
    world.rows["matrix"] = matrix
    world.rows["template"] = await CascadeTemplate.create(
        agency_id=world.rows["agency"].id, code="GURU", name="Guru", results=RESULTS
    )
    rules = packaged_rules("kementan-2025")
    world.rows["rule set"] = await RuleSet.create(
        agency_id=world.rows["agency"].id,
        kind=rules.kind,
        code=rules.code,
        version=1,
        starts_on=date(2026, 1, 1),
        source=rules.source,
        body=rules.body,
        digest=rules.digest,
        loaded_by=SUPERIOR,
        loaded_at=NOW,
    )
    period_id = world.targets["T"].period_id
    world.rows |= await followed(
        world.rows["appraisal"], world.people[COLLEAGUE], SUPERIOR, period_id, NOW
    )


async def heard(world: World) -> None:
    """Feedback on the staff member: of a month, where all is said; of another, where it waits."""
    staff, colleague = world.people[STAFF], world.people[COLLEAGUE]
    plan = world.rows["plan"]
    for name, month in (("heard appraisal", 10), ("open appraisal", 11)):
        evaluation = await EvaluationPeriod.create(
            period_id=world.targets["T"].period_id,
            kind=EvaluationKind.MONTHLY,
            number=month,
            starts_on=date(2026, month, 1),
            ends_on=date(2026, month, 30),
            filling_until=date(2026, month + 1, 5),
        )
        world.rows[name] = await Appraisal.create(
            agency_id=staff.agency_id,
            employee=staff,
            plan=plan,
            evaluation_period=evaluation,
            unit_id=world.rows["unit C"].id,
            appraiser=world.people[SUPERVISOR],
            heads_unit=False,
            starts_on=date(2026, 10, 1),
            ends_on=date(2026, 10, 31),
        )
    said = {"relation": FeedbackRelation.PEER, "asked_by": SUPERVISOR, "asked_at": NOW}
    over = {"closes_at": NOW - timedelta(hours=2), "answered_at": NOW - timedelta(hours=3)}
    for person in (colleague, world.people[OTHER_STAFF]):
        request = await FeedbackRequest.create(
            appraisal=world.rows["heard appraisal"],
            respondent=person,
            smallest_group=2,
            **said,
            **over,
        )
        await FeedbackAnswer.create(
            request=request, behaviour=Behaviour.LOYAL, score=4, comment="Menolong"
        )
        world.rows.setdefault("feedback request", request)
    world.rows["feedback to give"] = await FeedbackRequest.create(
        appraisal=world.rows["open appraisal"],
        respondent=colleague,
        smallest_group=3,
        closes_at=datetime(2026, 12, 20, 17, tzinfo=UTC),
        **said,
    )


async def away(world: World) -> None:
    """The staff member is on leave in the afternoon and has said that the day is done; they and
    somebody else have reported more."""
    staff, other = world.people[STAFF], world.people[OTHER_SUPERVISOR]
    said = {"reported_by": STAFF, "reported_at": NOW, "kind": AbsenceKind.LEAVE}
    decided = {"decided_by": SUPERVISOR, "decided_at": NOW, "state": AbsenceState.ACCEPTED}
    day = {"starts_on": TODAY, "ends_on": TODAY}
    later = {"starts_on": date(2026, 12, 14), "ends_on": date(2026, 12, 15)}
    reported = {"state": AbsenceState.REPORTED}
    times = {"from_time": time(13), "until_time": time(16), "note": "Acara keluarga"}
    rows = {
        "absence": await Absence.create(employee=staff, **said, **decided, **day, **times),
        "reported absence": await Absence.create(employee=staff, **said, **reported, **later),
        "absence to decide": await Absence.create(employee=other, **said, **reported, **later),
        "absence to withdraw": await Absence.create(employee=other, **said, **decided, **day),
    }
    world.rows |= rows
    await AbsenceEvent.create(
        absence=rows["absence"],
        state=AbsenceState.ACCEPTED,
        actor=SUPERVISOR,
        at=NOW,
        comment="Silakan",
    )
    await DayDone.create(employee=staff, day=TODAY, done_at=NOW)


async def judged(staff: Any, supervisor: Any) -> None:
    """What a board tells of a day: away for a part of it, done, and the day before closed."""
    await Absence.create(
        employee_id=staff.id,
        kind=AbsenceKind.DUTY_TRAVEL,
        state=AbsenceState.REPORTED,
        starts_on=TODAY,
        ends_on=TODAY,
        reported_by=STAFF,
        reported_at=NOW,
    )
    await DayClose.create(
        agency_id=staff.agency_id,
        employee_id=staff.id,
        day=TODAY - timedelta(days=1),
        appraiser_ids=[supervisor],
        superior_ids=staff.superiors,
        status=PresenceStatus.SHORT,
        required_minutes=450,
        recorded_minutes=60,
        pending_count=0,
        closed_at=NOW,
    )


MEASURED = {"aspect": "QUANTITY", "title": "Jumlah", "unit_of_measure": "laporan"}
MEASURED |= {"accumulation": "SUM"}
RESULTS = [
    {
        "title": "Laporan",
        "category": "MAIN",
        "indicators": [
            MEASURED | {"polarity": "RISING", "planned": "12"},
            MEASURED | {"polarity": "RANGE", "minimum": "0", "maximum": "2"},
        ],
        "stages": [],
    },
    {
        "title": "Modul",
        "category": "MAIN",
        "indicators": [],
        "stages": [{"title": "Draf", "evidence": "Naskah", "weight": "1"}],
    },
]


def types() -> Iterator[GraphQLObjectType]:
    graph = schema()._schema
    roots = {graph.query_type, graph.mutation_type, graph.subscription_type}
    for type_ in graph.type_map.values():
        hidden = type_.name.startswith("__") or type_ in roots
        if isinstance(type_, GraphQLObjectType) and not hidden:
            yield type_


def fields_of(type_name: str) -> Mapping[str, GraphQLField]:
    type_ = schema()._schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    return type_.fields


def selected(type_name: str, name: str, *, under: str | None = None) -> str:
    """A field with its arguments and enough below it to tell whether something is shown."""
    inner = get_named_type(fields_of(type_name)[name].type)
    text = (under or name) + ARGUMENTS.get(f"{type_name}.{name}", "")
    if inner.name.endswith("Connection"):
        return text + " { edges { __typename } }"
    if isinstance(inner, GraphQLObjectType | GraphQLUnionType | GraphQLInterfaceType):
        return text + " { __typename }"
    return text


def whole(type_name: str) -> str:
    """All fields of a type."""
    return " ".join(selected(type_name, name) for name in fields_of(type_name))


def shown(value: Any) -> bool:
    if isinstance(value, dict) and "edges" in value:
        return bool(value["edges"])
    return value is not None and value != []


def names(world: World) -> dict[str, str]:
    """What stands for the braces of a document."""
    found = {
        "agency": key_of(world.rows["agency"]),
        "staff": key_of(world.people[STAFF]),
        "nip": STAFF,
        "nip of other": OTHER_SUPERVISOR,
        "colleague": key_of(world.people[COLLEAGUE]),
        "plan of superior": to_base64("PerformancePlan", world.targets["P"].plan_id),
        "matrix": key_of(world.rows["matrix"]),
        "direct cell": key_of(world.rows["direct cell"]),
        "weighted cell": key_of(world.rows["weighted cell"]),
        "template": key_of(world.rows["template"]),
        "rule set": key_of(world.rows["rule set"]),
        **{
            name: key_of(row)
            for name, row in world.rows.items()
            if name.startswith(("consequence ", "tried "))
        },
        "supervisor": key_of(world.people[SUPERVISOR]),
        "superior": key_of(world.people[SUPERIOR]),
        "plan": key_of(world.rows["plan"]),
        "post": key_of(world.rows["post"], "Post"),
        "former post": key_of(world.rows["former post"], "Post"),
        "feedback T": key_of(world.rows["feedback T"]),
        "feedback LOYAL": key_of(world.rows["feedback LOYAL"]),
        "unit rating": key_of(world.rows["unit rating"]),
        "appraisal": key_of(world.rows["appraisal"]),
        "final": key_of(world.rows["final"]),
        "closed": key_of(world.rows["closed"]),
        "notice": key_of(world.rows["notice"]),
        "connector": key_of(world.installation),
        "run": key_of(world.rows["run"]),
        "task": key_of(world.rows["task"]),
        "task to apply": key_of(world.rows["task to apply"]),
        "other connector": key_of(world.rows["other connector"], "Connector"),
        "connector problem": key_of(world.rows["problem"]),
        "gone problem": key_of(world.rows["gone problem"]),
        "dead letter": key_of(world.dead_letter),
        "appraisal final": key_of(world.rows["appraisal final"]),
        "result final": key_of(world.rows["result final"]),
        "result closed": key_of(world.rows["result closed"]),
        "absence": key_of(world.rows["absence"]),
        "absence to decide": key_of(world.rows["absence to decide"]),
        "absence to withdraw": key_of(world.rows["absence to withdraw"]),
        "stage": key_of(world.stages[0]),
        "unit C": key_of(world.rows["unit C"]),
        "activity": key_of(world.rows["activity"]),
        "pending activity": key_of(world.rows["pending activity"]),
        "heard appraisal": key_of(world.rows["heard appraisal"]),
        "open appraisal": key_of(world.rows["open appraisal"]),
        "feedback request": key_of(world.rows["feedback request"]),
        "feedback to give": key_of(world.rows["feedback to give"]),
    }
    found |= {f"target {code}": key_of(row) for code, row in world.targets.items()}
    found |= {f"indicator {code}": key_of(row) for code, row in world.indicators.items()}
    found |= {f"action {code}": key_of(world.rows[f"action {code}"]) for code in ("T", "U")}
    return found | {name: key_of(row) for name, row in world.records.items()}


def filled(document: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        document = document.replace("{" + name + "}", value)
    return document


def marked(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of an answer that a place speaks of."""
    if isinstance(value, dict):
        if "marker" in value:
            yield value
        for inner in value.values():
            yield from marked(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from marked(inner)


async def look(place: Place, api: Api, values: Mapping[str, str]) -> dict[str, bool]:
    """Which fields of the object in a place the viewer is shown."""
    every = [name for row in place.fields.values() for name in row.split()]
    inside = "marker: __typename " + " ".join(
        selected(place.type_name, name, under=f"{name}: {name}") for name in every
    )
    picked = values[place.pick] if place.pick else None
    answer = await api.run(filled("{ " + place.document.replace("@", inside) + " }", values))
    objects = [one for one in marked(answer.data) if picked in (None, one.get("id"))]
    assert {one["marker"] for one in objects} <= {place.type_name}
    return {name: any(shown(one[name]) for one in objects) for name in every}


def test_every_field_of_every_type_has_its_expectation() -> None:
    spoken: dict[str, set[str]] = {}
    for place in PLACES:
        listed = [name for row in place.fields.values() for name in row.split()]
        assert sorted(listed) == sorted(fields_of(place.type_name)), place.name
        valued = {
            name for row, some in place.fields.items() if row != "never" for name in some.split()
        }
        spoken.setdefault(place.type_name, set()).update(valued)

    # `cursor` has a value in a subscription only; there it is looked at.
    spoken["ProgressRecord"].add("cursor")
    expected = {type_.name: set(type_.fields) for type_ in types() if type_.name not in PAYLOADS}
    assert spoken == expected


def test_every_operation_has_its_expectation() -> None:
    graph = schema()._schema
    assert graph.query_type is not None
    assert graph.mutation_type is not None
    assert graph.subscription_type is not None

    assert set(ROOT) == set(graph.query_type.fields)
    assert set(MUTATIONS) | set(PLAN_MUTATIONS) | set(APPRAISAL_MUTATIONS) == set(
        graph.mutation_type.fields
    )
    assert set(SUBSCRIPTIONS) == set(graph.subscription_type.fields)


def test_every_node_is_met_by_its_id() -> None:
    by_id = {place.type_name for place in PLACES if place.document.startswith("node(")}

    assert {type_.name for type_ in types() if type_.interfaces} <= by_id


async def test_each_viewer_is_shown_what_the_table_says(world: World) -> None:
    values = names(world)
    wrong = []
    for viewer in VIEWERS:
        for place in PLACES:
            seen = await look(place, Api.of(viewer), values)
            for row, some in place.fields.items():
                for name in some.split():
                    if seen[name] is not (viewer in WHO[row]):
                        wrong.append((viewer, place.name, name, seen[name]))

    assert wrong == []


async def test_each_viewer_is_answered_at_the_root_as_the_table_says(world: World) -> None:
    values = names(world)
    seen, expected = {}, {}
    for viewer in VIEWERS:
        for name, (row, document) in ROOT.items():
            answer = await Api.of(viewer).run(filled("{ " + document + " }", values))
            seen[viewer, name] = bool(answer.data and shown(answer.data[name]))
            expected[viewer, name] = viewer in WHO[row]
            assert (answer.codes == ("UNAUTHENTICATED",)) is (viewer == "nobody"), name

    assert seen == expected


async def mutate(name: str, arguments: str, api: Api) -> str:
    """OK, or the code of the refusal. The payload is read with all its fields."""
    graph = schema()._schema
    assert graph.mutation_type is not None
    payload = get_named_type(graph.mutation_type.fields[name].type).name
    errors = "userErrors { " + whole("UserError") + " }"
    fields = " ".join(
        errors if one == "userErrors" else selected(payload, one) for one in fields_of(payload)
    )
    answer = await api.run(f"mutation {{ {name}({arguments}) {{ {fields} }} }}")
    if answer.data is None:
        return answer.codes[0]
    refused = answer.data[name]["userErrors"]
    changed = [value for key, value in answer.data[name].items() if key != "userErrors"]
    assert bool(refused) is not any(bool(value) for value in changed)
    return refused[0]["code"] if refused else OK


AFTERWARDS = NOW + timedelta(hours=1)
"""Whoever signs in anew holds a token that no revocation of this moment is about."""


def permitted(viewer: str, name: str) -> str:
    """What the table says of a mutation."""
    _, allowed, refusal = MUTATIONS[name]
    if viewer == "nobody":
        return "UNAUTHENTICATED"
    # Who is no employee has no plan in which a target could be looked for.
    if viewer in NOT_ALLOWED.get(name, ()) and viewer not in allowed:
        return "NOT_ALLOWED"
    no_plan = name == "logProgress" and viewer not in WHO["employees"]
    return OK if viewer in allowed else "NOT_FOUND" if no_plan else refusal


# The superior apart: a record can be returned once.
@pytest.mark.parametrize("viewers", [frozenset(VIEWERS) - {"superior"}, {"superior"}])
async def test_each_viewer_may_do_what_the_table_says(world: World, viewers: set[str]) -> None:
    values = names(world)
    pairs = [(viewer, name) for viewer in viewers for name in MUTATIONS]
    # Those who are refused come first, so that they meet everything as it was.
    pairs.sort(key=lambda pair: permitted(*pair) == OK)

    answers = {
        (viewer, name): await mutate(
            name, filled(MUTATIONS[name][0], values), Api.of(viewer, issued_at=AFTERWARDS)
        )
        for viewer, name in pairs
    }

    assert answers == {pair: permitted(*pair) for pair in pairs}


async def test_each_viewer_may_follow_what_the_table_says(world: World) -> None:
    values = names(world)
    event = event_of(
        world.records["waiting"],
        EventKind.PROGRESS_RECEIVED,
        superior_ids=frozenset({world.people[SUPERVISOR].id, world.people[SUPERIOR].id}),
        target_ids=frozenset({world.targets["T"].id}),
    )
    graph = schema()._schema
    assert graph.subscription_type is not None
    answers, expected = {}, {}
    for viewer in VIEWERS:
        for name, (row, document, refusal) in SUBSCRIPTIONS.items():
            inner = get_named_type(graph.subscription_type.fields[name].type).name
            text = filled(f"subscription {{ {document} {{ {whole(inner)} }} }}", values)
            api = Api.of(viewer, feed=ScriptedFeed(event))
            messages = [one async for one in api.follow(text)]
            cursors = [one.data[name]["cursor"] for one in messages if one.data]
            codes = [code for one in messages for code in one.codes]
            answers[viewer, name] = ("1" in cursors, codes)
            told = viewer in WHO[row]
            code = "UNAUTHENTICATED" if viewer == "nobody" else None if told else refusal
            expected[viewer, name] = (told, [code] if code else [])

    assert answers == expected


# Not yours, and not there: word for word the same answer.
LOOK_UPS = {
    "node": 'node(id: "%s") { __typename id }',
    "target": 'target(id: "%s") { id title }',
    "team": 'team(supervisor: "%s") { on }',
    "deadLetters": 'deadLetters(connector: "%s") { totalCount edges { cursor } }',
    "unit": 'unit(agency: "%s", code: "C") { id }',
    "agency": 'agency(code: "%s") { id }',
    "employee": 'employee(nip: "%s") { id }',
    "unitBoard": 'unitBoard(agency: "%s", unit: "C") { from figures { people } }',
    "cycleCheck": 'cycleCheck(agency: "%s", period: "2026") { on counts { count } }',
}
NO_LETTERS = {"deadLetters": {"totalCount": 0, "edges": []}}


def of_another_agency(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Look-ups of the staff member's agency, each with one of what is nowhere."""
    for place in PLACES:
        if place.document.startswith("node("):
            name = place.document.split("{", 1)[1].split("}", 1)[0]
            kind = place.document.split(" on ")[1].split()[0]
            yield "node", values[name], random_id(kind)
    yield "target", values["target U"], random_id("Target")
    yield "team", values["supervisor"], random_id("Employee")
    yield "deadLetters", values["connector"], random_id("Connector")
    yield "unit", "DC", "DZ"
    yield "agency", "DC", "DZ"
    yield "employee", STAFF, "199001012015039999"
    yield "cycleCheck", "DC", "DZ"
    yield "unitBoard", "DC", "DZ"


async def test_not_yours_and_not_there_are_one_answer(world: World) -> None:
    for viewer in ("other administrator", "other agency", "connector"):
        api = Api.of(viewer)
        for name, theirs, nowhere in of_another_agency(names(world)):
            document = "{ " + LOOK_UPS[name] + " }"
            answers = [await api.run(document % key) for key in (theirs, nowhere)]

            assert answers[0] == answers[1], (viewer, name, theirs)
            assert answers[0].data in (None, {name: None}, NO_LETTERS)


async def test_refused_writes_do_not_tell_whether_something_is_there(world: World) -> None:
    values = names(world)
    of_type = {
        "target T": "Target",
        "dead letter": "DeadLetter",
        "result final": "ResultDelivery",
        "connector": "Connector",
        "other connector": "Connector",
        "connector problem": "ConnectorProblem",
        "plan of superior": "PerformancePlan",
        "matrix": "RoleMatrix",
        "weighted cell": "MatrixCell",
        "template": "CascadeTemplate",
        "absence to decide": "Absence",
        "absence to withdraw": "Absence",
        "open appraisal": "Appraisal",
        "feedback to give": "FeedbackRequest",
        "colleague": "Employee",
    }
    nothing = {key: random_id(of_type.get(key, "ProgressRecord")) for key in values}
    nothing |= {"nip": STAFF, "nip of other": OTHER_SUPERVISOR}
    document = "mutation {{ {}({}) {{ userErrors {{ code field message }} }} }}"
    for viewer in ("colleague", "other supervisor", "other agency", "connector", "auditor"):
        for name, (arguments, allowed, _) in MUTATIONS.items():
            if viewer in allowed or viewer in NOT_ALLOWED.get(name, ()):
                continue
            answers = [
                await Api.of(viewer).run(document.format(name, filled(arguments, some)))
                for some in (values, nothing)
            ]

            assert answers[0] == answers[1]
            assert answers[0].data[name]["userErrors"], name


@pytest.mark.parametrize("after", [None, "0"])
async def test_refused_streams_do_not_tell_whether_something_is_there(
    world: World, after: str | None
) -> None:
    moved = frozenset({world.targets["T"].id})
    event = event_of(world.records["confirmed"], EventKind.PROGRESS_CONFIRMED, target_ids=moved)
    api = Api.of("colleague", feed=ScriptedFeed(event))
    document = (
        "subscription($t: ID!, $a: String) { targetProgress(target: $t, after: $a) { cursor } }"
    )

    async def answers(key: str) -> list[Answer]:
        return [one async for one in api.follow(document, t=key, a=after)]

    theirs, nowhere = await answers(key_of(world.targets["T"])), await answers(random_id("Target"))

    assert theirs == nowhere == [Answer(None, ("NOT_FOUND",), ("Target was not found.",))]


async def test_others_see_of_pending_records_only_how_many_there_are(world: World) -> None:
    document = filled(
        '{ team(supervisor: "{supervisor}", on: "2026-11-24") { members { pendingCount '
        "employee { id } log { pendingCount records { id state } } } } }",
        names(world),
    )

    answer = await Api.of("supervisor").data(document)

    (staff,) = [
        one
        for one in answer["team"]["members"]
        if one["employee"]["id"] == key_of(world.people[STAFF])
    ]
    # waiting, to confirm and to dismiss
    assert staff["pendingCount"] == staff["log"]["pendingCount"] == 3
    states = {record["state"] for record in staff["log"]["records"]}
    assert states == {"CONFIRMED", "SUPERSEDED"}


async def test_an_id_of_another_type_or_without_a_key_finds_nothing(world: World) -> None:
    values = names(world)
    api = Api.of("self")
    for key in (values["staff"].replace("=", ""), "VW5pdDphYmM=", values["indicator T"]):
        answer = await api.run("query($k: ID!) { target(id: $k) { id } }", k=key)
        assert answer == Answer({"target": None}), key

    assert await api.run('{ node(id: "VW5pdDphYmM=") { id } }') == Answer({"node": None})
    assert await api.run('{ node(id: "Tm90aGluZzphYmM=") { id } }') == Answer({"node": None})
