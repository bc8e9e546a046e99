"""Use case: somebody hands a file in, which the plugin of a connector reads later."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schema.access import Scope, can_administer
from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import history, inbox
from schema.feeds.models import ConnectorAct, InboxItem, InboxKind, Installation, Plugin
from schema.feeds.rules import FILE, Received, check_file
from schema.tables import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file as it was handed in: its name without a folder, its media type, its bytes."""

    name: str
    media_type: str
    content: bytes

    @property
    def source_id(self) -> str:
        """The same bytes are the same file, whatever it is called."""
        return f"file:{hashlib.sha256(self.content).hexdigest()}"


def can_hand_in(scope: Scope, installation: Installation) -> bool:
    """An administrator of the agency, or the connector's own service account."""
    own = scope.installation_id == installation.id
    return own or can_administer(scope, installation.agency_id)


async def may_hand_in(scope: Scope, installation_id: UUID) -> None:
    """Ask before the bytes are read.

    Raises:
        NotFound: no such installation, or not the viewer's to feed.
        DomainError: it is disabled, or its plugin reads no files.
    """
    installation = await Installation.get_or_none(id=installation_id)
    if installation is None or not can_hand_in(scope, installation):
        raise NotFound("Connector")
    if not installation.enabled:
        detail = "the connector is disabled"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="connector", detail=detail)
    plugin = await Plugin.get_or_none(name=installation.plugin)
    if plugin is None or FILE not in plugin.capabilities:
        detail = f"the plugin {installation.plugin} reads no files"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="connector", detail=detail)


async def hand_in(
    scope: Scope, installation_id: UUID, file: File, *, most_bytes: int, now: datetime
) -> bool:
    """Keep a file; committed when this returns. False where it was kept before.

    Raises:
        NotFound, DomainError: as `may_hand_in`; also a name that is none, an empty or too large
            file.
    """
    await may_hand_in(scope, installation_id)
    check_file(file.name, file.media_type, len(file.content), most_bytes)
    async with transaction() as connection:
        # Locked, so that one file under two names at once is not taken for a changed one.
        rows = Installation.filter(id=installation_id).using_db(connection)
        await rows.select_for_update().get()
        same = {"installation_id": installation_id, "source_id": file.source_id}
        if await InboxItem.filter(**same).using_db(connection).exists():
            return False
        body = {
            "name": file.name,
            "content": base64.b64encode(file.content).decode(),
            "media_type": file.media_type,
        }
        received = Received(source_id=file.source_id, body=body, kind=InboxKind.FILE)
        await inbox.accept(connection, installation_id, [received], now)
        act = ConnectorAct.FILE_RECEIVED
        await history.note(connection, installation_id, act, scope.subject, now, file.name)
    return True
