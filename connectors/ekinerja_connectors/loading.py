"""From the name of an entry point to one connector class, with a clear error for each misstep."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

import pluggy

from . import hookspecs, wire
from .activity import JSON
from .connector import Connector, faults_of
from .settings import schema_of

__all__ = ["Loaded", "PluginError", "load"]


class PluginError(Exception):
    """The plugin does not keep to the contract; the message says in what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A connector class and the distribution that brought it."""

    connector: type[Connector[Any]]
    distribution: str

    def description(self) -> dict[str, JSON]:
        """What the host shows of it: see `server.plugin_host.PluginInfo`."""
        return {
            "wire": wire.VERSION,
            "name": self.connector.name,
            "distribution": self.distribution,
            "version": self.connector.version,
            "title": self.connector.title,
            "capabilities": list(self.connector.capabilities()),
            "settings_schema": schema_of(self.connector.settings),
        }


def load(name: str) -> Loaded:
    """Import the plugin behind the entry point `name`, and nothing else.

    Raises:
        PluginError: there is none or more than one, or what it registers is no connector.
        Exception: whatever importing it raises.
    """
    found = tuple(entry_points(group=hookspecs.GROUP, name=name))
    if len(found) != 1:
        owners = ", ".join(sorted(one.dist.name for one in found if one.dist)) or "none"
        raise PluginError(f"{name} must be announced by one distribution; it is by: {owners}")
    plugins = pluggy.PluginManager(hookspecs.NAMESPACE)
    plugins.add_hookspecs(hookspecs)
    plugins.register(found[0].load(), name=name)
    plugins.check_pending()
    registered: list[type[Connector[Any]]] = []
    plugins.hook.register_connectors(register=registered.append)
    if len(registered) != 1:
        raise PluginError(f"{name} registers {len(registered)} connectors instead of one")
    faults = faults_of(registered[0])
    if not faults and registered[0].name != name:
        faults = (f"its name is {registered[0].name}, its entry point {name}",)
    if faults:
        raise PluginError(f"{name}: {'; '.join(faults)}")
    owner = found[0].dist
    return Loaded(connector=registered[0], distribution=owner.name if owner else "unknown")
