"""What is asked of `read`: every row counted, damage told, the same file twice the same items."""

from __future__ import annotations

import dataclasses

from ...errors import Malformed
from ...files import FileReading, Upload
from ..checks import check, not_shown
from ..mutations import broken_bytes
from .base import Stage, SuiteBase

__all__ = ["FileChecks"]


class FileChecks(SuiteBase):
    """Files that somebody hands in."""

    def _handed_in(self) -> list[Upload]:
        self._needs("file")
        found = list(self.uploads())
        if not found:
            not_shown("write uploads(), or put files into uploads/ beside the test")
        return found

    @check("a file twice has the same source_ids, each once", "bronze")
    def test_file_twice_has_the_same_source_ids(self) -> None:
        found = self._handed_in()

        async def read(stage: Stage) -> list[list[list[str]]]:
            return [
                [[item.source_id for item in stage.connector.read(one).items] for one in found]
                for _ in range(2)
            ]

        first, second = self._run(read)

        assert any(first), "the files hold no item"
        assert first == second, "a source_id changes from one reading to the next"
        for ids in first:
            assert len(ids) == len(set(ids)), "one source_id names two rows"

    @check("a damaged file is Malformed or told row by row", "bronze")
    def test_damaged_file_is_malformed_or_told_row_by_row(self) -> None:
        found = self._handed_in()

        async def read(stage: Stage) -> None:
            for one in found:
                for content in broken_bytes(one.content):
                    try:
                        reading = stage.connector.read(dataclasses.replace(one, content=content))
                    except Malformed:
                        continue
                    except Exception as error:
                        raise AssertionError(
                            f"{type(error).__name__} instead of Malformed: {error}"
                        ) from error
                    assert isinstance(reading, FileReading)
                    assert all(row.reason.strip() and row.row >= 1 for row in reading.refused)

        self._run(read)
