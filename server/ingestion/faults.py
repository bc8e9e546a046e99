"""Which problem of an installation a fault is: what a call raised, in the administrator's terms."""

from uuid import UUID

import structlog
from ekinerja_connectors import AuthFailed, InvalidCursor, InvalidSettings, Retryable

from schema.feeds.models import ProblemCode
from schema.feeds.service import note_problem
from schema.values import utc_now
from schema.vault import SecretsUnreadable
from server.ingestion.plugins import PluginBroken, PluginForged, PluginKilled, PluginMissing

KINDS: tuple[tuple[type[Exception], ProblemCode], ...] = (
    (PluginKilled, ProblemCode.PLUGIN_KILLED),
    (PluginMissing, ProblemCode.PLUGIN_MISSING),
    (PluginForged, ProblemCode.FORGED),
    (PluginBroken, ProblemCode.PLUGIN_BROKEN),
    (Retryable, ProblemCode.SERVICE_UNREACHABLE),
    (AuthFailed, ProblemCode.CREDENTIALS_REFUSED),
    (InvalidSettings, ProblemCode.SETTINGS_INVALID),
    (InvalidCursor, ProblemCode.CURSOR_INVALID),
    (SecretsUnreadable, ProblemCode.SECRETS_UNREADABLE),
)
"""Most particular class first; whatever else a connector raises says that its service's answers
are not what it knows."""

log = structlog.get_logger()


def problem_of(error: Exception) -> ProblemCode:
    """The code under which it is noted."""
    return next(
        (code for kind, code in KINDS if isinstance(error, kind)),
        ProblemCode.SERVICE_ANSWERS_WRONGLY,
    )


async def report(installation: str, fault: Exception) -> None:
    """What the plugin host tells of: a killed process, a forgery."""
    code = problem_of(fault)
    log.warning(
        "ingestion.plugin_fault", installation=installation, code=str(code), problem=str(fault)
    )
    await note_problem(UUID(installation), code, str(fault), utc_now())
