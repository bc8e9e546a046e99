"""How Example is asked and how it delivers; what its events mean is in `translate`."""

from collections.abc import Sequence

from ekinerja_connectors import (
    Connector,
    Delivery,
    InvalidCursor,
    Item,
    Page,
    Polling,
    Statement,
    Translation,
    Webhook,
)

from .settings import Settings
from .translate import items_of, number_of, statement_of

__all__ = ["ExampleConnector"]


class ExampleConnector(Connector[Settings], Polling, Webhook, Translation):
    """Meetings that were held, and those that turn out not to have been."""

    name = "example"  # as in the entry point
    title = "Example"
    version = "0.1.0"
    settings = Settings
    retracts = True

    async def fetch(self, cursor: str | None) -> Page:
        if cursor is not None and not (cursor.isascii() and cursor.isdigit()):
            raise InvalidCursor("the cursor cannot be read; reset it")
        after = cursor or "0"
        response = await self.http.get(
            f"{self.config.base_url.rstrip('/')}/events",
            params={"after": after, "limit": str(self.config.page_size)},
            headers={"Authorization": f"Bearer {self.config.api_token}"},
        )
        response.raise_for_status()
        items = items_of(response.json())
        last = max((number_of(one) for one in items), default=0)
        # A page that is not full is the last for now; one without a number leads nowhere.
        more = len(items) >= self.config.page_size and last > int(after)
        return Page(items=items, next_cursor=str(max(last, int(after))), more=more)

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        return items_of(delivery.json())

    def translate(self, item: Item) -> Statement:
        return statement_of(item)
