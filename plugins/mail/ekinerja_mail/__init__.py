"""The mail connector of E-Kinerja."""

from ekinerja_connectors import Register, hookimpl

from .connector import MailConnector

__all__ = ["MailConnector", "register_connectors"]


@hookimpl
def register_connectors(register: Register) -> None:
    register(MailConnector)
