"""What a supervisor watches: who is active, who has not filled in, whose hours fall short."""
