"""`lfci policy edit`: change .lfci/policy.toml of the working copy; comments and layout stay.

What is written can be read and met, by the same functions as at the gate; otherwise nothing is.
"""

from __future__ import annotations

import argparse

from lfci_gate import files
from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.cli.output import Output
from lfci_gate.cli.policy_check import approval_lines
from lfci_gate.cli.policy_diff import difference_object, print_differences
from lfci_gate.cli.policy_edit_arguments import KINDS, add_parts
from lfci_gate.cli.policy_edit_parts import Ask, change_of
from lfci_gate.cli.policy_read import Here, PolicyRead, open_here
from lfci_gate.config.policy import PATH, parse_policy, unsatisfiable
from lfci_gate.config.policy_diff import Difference, differences
from lfci_gate.config.policy_edit import edited
from lfci_gate.config.policy_warnings import Warned, warnings
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.model import Policy
from lfci_gate.value import Value


class Edited(Value):
    """What an edit comes to."""

    old: Policy
    new: Policy
    data: bytes
    """The file then; empty when nothing changes."""
    found: tuple[Difference, ...]
    warned: tuple[Warned, ...]
    """What there was not to warn of before."""
    landed: PolicyRead | None
    ref: str | None
    """Where the proposal goes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, KINDS, dest="kind")
    for kind, below in made.items():
        for each in add_parts(kind, below):
            each.add_argument(
                "--dry-run", action="store_true", help="say what it would change; write nothing"
            )
    parser.epilog = (
        "The version becomes one more than that of the policy in force, once for all edits of a proposal.\n"
        "RULE is a rule's number in `lfci policy show`, or a branch that it covers. TIME is 2027-01-31,\n"
        "2027-01-31T12:00:00Z, or 14d from now."
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Raises Refusal LFCI202 for a result that nobody could meet, UsageError LFCI201, LFCI202, LFCI203 for a
    file older than what has landed, LFCI222, LFCI514."""
    target = context.git.toplevel / PATH
    change = change_of(args, context.now())
    with open_here(context) as here:
        if args.dry_run:
            done = _edit(here, context, change)
        else:
            with files.locked(context.git.git_dir / "lfci" / "policy-edit.lock"):
                done = _edit(here, context, change)
                if done.data:
                    files.write_file(target, done.data, mode=0o644)
    _report(context, done, written=bool(done.data) and not args.dry_run)
    return 0


def _edit(here: Here, context: Context, change: Ask) -> Edited:
    data = here.worktree_policy()
    if data is None:
        raise UsageError("LFCI201", f"the working copy has no {PATH}", hint="lfci init")
    old, now, head = parse_policy(data), context.now(), here.head()
    landed = here.in_force()
    if landed is not None and not landed.in_force:
        landed = None
    if landed is not None and old.version < landed.policy.version:
        raise UsageError(
            "LFCI203",
            "the policy of the working copy is older than the one in force, and would undo it",
            facts=(f"in force: version {landed.policy.version} ({landed.where})", f"here: {old.version}"),
            hint="git rebase, or git merge, then the edit again",
        )
    result, new = edited(data, change, landed=None if landed is None else landed.policy.version)
    problems = unsatisfiable(new, now=now, head=head)
    known_problems = {_without_count(each) for each in unsatisfiable(old, now=now, head=head)}
    fresh = [each for each in problems if _without_count(each) not in known_problems]
    if fresh:
        raise Refusal(
            "LFCI202",
            "nobody could meet the policy then, so nothing was written",
            facts=tuple(fresh[:3]),
            hint="give somebody the role first: lfci policy edit key add NAME --public LINE --role ROLE",
        )
    known = {each.text for each in warnings(old, now, config=None, files=None)}
    warned = tuple(each for each in warnings(new, now, config=None, files=None) if each.text not in known)
    warned += tuple(Warned("people", f"still, {each}", "") for each in problems)
    target = here.target()
    return Edited(
        old,
        new,
        b"" if result == data else result,
        differences(old, new, head=head),
        warned,
        landed,
        None if target is None else target.ref,
    )


def _without_count(problem: str) -> str:
    """A problem without how many there are: that there are more by now is no new one."""
    return problem.partition("; there are ")[0]


# -- what is said ----------------------------------------------------------------------------------


def _report(context: Context, done: Edited, *, written: bool) -> None:
    output = context.output
    commands = _next(done) if done.data else ()
    output.json(
        {
            "schema": "lfci.policy-edit/1",
            "file": PATH,
            "changed": bool(done.data),
            "written": written,
            "version": done.new.version,
            "differences": [difference_object(each) for each in done.found],
            "warnings": [{"kind": each.kind, "text": each.text, "fix": each.fix} for each in done.warned],
            "next": list(commands),
        }
    )
    if not done.data:
        output.line(f"nothing to do: {PATH} says that already")
        return
    what = "wrote" if written else "would write (--dry-run)"
    output.line(f"{what} {PATH}, version {done.new.version}", "strong")
    print_differences(output, done.found)
    for each in done.warned:
        output.marked("warn    ", "warn", each.text)
    if written:
        _say_next(output, done, context, commands)


def _next(done: Edited) -> tuple[str, ...]:
    return (f"git add {PATH}", f"git commit -m 'Policy version {done.new.version}'", "lfci land")


def _say_next(output: Output, done: Edited, context: Context, commands: tuple[str, ...]) -> None:
    output.line()
    output.line("Next:")
    output.line(f"  {commands[0]} && {commands[1]}")
    if done.landed is None:
        output.line("  no policy is in force where it goes, so this one is brought by the operator:")
        output.line(f"  lfci forge init REPO --policy {PATH}")
        return
    for text in approval_lines(done.landed, done.ref, context):
        output.line(f"  it {text}:")
    output.line("  lfci approve HEAD   (each approver, of the commit they have read)")
    output.line(f"  {commands[2]}")
