"""The benchmark still runs, and what it reports is what was measured."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.benchmarks import live, report
from tests.benchmarks.client import Load, ask, load
from tests.benchmarks.data import LAST_DAY, SHAPES
from tests.benchmarks.facts import facts
from tests.benchmarks.live_client import Socket
from tests.benchmarks.plans import _plans
from tests.benchmarks.questions import QUESTIONS

ROOT = Path(__file__).parent.parent.parent
NAMES = ("ekinerja", "limit", "postgraphile", "loaders")


def cells(**rates: float) -> dict[str, dict[str, dict[str, float]]]:
    one = {
        name: {
            "p50_ms": 1.0,
            "p99_ms": 2.0,
            "answers_per_second": rate,
            "slowest_round": rate,
            "fastest_round": rate,
            "bytes": 100.0,
        }
        for name, rate in rates.items()
    }
    return {question.name: one for question in QUESTIONS}


@pytest.mark.parametrize(
    ("percent", "latency"),
    [(0, 1.0), (50, 51.0), (99, 100.0), (100, 100.0)],  # of 1 to 100 ms, in any order
)
def test_percentile_is_the_nearest_rank(percent: int, latency: float) -> None:
    measured = Load([float(n) for n in range(100, 0, -1)], 0, 0)

    assert measured.percentile(percent) == latency


def test_shapes_hold_the_stated_numbers() -> None:
    for records, shape in SHAPES.items():
        assert (shape.units, shape.records) == (1000, records)
        assert len(shape.levels) == 6
        assert shape.working_days[-1] == LAST_DAY
        assert len(shape.working_days) == shape.days
        assert all(day.weekday() < 5 for day in shape.working_days)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
def test_tenfold_data_is_asked_the_same(question) -> None:
    small, large = (question.cases(shape) for shape in SHAPES.values())

    assert small
    assert small == large


def test_facts_know_keys_instants_and_numbers_whatever_their_form() -> None:
    ours = facts({"id": "VGFyZ2V0OmE=", "startsAt": "2026-10-30T08:00:00+07:00", "cursor": "x"})
    theirs = facts({"id": "VGFyZ2V0OmE=", "startsAt": "2026-10-30T01:00:00Z", "cursor": "y"})

    assert ours == theirs
    assert ours["id"] == "a"
    assert facts({"planned": "12"}) == facts({"planned": "12.000000"})


def test_a_goal_that_is_missed_is_said_to_be_missed() -> None:
    slow = cells(ekinerja=23, limit=100, postgraphile=10, loaders=1)

    table = report.comparison(slow, dict.fromkeys(slow, 5), dict.fromkeys(NAMES, 1.0))

    assert "| tree, to PostGraphile 5 | 2.4 | 2.30 | not met |" in table
    assert "| calendar, to PostGraphile 5 | 1.4 | 2.30 | met |" in table
    assert "| tree, to the limit | 0.85 | 0.23 | not met |" in table


def test_table_is_written_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- /a -->\nafter\n")

    report.write_between("a", "new", page)
    report.write_between("a", "newer", page)

    assert page.read_text() == "before\n<!-- a -->\nnewer\n<!-- /a -->\nafter\n"
    with pytest.raises(ValueError, match="has no"):
        report.write_between("b", "new", page)


def test_page_has_a_place_for_each_table() -> None:
    page = report.PAGE.read_text()

    for marker in ("comparison", "growth", "intake", "live"):
        assert f"<!-- {marker} -->" in page
        assert f"<!-- /{marker} -->" in page


def test_drawing_shows_each_server_once_a_question() -> None:
    image = report.drawing(cells(ekinerja=80, limit=100, postgraphile=50, loaders=5), NAMES)

    for name in NAMES:
        # A bar a question, and a square in the key.
        assert image.count(report.COLOURS[name]) == len(QUESTIONS) + 1


def test_plans_are_told_from_the_rest_of_the_log() -> None:
    log = (
        "2026-10-30 UTC [1] LOG:  duration: 0.1 ms  plan:\n\tQuery Text: SELECT 1\n\tResult\n"
        "2026-10-30 UTC [1] LOG:  something else\n\tof two lines\n"
        "2026-10-30 UTC [2] LOG:  duration: 9 ms  plan:\n\tQuery Text: SELECT stamp_events()\n"
    )

    assert _plans(log) == ["duration: 0.1 ms  plan:\nQuery Text: SELECT 1\nResult"]


async def test_client_counts_what_was_answered_and_refuses_what_is_no_answer() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.read(1000):
            status = b"500 No" if b"/bad" in head else b"200 OK"
            writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 5\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        good = b"POST / HTTP/1.1\r\n\r\n"

        done = await load(port, [good], connections=3, seconds=0.05)

        assert done.body_bytes == 5
        assert len(done.latencies) >= 3
        assert await ask(port, good) == b"hello"
        with pytest.raises(ValueError, match="status 500"):
            await load(port, [good, b"POST /bad HTTP/1.1\r\n\r\n"], connections=2, seconds=5)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="PostGraphile comes by npm")
def test_quick_benchmark_finds_all_servers_saying_the_same(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks", "--quick"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=600,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "all servers answer the same facts" in done.stdout
    assert done.stdout.count("| PostGraphile 5 |") == len(QUESTIONS) + 1  # and its memory
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_interrupted_benchmark_leaves_no_process_and_no_data(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks", "--quick", "--servers", "limit", "loaders"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as bench:
        assert bench.stdout is not None
        while "round" not in bench.stdout.readline():
            assert bench.poll() is None
        ours = psutil.Process(bench.pid).children(recursive=True)

        bench.send_signal(signal.SIGTERM)
        bench.wait(60)

    assert len(ours) >= 2
    _, alive = psutil.wait_procs(ours, timeout=10)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [5, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_frames_are_told_apart_however_they_arrive(size: int, piece: int) -> None:
    body = b"x" * size
    if size < 126:
        length = bytes([size])
    else:
        length = b"\x7e" + size.to_bytes(2) if size < 65_536 else b"\x7f" + size.to_bytes(8)
    sent = b"HTTP/1.1 101 Switching\r\n\r\n" + 2 * (b"\x81" + length + body)
    socket = Socket(80)

    for start in range(0, len(sent), piece):
        socket.data_received(sent[start : start + piece])

    assert [said for _, said in socket.messages] == [body, body]


def test_a_live_feed_that_is_too_slow_is_said_to_be() -> None:
    names = ("first_p50_ms", "p50_ms", "p99_ms", "last_p50_ms", "last_p99_ms")
    cells = {
        "ekinerja": dict.fromkeys(names, 50.0) | {"bytes": 400.0},
        "bare": dict.fromkeys(names, 20.0) | {"bytes": 400.0},
    }
    found = {"cells": cells, "ratio": live.ratios(cells), "size": {"watchers": 1000}}

    assert "to the last of 1,000 at most 2 times bare WebSockets: not met (2.50)" in live.table(
        found
    )
