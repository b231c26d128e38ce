"""`lfci hook NAME`: what the installed hooks and the manifest for hook frameworks call.

pre-push fails closed; post-checkout and prepare-commit-msg fail open: git has done its work, or the
user is about to write a message, and the forge judges either way.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate import files
from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.errors import LfciError, Undecided, UsageError

if TYPE_CHECKING:
    from lfci_gate.model import RefUpdate

_SUMMARIES = {
    "pre-push": "judge a push as the forge will, and send the evidence first",
    "pre-commit": "run the checks of what is staged",
    "post-checkout": "open a session when none is open",
    "prepare-commit-msg": "name the open session in the commit message",
}
_MESSAGE_BYTES = 16 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES)
    for name, each in made.items():
        each.add_argument("args", nargs="*", metavar="ARG", help="as git gives them to the hook")
        each.add_argument(
            "--framework",
            action="store_true",
            help="called by pre-commit or prek: take from their environment what git would have said",
        )
        each.set_defaults(hook=name)


def run(args: argparse.Namespace, context: Context) -> int:
    _in_the_hook_s_repository(context)
    if args.hook == "pre-push":
        return _pre_push(args, context)
    if args.hook == "pre-commit":
        from lfci_gate.cli import run as run_verb

        return run_verb(
            ["check", "--staged"],
            environ=context.environ,
            directory=context.directory,
            stdout=context.output.out,
            stderr=context.output.err,
            now=context.now,
        )
    try:
        if args.hook == "post-checkout":
            _post_checkout(args, context)
        else:
            _prepare_commit_msg(args.args, context)
    except LfciError as error:
        context.output.note(f"lfci {args.hook}: {error.message} ({error.code}); going on without")
    return 0


def _in_the_hook_s_repository(context: Context) -> None:
    """The repository that git runs the hook for. Where it is not the one that is found from the working
    copy (`git --git-dir=... --work-tree=...`), git names it in GIT_DIR."""
    named = context.environ.get("GIT_DIR")
    if not named:
        return
    wanted = Path(context.directory, named).resolve()
    try:
        if context.git.git_dir.resolve() == wanted:
            return
    except UsageError:
        pass  # nothing is found from here, so what git names is all there is
    extra = {"GIT_DIR": str(wanted)}
    tree = context.environ.get("GIT_WORK_TREE")
    if tree:
        extra["GIT_WORK_TREE"] = str(Path(context.directory, tree).resolve())
    context.git = context.git.with_env(extra)


# -- pre-push -----------------------------------------------------------------------------------


def _pre_push(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.cli.verdicts import print_verdict
    from lfci_gate.clone.deliver import MARK, parse_pre_push, prepare_push
    from lfci_gate.clone.target import find_target
    from lfci_gate.git.objects import BatchReader
    from lfci_gate.model import VerdictKind

    if context.environ.get(MARK):
        return 0  # one of our own pushes, which carries the evidence
    git = context.git
    with BatchReader(git) as objects:
        if args.framework:
            from lfci_gate.cli.framework import framework_push

            remote, url, updates = framework_push(context, objects)
        else:
            if len(args.args) != 2:
                raise UsageError("LFCI514", "pre-push takes the remote's name and its URL, as git gives them")
            remote, url = args.args
            updates = parse_pre_push(sys.stdin.buffer.read())
        if not updates:
            return 0
        known = _known_remote(context, remote, url)
        target = find_target(git, remote=known, branch=_branch(context, updates), ask=True)
        verdict = prepare_push(git, objects, target, url, updates, context.now(), known=known is not None)
    if verdict is None:
        return 0
    print_verdict(context.output, verdict)
    context.output.note(
        "The push was stopped here: a gate would say the same. Nothing was sent. "
        "(To a remote without a gate: git push --no-verify)"
    )
    return Undecided.exit_status if verdict.kind is VerdictKind.UNDECIDED else 1


def _branch(context: Context, updates: tuple[RefUpdate, ...]) -> str | None:
    """With a detached HEAD a pushed branch is the target; else the clone knows it."""
    from lfci_gate.git.refs import head_branch

    if head_branch(context.git) is not None:
        return None
    branches = [each.ref for each in updates if each.ref.startswith("refs/heads/")]
    landed = [each.ref for each in updates if each.ref in branches and each.old is not None]
    return next(iter((*landed, *branches)), None)


def _known_remote(context: Context, name: str, url: str) -> str | None:
    """The configured remote of a push; git gives the URL as its name when there is none."""
    settings = context.git.settings
    if f"remote.{name}.url" in settings:
        return name
    return next(
        (key[len("remote.") : -len(".url")] for key, values in settings.items()
         if key.startswith("remote.") and key.endswith(".url") and url in values),
        None,
    )  # fmt: skip


# -- post-checkout --------------------------------------------------------------------------------


def _post_checkout(args: argparse.Namespace, context: Context) -> None:
    kind = context.environ.get("PRE_COMMIT_CHECKOUT_TYPE") if args.framework else _third(args.args)
    if kind != "1":
        return  # single files were checked out, not a branch
    from lfci_gate import session
    from lfci_gate.git.refs import head_branch

    # Detached: no branch was checked out. Rebase and bisect do that on their way, for nobody's work.
    if head_branch(context.git) is None or session.current(context.git) is not None:
        return
    from lfci_gate.cli.session import start_session

    made = start_session(context, agent=None, goal=None, if_none=True)
    if made.is_new:
        context.output.note(f"lfci: session {made.session.id} started for {made.session.agent}")


def _third(args: Sequence[str]) -> str | None:
    return args[2] if len(args) == 3 else None


# -- prepare-commit-msg -------------------------------------------------------------------------------


def _prepare_commit_msg(args: Sequence[str], context: Context) -> None:
    from lfci_gate import session
    from lfci_gate.cli.commit_message import with_session

    if not args:
        raise UsageError("LFCI514", "prepare-commit-msg takes the file of the message")
    git = context.git
    # Relative to the top of the working copy, where git runs this hook.
    path = git.toplevel / Path(args[0])
    current = session.current(git)
    message = files.read_file(path, _MESSAGE_BYTES)
    if message is None or len(message) > _MESSAGE_BYTES:
        return
    comment = git.config("core.commentChar") or "#"
    marked = with_session(
        message,
        None if current is None else current.id,
        comment=b"#" if comment == "auto" else comment.encode(),
    )
    if marked != message:
        mode = path.stat().st_mode & 0o777
        files.write_file(path, marked, mode=mode)
