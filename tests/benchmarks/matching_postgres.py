"""PostgreSQL's own text search and trigram similarity over the same lines and candidates."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

import asyncpg

from server.embedded_postgres import acquire, remove
from tests.benchmarks.matching_lines import Line, Lines

# Each gives a candidate the score of its best line, as ours does.
WAYS = {
    "text search, Indonesian": """
      ts_rank(to_tsvector('indonesian', c.text),
        replace(plainto_tsquery('indonesian', $2)::text, '&', '|')::tsquery, 1)""",
    "similarity (pg_trgm)": "similarity(c.text, $2)",
    "word_similarity (pg_trgm)": "word_similarity($2, c.text)",
    "strict_word_similarity": "strict_word_similarity(c.text, $2)",
    "text search and similarity": """
      ts_rank(to_tsvector('indonesian', c.text),
        replace(plainto_tsquery('indonesian', $2)::text, '&', '|')::tsquery, 1)
      + similarity(c.text, $2)""",
}
RANKED = """
SELECT c.id FROM candidate c WHERE c.whose = $1
GROUP BY c.id ORDER BY max({score} * c.counts) DESC, min(c.place)
"""
UNDER = 0.9


async def contenders(lines: Lines) -> dict[str, Callable[[Line], Sequence[UUID]]]:
    """A ranker for each way, from answers that were asked beforehand."""
    folder = Path(tempfile.mkdtemp())
    try:
        with acquire(folder, durable=False) as cluster:
            connection = await asyncpg.connect(cluster.url("postgres", "postgres"))
            try:
                await _fill(connection, lines)
                asked = {name: await _answers(connection, lines, sql) for name, sql in WAYS.items()}
            finally:
                await connection.close()
    finally:
        remove(folder)
    return {name: answers.__getitem__ for name, answers in asked.items()}


async def _fill(connection: asyncpg.Connection, lines: Lines) -> None:
    await connection.execute(
        "CREATE EXTENSION pg_trgm; CREATE TABLE candidate "
        "(whose text, place integer, id uuid, counts float8, text text)"
    )
    rows = [
        (whose, place, one.id, counts, text)
        for whose, of in lines.candidates.items()
        for place, one in enumerate(of)
        for counts, texts in ((1.0, one.lines), (UNDER, one.under))
        for text in texts
    ]
    await connection.copy_records_to_table("candidate", records=rows)


async def _answers(
    connection: asyncpg.Connection, lines: Lines, score: str
) -> dict[Line, Sequence[UUID]]:
    statement = await connection.prepare(RANKED.format(score=score))
    return {
        line: [row["id"] for row in await statement.fetch(line.whose, line.text)]
        for line in lines.lines
    }
