"""What administrators send about people's careers, potential and training."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import strawberry

from schema.consequences import models
from schema.consequences.careers import CareerEntry, PotentialEntry, TrainingEntry


@strawberry.input(description="What counts of one person's career from a day on: the whole of it.")
class CareerInput:
    nip: str = strawberry.field(description="Of somebody in the agency.")
    starts_on: date = strawberry.field(
        description="First day; of two from the same day the later one holds."
    )
    employment: models.Employment = strawberry.field(description="As what.")
    rank: str | None = strawberry.field(default=None, description="At most 60 characters.")
    functional_level: models.FunctionalLevel | None = strawberry.field(
        default=None, description="Null for a post that is not functional."
    )
    job_class: int | None = strawberry.field(default=None, description="1 to 17.")
    allowance_base: Decimal | None = strawberry.field(
        default=None, description="The whole allowance of a month in rupiah; null: none."
    )
    credit_brought: Decimal | None = strawberry.field(
        default=None, description="Credit points held on the first day; null: not said."
    )
    contract_ends_on: date | None = strawberry.field(
        default=None, description="A contract's last day."
    )


@strawberry.input(description="What one assessment of potential found.")
class PotentialInput:
    nip: str = strawberry.field(description="Of somebody in the agency.")
    assessed_on: date = strawberry.field(description="When it was assessed.")
    score: Decimal = strawberry.field(description="0 to 100.")
    source: str = strawberry.field(description="Which assessment; at most 120 characters.")


@strawberry.input(description="Training that one person has ended.")
class TrainingInput:
    nip: str = strawberry.field(description="Of somebody in the agency.")
    ended_on: date = strawberry.field(description="Its last day.")
    title: str = strawberry.field(description="What it was.")
    hours: Decimal = strawberry.field(description="Hours (jam pelajaran), more than 0.")
    source: str = strawberry.field(description="Where it is from; at most 120 characters.")


@strawberry.input(description="Careers of an agency's people, at once or not at all.")
class RecordCareersInput:
    agency: str = strawberry.field(description="The agency's code.")
    careers: list[CareerInput] = strawberry.field(description="At most 500.")

    def entries(self) -> Sequence[CareerEntry]:
        return [
            CareerEntry(
                nip=one.nip,
                starts_on=one.starts_on,
                employment=one.employment,
                rank=one.rank,
                functional_level=one.functional_level,
                job_class=one.job_class,
                allowance_base=one.allowance_base,
                credit_brought=one.credit_brought,
                contract_ends_on=one.contract_ends_on,
            )
            for one in self.careers
        ]


@strawberry.input(description="Potential of an agency's people, at once or not at all.")
class RecordPotentialsInput:
    agency: str = strawberry.field(description="The agency's code.")
    potentials: list[PotentialInput] = strawberry.field(description="At most 500.")

    def entries(self) -> Sequence[PotentialEntry]:
        return [
            PotentialEntry(
                nip=one.nip, assessed_on=one.assessed_on, score=one.score, source=one.source
            )
            for one in self.potentials
        ]


@strawberry.input(description="Training of an agency's people, at once or not at all.")
class RecordTrainingsInput:
    agency: str = strawberry.field(description="The agency's code.")
    trainings: list[TrainingInput] = strawberry.field(description="At most 500.")

    def entries(self) -> Sequence[TrainingEntry]:
        return [
            TrainingEntry(
                nip=one.nip,
                ended_on=one.ended_on,
                title=one.title,
                hours=one.hours,
                source=one.source,
            )
            for one in self.trainings
        ]
