"""`python -m server run`: a real case, its fake services, the worker and the API, together.

What it starts with is data: demo/demo.json. It names the plugins; the application does not.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schema.access import Role
from schema.feeds.installing import Changes, NewConnector, configure
from schema.feeds.installing import install as install_connector
from schema.feeds.models import Installation
from schema.organizations.models import Agency, Employee
from schema.organizations.service import grant_role
from schema.targets.models import Target
from schema.values import utc_now
from server.app import running_app
from server.auth import TokenVerifier
from server.children import child
from server.commands.load import check, store
from server.commands.operator import operator_of, settings_schema
from server.commands.plugins import insist
from server.commands.serve import WebServer
from server.database import DatabaseRole, found_database, migrate, opened
from server.plugin_host import PluginHost
from server.settings import Settings, SettingsError
from server.telemetry import configure_logging
from server.token_keys import DevelopmentKey
from server.vault import vault_of

ROOT = Path(__file__).parent.parent.parent
POLL_SECONDS = 5
START_SECONDS = 30
"""How long a fake service may take to say where it listens."""


@dataclass(frozen=True, slots=True)
class Fake:
    """A connector to install, and the fake service that it reads."""

    plugin: str
    title: str
    module: str
    every_seconds: float


@dataclass(frozen=True, slots=True)
class Demo:
    """What demo/demo.json says."""

    case: Path
    agency: str
    employee: str
    supervisor: str
    administrator: str
    auditor: str
    fakes: tuple[Fake, ...]


def demo_of(path: Path = ROOT / "demo" / "demo.json") -> Demo:
    """Read the demonstration's file."""
    said = json.loads(path.read_text())
    return Demo(
        case=ROOT / "cases" / said["case"],
        agency=said["agency"],
        employee=said["employee"],
        supervisor=said["supervisor"],
        administrator=said["administrator"],
        auditor=said["auditor"],
        fakes=tuple(
            Fake(one["plugin"], one["title"], one["fake"], one["every_seconds"])
            for one in said["connectors"]
        ),
    )


async def run(settings: Settings) -> int:
    """Run everything until Ctrl-C or SIGTERM. Started again, it goes on where it was."""
    if settings.production:
        raise SettingsError("`run` is a demonstration; in production use `serve` and `worker`")
    configure_logging(settings)
    host = PluginHost(egress=settings.egress_allow)
    try:
        await insist(host, settings)
    finally:
        await host.close()
    demo, key = demo_of(), DevelopmentKey(settings)
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(found_database(settings))
        await migrate(database)
        async with opened(database, DatabaseRole.APPLICATION):
            await _seed(demo)
            people = await _write_people(demo, settings.data_folder)
        for fake in demo.fakes:
            answers = await _start(stack, fake, people)
            async with opened(database, DatabaseRole.APPLICATION):
                await _install(demo, fake, answers, settings)
        await stack.enter_async_context(child("-m", "server", "worker", environment=_inherit()))
        verifier = TokenVerifier.of(settings)
        async with running_app(settings, database, verifier) as app:
            await WebServer(settings, app, lambda: _announce(demo, settings, key)).serve()
    return 0


async def _seed(demo: Demo) -> None:
    """Load the case and grant the roles, unless that was done by an earlier run."""
    if not await Agency.exists(code=demo.agency):
        case = check(demo.case, units_only=False)
        if case is None or await store(case, units_only=False):
            raise SettingsError(f"{demo.case} could not be loaded")
    agency = await Agency.get(code=demo.agency)
    await grant_role(agency.id, demo.administrator, Role.ADMINISTRATOR)
    await grant_role(agency.id, demo.auditor, Role.AUDITOR)


async def _write_people(demo: Demo, folder: Path) -> tuple[Path, Path]:
    """Whom the fake services know, and what those people's letters are about."""
    titles: dict[str, list[Any]] = {}
    people: list[dict[str, str]] = []
    for one in await Employee.filter(agency__code=demo.agency).order_by("nip"):
        theirs = await Target.filter(owner_employee_id=one.id).values_list("title", flat=True)
        if theirs:
            titles[one.nip] = list(theirs)
            people.append({"nip": one.nip, "name": one.name})
    # The one whose token is shown first of all, so that their inbox fills soon.
    people.sort(key=lambda one: one["nip"] != demo.employee)
    return _written(folder / "people.json", people), _written(folder / "titles.json", titles)


def _written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False))
    return path


async def _start(stack: AsyncExitStack, fake: Fake, people: tuple[Path, Path]) -> Mapping[str, Any]:
    """Start a fake service; answers the settings by which its connector reaches it."""
    who, titles = people
    process = await stack.enter_async_context(
        child(
            "-m",
            fake.module,
            "--people",
            str(who),
            "--titles",
            str(titles),
            "--every",
            str(fake.every_seconds),
            piped=True,
        )
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(START_SECONDS):
            await process.stdout.readline()
            settings: Mapping[str, Any] = json.loads(await process.stdout.readline())
    except (TimeoutError, ValueError) as error:
        raise SettingsError(f"{fake.module} did not start") from error
    return settings


async def _install(demo: Demo, fake: Fake, answers: Mapping[str, Any], settings: Settings) -> None:
    """Install the connector, or tell it where its fake listens this time."""
    agency = await Agency.get(code=demo.agency)
    scope, now, vault = operator_of(agency.id), utc_now(), vault_of(settings)
    schema = await settings_schema(fake.plugin)
    known = await Installation.get_or_none(agency_id=agency.id, title=fake.title)
    if known is not None:
        changes = Changes(settings=answers)
        await configure(scope, known.id, changes, vault=vault, now=now, schema=schema)
        return
    asked = NewConnector(
        plugin=fake.plugin, title=fake.title, settings=answers, poll_seconds=POLL_SECONDS
    )
    await install_connector(scope, agency.code, asked, vault=vault, now=now, schema=schema)


def _inherit() -> dict[str, str]:
    return dict(os.environ)


EXAMPLE = """\
{ viewer { employee { name unit { name } } unreadCount
  pendingRecords(first: 5) { edges { node { id description source { title }
    suggestion { target { id title } } } } } } }"""


def _announce(demo: Demo, settings: Settings, key: DevelopmentKey) -> None:
    address = f"http://{settings.host}:{settings.port}"
    lines = [
        "",
        f"E-Kinerja is running. GraphiQL: {address}/graphql  health: {address}/readyz",
        "",
        f"employee       {demo.employee}: {key.issue(demo.employee)}",
        "",
        f"supervisor     {demo.supervisor}: {key.issue(demo.supervisor)}",
        "",
        f"administrator  {demo.administrator}: {key.issue(demo.administrator)}",
        "",
        "Try as the employee (pending records arrive within a minute):",
        EXAMPLE,
        "",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
