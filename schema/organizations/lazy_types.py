"""Types of the subjects above, by name: where the face of organizations leads."""

from typing import TYPE_CHECKING, Annotated

import strawberry

if TYPE_CHECKING:
    from schema.appraisals.graph import Appraisal, UnitRating
    from schema.matrices.graph import CascadeTemplate, MatrixCell, RoleMatrix
    from schema.organizations.absence_graph import Absence
    from schema.plans.graph import EvaluationPeriod, PerformancePlan
    from schema.policies.graph import AgencyPolicy, Holiday, WorkingWeek, WorkTime
    from schema.progress.graph import DailyLog, MappingRule, ProgressRecordConnection
    from schema.targets.graph import Target
    from schema.teams.graph import Team

LazyAppraisal = Annotated["Appraisal", strawberry.lazy("schema.appraisals.graph")]
LazyUnitRating = Annotated["UnitRating", strawberry.lazy("schema.appraisals.graph")]
LazyTarget = Annotated["Target", strawberry.lazy("schema.targets.graph")]
LazyPlan = Annotated["PerformancePlan", strawberry.lazy("schema.plans.graph")]
LazyEvaluationPeriod = Annotated["EvaluationPeriod", strawberry.lazy("schema.plans.graph")]
LazyLog = Annotated["DailyLog", strawberry.lazy("schema.progress.graph")]
LazyRecords = Annotated[
    "ProgressRecordConnection",
    strawberry.lazy("schema.progress.graph"),
]
LazyPolicy = Annotated["AgencyPolicy", strawberry.lazy("schema.policies.graph")]
LazyWeek = Annotated["WorkingWeek", strawberry.lazy("schema.policies.graph")]
LazyHoliday = Annotated["Holiday", strawberry.lazy("schema.policies.graph")]
LazyWorkTime = Annotated["WorkTime", strawberry.lazy("schema.policies.graph")]
LazyTemplate = Annotated["CascadeTemplate", strawberry.lazy("schema.matrices.graph")]
LazyCell = Annotated["MatrixCell", strawberry.lazy("schema.matrices.graph")]
LazyMatrix = Annotated["RoleMatrix", strawberry.lazy("schema.matrices.graph")]
LazyMappingRule = Annotated["MappingRule", strawberry.lazy("schema.progress.graph")]
LazyAbsence = Annotated["Absence", strawberry.lazy("schema.organizations.absence_graph")]
LazyTeam = Annotated["Team", strawberry.lazy("schema.teams.graph")]
