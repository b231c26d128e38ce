"""`lfci runner`: a service that checks commits for others and signs with a key that they cannot read."""
