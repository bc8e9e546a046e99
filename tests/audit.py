"""The audits of the npm package graphql-http against a server: `python -m tests.audit [URL]`.

Without a URL it starts the real server on a free port. Node and npm must be installed; the
package is put under node_modules/, which is never committed.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "node_modules" / ".graphql-http-audit"
PACKAGES = ("graphql-http@1.23.1", "graphql@16.15.0")
SCRIPT = """
import { serverAudits } from 'graphql-http';
const audits = serverAudits({ url: process.argv[2] });
for (const { fn } of audits) {
  const { id, name, status, reason } = await fn();
  console.log(JSON.stringify({ id, name, status, reason: reason ?? null }));
}
"""


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit's outcome. `status` is `ok`, `notice`, `warn` or `error`."""

    id: str
    name: str
    status: str
    reason: str | None


def run_audits(url: str) -> list[Audit]:
    """Run every audit against the endpoint at `url`; installs the package when it is missing."""
    if not (FOLDER / "node_modules" / "graphql-http").exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "package.json").write_text('{"private": true, "type": "module"}')
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *PACKAGES],
            cwd=FOLDER,
            check=True,
            capture_output=True,
        )
    (FOLDER / "audit.mjs").write_text(SCRIPT)
    done = subprocess.run(
        ["node", "audit.mjs", url], cwd=FOLDER, check=True, capture_output=True, text=True
    )
    return [Audit(**json.loads(line)) for line in done.stdout.splitlines()]


@contextmanager
def served() -> Iterator[str]:
    """Start the real server on a free port of loopback and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {"EKINERJA_PORT": str(port), "EKINERJA_HOST": "127.0.0.1"}
    process = subprocess.Popen([sys.executable, "-m", "server", "serve"], cwd=ROOT, env=environment)
    try:
        _wait(process, f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}/graphql"
    finally:
        process.terminate()
        process.wait(30)


def _wait(process: subprocess.Popen[bytes], url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"The server ended with code {process.returncode}.")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise SystemExit(f"The server did not answer at {url} in {seconds:.0f} s.")


def report(url: str) -> int:
    """Print what is not ok, and the sum; return the exit code."""
    audits = run_audits(url)
    faulty = [audit for audit in audits if audit.status != "ok"]
    for audit in faulty:
        sys.stdout.write(f"{audit.status} {audit.id} {audit.name}: {audit.reason}\n")
    sys.stdout.write(f"{len(audits) - len(faulty)} of {len(audits)} audits ok\n")
    return 1 if faulty or not audits else 0


def main() -> int:
    if len(sys.argv) > 1:
        return report(sys.argv[1])
    with served() as url:
        return report(url)


if __name__ == "__main__":
    sys.exit(main())
