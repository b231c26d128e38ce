"""`lfci approve`: approve changes of protected paths, as a role of the policy."""

from __future__ import annotations

import argparse
from typing import Any

from lfci_gate.cli.arguments import add_key_option
from lfci_gate.cli.context import Context
from lfci_gate.cli.output import Output
from lfci_gate.cli.revisions import commit_named
from lfci_gate.clone.approve import Approved, approve, may_approve
from lfci_gate.clone.deliver import fetch_evidence, fetch_target, push_refs
from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.review import ChangedPath, Review, changed_in, is_whole, review
from lfci_gate.clone.target import BRANCHES, Target, find_target, landed_policy
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.protect import Part
from lfci_gate.git.inbox import inbox_ref
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import Policy, PolicyKey

Listed = tuple[tuple[Part, tuple[ChangedPath, ...]], ...]
"""The parts that are asked for, with their changed paths."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rev", metavar="REV", help="the commit whose protected parts you approve")
    parser.add_argument(
        "--tests", action="store_true", help="approve also that tests vanish: the whole change, as it is"
    )
    parser.add_argument("--role", metavar="ROLE", help="approve only what this role may approve")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, for whoever reads it later")
    parser.add_argument("--target", metavar="BRANCH", help="branch that the change is meant for")
    parser.add_argument("--remote", metavar="NAME")
    parser.add_argument("--no-push", action="store_true", help="keep the approval in this clone")
    parser.add_argument("--dry-run", action="store_true", help="show what it would be, and sign nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask, also on a terminal")
    add_key_option(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    git = context.git
    with BatchReader(git) as objects:
        # Before anything is fetched: what is approved is what the reviewer has looked at.
        commit = commit_named(objects, args.rev, hint="git fetch")
        target = find_target(git, remote=args.remote, branch=args.target, ask=not args.no_push)
        if target.remote is not None and not args.no_push:
            # From an old tip it would approve what others have landed meanwhile, and not count.
            target = fetch_target(git, target)
        policy = landed_policy(objects, target, read_commit(objects, commit).tree)
        if policy is None:
            raise UsageError("LFCI201", "the target has no policy, so nothing to approve", hint="lfci init")
        found = review(git, objects, target, policy, commit, vanished_tests=args.tests)
        wanted = [part for part in found.parts if args.role is None or args.role in part.protection.roles]
        listed: Listed = tuple((part, changed_in(objects, found, part)) for part in wanted)
        _show(context.output, found, listed)
        done: list[Approved] = []
        declined = False
        if not args.dry_run:
            done, declined = _approve(args, context, objects, target, policy, found, wanted)
    delivered = target.remote is not None and not args.no_push
    _report(context.output, found, listed, done, args.dry_run, delivered=delivered)
    if declined:
        context.output.note("Nothing was approved.")
    elif not done:
        _say_nothing(context.output, found, target, listed, args)
    return 1 if declined else 0


def _approve(
    args: argparse.Namespace,
    context: Context,
    objects: BatchReader,
    target: Target,
    policy: Policy,
    found: Review,
    wanted: list[Part],
) -> tuple[list[Approved], bool]:
    """What was signed (and delivered), and whether somebody said no."""
    git, output, now = context.git, context.output, context.now()
    signer = context.settings(key=args.key).approver(context.ask_passphrase)
    key = next((each for each in policy.keys if each.public == signer.public), None)
    if key is None:
        raise Refusal(
            "LFCI103", "the policy does not know your key", facts=(f"key: {signer.public.fingerprint}",)
        )
    why = {id(part): may_approve(objects, found.change, part, policy, key, now) for part in wanted}
    mine = [part for part in wanted if not why[id(part)]]
    if wanted and not mine:
        roles = sorted({role for part in wanted for role in part.protection.roles})
        raise Refusal(
            "LFCI215",
            f"the key {key.name} may not approve this change",
            facts=(f"needs one of the roles: {', '.join(roles)}", *dict.fromkeys(why.values())),
        )
    for part in wanted:
        if part not in mine:
            output.note(f"left to others: a change that needs {' or '.join(part.protection.roles)}")
    if mine and not args.yes and context.interactive and not _agrees(context, key):
        return [], True
    done = [approve(git, objects, found.change, part, policy, key, signer, args.reason, now) for part in mine]
    if done and target.remote is not None and not args.no_push:
        _deliver(git, target.remote, done)
    return done, False


def _agrees(context: Context, key: PolicyKey) -> bool:
    answer = context.ask(f"Approve exactly this as {key.name} ({', '.join(key.roles)})? [y/N] ")
    return answer.lower() in ("y", "yes")


def _deliver(git: Git, remote: str, done: list[Approved]) -> None:
    refs = {inbox_ref(each.part.to_tree, each.id) for each in done}
    held = evidence_refs(git)
    push_refs(git, remote, {ref: held[ref] for ref in refs})
    fetch_evidence(git, remote)


# -- what is shown before -------------------------------------------------------------------------


def _show(output: Output, found: Review, listed: Listed) -> None:
    """What is about to be approved, all of it; on stderr, since the answer is what was done."""
    if not listed and not found.weaker and not found.policy:
        return
    branch = found.change.ref.removeprefix(BRANCHES)
    against = f"compared with {found.base[:12]}" if found.base is not None else "its first landing"
    output.note(f"{found.change.commit[:12]} for {branch}, {against}:")
    for part, paths in listed:
        output.note(_heading(part))
        width = max((len(each.kind) for each in paths), default=0)
        for each in paths:
            detail = f" ({each.detail})" if each.detail else ""
            output.note(f"  {each.kind:<{width}}  {each.path}{detail}")
    if found.weaker:
        output.note("weaker than before, in .lfci/config.toml:")
        for weakening in found.weaker:
            output.note(f"  {weakening.line}")
    if found.policy:
        output.note("the policy:")
        for difference in found.policy:
            output.note(f"  {difference.kind:<8}  {difference.about}: {difference.text}")
    if found.tests:
        output.note("tests:")
        for line in found.tests:
            output.note(f"  {line}")


def _heading(part: Part) -> str:
    protection = part.protection
    roles = " or ".join(protection.roles)
    needs = f"needs {roles}" if protection.threshold == 1 else f"needs {protection.threshold} of {roles}"
    if is_whole(part):
        return f"the whole change, so that tests may vanish ({needs}):"
    return f"protected: {', '.join(protection.paths)} ({needs}):"


# -- the answer -----------------------------------------------------------------------------------


def _say_nothing(
    output: Output, found: Review, target: Target, listed: Listed, args: argparse.Namespace
) -> None:
    branch = target.ref.removeprefix(BRANCHES)
    short = found.change.commit[:12]
    if listed:
        output.line(f"would approve this of {short} for {branch}; nothing was signed")
    elif found.parts:
        needed = ", ".join(sorted({each for part in found.parts for each in part.protection.roles}))
        what = f"changes nothing of {branch} that {args.role} approves (its changes need: {needed})"
        output.line(f"{short} {what}")
    else:
        output.line(f"{short} changes no protected path of {branch}: nothing to approve")


def _report(
    output: Output, found: Review, listed: Listed, done: list[Approved], dry_run: bool, *, delivered: bool
) -> None:
    paths = {id(part): tuple(each.path for each in changed) for part, changed in listed}
    output.json(
        {
            "schema": "lfci.approve/1",
            "commit": found.change.commit,
            "base": found.base,
            "ref": found.change.ref,
            "dryRun": dry_run,
            "delivered": delivered and bool(done),
            "changes": [_part_object(part, changed) for part, changed in listed],
            "weaker": [
                {"check": each.check or None, "kind": each.kind, "text": each.text} for each in found.weaker
            ],
            "policy": [{"kind": each.kind, "about": each.about, "text": each.text} for each in found.policy],
            "tests": list(found.tests),
            "approvals": [
                {
                    "attestation": each.id,
                    "to": each.part.to_tree,
                    "from": each.part.from_tree,
                    "paths": list(paths[id(each.part)]),
                    "protection": list(each.part.protection.paths),
                }
                for each in done
            ],
        }
    )
    branch = found.change.ref.removeprefix(BRANCHES)
    for each in done:
        where = "delivered to the forge" if delivered else "kept in this clone"
        count = len(paths[id(each.part)])
        what = f"{count} protected {'path' if count == 1 else 'paths'}"
        if is_whole(each.part):
            what = "the whole change, vanished tests included,"
        output.line(f"approved {what} of {found.change.commit[:12]} for {branch}, {where}", "good")


def _part_object(part: Part, changed: tuple[ChangedPath, ...]) -> dict[str, Any]:
    return {
        "protection": list(part.protection.paths),
        "roles": list(part.protection.roles),
        "threshold": part.protection.threshold,
        "paths": [
            {"path": each.path, "change": each.kind, "detail": each.detail or None} for each in changed
        ],
    }
