"""`lfci check`: run the checks of this tree, or answer from what is known."""

from __future__ import annotations

import argparse
from typing import NamedTuple

from lfci_gate.cli.arguments import (
    add_engine_option,
    add_key_option,
    add_runner_options,
    engine_of,
    runner_of,
)
from lfci_gate.cli.checked import check_objects, error_of
from lfci_gate.cli.checking import Checked, Checker, Options
from lfci_gate.cli.context import Context
from lfci_gate.cli.revisions import commit_named
from lfci_gate.clone.target import find_target, landed_policy
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import LfciError, Refusal, UsageError
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.commit import Commit
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId, Outcome

WORKING_COPY = "the working copy"
STAGED = "what is staged"
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
    parser.add_argument("--staged", action="store_true", help="check what the next commit would hold")
    add_engine_option(parser)
    add_runner_options(parser)
    parser.add_argument(
        "--unsandboxed",
        action="store_true",
        help="for debugging: run without the sandbox, with your network; never attests anything",
    )
    parser.add_argument("--no-attest", action="store_true", help="sign and store nothing")
    parser.add_argument("--force", action="store_true", help="run also when the result is known")
    parser.add_argument(
        "--twice",
        action="store_true",
        help="run twice, the second time under other permitted settings, and say what differs",
    )
    parser.add_argument(
        "--runs", type=int, metavar="N", help="run so many times (2 to 1000), and show what is not steady"
    )
    parser.add_argument(
        "--trailer", action="store_true", help="print an Lfci-Attestation trailer for the commit message"
    )
    parser.add_argument("--target", metavar="BRANCH", help="branch that the change is meant for")
    parser.add_argument("--remote", metavar="NAME")
    parser.add_argument("--agent", metavar="ID", help="who acts (default: LFCI_AGENT, lfci.agent)")
    add_key_option(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    if sum((args.rev is not None, args.worktree, args.staged)) > 1:
        raise UsageError("LFCI514", "--rev, --worktree and --staged exclude each other")
    if args.unsandboxed and (args.trailer or args.engine or args.force):
        raise UsageError("LFCI514", "--unsandboxed excludes --trailer, --engine and --force")
    if args.runs is not None and not 2 <= args.runs <= 1000:
        raise UsageError("LFCI514", "--runs takes a number from 2 to 1000")
    if (args.twice or args.runs) and (args.unsandboxed or args.trailer or (args.twice and args.runs)):
        raise UsageError("LFCI514", "--twice, --runs, --trailer and --unsandboxed exclude each other")
    git = context.git
    settings = context.settings(key=args.key, agent=args.agent)
    here = bool(args.engine == "develop" or args.no_attest or args.unsandboxed or args.twice or args.runs)
    runner = runner_of(args, settings, here=here)
    engine = engine_of(args.engine)
    options = Options(engine, args.force, not args.no_attest, args.twice, args.runs or 0, runner)
    with BatchReader(git) as objects:
        subject = _subject(context, objects, args)
        target = find_target(git, remote=args.remote, branch=args.target)
        policy = landed_policy(objects, target, subject.tree)
        if args.unsandboxed:
            from lfci_gate.cli.unsandboxed import run_unsandboxed

            rule = None if policy is None else rule_for(policy, target.ref)
            return run_unsandboxed(context, objects, subject.tree, tuple(args.names), rule)
        checker = Checker(context, settings, objects, options)
        checked = checker.check(subject.tree, target, policy, tuple(args.names), subject.commit)
    return _report(context, subject, target.ref, checked, trailer=args.trailer)


class _Subject(NamedTuple):
    """What is checked."""

    tree: ObjectId
    what: str
    """For people."""
    commit: Commit | None = None


def _subject(context: Context, objects: BatchReader, args: argparse.Namespace) -> _Subject:
    """The working copy as it is; when nothing in it is changed that is HEAD's tree, and nothing has to
    be read to find out."""
    if args.rev is not None:
        commit = commit_named(objects, args.rev)
        parsed = read_commit(objects, commit)
        return _Subject(parsed.tree, args.rev, parsed)
    head = objects.resolve("HEAD^{commit}")
    parsed_head = None if head is None else read_commit(objects, head)
    if args.staged:
        from lfci_gate.clone.staged import staged_tree

        tree, what = staged_tree(context.git, context.environ), STAGED
    elif parsed_head is not None and not args.worktree and not _maybe_dirty(context):
        tree, what = parsed_head.tree, "HEAD"
    else:
        from lfci_gate.git.worktree import snapshot_worktree

        tree, what = snapshot_worktree(context.git), WORKING_COPY
    if parsed_head is not None and tree == parsed_head.tree:
        return _Subject(tree, "HEAD", parsed_head)
    return _Subject(tree, what)


def _maybe_dirty(context: Context) -> bool:
    from lfci_gate.git.quick import maybe_dirty

    return maybe_dirty(context.git)


def _report(context: Context, subject: _Subject, ref: str, checked: list[Checked], *, trailer: bool) -> int:
    output = context.output
    outcomes = {Outcome.PASSED if each.is_good else each.outcome for each in checked}
    # A failure is a failure, whatever else could not be told.
    worst = next(each for each in (Outcome.FAILED, Outcome.UNDECIDED, Outcome.PASSED) if each in outcomes)
    line, problem = _trailer(checked) if trailer else (None, None)
    output.json(
        {
            "schema": "lfci.check/1",
            "tree": subject.tree,
            "of": subject.what,
            "ref": ref,
            "result": _result(worst, checked),
            "checks": check_objects(checked),
            **({"trailer": line} if trailer else {}),
        }
    )
    # With --trailer the answer on stdout is the trailer alone, for: git commit --trailer "$(...)"
    for each in checked:
        style = {"PASSED": "good", "FAILED": "bad"}.get(each.outcome.value, "warn")
        style = "warn" if each.quarantined else style
        if trailer:
            output.note(_line(each))
        else:
            output.line(_line(each), style)
        if each.repeated is not None:
            from lfci_gate.cli.repeating import repeated_lines

            for text, kind in repeated_lines(each.repeated, context.git.common_dir):
                output.line(text, kind)
        error = error_of(each)
        if error is not None:
            output.error(error)
    _advise(context, subject, worst)
    if problem is not None:
        raise problem
    if line is not None:
        output.line(line)
    return _EXIT[worst]


def _result(worst: Outcome, checked: list[Checked]) -> str:
    """A failure that is borne is no pass, and is not called one."""
    borne = worst is Outcome.PASSED and any(each.quarantined for each in checked)
    return "QUARANTINED" if borne else worst.value


def _advise(context: Context, subject: _Subject, worst: Outcome) -> None:
    if subject.what == WORKING_COPY:
        context.output.note(
            f"checked the working copy (tree {subject.tree[:12]}), not HEAD; commit exactly this to land it: "
            "git add -A && git commit"
        )
    elif subject.what == STAGED and worst is Outcome.PASSED:
        context.output.note(f"checked what is staged (tree {subject.tree[:12]}): git commit, then lfci land")


def _line(checked: Checked) -> str:
    value = check_objects([checked])[0]
    tests = value.get("tests")
    parts = [f"{value['name']}: {value['result'].lower()}"]
    if tests:
        passed = "1 test" if tests["passed"] == 1 else f"{tests['passed']} tests"
        parts.append(f"{passed} passed, {tests['failed']} failed, {tests['skipped']} skipped")
    if checked.quarantined:
        names = ", ".join(ascii(each)[1:-1][:160] for each in checked.quarantined[:5])
        more = f" and {len(checked.quarantined) - 5} more" if len(checked.quarantined) > 5 else ""
        parts.append(f"in quarantine on the base: {names}{more}")
    parts.append("known" if value["known"] else f"{value['durationMs'] / 1000:.1f} s")
    if value["attempt"] > 1:
        parts.append(f"attempt {value['attempt']}")
    if value["attestation"]:
        parts.append(f"attestation {value['attestation'][:12]}")
    return ", ".join(parts)


def _trailer(checked: list[Checked]) -> tuple[str | None, LfciError | None]:
    """One commit message holds one attestation; the others travel through the inbox."""
    from lfci_gate.attest.bundle import parse_bundle
    from lfci_gate.attest.trailer import format_inline

    lines = [each.line for each in checked if each.line is not None and each.outcome is Outcome.PASSED]
    if len(lines) == 1:
        return f"Lfci-Attestation: {format_inline(parse_bundle(lines[0]))}", None
    if any(each.outcome is not Outcome.PASSED for each in checked):
        return None, None  # that is said already
    return None, UsageError(
        "LFCI514",
        f"a trailer holds one attestation, and {len(lines)} checks passed with one",
        hint="name one check: lfci check NAME --trailer",
    )


def unpassed(checked: list[Checked]) -> LfciError | None:
    """The first check that did not pass, as an error; for verbs that go on only after a pass."""
    for each in checked:
        error = error_of(each)
        if error is not None:
            return error
        if not each.is_good:
            return Refusal("LFCI108", f"check {each.definition.name} is known to fail")
    return None
