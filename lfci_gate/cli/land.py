"""`lfci land`: bring the change and its evidence to the forge."""

from __future__ import annotations

import argparse

from lfci_gate.cli.arguments import add_key_option
from lfci_gate.cli.check import unpassed
from lfci_gate.cli.checking import Checked, Checker, Options, check_objects
from lfci_gate.cli.context import Context
from lfci_gate.cli.verdicts import print_verdict
from lfci_gate.clone.land import Landed, land
from lfci_gate.clone.target import BRANCHES, Target
from lfci_gate.gate.render import verdict_object
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Engine, ObjectId, Policy, VerdictKind


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", metavar="BRANCH", help="default: the remote's default branch")
    parser.add_argument("--remote", metavar="NAME", help="default: the branch's upstream, or origin")
    parser.add_argument("--dry-run", action="store_true", help="do everything but push")
    parser.add_argument("--engine", choices=[engine.value for engine in Engine], default="develop")
    parser.add_argument("--agent", metavar="ID", help="who acts (default: LFCI_AGENT, lfci.agent)")
    add_key_option(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    git = context.git
    settings = context.settings(key=args.key, agent=args.agent)
    checked: list[Checked] = []
    with BatchReader(git) as objects:
        checker = Checker(context, settings, objects, Options(Engine(args.engine)))

        def ensure(tree: ObjectId, target: Target, policy: Policy) -> None:
            done = checker.check(tree, target, policy)
            checked.extend(done)
            error = unpassed(done)
            if error is not None:
                raise error

        landed = land(
            git,
            objects,
            remote=args.remote,
            branch=args.target,
            ensure=ensure,
            say=context.output.note,
            now=context.now,
            dry_run=args.dry_run,
        )
    return _report(context, landed, checked)


def _report(context: Context, landed: Landed, checked: list[Checked]) -> int:
    output = context.output
    refused = landed.verdict is not None or bool(landed.refused_by_forge)
    output.json(
        {
            "schema": "lfci.land/1",
            "result": "refused" if refused else "accepted",
            "landed": not (refused or landed.already or landed.dry_run),
            "commit": landed.commit,
            "ref": landed.ref,
            "replayed": landed.replayed,
            "attempts": landed.attempts,
            "already": landed.already,
            "dryRun": landed.dry_run,
            "leftBehind": landed.left_behind,
            "checks": check_objects(checked),
            "verdict": None if landed.verdict is None else verdict_object(landed.verdict),
            "forge": list(landed.refused_by_forge),
        }
    )
    if landed.verdict is not None:
        print_verdict(output, landed.verdict)
        return 3 if landed.verdict.kind is VerdictKind.UNDECIDED else 1
    if landed.refused_by_forge:
        for line in landed.refused_by_forge:
            output.reason_line(line)
        return 1
    branch = landed.ref.removeprefix(BRANCHES)
    short = landed.commit[:12]
    if landed.already:
        output.line(f"nothing to land: {branch} has {short} already")
    elif landed.dry_run:
        output.line(f"would land {short} on {branch}: the rules accept it", "good")
    else:
        output.line(f"landed {short} on {branch}", "good")
    if landed.left_behind:
        output.note(
            f"your branch was left where it was, because uncommitted changes are in the way; later: "
            f"git reset --keep {short}"
        )
    return 0
