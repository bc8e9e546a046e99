"""The CloudEvents connector: whatever a service posts, read by rules of the administrator."""

from __future__ import annotations

from collections.abc import Sequence

from ekinerja_connectors import (
    Activity,
    Connector,
    Delivery,
    Item,
    Retraction,
    Translation,
    Webhook,
)

from .events import events_of, item_of
from .settings import Settings
from .translate import statement_of

__all__ = ["CloudEventsConnector"]


class CloudEventsConnector(Connector[Settings], Webhook, Translation):
    """Any service that can POST a CloudEvent and sign it by Standard Webhooks."""

    name = "cloudevents"
    title = "CloudEvents"
    version = "0.1.0"
    settings = Settings
    retracts = True

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        """The events of a delivery: one, a batch, or one in binary mode."""
        events = events_of(delivery, accept_binary=self.config.accept_binary)
        return [item_of(one) for one in events]

    def translate(self, item: Item) -> Activity | Retraction:
        return statement_of(item, self.config)
