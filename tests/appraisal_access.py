"""Where appraisals are met and who is shown what, for `tests/schema/test_access_matrix.py`."""

from collections.abc import Mapping

OF_ANY = (
    "id state version startsOn endsOn headsUnit workRating workReason behaviourRating "
    "behaviourReason predicate ratedAt objectionUntil employee appraiser plan evaluationPeriod "
    "unit ratedBy signedAt signedBy"
)
CHECK = "kind predicates limit count percentage holds indonesian english"
SIGNED = 'node(id: "{appraisal}") { ... on Appraisal { %s } }'
HEAD = 'node(id: "{appraisal final}") { ... on Appraisal { @ } }'
RESULT = SIGNED % "evidence { results { %s } }"
BOARD = 'ratingBoard(agency: "DC", unit: "C", evaluationPeriod: "{final}") { %s }'

APPRAISAL_PLACES: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    (
        "appraisal that is signed",
        "Appraisal",
        SIGNED % "@",
        {
            "work": f"{OF_ANY} lines objection history seal evidence",
            "never": "unitRating deliveries feedback360 feedbackRequests",
        },
    ),
    (
        "appraisal of a head",
        "Appraisal",
        HEAD,
        {
            "supervisor's work": f"{OF_ANY} unitRating",
            "feeds": "deliveries",
            "never": "lines objection history seal evidence feedback360 feedbackRequests",
        },
    ),
    (
        "rating of a unit",
        "UnitRating",
        'node(id: "{unit rating}") { ... on UnitRating { @ } }',
        {"supervisor's work": "id version predicate reason setAt unit evaluationPeriod head setBy"},
    ),
    (
        "lines of an appraisal",
        "AppraisalLine",
        SIGNED % "lines { @ }",
        {"work": "target behaviour rating reason"},
    ),
    (
        "history of an appraisal",
        "AppraisalEvent",
        SIGNED % "history { @ }",
        {"work": "kind at version comment changes actor"},
    ),
    ("seal", "AppraisalSeal", SIGNED % "seal { @ }", {"work": "document digest sealedAt"}),
    (
        "objection",
        "Objection",
        SIGNED % "objection { @ }",
        {"work": "reason at outcome answer decidedAt decidedBy"},
    ),
    (
        "evidence of an appraisal",
        "AppraisalEvidence",
        SIGNED % "evidence { @ }",
        {"work": "sealed achieved results behaviours time"},
    ),
    (
        "result as it was appraised",
        "ResultEvidence",
        RESULT % "@",
        {
            "work": "code title category perspective assignedBy serves achieved knownShare "
            "indicators stages recordCount feedbackCount target records"
        },
    ),
    (
        "indicator as it was appraised",
        "IndicatorEvidence",
        RESULT % "indicators { @ }",
        {"work": "title aspect unitOfMeasure polarity planned minimum maximum baseline realized"},
    ),
    (
        "stage as it was appraised",
        "StageEvidence",
        RESULT % "stages { @ }",
        {"work": "title weight completedOn"},
    ),
    (
        "behaviour as it was appraised",
        "BehaviourEvidence",
        SIGNED % "evidence { behaviours { @ } }",
        {"work": "behaviour expectation feedbackCount"},
    ),
    (
        "time as it was appraised",
        "TimeEvidence",
        SIGNED % "evidence { time { @ } }",
        {"work": "requiredMinutes recordedMinutes daysAsked daysFilled longestStreak months"},
    ),
    (
        "board of ratings",
        "RatingBoard",
        BOARD % "@",
        {
            "directory": "unit evaluationPeriod appraisals children",
            "work": "states predicates people",
            "supervisor's work": "rating guide",
        },
    ),
    (
        "appraisals by state",
        "AppraisalStateCount",
        BOARD % "states { @ }",
        {"work": "state count"},
    ),
    (
        "appraisals by predicate",
        "PredicateCount",
        BOARD % "predicates { @ }",
        {"work": "predicate count"},
    ),
    (
        "guide for predicates",
        "DistributionGuide",
        BOARD % "guide { @ }",
        {"supervisor's work": "organization staff rated checks warnings source"},
    ),
    (
        "check of the guide",
        "GuideCheck",
        BOARD % "guide { checks { @ } }",
        {"supervisor's work": CHECK},
    ),
    (
        "people of a board of ratings",
        "AppraisalConnection",
        BOARD % "people { @ }",
        {"directory": "pageInfo totalCount", "work": "edges"},
    ),
    (
        "edge to an appraisal",
        "AppraisalEdge",
        BOARD % "people { edges { @ } }",
        {"work": "cursor node"},
    ),
)
