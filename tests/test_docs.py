"""What the papers promise: the README's query answers as printed, lists are whole, links lead."""

import argparse
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    parse,
    validate,
)

from schema.access import Role
from schema.errors import ErrorCode
from schema.organizations.models import Agency
from schema.organizations.service import grant_role
from schema.selection.pages import DEFAULT_PAGE, LARGEST_PAGE
from server.app import running_app
from server.auth import TokenVerifier
from server.cli import parser
from server.commands.administer import SDL_FILE, sdl
from server.commands.load import check, store
from server.commands.run import demo_of
from server.database import STATEMENT_TIMEOUT, Database
from server.limits import Limits
from server.settings import Settings
from server.telemetry import REGISTRY
from server.token_keys import DevelopmentKey

ROOT = Path(__file__).parent.parent
GRAPHQL = re.compile(r"^```graphql\n(.*?)^```", re.MULTILINE | re.DOTALL)
ANSWER = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, or what could become part of it, by glob."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


@pytest.fixture
async def ask(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Any]:
    """Sends a query to the application over the demonstration's case, as one of its people."""
    settings = Settings(data_folder=tmp_path)
    key, demo = DevelopmentKey(settings), demo_of()
    async with running_app(settings, fresh_database, TokenVerifier.of(settings)) as app:
        case = check(demo.case, units_only=False)
        assert case is not None
        assert await store(case, units_only=False) == 0
        agency = await Agency.get(code=demo.agency)
        await grant_role(agency.id, demo.administrator, Role.ADMINISTRATOR)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:

            async def send(query: str, subject: str) -> str:
                headers = {"authorization": f"Bearer {key.issue(subject)}"}
                response = await client.post("/graphql", json={"query": query}, headers=headers)
                return response.text

            yield send


@pytest.mark.parametrize("who", ["employee", "supervisor", "administrator"])
async def test_query_of_the_readme_answers_as_it_says(ask: Any, who: str) -> None:
    (query,) = GRAPHQL.findall(text_of("README.md"))
    (printed,) = ANSWER.findall(text_of("README.md"))

    answer = await ask(query, getattr(demo_of(), who))

    assert json.loads(answer) == json.loads(printed)
    assert json.dumps(json.loads(answer)) == json.dumps(json.loads(printed)), "the order differs"


def test_schema_file_is_fresh() -> None:
    assert SDL_FILE.read_text("utf-8") == sdl(), "run `make schema`"


def undescribed(text: str) -> Iterator[str]:
    """Coordinates of what a schema leaves without a description.

    An argument `input` is described by its type, and the three root types by their fields.
    """
    for name, kind in build_schema(text).type_map.items():
        if name.startswith("__"):
            continue
        if not kind.description and name not in {"Query", "Mutation", "Subscription"}:
            yield name
        if isinstance(kind, GraphQLInputObjectType):
            yield from (
                f"{name}.{field}" for field, one in kind.fields.items() if not one.description
            )
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field, one in kind.fields.items():
                if not one.description:
                    yield f"{name}.{field}"
                for argument, given in one.args.items():
                    if not given.description and argument != "input":
                        yield f"{name}.{field}({argument}:)"


def test_every_type_field_input_and_argument_is_described() -> None:
    assert list(undescribed(sdl())) == []


def test_missing_descriptions_are_found() -> None:
    bare = """
        type Query { "Here." a(b: Int, "There." c: Int): E d(input: I): Int }
        enum E { F }
        input I { g: Int }
    """

    assert set(undescribed(bare)) == {"Query.a(b:)", "Query.d", "E", "I", "I.g"}


def table_of(page: str, heading: str) -> set[str]:
    """What the first column of the tables under a heading names, in backquotes."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text_of(page), re.M | re.S)
    return {
        name
        for line in section.splitlines()
        if line.startswith("|")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    }


def test_operators_page_lists_every_setting() -> None:
    read = set(re.findall(r'"((?:EKINERJA|DATABASE)_[A-Z_]+)"', text_of("server/settings.py")))

    assert len(read) > 10
    assert table_of("docs/operators.md", "Settings") == read


def test_compose_sets_only_what_is_read_or_explained_in_the_example() -> None:
    given = set(re.findall(r"\$\{([A-Z_]+)", text_of("docker-compose.yml")))

    example = re.findall(r"^([A-Z_]+)=", text_of(".env.example"), re.M)

    assert given == set(example)
    assert set(re.findall(r"\b(?:EKINERJA|DATABASE)_\w+(?=:)", text_of("docker-compose.yml"))) <= (
        table_of("docs/operators.md", "Settings") | given
    )


def commands() -> dict[str, argparse.ArgumentParser]:
    """Every command by its words: `load`, `connectors list`."""
    return dict(commands_of(parser()))


def commands_of(
    whole: argparse.ArgumentParser, before: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                inner = dict(commands_of(command, f"{before}{name} "))
                yield from inner.items() if inner else [(f"{before}{name}", command)]


def test_operators_page_lists_every_command_with_its_options() -> None:
    listed = table_of("docs/operators.md", "Commands")
    groups = {name.split()[0] for name in commands() if " " in name}

    def words(entry: str) -> str:
        first, *rest = entry.split()
        return f"{first} {rest[0]}" if first in groups else first

    assert groups == {"connectors"}
    assert {words(entry) for entry in listed} == set(commands())
    for name, command in commands().items():
        (line,) = [entry for entry in listed if words(entry) == name]
        options = {one for action in command._actions for one in action.option_strings}
        assert set(re.findall(r"--[a-z-]+", line)) == options - {"-h", "--help"}, name


def test_operators_page_lists_every_metric() -> None:
    ours = {family.name for family in REGISTRY.collect() if family.name.startswith("ekinerja_")}

    listed = {name.removesuffix("_total") for name in table_of("docs/operators.md", "Metrics")}

    assert listed == ours


def test_operations_of_the_front_ends_page_fit_the_schema() -> None:
    page = text_of("docs/front-ends.md")
    blocks = re.findall(r"^```gql\n(.*?)^```", page, re.M | re.S)
    streams = re.findall(r"`(subscription .*?)`", page, re.S)
    schema = build_schema(sdl())

    faults = [fault for text in [*blocks, *streams] for fault in validate(schema, parse(text))]

    assert (len(blocks), len(streams)) >= (2, 1)
    assert faults == []


def test_front_ends_page_tells_the_limits_as_they_are() -> None:
    page = re.sub(r"\s+", " ", text_of("docs/front-ends.md"))
    limits = Limits()

    for told in (
        f"{limits.tokens:,} tokens, {limits.depth} levels, {limits.aliases} aliases, "
        f"{limits.root_fields} root fields, {limits.directives} directives",
        f"{limits.fields:,} fields",
        f"{limits.cost:,} is the limit",
        f"a plain list counted as {limits.list_size}",
        f"1 to {LARGEST_PAGE}, else {DEFAULT_PAGE}",
        f"ends after {STATEMENT_TIMEOUT.removesuffix('s')} seconds",
    ):
        assert told in page


EDGE = (
    "graphql_view",
    "graphql_socket",
    "limits",
    "masking",
    "strings",
    "parameters",
    "documents",
    "trusted_documents",
)


def test_front_ends_page_lists_every_error_code() -> None:
    of_the_edge = {
        code
        for module in EDGE
        for code in re.findall(
            r'"((?!EKINERJA)[A-Z]+_[A-Z_]+|INTERNAL)"', text_of(f"server/{module}.py")
        )
    }

    listed = table_of("docs/front-ends.md", "Errors")

    assert len(of_the_edge) > 15
    assert listed == of_the_edge | {code.value for code in ErrorCode}


def test_every_make_target_is_explained() -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.M))
    helped = set(re.findall(r"^([a-z]+):.*?## \S", text_of("Makefile"), re.M))

    listed = {entry.split()[1] for entry in table_of("CONTRIBUTING.md", "Make")}

    assert targets == helped
    assert listed == targets


def test_phony_targets_exist() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.*)$", text_of("Makefile"), re.M)

    assert set(phony.split()) == set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.M))


def broken_links(page: Path) -> Iterator[str]:
    """Relative links of a page that lead nowhere, anchors included."""
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield f"{page.relative_to(ROOT)}: {link}"


def anchors(page: Path) -> set[str]:
    """The anchors that a page's headings get."""
    headings = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


def test_links_lead_somewhere() -> None:
    pages = tracked("*.md")

    assert ROOT / "README.md" in pages
    assert [fault for page in pages for fault in broken_links(page)] == []


def test_broken_links_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("# A title\n[a](#a-title) [b](other.md) [c](#none) [d](https://example.org)\n")

    assert list(broken_links(page)) == ["page.md: other.md", "page.md: #none"]


def test_every_paper_is_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page.is_dir():
            waiting += page.glob("*.md")
        elif page not in reached and page.suffix == ".md":
            reached.add(page)
            links = LINK.findall(FENCE.sub("", page.read_text("utf-8")))
            local = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:", link)]
            waiting += [(page.parent / path).resolve() for path in local if path]

    assert [
        page for page in tracked("docs/*.md", "docs/decisions/*.md") if page not in reached
    ] == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("*.md")), ids=str)
def test_decision_says_why_what_else_and_what_holds_it(page: Path) -> None:
    headings = re.findall(r"^## (.*)$", page.read_text("utf-8"), re.M)

    assert re.fullmatch(r"\d{4}-[a-z0-9-]+\.md", page.name)
    assert {"Context", "Decision", "Consequences", "Alternatives"} <= set(headings)
    assert {"What enforces it", "Enforced by"} & set(headings)


def test_decisions_are_numbered_without_gap() -> None:
    numbers = sorted(int(page.name[:4]) for page in (ROOT / "docs/decisions").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


# In pieces, so that this file is not among those that it finds.
PLACES = re.compile(
    "|".join(
        [
            *(rf"(?<![\w./~]){place}\b" for place in ("/" + "work/", "/" + "root/", "/" + "home/")),
            "/tmp" + "/brief",
            *("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com"),
            "(?:index|extra-index|registry)" + r"[-_ ]?url\s*=",
        ]
    )
)


def test_no_file_names_a_place_of_one_machine_or_a_registry() -> None:
    found = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in tracked()
        if "/static/" not in str(file)
        for match in PLACES.finditer(file.read_text("utf-8", errors="ignore"))
    ]

    assert found == []


@pytest.mark.parametrize(
    "line", ["see /" + "work/main", "cd '/" + "root/x'", "https://py" + "pi.org/simple"]
)
def test_places_of_a_machine_are_found(line: str) -> None:
    assert PLACES.search(line)
