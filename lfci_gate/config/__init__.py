"""The project's checks and the policy: strict readers and writers, alias detection, scaffolds."""
