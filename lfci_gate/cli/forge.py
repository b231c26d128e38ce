"""`lfci forge`: set up and look after a bare repository with a gate."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.errors import UsageError
from lfci_gate.git.process import Git

if TYPE_CHECKING:
    from lfci_gate.gate.watch import Line


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(
        parser,
        {
            "init": "make a bare repository a forge with a gate",
            "fold": "take the inbox into the notes and record landings",
            "status": "show whether the gate is whole and awake",
            "recover": "after a restored backup: take newer records from a clone that has them",
        },
    )
    for each in made.values():
        each.add_argument("repo", metavar="REPO", type=Path, help="the bare repository")
    init = made["init"]
    init.add_argument(
        "--policy",
        metavar="FILE",
        type=Path,
        required=True,
        help="in force until a policy has landed in the repository",
    )
    init.add_argument(
        "--on-server",
        action="store_true",
        help="keep this policy in force for good: the one in the repository decides nothing",
    )
    init.add_argument("--branch", default="main", metavar="NAME", help="HEAD of a new repository")
    init.add_argument("--object-format", choices=("sha1", "sha256"), default="sha1")
    recover = made["recover"].add_mutually_exclusive_group(required=True)
    recover.add_argument("--from", dest="clone", metavar="CLONE", type=Path, help="a clone that has more")
    recover.add_argument(
        "--accept-loss", action="store_true", help="nobody has the lost landing records any more: stop asking"
    )
    made["status"].add_argument("--no-probe", action="store_true", help="do not push at the gate")


def run(args: argparse.Namespace, context: Context) -> int:
    return {"init": _init, "fold": _fold, "status": _status, "recover": _recover}[args.action](args, context)


def _init(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.gate.install import forge_status, init_forge

    branch = args.branch if args.branch.startswith("refs/") else f"refs/heads/{args.branch}"
    policy = init_forge(
        args.repo, args.policy, on_server=args.on_server, object_format=args.object_format, branch=branch
    )
    lines = forge_status(args.repo)
    bad = [line for line in lines if not line.ok]
    output = context.output
    output.json(
        {
            "schema": "lfci.forge-init/1",
            "repository": str(args.repo),
            "policyVersion": policy.version,
            "ok": not bad,
            "key": _public_line(args.repo),
            "lines": [_line_object(line) for line in lines],
        }
    )
    _print(context, lines)
    if not bad:
        output.line(f"the gate of {args.repo} is awake; clones can trust its landing records with:", "good")
        output.line(f"  git config --add lfci.forgeKey '{_public_line(args.repo)}'")
    return 1 if bad else 0


def _fold(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.gate.fold import fold

    done = fold(_bare(args.repo))
    context.output.json(
        {
            "schema": "lfci.forge-fold/1",
            "attestations": done.attestations,
            "landings": done.landings,
            "expired": done.expired,
            "waiting": done.waiting,
        }
    )
    context.output.line(
        f"folded {done.attestations} attestations, recorded {done.landings} landings, "
        f"{done.expired} expired, {done.waiting} wait for a key of the policy"
    )
    return 0


def _status(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.gate.install import forge_status

    lines = forge_status(args.repo, probe=not args.no_probe)
    ok = all(line.ok for line in lines)
    context.output.json(
        {"schema": "lfci.forge-status/1", "ok": ok, "lines": [_line_object(line) for line in lines]}
    )
    _print(context, lines)
    return 0 if ok else 1


def _recover(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.gate.recover import accept_loss, recover

    git, output = _bare(args.repo), context.output
    if args.accept_loss:
        lost = accept_loss(git)
        output.json({"schema": "lfci.forge-accept-loss/1", "lost": list(lost)})
        output.line(f"{len(lost)} lost tips of the landing records are not asked for any more")
        return 0
    done = recover(git, args.clone)
    output.json(
        {
            "schema": "lfci.forge-recover/1",
            "landings": done.landings,
            "moved": [{"ref": ref, "old": old, "new": new} for ref, old, new in done.moved],
            "left": list(done.left),
        }
    )
    output.line(f"{done.landings} landing records came back")
    for ref, old, new in done.moved:
        output.line(f"{ref}: {old[:12] if old else 'nothing'} to {new[:12]}")
    for line in done.left:
        output.line(line, "warn")
    return 1 if done.left else 0


def _print(context: Context, lines: tuple[Line, ...]) -> None:
    for line in lines:
        context.output.marked(
            "ok  " if line.ok else "FAIL", "good" if line.ok else "bad", f"{line.what}: {line.detail}"
        )
        if line.fix:
            context.output.line(f"     fix: {line.fix}")


def _line_object(line: Line) -> dict[str, object]:
    return {"ok": line.ok, "what": line.what, "detail": line.detail, "fix": line.fix}


def _public_line(repo: Path) -> str:
    from lfci_gate.attest.keys import format_public
    from lfci_gate.gate.landed import forge_signer

    return format_public(forge_signer(Git(repo)).public, "forge")


def _bare(repo: Path) -> Git:
    git = Git(repo)
    if not git.is_bare:
        raise UsageError("LFCI510", f"{repo} is not a bare repository")
    return git
