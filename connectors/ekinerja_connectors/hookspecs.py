"""The one hook of a plugin: it registers; the objects that it registers do the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import pluggy

if TYPE_CHECKING:
    from .connector import Connector

__all__ = ["GROUP", "NAMESPACE", "Register", "hookimpl", "hookspec"]

NAMESPACE = "ekinerja_connectors"
#: The entry point group in which a distribution announces its plugin.
GROUP = "ekinerja.connectors"

Register: TypeAlias = "Callable[[type[Connector[Any]]], None]"

hookspec = pluggy.HookspecMarker(NAMESPACE)
hookimpl = pluggy.HookimplMarker(NAMESPACE)


@hookspec
def register_connectors(register: Register) -> None:
    """Call `register(YourConnector)` once, with a class named like your entry point."""
