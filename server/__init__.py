"""How the system runs: sockets, processes, clocks, the environment."""
