"""`python -m server worker`: ingestion, notices, results, the clocks: no API."""

import asyncio
import signal

from server.commands.plugins import insist
from server.database import DatabaseRole, found_database, opened
from server.ingestion import collect_seldom, run_ingestion
from server.ingestion.catalogue import run_catalogue
from server.ingestion.channels import Channels
from server.ingestion.faults import report
from server.ingestion.results import run_results
from server.notices import run_notices
from server.plugin_host import PluginHost
from server.presence_clock import run_presence_clock
from server.sequencer import run_sequencer
from server.settings import Settings
from server.telemetry import configure_logging
from server.vault import refuse_unreadable, vault_of
from server.wake_ups import wake_ups_of


async def work(settings: Settings) -> int:
    """Poll, take in, tell and stamp until SIGTERM or SIGINT; the item in hand is finished."""
    configure_logging(settings)
    collect_seldom()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host = PluginHost(egress=settings.egress_allow, report=report)
    vault = vault_of(settings)
    async with found_database(settings) as database, opened(database, DatabaseRole.WORKER):
        try:
            await insist(host, settings)
            await refuse_unreadable(vault)
            wake_ups = wake_ups_of(settings, database)
            async with wake_ups.connected(), asyncio.TaskGroup() as tasks:
                tasks.create_task(run_sequencer(database, stop, announce=wake_ups.announce))
                tasks.create_task(run_presence_clock(database, stop))
                tasks.create_task(run_catalogue(host, stop))
                tasks.create_task(run_ingestion(database, host, stop, vault))
                tasks.create_task(run_notices(Channels(plugins=host, vault=vault), stop))
                tasks.create_task(run_results(host, vault, stop))
        finally:
            await host.close()
    return 0
