"""The SRIKANDI connector: pages of CloudEvents, and CloudEvents that arrive by webhook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ekinerja_connectors import (
    JSON,
    Activity,
    Connector,
    Delivery,
    Fatal,
    Item,
    Malformed,
    Page,
)

from .settings import Settings
from .translate import activity_of, item_of

__all__ = ["SrikandiConnector"]


class SrikandiConnector(Connector[Settings]):
    """Letters drafted, verified, signed and sent, and dispositions made and followed up."""

    name = "srikandi"
    title = "SRIKANDI (ANRI)"
    version = "0.1.0"
    settings = Settings

    async def fetch(self, cursor: str | None) -> Page:
        if not self.config.base_url:
            raise Fatal("base_url is not set: this installation only takes webhooks")
        assumed = self.config.assumptions
        params = {assumed.limit_parameter: str(self.config.page_size)}
        if cursor is not None:
            params[assumed.after_parameter] = cursor
        url = self.config.base_url.rstrip("/") + assumed.path
        headers = {"Authorization": f"Bearer {self.config.api_token}"}
        response = await self.http.get(url, params=params, headers=headers)
        if response.status == 400 and cursor is not None:
            raise Fatal(f"{response.url} refuses the cursor; reset it")
        response.raise_for_status()
        return _page_of(response.json(), cursor, response.url)

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        """One CloudEvent or a batch of them, in structured form."""
        body = delivery.json()
        events = [body] if isinstance(body, Mapping) else body
        if isinstance(events, str) or not isinstance(events, Sequence):
            raise Malformed("a delivery must hold a CloudEvent or a list of them")
        return [item_of(one) for one in events]

    def translate(self, item: Item) -> Activity:
        return activity_of(item, self.config.assumptions)


def _page_of(body: JSON, cursor: str | None, url: str) -> Page:
    if not isinstance(body, Mapping):
        raise Fatal(f"{url} answered no object; its shape has changed")
    events, following, more = body.get("data"), body.get("next"), body.get("more", False)
    if isinstance(events, str) or not isinstance(events, Sequence):
        raise Fatal(f"{url} answered data that is no list; its shape has changed")
    if following is not None and not isinstance(following, str):
        raise Fatal(f"{url} answered a next that is no text; its shape has changed")
    if more is True and following in (None, cursor):
        raise Fatal(f"{url} says that there is more and not where")
    return Page(
        items=tuple(item_of(one) for one in events),
        next_cursor=following or cursor,
        more=more is True,
    )
