"""What a resolver may ask of the request: who is asking, in which language, and when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

import strawberry

from schema.access import Scope
from schema.errors import Language, Unauthenticated
from schema.events import EventFeed
from schema.values import utc_now
from schema.vault import KEYLESS, Vault


@dataclass(frozen=True, slots=True)
class Token:
    """What a request came with: whom it speaks for, since when and until when (aware, UTC)."""

    subject: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a stream begins, and where it ends if it does.

    Behind `position`; with the whole state first where `whole` (`too_old`: because the cursor
    was). `until` is the last position that it tells of.
    """

    position: int
    whole: bool = False
    too_old: bool = False
    until: int | None = None


@dataclass(slots=True)
class Context:
    """One request; in a subscription, one event of it.

    `authorise` reads the viewer's rights anew and answers until when they hold at most; it
    raises Unauthenticated when the token has expired. `cursor` is that of the present event.
    `beginning` is set where the server says where a stream begins, whatever its arguments say.
    """

    scope: Scope | None
    language: Language
    feed: EventFeed
    authorise: Callable[[], Awaitable[tuple[Scope, datetime]]]
    now: Callable[[], datetime] = utc_now
    vault: Vault = KEYLESS
    cursor: str | None = None
    token: Token | None = None
    beginning: Beginning | None = None

    @property
    def viewer(self) -> Scope:
        """Who is asking.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        if self.scope is None:
            raise Unauthenticated
        return self.scope

    async def renew(self) -> datetime:
        """Read the viewer's rights anew, for the next event.

        Returns until when the token holds.

        Raises:
            Unauthenticated: the token has expired, or its subject is gone.
        """
        self.scope, expires_at = await self.authorise()
        return expires_at


Info: TypeAlias = strawberry.Info[Context, None]
