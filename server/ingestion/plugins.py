"""What ingestion asks of plugins: the part of PluginHost that it uses, and that tests fake."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ekinerja_connectors import (
    JSON,
    ConnectorError,
    Delivered,
    Delivery,
    DirectoryPage,
    FileReading,
    Item,
    Notice,
    Page,
    Receipt,
    Result,
    Statement,
    Upload,
)

from schema.feeds.secrets import settings_of
from server.plugin_host import (
    PluginBroken,
    PluginForged,
    PluginInfo,
    PluginKilled,
    PluginMissing,
)

__all__ = [
    "PluginBroken",
    "PluginForged",
    "PluginInfo",
    "PluginKilled",
    "PluginMissing",
    "Plugins",
    "settings_of",
]


class Plugins(Protocol):
    """Calls to plugins, each in its own process; what they raise is in PluginHost."""

    async def describe(self, plugin: str) -> PluginInfo: ...

    async def fetch(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], cursor: str | None
    ) -> Page: ...

    async def receive(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], delivery: Delivery
    ) -> tuple[Item, ...]: ...

    async def read(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], upload: Upload
    ) -> FileReading: ...

    async def translate(
        self,
        plugin: str,
        installation: str,
        settings: Mapping[str, JSON],
        items: Sequence[Item],
    ) -> list[Statement | ConnectorError | PluginBroken]: ...

    async def directory(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], cursor: str | None
    ) -> DirectoryPage: ...

    async def send(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], result: Result
    ) -> Receipt: ...

    async def deliver(
        self,
        plugin: str,
        installation: str,
        settings: Mapping[str, JSON],
        notices: Sequence[Notice],
    ) -> tuple[Delivered, ...]: ...
