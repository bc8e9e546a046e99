"""The processes that tests kill: a worker, one that sends results, a web server with webhooks.

`python -m tests.acceptance.ingestion_process worker URL FOLDER [SECONDS]`, `... results URL`, or
`... web URL PORT`.
Each says `ready` on its standard output once it is at work, and ends on SIGTERM. SECONDS is the
deadline of a call to a plugin.
"""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from server.database import DatabaseRole, database_at, opened
from server.ingestion import collect_seldom, run_ingestion
from server.ingestion.faults import report
from server.ingestion.results import run_results
from server.ingestion.webhooks import webhook
from server.plugin_host import PluginHost
from tests.feeding import VAULT

WEBHOOK = Route("/connectors/{installation}/webhook", webhook, methods=["POST"])


def say_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


async def work(url: str, folder: str, deadline: str = "60") -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = database_at(url)
    plugins = PluginHost(
        path=Path(folder), deadline=timedelta(seconds=float(deadline)), report=report
    )
    collect_seldom()
    async with opened(database, DatabaseRole.WORKER):
        say_ready()
        await run_ingestion(database, plugins, stop, VAULT)
        await plugins.close()


async def send(url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    plugins = PluginHost(report=report)
    async with opened(database_at(url), DatabaseRole.WORKER):
        say_ready()
        await run_results(plugins, VAULT, stop)
        await plugins.close()


async def serve(url: str, port: str) -> None:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with opened(database_at(url), DatabaseRole.APPLICATION):
            say_ready()
            yield

    app = Starlette(routes=[WEBHOOK], lifespan=lifespan)
    app.state.vault = VAULT
    config = uvicorn.Config(app, host="127.0.0.1", port=int(port), log_level="warning")
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.run({"worker": work, "results": send, "web": serve}[sys.argv[1]](*sys.argv[2:]))
