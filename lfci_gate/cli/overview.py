"""`lfci --help`: the verbs, in the order in which they are needed."""

from __future__ import annotations

from collections.abc import Iterator

from lfci_gate.cli import VERBS

_GROUPS = (
    ("once a project", ("init", "install", "policy")),
    ("every day", ("session", "check", "land", "verify", "approve", "env", "cache")),
    ("keys and evidence", ("key", "attestation")),
    ("on the server", ("forge", "runner")),
    ("when something is wrong", ("doctor", "explain", "help", "break-glass")),
)


def overview() -> Iterator[str]:
    """The lines of the screen."""
    yield "lfci: local-first CI for git. Run the project's checks here, land with a signed proof of it."
    yield ""
    yield "usage: lfci VERB [ARGUMENT...]      (or: git lfci VERB ...)"
    for title, verbs in _GROUPS:
        yield ""
        yield f"{title}:"
        for verb in verbs:
            yield f"  {verb:<12} {VERBS[verb]}"
    yield ""
    yield "New here: lfci init, then lfci doctor, then lfci check."
    yield "More: lfci VERB --help, lfci help trust, lfci --version"
