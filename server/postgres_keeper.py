"""The keeper: the small process that owns one embedded PostgreSQL.

What belongs here: a cluster's first set-up, its start, its watch and its stop. What callers hold
(a lease) is in `embedded_postgres`, where the files lie in `postgres_place`. This module runs as a
program of its own without site-packages, so it imports the standard library only.

Four locks, each a `flock` that the kernel drops when its last holder dies, however it dies:

* `users.lock` in the folder: shared by every user. The keeper waits for it alone, and then keeps
  it until it has gone, so that whoever arrives during the shut-down waits and starts afresh.
* `keeper.lock` in the folder: held by the one keeper.
* `running.json` in the folder: the keeper's card, locked as long as what it says is true.
* `postgres.lock` beside the data: inherited by every process of PostgreSQL. Once it is free,
  nothing of ours is at work on the data, even after `kill -9` of the keeper and the postmaster.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from server.postgres_place import (
    SOCKET_FILE,
    Order,
    Place,
    StartError,
    give,
    rename_durably,
    settle,
)

USERS_LOCK = "users.lock"
KEEPER_LOCK = "keeper.lock"
POSTGRES_LOCK = "postgres.lock"
RUNNING = "running.json"
LOG = "postgres.log"

START_SECONDS = 300.0  # recovery after a crash of the machine can take minutes
STOP_SECONDS = 60.0
POLL_SECONDS = 0.01
LOG_BYTES = 1 << 20  # the log and the one kept before it: about twice this
LOG_CHECK_SECONDS = 60.0
EX_TEMPFAIL = 75  # the keeper was killed before it could say how the start went
READY = "ready"

_LINUX = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if _LINUX else None  # loaded before any fork

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log must not become a second place where personal data lies: no statement, no row.
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The keeper's card: what runs, for those who come later."""

    keeper: int  # process ids
    postmaster: int
    socket_dir: str
    durable: bool


# Locks and the card


def open_lock(path: Path) -> int:
    """A descriptor that no program we start inherits (Python opens with O_CLOEXEC)."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def try_lock(descriptor: int, kind: int) -> bool:
    """Take the lock `fcntl.LOCK_SH` or `LOCK_EX` at once, or not at all."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_running(folder: Path) -> Running | None:
    """The card of the keeper at work; None where there is none or its keeper has died."""
    try:
        descriptor = os.open(folder / RUNNING, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        if try_lock(descriptor, fcntl.LOCK_SH):
            return None  # nobody holds it: left behind by a keeper that was killed
        return Running(**json.loads(os.read(descriptor, 1 << 16)))
    finally:
        os.close(descriptor)


def _publish(folder: Path, running: Running) -> None:
    """Put up the card, locked before it can be seen; the descriptor stays open on purpose."""
    fresh = folder / f"{RUNNING}.new"
    fresh.unlink(missing_ok=True)
    descriptor = open_lock(fresh)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.write(descriptor, json.dumps(asdict(running)).encode())
    fresh.rename(folder / RUNNING)


# PostgreSQL itself


def _take_data(place: Place) -> int:
    """Wait until no process of an earlier PostgreSQL is left on the data, and lock it."""
    guard = open_lock(place.area / POSTGRES_LOCK)
    postmaster = place.data / "postmaster.pid"
    deadline = time.monotonic() + STOP_SECONDS
    while not try_lock(guard, fcntl.LOCK_EX):
        if not _LINUX:
            _stop_orphan(postmaster)
        if time.monotonic() > deadline:
            raise StartError(f"another PostgreSQL is still at work on {place.data}")
        time.sleep(POLL_SECONDS)
    _remove_stale(place)
    return guard


def _stop_orphan(postmaster: Path) -> None:
    """Without PDEATHSIG a killed keeper leaves its PostgreSQL running: end it now."""
    pid = _postmaster_status(postmaster)[0]
    command = subprocess.run(  # noqa: S603  (a number that PostgreSQL wrote)
        ["/bin/ps", "-o", "command=", "-p", pid], capture_output=True, text=True, check=False
    ).stdout
    if pid and str(postmaster.parent) in command:
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGINT)


def _remove_stale(place: Place) -> None:
    """Remove a killed server's lock files, which a zombie or a reused pid would make look alive.

    Raises: StartError when someone has started PostgreSQL on the data by hand.
    """
    postmaster = place.data / "postmaster.pid"
    pid = _postmaster_status(postmaster)[0]
    if pid and _LINUX:  # elsewhere PostgreSQL's own check of the pid has to do
        with contextlib.suppress(OSError):  # no such process, or a zombie, which has no directory
            if os.readlink(f"/proc/{pid}/cwd") == str(place.data.resolve()):
                raise StartError(f"process {pid} runs PostgreSQL on {place.data}: stop it")
        postmaster.unlink()
    for name in (SOCKET_FILE, f"{SOCKET_FILE}.lock"):
        (place.socket_dir / name).unlink(missing_ok=True)


def _postmaster_status(postmaster: Path) -> tuple[str, str]:
    """The pid and the status word of postmaster.pid (lines 1 and 8); empty where missing."""
    try:
        lines = postmaster.read_text().splitlines()
    except FileNotFoundError:
        lines = []
    lines += [""] * 8
    return lines[0].strip(), lines[7].strip()


def _spawn(place: Place, guard: int, program: str, *arguments: str) -> "subprocess.Popen[bytes]":
    """Run one of PostgreSQL's programs as our child, holding the data's lock."""
    keeper = os.getpid()

    def die_with_keeper() -> None:
        if _prctl is not None:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
            if os.getppid() != keeper:
                os._exit(1)

    account = place.account
    return subprocess.Popen(  # noqa: S603  (PostgreSQL's programs, with arguments we made)
        [str(place.binaries / "bin" / program), *arguments],
        stdin=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
        pass_fds=(guard,),
        preexec_fn=die_with_keeper,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def _initialize(place: Place, guard: int, *, durable: bool) -> None:
    """Make the data directory whole or not at all: it gets its name when it is complete."""
    if place.data.exists():
        return
    fresh = place.area / "data.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(mode=0o700)
    give(fresh, place.account)
    initdb = _spawn(
        place,
        guard,
        "initdb",
        f"--pgdata={fresh}",
        "--username=postgres",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        *([] if durable else ["--no-sync"]),
    )
    if initdb.wait() != 0:
        raise StartError(f"initdb failed with code {initdb.returncode}")
    rename_durably(fresh, place.data)


def _sync(place: Place, guard: int, *, durable: bool) -> None:
    """Bring to the disk what a run without durability has left in the machine's memory."""
    unsynced = place.area / "unsynced"
    if not durable:
        unsynced.touch()
    elif unsynced.exists():
        if _spawn(place, guard, "initdb", "--sync-only", f"--pgdata={place.data}").wait() != 0:
            raise StartError(f"{place.data} could not be brought to the disk")
        unsynced.unlink()


def _start(order: Order, place: Place, guard: int) -> "subprocess.Popen[bytes]":
    """Start PostgreSQL in the foreground and return when it takes connections."""
    settings = {**SETTINGS, **({} if order.durable else THROWAWAY)}
    settings["unix_socket_directories"] = str(place.socket_dir)
    options = [f"--{name}={value}" for name, value in settings.items()]
    postgres = _spawn(place, guard, "postgres", "-D", str(place.data), *options)
    deadline = time.monotonic() + START_SECONDS
    while _postmaster_status(place.data / "postmaster.pid") != (str(postgres.pid), "ready"):
        if postgres.poll() is not None:
            raise StartError(f"postgres ended with code {postgres.returncode} while starting")
        if time.monotonic() > deadline:
            postgres.send_signal(signal.SIGINT)
            raise StartError(f"postgres was not ready within {START_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    return postgres


# The keeper's life


def _watch(folder: Path, postgres: "subprocess.Popen[bytes]") -> None:
    """Stay until PostgreSQL has ended: by itself, by SIGTERM to us, or for want of users."""

    def stop(*_: object) -> None:
        (folder / RUNNING).unlink(missing_ok=True)
        postgres.send_signal(signal.SIGINT)  # a fast shutdown
        patience = threading.Timer(STOP_SECONDS, postgres.send_signal, (signal.SIGQUIT,))
        patience.daemon = True
        patience.start()

    signal.signal(signal.SIGTERM, stop)
    users = open_lock(folder / USERS_LOCK)
    threading.Thread(target=_stop_when_unused, args=(users, stop), daemon=True).start()
    threading.Thread(target=_bound_log, args=(folder / LOG,), daemon=True).start()
    postgres.wait()
    (folder / RUNNING).unlink(missing_ok=True)


def _stop_when_unused(users: int, stop: Callable[[], None]) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # leave it to the main thread
    fcntl.flock(users, fcntl.LOCK_EX)  # kept until this process ends
    stop()


def _bound_log(log: Path) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with contextlib.suppress(FileNotFoundError):  # the folder was deleted under a running server
        while True:
            rotate(log)
            time.sleep(LOG_CHECK_SECONDS)


def rotate(log: Path, limit: int = LOG_BYTES) -> None:
    """Keep one earlier log of about `limit` bytes; the writers append, so emptying is safe."""
    if log.stat().st_size > limit:
        shutil.copyfile(log, log.with_name(f"{log.name}.1"))
        os.truncate(log, 0)


def _tail(log: Path, lines: int = 12) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 8192))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _keep(order: Order, report: Callable[[str], None]) -> int:
    folder = Path(order.folder)
    os.chdir("/")
    os.umask(0o077)
    log = os.open(folder / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        place = settle(order)
        guard = _take_data(place)
        _initialize(place, guard, durable=order.durable)
        _sync(place, guard, durable=order.durable)
        postgres = _start(order, place, guard)
    except (StartError, OSError, ValueError, subprocess.SubprocessError) as fault:
        report(f"{fault}. The end of {folder / LOG}:\n{_tail(folder / LOG)}")
        return 1
    card = Running(
        keeper=os.getpid(),
        postmaster=postgres.pid,
        socket_dir=str(place.socket_dir),
        durable=order.durable,
    )
    _publish(folder, card)
    report(READY)
    _watch(folder, postgres)
    return 0


def _hand_over(order: Order) -> int:
    """Go on in a child that nobody waits for, and tell our starter how its start went."""
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        with os.fdopen(reader, encoding="utf-8") as pipe:
            answer = pipe.read()
        if answer in {READY, ""}:
            return 0 if answer else EX_TEMPFAIL
        sys.stderr.write(answer)
        return 1
    os.close(reader)

    def report(text: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # whoever asked has died
            os.write(writer, text.encode())
        os.close(writer)

    return _keep(order, report)


def main(arguments: list[str]) -> int:
    """See to it that one keeper runs: become it, or wait until the one at work is ready."""
    details: dict[str, Any] = json.loads(arguments[0])
    order = Order(**details)
    signal.pthread_sigmask(signal.SIG_SETMASK, set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    lock = open_lock(Path(order.folder) / KEEPER_LOCK)
    deadline = time.monotonic() + START_SECONDS
    while not try_lock(lock, fcntl.LOCK_EX):
        if read_running(Path(order.folder)) is not None:
            return 0
        if time.monotonic() > deadline:
            sys.stderr.write(f"another keeper of {order.folder} neither starts nor ends")
            return 1
        time.sleep(POLL_SECONDS)
    return _hand_over(order)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
