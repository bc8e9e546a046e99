"""Who may do what with a plan: arguments, the state that it starts from, and who is allowed."""

from collections.abc import Mapping

from schema.plans.models import PlanState

SEEING = frozenset({"self", "supervisor", "superior", "administrator", "auditor"})
SUPERIORS = frozenset({"supervisor", "superior"})
ADMINISTRATOR = frozenset({"administrator"})

VERSION = 'id: "{plan}", version: 1'
PLAN_MUTATIONS: Mapping[str, tuple[str, PlanState, frozenset[str]]] = {
    "openPlan": (
        'post: "{former post}", period: "2025"',
        PlanState.DRAFT,
        SUPERIORS | ADMINISTRATOR | {"self"},
    ),
    "savePlan": (
        VERSION + ", approach: QUALITATIVE",
        PlanState.DRAFT,
        SUPERIORS | ADMINISTRATOR | {"self"},
    ),
    "submitPlan": (VERSION, PlanState.DRAFT, frozenset({"self"})),
    "withdrawPlan": (VERSION, PlanState.SUBMITTED, frozenset({"self"})),
    # The world's day is in November: the time to set a plan is long over.
    "approvePlan": (VERSION, PlanState.SUBMITTED, SUPERIORS | ADMINISTRATOR),
    "returnPlan": (
        VERSION + ', comment: "Lengkapi"',
        PlanState.SUBMITTED,
        SUPERIORS | ADMINISTRATOR,
    ),
    "closePlan": (VERSION, PlanState.APPROVED, SUPERIORS | ADMINISTRATOR),
    "reopenPlan": (VERSION + ', comment: "Keliru"', PlanState.CLOSED, SUPERIORS | ADMINISTRATOR),
    "giveFeedback": (
        'plan: "{plan}", text: "Baik", target: "{target T}"',
        PlanState.APPROVED,
        SUPERIORS | {"self"},
    ),
    "saveActionPlans": (
        'plan: "{plan}", evaluationPeriod: "{final}", '
        'items: [{id: "{action T}", target: "{target T}", description: "Menyusun"}]',
        PlanState.APPROVED,
        SUPERIORS | {"self"},
    ),
    "setEvaluationPeriods": (
        'agency: "DC", period: "2026", kind: MONTHLY',
        PlanState.APPROVED,
        ADMINISTRATOR,
    ),
    "closeEvaluationPeriod": ('id: "{final}"', PlanState.APPROVED, ADMINISTRATOR),
    "reopenEvaluationPeriod": (
        'id: "{closed}", reason: "Koreksi"',
        PlanState.APPROVED,
        ADMINISTRATOR,
    ),
    "transferEmployee": (
        'employee: "{staff}", unit: "{unit C}", position: "Analis", startsOn: "2026-12-01", '
        'appraiser: "{supervisor}"',
        PlanState.APPROVED,
        ADMINISTRATOR,
    ),
}
HIDDEN = {
    "setEvaluationPeriods",
    "closeEvaluationPeriod",
    "reopenEvaluationPeriod",
    "transferEmployee",
}
"""For administrators alone: to all others it is as if the thing were not there."""
