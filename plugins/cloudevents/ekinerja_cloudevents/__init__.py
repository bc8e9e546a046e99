"""The CloudEvents connector of E-Kinerja."""

from ekinerja_connectors import Register, hookimpl

from .connector import CloudEventsConnector

__all__ = ["CloudEventsConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(CloudEventsConnector)
