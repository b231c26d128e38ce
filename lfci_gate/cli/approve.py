"""`lfci approve`: approve changes of protected paths, as a role of the policy."""

from __future__ import annotations

import argparse

from lfci_gate.cli.arguments import add_key_option
from lfci_gate.cli.context import Context
from lfci_gate.cli.revisions import commit_named
from lfci_gate.clone.approve import Approved, approve, parts_to_approve
from lfci_gate.clone.deliver import fetch_evidence, fetch_target, push_refs
from lfci_gate.clone.evidence import evidence_refs
from lfci_gate.clone.target import BRANCHES, Target, find_target, landed_policy
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.gate.against_base import WHOLE
from lfci_gate.gate.objects import read_commit
from lfci_gate.gate.protect import Part, changed_paths
from lfci_gate.git.inbox import inbox_ref
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.tree import shown
from lfci_gate.model import ObjectId


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
    add_key_option(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    git = context.git
    output = context.output
    settings = context.settings(key=args.key)
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
        signer = settings.approver(context.ask_passphrase)
        key = next((each for each in policy.keys if each.public == signer.public), None)
        if key is None:
            raise Refusal(
                "LFCI103", "the policy does not know your key", facts=(f"key: {signer.public.fingerprint}",)
            )
        change, parts = parts_to_approve(git, objects, target, policy, commit, vanished_tests=args.tests)
        wanted = [part for part in parts if args.role is None or args.role in part.protection.roles]
        mine = [part for part in wanted if set(part.protection.roles) & set(key.roles)]
        if wanted and not mine:
            roles = sorted({role for part in wanted for role in part.protection.roles})
            raise Refusal(
                "LFCI215",
                f"the key {key.name} may not approve this change",
                facts=(f"needs one of the roles: {', '.join(roles)}", f"has: {', '.join(key.roles)}"),
            )
        for part in mine:
            output.note(f"approving for {', '.join(part.protection.roles)}:")
            for path in changed_paths(objects, change, part.protection):
                output.note(f"  {shown(path)}")
        for part in wanted:
            if part not in mine:
                output.note(f"left to others: a change that needs {' or '.join(part.protection.roles)}")
        now = context.now()
        done = [approve(git, objects, change, part, policy, key, signer, args.reason, now) for part in mine]
        if done and target.remote is not None and not args.no_push:
            refs = {inbox_ref(each.part.to_tree, each.id) for each in done}
            held = evidence_refs(git)
            push_refs(git, target.remote, {ref: held[ref] for ref in refs})
            fetch_evidence(git, target.remote)
    _report(context, commit, target.ref, done, pushed=target.remote is not None and not args.no_push)
    if not done:
        _say_nothing(context, commit, target, parts, args.role)
    return 0


def _say_nothing(
    context: Context, commit: ObjectId, target: Target, parts: tuple[Part, ...], role: str | None
) -> None:
    branch = target.ref.removeprefix(BRANCHES)
    if parts:
        needed = ", ".join(sorted({each for part in parts for each in part.protection.roles}))
        what = f"changes nothing of {branch} that {role} approves (its changes need: {needed})"
    else:
        what = f"changes no protected path of {branch}: nothing to approve"
    context.output.line(f"{commit[:12]} {what}")


def _report(context: Context, commit: str, ref: str, done: list[Approved], *, pushed: bool) -> None:
    context.output.json(
        {
            "schema": "lfci.approve/1",
            "commit": commit,
            "ref": ref,
            "delivered": pushed and bool(done),
            "approvals": [
                {
                    "attestation": each.id,
                    "to": each.part.to_tree,
                    "from": each.part.from_tree,
                    "paths": list(each.paths),
                    "protection": list(each.part.protection.paths),
                }
                for each in done
            ],
        }
    )
    branch = ref.removeprefix(BRANCHES)
    for each in done:
        where = "delivered to the forge" if pushed else "kept in this clone"
        what = f"{len(each.paths)} protected {'path' if len(each.paths) == 1 else 'paths'}"
        if each.part.protection.paths == WHOLE:
            what = "the whole change, vanished tests included,"
        context.output.line(f"approved {what} of {commit[:12]} for {branch}, {where}", "good")
