"""`lfci policy show`: a policy in plain words."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable

from lfci_gate.cli.context import Context
from lfci_gate.cli.output import Output
from lfci_gate.cli.policy_objects import policy_object
from lfci_gate.cli.policy_read import Here, PolicyRead, open_here
from lfci_gate.clone.target import full_ref
from lfci_gate.config.meaning import (
    Need,
    delegation_lines,
    first_landing,
    key_rows,
    needs,
    rule_title,
    scope_lines,
    uncovered,
)
from lfci_gate.config.policy import rule_for
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.model import Rule

_WIDTH = 100
_COLUMN = 14


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", metavar="FILE|REV", nargs="?", help="another policy (default: the one in force)"
    )
    parser.add_argument("--ref", metavar="REF", help="only the rule of this branch or tag")


def run(args: argparse.Namespace, context: Context) -> int:
    with open_here(context) as here:
        read = read_or_refuse(here, args.source)
        beside = _beside(here, read) if args.source is None and read.in_force else ""
    rules = tuple(enumerate(read.policy.rules, 1))
    if args.ref is not None:
        rules = (_rule_of(read, full_ref(args.ref)),)
    output, now = context.output, context.now()
    output.json({"schema": "lfci.policy-show/1", **policy_object(read, rules, now)})
    header(output, read)
    _keys(output, read, context)
    for number, rule in rules:
        output.line()
        output.line(rule_title(number, rule), "strong")
        needs_lines(output, needs(read.policy, rule, now))
    _powers(output, read, context)
    if args.ref is None:
        output.line()
        entry(output, "Not covered", [uncovered(read.policy)])
        entry(output, "First landing", [first_landing(read.policy)])
    output.line()
    output.line("A signature says who claims that a check passed, not that it ran: lfci help trust")
    if beside:
        output.note(f"note: {beside}")
    return 0


def _beside(here: Here, read: PolicyRead) -> str:
    """What is to be said about the working copy's own policy; empty when it is the same one."""
    try:
        proposed = here.proposed()
    except LfciError as error:
        return f"the policy of the working copy is malformed ({error.code}): lfci policy check"
    if proposed is None or proposed.policy.digest == read.policy.digest:
        return ""
    return f"the working copy has another policy, version {proposed.policy.version}: lfci policy diff"


def read_or_refuse(here: Here, source: str | None) -> PolicyRead:
    """The named policy, or the one in force. Raises UsageError LFCI201 when there is none."""
    found = here.named(source) if source is not None else here.in_force()
    if found is None:
        raise UsageError("LFCI201", "neither the target nor this tree has a policy", hint="lfci init")
    return found


def _rule_of(read: PolicyRead, ref: str) -> tuple[int, Rule]:
    rule = rule_for(read.policy, ref)
    if rule is None:
        raise UsageError("LFCI514", f"no rule covers {ref}", hint=f"lfci policy explain-ref {ref}")
    return read.policy.rules.index(rule) + 1, rule


# -- lines -----------------------------------------------------------------------------------------


def header(output: Output, read: PolicyRead) -> None:
    """Which policy this is, and whether it is in force."""
    output.line(f"Policy version {read.policy.version}, {read.where}", "strong")
    if read.how:
        entry(output, "In force", [read.how], style="" if read.in_force else "warn")
    entry(output, "Repository", [read.policy.repository])


def needs_lines(output: Output, found: Iterable[Need]) -> None:
    for need in found:
        alarming = any(word in " ".join(need.text) for word in ("NONE", "NOBODY"))
        entry(output, need.label, need.text, style="warn" if alarming else "")


def entry(output: Output, label: str, sentences: Iterable[str], *, style: str = "") -> None:
    """A label in a column, and sentences beside it, each from a new line, wrapped."""
    shown = label if len(label) < _COLUMN else f"{label[: _COLUMN - 4]}..."
    for sentence in sentences:
        for line in textwrap.wrap(sentence, _WIDTH - _COLUMN - 2, break_long_words=False) or [""]:
            output.line(f"  {shown:<{_COLUMN}}{line}".rstrip(), style)
            shown = ""


def _keys(output: Output, read: PolicyRead, context: Context) -> None:
    output.line()
    if not read.policy.keys:
        output.line("No keys: nobody can attest or approve anything", "warn")
        return
    output.line("Keys (an identity is who holds them: all its keys count as one)", "strong")
    rows = key_rows(read.policy, context.now())
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        output.line("  " + "  ".join(cells).rstrip(), "warn" if not row[3].startswith("counts") else "")


def _powers(output: Output, read: PolicyRead, context: Context) -> None:
    scopes, links = scope_lines(read.policy), delegation_lines(read.policy, context.now())
    if scopes:
        output.line()
        output.line("Limited roles (a role that is not here counts everywhere)", "strong")
        for role, text in scopes:
            entry(output, role, [text])
    if links:
        output.line()
        output.line("Delegations", "strong")
        for number, text in enumerate(links, 1):
            entry(output, str(number), [text])
    if scopes or links:
        output.line("  Neither of them counts for a change of .lfci/policy.toml.")
