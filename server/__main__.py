"""`python -m server`: see cli."""

from server.cli import main

main()
