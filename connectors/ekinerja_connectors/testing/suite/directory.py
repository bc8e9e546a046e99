"""What is asked of `directory`: whole, the same twice, and clear about what it leaves open."""

from __future__ import annotations

from ...directory import DirectoryAssignment, DirectoryPage, DirectoryUnit
from ...errors import Fatal
from ..checks import check
from .base import MAX_PAGES, Stage, SuiteBase

__all__ = ["DirectoryChecks"]


class DirectoryChecks(SuiteBase):
    """Units, employees and posts."""

    async def _walk(self, stage: Stage) -> list[DirectoryPage]:
        pages: list[DirectoryPage] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await stage.connector.directory(cursor)
            assert isinstance(page, DirectoryPage), "directory gave no DirectoryPage"
            pages.append(page)
            assert page.next_cursor is None or page.next_cursor != cursor, "a page leads to itself"
            cursor = page.next_cursor
            if cursor is None:
                return pages
        raise AssertionError(f"the first {MAX_PAGES} pages all lead to another")

    @check("the directory ends, and is the same when it is read again", "bronze")
    def test_directory_twice_is_the_same(self) -> None:
        self._needs("directory")

        async def read_twice(stage: Stage) -> tuple[list[DirectoryPage], list[DirectoryPage]]:
            return await self._walk(stage), await self._walk(stage)

        first, second = self._run(read_twice)

        assert any(page.units or page.employees for page in first), "the directory is empty"
        assert first == second, "it changes from one reading to the next"

    @check("posts and units of the directory lead to what it holds, or are told", "silver")
    def test_what_the_directory_leaves_open_is_told(self) -> None:
        self._needs("directory")
        pages = self._run(self._walk)
        units = {one.code: one for page in pages for one in page.units}
        people = {one.nip for page in pages for one in page.employees}
        told = " ".join(problem for page in pages for problem in page.problems)

        for unit in units.values():
            assert _leads(unit, units) or unit.code in told, (
                f"unit {unit.code} stands under {unit.parent_code}, which is not in the "
                "directory; leave the parent out and tell it in problems"
            )
        for post in (one for page in pages for one in page.assignments):
            assert _is_held(post, units, people) or post.nip in told or post.unit_code in told, (
                f"a post of {post.nip} in {post.unit_code} leads to a person or unit that is "
                "not in the directory; tell it in problems"
            )

    @check("no unit of the directory stands above itself", "silver")
    def test_no_unit_stands_above_itself(self) -> None:
        self._needs("directory")
        parents = {
            one.code: one.parent_code for page in self._run(self._walk) for one in page.units
        }

        for code in parents:
            passed, at = {code}, parents[code]
            while at is not None:
                assert at not in passed, f"unit {code} stands above itself"
                passed.add(at)
                at = parents.get(at)

    @check("a cursor of the directory that cannot be read is Fatal", "bronze")
    def test_unreadable_directory_cursor_is_fatal(self) -> None:
        self._needs("directory")

        async def read(stage: Stage) -> bool:
            try:
                await stage.connector.directory("\N{REPLACEMENT CHARACTER} no cursor of yours")
            except Fatal:
                return True
            return False

        assert self._run(read), "raise InvalidCursor, a Fatal: the reading begins anew"


def _leads(unit: DirectoryUnit, units: dict[str, DirectoryUnit]) -> bool:
    return unit.parent_code is None or unit.parent_code in units


def _is_held(post: DirectoryAssignment, units: dict[str, DirectoryUnit], people: set[str]) -> bool:
    return post.nip in people and post.unit_code in units
