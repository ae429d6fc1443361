"""Benchmarks behind `./pytake bench`: each module's `run(argv)` prints JSON lines."""
