"""A connector with every capability that passes the whole suite, and the service that it speaks to.

What is broken, one thing each, is in `broken`.
"""

import contextlib
import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from aiohttp import web
from ekinerja_connectors import (
    JSON,
    Activity,
    Connector,
    Delivered,
    Delivery,
    DirectoryAssignment,
    DirectoryEmployee,
    DirectoryPage,
    DirectoryUnit,
    Fatal,
    FileReading,
    InvalidCursor,
    Item,
    Malformed,
    Notice,
    Page,
    Receipt,
    RefusedRow,
    Result,
    Retraction,
    Skippable,
    Statement,
    Upload,
    address,
    in_turn,
    secret,
)
from ekinerja_connectors.contract import Contract, contract_of
from ekinerja_connectors.testing.fakes import serve
from ekinerja_connectors.testing.suite import ConnectorSuite

TOKEN = "contoh-token-rahasia"
NIP, OTHER = "198503122009011007", "199207152018012003"
EVENTS: tuple[dict[str, Any], ...] = (
    {"n": 1, "nip": NIP, "state": "held", "hours": "1.5"}
    | {"begin": "2026-03-02T09:00:00+07:00", "end": "2026-03-02T10:30:00+07:00"},
    {"n": 2, "nip": OTHER, "state": "held", "hours": "1"}
    | {"begin": "2026-03-02T13:00:00+07:00", "end": "2026-03-02T14:00:00+07:00"},
    {"n": 3, "nip": NIP, "state": "planned"},
    {"n": 4, "state": "cancelled", "of": 2, "begin": "2026-03-02T12:00:00+07:00"},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    base_url: str = address()
    api_token: str = secret()
    page_size: int = 2


class Sound(Connector[Any]):
    """Everything, as it should be."""

    name = "sound"
    title = "Contoh"
    version = "1.0.0"
    settings: Any = Settings
    retracts = True

    async def ask(self, method: str, path: str, **given: Any) -> JSON:
        headers = {"Authorization": f"Bearer {self.config.api_token}"}
        url = self.config.base_url.rstrip("/") + path
        response = await self.http.request(method, url, headers=headers, **given)
        response.raise_for_status()
        return response.json()

    async def fetch(self, cursor: str | None) -> Page:
        if not (cursor or "0").isdecimal():
            raise InvalidCursor("the cursor cannot be read")
        after = int(cursor or 0)
        params = {"after": str(after), "limit": str(self.config.page_size)}
        items = self.items_of(await self.ask("GET", "/events", params=params))
        last = max((int(one.source_id.split("-")[1]) for one in items), default=after)
        return Page(items=items, next_cursor=str(last), more=len(items) == self.config.page_size)

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        return self.items_of(delivery.json())

    def items_of(self, body: JSON) -> tuple[Item, ...]:
        if not isinstance(body, Mapping) or not isinstance(events := body.get("events"), list):
            raise Malformed("this is no list of events")
        return tuple(self.item_of(one) for one in events)

    def item_of(self, event: Any) -> Item:
        if not isinstance(event, Mapping) or type(event.get("n")) is not int:
            raise Malformed("an event has a number")
        return Item(source_id=f"e-{event['n']:d}", payload=event)

    def read(self, upload: Upload) -> FileReading:
        items, refused = [], []
        rows = csv.reader(io.StringIO(upload.text().replace("\x00", "")))
        for number, cells in enumerate(rows, start=1):
            if len(cells) == 3:
                payload = {"n": number, "nip": cells[0], "state": "held", "hours": "1"}
                payload |= {"begin": cells[1], "end": cells[2]}
                items.append(Item(source_id=f"f-{number}", payload=payload))
            else:
                refused.append(RefusedRow(row=number, reason="3 cells", payload=cells))
        return FileReading(items=tuple(items), refused=tuple(refused))

    def translate(self, item: Item) -> Statement:
        event: Any = item.payload
        try:
            if event["state"] == "planned":
                raise Skippable("it has not been held yet")
            begin = self.instant(event["begin"])
            if event["state"] == "cancelled":
                return Retraction(
                    source_id=item.source_id,
                    retracts=f"e-{event['of']:d}",
                    at=begin,
                    reason="dibatalkan",
                )
            return self.activity(item.source_id, event, begin)
        except Malformed:
            raise
        except (LookupError, TypeError, ValueError, ArithmeticError) as error:
            raise Malformed(f"it cannot be read: {error}") from error

    def instant(self, text: Any) -> datetime:
        return datetime.fromisoformat(text)

    def activity(self, source_id: str, event: Any, begin: datetime) -> Activity:
        end = datetime.fromisoformat(event["end"])
        return Activity(
            source_id=source_id,
            nip=event["nip"],
            kind="rapat",
            title="Rapat",
            occurred_at=begin,
            ended_at=end,
            quantity=Decimal(event["hours"]),
            unit_of_measure="jam",
        )

    async def directory(self, cursor: str | None) -> DirectoryPage:
        if cursor is not None:
            raise InvalidCursor("the cursor cannot be read")
        found: Any = await self.ask("GET", "/units")
        if not isinstance(found, list):
            raise Fatal("units are no list")
        try:
            return self.page_of(found)
        except (LookupError, TypeError) as error:
            raise Fatal(f"units cannot be read: {error}") from error

    def page_of(self, found: Any) -> DirectoryPage:
        return DirectoryPage(
            units=tuple(DirectoryUnit(code=one["code"], name="Unit") for one in found),
            employees=(DirectoryEmployee(nip=NIP, name="Rahmat Hidayat"),),
            assignments=tuple(
                DirectoryAssignment(
                    nip=NIP, unit_code=one["code"], position="Analis", starts_on=date(2026, 1, 1)
                )
                for one in found
            ),
        )

    async def send(self, result: Result) -> Receipt:
        found: Any = await self.ask("PUT", f"/results/{result.id}", json_body={"kind": "monthly"})
        if not isinstance(found, Mapping) or not isinstance(found.get("reference"), str):
            raise Fatal("this is no receipt")
        return Receipt(reference=found["reference"], at=datetime(2026, 3, 2, tzinfo=UTC))

    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        return await in_turn(notices, self.carry)

    async def carry(self, notice: Notice) -> Delivered:
        if notice.to.address is None:
            return Delivered.refused(notice, "no address is known")
        body: JSON = {"to": notice.to.address, "text": notice.body}
        found = await self.ask("PUT", f"/notices/{notice.id}", json_body=body)
        if not isinstance(found, Mapping) or found.get("taken") is not True:
            raise Fatal("this is no answer of a gateway")
        return Delivered.arrived(notice)


def create_app(arrived: list[str]) -> web.Application:
    """The service: it keeps the results that it was sent, each once, and notes what arrived."""
    results: dict[str, str] = {}

    async def events(request: web.Request) -> web.Response:
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 100))
        found = [one for one in EVENTS if one["n"] > after]
        return web.json_response({"events": found[:limit]})

    async def units(request: web.Request) -> web.Response:
        return web.json_response([{"code": "A"}, {"code": "B"}])

    async def result(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        return web.json_response({"reference": results.setdefault(name, f"R-{len(results)}")})

    async def create(request: web.Request) -> web.Response:
        results[str(len(results))] = "new"
        return web.json_response({"reference": f"N-{len(results)}"})

    async def notice(request: web.Request) -> web.Response:
        arrived.append(request.match_info["name"])
        return web.json_response({"taken": True})

    app = web.Application()
    app.router.add_put("/notices/{name}", notice)
    app.router.add_get("/events", events)
    app.router.add_get("/units", units)
    app.router.add_put("/results/{name}", result)
    app.router.add_post("/results", create)
    return app


CONTRACT = contract_of(
    Sound, {"base_url": "https://contoh.example", "api_token": "[rahasia]", "page_size": 2}, "2"
)


def suite_of(broken: type[Connector[Any]]) -> ConnectorSuite:
    """The suite as a vendor would write it for `broken`."""

    class Suite(ConnectorSuite):
        connector = broken

        @contextlib.asynccontextmanager
        async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
            self.arrived: list[str] = []
            async with serve(create_app(self.arrived)) as url:
                yield {"base_url": url, "api_token": TOKEN, "page_size": 2}

        def deliveries(self) -> Sequence[Delivery]:
            return [Delivery(id="msg_1", body=json.dumps({"events": EVENTS[:2]}))]

        def uploads(self) -> Sequence[Upload]:
            rows = [[NIP, "2026-03-02T09:00:00+07:00", "2026-03-02T10:00:00+07:00"], ["?"]]
            return [Upload(name="x.csv", content="\n".join(map(",".join, rows)).encode())]

        def received(self) -> Sequence[str] | None:
            return None if broken.name == "mute" else self.arrived

        def contract(self) -> Contract | None:
            return getattr(broken, "kept", CONTRACT)

        def _recordings(self) -> list[Mapping[str, Any]]:
            return [{"items": [RECORDED]}]

    return Suite()


RECORDED: Mapping[str, Any] = {
    "source_id": "e-3",
    "payload": EVENTS[2],
    "states": {"skipped": "it has not been held yet"},
}
