"""Performance plans, the cascaded target graph, and how numbers and stages roll up in it."""
