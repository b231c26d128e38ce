"""`lfci check`: run the checks of this tree, or answer from what is known."""

from __future__ import annotations

import argparse

from lfci_gate.cli.arguments import add_key_option
from lfci_gate.cli.checking import Checked, Checker, Options, check_objects, error_of
from lfci_gate.cli.context import Context
from lfci_gate.clone.target import find_target, landed_policy
from lfci_gate.errors import LfciError, Refusal, UsageError
from lfci_gate.gate.objects import peel, read_commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Engine, ObjectId, Outcome

_EXIT = {Outcome.PASSED: 0, Outcome.FAILED: 1, Outcome.UNDECIDED: 3}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="checks to run (default: those that the target requires, else all)",
    )
    parser.add_argument("--rev", metavar="REV", help="check a commit instead of the working copy")
    parser.add_argument("--worktree", action="store_true", help="check the working copy as it is")
    parser.add_argument(
        "--engine",
        choices=[engine.value for engine in Engine],
        default="develop",
        help="develop: in a sandbox here (default); build: realise the derivation",
    )
    parser.add_argument("--no-attest", action="store_true", help="sign and store nothing")
    parser.add_argument("--force", action="store_true", help="run also when the result is known")
    parser.add_argument(
        "--trailer", action="store_true", help="print an Lfci-Attestation trailer for the commit message"
    )
    parser.add_argument("--target", metavar="BRANCH", help="branch that the change is meant for")
    parser.add_argument("--remote", metavar="NAME")
    parser.add_argument("--agent", metavar="ID", help="who acts (default: LFCI_AGENT, lfci.agent)")
    add_key_option(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    if args.rev and args.worktree:
        raise UsageError("LFCI514", "--rev and --worktree exclude each other")
    git = context.git
    settings = context.settings(key=args.key, agent=args.agent)
    options = Options(Engine(args.engine), args.force, not args.no_attest)
    with BatchReader(git) as objects:
        tree, what = _tree(context, objects, args.rev, args.worktree)
        target = find_target(git, remote=args.remote, branch=args.target)
        policy = landed_policy(objects, target, tree)
        checker = Checker(context, settings, objects, options)
        checked = checker.check(tree, target, policy, tuple(args.names))
    return _report(context, tree, what, target.ref, checked, trailer=args.trailer)


def _tree(context: Context, objects: BatchReader, rev: str | None, worktree: bool) -> tuple[ObjectId, str]:
    """What to check: the working copy as it is; when nothing in it is changed that is HEAD's tree,
    and no pygit2 is needed to find out."""
    from lfci_gate.git.quick import maybe_dirty

    if rev is not None:
        commit = objects.resolve(f"{rev}^{{commit}}")
        if commit is None:
            raise UsageError("LFCI514", f"there is no commit {rev}")
        return read_commit(objects, peel(objects, commit)).tree, rev
    head = objects.resolve("HEAD^{tree}")
    if head is not None and not worktree and not maybe_dirty(context.git):
        return head, "HEAD"
    from lfci_gate.git.worktree import snapshot_worktree

    tree = snapshot_worktree(context.git)
    return tree, "HEAD" if tree == head else "the working copy"


def _report(
    context: Context, tree: ObjectId, what: str, ref: str, checked: list[Checked], *, trailer: bool
) -> int:
    output = context.output
    worst = max((each.outcome for each in checked), key=lambda outcome: _EXIT[outcome])
    output.json(
        {
            "schema": "lfci.check/1",
            "tree": tree,
            "of": what,
            "ref": ref,
            "result": worst.value,
            "checks": check_objects(checked),
        }
    )
    for each in checked:
        output.line(_line(each), {"PASSED": "good", "FAILED": "bad"}.get(each.outcome.value, "warn"))
        error = error_of(each)
        if error is not None:
            output.error(error)
    if what == "the working copy":
        output.note(f"checked the working copy (tree {tree[:12]}), not HEAD: commit exactly this to land it")
    if trailer:
        _trailer(context, checked)
    return _EXIT[worst]


def _line(checked: Checked) -> str:
    value = check_objects([checked])[0]
    tests = value.get("tests")
    parts = [f"{value['name']}: {value['result'].lower()}"]
    if tests:
        parts.append(f"{tests['passed']} tests passed, {tests['failed']} failed, {tests['skipped']} skipped")
    parts.append("known" if value["known"] else f"{value['durationMs'] / 1000:.1f} s")
    if value["attestation"]:
        parts.append(f"attestation {value['attestation'][:12]}")
    return ", ".join(parts)


def _trailer(context: Context, checked: list[Checked]) -> None:
    """One commit message holds one attestation; the others travel through the inbox."""
    from lfci_gate.attest.bundle import parse_bundle
    from lfci_gate.attest.trailer import format_inline

    lines = [each.line for each in checked if each.line is not None and each.outcome is Outcome.PASSED]
    if len(lines) != 1:
        raise UsageError(
            "LFCI514",
            f"a trailer holds one attestation, and {len(lines)} checks passed with one",
            hint="name one check: lfci check NAME --trailer",
        )
    context.output.line(f"Lfci-Attestation: {format_inline(parse_bundle(lines[0]))}")


def unpassed(checked: list[Checked]) -> LfciError | None:
    """The first check that did not pass, as an error; for verbs that go on only after a pass."""
    for each in checked:
        error = error_of(each)
        if error is not None:
            return error
        if each.outcome is not Outcome.PASSED:
            return Refusal("LFCI108", f"check {each.definition.name} is known to fail")
    return None
