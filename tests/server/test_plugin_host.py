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

from server.plugin_host import PluginBroken, PluginHost

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
    with pytest.raises(Retryable, match="gave no answer"):
        await hanging

    assert await process.wait() == -signal.SIGKILL
    await translated(hasty, "hanging", item)  # in a new process
    assert hasty._children["hanging"].process.pid != process.pid


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("async def fetch(self, cursor): os._exit(7)", Retryable),
        ("async def fetch(self, cursor): os.kill(os.getpid(), 11)", Retryable),
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
            PluginBroken,
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

    with pytest.raises(PluginBroken, match="another source_id"):
        await translated(host, "forging", Item(source_id="a", payload=None))


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
