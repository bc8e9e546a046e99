"""What appraisals rest on, read from the rows of the days that they cover, many at once."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.appraisals.evidence import Evidence, Facts, completed

FACTS = "SELECT appraisal_id, facts::text AS said FROM appraisal_facts($1::uuid[])"
"""The database function is the one place that knows where evidence is."""


async def facts_of(connection: BaseDBAsyncClient, keys: Sequence[UUID]) -> dict[UUID, Facts]:
    """The facts behind each of some appraisals, in one statement."""
    rows = await connection.execute_query_dict(FACTS, [list(keys)])
    decoder = msgspec.json.Decoder(Facts)
    return {row["appraisal_id"]: decoder.decode(row["said"]) for row in rows}


async def gather(connection: BaseDBAsyncClient, keys: Sequence[UUID]) -> dict[UUID, Evidence]:
    """The same with what each result comes to."""
    return {key: completed(facts) for key, facts in (await facts_of(connection, keys)).items()}
