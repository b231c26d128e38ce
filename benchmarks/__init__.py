"""What docs/performance.md measures: one module a figure, each run by ``python -m benchmarks [p1 ...]``."""
