"""`lfci policy explain-ref REF`: which rule a ref has, and what a push to it needs, in the gate's order."""

from __future__ import annotations

import argparse
from typing import Any

from lfci_gate.cli.context import Context
from lfci_gate.cli.output import Output
from lfci_gate.cli.policy_objects import about
from lfci_gate.cli.policy_read import Here, open_here
from lfci_gate.cli.policy_show import entry, needs_lines, read_or_refuse
from lfci_gate.clone.target import full_ref
from lfci_gate.codes import CODES
from lfci_gate.config.meaning import Need, needs, rule_title
from lfci_gate.config.policy_words import refs_text
from lfci_gate.errors import Refusal
from lfci_gate.gate.cover import covering_rule
from lfci_gate.gate.refnames import Namespace, classify
from lfci_gate.model import Policy, Rule
from lfci_gate.patterns import PatternSet

_ALWAYS = (
    Need(1, "Name", ("It is in order, and no symbolic ref.",)),
    Need(2, "Policy", ("The one that has landed judges, never the one that is pushed.",)),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ref", metavar="REF", help="a branch, or a full name like refs/tags/v1")
    parser.add_argument("--policy", metavar="FILE|REV", help="another policy (default: the one in force)")


def run(args: argparse.Namespace, context: Context) -> int:
    ref = full_ref(args.ref)
    with open_here(context) as here:
        read = read_or_refuse(here, args.policy)
        rule, refused = _covering(here, read.policy, ref)
    output = context.output
    matching = _matching(read.policy, ref)
    found = needs(read.policy, rule, context.now()) if rule is not None else ()
    number = read.policy.rules.index(rule) + 1 if rule is not None else None
    output.json(
        {
            "schema": "lfci.policy-explain-ref/1",
            "policy": about(read),
            "ref": ref,
            "state": "refused" if refused else "protected" if rule is not None else "not judged",
            "code": refused.code if refused else None,
            "rule": number,
            "pattern": matching[0][1] if matching else None,
            "alsoMatching": [at for at, _pattern in matching[1:]],
            "needs": [_object(need) for need in found],
        }
    )
    output.line(f"{ref} (policy version {read.policy.version}, {read.where})", "strong")
    if refused is not None:
        _refused(output, refused)
        return 0
    if rule is None or number is None:
        _not_judged(output, ref)
        return 0
    output.line(f"{rule_title(number, rule)}. Its pattern {matching[0][1]} covers it.")
    for at, pattern in matching[1:]:
        output.line(
            f"Rule {at} would cover it too ({pattern}), and does not count: the first one does.", "warn"
        )
    output.line()
    output.line("What a push to it needs, in the order in which the gate looks:")
    needs_lines(output, _ordered(found))
    return 0


def _covering(here: Here, policy: Policy, ref: str) -> tuple[Rule | None, Refusal | None]:
    """The rule, or why the gate refuses the name."""
    try:
        namespace = classify(ref)
        if namespace in (Namespace.NOTES, Namespace.INBOX):
            return None, None
        return covering_rule(policy, ref, head=here.head(), exists=here.exists), None
    except Refusal as error:
        return None, error


def _matching(policy: Policy, ref: str) -> list[tuple[int, str]]:
    """Numbers of the rules that match, each with its first pattern that does."""
    raw = ref.encode("utf-8", "surrogateescape")
    found = []
    for number, rule in enumerate(policy.rules, 1):
        pattern = next((each for each in rule.refs if PatternSet((each,)).matches(raw)), None)
        if pattern is not None:
            found.append((number, pattern))
    return found


def _ordered(found: tuple[Need, ...]) -> list[Need]:
    return [
        Need(need.at, f"{need.at:>2} {need.label}", need.text)
        for need in sorted((*_ALWAYS, *found), key=lambda each: each.at)
    ]


def _refused(output: Output, error: Refusal) -> None:
    output.line(f"Nobody can push to it: {error.message} [{error.code}]", "bad")
    entry(output, "", error.facts)
    output.line(f"  what to do: {error.hint or CODES[error.code].remedy}")


def _not_judged(output: Output, ref: str) -> None:
    if ref.startswith(Namespace.INBOX.value):
        output.line("Evidence: anybody may add some, nobody may change or delete it (rule 3 of the gate).")
    elif ref.startswith(Namespace.NOTES.value):
        output.line("Notes of other programs: they are not judged.")
    else:
        kind = refs_text((ref,))
        output.line(f"No rule covers it, and so the gate does not judge pushes to {kind}:", "warn")
        output.line("whoever the server lets push may create, change, rewind and delete it.")


def _object(need: Need) -> dict[str, Any]:
    return {"rule": need.at, "about": need.label, "text": " ".join(need.text)}
