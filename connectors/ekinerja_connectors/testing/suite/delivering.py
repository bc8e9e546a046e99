"""What is asked of `receive`: the host has verified the signature, and nothing else."""

from __future__ import annotations

import dataclasses
import json

from ...activity import JSON
from ...connector import Item
from ...errors import Malformed
from ...webhook import Delivery
from ..checks import check, none_of, not_shown
from ..mutations import WRONG_SHAPES, damaged
from .base import Stage, SuiteBase, outcome_of

__all__ = ["DeliveryChecks"]

_NO_JSON = ("", "bukan JSON", "{", "<html></html>", "\x00", '{"a": }', "[" * 5_000)


class DeliveryChecks(SuiteBase):
    """Webhooks."""

    def _delivered(self) -> list[Delivery]:
        self._needs("webhook")
        found = list(self.deliveries())
        if not found:
            not_shown("write deliveries(), or put bodies into deliveries/ beside the test")
        return found

    @check("a delivery twice has the same source_ids", "bronze")
    def test_delivery_twice_has_the_same_source_ids(self) -> None:
        found = self._delivered()

        async def receive(stage: Stage) -> list[list[str]]:
            return [
                [item.source_id for one in found for item in stage.connector.receive(one)]
                for _ in range(2)
            ]

        first, second = self._run(receive)

        assert first, "the deliveries hold no item"
        assert first == second, "a source_id changes from one delivery to the next"
        assert len(first) == len(set(first)), "one source_id names two items"

    @check("a delivery that is no JSON, or of another shape, is Malformed", "bronze")
    def test_bad_delivery_is_malformed(self) -> None:
        self._needs("webhook")

        async def receive(stage: Stage) -> list[str]:
            bodies = [*_NO_JSON, *(json.dumps(one) for one in WRONG_SHAPES)]
            return [one for one in bodies if not _refused(stage, _delivery(one), one)]

        taken = [repr(one[:40]) for one in self._run(receive)]

        none_of(taken, "these bodies bring items or go unnoticed; raise Malformed")

    @check("damage in a delivery is Malformed and nothing else", "silver")
    def test_damaged_delivery_is_malformed(self) -> None:
        found = self._delivered()

        async def receive(stage: Stage) -> None:
            for one in found:
                try:
                    body: JSON = json.loads(one.body)
                except ValueError:
                    continue  # a service that speaks no JSON
                for spoilt in damaged(body):
                    given = dataclasses.replace(one, body=json.dumps(spoilt))
                    try:
                        items = stage.connector.receive(given)
                        assert all(isinstance(item, Item) for item in items), "no items"
                    except Malformed:
                        pass
                    except Exception as error:
                        raise AssertionError(
                            f"{type(error).__name__} instead of Malformed: {error}"
                        ) from error

        self._run(receive)


def _delivery(body: str) -> Delivery:
    return Delivery(id="msg_uji", body=body, headers={"content-type": "application/json"})


def _refused(stage: Stage, delivery: Delivery, body: str) -> bool:
    """Malformed, or items that are all dead letters; empty ones may also be a mere ping."""
    try:
        items = stage.connector.receive(delivery)
    except Malformed:
        return True
    except Exception as error:
        raise AssertionError(
            f"{type(error).__name__} instead of Malformed for {body[:40]!r}: {error}"
        ) from error
    if not items:
        return body in ("{}", "[]")
    return all(isinstance(outcome_of(stage.connector, one), Malformed) for one in items)
