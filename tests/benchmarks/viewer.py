"""What every server does before it answers: from a token's subject to the scope, in one statement.

The system reads a viewer's rights anew for each request, so the others do too.
"""

VIEWER = """
SELECT coalesce(e.id::text, '') AS viewer,
  array_remove(coalesce(g.agencies, '{}') || e.agency_id, NULL)::text AS directories,
  coalesce(g.agencies, '{}')::text AS agencies
FROM (SELECT $1::text AS subject) s
LEFT JOIN employee e ON e.nip = s.subject
CROSS JOIN LATERAL (
  SELECT array_agg(g.agency_id) AS agencies FROM role_grant g
  WHERE g.subject = s.subject AND g.role IN ('ADMINISTRATOR', 'AUDITOR')
) g
WHERE e.id IS NOT NULL OR g.agencies IS NOT NULL
"""
"""$1 the subject; the three settings that row level security reads, no row for a stranger."""

READER = "ekinerja_reader"
"""The role that row level security holds for."""
