"""One GraphQL selection becomes one SQL statement that answers it as JSON.

Belongs here: declaring what a type reads, compiling a selection, running and completing it.
Nothing here knows a subject; `schema/*/graph.py` declares, docs/architecture.md shows how.
"""
