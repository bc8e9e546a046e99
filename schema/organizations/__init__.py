"""Agencies, units, employees, dated assignments, and who appraises whom."""
