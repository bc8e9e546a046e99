"""The suite that every connector passes, and what is particular to this service."""

import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest
from ekinerja_connectors import JSON, Item, Malformed, Retraction, Skippable
from ekinerja_connectors.testing.fakes import serve
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_example import ExampleConnector
from ekinerja_example.fake import EVENTS, create_app, settings_of
from ekinerja_example.translate import statement_of


class TestExample(ConnectorSuite):
    connector = ExampleConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        async with serve(create_app()) as url:
            yield settings_of(url)


def test_meeting_that_is_only_planned_is_no_work() -> None:
    with pytest.raises(Skippable, match="not been held"):
        statement_of(Item(source_id="example-3", payload=EVENTS[2]))


def test_cancelled_meeting_takes_back_the_one_that_it_names() -> None:
    stated = statement_of(Item(source_id="example-4", payload=EVENTS[3]))

    assert isinstance(stated, Retraction)
    assert (stated.retracts, stated.reason) == ("example-2", "Narasumber berhalangan")


def test_meeting_without_a_time_zone_is_malformed() -> None:
    payload = {**EVENTS[0], "begin": "2026-03-02T09:00:00", "end": "2026-03-02T10:00:00"}

    with pytest.raises(Malformed, match="time zone"):
        statement_of(Item(source_id="example-1", payload=payload))
