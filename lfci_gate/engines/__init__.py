"""Running checks: the sandbox, the engines, reports, and what a run's end means."""
