"""Which rows of which tables are about somebody: all tables are here, or left out with a reason."""

from collections.abc import Mapping

_PLANS = "(SELECT p.id FROM performance_plan p WHERE p.employee_id = $1)"
_TARGETS = "(SELECT g.id FROM target g WHERE g.owner_employee_id = $1)"
_INDICATORS = f"(SELECT i.id FROM indicator i WHERE i.target_id IN {_TARGETS})"
_RECORDS = "(SELECT r.id FROM progress_record r WHERE r.employee_id = $1)"
_ABSENCES = "(SELECT a.id FROM absence a WHERE a.employee_id = $1)"
_MEMBER = "(SELECT m.id FROM matrix_member m WHERE m.employee_id = $1)"
_APPRAISALS = "(SELECT o.id FROM appraisal o WHERE o.employee_id = $1)"
_ASKED = "(SELECT q.id FROM feedback_request q WHERE q.respondent_id = $1)"
_CONSEQUENCES = "(SELECT c.id FROM consequence c WHERE c.employee_id = $1)"
_NOTICES = "(SELECT n.id FROM notice n WHERE n.employee_id = $1)"
_POSTS = "(SELECT b.unit_id FROM assignment b WHERE b.employee_id = $1)"
_PERIODS = "(SELECT p.period_id FROM performance_plan p WHERE p.employee_id = $1)"
OWN = "t.employee_id = $1"

ABOUT: Mapping[str, str] = {
    "employee": "t.id = $1",
    "agency": "t.id = (SELECT e.agency_id FROM employee e WHERE e.id = $1)",
    "assignment": OWN,
    "unit": f"t.id IN {_POSTS}",
    "contact": OWN,
    "career": OWN,
    "potential_score": OWN,
    "training_record": OWN,
    "period": f"t.id IN {_PERIODS}",
    "evaluation_period": f"t.period_id IN {_PERIODS}",
    "performance_plan": OWN,
    "plan_attachment": f"t.plan_id IN {_PLANS}",
    "behaviour_expectation": f"t.plan_id IN {_PLANS}",
    "plan_event": f"t.plan_id IN {_PLANS}",
    "feedback": f"t.author_id = $1 OR t.plan_id IN {_PLANS}",
    "role_matrix": f"""t.plan_id IN {_PLANS} OR t.id IN
      (SELECT m.matrix_id FROM matrix_member m WHERE m.employee_id = $1)""",
    "matrix_member": OWN,
    "matrix_cell": f"t.member_id IN {_MEMBER}",
    "target": "t.owner_employee_id = $1",
    "target_edge": f"t.child_id IN {_TARGETS} OR t.parent_id IN {_TARGETS}",
    "indicator": f"t.target_id IN {_TARGETS}",
    "trajectory_point": f"t.indicator_id IN {_INDICATORS}",
    "stage": f"t.target_id IN {_TARGETS}",
    "action_plan": f"t.target_id IN {_TARGETS}",
    "activity": OWN,
    "retraction": """EXISTS (SELECT FROM activity a WHERE a.employee_id = $1
      AND a.installation_id = t.installation_id AND a.source_id = t.retracts)""",
    "progress_record": OWN,
    "evidence": f"t.record_id IN {_RECORDS}",
    "record_event": f"t.record_id IN {_RECORDS}",
    "daily_log": OWN,
    "day_done": OWN,
    "day_close": OWN,
    "clock_event": OWN,
    "absence": OWN,
    "absence_event": f"t.absence_id IN {_ABSENCES}",
    "unit_rating": "t.head_id = $1",
    "appraisal": OWN,
    "appraisal_line": f"t.appraisal_id IN {_APPRAISALS}",
    "appraisal_event": f"t.appraisal_id IN {_APPRAISALS}",
    "appraisal_seal": f"t.appraisal_id IN {_APPRAISALS}",
    "feedback_request": "t.respondent_id = $1",
    "feedback_answer": f"t.request_id IN {_ASKED}",
    "consequence": OWN,
    "consequence_basis": f"t.consequence_id IN {_CONSEQUENCES}",
    # What a consequence follows from, so that it can be worked out anew from this file alone.
    "rule_set": f"t.id IN (SELECT c.rule_set_id FROM consequence c WHERE c.id IN {_CONSEQUENCES})",
    "notice": OWN,
    "notice_delivery": f"t.notice_id IN {_NOTICES}",
}
"""Conditions on the alias t; $1 is the employee. What is theirs and not theirs to see, such as
feedback that was asked of others, row level security keeps out."""

OF_AGENCY = "how the agency works, the same for everybody in it"
OF_CONNECTORS = "runs the agency's connectors; what became of it is in activity and clock_event"
LEFT_OUT: Mapping[str, str] = {
    "unit_placement": OF_AGENCY,
    "agency_policy": OF_AGENCY,
    "working_week": OF_AGENCY,
    "holiday": OF_AGENCY,
    "cascade_template": OF_AGENCY,
    "mapping_rule": OF_AGENCY,
    "evaluation_event": OF_AGENCY,
    "installation": OF_CONNECTORS,
    "plugin": OF_CONNECTORS,
    "connector_problem": OF_CONNECTORS,
    "connector_event": OF_CONNECTORS,
    "connector_task": OF_CONNECTORS,
    "directory_change": OF_CONNECTORS,
    "run": OF_CONNECTORS,
    "dead_letter": OF_CONNECTORS,
    "inbox_item": OF_CONNECTORS,
    "result_delivery": "how a signed appraisal went to another service; the appraisal is here",
    "role_grant": "rights and not records; `viewer { roles }` shows them",
    "token_revocation": "a record of security: when tokens were revoked",
    "event": "announces what the other tables hold",
    "presence_clock": OF_AGENCY,
    "notice_round": OF_AGENCY,
}
"""Tables that the file does not hold, and why; the file says it, too."""


def statement_of(table: str) -> str:
    """The rows of a table that are about the employee ($1, whose NIP is $2), as JSON in order of
    their keys. Another's NIP is not theirs to see: their name stands for it."""
    return f"""
SELECT (to_jsonb(t) || coalesce((SELECT jsonb_object_agg(k.key, coalesce(
    (SELECT e.name FROM employee e WHERE e.nip = k.value), 'pegawai lain'))
  FROM jsonb_each_text(to_jsonb(t)) k
  WHERE k.value ~ '^[0-9]{{18}}$' AND k.value <> $2), '{{}}'))::text
FROM {table} t WHERE {ABOUT[table]} ORDER BY t.id"""
