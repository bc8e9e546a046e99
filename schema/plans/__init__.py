"""What was agreed with a person: performance plans (SKP), periods, action plans, feedback."""
