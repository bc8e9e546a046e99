"""The CloudEvents connector against what the CNCF's own library sends."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from ekinerja_cloudevents import CloudEventsConnector
from ekinerja_connectors import (
    JSON,
    Activity,
    Delivery,
    Evidence,
    Http,
    InvalidSettings,
    Item,
    Malformed,
    Retraction,
    Skippable,
)
from ekinerja_connectors.settings import parse
from ekinerja_connectors.testing.suite import ConnectorSuite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NIP = "198503122009011007"
SENT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
DATA: Mapping[str, Any] = {
    "nip": NIP,
    "title": "Menyusun telaah staf",
    "start": "2026-03-02T08:00:00+07:00",
    "end": "2026-03-02T09:30:00+07:00",
    "quantity": "1.5",
    "unit": "dokumen",
    "evidence": "https://arsip.example/7",
}


class TestCloudEventsSuite(ConnectorSuite):
    connector = CloudEventsConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        yield {}

    def deliveries(self) -> list[Delivery]:
        """Two activities, one of them taken back."""
        type_ = "ekinerja.activity.retracted"
        return [
            structured(event(id="1")),
            structured(event(id="2")),
            structured(event({"retracts": "2"}, id="3", type=type_)),
        ]


def connector_of(**settings: JSON) -> CloudEventsConnector:
    return CloudEventsConnector(parse(CloudEventsConnector.settings, settings), Http([]))


def event(
    data: Mapping[str, Any] | None = None,
    *,
    id: str = "1",
    type: str = "ekinerja.activity.recorded",
    **attributes: Any,
) -> CloudEvent:
    given = {"id": id, "source": "/persuratan", "type": type, "time": SENT, **attributes}
    return CloudEvent(given, dict(DATA if data is None else data))


def delivery(message: HTTPMessage) -> Delivery:
    return Delivery(id="msg_1", body=message.body.decode(), headers=message.headers)


def structured(sent: CloudEvent) -> Delivery:
    return delivery(to_structured(sent, JSONFormat()))


def stated(connector: CloudEventsConnector, sent: CloudEvent) -> object:
    (item,) = connector.receive(structured(sent))
    return connector.translate(item)


def test_structured_event_states_an_activity() -> None:
    assert stated(connector_of(), event()) == Activity(
        source_id="/persuratan#1",
        nip=NIP,
        kind="ekinerja.activity.recorded",
        title="Menyusun telaah staf",
        occurred_at=datetime(2026, 3, 2, 1, 0, tzinfo=UTC),
        ended_at=datetime(2026, 3, 2, 2, 30, tzinfo=UTC),
        quantity=Decimal("1.5"),
        unit_of_measure="dokumen",
        evidence=(Evidence(title="Menyusun telaah staf", url="https://arsip.example/7"),),
    )


def test_batch_gives_its_events_and_a_broken_one_hurts_no_other() -> None:
    whole = [json.loads(structured(event(id=name)).body) for name in ("1", "2")]
    body = json.dumps([whole[0], {"id": "no source"}, 7, whole[1]])
    connector = connector_of()

    items = connector.receive(Delivery(id="msg_1", body=body))

    assert [item.source_id for item in items if "unnamed" not in item.source_id] == [
        "/persuratan#1",
        "/persuratan#2",
    ]
    for item in items[1:3]:
        with pytest.raises(Malformed):
            connector.translate(item)


def test_binary_event_is_the_same_item_as_the_structured_one() -> None:
    connector = connector_of(accept_binary=True)
    sent = event(subject="surat 100% selesai")

    (binary,) = connector.receive(delivery(to_binary(sent, JSONFormat())))
    (whole,) = connector.receive(structured(sent))

    assert binary.payload["subject"] == "surat 100% selesai"  # type: ignore[call-overload,index]
    assert binary.source_id == whole.source_id
    assert connector.translate(binary) == connector.translate(whole)


def test_binary_event_is_refused_where_it_was_not_switched_on() -> None:
    with pytest.raises(Malformed, match="signature does not cover"):
        connector_of().receive(delivery(to_binary(event(), JSONFormat())))


def test_retraction_names_the_item_that_no_longer_holds() -> None:
    connector = connector_of()
    (given,) = connector.receive(structured(event(id="1")))
    cancelled = event(
        {"retracts": "1", "reason": "Rapat dibatalkan"}, id="2", type="ekinerja.activity.retracted"
    )

    assert stated(connector, cancelled) == Retraction(
        source_id="/persuratan#2", retracts=given.source_id, at=SENT, reason="Rapat dibatalkan"
    )


def test_retraction_finds_an_event_with_a_very_long_name() -> None:
    connector = connector_of()
    name = "x" * 300
    (given,) = connector.receive(structured(event(id=name)))
    cancelled = stated(
        connector, event({"retracts": name}, id="2", type="ekinerja.activity.retracted")
    )

    assert isinstance(cancelled, Retraction)
    assert cancelled.retracts == given.source_id


def test_rules_map_the_fields_of_any_service() -> None:
    connector = connector_of(
        types={
            "id.go.contoh.*": {"means": "skip"},
            "id.go.contoh.rapat.*": {
                "kind": "rapat",
                "title": "Rapat: {/data/agenda/0/judul} di {/data/tempat~1ruang}",
                "nip": "/data/peserta/nip",
                "start": "",
                "quantity": "/data/jumlah",
                "unit_name": "kegiatan",
            },
        }
    )
    data = {
        "agenda": [{"judul": "Evaluasi"}],
        "tempat/ruang": "Ruang 2",
        "peserta": {"nip": "19850312 200901 1 007"},
        "jumlah": 1,
    }

    meeting = stated(connector, event(data, type="id.go.contoh.rapat.selesai"))

    assert meeting == Activity(
        source_id="/persuratan#1",
        nip=NIP,
        kind="rapat",
        title="Rapat: Evaluasi di Ruang 2",
        occurred_at=SENT,
        quantity=Decimal(1),
        unit_of_measure="kegiatan",
    )
    with pytest.raises(Skippable, match="no activity"):
        stated(connector, event(type="id.go.contoh.cuti"))


def test_unknown_type_is_a_dead_letter_unless_it_shall_be_skipped() -> None:
    with pytest.raises(Malformed, match="add it to the setting types"):
        stated(connector_of(), event(type="lain"))
    with pytest.raises(Skippable):
        stated(connector_of(skip_unknown=True), event(type="lain"))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nip": "1985"}, "18 digits"),
        ({"nip": None}, "18 digits"),
        ({"title": ""}, "title must not be blank"),
        ({"start": "2026-03-02T08:00:00"}, "time zone"),
        ({"start": 7}, "RFC 3339"),
        ({"end": "kemarin"}, "RFC 3339"),
        ({"end": "2026-03-04T08:00:00+07:00"}, "longer than 24 hours"),
        ({"quantity": True}, "must be a number"),
        ({"quantity": "banyak"}, "must be a number"),
        ({"unit": None}, "set unit_name"),
        ({"evidence": "ftp://arsip.example"}, "evidence url"),
        ({"description": ["x"]}, "description must be text"),
    ],
)
def test_unreadable_field_is_told(changed: Mapping[str, Any], reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        stated(connector_of(), event({**DATA, **changed}))


@pytest.mark.parametrize("body", ["", "not json", '"text"', "7", "null"])
def test_delivery_of_another_shape_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        connector_of().receive(Delivery(id="msg_1", body=body))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    field=st.sampled_from([*DATA, "time", "id", "source", "type", "data", "specversion"]),
    value=json_values,
)
def test_garbage_in_any_field_raises_malformed_or_skippable_only(field: str, value: Any) -> None:
    body = json.loads(structured(event()).body)
    (body if field in body else body["data"])[field] = value
    connector = connector_of()

    for item in connector.receive(Delivery(id="msg_1", body=json.dumps([body, value]))):
        assert isinstance(item, Item)
        with contextlib.suppress(Malformed, Skippable):
            connector.translate(item)


@pytest.mark.parametrize(
    ("types", "reason"),
    [
        ({}, "at least one type"),
        ({"a": {"means": "apa"}}, "means must be"),
        ({"a": {"nip": "data.nip"}}, "nip must be a JSON Pointer"),
        ({"a": {"title": "{/data/~2}"}}, "title must be a JSON Pointer"),
        ({"a": {"title": "{/data/title"}}, "brace"),
        ({"a": {"means": "retraction", "retracts": ""}}, "needs retracts"),
    ],
)
def test_unusable_rule_is_refused_when_it_is_set(types: JSON, reason: str) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        connector_of(types=types)
