"""Eight faulty plugins at once beside a good one: each fault is visible, and nothing is lost.

How little the neighbours notice is measured by `python -m tests.benchmarks.faults`; a figure of
time would fail here for the machine's reasons.
"""

import asyncio
from pathlib import Path

import pytest

from schema.feeds.models import (
    ConnectorProblem,
    DeadLetter,
    InboxItem,
    Installation,
    ProblemCode,
)
from schema.values import utc_now
from server.database import Database, DatabaseRole, opened
from tests.faults import FAULTS, ITEMS, Load, api, install_all, working, write_plugins
from tests.feeding import fetched

pytestmark = pytest.mark.slow

VISIBLE = {
    "hang": (ProblemCode.PLUGIN_KILLED, "hung"),
    "block": (ProblemCode.PLUGIN_KILLED, "hung"),
    "crash": (ProblemCode.PLUGIN_KILLED, "SIGSEGV"),
    "leak": (ProblemCode.PLUGIN_KILLED, "memory limit"),
    "garbage": (ProblemCode.PLUGIN_KILLED, "garbage"),
    "flood": (ProblemCode.PLUGIN_KILLED, "garbage"),
    "swallow": (ProblemCode.PLUGIN_KILLED, "hung"),
    "forge": (ProblemCode.FORGED, "somebody-elses-1"),
}


async def test_eight_faults_are_each_visible_and_lose_nothing_of_anybody(
    fresh_database: Database, tmp_path: Path
) -> None:
    write_plugins(tmp_path)
    feeds = await install_all(fresh_database, tmp_path, times=2)

    async with (
        api(fresh_database, tmp_path, feeds["good"]) as load,
        working(fresh_database, tmp_path, tmp_path / "worker.log") as worker,
        opened(fresh_database, DatabaseRole.APPLICATION),
    ):
        await Installation.filter(title__in=FAULTS).update(enabled=True)
        await load.run(seconds=10, number_from=0)  # fails where the API does not answer
        async with asyncio.timeout(100):
            while not await all_is_worked_off(load):
                # As an administrator who runs each now, whatever pause it is in.
                await Installation.filter(failures__gt=0).update(next_poll_at=utc_now())
                await asyncio.sleep(0.5)

        assert worker.process.returncode is None, worker.said()
        await assert_every_fault_is_visible(feeds)
        await assert_nothing_is_lost(load)


async def all_is_worked_off(load: Load) -> bool:
    """Every plugin has given its items at last, and none of them waits."""
    items = await InboxItem.filter(kind="ITEM").count()
    waiting = await InboxItem.filter(processed_at__isnull=True).count()
    return items >= ITEMS * (len(FAULTS) + 1) + len(load.delivered) and waiting == 0


async def assert_every_fault_is_visible(feeds: dict[str, Installation]) -> None:
    problems = await ConnectorProblem.all()
    for fault, (code, words) in VISIBLE.items():
        told = [
            one.detail
            for one in problems
            if one.installation_id == feeds[fault].id and one.code is code
        ]
        assert [words in detail for detail in told] == [True], (fault, told)
    assert [one for one in problems if one.installation_id == feeds["good"].id] == []


async def assert_nothing_is_lost(load: Load) -> None:
    """One record for each thing that a source gave, but for the forged, which is a dead letter."""
    rows = await fetched(
        "SELECT a.source_id FROM progress_record r JOIN activity a ON a.id = r.activity_id"
    )
    polled = {f"fault-{fault}-{number}" for fault in (*FAULTS, "good") for number in range(ITEMS)}
    forged = "fault-forge-0"

    letters = await DeadLetter.all().select_related("inbox_item")

    assert len(load.delivered) == 100
    assert sorted(row["source_id"] for row in rows) == sorted(
        (polled - {forged}) | set(load.delivered)
    )
    assert [one.inbox_item.source_id for one in letters] == [forged]
    assert "somebody-elses-1" in letters[0].detail
