"""Appraisals: periodic and final evaluation, ratings, predicates, units' results, 360 feedback."""
