"""What the system knows: one folder a subject, with its tables, its rules and its GraphQL face.

Everything here would still be true with the network unplugged. Arrows between subjects go
one way: teams -> progress -> feeds, targets -> organizations -> the ground (the modules beside
this one). pyproject.toml holds the contracts that keep it so.
"""
