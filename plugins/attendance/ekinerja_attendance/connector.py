"""The attendance connector: clockings by webhook, by polling and out of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ekinerja_connectors import (
    JSON,
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
    Presence,
    Retraction,
    Translation,
    Upload,
    Webhook,
)

from .clockings import item_of, statement_of
from .exports import reading_of
from .settings import Settings

__all__ = ["AttendanceConnector"]


class AttendanceConnector(Connector[Settings], Polling, Webhook, Files, Translation):
    """Who came and went when (*presensi*). Presence is no work, and states none."""

    name = "attendance"
    title = "Presensi (mesin absensi)"
    version = "0.1.0"
    settings = Settings
    retracts = True

    async def fetch(self, cursor: str | None) -> Page:
        """The records after the cursor, which is the service's own."""
        if not self.config.base_url:
            return Page(items=(), next_cursor=cursor, more=False)
        params = {"limit": str(self.config.page_size)}
        if cursor is not None:
            params["since"] = cursor
        token = self.config.api_token
        response = await self.http.get(
            f"{self.config.base_url.rstrip('/')}/{self.config.path.lstrip('/')}",
            params=params,
            headers={"Authorization": f"Bearer {token}"} if token else {},
        )
        if response.status == 400 and cursor is not None:
            raise InvalidCursor(f"{response.url} refuses the cursor; reset it")
        response.raise_for_status()
        return self._page_of(response.json(), cursor, response.url)

    def _page_of(self, body: JSON, cursor: str | None, url: str) -> Page:
        if not isinstance(body, Mapping):
            raise Fatal(f"{url} answered no object; its shape has changed")
        records, following, more = body.get("data"), body.get("next"), body.get("more", False)
        if isinstance(records, str) or not isinstance(records, Sequence):
            raise Fatal(f"{url} answered data that is no list; its shape has changed")
        if following is not None and not isinstance(following, str):
            raise Fatal(f"{url} answered a next that is no text; its shape has changed")
        if more is True and following in (None, cursor):
            raise Fatal(f"{url} says that there is more and not where")
        return Page(items=self._items(records), next_cursor=following or cursor, more=more is True)

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        """The clockings of a delivery: one record, a list of them, or one under `data`."""
        body = delivery.json()
        if isinstance(body, Mapping):
            inner = body.get("data")
            is_list = isinstance(inner, Sequence) and not isinstance(inner, str)
            body = inner if is_list else [body]
        if isinstance(body, str) or not isinstance(body, Sequence):
            raise Malformed("a delivery must hold a clocking or a list of them")
        return self._items(body)

    def _items(self, records: Sequence[JSON]) -> tuple[Item, ...]:
        """One item for each clocking; a press that is told twice in the same words is one."""
        found = (item_of(one, self.config) for one in records)
        return tuple({item.source_id: item for item in found}.values())

    def read(self, upload: Upload) -> FileReading:
        return reading_of(upload, self.config)

    def translate(self, item: Item) -> Presence | Retraction:
        return statement_of(item, self.config)
