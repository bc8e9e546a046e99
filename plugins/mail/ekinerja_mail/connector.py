"""The mail connector: one conversation with the server for all notices of a call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ekinerja_connectors import Connector, Delivered, Http, Notice, Notices, in_turn

from .letters import letter_of
from .session import Line
from .settings import Settings, is_address

__all__ = ["MailConnector"]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class MailConnector(Connector[Settings], Notices):
    """Notices as mail (*surat elektronik*)."""

    name = "mail"
    title = "Surel (SMTP)"
    version = "0.1.0"
    settings = Settings

    def __init__(
        self, config: Settings, http: Http, now: Callable[[], datetime] = _utc_now
    ) -> None:
        super().__init__(config, http)
        self._now = now

    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        """Who has no address that mail can go to is refused; the others are written to."""
        refused = [found for one in notices if (found := _unreachable(one)) is not None]
        unreachable = {one.id for one in refused}
        reachable = [one for one in notices if one.id not in unreachable]
        return [*refused, *(await self._mail(reachable) if reachable else ())]

    async def _mail(self, notices: Sequence[Notice]) -> list[Delivered]:
        async with Line(self.config, self.http) as line:

            async def carry(notice: Notice) -> Delivered:
                to = notice.to.address or ""
                letter = letter_of(notice, to, self.config, self._now())
                return await line.hand_over(notice, to, letter)

            return await in_turn(notices, carry)


def _unreachable(notice: Notice) -> Delivered | None:
    if notice.to.address is None:
        return Delivered.refused(notice, "no mail address is known of the recipient")
    if not is_address(notice.to.address):
        return Delivered.refused(notice, "what is known of the recipient is no mail address")
    return None
