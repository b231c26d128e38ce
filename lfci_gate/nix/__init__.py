"""Everything that talks to Nix: argv and environment of each call, check derivations, the store."""
