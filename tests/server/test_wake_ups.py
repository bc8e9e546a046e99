"""Wake-ups by NATS bring events at once; whatever becomes of the channel, none is missed."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import nats
import pytest
from structlog.testing import capture_logs

from server.database import Database
from server.event_bus import EventBus
from server.nats_wake_ups import SUBJECT, WAITING_MESSAGES, NatsWakeUps
from server.settings import SettingsError, settings_from
from server.telemetry import REGISTRY
from server.wake_ups import PostgresWakeUps, wake_ups_of
from tests.nats_accounts import accounts_in
from tests.nats_server import NatsServer, nats_in
from tests.server.event_log import GUARD, connected, insert, resume, sequencing, take, until

NEVER = timedelta(hours=1)
"""A catch-up interval that leaves everything to the wake-up."""
SOON = timedelta(milliseconds=50)

LISTENING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'listen%'
"""
LOCKED = 'authorization { user: "ekinerja", password: "rahasia" }'
MUTE = """
authorization { users: [ { user: "ekinerja", password: "rahasia"
  permissions: { publish: "ekinerja.events", subscribe: "lain.>" } } ] }
"""


@pytest.fixture
def nats_server(tmp_path: Path) -> Iterator[NatsServer]:
    with nats_in(tmp_path) as server:
        yield server


@pytest.fixture
async def connection(fresh_database: Database) -> AsyncIterator[Any]:
    async with connected(fresh_database) as connection:
        yield connection


def heard() -> bool:
    """Whether one channel of NATS is up in this process, by its metric."""
    return REGISTRY.get_sample_value("ekinerja_wake_ups_connected", {"channel": "nats"}) == 1


def caught_up() -> float:
    return REGISTRY.get_sample_value("ekinerja_events_caught_up_total") or 0


@asynccontextmanager
async def woken(
    database: Database, url: str, interval: timedelta = NEVER, credentials: Path | None = None
) -> AsyncIterator[EventBus]:
    """A bus that NATS wakes, and beside it the sequencer of the same process."""
    wake_ups = NatsWakeUps(url, credentials)
    async with (
        EventBus.running(database, wake_ups=wake_ups, catch_up_interval=interval) as bus,
        sequencing(database, announce=wake_ups.announce),
    ):
        yield bus


async def positions_of_another_loop(database: Database, url: str, count: int) -> list[int]:
    """What the bus of another process, here another thread and loop, passes on."""

    async def follow() -> list[int]:
        wake_ups = NatsWakeUps(url)
        async with EventBus.running(database, wake_ups=wake_ups, catch_up_interval=NEVER) as bus:
            return [event.position for event in await resume(bus, 0, count)]

    return await asyncio.to_thread(asyncio.run, follow())


async def test_the_wake_up_alone_brings_events_to_every_process(
    fresh_database: Database, connection: Any, nats_server: NatsServer
) -> None:
    await nats_server.start()
    before = caught_up()
    async with woken(fresh_database, nats_server.url) as bus, aclosing(bus.follow(0)) as stream:
        await until(heard)
        elsewhere = asyncio.create_task(
            positions_of_another_loop(fresh_database, nats_server.url, 20)
        )
        positions = []
        for _ in range(20):
            await insert(connection)
            positions += [event.position for event in await take(stream, 1)]
        assert await connection.fetchval(LISTENING) == 0
        assert await asyncio.wait_for(elsewhere, GUARD) == positions == list(range(1, 21))

    assert caught_up() == before


async def test_what_was_committed_while_nats_was_away_is_missed_by_nobody(
    fresh_database: Database, connection: Any, nats_server: NatsServer
) -> None:
    await nats_server.start()
    with capture_logs() as logs:
        async with (
            woken(fresh_database, nats_server.url, SOON) as bus,
            aclosing(bus.follow(0)) as stream,
        ):
            await until(heard)
            positions = []
            for round_ in range(2):
                nats_server.kill()
                await until(lambda: not heard())
                for _ in range(5):
                    await insert(connection)
                    positions += [event.position for event in await take(stream, 1)]
                await nats_server.start()
                await until(heard)
                await insert(connection)
                positions += [event.position for event in await take(stream, 1)]
                assert len(positions) == 6 * (round_ + 1)

    assert positions == list(range(1, 13))
    lost = [line for line in logs if line["event"] == "connection lost"]
    causes = [line["error"] for line in lost]
    # How it was lost and that nobody listens there, not each attempt.
    assert 2 <= len(lost) <= 4, causes
    assert {line["purpose"] for line in lost} == {"NATS"}


async def test_a_server_that_starts_without_nats_serves_and_connects_later(
    fresh_database: Database, connection: Any, nats_server: NatsServer
) -> None:
    async with (
        woken(fresh_database, nats_server.url, SOON) as bus,
        aclosing(bus.follow(0)) as stream,
    ):
        await insert(connection)
        assert [event.position for event in await take(stream, 1)] == [1]
        assert not heard()
        await nats_server.start()
        await until(heard)


async def test_whatever_is_sent_by_strangers_costs_bounded_reads_and_nothing_else(
    fresh_database: Database,
    connection: Any,
    nats_server: NatsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await nats_server.start()
    reads = 0
    catch_up = EventBus._catch_up

    async def counted(self: EventBus) -> int:
        nonlocal reads
        reads += 1
        return await catch_up(self)

    monkeypatch.setattr(EventBus, "_catch_up", counted)
    async with woken(fresh_database, nats_server.url) as bus, aclosing(bus.follow(0)) as stream:
        await until(heard)
        stranger = await nats.connect(nats_server.url)
        began = time.monotonic()
        for bad in (b"", b"\xff\x00", b"999999999", b'{"position": 7}', b"x" * 1_000_000):
            await stranger.publish(SUBJECT, bad)
        while time.monotonic() - began < 0.6:
            await stranger.publish(SUBJECT, b"42")
            await asyncio.sleep(0)
        await stranger.close()
        took = time.monotonic() - began
        await insert(connection)
        events = await take(stream, 1)

    assert stranger.stats["out_msgs"] > WAITING_MESSAGES
    assert [event.position for event in events] == [1]
    # One each 20 ms, and the few before the first rest.
    assert reads <= took * 50 + 6, (reads, took)


@pytest.mark.parametrize(
    ("settings", "said"),
    [(LOCKED, "authorization violation"), (MUTE, "permissions violation")],
    ids=["wrong-password", "no-right-to-listen"],
)
async def test_a_server_that_nats_refuses_serves_and_says_why_once(
    settings: str, said: str, fresh_database: Database, connection: Any, tmp_path: Path
) -> None:
    with nats_in(tmp_path, settings) as server, capture_logs() as logs:
        await server.start()
        password = "salah" if settings is LOCKED else "rahasia"
        url = server.url.replace("//", f"//ekinerja:{password}@")
        async with woken(fresh_database, url, SOON) as bus, aclosing(bus.follow(0)) as stream:
            positions = []
            for _ in range(3):
                await insert(connection)
                positions += [event.position for event in await take(stream, 1)]
                await asyncio.sleep(0.1)
            assert not heard()

    lost = [line["error"] for line in logs if line["event"] == "connection lost"]
    assert positions == [1, 2, 3]
    assert len(lost) == 1, lost
    assert said in lost[0].lower()
    assert password not in str(logs)


def settings_file(folder: Path) -> Path:
    """A file, but none of credentials."""
    path = folder / "wrong.creds"
    path.write_text("user: ekinerja\n")
    return path


async def test_a_file_of_credentials_lets_in_and_that_of_a_stranger_does_not(
    fresh_database: Database, connection: Any, tmp_path: Path
) -> None:
    settings, good, stranger = accounts_in(tmp_path)
    with nats_in(tmp_path, settings) as server, capture_logs() as logs:
        await server.start()
        async with (
            woken(fresh_database, server.url, NEVER, good) as bus,
            aclosing(bus.follow(0)) as stream,
        ):
            await until(heard)
            await insert(connection)
            assert [event.position for event in await take(stream, 1)] == [1]
        assert "connection lost" not in {line["event"] for line in logs}
        for position, (file, said) in enumerate(
            [(stranger, "Authorization"), (settings_file(tmp_path), "no file of NATS credentials")],
            2,
        ):
            logs.clear()
            async with woken(fresh_database, server.url, SOON, file) as bus:
                await insert(connection)
                assert [one.position for one in await resume(bus, position - 1, 1)] == [position]
                await until(lambda said=said: said in str(logs))
                assert not heard()


async def test_a_nats_that_accepts_and_never_speaks_holds_nobody_up(
    fresh_database: Database, connection: Any
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"nats://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        async with woken(fresh_database, url, SOON) as bus:
            await insert(connection)
            assert len(await resume(bus, 0, 1)) == 1
        took = time.monotonic() - began

    assert took < 1.9, "it waited for NATS"


async def test_whoever_only_stamps_wakes_the_others_and_listens_to_nothing(
    fresh_database: Database, connection: Any, nats_server: NatsServer
) -> None:
    """The worker: no bus, one connection that announces."""
    await nats_server.start()
    announcing, listening = NatsWakeUps(nats_server.url), NatsWakeUps(nats_server.url)
    async with announcing.connected():
        await until(heard)
        async with (
            EventBus.running(fresh_database, wake_ups=listening, catch_up_interval=NEVER) as bus,
            sequencing(fresh_database, announce=announcing.announce),
            aclosing(bus.follow(0)) as stream,
        ):
            await until(lambda: listening._client is not None)
            await insert(connection)
            assert [event.position for event in await take(stream, 1)] == [1]


async def test_without_a_setting_the_channel_is_postgres(fresh_database: Database) -> None:
    assert isinstance(wake_ups_of(settings_from({}), fresh_database), PostgresWakeUps)
    chosen = settings_from({"EKINERJA_NATS_URL": "nats://a:4222,tls://b:4222"})
    assert isinstance(wake_ups_of(chosen, fresh_database), NatsWakeUps)


@pytest.mark.parametrize(
    "environ",
    [
        {"EKINERJA_NATS_URL": "127.0.0.1:4222"},
        {"EKINERJA_NATS_URL": "http://127.0.0.1:4222"},
        {"EKINERJA_NATS_URL": "nats://:4222"},
        {"EKINERJA_NATS_URL": "nats://a:99999"},
        {"EKINERJA_NATS_URL": "nats://a:4222,,nats://b:4222"},
        {"EKINERJA_NATS_CREDENTIALS": "/dev/null"},
        {"EKINERJA_NATS_URL": "nats://a:4222", "EKINERJA_NATS_CREDENTIALS": "/nowhere/a.creds"},
    ],
)
def test_settings_that_cannot_lead_anywhere_are_refused_at_the_start(
    environ: dict[str, str],
) -> None:
    with pytest.raises(SettingsError, match="EKINERJA_NATS_"):
        settings_from(environ)
