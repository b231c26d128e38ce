"""`lfci policy diff`: what gets stricter, looser or just different between two policies."""

from __future__ import annotations

import argparse

from lfci_gate.cli.context import Context
from lfci_gate.cli.output import Output
from lfci_gate.cli.policy_objects import about
from lfci_gate.cli.policy_read import Here, PolicyRead, open_here
from lfci_gate.cli.policy_show import read_or_refuse
from lfci_gate.config.policy import PATH
from lfci_gate.config.policy_diff import CHANGED, LOOSER, STRICTER, Difference, differences
from lfci_gate.config.weakening import weakened
from lfci_gate.errors import UsageError

_MARKS = {LOOSER: ("LOOSER  ", "bad"), CHANGED: ("changed ", "warn"), STRICTER: ("stricter", "good")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "sides",
        metavar="A..B|FILE|REV",
        nargs="?",
        help="two revisions, or what is compared with the policy in force (default: the working copy)",
    )
    parser.epilog = (
        "looser    something may land, or somebody may act, that could not before\n"
        "stricter  it asks for more, or lets fewer act, and takes away nobody's objection\n"
        "changed   neither can be said; read it\n\n"
        "With two revisions, or the working copy, also what .lfci/config.toml declares weaker."
    )


def run(args: argparse.Namespace, context: Context) -> int:
    with open_here(context) as here:
        old, new = _sides(here, args.sides)
        found = differences(old.policy, new.policy, head=here.head())
    weaker = weakened(old.config, new.config) if old.tree_is_meant and new.tree_is_meant else ()
    output = context.output
    output.json(
        {
            "schema": "lfci.policy-diff/1",
            "old": about(old),
            "new": about(new),
            "differences": [difference_object(each) for each in found],
            "weaker": [{"check": each.check, "kind": each.kind, "text": each.text} for each in weaker],
        }
    )
    output.line(f"from version {old.policy.version}, {old.where}", "strong")
    output.line(f"to version {new.policy.version}, {new.where}", "strong")
    if not found:
        output.line("the two policies say the same")
    print_differences(output, found)
    if weaker:
        output.line()
        output.line("what the checks of .lfci/config.toml lose", "strong")
        for each in weaker:
            output.marked("weaker  ", "bad", each.line)
    return 0


def _sides(here: Here, text: str | None) -> tuple[PolicyRead, PolicyRead]:
    if text is not None and ".." in text and not here.is_file(text):
        first, _, last = text.partition("..")
        if last.startswith("."):
            raise UsageError("LFCI514", "a range is A..B, with two dots")
        return here.named(first or "HEAD", is_revision=True), here.named(last or "HEAD", is_revision=True)
    new = here.proposed() if text is None else here.named(text)
    if new is None:
        raise UsageError(
            "LFCI201", f"the working copy has no {PATH}", hint="lfci init, or: lfci policy diff A..B"
        )
    return read_or_refuse(here, None), new


def print_differences(output: Output, found: tuple[Difference, ...]) -> None:
    for each in found:
        output.marked(*_MARKS[each.kind], f"{each.about}: {each.text}")


def difference_object(each: Difference) -> dict[str, str]:
    return {"kind": each.kind, "about": each.about, "text": each.text}
