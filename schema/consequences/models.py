"""Tables of consequences. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tortoise import fields

from schema.appraisals.models import Appraisal
from schema.organizations.models import Agency, Employee
from schema.tables import Row
from schema.targets.models import Period


class RuleKind(StrEnum):
    """What a set of rules works out, and of which kind a consequence is."""

    WEIGHT = "WEIGHT"
    CREDIT = "CREDIT"
    TALENT = "TALENT"
    TRAINING = "TRAINING"
    ALLOWANCE = "ALLOWANCE"


class Employment(StrEnum):
    """As what somebody is employed: civil servant, candidate, or on a contract (whole, part)."""

    PNS = "PNS"
    CPNS = "CPNS"
    PPPK = "PPPK"
    PPPK_PART_TIME = "PPPK_PART_TIME"


class FunctionalLevel(StrEnum):
    """Levels of functional posts (*jenjang jabatan fungsional*), by BKN's codes."""

    UT = "UT"
    MA = "MA"
    MU = "MU"
    PT = "PT"
    PY = "PY"
    MH = "MH"
    TR = "TR"
    PM = "PM"


class RuleSet(Row):
    """A version of an agency's rules of one kind, in force from a day until the next. Append-only:
    of two from the same day the later one holds. `body` is canonical JSON of the table; `source`
    cites what it is from."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", related_name="rule_sets", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    kind = fields.CharEnumField(RuleKind, max_length=9)
    code = fields.CharField(max_length=60)
    version = fields.IntField(description="of the agency's rules of this kind, from 1")
    starts_on: date = fields.DateField()
    source = fields.TextField()
    body = fields.TextField()
    digest = fields.CharField(max_length=64, description="SHA-256 of the body, in hex")
    loaded_by = fields.CharField(max_length=120)
    loaded_at: datetime = fields.DatetimeField()

    class Meta:
        table = "rule_set"
        unique_together = (("agency", "kind", "version"),)


class Career(Row):
    """What of somebody's career counts here, from a day until the next. Append-only: of two from
    the same day the later one holds."""

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="careers", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    starts_on: date = fields.DateField()
    employment = fields.CharEnumField(Employment, max_length=14)
    rank = fields.CharField(max_length=60, null=True, description="pangkat, golongan")
    functional_level = fields.CharEnumField(FunctionalLevel, max_length=2, null=True)
    job_class: int | None = fields.IntField(null=True, description="kelas jabatan")
    allowance_base: Decimal | None = fields.DecimalField(
        max_digits=14, decimal_places=2, null=True, description="rupiah a month, all of it"
    )
    credit_brought: Decimal | None = fields.DecimalField(
        max_digits=9, decimal_places=3, null=True, description="credit points held that day"
    )
    contract_ends_on: date | None = fields.DateField(null=True)
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "career"
        indexes = (("employee_id", "starts_on"),)


class PotentialScore(Row):
    """Somebody's potential (*potensi*) as an assessment found it, 0 to 100. Append-only."""

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="potential_scores", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    assessed_on: date = fields.DateField()
    score: Decimal = fields.DecimalField(max_digits=5, decimal_places=2)
    source = fields.TextField()
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "potential_score"
        indexes = (("employee_id", "assessed_on"),)


class TrainingRecord(Row):
    """Training that somebody ended (*pengembangan kompetensi*), in hours (*jam pelajaran, JP*).
    Append-only."""

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="training_records", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    ended_on: date = fields.DateField()
    title = fields.TextField()
    hours: Decimal = fields.DecimalField(max_digits=7, decimal_places=2)
    source = fields.TextField()
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "training_record"
        indexes = (("employee_id", "ended_on"),)


class Consequence(Row):
    """What follows for somebody from a year's appraisals, or of an allowance for a month.

    `document` is canonical JSON: the inputs, the rule set's digest, each line, the result. Worked
    out anew with another outcome, a new version stands beside the old one, which is then
    superseded and otherwise never changes.

    `amount`: a weight; credit points; a box of nine; hours of training that are missing; rupiah.
    """

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="consequences", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    period: fields.ForeignKeyRelation[Period] = fields.ForeignKeyField(
        "ekinerja.Period", on_delete=fields.OnDelete.RESTRICT
    )
    period_id: UUID
    kind = fields.CharEnumField(RuleKind, max_length=9)
    month: date | None = fields.DateField(null=True, description="its first day; of allowances")
    rule_set: fields.ForeignKeyRelation[RuleSet] = fields.ForeignKeyField(
        "ekinerja.RuleSet", related_name="consequences", on_delete=fields.OnDelete.RESTRICT
    )
    rule_set_id: UUID
    amount: Decimal | None = fields.DecimalField(max_digits=16, decimal_places=3, null=True)
    label = fields.CharField(max_length=60, null=True)
    document = fields.TextField()
    digest = fields.CharField(max_length=64, description="SHA-256 of the document, in hex")
    version = fields.IntField(default=1)
    reckoned_by = fields.CharField(max_length=120)
    reckoned_at: datetime = fields.DatetimeField()
    superseded_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "consequence"
        indexes = (
            ("employee_id", "period_id"),
            ("agency_id", "period_id", "kind"),
            ("rule_set_id",),
            ("period_id",),
        )


class ConsequenceBasis(Row):
    """An appraisal that a consequence rests on. Append-only."""

    consequence: fields.ForeignKeyRelation[Consequence] = fields.ForeignKeyField(
        "ekinerja.Consequence", related_name="basis", on_delete=fields.OnDelete.RESTRICT
    )
    consequence_id: UUID
    appraisal: fields.ForeignKeyRelation[Appraisal] = fields.ForeignKeyField(
        "ekinerja.Appraisal", related_name="consequences", on_delete=fields.OnDelete.RESTRICT
    )
    appraisal_id: UUID

    class Meta:
        table = "consequence_basis"
        unique_together = (("consequence", "appraisal"),)
        indexes = (("appraisal_id",),)
