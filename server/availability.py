"""Whether a fault is that the database does not answer: nobody's mistake, and it passes."""

import asyncpg
from tortoise.exceptions import DBConnectionError

AWAY = (
    OSError,  # nothing else that a request does touches files or sockets
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InternalClientError,  # "cannot switch to state": the server's farewell came between
    DBConnectionError,
)
REFUSING = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
"""What a database says at the start when the address is right and the rest of it is not."""


def is_away(fault: BaseException | None) -> bool:
    """Whether the fault, or one that caused it, is that the database does not answer."""
    while fault is not None:
        if isinstance(fault, AWAY) or _is_closed(fault):
            return True
        fault = fault.__cause__
    return False


def _is_closed(fault: BaseException) -> bool:
    """asyncpg says by the same class that a connection is closed, and that we misuse one."""
    return isinstance(fault, asyncpg.InterfaceError) and "closed" in str(fault)
