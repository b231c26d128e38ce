"""`lfci land`: bring the change and its evidence to the forge."""

from __future__ import annotations

import argparse

from lfci_gate.cli.arguments import (
    add_engine_option,
    add_key_option,
    add_runner_options,
    engine_of,
    runner_of,
)
from lfci_gate.cli.check import unpassed
from lfci_gate.cli.checked import check_objects
from lfci_gate.cli.checking import Checked, Checker, Options
from lfci_gate.cli.context import Context
from lfci_gate.cli.verdicts import print_verdict
from lfci_gate.clone.land import Landed, Lander, Wait
from lfci_gate.clone.target import BRANCHES, Target
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.render import bypass_lines, verdict_object
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId, Policy, VerdictKind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", metavar="BRANCH", help="default: the remote's default branch")
    parser.add_argument("--remote", metavar="NAME", help="default: the branch's upstream, or origin")
    parser.add_argument("--dry-run", action="store_true", help="do everything but push")
    add_engine_option(parser)
    add_runner_options(parser)
    parser.add_argument("--agent", metavar="ID", help="who acts (default: LFCI_AGENT, lfci.agent)")
    add_key_option(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    git = context.git
    settings = context.settings(key=args.key, agent=args.agent)
    checked: list[Checked] = []
    with BatchReader(git) as objects:
        runner = runner_of(args, settings, here=args.engine == "develop")
        checker = Checker(context, settings, objects, Options(engine_of(args.engine), runner=runner))

        def ensure(commit: ObjectId, target: Target, policy: Policy, wait: Wait) -> None:
            parsed = read_commit(objects, commit)
            done = checker.check(parsed.tree, target, policy, commit=parsed, wait=wait)
            checked.extend(done)
            error = unpassed(done)
            if error is not None:
                raise error

        lander = Lander(git, objects, ensure=ensure, say=context.output.note, now=context.now)
        landed = lander.land(remote=args.remote, branch=args.target, dry_run=args.dry_run)
    return _report(context, landed, checked)


def _report(context: Context, landed: Landed, checked: list[Checked]) -> int:
    output = context.output
    undecided = landed.verdict is not None and landed.verdict.kind is VerdictKind.UNDECIDED
    output.json(
        {
            "schema": "lfci.land/1",
            "result": "undecided" if undecided else "refused" if landed.refused else "accepted",
            "landed": not (landed.refused or landed.already or landed.dry_run),
            "commit": landed.commit,
            "ref": landed.target.ref,
            "remote": landed.target.remote,
            "replayed": landed.replayed,
            "attempts": landed.attempts,
            "already": landed.already,
            "dryRun": landed.dry_run,
            "leftBehind": landed.left_behind,
            "checks": check_objects(checked),
            "verdict": None if landed.verdict is None else verdict_object(landed.verdict),
            "bypass": None if landed.accepted is None else landed.accepted.refs[0].bypass,
            "forge": list(landed.refused_by_forge),
        }
    )
    if landed.verdict is not None:
        print_verdict(output, landed.verdict)
        output.note("Nothing was sent, and nothing of yours was changed.")
        return 3 if undecided else 1
    if landed.refused_by_forge:
        for line in landed.refused_by_forge:
            output.reason_line(line)
        output.note(f"{landed.target.remote} refused the push. Nothing of yours was changed.")
        return 1
    if landed.accepted is not None:
        for line in bypass_lines(landed.accepted):
            output.reason_line(line)
    _say_success(context, landed)
    return 0


def _say_success(context: Context, landed: Landed) -> None:
    output = context.output
    branch = landed.target.ref.removeprefix(BRANCHES)
    short = landed.commit[:12]
    if landed.already:
        output.line(f"nothing to land: {branch} of {landed.target.remote} has this change already ({short})")
    elif landed.dry_run:
        output.line(f"would land {short} on {branch}: the rules accept it", "good")
    else:
        output.line(f"landed {short} on {branch}", "good")
    if not landed.left_behind:
        return
    if landed.already:
        output.note(f"to bring your branch up to it: git rebase {landed.target.name}")
    else:
        output.note(
            "your branch was left where it was, because uncommitted changes (or an unfinished merge or "
            f"rebase) are in the way; later: git rebase --autostash {landed.target.name}"
        )
