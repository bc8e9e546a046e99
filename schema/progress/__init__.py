"""Activities taken in, progress records, daily logs, and the match of an activity to a target."""
