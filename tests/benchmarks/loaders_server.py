"""Strawberry with Tortoise and data loaders, as their documentation shows it, on the same tables.

A schema of its own that answers the documents of questions.py and no more. It checks the same
token; row level security is left to the others, so this one is flattered. Run as
`python -m tests.benchmarks.loaders_server PORT URL`.
"""

import sys
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from strawberry import Parent, relay
from strawberry.asgi import GraphQL
from strawberry.extensions import ParserCache, ValidationCache

from schema.organizations import models as organization
from schema.organizations.viewers import scope_of
from schema.progress import models as progress
from schema.relay import DecimalScalar
from schema.tables import Row
from schema.targets import models as targets
from server.auth import TokenVerifier, bearer_of
from server.database import DatabaseRole, database_at, opened
from server.settings import settings_from
from tests.benchmarks.loaders import Loaders

REMEMBERED = 100


def backed_by(table: type[Row]) -> Callable[[object, object], bool]:
    """`is_type_of` of a type whose values are rows of a table."""
    return staticmethod(lambda value, _info: isinstance(value, table))


Info = strawberry.Info[Loaders, None]


@strawberry.type
class Employee(relay.Node):
    is_type_of = backed_by(organization.Employee)
    id: relay.NodeID[UUID]
    name: str

    @strawberry.field
    async def calendar(
        self,
        root: Parent[organization.Employee],
        info: Info,
        from_: Annotated[date, strawberry.argument(name="from")],
        to: date,
    ) -> list["DailyLog"]:
        days = [from_ + timedelta(days=n) for n in range((to - from_).days + 1)]
        return await info.context.log.load_many([(root.id, day) for day in days])


@strawberry.type
class Unit(relay.Node):
    is_type_of = backed_by(organization.Unit)
    id: relay.NodeID[UUID]
    name: str

    @strawberry.field
    async def children(self, root: Parent[organization.Unit], info: Info) -> list["Unit"]:
        return await info.context.units_below.load(root.id)

    @strawberry.field
    async def targets(
        self, root: Parent[organization.Unit], info: Info, period: str
    ) -> list["Target"]:
        return await info.context.targets_of_unit.load((root.id, period))


@strawberry.type
class Measure:
    planned: Decimal | None


@strawberry.type
class Achievement:
    realized: Decimal | None


@strawberry.type
class Indicator(relay.Node):
    is_type_of = backed_by(targets.Indicator)
    id: relay.NodeID[UUID]
    title: str
    unit_of_measure: str | None

    @strawberry.field
    def measure(self, root: Parent[targets.Indicator]) -> Measure:
        return Measure(planned=root.planned)

    @strawberry.field
    def achievement(self, root: Parent[targets.Indicator]) -> Achievement:
        return Achievement(realized=root.realized)


@strawberry.type
class Target(relay.Node):
    is_type_of = backed_by(targets.Target)
    id: relay.NodeID[UUID]
    code: str
    title: str
    kind: str

    @strawberry.field
    async def owner(
        self, root: Parent[targets.Target], info: Info
    ) -> Annotated[Unit | Employee, strawberry.union("TargetOwner")]:
        if root.owner_unit_id is not None:
            return await info.context.unit.load(root.owner_unit_id)
        return await info.context.employee.load(root.owner_employee_id)

    @strawberry.field
    async def children(self, root: Parent[targets.Target], info: Info) -> list["Target"]:
        return await info.context.targets_below.load(root.id)

    @strawberry.field
    async def indicators(self, root: Parent[targets.Target], info: Info) -> list[Indicator]:
        return await info.context.indicators.load(root.id)

    @strawberry.field
    async def path(self, root: Parent[targets.Target], info: Info) -> list["Target"]:
        path: list[Any] = [root]
        while (edge := await info.context.edge_up.load(path[0].id)) is not None:
            path.insert(0, await info.context.target.load(edge.parent_id))
        return path


@strawberry.type
class Activity:
    source_id: str
    title: str
    received_at: datetime


@strawberry.type
class Suggestion:
    score: Decimal
    reason: str
    target: Target


@strawberry.type
class ProgressRecord(relay.Node):
    is_type_of = backed_by(progress.ProgressRecord)
    id: relay.NodeID[UUID]
    starts_at: datetime
    ends_at: datetime
    minutes: int
    description: str
    category: str | None
    state: str

    @strawberry.field
    async def target(self, root: Parent[progress.ProgressRecord], info: Info) -> Target | None:
        return root.target_id and await info.context.target.load(root.target_id)

    @strawberry.field
    async def activity(self, root: Parent[progress.ProgressRecord], info: Info) -> Activity | None:
        return root.activity_id and await info.context.activity.load(root.activity_id)

    @strawberry.field
    async def suggestion(
        self, root: Parent[progress.ProgressRecord], info: Info
    ) -> Suggestion | None:
        if root.suggested_target_id is None:
            return None
        target = await info.context.target.load(root.suggested_target_id)
        return Suggestion(score=root.suggestion_score, reason=root.suggestion_reason, target=target)


@strawberry.type
class DailyLog:
    required_minutes: int
    recorded_minutes: int
    pending_count: int

    @strawberry.field
    def on(self, root: Parent[progress.DailyLog]) -> date:
        return root.day

    @strawberry.field
    async def records(self, root: Parent[progress.DailyLog], info: Info) -> list[ProgressRecord]:
        return await info.context.records.load((root.employee_id, root.day))


@strawberry.type
class Member:
    employee: Employee
    log: DailyLog
    recorded_minutes: int
    required_minutes: int
    pending_count: int
    last_activity_at: datetime | None


@strawberry.type
class Team:
    members: list[Member]


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge:
    cursor: str
    node: ProgressRecord


@strawberry.type
class Page:
    total_count: int
    page_info: PageInfo
    edges: list[Edge]


@strawberry.type
class Viewer:
    @strawberry.field
    async def employee(self, info: Info) -> Employee | None:
        key = info.context.scope.employee_id
        return key and await info.context.employee.load(key)

    @strawberry.field
    async def pending_records(self, info: Info, first: int) -> Page:
        mine = progress.ProgressRecord.filter(
            employee_id=info.context.scope.employee_id, state=progress.RecordState.PENDING
        )
        rows = await mine.order_by("-id").limit(first + 1)
        edges = [Edge(cursor=cursor_of(row.id), node=row) for row in rows[:first]]
        last = edges[-1].cursor if edges else None
        page = PageInfo(has_next_page=len(rows) > first, end_cursor=last)
        return Page(total_count=await mine.count(), page_info=page, edges=edges)


def cursor_of(key: UUID) -> str:
    return urlsafe_b64encode(key.bytes).decode().rstrip("=")


@strawberry.type
class Query:
    @strawberry.field
    def viewer(self) -> Viewer:
        return Viewer()

    @strawberry.field
    async def unit(self, info: Info, agency: str, code: str) -> Unit | None:
        unit = await organization.Unit.get_or_none(agency__code=agency, code=code)
        return unit if unit and unit.agency_id in info.context.scope.directories else None

    @strawberry.field
    async def target(self, info: Info, id: relay.GlobalID) -> Target | None:
        row = await info.context.target.load(UUID(id.node_id))
        return row if row and await info.context.sees_target(row) else None

    @strawberry.field
    async def team(self, info: Info, on: date) -> Team:
        people = await info.context.reports(on)
        logs = await info.context.log.load_many([(one.id, on) for one in people])
        members = [
            Member(
                employee=one,
                log=log,
                recorded_minutes=log.recorded_minutes,
                required_minutes=log.required_minutes,
                pending_count=log.pending_count,
                last_activity_at=log.last_activity_at,
            )
            for one, log in zip(people, logs, strict=True)
        ]
        return Team(members=members)


SCHEMA = strawberry.Schema(
    Query,
    scalar_overrides={Decimal: DecimalScalar},
    extensions=[
        lambda: ParserCache(maxsize=REMEMBERED),
        lambda: ValidationCache(maxsize=REMEMBERED),
    ],
)


class Endpoint(GraphQL[Loaders, None]):
    """Strawberry's ASGI application, with the token checked before it executes."""

    def __init__(self, verifier: TokenVerifier) -> None:
        super().__init__(SCHEMA, graphql_ide=None)
        self._verifier = verifier

    async def get_context(self, request: Any, response: Any) -> Loaders:
        identity = self._verifier.verify(bearer_of(request.headers) or "")
        return Loaders(await scope_of(identity.subject, identity.issued_at))


def loaders_app(url: str, verifier: TokenVerifier) -> Starlette:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with opened(database_at(url), DatabaseRole.APPLICATION):
            yield

    async def healthz(request: Request) -> PlainTextResponse:
        return PlainTextResponse("ok\n")

    app = Starlette(routes=[Route("/healthz", healthz)], lifespan=lifespan)
    app.add_route("/graphql", Endpoint(verifier))
    return app


def main() -> None:
    port, url = int(sys.argv[1]), sys.argv[2]
    app = loaders_app(url, TokenVerifier.of(settings_from()))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
