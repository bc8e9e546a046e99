"""The plugin SRIKANDI: it registers its connector, and that is all that belongs here."""

from ekinerja_connectors import Register, hookimpl

from .connector import SrikandiConnector

__all__ = ["SrikandiConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(SrikandiConnector)
