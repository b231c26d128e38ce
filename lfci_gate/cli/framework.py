"""What pre-commit and prek say of a push, in their environment.

They name only the first of several pushed refs, give no input, and no commits at all when a root
commit is pushed. What they leave out is looked up; it never means "nothing to do".
"""

from __future__ import annotations

from lfci_gate.cli.context import Context
from lfci_gate.clone.target import BRANCHES, find_target, tracking_ref
from lfci_gate.errors import UsageError
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.refs import list_refs
from lfci_gate.model import RefUpdate

__all__ = ["framework_push"]


def framework_push(context: Context, objects: BatchReader) -> tuple[str, str, tuple[RefUpdate, ...]]:
    """(remote's name, URL, updates) of the push that a framework runs us for.

    Raises UsageError LFCI514 when there is neither a URL nor a remote, or nothing that could be
    what is pushed.
    """
    environ = context.environ
    git = context.git
    remote = environ.get("PRE_COMMIT_REMOTE_NAME") or find_target(git).remote or ""
    url = environ.get("PRE_COMMIT_REMOTE_URL") or git.config(f"remote.{remote}.url")
    pushed = environ.get("PRE_COMMIT_TO_REF") or environ.get("PRE_COMMIT_LOCAL_BRANCH") or "HEAD"
    new = objects.resolve(pushed)
    if not url or new is None:
        raise UsageError("LFCI514", "the framework does not say what is pushed where")
    ref = environ.get("PRE_COMMIT_REMOTE_BRANCH") or find_target(git, remote=remote).ref
    # PRE_COMMIT_FROM_REF may be a guess of the framework's (a new branch has no old value), so the
    # forge's value as last fetched is what counts.
    tracked = tracking_ref(remote, ref) if ref.startswith(BRANCHES) else ""
    old = list_refs(git, tracked).get(tracked) if tracked else None
    context.output.note(f"lfci: judging {ref}; a framework names the first pushed ref only")
    return remote, url, (RefUpdate(ref, old, new),)
