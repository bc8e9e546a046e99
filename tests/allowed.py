"""Which rows of each table `schema.access` allows a viewer, worked out in Python from all rows."""

from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from schema.access import (
    AGENCY_WIDE,
    Appraised,
    Person,
    Scope,
    can_audit,
    can_see_appraisal,
    can_see_career,
    can_see_content,
    can_see_directory,
    can_see_work_of,
)
from schema.organizations.models import Employee
from schema.progress.models import RecordState
from schema.tables import dicts_of

Row = Mapping[str, Any]


class Allowed:
    """All rows of all tables by key, and what `schema.access` says about each."""

    def __init__(self, rows: Mapping[str, Sequence[Row]], people: Sequence[Person]) -> None:
        self.rows = {table: {row["id"]: row for row in rows[table]} for table in rows}
        self._people = {person.id: person for person in people}

    @classmethod
    async def read(cls) -> "Allowed":
        rows = {table: await dicts_of(f"SELECT * FROM {table}", []) for table in SEEN}
        return cls(rows, await Employee.all())

    def seen_by(self, scope: Scope, table: str) -> set[UUID]:
        return {key for key, row in self.rows[table].items() if SEEN[table](self, scope, row)}

    def sees(self, scope: Scope, table: str, key: UUID) -> bool:
        return SEEN[table](self, scope, self.rows[table][key])

    def work(self, scope: Scope, person_id: UUID) -> bool:
        return can_see_work_of(scope, self._people[person_id])

    def person(self, scope: Scope, row: Row) -> bool:
        return can_see_directory(scope, row["agency_id"]) or self.work(scope, row["id"])

    def target(self, scope: Scope, row: Row) -> bool:
        if row["owner_employee_id"] is None:
            return can_see_directory(scope, row["agency_id"])
        return self.work(scope, row["owner_employee_id"])

    def record(self, scope: Scope, row: Row) -> bool:
        pending = row["state"] == RecordState.PENDING
        return can_see_content(scope, self._people[row["employee_id"]], pending=pending)

    def matrix(self, scope: Scope, row: Row) -> bool:
        members = self.rows["matrix_member"].values()
        takes_part = any(
            member["matrix_id"] == row["id"] and member["employee_id"] == scope.employee_id
            for member in members
        )
        return takes_part or self.sees(scope, "performance_plan", row["plan_id"])

    def activity(self, scope: Scope, row: Row) -> bool:
        records = self.rows["progress_record"].values()
        return any(self.record(scope, r) for r in records if r["activity_id"] == row["id"])

    def retraction(self, scope: Scope, row: Row) -> bool:
        return any(
            self.activity(scope, one)
            for one in self.rows["activity"].values()
            if (one["installation_id"], one["source_id"])
            == (row["installation_id"], row["retracts"])
        )

    def appraisal(self, scope: Scope, row: Row) -> bool:
        person = self._people[row["employee_id"]]
        return can_see_appraisal(scope, cast("Appraised", SimpleNamespace(**row)), person)

    def feedback_request(self, scope: Scope, row: Row) -> bool:
        about = self.rows["appraisal"][row["appraisal_id"]]
        person = self._people[about["employee_id"]]
        if row["respondent_id"] == scope.employee_id:
            return True
        if person.id == scope.employee_id:
            return False
        return (
            (scope.line is not None and scope.line in person.superiors)
            or can_audit(scope, person.agency_id)
            or can_audit(scope, about["agency_id"])
            or (scope.employee_id is not None and scope.employee_id == about["appraiser_id"])
        )

    def career(self, scope: Scope, row: Row) -> bool:
        return can_see_career(scope, self._people[row["employee_id"]])

    def consequence(self, scope: Scope, row: Row) -> bool:
        if row["employee_id"] == scope.employee_id or can_audit(scope, row["agency_id"]):
            return True
        return row["kind"] in {"WEIGHT", "TRAINING"} and self.work(scope, row["employee_id"])

    def item(self, scope: Scope, row: Row) -> bool:
        given_up = any(
            letter["inbox_item_id"] == row["id"] for letter in self.rows["dead_letter"].values()
        )
        shown = given_up or row["processed_at"] is None
        return shown and self.sees(scope, "installation", row["installation_id"])


Seen = Callable[[Allowed, Scope, Row], bool]


def through(table: str, column: str) -> Seen:
    """Seen by whoever sees the row that it belongs to."""
    return lambda allowed, scope, row: allowed.sees(scope, table, row[column])


def in_directory(column: str) -> Seen:
    return lambda _, scope, row: can_see_directory(scope, row[column])


def as_work(allowed: Allowed, scope: Scope, row: Row) -> bool:
    return allowed.work(scope, row["employee_id"])


def own(_: Allowed, scope: Scope, row: Row) -> bool:
    return row["employee_id"] == scope.employee_id


SEEN: dict[str, Seen] = {
    "agency": in_directory("id"),
    "unit": in_directory("agency_id"),
    "unit_placement": through("unit", "unit_id"),
    "employee": Allowed.person,
    "assignment": through("employee", "employee_id"),
    "period": lambda allowed, scope, row: bool(scope.directories),
    "evaluation_period": through("period", "period_id"),
    "evaluation_event": through("evaluation_period", "evaluation_period_id"),
    "agency_policy": lambda allowed, scope, row: bool(scope.directories),
    "working_week": in_directory("agency_id"),
    "holiday": in_directory("agency_id"),
    "cascade_template": in_directory("agency_id"),
    "plan_attachment": through("performance_plan", "plan_id"),
    "plan_event": through("performance_plan", "plan_id"),
    "feedback": through("performance_plan", "plan_id"),
    "role_matrix": Allowed.matrix,
    "matrix_member": through("role_matrix", "matrix_id"),
    "matrix_cell": through("matrix_member", "member_id"),
    "performance_plan": as_work,
    "behaviour_expectation": through("performance_plan", "plan_id"),
    "target": Allowed.target,
    "target_edge": lambda allowed, scope, row: bool(scope.directories),
    "indicator": through("target", "target_id"),
    "trajectory_point": through("indicator", "indicator_id"),
    "stage": through("target", "target_id"),
    "action_plan": through("target", "target_id"),
    "progress_record": Allowed.record,
    "evidence": through("progress_record", "record_id"),
    "record_event": through("progress_record", "record_id"),
    "activity": Allowed.activity,
    "daily_log": as_work,
    "installation": lambda _, scope, row: can_audit(scope, row["agency_id"]),
    "plugin": lambda _, scope, row: bool(scope.agencies_with(AGENCY_WIDE)),
    "connector_problem": through("installation", "installation_id"),
    "connector_event": through("installation", "installation_id"),
    "connector_task": through("installation", "installation_id"),
    "directory_change": through("connector_task", "task_id"),
    "mapping_rule": in_directory("agency_id"),
    "clock_event": as_work,
    "absence": as_work,
    "absence_event": through("absence", "absence_id"),
    "day_done": as_work,
    "day_close": lambda allowed, scope, row: (
        allowed.work(scope, row["employee_id"])
        or scope.employee_id in row["superior_ids"]
        or row["agency_id"] in scope.agencies_with(AGENCY_WIDE)
    ),
    "unit_rating": lambda allowed, scope, row: (
        (row["head_id"] is not None and allowed.work(scope, row["head_id"]))
        or can_audit(scope, allowed.rows["unit"][row["unit_id"]]["agency_id"])
    ),
    "appraisal": Allowed.appraisal,
    "appraisal_line": through("appraisal", "appraisal_id"),
    "appraisal_event": through("appraisal", "appraisal_id"),
    "appraisal_seal": through("appraisal", "appraisal_id"),
    "feedback_request": Allowed.feedback_request,
    "feedback_answer": lambda allowed, scope, row: (
        allowed.rows["feedback_request"][row["request_id"]]["respondent_id"] == scope.employee_id
    ),
    "result_delivery": through("installation", "installation_id"),
    "rule_set": in_directory("agency_id"),
    "career": Allowed.career,
    "potential_score": Allowed.career,
    "training_record": as_work,
    "consequence": Allowed.consequence,
    "consequence_basis": through("consequence", "consequence_id"),
    "contact": own,
    "notice": own,
    "notice_delivery": through("notice", "notice_id"),
    "retraction": Allowed.retraction,
    "run": through("installation", "installation_id"),
    "dead_letter": through("installation", "installation_id"),
    "inbox_item": Allowed.item,
}
"""The decision on each table that a viewer reads."""
NEVER = {
    "role_grant",
    "event",
    "token_revocation",
    "presence_clock",
    "notice_round",
    "tortoise_migrations",
}
"""The decision on the others: the reader has no right to them at all."""
