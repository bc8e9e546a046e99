"""The SRIKANDI connector: CloudEvents in pages, by webhook, and as rows of exports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from ekinerja_connectors import (
    JSON,
    Activity,
    Connector,
    Delivery,
    Fatal,
    FileReading,
    Files,
    InvalidCursor,
    Item,
    Malformed,
    Page,
    Polling,
    Retraction,
    Upload,
    Webhook,
)

from .assumptions import Assumptions
from .files import reading_of
from .settings import Settings
from .translate import item_of, statement_of

__all__ = ["SrikandiConnector"]


class SrikandiConnector(Connector[Settings], Polling, Webhook, Files):
    """Letters drafted, verified, signed and sent, and dispositions made and followed up."""

    name = "srikandi"
    title = "SRIKANDI (ANRI)"
    version = "0.2.0"
    settings = Settings
    retracts = True

    async def fetch(self, cursor: str | None) -> Page:
        if not self.config.base_url:
            raise Fatal("base_url is not set: this installation only takes webhooks and files")
        assumed = self.config.assumptions
        params = {assumed.limit_parameter: str(self.config.page_size)}
        if cursor is not None:
            params[assumed.after_parameter] = cursor
        url = self.config.base_url.rstrip("/") + assumed.path
        headers = {"Authorization": f"Bearer {self.config.api_token}"}
        response = await self.http.get(url, params=params, headers=headers)
        if response.status == 400 and cursor is not None:
            raise InvalidCursor(f"{response.url} refuses the cursor; reset it")
        response.raise_for_status()
        return _page_of(response.json(), cursor, response.url, assumed)

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        """One CloudEvent or a batch of them, in structured form."""
        body = delivery.json()
        events = [body] if isinstance(body, Mapping) else body
        if isinstance(events, str) or not isinstance(events, Sequence):
            raise Malformed("a delivery must hold a CloudEvent or a list of them")
        return [item_of(one, self.config.assumptions) for one in events]

    def read(self, upload: Upload) -> FileReading:
        """The rows of an export, CSV or XLSX: events, or a register of outgoing letters."""
        zone = timezone(timedelta(hours=self.config.assumptions.utc_offset_hours))
        return reading_of(upload, self.config, datetime.now(zone).date())

    def translate(self, item: Item) -> Activity | Retraction:
        return statement_of(item, self.config.assumptions)


def _page_of(body: JSON, cursor: str | None, url: str, assumed: Assumptions) -> Page:
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
        items=tuple(item_of(one, assumed) for one in events),
        next_cursor=following or cursor,
        more=more is True,
    )
