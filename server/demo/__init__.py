"""A year of an agency played by script, through the use cases that its people would use."""
