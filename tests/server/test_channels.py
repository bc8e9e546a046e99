"""Channels: notices to plugins in their own processes, and what faults of a channel come to."""

import dataclasses
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from ekinerja_connectors import (
    AuthFailed,
    Delivered,
    DeliveryState,
    Fatal,
    Malformed,
    Notice,
    Recipient,
    Retryable,
)

from schema.feeds.models import ProblemCode
from server.database import Database, DatabaseRole, opened
from server.ingestion.channels import AT_ONCE, Channels, NoticeItem, To
from server.plugin_host import PluginBroken, PluginHost, PluginKilled
from tests import feeding
from tests.connectors.announced import announce
from tests.feeding import NIP, NOON, VAULT, FakePlugins

PLUGIN = """
import asyncio, dataclasses, os
from datetime import timedelta
from ekinerja_connectors import *

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    mode: str = ""

class Courier(Connector[Settings]):
    name, title, version, settings = "courier", "Kurir", "1.0", Settings
    calls = 0

    async def deliver(self, notices):
        self.calls += 1
        match self.config.mode:
            case "hangs": await asyncio.sleep(3600)
            case "dies": os._exit(7)
            case "forgets": return [Delivered.arrived(one) for one in notices[1:]]
            case "forges": return [Delivered.arrived(dataclasses.replace(one, id="x" + one.id))
                                   for one in notices]
            case "babbles": return "sudah"
            case "away": raise Retryable("tidak ada jaringan", timedelta(days=9))
            case "refuses": raise AuthFailed("kata sandi salah")
        return [
            Delivered.arrived(one) if one.to.address
            else Delivered.refused(one, f"{one.kind} of {one.day} in call {self.calls}: "
                                        f"{one.to.name} {one.facts['n']}")
            for one in reversed(notices)
        ]

@hookimpl
def register_connectors(register):
    register(Courier)
"""
PYPROJECT = """
[project]
name = "ekinerja-courier"
version = "1.0"
dependencies = ["ekinerja-connectors>=0.1.2,<0.2"]
[project.entry-points."ekinerja.connectors"]
courier = "courier_plugin"
"""


def notice(number: int, address: str | None = "sari@contoh.example") -> Notice:
    return Notice(
        id=f"n-{number}",
        kind="nudge",
        to=Recipient(name="Sari Wulandari", nip=NIP, address=address),
        subject="Catatan kerja – belum diisi",
        body="Yth. Sari,\n\nhari ini belum ada catatan.",
        day=date(2026, 3, 2),
        facts={"n": number},
    )


def item(number: int = 1, **given: Any) -> NoticeItem:
    values = {name: getattr(notice(number), name) for name in ("id", "subject", "body", "day")}
    to = To(name="Sari Wulandari", nip=NIP, address="sari@contoh.example")
    return NoticeItem(**{**values, "kind": "NUDGE", "to": to, "facts": {"n": number}, **given})


@pytest.fixture(scope="module")
async def host(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PluginHost]:
    """One for all tests here: each speaks for an installation of its own."""
    place = tmp_path_factory.mktemp("plugins")
    (place / "courier_plugin.py").write_text(PLUGIN)
    announce(place, PYPROJECT)
    host = PluginHost(path=place, deadline=timedelta(seconds=6))
    yield host
    await host.close()


async def test_notices_reach_the_plugin_and_answers_come_back_in_their_order(
    host: PluginHost,
) -> None:
    about = await host.describe("courier")
    found = await host.deliver("courier", "one", {}, [notice(1), notice(2, None), notice(3)])

    assert about.capabilities == ("notices",)
    assert [(one.id, str(one.state)) for one in found] == [
        ("n-1", "delivered"),
        ("n-2", "refused"),
        ("n-3", "delivered"),
    ]
    assert found[1].detail == "nudge of 2026-03-02 in call 1: Sari Wulandari 2"


async def test_notice_that_arrived_is_not_carried_again_by_the_same_process(
    host: PluginHost,
) -> None:
    await host.deliver("courier", "repeats", {}, [notice(1)])
    again = await host.deliver("courier", "repeats", {}, [notice(1)])
    other = await host.deliver("courier", "repeats", {}, [notice(1), notice(2, None)])
    elsewhere = await host.deliver("courier", "elsewhere", {}, [notice(1, None)])

    assert (again[0].state, other[0].state) == (DeliveryState.DELIVERED, DeliveryState.DELIVERED)
    assert "in call 2" in str(other[1].detail)  # the second call in all: the repeat made none
    assert elsewhere[0].state is DeliveryState.REFUSED


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        ("dies", PluginKilled, "exit code 7"),
        ("forgets", PluginBroken, "1 notices have no answer: n-1"),
        ("forges", PluginBroken, "no answer: n-1, n-2"),
        ("babbles", PluginBroken, "it failed: AttributeError"),
        ("refuses", AuthFailed, "kata sandi salah"),
    ],
)
async def test_fault_of_a_carrier_is_a_clear_error(
    host: PluginHost, mode: str, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        await host.deliver("courier", mode, {"mode": mode}, [notice(1), notice(2)])

    assert await host.deliver("courier", mode, {}, [notice(1)])


async def test_pause_that_a_carrier_asks_for_is_bounded(host: PluginHost) -> None:
    with pytest.raises(Retryable) as caught:
        await host.deliver("courier", "away", {"mode": "away"}, [notice(1)])

    assert caught.value.retry_after == timedelta(days=1)


@pytest.mark.slow
async def test_carrier_that_hangs_is_killed_at_its_deadline(host: PluginHost) -> None:
    with pytest.raises(PluginKilled, match="gave no answer in 6 s"):
        await host.deliver("courier", "one", {"mode": "hangs"}, [notice(1)])


async def test_host_refuses_a_call_that_no_channel_can_answer(host: PluginHost) -> None:
    with pytest.raises(ValueError, match="each id once"):
        await host.deliver("courier", "one", {}, [notice(1), notice(1)])
    with pytest.raises(ValueError, match="at most 100"):
        await host.deliver("courier", "one", {}, [notice(n) for n in range(101)])


async def problems() -> dict[str, str]:
    found = await feeding.fetched(
        "SELECT code, detail FROM connector_problem WHERE resolved_at IS NULL"
    )
    return {one["code"]: one["detail"] for one in found}


class Courier:
    """What a plugin was given, and the faults that it raises next."""

    def __init__(self, *faults: Exception | None) -> None:
        self.faults = list(faults)
        self.calls: list[list[Notice]] = []
        self.plugins = FakePlugins(deliver=self.deliver, capabilities=("notices",))

    def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        self.calls.append(list(notices))
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        return [Delivered.arrived(one) for one in notices]


async def test_channel_is_asked_in_bearable_calls_and_bad_words_are_refused(
    fresh_database: Database,
) -> None:
    courier = Courier()
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        made = await feeding.installation(await feeding.agency())
    items = [item(n) for n in range(AT_ONCE + 2)]
    items[3] = item(3, subject="Hai\r\nBcc: semua@contoh.example")
    async with opened(fresh_database, DatabaseRole.WORKER):
        channels = Channels(plugins=courier.plugins, clock=lambda: NOON)
        found = await channels.deliver_notices(made.id, items)
        gone = await channels.deliver_notices(uuid4(), items[:1])

    assert [len(one) for one in courier.calls] == [AT_ONCE, 1]
    assert courier.calls[0][0].kind == "nudge"
    assert [one.id for one in found] == [one.id for one in items]
    assert [one.state for one in found if one.id != "n-3"] == ["delivered"] * (AT_ONCE + 1)
    assert (found[3].state, found[3].detail) == (
        "refused",
        "subject must be one line without control characters",
    )
    assert (gone[0].state, gone[0].detail) == ("retry", "the installation is gone")


FAULTS: tuple[tuple[Exception, ProblemCode], ...] = (
    (Retryable("away", timedelta(seconds=90)), ProblemCode.SERVICE_UNREACHABLE),
    (AuthFailed("who are you"), ProblemCode.CREDENTIALS_REFUSED),
    (Fatal("no such place"), ProblemCode.SERVICE_ANSWERS_WRONGLY),
    (PluginBroken("fake", "odd"), ProblemCode.PLUGIN_BROKEN),
    (Malformed("odd"), ProblemCode.SERVICE_ANSWERS_WRONGLY),
)


async def test_fault_of_a_whole_channel_is_a_retry_and_a_problem_until_it_works(
    fresh_database: Database,
) -> None:
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        made = await feeding.installation(await feeding.agency())
    async with opened(fresh_database, DatabaseRole.WORKER):
        for fault, code in FAULTS:
            courier = Courier(fault)
            channels = Channels(plugins=courier.plugins, clock=lambda: NOON)
            failed = await channels.deliver_notices(made.id, [item(1), item(2)])
            noted = await problems()
            worked = await channels.deliver_notices(made.id, [item(1), item(2)])

            assert [one.state for one in failed] == ["retry", "retry"]
            asked = fault.retry_after if isinstance(fault, Retryable) else None
            assert {one.retry_after for one in failed} == {asked}
            assert list(noted) == [code]
            assert [one.state for one in worked] == ["delivered", "delivered"]
            assert await problems() == {}


async def test_closed_channel_carries_nothing_and_loses_nothing(
    fresh_database: Database,
) -> None:
    courier = Courier()
    closed: tuple[dict[str, Any], ...] = ({"paused": True}, {"enabled": False}, {"halted_at": NOON})
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        of = await feeding.agency()
        made = [await feeding.installation(of, title=f"{how}", **how) for how in closed]
    async with opened(fresh_database, DatabaseRole.WORKER):
        channels = Channels(plugins=courier.plugins)
        found = [await channels.deliver_notices(one.id, [item()]) for one in made]

    assert courier.calls == []
    assert [(one.state, one.detail) for (one,) in found] == [
        ("retry", "the installation is paused"),
        ("retry", "the installation is disabled"),
        ("retry", "the installation is halted"),
    ]


async def test_no_secret_is_told_and_other_plugins_are_no_channels(
    fresh_database: Database,
) -> None:
    secret = "sandi-surat-buatan"
    courier = Courier(Retryable(f"535 {secret} was wrong"))
    described = courier.plugins.describe

    async def describe(plugin: str) -> Any:
        schema = {"type": "object", "properties": {"password": {"writeOnly": True}}}
        return dataclasses.replace(await described(plugin), settings_schema=schema)

    courier.plugins.describe = describe  # type: ignore[method-assign]
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        made = await feeding.installation(await feeding.agency(), secrets={"password": secret})
    async with opened(fresh_database, DatabaseRole.WORKER):
        channels = Channels(plugins=courier.plugins, vault=VAULT)
        told = await channels.deliver_notices(made.id, [item()])
        noted = await problems()
        keyless = await Channels(plugins=courier.plugins).deliver_notices(made.id, [item()])
        courier.plugins.capabilities = ("polling",)
        other = await channels.deliver_notices(made.id, [item()])

    assert secret not in f"{told} {noted}"
    assert "535 *** was wrong" in str(told[0].detail)
    assert keyless[0].state == "retry"
    assert "SecretsUnreadable" in str(keyless[0].detail)
    assert (other[0].state, len(courier.calls)) == ("retry", 1)
    assert "no capability notices" in str(other[0].detail)
