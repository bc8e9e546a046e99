"""Connector of E-Kinerja to Example: what the host calls to find it."""

from ekinerja_connectors import Register, hookimpl

from .connector import ExampleConnector

__all__ = ["ExampleConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    """Tell the host which connector this distribution brings."""
    register(ExampleConnector)
