"""What a vendor imports to write an E-Kinerja connector: the contract and nothing behind it.

`Http`'s inside, the child process and the test support have modules of their own.
"""

from .activity import JSON, Activity, Evidence
from .connector import Connector, Item, Page
from .errors import (
    AuthFailed,
    ConnectorError,
    Fatal,
    InvalidSettings,
    Malformed,
    Retryable,
    Skippable,
)
from .hookspecs import Register, hookimpl
from .http import Http, Response
from .settings import address, secret
from .webhook import Delivery

__all__ = [
    "JSON",
    "Activity",
    "AuthFailed",
    "Connector",
    "ConnectorError",
    "Delivery",
    "Evidence",
    "Fatal",
    "Http",
    "InvalidSettings",
    "Item",
    "Malformed",
    "Page",
    "Register",
    "Response",
    "Retryable",
    "Skippable",
    "address",
    "hookimpl",
    "secret",
]
