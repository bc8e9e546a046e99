"""How time and achievement are counted: dated policies, working weeks, holidays."""
