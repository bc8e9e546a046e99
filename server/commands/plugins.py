"""`python -m server plugins`: each plugin with its state, version and cause; and who insists."""

import argparse
import sys

from server.ingestion.catalogue import survey
from server.plugin_host import PluginHost
from server.settings import Settings, SettingsError


async def plugins(given: argparse.Namespace, settings: Settings) -> int:
    """One line for each: state, name, version, distribution, capabilities, or the cause."""
    host = PluginHost(egress=settings.egress_allow)
    try:
        for one in await survey(host):
            state = "READY" if one.problem is None else "QUARANTINED"
            told = ", ".join(one.capabilities) if one.problem is None else one.problem
            sys.stdout.write(f"{state} {one.name} {one.version} ({one.distribution}): {told}\n")
    finally:
        await host.close()
    return 0


async def insist(host: PluginHost, settings: Settings) -> None:
    """Nothing, unless EKINERJA_STRICT_PLUGINS is set and a plugin cannot run.

    Raises:
        SettingsError: naming each that cannot, with its cause.
    """
    if not settings.strict_plugins:
        return
    broken = [one for one in await survey(host) if one.problem is not None]
    if broken:
        causes = "\n".join(f"  {one.name} {one.version}: {one.problem}" for one in broken)
        raise SettingsError(
            f"EKINERJA_STRICT_PLUGINS is set, and {len(broken)} plugins cannot run:\n{causes}"
        )
