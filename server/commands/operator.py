"""What commands about connectors share: who the command line is, and how it finds what is named."""

import sys
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from schema.access import Role, Scope
from schema.errors import DomainError, ErrorCode
from schema.feeds.models import Installation, Plugin
from schema.feeds.service import SUBMITTED
from schema.organizations.models import Agency
from server.plugin_host import PluginBroken, PluginHost
from server.settings import SettingsError

SUBJECT = "command line"
"""Who did it, in the history of a connector: whoever may run commands is the operator."""


def operator_of(agency_id: UUID) -> Scope:
    """The operator, as an administrator of the agency."""
    return Scope(subject=SUBJECT, grants=frozenset({(agency_id, Role.ADMINISTRATOR)}))


async def agency_of(code: str) -> Agency:
    """Raises:
    DomainError: no such agency.
    """
    agency = await Agency.get_or_none(code=code)
    if agency is None:
        raise DomainError(ErrorCode.NOT_FOUND, thing=f"Agency {code!r}")
    return agency


async def connector_of(agency: Agency, title: str) -> Installation:
    """The connector that the agency calls so.

    Raises:
        DomainError: there is none; or of several plugins one each.
    """
    found = await Installation.filter(agency_id=agency.id, title=title).order_by("plugin")
    if len(found) > 1:
        plugins = ", ".join(one.plugin for one in found)
        detail = f"{title!r} is a connector of several plugins ({plugins}): rename one by its id"
        raise DomainError(ErrorCode.BAD_USER_INPUT, detail=detail)
    if not found:
        raise DomainError(ErrorCode.NOT_FOUND, thing=f"Connector {title!r}")
    return found[0]


async def settings_schema(plugin: str) -> Mapping[str, Any] | None:
    """What the plugin's settings may be, asked of itself where no worker has seen it yet.

    None where what a worker saw is to be used.

    Raises:
        SettingsError: it is not installed here, or cannot be loaded.
    """
    if plugin == SUBMITTED or await Plugin.exists(name=plugin):
        return None
    host = PluginHost()
    try:
        return (await host.describe(plugin)).settings_schema
    except PluginBroken as error:
        raise SettingsError(f"no worker has seen it, and here: {error}") from error
    finally:
        await host.close()


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
