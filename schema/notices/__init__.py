"""What people are told without asking: a digest of a team, a nudge about one's own day."""
