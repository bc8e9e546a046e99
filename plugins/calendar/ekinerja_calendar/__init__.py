"""The Calendar connector of E-Kinerja."""

from ekinerja_connectors import Register, hookimpl

from .connector import CalendarConnector

__all__ = ["CalendarConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(CalendarConnector)
