"""`lfci policy check`: can this policy land, what will the gate say, what may surprise later."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from lfci_gate.cli.context import Context
from lfci_gate.cli.findings import Finding, fail, failed, ok, warn
from lfci_gate.cli.policy_objects import about
from lfci_gate.cli.policy_read import Here, PolicyRead, open_here
from lfci_gate.cli.policy_show import read_or_refuse
from lfci_gate.config.policy import PATH, rule_for, unsatisfiable
from lfci_gate.config.policy_diff import LOOSER, differences
from lfci_gate.config.policy_warnings import warnings
from lfci_gate.config.policy_words import counted, identities, with_role
from lfci_gate.config.project import parse_project
from lfci_gate.config.satisfiable import soon
from lfci_gate.errors import LfciError
from lfci_gate.gate.authority import Authority, refuse_bad_proposal
from lfci_gate.gate.facts import Push
from lfci_gate.gate.who_may import approvers
from lfci_gate.model import ProjectConfig

_STYLES = {"ok": "good", "warn": "warn", "fail": "bad", "info": ""}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE|REV", nargs="?", help=f"default: {PATH} of the working copy")
    parser.epilog = (
        "Exit status: 0 it can land (warnings may be told), 1 the gate would refuse it or nobody could\n"
        "meet it, 2 it is malformed."
    )


def run(args: argparse.Namespace, context: Context) -> int:
    with open_here(context) as here:
        read = None if args.source is not None else here.proposed()
        read = read or read_or_refuse(here, args.source)
        findings = tuple(_findings(here, read, context))
    bad = any(each.status == "fail" for each in findings)
    output = context.output
    output.json(
        {
            "schema": "lfci.policy-check/1",
            "policy": about(read),
            "ok": not bad,
            "findings": [_object(each) for each in findings],
        }
    )
    for each in findings:
        output.marked(f"{each.status:<5}", _STYLES[each.status], f"{each.name:<10} {each.detail}")
        if each.fix:
            output.line(f"{'':<6}{'':<11}{each.fix}")
    warned = sum(each.status == "warn" for each in findings)
    output.line()
    if bad:
        output.line("this policy cannot land as it is", "bad")
    elif warned:
        output.line(f"in order; {counted(warned, 'warning')}", "warn")
    else:
        output.line("in order", "good")
    return 1 if bad else 0


def _findings(here: Here, read: PolicyRead, context: Context) -> Iterator[Finding]:
    policy, now, head = read.policy, context.now(), here.head()
    count = f"{counted(len(policy.keys), 'key')}, {counted(len(policy.rules), 'rule')}"
    yield ok("form", f"{read.where}: version {policy.version}, {count}")
    problems = unsatisfiable(policy, now=now, head=head)
    for each in problems:
        yield fail("people", f"{each} [LFCI202]", "")
    if not problems:
        yield ok("people", "somebody can meet everything that it asks for, now")
    yield from _against_landed(here, read, context, told=bool(problems))
    yield from (warn("people", each, "") for each in soon(policy, now, head=head))
    config, trouble = _config(read)
    if trouble is not None:
        yield failed("checks", trouble)._replace(status="warn")
    for found in warnings(policy, now, config=config, files=here.files_of(read)):
        yield warn(found.kind, found.text, found.fix)


def _against_landed(here: Here, read: PolicyRead, context: Context, *, told: bool) -> Iterator[Finding]:
    """What the gate says to the proposal, by the gate's own function."""
    landed = here.in_force()
    if landed is None or not landed.in_force:
        first = "nothing has landed yet: the first landing brings the policy that the server was given"
        yield Finding("proposal", "info", first, f"on the server: lfci forge init REPO --policy {PATH}")
        if (head := here.head()) is not None and rule_for(read.policy, head) is None:
            yield fail("proposal", f"it has no rule for {head}, the branch of HEAD [LFCI216]", "")
        return
    if landed.policy.digest == read.policy.digest:
        yield ok("proposal", f"this is the policy in force ({landed.where})")
        return
    target = here.target()
    ref, is_head = (target.ref, target.ref == target.head) if target is not None else (None, False)
    authority = Authority(landed.policy, landed.data, landed.source)
    try:
        refuse_bad_proposal(
            authority,
            here.policy_at(ref),
            read.data,
            ref if is_head else None,
            Push((), context.now()),
            first_landing=False,
        )
    except LfciError as error:
        if not (told and error.code == "LFCI202"):
            yield failed("proposal", error)
        return
    versions = f"version {landed.policy.version} becomes {read.policy.version}"
    yield ok("proposal", f"the gate takes its form: {versions} ({landed.where})")
    found = differences(landed.policy, read.policy, head=here.head())
    looser = sum(each.kind == LOOSER for each in found)
    yield Finding(
        "proposal", "info", f"{len(found)} differences, {looser} of them LOOSER", "lfci policy diff"
    )
    for text in approval_lines(landed, ref, context):
        yield Finding("proposal", "info", text, "")


def approval_lines(landed: PolicyRead, ref: str | None, context: Context) -> tuple[str, ...]:
    """Whose approval a change of the policy needs, by the policy in force."""
    rule = None if ref is None else rule_for(landed.policy, ref)
    if rule is None or ref is None:
        return (f"no rule covers {ref}: the change is not judged there",)
    return tuple(
        f"needs the approval of {identities(each.threshold)} {with_role(each.roles)}"
        f" (now: {', '.join(each.identities) or 'NOBODY'})"
        for each in approvers(landed.policy, rule, ref, PATH.encode(), context.now())
    )


def _config(read: PolicyRead) -> tuple[ProjectConfig | None, LfciError | None]:
    if read.config is None:
        return None, None
    try:
        return parse_project(read.config), None
    except LfciError as error:
        return None, error


def _object(each: Finding) -> dict[str, Any]:
    return {"name": each.name, "status": each.status, "detail": each.detail, "fix": each.fix or None}
