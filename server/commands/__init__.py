"""What the command line does, one module a command. `server/cli.py` reads the arguments."""
