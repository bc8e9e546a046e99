"""Papers: what forms, tables and one's own data say, read as their reader may see it."""
