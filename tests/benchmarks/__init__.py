"""`make bench`: what reads cost here, beside the limit, PostGraphile and plain loaders.

`python -m tests.benchmarks` makes the data, starts each server as one process, checks that all
answer the same facts, measures them in interleaved rounds and writes docs/benchmarks.md.
"""
