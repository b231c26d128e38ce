"""`lfci break-glass`: let one exact change land without all that its rule asks for, two people together
and for everybody to see (rule 16)."""

from __future__ import annotations

import argparse
import os
from typing import Any

from lfci_gate import files
from lfci_gate.attest.bundle import MAX_BUNDLE_BYTES
from lfci_gate.attest.bypass import WAIVES
from lfci_gate.canonical import format_time
from lfci_gate.cli.arguments import actions, add_key_option
from lfci_gate.cli.context import Context
from lfci_gate.cli.revisions import commit_named
from lfci_gate.cli.verdicts import print_verdict
from lfci_gate.clone import break_glass
from lfci_gate.clone.break_glass import Offered
from lfci_gate.clone.bypassing import land, needed
from lfci_gate.clone.deliver import fetch_target
from lfci_gate.clone.target import BRANCHES, Target, find_target, landed_policy
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.gate.render import bypass_lines, verdict_object
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Policy, VerdictKind

_SUMMARIES = {
    "request": "ask for a bypass and sign it first; writes a file",
    "sign": "look at what somebody asks for, and add a signature to the file",
    "land": "land the commit together with its bypass",
    "list": "list landings by break-glass",
}
_MOST_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES)
    request = made["request"]
    request.add_argument("rev", metavar="REV", help="the commit that must land, as it is")
    request.add_argument("--onto", metavar="BRANCH", required=True, help="where")
    request.add_argument(
        "--reason", metavar="TEXT", required=True, help="why, for everybody who reads it later"
    )
    request.add_argument(
        "--expires", metavar="TIME", default="2h", help="how long it is good: 90m, 2h (default)"
    )
    request.add_argument(
        "--waive",
        metavar="WHAT",
        action="append",
        choices=WAIVES,
        help=f"{', '.join(WAIVES)}; more than once (default: what the rules would refuse now)",
    )
    request.add_argument("--output", metavar="FILE", help="default: break-glass-<commit>.json, here")
    sign = made["sign"]
    sign.add_argument("--yes", action="store_true", help="I have read it (else the terminal asks)")
    for action in ("sign", "land"):
        made[action].add_argument("file", metavar="FILE")
    for action in ("request", "sign"):
        add_key_option(made[action])
    for action in ("request", "sign", "land"):
        made[action].add_argument(
            "--remote", metavar="NAME", help="default: the branch's upstream, or origin"
        )
    made["list"].add_argument("range", nargs="?", metavar="A..B", help="only commits of this range")


def run(args: argparse.Namespace, context: Context) -> int:
    if args.action == "list":
        from lfci_gate.cli.break_glass_list import list_bypasses

        return list_bypasses(context, args.range)
    return {"request": _request, "sign": _sign, "land": _land}[args.action](args, context)


def _request(args: argparse.Namespace, context: Context) -> int:
    git, now = context.git, context.now()
    with BatchReader(git) as objects:
        commit = commit_named(objects, args.rev)
        target = _fetched(context, args.remote, args.onto)
        policy = _policy(objects, target)
        signer = context.settings(key=args.key).approver(context.ask_passphrase)
        waives = args.waive or needed(git, objects, target, policy, commit, now)
        offered = break_glass.request(
            objects,
            target,
            policy,
            commit,
            signer,
            reason=args.reason,
            life_s=break_glass.seconds(args.expires),
            waives=waives,
            now=now,
        )
        break_glass.refuse_backwards(git, policy, offered.bypass)
        _show(context, break_glass.content_of(git, objects, offered.bypass), offered)
    path = args.output or f"break-glass-{commit[:12]}.json"
    target_path = os.path.join(context.directory, path)
    if os.path.lexists(target_path):
        raise UsageError("LFCI514", f"{path} exists already", hint="name another one: --output FILE")
    files.write_file(target_path, offered.line + b"\n", mode=0o644)
    return _signed(context, offered, policy, path)


def _sign(args: argparse.Namespace, context: Context) -> int:
    git, now = context.git, context.now()
    path = os.path.join(context.directory, args.file)
    with BatchReader(git) as objects:
        offered, target, policy = _opened(args, context, objects)
        break_glass.refuse_dead(offered, target, policy, now)
        content = break_glass.content_of(git, objects, offered.bypass)
        signer = context.settings(key=args.key).approver(context.ask_passphrase)
        signed = break_glass.cosign(objects, offered, policy, signer, now)
        _show(context, content, offered)
    if not args.yes:
        if not context.interactive:
            raise UsageError(
                "LFCI514",
                "nobody is here to say that they have read it",
                hint=f"lfci break-glass sign {args.file} --yes",
            )
        if context.ask("Sign this? [y/N] ").lower() not in ("y", "yes"):
            raise Refusal("LFCI218", "not signed", hint="nothing was changed")
    files.write_file(path, signed.line + b"\n", mode=0o644)
    return _signed(context, signed, policy, args.file)


def _land(args: argparse.Namespace, context: Context) -> int:
    git, output = context.git, context.output
    with BatchReader(git) as objects:
        offered, target, policy = _opened(args, context, objects)
        allowed = break_glass.refuse_dead(offered, target, policy, context.now())
        left = break_glass.missing(offered, allowed)
        if left:
            raise Refusal(
                "LFCI218",
                f"{left} more {'person has' if left == 1 else 'people have'} to sign it",
                facts=(f"signed by: {', '.join(offered.identities) or 'nobody whom the policy knows'}",),
                hint=f"lfci break-glass sign {args.file}",
            )
        break_glass.content_of(git, objects, offered.bypass)
        landed = land(git, objects, target, policy, offered, context.now())
    verdict = landed.verdict
    result = "refused" if landed.refused_by_forge else verdict.kind.value
    output.json(
        {
            "schema": "lfci.break-glass-land/1",
            "result": result,
            "landed": result == "accepted",
            "commit": offered.bypass.commit,
            "ref": offered.bypass.ref,
            "bypass": verdict.refs[0].bypass,
            "verdict": verdict_object(verdict),
            "forge": list(landed.refused_by_forge),
        }
    )
    if verdict.kind is not VerdictKind.ACCEPTED:
        print_verdict(output, verdict)
        output.note("Nothing was sent.")
        return 3 if verdict.kind is VerdictKind.UNDECIDED else 1
    if landed.refused_by_forge:
        for line in landed.refused_by_forge:
            output.reason_line(line)
        output.note(f"{target.remote} refused the push.")
        return 1
    for line in bypass_lines(verdict):
        output.reason_line(line)
    branch = target.ref.removeprefix(BRANCHES)
    if verdict.refs[0].bypass is None:
        output.line(f"landed {offered.bypass.commit[:12]} on {branch}; the bypass was not needed", "good")
    else:
        output.line(
            f"landed {offered.bypass.commit[:12]} on {branch} by break-glass: it did NOT pass", "warn"
        )
    return 0


# -- what they share ---------------------------------------------------------------------------------


def _fetched(context: Context, remote: str | None, branch: str) -> Target:
    target = find_target(context.git, remote=remote, branch=branch, ask=True)
    if target.remote is None:
        raise UsageError("LFCI514", "this clone has no remote", hint="git remote add origin URL")
    return fetch_target(context.git, target)


def _opened(
    args: argparse.Namespace, context: Context, objects: BatchReader
) -> tuple[Offered, Target, Policy]:
    data = files.read_file(os.path.join(context.directory, args.file), MAX_BUNDLE_BYTES + 1)
    if data is None:
        raise UsageError("LFCI514", f"there is no file {args.file}", hint="lfci break-glass request REV ...")
    line = data.removesuffix(b"\n")
    target = _fetched(context, args.remote, break_glass.ref_of(line))
    policy = _policy(objects, target)
    return break_glass.read_offered(line, policy), target, policy


def _policy(objects: BatchReader, target: Target) -> Policy:
    policy = landed_policy(objects, target, None)
    if policy is None:
        raise UsageError(
            "LFCI201", "no policy has landed there, so nothing can be bypassed", hint="lfci land (the policy)"
        )
    return policy


def _show(context: Context, content: break_glass.Content, offered: Offered) -> None:
    """Exactly what is signed, on stderr: also where the answer is JSON."""
    bypass, say = offered.bypass, context.output.note
    say("BREAK-GLASS: whoever signs this lets the following land without what the rules ask for.")
    say(f"  repository  {bypass.repository}")
    say(f"  ref         {bypass.ref}")
    say(f"  from        {bypass.old or 'nothing: the ref does not exist yet'}")
    say(f"  to          {bypass.commit}")
    say(f"  waives      {', '.join(bypass.waives)}")
    say(f"  asked by    {bypass.requested_by}, as the file says")
    for number, line in enumerate(bypass.reason.splitlines()):
        say(f"  {'because' if number == 0 else '':<11} {line}")
    say(f"  good from   {format_time(bypass.issued_at)} until {format_time(bypass.not_after)}, once")
    say(f"  signed by   {', '.join(offered.identities) or 'nobody whom the policy knows'}")
    for title, lines in (
        ("commits", [f"{oid[:12]} {subject}" for oid, subject in content.commits]),
        ("changes", content.paths),
    ):
        for number, line in enumerate(lines[:_MOST_SHOWN]):
            say(f"  {title if number == 0 else '':<11} {line}")
        if len(lines) > _MOST_SHOWN:
            say(f"  {'':<11} and {len(lines) - _MOST_SHOWN} more")


def _signed(context: Context, offered: Offered, policy: Policy, path: str) -> int:
    left = break_glass.missing(offered, break_glass.allowed_by(policy, offered.bypass.ref))
    context.output.json(
        {"schema": "lfci.break-glass/1", **offered_object(offered), "file": path, "missing": left}
    )
    context.output.line(f"signed: {path}", "strong")
    if left:
        who = "one more person" if left == 1 else f"{left} more people"
        context.output.line(f"{who} must look at it and sign it: lfci break-glass sign {path}")
    else:
        context.output.line(f"enough people have signed it: lfci break-glass land {path}")
    return 0


def offered_object(offered: Offered) -> dict[str, Any]:
    """A bypass in a JSON answer."""
    bypass = offered.bypass
    return {
        "id": offered.id,
        "commit": bypass.commit,
        "ref": bypass.ref,
        "old": bypass.old,
        "waives": list(bypass.waives),
        "reason": bypass.reason,
        "requestedBy": bypass.requested_by,
        "issuedAt": format_time(bypass.issued_at),
        "notAfter": format_time(bypass.not_after),
        "signedBy": list(offered.identities),
    }
