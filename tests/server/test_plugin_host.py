"""The plugin host against real child processes, each of which runs a purpose-made plugin."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ekinerja_connectors import (
    Activity,
    AuthFailed,
    Delivery,
    Fatal,
    InvalidSettings,
    Item,
    Malformed,
    Retryable,
    Skippable,
)

from server.plugin_child import ChildLimits
from server.plugin_host import PluginBroken, PluginForged, PluginHost, PluginKilled

NIP = "199001012015011001"
PATIENT = timedelta(seconds=60)
SETTINGS = {"word": "halo", "password": "rahasia-buatan"}

HEADER = """
import asyncio, dataclasses, os, sys, time
from datetime import UTC, datetime, timedelta
from ekinerja_connectors import *

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    word: str
    password: str = secret()

class Base(Connector[Settings]):
    title = "Uji"
    version = "1.0"
    settings = Settings
    async def fetch(self, cursor):
        item = Item(source_id="a-1", payload={"word": self.config.word, "after": cursor})
        return Page(items=(item,), next_cursor="2", more=False)
    def receive(self, delivery):
        return [Item(source_id=delivery.id, payload=delivery.json())]
    def translate(self, item):
        return Activity(source_id=item.source_id, nip="199001012015011001", kind="uji",
                        title="Menguji", occurred_at=datetime(2026, 3, 2, 9, tzinfo=UTC))
"""
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Write a plugin `name` whose methods are those of `body`, a class body over a good one."""

    def write(name: str, body: str = "", *, top: str = "", name_inside: str | None = None) -> None:
        module = f"plugin_{name.replace('-', '_')}"
        overrides = textwrap.indent(textwrap.dedent(body) or "pass\n", "    ")
        (tmp_path / f"{module}.py").write_text(
            f"{HEADER}\n{textwrap.dedent(top)}\nclass Found(Base):\n"
            f"    name = {(name_inside or name)!r}\n{overrides}\n"
            "@hookimpl\ndef register_connectors(register):\n    register(Found)\n"
        )
        folder = tmp_path / f"{module}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: uji-{name}\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text(f"[ekinerja.connectors]\n{name} = {module}\n")

    return write


@pytest.fixture
async def host(tmp_path: Path) -> AsyncIterator[PluginHost]:
    host = PluginHost(deadline=PATIENT, path=tmp_path)
    yield host
    await host.close()


@pytest.fixture
async def hasty(tmp_path: Path) -> AsyncIterator[PluginHost]:
    """A host whose deadline passes while a fault lasts, yet not while a child starts."""
    host = PluginHost(deadline=timedelta(seconds=6), path=tmp_path)
    yield host
    await host.close()


async def assert_works(host: PluginHost, plugin: str) -> None:
    page = await host.fetch(plugin, "one", SETTINGS, None)
    assert [item.source_id for item in page.items] == ["a-1"]


async def translated(host: PluginHost, plugin: str, item: Item) -> Activity:
    """What one item states; its error is raised."""
    (answer,) = await host.translate(plugin, "one", SETTINGS, [item])
    if isinstance(answer, Exception):
        raise answer
    assert isinstance(answer, Activity)
    return answer


async def test_good_plugin_is_found_described_read_and_translated(
    host: PluginHost, install: Install
) -> None:
    install("good")

    info = await host.describe("good")
    page = await host.fetch("good", "one", SETTINGS, "1")
    delivery = Delivery(id="msg-1", body='{"a": "\\ud800"}')
    received = await host.receive("good", "one", SETTINGS, delivery)
    activity = await translated(host, "good", page.items[0])

    assert "good" in host.discover()
    assert (info.name, info.distribution, info.version) == ("good", "uji-good", "1.0")
    assert info.capabilities == ("polling", "webhook")
    assert info.settings_schema["properties"]["password"] == {"type": "string", "writeOnly": True}
    assert page.items == (Item(source_id="a-1", payload={"word": "halo", "after": "1"}),)
    assert (page.next_cursor, page.more) == ("2", False)
    assert received == (Item(source_id="msg-1", payload={"a": "\ud800"}),)
    assert activity == Activity(
        source_id="a-1",
        nip=NIP,
        kind="uji",
        title="Menguji",
        occurred_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    )


async def test_discover_imports_nothing(host: PluginHost, install: Install) -> None:
    install("marked")

    host.discover()

    assert "plugin_marked" not in sys.modules


async def test_two_installations_share_a_process_and_not_their_settings(
    host: PluginHost, install: Install
) -> None:
    install(
        "pid",
        """
        async def fetch(self, cursor):
            return Page(items=(), next_cursor=f"{os.getpid()} {self.config.word}", more=False)
        """,
    )

    one, two = await asyncio.gather(
        host.fetch("pid", "one", {**SETTINGS, "word": "satu"}, None),
        host.fetch("pid", "two", {**SETTINGS, "word": "dua"}, None),
    )
    settings = {**SETTINGS, "word": "tiga"}
    changed = await host.fetch("pid", "one", settings, None)
    settings["word"] = "empat"
    again = await host.fetch("pid", "one", settings, None)

    pages = (one, two, changed, again)
    pids, words = zip(*(str(page.next_cursor).split() for page in pages), strict=True)
    assert len(set(pids)) == 1
    assert words == ("satu", "dua", "tiga", "empat")


async def test_child_has_an_empty_environment_and_no_settings_in_its_arguments(
    host: PluginHost, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody:secret@nowhere/db")
    install(
        "curious",
        """
        async def fetch(self, cursor):
            seen = {"environment": dict(os.environ), "arguments": sys.orig_argv,
                    "folder": os.getcwd(), "path": sys.path}
            return Page(items=(Item(source_id="x", payload=seen),), next_cursor=None, more=False)
        """,
    )

    page = await host.fetch("curious", "one", SETTINGS, None)

    seen = page.items[0].payload
    assert isinstance(seen, dict)
    # Python itself adds LC_CTYPE where it coerces the locale.
    assert set(seen["environment"]) <= {"LANG", "LC_CTYPE"}
    assert SETTINGS["password"] not in str(seen["arguments"])
    assert seen["folder"] == "/"
    assert not any(Path(one, "server", "plugin_host.py").exists() for one in seen["path"])


async def test_print_does_not_disturb_the_pipe(host: PluginHost, install: Install) -> None:
    install(
        "noisy",
        """
        async def fetch(self, cursor):
            print("halo" * 100_000, flush=True)
            os.write(1, b'{"id": 1, "result": "forged"}\\n')
            return await super().fetch(cursor)
        """,
        top="print('on import')",
    )

    await assert_works(host, "noisy")


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        ("Retryable('later', timedelta(seconds=90))", Retryable),
        ("Fatal('look')", Fatal),
        ("AuthFailed('credentials')", AuthFailed),
        ("Malformed('unreadable')", Malformed),
        ("Skippable('no activity')", Skippable),
        ("RuntimeError('mistake')", PluginBroken),
        ("asyncio.CancelledError()", PluginBroken),
        ("SystemExit(3)", PluginBroken),
        ("KeyboardInterrupt()", PluginBroken),
    ],
)
async def test_error_of_a_plugin_arrives_as_its_class_and_the_process_goes_on(
    host: PluginHost, install: Install, raised: str, expected: type[Exception]
) -> None:
    install("raising", f"def translate(self, item): raise {raised}")

    with pytest.raises(expected) as caught:
        await translated(host, "raising", Item(source_id="a", payload=None))

    assert caught.type is expected
    if isinstance(caught.value, Retryable):
        assert caught.value.retry_after == timedelta(seconds=90)
    await assert_works(host, "raising")


async def test_settings_that_do_not_fit_are_listed_without_their_values(
    host: PluginHost, install: Install
) -> None:
    install("good")

    with pytest.raises(InvalidSettings) as caught:
        await host.fetch("good", "one", {"word": 5, "pasword": "rahasia-buatan"}, None)

    assert "word must be string" in str(caught.value)
    assert "password is missing" in str(caught.value)
    assert "rahasia-buatan" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "async def fetch(self, cursor): time.sleep(3600)",
        """
        async def fetch(self, cursor):
            while True:
                try:
                    await asyncio.sleep(3600)
                except BaseException:
                    pass
        """,
    ],
    ids=["blocks", "swallows-cancellation"],
)
@pytest.mark.slow
async def test_plugin_that_hangs_is_killed_at_its_deadline(
    hasty: PluginHost, install: Install, body: str
) -> None:
    install("good")
    install("hanging", body)
    item = Item(source_id="a-1", payload=None)
    await translated(hasty, "hanging", item)  # it runs, and so is warm
    process = hasty._children["hanging"].process

    hanging = asyncio.create_task(hasty.fetch("hanging", "one", SETTINGS, None))
    await assert_works(hasty, "good")  # while the other hangs
    with pytest.raises(PluginKilled, match="gave no answer"):
        await hanging

    assert await process.wait() == -signal.SIGKILL
    await translated(hasty, "hanging", item)  # in a new process
    assert hasty._children["hanging"].process.pid != process.pid


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("async def fetch(self, cursor): os._exit(7)", PluginKilled),
        ("async def fetch(self, cursor): os.kill(os.getpid(), 11)", PluginKilled),
        (
            """
            async def fetch(self, cursor):
                for fd in range(3, 64):
                    try:
                        os.write(fd, b"no JSON at all\\n")
                    except OSError:
                        pass
                await asyncio.sleep(3600)
            """,
            PluginBroken,
        ),
        (
            """
            async def fetch(self, cursor):
                for fd in range(3, 64):
                    try:
                        os.write(fd, b'{"id": 999, "result": null}\\n')
                    except OSError:
                        pass
                await asyncio.sleep(3600)
            """,
            PluginBroken,
        ),
        (
            """
            async def fetch(self, cursor):
                raise Retryable("later", timedelta.max)
            """,
            Retryable,
        ),
        (
            """
            async def fetch(self, cursor):
                error = Retryable("later")
                error.retry_after = type("Odd", (), {"total_seconds": lambda self: "soon"})()
                raise error
            """,
            PluginBroken,
        ),
        (
            """
            async def fetch(self, cursor):
                import stat
                chunk = b"x" * 65536
                for fd in range(3, 64):
                    try:
                        if stat.S_ISFIFO(os.fstat(fd).st_mode):
                            for _ in range(20 * 16):
                                os.write(fd, chunk)
                    except OSError:
                        pass
                await asyncio.sleep(3600)
            """,
            PluginBroken,
        ),
        (
            """
            async def fetch(self, cursor):
                item = Item(source_id="big", payload="x" * (9 * 1024 * 1024))
                return Page(items=(item,), next_cursor=None, more=False)
            """,
            PluginBroken,
        ),
        (
            """
            async def fetch(self, cursor):
                hog = []
                while True:
                    hog.append(bytearray(16 * 1024 * 1024))
            """,
            PluginKilled,
        ),
        ("async def fetch(self, cursor): return 'no page'", PluginBroken),
        (
            """
            async def fetch(self, cursor):
                return Page(items=(), next_cursor=5, more=False)
            """,
            PluginBroken,
        ),
    ],
    ids=[
        "exits",
        "segfaults",
        "garbage-on-the-pipe",
        "unasked-answer",
        "longest-pause",
        "pause-no-number",
        "line-without-end",
        "page-too-large",
        "memory-hog",
        "no-page",
        "cursor-no-text",
    ],
)
@pytest.mark.slow
async def test_fault_in_a_call_is_a_clear_error_and_harms_nobody_else(
    host: PluginHost, install: Install, body: str, expected: type[Exception]
) -> None:
    install("good")
    install("bad", body)
    await assert_works(host, "good")
    neighbour = host._children["good"].process.pid

    with pytest.raises(expected) as caught:
        await host.fetch("bad", "one", SETTINGS, None)

    assert str(caught.value)
    await assert_works(host, "good")
    assert host._children["good"].process.pid == neighbour
    item = Item(source_id="a-1", payload=None)
    assert (await translated(host, "bad", item)).nip == NIP


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ({"top": "raise RuntimeError('cannot import')"}, "cannot import"),
        ({"top": "import a_module_that_nobody_has"}, "a_module_that_nobody_has"),
        ({"top": "os._exit(3)"}, "process ended"),
        ({"top": "sys.exit('leaving')"}, "leaving"),
        ({"body": "def fetch(self, cursor): return None"}, "fetch must be an async def"),
        ({"body": "async def translate(self, item): return None"}, "must be a plain def"),
        ({"body": "settings = dict"}, "settings must be a dataclass type"),
        ({"body": "", "name_inside": "other"}, "its name is other"),
    ],
)
async def test_plugin_that_cannot_be_loaded_is_described_as_broken_with_its_cause(
    host: PluginHost, install: Install, arguments: dict[str, str], cause: str
) -> None:
    install("good")
    install("bad", **arguments)

    with pytest.raises(PluginBroken) as caught:
        await host.describe("bad")

    assert cause in str(caught.value)
    assert caught.value.plugin == "bad"
    assert "bad" in host.discover()
    await assert_works(host, "good")


async def test_unknown_plugin_is_broken(host: PluginHost) -> None:
    with pytest.raises(PluginBroken, match="announced by one distribution; it is by: none"):
        await host.describe("nobody")


async def test_activity_under_another_source_id_is_refused(
    host: PluginHost, install: Install
) -> None:
    install(
        "forging",
        """
        def translate(self, item):
            return super().translate(Item(source_id="of-somebody-else", payload=None))
        """,
    )

    with pytest.raises(PluginForged, match="'a' in the name of 'of-somebody-else'"):
        await translated(host, "forging", Item(source_id="a", payload=None))


TIGHT = ChildLimits(cpu=timedelta(seconds=1), memory_bytes=400 * 1024 * 1024)


@pytest.fixture
async def tight(tmp_path: Path) -> AsyncIterator[tuple[PluginHost, list[tuple[str, str]]]]:
    """A host with little processor time and memory for each child, and what it reported."""
    told: list[tuple[str, str]] = []

    async def report(installation: str, fault: Exception) -> None:
        told.append((installation, f"{type(fault).__name__}: {fault}"))

    host = PluginHost(deadline=PATIENT, limits=TIGHT, path=tmp_path, report=report)
    yield host, told
    await host.close()


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("async def fetch(self, cursor):\n while True: pass", "more processor time"),
        pytest.param(
            """
            async def fetch(self, cursor):
                import signal
                signal.signal(signal.SIGXCPU, signal.SIG_IGN)
                while True: pass
            """,
            "more processor time",
            marks=pytest.mark.slow,
        ),
        (
            """
            kept = []
            async def fetch(self, cursor):
                while True:
                    self.kept.append(bytearray(8 * 1024 * 1024))
            """,
            "memory limit",
        ),
        (
            """
            def translate(self, item): return bytearray(10**12)
            async def fetch(self, cursor): return self.translate(None)
            """,
            "memory limit",
        ),
        ("async def fetch(self, cursor): os.abort()", "crashed by SIGABRT"),
        ("async def fetch(self, cursor): os._exit(7)", "exit code 7"),
    ],
    ids=["burns", "burns-and-ignores-the-signal", "leaks", "asks-for-all", "aborts", "exits"],
)
@pytest.mark.slow
async def test_killed_child_is_reported_with_its_cause_and_is_started_again(
    tight: tuple[PluginHost, list[tuple[str, str]]], install: Install, body: str, cause: str
) -> None:
    host, told = tight
    install("bad", body)

    with pytest.raises(PluginKilled, match=cause):
        await host.fetch("bad", "one", SETTINGS, None)

    assert [installation for installation, _ in told] == ["one"]
    assert cause in told[0][1]
    assert (await host.describe("bad")).name == "bad"


async def test_garbage_and_forgery_are_reported_and_a_failing_report_hides_nothing(
    tmp_path: Path, install: Install
) -> None:
    told: list[str] = []

    async def report(installation: str, fault: Exception) -> None:
        told.append(type(fault).__name__)
        raise RuntimeError("the database is away")

    install(
        "bad",
        """
        async def fetch(self, cursor):
            for fd in range(3, 64):
                try: os.write(fd, b"no JSON at all\\n")
                except OSError: pass
            await asyncio.sleep(3600)
        def translate(self, item):
            return super().translate(Item(source_id="other", payload=None))
        """,
    )
    host = PluginHost(deadline=PATIENT, path=tmp_path, report=report)
    items = [Item(source_id="a", payload=None), Item(source_id="other", payload=None)]
    try:
        forged, own = await host.translate("bad", "one", SETTINGS, items)
        with pytest.raises(PluginBroken, match="garbage"):
            await host.fetch("bad", "one", SETTINGS, None)
    finally:
        await host.close()

    assert isinstance(forged, PluginForged)
    assert isinstance(own, Activity)
    assert told == ["PluginForged", "PluginKilled"]


@pytest.mark.slow
async def test_many_short_calls_are_not_taken_for_one_that_burns(
    tight: tuple[PluginHost, list[tuple[str, str]]], install: Install
) -> None:
    host, told = tight
    install(
        "busy",
        """
        async def fetch(self, cursor):
            end = time.process_time() + 0.4
            while time.process_time() < end: pass
            return await super().fetch(cursor)
        """,
    )

    for _ in range(6):  # 2.4 s in all, each below the limit of 1 s
        await assert_works(host, "busy")

    assert told == []


async def test_flood_on_standard_error_is_bounded_and_disturbs_nobody(
    host: PluginHost, install: Install
) -> None:
    install("good")
    install(
        "flooding",
        """
        async def fetch(self, cursor):
            import threading
            def flood():
                while True: os.write(2, b"x" * 65536)
            threading.Thread(target=flood, daemon=True).start()
            return await super().fetch(cursor)
        """,
    )

    for _ in range(3):
        await assert_works(host, "flooding")
        await assert_works(host, "good")

    child = host._children["flooding"]
    assert len(child.last_words) <= 4_096


async def test_page_of_too_many_items_is_refused(host: PluginHost, install: Install) -> None:
    install(
        "endless",
        """
        async def fetch(self, cursor):
            items = tuple(Item(source_id=str(n), payload=0) for n in range(5_001))
            return Page(items=items, next_cursor="1", more=True)
        """,
    )

    with pytest.raises(PluginBroken, match="5001 items at once; 5000 are most"):
        await host.fetch("endless", "one", SETTINGS, None)


async def test_egress_of_the_host_reaches_the_child(tmp_path: Path, install: Install) -> None:
    install(
        "calling",
        """
        async def fetch(self, cursor):
            await self.http.get(self.config.base)
        """,
        top="""
        @dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
        class Calling:
            base: str = address()
        Base.settings = Calling
        """,
    )
    settings = {"base": "http://127.0.0.1:9"}  # nobody listens there
    strict = PluginHost(deadline=PATIENT, path=tmp_path, egress=())
    lax = PluginHost(deadline=PATIENT, path=tmp_path)
    try:
        with pytest.raises(Fatal, match="EKINERJA_EGRESS_ALLOW"):
            await strict.fetch("calling", "one", settings, None)
        with pytest.raises(Retryable, match="cannot be reached"):
            await lax.fetch("calling", "one", settings, None)
    finally:
        await strict.close()
        await lax.close()


async def test_idle_child_is_ended_and_started_again_when_called(
    host: PluginHost, install: Install
) -> None:
    install("good")
    await assert_works(host, "good")
    first = host._children["good"].process

    await host.stop_idle(timedelta(hours=1))
    assert first.returncode is None
    await host.stop_idle(timedelta(0))

    assert first.returncode is not None
    await assert_works(host, "good")


async def test_child_that_was_killed_is_started_again(host: PluginHost, install: Install) -> None:
    install("good")
    await assert_works(host, "good")
    first = host._children["good"].process

    os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    with contextlib.suppress(Retryable):  # the end may be seen before or after the call begins
        await assert_works(host, "good")
    await assert_works(host, "good")

    assert host._children["good"].process.pid != first.pid


async def test_close_leaves_no_process_not_even_a_grandchild(
    host: PluginHost, install: Install
) -> None:
    install(
        "parent",
        """
        async def fetch(self, cursor):
            import subprocess
            process = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(99)"])
            return Page(items=(), next_cursor=str(process.pid), more=False)
        """,
    )
    grandchild = int((await host.fetch("parent", "one", SETTINGS, None)).next_cursor or 0)
    child = host._children["parent"].process

    await host.close()

    assert child.returncode == -signal.SIGKILL
    await until(lambda: not runs(grandchild))
    with pytest.raises(Retryable, match="closed"):
        await host.fetch("parent", "one", SETTINGS, None)


@pytest.mark.parametrize("body", ["", "async def fetch(self, cursor): time.sleep(3600)"])
async def test_children_end_with_a_host_that_was_killed(
    tmp_path: Path, install: Install, body: str
) -> None:
    install("orphan", body)
    script = f"""
import asyncio, pathlib
from ekinerja_connectors import Item
from server.plugin_host import PluginHost
async def main():
    host = PluginHost(path=pathlib.Path({str(tmp_path)!r}))
    settings = {SETTINGS!r}
    await host.translate("orphan", "one", settings, [Item(source_id="a", payload=None)])
    print(host._children["orphan"].process.pid, flush=True)
    await host.fetch("orphan", "one", settings, None)
    await asyncio.sleep(3600)
asyncio.run(main())
"""
    root = Path(__file__).resolve().parents[2]
    with running(script, root) as process:
        assert process.stdout is not None
        child = int(await asyncio.to_thread(process.stdout.readline))
        assert runs(child)

        process.kill()

        await until(lambda: not runs(child))


@contextlib.contextmanager
def running(script: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie that waits for somebody to collect it."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT.total_seconds()):
        while not done():
            await asyncio.sleep(0.02)
