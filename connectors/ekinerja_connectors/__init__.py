"""What a vendor imports to write an E-Kinerja connector: the contract and nothing behind it.

`Http`'s inside, the child process and the test support have modules of their own.
"""

from .activity import JSON, Activity, Evidence
from .budgets import Budget
from .capabilities import (
    Directory,
    Files,
    Notices,
    Polling,
    Results,
    Statement,
    Translation,
    Webhook,
)
from .connector import Connector
from .directory import (
    DirectoryAssignment,
    DirectoryEmployee,
    DirectoryPage,
    DirectoryUnit,
    PostKind,
)
from .errors import (
    AuthFailed,
    ConnectorError,
    Fatal,
    InvalidCursor,
    InvalidSettings,
    Malformed,
    Retryable,
    Skippable,
)
from .files import FileReading, RefusedRow, Upload
from .hookspecs import Register, hookimpl
from .http import Http, Response
from .items import Item, Page
from .notices import Delivered, DeliveryState, Notice, Recipient, in_turn
from .results import Official, Predicate, Rating, Receipt, Result, ResultKind
from .settings import address, secret
from .statements import Direction, Presence, Retraction
from .webhook import Delivery

__all__ = [
    "JSON",
    "Activity",
    "AuthFailed",
    "Budget",
    "Connector",
    "ConnectorError",
    "Delivered",
    "Delivery",
    "DeliveryState",
    "Direction",
    "Directory",
    "DirectoryAssignment",
    "DirectoryEmployee",
    "DirectoryPage",
    "DirectoryUnit",
    "Evidence",
    "Fatal",
    "FileReading",
    "Files",
    "Http",
    "InvalidCursor",
    "InvalidSettings",
    "Item",
    "Malformed",
    "Notice",
    "Notices",
    "Official",
    "Page",
    "Polling",
    "PostKind",
    "Predicate",
    "Presence",
    "Rating",
    "Receipt",
    "Recipient",
    "RefusedRow",
    "Register",
    "Response",
    "Result",
    "ResultKind",
    "Results",
    "Retraction",
    "Retryable",
    "Skippable",
    "Statement",
    "Translation",
    "Upload",
    "Webhook",
    "address",
    "hookimpl",
    "in_turn",
    "secret",
]
