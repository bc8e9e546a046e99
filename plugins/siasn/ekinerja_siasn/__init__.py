"""The plugin SIASN: it registers its connector, and that is all that belongs here."""

from ekinerja_connectors import Register, hookimpl

from .connector import SiasnConnector

__all__ = ["SiasnConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(SiasnConnector)
