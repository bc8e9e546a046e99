"""What a resolver may ask of the request: who is asking, in which language, and when."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import strawberry

from schema.access import Scope
from schema.errors import Language, Unauthenticated
from schema.events import EventFeed
from schema.values import utc_now

if TYPE_CHECKING:
    from schema.loaders import Loaders


@dataclass(slots=True)
class Context:
    """One request; in a subscription, one event of it: loaders are never shared between two.

    `authorise` reads the viewer's rights anew and answers until when they hold at most; it
    raises Unauthenticated when the token has expired. `cursor` is that of the present event.
    """

    scope: Scope | None
    language: Language
    feed: EventFeed
    make_loaders: "Callable[[Context], Loaders]"
    authorise: Callable[[], Awaitable[tuple[Scope, datetime]]]
    now: Callable[[], datetime] = utc_now
    cursor: str | None = None
    memo: dict[str, Any] = field(default_factory=dict)
    _loaders: "Loaders | None" = None

    @property
    def viewer(self) -> Scope:
        """Who is asking.

        Raises:
            Unauthenticated: nobody is signed in.
        """
        if self.scope is None:
            raise Unauthenticated
        return self.scope

    @property
    def loaders(self) -> "Loaders":
        if self._loaders is None:
            self._loaders = self.make_loaders(self)
        return self._loaders

    async def renew(self) -> datetime:
        """Read the viewer's rights anew and forget what was loaded, for the next event.

        Returns until when the token holds.

        Raises:
            Unauthenticated: the token has expired, or its subject is gone.
        """
        self.scope, expires_at = await self.authorise()
        self._loaders = None
        return expires_at


Info: TypeAlias = strawberry.Info[Context, None]
