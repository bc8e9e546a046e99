"""What is asked of `send`: the same result twice is one result over there."""

from __future__ import annotations

from ...results import Receipt
from ..checks import check
from .base import Stage, SuiteBase

__all__ = ["ResultChecks"]


class ResultChecks(SuiteBase):
    """Closed appraisals on their way to the service."""

    @check("the same result twice has the same receipt", "bronze")
    def test_result_twice_has_the_same_receipt(self) -> None:
        self._needs("results")

        async def send_twice(stage: Stage) -> list[tuple[Receipt, Receipt]]:
            return [
                (await stage.connector.send(one), await stage.connector.send(one))
                for one in self.results()
            ]

        receipts = self._run(send_twice)

        assert receipts, "results() gives none"
        for first, second in receipts:
            assert isinstance(first, Receipt), "send gave no Receipt"
            assert first.reference == second.reference, "sent again, it got another receipt"

    @check("a result sent anew by another process has the same receipt", "silver")
    def test_receipt_does_not_depend_on_what_the_process_remembers(self) -> None:
        self._needs("results")

        async def send_by_two(stage: Stage) -> tuple[Receipt, Receipt]:
            another = self.connector(stage.connector.config, stage.connector.http)
            result = self.results()[0]
            first: Receipt = await stage.connector.send(result)
            second: Receipt = await another.send(result)  # type: ignore[attr-defined]
            return first, second

        first, second = self._run(send_by_two)

        assert first.reference == second.reference, "only the process's memory knows the receipt"
