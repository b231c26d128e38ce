"""The gate: decides about a push, records what landed. `rules` is pure; IO is at the edge."""
