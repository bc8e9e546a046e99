"""The audits of the npm package graphql-http against a server: `python -m tests.audit [URL]`.

Without a URL it starts the real server on a free port. Node and npm must be installed; the
package is put under node_modules/, which is never committed.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.processes import environment, own_data, serving

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


def report(url: str) -> int:
    """Print what is not ok, and the sum; return the exit code."""
    audits = run_audits(url)
    faulty = [audit for audit in audits if audit.status != "ok"]
    for audit in faulty:
        sys.stdout.write(f"{audit.status} {audit.id} {audit.name}: {audit.reason}\n")
    sys.stdout.write(f"{len(audits) - len(faulty)} of {len(audits)} audits ok\n")
    return 1 if faulty or not audits else 0


async def report_of_our_own() -> int:
    """Start the real server on data of its own, audit it, and return the exit code."""
    with tempfile.TemporaryDirectory(prefix="audit-") as name, own_data(Path(name)) as folder:
        async with serving(environment(folder), folder / "log") as server:
            return await asyncio.to_thread(report, f"{server.url}/graphql")


def main() -> int:
    if len(sys.argv) > 1:
        return report(sys.argv[1])
    return asyncio.run(report_of_our_own())


if __name__ == "__main__":
    sys.exit(main())
