"""Arguments that fields take, each described once: one name has one meaning in the whole schema."""

from datetime import date
from typing import Annotated, TypeAlias

import strawberry
from strawberry import relay

from schema.selection.pages import DEFAULT_PAGE, LARGEST_PAGE

Id: TypeAlias = Annotated[
    relay.GlobalID, strawberry.argument(description="Opaque; as a field `id` has given it.")
]
AgencyCode: TypeAlias = Annotated[str, strawberry.argument(description="An agency's code.")]
UnitCode: TypeAlias = Annotated[
    str, strawberry.argument(description="A unit's code, unique in its agency.")
]
Nip: TypeAlias = Annotated[str, strawberry.argument(description="18 digits.")]
Period: TypeAlias = Annotated[
    str, strawberry.argument(description="A planning period's code, such as 2026.")
]
AnyPeriod: TypeAlias = Annotated[
    str | None,
    strawberry.argument(description="A planning period's code; of all where it is left out."),
]
EvaluationPeriodId: TypeAlias = Annotated[
    relay.GlobalID, strawberry.argument(description="An evaluation period's id.")
]
Day: TypeAlias = Annotated[
    date, strawberry.argument(description="A working day, in the employee's own time zone.")
]
TeamDay: TypeAlias = Annotated[
    date | None, strawberry.argument(description="The working day; today where it is left out.")
]
Supervisor: TypeAlias = Annotated[
    relay.GlobalID | None,
    strawberry.argument(description="An employee's id; the viewer where it is left out."),
]
First: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many items, 1 to {LARGEST_PAGE}; {DEFAULT_PAGE} where it is left out."
    ),
]
Last: TypeAlias = Annotated[
    int | None,
    strawberry.argument(
        description=f"How many items from the end, 1 to {LARGEST_PAGE}; not with `first`."
    ),
]
Before: TypeAlias = Annotated[
    str | None,
    strawberry.argument(description="The `cursor` of an item: the page ends before it."),
]
After: TypeAlias = Annotated[
    str | None,
    strawberry.argument(description="The `cursor` of an item: the page begins behind it."),
]
Resume: TypeAlias = Annotated[
    str | None,
    strawberry.argument(description="The `cursor` of a message: the stream goes on behind it."),
]
