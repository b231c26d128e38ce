"""`lfci attestation forget-forge`: what the forge serves now is right, whatever this clone has seen there."""

from __future__ import annotations

from lfci_gate.cli.context import Context
from lfci_gate.clone.evidence import SEEN
from lfci_gate.clone.target import find_target
from lfci_gate.errors import UsageError
from lfci_gate.git.refs import list_refs, update_refs


def forget_forge(context: Context, remote: str | None) -> int:
    """Deletes the memory of one remote, and says what it was: git's own collector has not taken it yet."""
    git, output = context.git, context.output
    name = find_target(git, remote=remote).remote
    if name is None:
        raise UsageError("LFCI514", "this clone has no remote", hint="git remote -v")
    held = list_refs(git, f"{SEEN}{name}")
    update_refs(git, [(ref, oid, None) for ref, oid in held.items()])
    output.json({"schema": "lfci.forgotten/1", "remote": name, "seen": dict(held)})
    for ref, oid in held.items():
        output.line(f"forgotten: {ref.removeprefix(f'{SEEN}{name}/')} at {oid}")
    if held:
        output.line("(to have one of them back: git update-ref REF OBJECT, before git gc takes the objects)")
    else:
        output.line(f"nothing was remembered of {name}")
    return 0
