"""What tests of ingestion share: people, an installation, and plugins that answer as told."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from ekinerja_connectors import (
    JSON,
    Activity,
    AuthFailed,
    ConnectorError,
    Delivered,
    Delivery,
    DirectoryPage,
    FileReading,
    InvalidSettings,
    Item,
    Notice,
    Page,
    Receipt,
    Result,
    Statement,
    Upload,
)
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Role, Scope
from schema.feeds.models import Installation
from schema.feeds.secrets import keep_secrets, keep_webhook_secret
from schema.organizations.models import Agency, Employee, RoleGrant
from schema.organizations.viewers import scope_of
from schema.progress import intake
from schema.progress.intake import Arrival, people_of
from schema.progress.models import ProgressRecord
from schema.tables import transaction
from schema.targets.models import Classification, Period, Target, TargetKind
from server.plugin_host import PluginBroken, PluginInfo
from server.vault import KeyRing

NIP = "199001012015031001"
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
"""12.00 WIB on a Tuesday."""
DAY = date(2026, 11, 24)
SECRET = "whsec_" + "c2VjcmV0LWZvci10ZXN0cy1vbmx5LTAwMDE="
OTHER_SECRET = "whsec_" + "c2VjcmV0LWZvci10ZXN0cy1vbmx5LTAwMDI="


SECRET_KEY = "dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3RzLW9ubHk="
VAULT = KeyRing([SECRET_KEY])
"""The vault of tests; its key is nobody's."""


async def agency(code: str = "INST-A") -> Agency:
    return await Agency.create(code=code, name=f"Instansi {code}")


async def employee(of: Agency, nip: str = NIP, timezone: str = "Asia/Jakarta") -> Employee:
    return await Employee.create(agency=of, nip=nip, name="Sari Wulandari", timezone=timezone)


async def installation(
    of: Agency, *, secrets: Mapping[str, Any] | None = None, **given: Any
) -> Installation:
    """A connector; `secrets` and a `webhook_secret` are sealed as they are in service."""
    values: dict[str, Any] = {"plugin": "fake", "title": "Layanan", "next_poll_at": NOON}
    webhook_secret = given.pop("webhook_secret", None)
    made = Installation(agency_id=of.id, **values | given)
    keep_secrets(made, secrets or {}, VAULT)
    keep_webhook_secret(made, webhook_secret, VAULT)
    await made.save(force_create=True)
    return made


async def target(of: Employee, title: str, year: int = 2026) -> Target:
    period, _ = await Period.get_or_create(
        agency_id=of.agency_id,
        code=str(year),
        defaults={"starts_on": date(year, 1, 1), "ends_on": date(year, 12, 31)},
    )
    return await Target.create(
        agency_id=of.agency_id,
        period=period,
        code=title[:100],
        position=1,
        title=title,
        kind=TargetKind.QUANTITATIVE,
        classification=Classification.INDIVIDUAL,
        owner_employee=of,
    )


async def administrator(of: Agency) -> Scope:
    """Somebody who administers an agency, as a token's subject."""
    subject = f"pengelola.{of.code}"
    await RoleGrant.get_or_create(agency=of, subject=subject, role=Role.ADMINISTRATOR)
    return await scope_of(subject)


def connection() -> BaseDBAsyncClient:
    return Tortoise.get_connection("default")


async def fetched(sql: str, *values: Any) -> list[dict[str, Any]]:
    return await connection().execute_query_dict(sql, list(values))


async def count(table: str) -> int:
    return int((await fetched(f"SELECT count(*) AS n FROM {table}"))[0]["n"])


def activity(source_id: str = "D-1", nip: str = NIP, **given: Any) -> Activity:
    values: dict[str, Any] = {
        "kind": "surat",
        "title": "Menandatangani surat: undangan rapat",
        "occurred_at": NOON - timedelta(hours=2),
    }
    return Activity(source_id=source_id, nip=nip, **values | given)


async def take_in(
    what: Activity, person: Employee, inbox_item_id: UUID, installation: Installation, now: datetime
) -> ProgressRecord:
    """The pending record of one activity, made now or found."""
    async with transaction() as open_:
        people = await people_of(open_, installation.id, [person.nip])
        arrival = Arrival(inbox_item_id=inbox_item_id, activity=what, doer=people[person.nip])
        await intake.take_in(
            open_,
            installation_id=installation.id,
            plugin=installation.plugin,
            arrivals=[arrival],
            now=now,
        )
    return await ProgressRecord.get(
        activity__source_id=what.source_id,
        activity__installation_id=installation.id,
        supersedes_id=None,
    )


def item(source_id: str = "D-1", **payload: JSON) -> Item:
    return Item(source_id=source_id, payload=payload)


def by_payload(item: Item) -> Activity:
    """The translation of the fake service: its payload is nearly an activity already."""
    assert isinstance(item.payload, Mapping)
    return activity(
        item.source_id,
        str(item.payload.get("nip", NIP)),
        title=str(item.payload.get("title", "Menandatangani surat: undangan rapat")),
    )


class FakePlugins:
    """Stands for PluginHost: answers come from functions that a test gives."""

    def __init__(
        self,
        *,
        fetch: Callable[[str | None], Page] = lambda cursor: Page(
            items=(), next_cursor=cursor, more=False
        ),
        receive: Callable[[Delivery], tuple[Item, ...]] = lambda delivery: (),
        translate: Callable[[Item], Statement] = by_payload,
        read: Callable[[Upload], FileReading] = lambda upload: FileReading(items=()),
        directory: Callable[[str | None], DirectoryPage] = lambda cursor: DirectoryPage(),
        deliver: Callable[[Sequence[Notice]], Sequence[Delivered]] = lambda notices: [
            Delivered.arrived(one) for one in notices
        ],
        send: Callable[[Result], Receipt] = lambda result: Receipt(reference=result.id, at=NOON),
        broken: Exception | None = None,
        capabilities: tuple[str, ...] = ("polling", "webhook"),
    ) -> None:
        self._fetch = fetch
        self._receive = receive
        self._translate = translate
        self._read = read
        self._directory = directory
        self._deliver = deliver
        self._send = send
        self.sent: list[Result] = []
        self.broken = broken
        self.capabilities = capabilities
        self.cursors: list[str | None] = []
        self.translated: list[str] = []

    async def describe(self, plugin: str) -> PluginInfo:
        if self.broken is not None:
            raise self.broken
        return PluginInfo(
            name=plugin,
            distribution="fake",
            version="1",
            title="Fake",
            capabilities=self.capabilities,
            settings_schema={},
        )

    async def fetch(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], cursor: str | None
    ) -> Page:
        self.cursors.append(cursor)
        return self._fetch(cursor)

    async def receive(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], delivery: Delivery
    ) -> tuple[Item, ...]:
        return self._receive(delivery)

    async def read(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], upload: Upload
    ) -> FileReading:
        return self._read(upload)

    async def translate(
        self,
        plugin: str,
        installation: str,
        settings: Mapping[str, JSON],
        items: Sequence[Item],
    ) -> list[Statement | ConnectorError | PluginBroken]:
        """As the host: what concerns one item is its answer, what concerns all is raised."""
        answers: list[Statement | ConnectorError | PluginBroken] = []
        for one in items:
            self.translated.append(one.source_id)
            try:
                answers.append(self._translate(one))
            except (AuthFailed, InvalidSettings):
                raise
            except (ConnectorError, PluginBroken) as error:
                answers.append(error)
        return answers

    async def directory(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], cursor: str | None
    ) -> DirectoryPage:
        return self._directory(cursor)

    async def deliver(
        self,
        plugin: str,
        installation: str,
        settings: Mapping[str, JSON],
        notices: Sequence[Notice],
    ) -> tuple[Delivered, ...]:
        return tuple(self._deliver(notices))

    async def send(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], result: Result
    ) -> Receipt:
        self.sent.append(result)
        return self._send(result)
