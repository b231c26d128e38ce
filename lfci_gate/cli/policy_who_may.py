"""`lfci policy who-may PATH`: who can attest and approve a change of one file, and who nearly can."""

from __future__ import annotations

import argparse
from typing import Any

from lfci_gate.cli.context import Context
from lfci_gate.cli.output import Output
from lfci_gate.cli.policy_objects import about
from lfci_gate.cli.policy_read import Here, open_here
from lfci_gate.cli.policy_show import read_or_refuse
from lfci_gate.clone.target import full_ref
from lfci_gate.config.meaning import rule_title
from lfci_gate.config.policy import rule_for
from lfci_gate.config.policy_words import identities, with_role
from lfci_gate.errors import UsageError
from lfci_gate.gate.who_may import Ability, Able, who_may

_TITLES = {
    "attest": "Attest that check {} passed",
    "verify": "Verify what is attested of check {}, as somebody else",
    "approve": "Approve it (protected: {})",
    "bypass": "Let it land in an emergency without {}",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", help="a file, named from the root of the tree")
    parser.add_argument("--ref", metavar="REF", help="branch or tag it is to land on (default: the target)")
    parser.add_argument("--policy", metavar="FILE|REV", help="another policy (default: the one in force)")


def run(args: argparse.Namespace, context: Context) -> int:
    path = _path(args.path)
    with open_here(context) as here:
        read = read_or_refuse(here, args.policy)
        ref = full_ref(args.ref) if args.ref is not None else _target(here, args.path)
    rule = rule_for(read.policy, ref)
    if rule is None:
        raise UsageError("LFCI514", f"no rule covers {ref}", hint=f"lfci policy explain-ref {ref}")
    found = who_may(read.policy, rule, ref, path, context.now())
    number = read.policy.rules.index(rule) + 1
    output = context.output
    output.json(
        {
            "schema": "lfci.policy-who-may/1",
            "policy": about(read),
            "path": args.path,
            "ref": ref,
            "rule": number,
            "needs": [_object(each) for each in found],
        }
    )
    output.line(f"A change of {args.path} on {ref}", "strong")
    output.line(f"{rule_title(number, rule)} (policy version {read.policy.version}, {read.where})")
    for each in found:
        _print(output, each)
    if not rule.require:
        output.line()
        output.line("No check has to be attested.")
    if not any(each.what == "approve" for each in found):
        output.line()
        output.line("No approval is needed: no protection covers it.")
    elif rule.require:
        output.line()
        output.line("Whose attestation the checks need does not approve the same change too.")
    return 0


def _target(here: Here, path: str) -> str:
    target = here.target()
    if target is None:
        message = "HEAD is detached and no target branch is known"
        raise UsageError("LFCI514", message, hint=f"lfci policy who-may {path} --ref BRANCH")
    return target.ref


def _path(text: str) -> bytes:
    parts = text.split("/")
    if any(part in ("", ".", "..") for part in parts):
        raise UsageError(
            "LFCI514",
            f"{text} is not the path of a file, from the root of the tree",
            hint="lfci policy who-may docs/index.md",
        )
    return text.encode("utf-8", "surrogateescape")


def _print(output: Output, each: Ability) -> None:
    need = f"{identities(each.threshold)} {with_role(each.roles)}"
    enough = len(each.identities) >= each.threshold
    output.line()
    output.line(f"{_TITLES[each.what].format(', '.join(each.about.split()))}: {need}", "strong")
    if not enough:
        output.line(f"  TOO FEW: only {len(each.identities)} can now", "bad")
    previous = ""
    for able in each.able:
        again = " (the same identity)" if able.key.identity == previous else ""
        previous = able.key.identity
        key = "" if able.key.name == able.key.identity else f" by key {able.key.name}"
        output.line(f"  {able.key.identity}{key}{again}: {_way(able)}")
    for near in each.near:
        key = (
            near.key.name if near.key.name == near.key.identity else f"{near.key.name} of {near.key.identity}"
        )
        output.line(f"  not {key}: {near.why}", "dim")


def _way(able: Able) -> str:
    return f"role {able.role}" if able.role in able.key.roles else f"role {able.role}, {able.why}"


def _object(each: Ability) -> dict[str, Any]:
    return {
        "what": each.what,
        "about": each.about.split(),
        "roles": list(each.roles),
        "threshold": each.threshold,
        "identities": list(each.identities),
        "able": [
            {"key": able.key.name, "identity": able.key.identity, "role": able.role, "why": able.why}
            for able in each.able
        ],
        "near": [
            {"key": near.key.name, "identity": near.key.identity, "why": near.why} for near in each.near
        ],
    }
