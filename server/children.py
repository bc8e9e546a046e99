"""Child processes of `run`, which end with us, however we end."""

import asyncio
import ctypes
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

GRACE_SECONDS = 10
PR_SET_PDEATHSIG = 1


def _die_with_parent() -> None:
    """On Linux the kernel tells a child when its parent is gone, also after a kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@asynccontextmanager
async def child(
    *command: str, environment: Mapping[str, str] | None = None, piped: bool = False
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python child (`command` follows the interpreter); ended when the block is left.

    `piped` gives its standard output to the caller, who must read it.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE if piped else None,
        env=environment,
        preexec_fn=_die_with_parent,
        start_new_session=True,  # Ctrl-C is for us; we end the children in our order
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(GRACE_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
