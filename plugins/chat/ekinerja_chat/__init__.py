"""The chat connector of E-Kinerja."""

from ekinerja_connectors import Register, hookimpl

from .connector import ChatConnector

__all__ = ["ChatConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(ChatConnector)
