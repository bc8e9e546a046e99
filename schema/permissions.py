"""Fields that answer null or an empty list where the viewer may not see, without an error."""

from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.permission import BasePermission, PermissionExtension

from schema.access import can_see_work_of


class SeesWork(BasePermission):
    """The viewer may see this employee's work."""

    message = "NOT_FOUND"

    def has_permission(self, source: Any, info: strawberry.Info[Any, Any], **_: Any) -> bool:
        return can_see_work_of(info.context.viewer, source)


class SeesTarget(BasePermission):
    """The viewer may see this target whole, not only as a knot of a red thread."""

    message = "NOT_FOUND"

    async def has_permission(self, source: Any, info: strawberry.Info[Any, Any], **_: Any) -> bool:
        return bool(await info.context.loaders.targets.sees(source))


def silently(permission: type[BasePermission]) -> list[FieldExtension]:
    """The extension for one field: null or an empty list instead of an error."""
    return [PermissionExtension([permission()], use_directives=False, fail_silently=True)]
