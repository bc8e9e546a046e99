"""Where questions about the directory begin: who is asking, and look-ups by natural keys."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.access import Role
from schema.arguments import After, AgencyCode, Before, First, Last, Nip, UnitCode
from schema.organizations.absence_graph import AbsenceConnection
from schema.organizations.graph import Agency, Employee, Unit
from schema.selection.declarations import one, page, same, value

if TYPE_CHECKING:
    from schema.appraisals.feedback_graph import FeedbackRequestConnection
    from schema.notices.graph import Contact, NoticeConnection
    from schema.progress.graph import ProgressRecordConnection

LazyRecords = Annotated[
    "ProgressRecordConnection",
    strawberry.lazy("schema.progress.graph"),
]
LazyNotices = Annotated["NoticeConnection", strawberry.lazy("schema.notices.graph")]
LazyContact = Annotated["Contact", strawberry.lazy("schema.notices.graph")]

LazyFeedback = Annotated[
    "FeedbackRequestConnection", strawberry.lazy("schema.appraisals.feedback_graph")
]

strawberry.enum(Role, description="What a viewer may do beyond being an employee.")

# Of those below the viewer, and, for administrators, of those who have nobody above them.
TO_DECIDE = """@it.state = 'REPORTED' AND @it.employee_id IS DISTINCT FROM @viewer
AND (SELECT @viewer = ANY (d$.superiors)
    OR (d$.superiors = '{}' AND d$.agency_id = ANY (@administered))
  FROM employee d$ WHERE d$.id = @it.employee_id)"""
WAITS_OR_GIVEN = "CASE WHEN @it.answered_at IS NULL THEN 'asked' ELSE 'given' END"
PENDING = "@it.employee_id = @viewer AND @it.state = 'PENDING'"


@strawberry.type(description="Who is asking.")
class Viewer:
    employee: Employee | None = one(
        "employee @it", "Null for service accounts.", where="@it.id = @viewer"
    )
    roles: list[Role] = value("@roles", "What the viewer may do.")

    @page(
        "progress_record @it",
        "The viewer's own inbox of pending records.",
        where=PENDING,
        given={
            "source": "EXISTS (SELECT FROM activity_source s$ "
            "WHERE s$.activity_id = @it.activity_id AND s$.plugin = @source)"
        },
        keys={"@it.id": "uuid"},
        newest=True,
        trusted=True,
        type=LazyRecords,
    )
    def pending_records(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        source: Annotated[
            str | None, strawberry.argument(description="A connector's plugin name.")
        ] = None,
    ) -> None: ...

    @page(
        "absence @it",
        "Reported absences that wait for the viewer to decide, the longest waiting first: of "
        "all below them; for administrators also of those who have no superior.",
        where=TO_DECIDE,
        keys={"@it.id": "uuid"},
        trusted=True,
        type=AbsenceConnection,
    )
    def absences_to_decide(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...

    unread_count: int = value(
        f"(SELECT count(*) FROM progress_record u$ WHERE {PENDING.replace('@it', 'u$')})",
        "How many pending records wait for the viewer.",
    )

    @page(
        "notice @it",
        "What the viewer was told, newest first.",
        where="@it.employee_id = @viewer",
        keys={"@it.id": "uuid"},
        newest=True,
        trusted=True,
        type=LazyNotices,
    )
    def notices(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...

    @page(
        "feedback_request @it",
        "What the viewer is asked to say of others' behaviour (360), unanswered ones first.",
        where="@it.respondent_id = @viewer",
        keys={WAITS_OR_GIVEN: "text", "@it.id": "uuid"},
        trusted=True,
        type=LazyFeedback,
    )
    def feedback_asked(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...

    contact: LazyContact | None = one(
        "contact @it",
        "How the viewer is reached; null where nobody has said.",
        where="@it.employee_id = @viewer",
    )


@strawberry.type
class OrganizationQuery:
    viewer: Viewer = same("", "Who am I, my roles, my inbox.")

    @one("agency @it", "An agency by its code.", where="@it.code = @code", type=Agency | None)
    def agency(self, code: AgencyCode) -> None: ...

    @one(
        "agency a$ JOIN unit @it ON @it.agency_id = a$.id",
        "A unit by the codes.",
        where="a$.code = @agency AND @it.code = @code",
        type=Unit | None,
    )
    def unit(self, agency: AgencyCode, code: UnitCode) -> None: ...

    @one("employee @it", "An employee by NIP.", where="@it.nip = @nip", type=Employee | None)
    def employee(self, nip: Nip) -> None: ...
