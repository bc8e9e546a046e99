"""The plans of the statements that this server runs, as PostgreSQL's auto_explain logs them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from server.database import PostgresServer
from tests.benchmarks.client import ask
from tests.benchmarks.data import Shape, superuser
from tests.benchmarks.questions import QUESTIONS
from tests.benchmarks.servers import Server

ROLE = "ekinerja_app"
SETTINGS = {
    "session_preload_libraries": "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_parameter_max_length": "0",
}
WARMING = 6
"""PostgreSQL plans a statement five times for its values before it may keep one plan for all."""
PLAN = "plan:\n"


@asynccontextmanager
async def explained(cluster: PostgresServer, database: str) -> AsyncIterator[None]:
    """New connections of the application log the plan of each statement until this is left."""
    target = f'ROLE {ROLE} IN DATABASE "{database}"'
    async with superuser(cluster, "postgres") as connection:
        for name, value in SETTINGS.items():
            await connection.execute(f"ALTER {target} SET {name} = '{value}'")
    try:
        yield
    finally:
        async with superuser(cluster, "postgres") as connection:
            await connection.execute(f"ALTER {target} RESET ALL")


async def write_plans(server: Server, shape: Shape, log: Path, folder: Path) -> None:
    """One file a question: the plans behind its last answer of several, in their order."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.txt"):
        old.unlink()
    with server.awake():
        for question in QUESTIONS:
            requests = [server.request(question, case) for case in question.cases(shape)]
            for turn in range(WARMING):
                await ask(server.port, requests[turn % len(requests)])
            start = log.stat().st_size
            await ask(server.port, requests[0])
            with log.open() as file:
                file.seek(start)
                plans = _plans(file.read())
            (folder / f"{question.name}.txt").write_text("\n\n".join(plans) + "\n")


def _plans(text: str) -> Sequence[str]:
    """The plans in a piece of the log; not those of the sequencer, which works all the time."""
    found: list[list[str]] = []
    for line in text.splitlines():
        if "LOG:" in line:
            found.append([])
            if line.endswith(PLAN.strip()):
                found[-1].append(line[line.index("duration:") :])
        elif found and found[-1]:
            found[-1].append(line.removeprefix("\t"))
    whole = ("\n".join(lines).rstrip() for lines in found if lines)
    return [plan for plan in whole if "stamp_events" not in plan]
