"""Answers in one form, so that servers with different schemas can be held to the same facts."""

from base64 import b64decode
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

OPAQUE = {"cursor", "endCursor", "__typename"}
"""What a server may word as it likes."""
INSTANTS = {"startsAt", "endsAt", "lastActivityAt", "receivedAt"}
NUMBERS = {"planned", "realized", "score"}

Answer = Mapping[str, Any]


def facts(data: Any) -> Any:
    """An answer of our schema: keys instead of global ids, instants in UTC, plain numbers."""
    if isinstance(data, list):
        return [facts(one) for one in data]
    if not isinstance(data, dict):
        return data
    return {name: _fact(name, value) for name, value in data.items() if name not in OPAQUE}


def _fact(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "id":
        return b64decode(value).decode().partition(":")[2]
    return _scalar(name, value) if isinstance(value, str) else facts(value)


def _scalar(name: str, value: str) -> Any:
    if name in INSTANTS:
        return datetime.fromisoformat(value).astimezone(UTC)
    return Decimal(value) if name in NUMBERS else value


def _plain(row: Answer, **renamed: str) -> dict[str, Any]:
    """Scalars of PostGraphile under our names."""
    return {
        renamed.get(name, name): None
        if value is None
        else _scalar(renamed.get(name, name), value)
        if isinstance(value, str)
        else value
        for name, value in row.items()
        if name not in OPAQUE and not isinstance(value, dict | list)
    }


def _named(row: Answer) -> dict[str, Any]:
    return {"id": row["rowId"], **{name: row[name] for name in ("name", "title") if name in row}}


def _owner(row: Answer) -> dict[str, Any]:
    return _named(row["unitByOwnerUnitId"] or row["employeeByOwnerEmployeeId"])


def _tree_target(row: Answer) -> dict[str, Any]:
    target = {**_named(row), "owner": _owner(row)}
    if "linksByParentIdList" in row:
        rows = [link["targetByChildId"] for link in row["linksByParentIdList"]]
        target["children"] = [_tree_target(one) for one in sorted(rows, key=_place)]
    return target


def _place(row: Answer) -> tuple[int, str]:
    return row["position"], row["code"]


def _tree_unit(row: Answer) -> dict[str, Any]:
    targets = sorted(row["targetsByOwnerUnitIdList"], key=_place)
    unit = {**_named(row), "targets": [_tree_target(one) for one in targets]}
    if "unitPlacementsByParentIdList" in row:
        rows = [one["unitByUnitId"] for one in row["unitPlacementsByParentIdList"]]
        unit["children"] = [_tree_unit(one) for one in sorted(rows, key=lambda one: one["code"])]
    return unit


def _record(row: Answer) -> dict[str, Any]:
    plain = _plain(row, rowId="id")
    plain.pop("day", None)
    return {**plain, "target": _named(row["targetByTargetId"])}


def _team(data: Answer) -> Any:
    rows = data["employeeByRowId"]["assignmentsByAppraiserIdList"]
    people = [row["employeeByEmployeeId"] for row in rows]
    members = [
        {
            "employee": _named(one),
            **_plain(one["dailyLogsByEmployeeIdList"][0]),
            "log": {"records": [_record(row) for row in one["progressRecordsByEmployeeIdList"]]},
        }
        for one in sorted(people, key=lambda one: (one["name"], one["rowId"]))
    ]
    return {"team": {"members": members}}


def _calendar(data: Answer) -> Any:
    employee = data["employeeByRowId"]
    records: dict[str, list[Any]] = defaultdict(list)
    for row in employee["progressRecordsByEmployeeIdList"]:
        records[row["day"]].append(_record(row))
    days = [
        {**_plain(row, day="on"), "records": records[row["day"]]}
        for row in employee["dailyLogsByEmployeeIdList"]
    ]
    return {"viewer": {"employee": {**_named(employee), "calendar": days}}}


def _inbox(data: Answer) -> Any:
    page = data["employeeByRowId"]["progressRecordsByEmployeeId"]
    edges = []
    for edge in page["edges"]:
        row = dict(edge["node"])
        suggestion = {
            "score": Decimal(row.pop("suggestionScore")),
            "reason": row.pop("suggestionReason"),
            "target": _named(row["targetBySuggestedTargetId"]),
        }
        activity = _plain(row["activityByActivityId"])
        node = {**_plain(row, rowId="id"), "activity": activity, "suggestion": suggestion}
        edges.append({"node": node})
    whole = {"totalCount": page["totalCount"], "pageInfo": facts(page["pageInfo"]), "edges": edges}
    return {"viewer": {"pendingRecords": whole}}


def _thread(data: Answer) -> Any:
    row = data["targetByRowId"]
    path: list[Any] = []
    above: Answer | None = row
    while above is not None:
        path.insert(0, {**_named(above), "owner": _owner(above)})
        links = above.get("linksByChildIdList")
        above = links[0]["targetByParentId"] if links else None
    indicators = [
        {
            "id": one["rowId"],
            "title": one["title"],
            "unitOfMeasure": one["unitOfMeasure"],
            "measure": {"planned": Decimal(one["planned"])},
            "achievement": {"realized": one["realized"] and Decimal(one["realized"])},
        }
        for one in sorted(row["indicatorsByTargetIdList"], key=lambda one: one["position"])
    ]
    target = {**_named(row), "code": row["code"], "kind": row["kind"], "owner": _owner(row)}
    return {"target": {**target, "indicators": indicators, "path": path}}


POSTGRAPHILE: Mapping[str, Callable[[Answer], Any]] = {
    "tree": lambda data: {"unit": _tree_unit(data["unitByAgencyIdAndCode"])},
    "team": _team,
    "calendar": _calendar,
    "inbox": _inbox,
    "thread": _thread,
}
"""By question: an answer of PostGraphile in the form that `facts` gives to one of ours."""


def nodes_in(data: Any) -> int:
    """How many objects an answer holds."""
    if isinstance(data, list):
        return sum(nodes_in(one) for one in data)
    if isinstance(data, dict):
        return 1 + sum(nodes_in(one) for one in data.values())
    return 0
