"""``python -m tests.attacks``: mounts every attack and prints what happened. See README.md."""

from tests.attacks.runner import main

if __name__ == "__main__":
    raise SystemExit(main())
