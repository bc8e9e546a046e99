"""The example of docs/architecture.md, 'A type of a table': a computed field and a connection.

Proof of work as a type of its own, with the host of its link and a page of all of it.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import strawberry
from strawberry import relay

from schema.arguments import After, Before, First, Last
from schema.predicates import sees_record
from schema.progress import models
from schema.progress.graph import ProgressRecord
from schema.relay import Connection
from schema.selection.declarations import page, reads, value
from schema.selection.execution import Executor, OneStatement, install
from server.database import Database, DatabaseRole, opened
from tests.schema.test_differential import context_of
from tests.two_agencies import World, build

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"


# begin example
@reads(
    model=models.Evidence,
    visible=f"(SELECT {sees_record('r$')} FROM progress_record r$ WHERE r$.id = @it.record_id)",
)
@strawberry.type(description="Proof, wherever it was given.")
class Proof(relay.Node):
    id: relay.NodeID[str]
    title: str = strawberry.field(description="A column: nothing more to say.")
    host: str = value("split_part(@row.url, '/', 3)", "Computed: of the link, the host.")
    record: ProgressRecord = strawberry.field(description="A foreign key of the model.")


@strawberry.type(description="Proof, newest first, a page at a time.")
class ProofConnection(Connection[Proof]):
    pass


@strawberry.type
class ProofQuery:
    @page(
        "evidence @it",
        "All proof that the viewer may see, perhaps of one host.",
        given={"host": "split_part(@it.url, '/', 3) = @host"},
        keys={"@it.id": "uuid"},
        newest=True,
        type=ProofConnection,
    )
    def proof(
        self,
        host: str | None = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...


# end example


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with opened(fresh_database, DatabaseRole.OWNER):
        yield await build()


def example_schema() -> strawberry.Schema:
    schema = strawberry.Schema(
        query=ProofQuery, extensions=[OneStatement], execution_context_class=Executor
    )
    install(schema._schema)
    return schema


async def test_the_type_is_served_with_its_page_and_its_policy(world: World) -> None:
    document = """query($host: String, $first: Int, $after: String) {
      proof(host: $host, first: $first, after: $after) { totalCount
        pageInfo { hasNextPage endCursor }
        edges { node { title host record { description employee { name } } } } } }"""
    viewers, schema = await world.viewers(), example_schema()

    async def asked(viewer: str, **given: Any) -> Any:
        result = await schema.execute(
            document, variable_values=given, context_value=context_of(viewers[viewer])
        )
        assert result.errors is None
        return orjson.loads(orjson.dumps(result.data))["proof"]

    mine = await asked("employee", first=3, host="bukti.example")
    rest = await asked("employee", after=mine["pageInfo"]["endCursor"])
    other = await asked("colleague", host="elsewhere.example")

    assert (mine["totalCount"], mine["pageInfo"]["hasNextPage"]) == (4, True)
    assert len(mine["edges"]) == 3
    assert len(rest["edges"]) == 1
    assert mine["edges"][0]["node"]["host"] == "bukti.example"
    assert mine["edges"][0]["node"]["record"]["employee"] == {"name": "Employee"}
    assert other == {
        "totalCount": 0,
        "pageInfo": {"hasNextPage": False, "endCursor": None},
        "edges": [],
    }


def test_the_paper_shows_this_example() -> None:
    source = Path(__file__).read_text("utf-8")
    example = source.partition("# begin example\n")[2].partition("\n\n# end example")[0].strip()

    assert f"```python\n{example}\n```" in ARCHITECTURE.read_text("utf-8")
