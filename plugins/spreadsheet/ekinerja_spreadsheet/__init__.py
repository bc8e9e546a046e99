"""The Spreadsheet connector of E-Kinerja."""

from ekinerja_connectors import Register, hookimpl

from .connector import SpreadsheetConnector

__all__ = ["SpreadsheetConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(SpreadsheetConnector)
