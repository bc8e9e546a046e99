"""What any superior sees of the viewer: the row of the team that they are in, and nothing else.

Read under `access.as_superior_of` and not under the viewer's own rights, so that an employee sees
what is seen of them (UU 27/2022 gives a person access to the data kept of them).
"""

from typing import Any

import strawberry

from schema.access import as_superior_of_oneself
from schema.arguments import TeamDay
from schema.context import Info
from schema.errors import NotFound
from schema.selection.declarations import One
from schema.selection.execution import Selected
from schema.teams.graph import DAYS_OF, TeamMember

ONESELF = One(
    source="(SELECT ARRAY[@line] AS keys) k$ " + DAYS_OF.replace("@row.day", "@on::date"),
    where="@it_employee.id = @line",
    defaults={"on": "today"},
)


@strawberry.type
class ViewAsQuery:
    @strawberry.field(
        description="The viewer's own row as any superior sees it, today by default: of what is "
        "pending the number only.",
        graphql_type=TeamMember,
    )
    async def view_as(self, info: Info, on: TeamDay = None) -> Any:
        scope = as_superior_of_oneself(info.context.viewer)
        if scope is None:
            raise NotFound("Employee")
        return Selected(ONESELF, scope=scope)
