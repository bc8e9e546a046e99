"""What would block a cycle, and who can mend it."""
