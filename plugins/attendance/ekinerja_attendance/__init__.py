"""The Attendance connector of E-Kinerja."""

from ekinerja_connectors import Register, hookimpl

from .connector import AttendanceConnector

__all__ = ["AttendanceConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(AttendanceConnector)
