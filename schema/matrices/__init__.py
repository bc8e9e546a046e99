"""How a leader's results are dealt out: the matrix of roles and results, templates."""
