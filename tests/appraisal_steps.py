"""Who may do what with an appraisal: arguments, the state that it starts from, who is allowed, and
who is told that they may not since they see it; to all others it is not there."""

from collections.abc import Mapping
from dataclasses import dataclass

from schema.appraisals.models import AppraisalState
from tests.plan_access import ADMINISTRATOR, SEEING, SUPERIORS

VERSION = 'id: "{appraisal}", version: 1'
RATINGS = (
    'workRating: MEETS, workReason: "Sesuai", behaviourRating: ABOVE, behaviourReason: "Sesuai"'
)
DIRECTORY = SEEING | {"colleague", "other supervisor"}


@dataclass(frozen=True)
class Allowed:
    """A mutation of the staff member's appraisal, or of their unit's rating."""

    arguments: str
    state: AppraisalState
    by: frozenset[str]
    seeing: frozenset[str] = SEEING


APPRAISAL_MUTATIONS: Mapping[str, Allowed] = {
    "openAppraisals": Allowed(
        'evaluationPeriod: "{month}"', AppraisalState.OPEN, ADMINISTRATOR, frozenset()
    ),
    "rateAppraisals": Allowed(
        'appraisals: [{appraisal: "{appraisal}", version: 1, ' + RATINGS + "}]",
        AppraisalState.OPEN,
        SUPERIORS,
    ),
    "acceptAppraisal": Allowed(VERSION, AppraisalState.RATED, frozenset({"self"})),
    "objectToAppraisal": Allowed(
        VERSION + ', reason: "Keliru"', AppraisalState.RATED, frozenset({"self"})
    ),
    # The supervisor rated.
    "decideObjection": Allowed(
        VERSION + ', outcome: UPHELD, comment: "Tetap"',
        AppraisalState.OBJECTED,
        frozenset({"superior"}),
    ),
    # Whoever appraises or administers; the staff member said that they accept it.
    "signAppraisals": Allowed(
        'ids: ["{appraisal}"]', AppraisalState.ACCEPTED, SUPERIORS | ADMINISTRATOR
    ),
    # The supervisor is the head.
    "rateUnit": Allowed(
        'unit: "{unit C}", evaluationPeriod: "{month}", predicate: GOOD, reason: "Tercapai"',
        AppraisalState.OPEN,
        ADMINISTRATOR | {"superior"},
        DIRECTORY,
    ),
}
