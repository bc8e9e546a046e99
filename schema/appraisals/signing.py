"""Signing of appraisals."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope
from schema.appraisals.models import Appraisal


async def sign_in(
    connection: BaseDBAsyncClient, scope: Scope, keys: Sequence[UUID], now: datetime
) -> list[Appraisal]:
    raise NotImplementedError
