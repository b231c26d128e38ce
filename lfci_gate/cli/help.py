"""`lfci help [TOPIC]`: short texts, kept in templates/help/."""

from __future__ import annotations

import argparse

from lfci_gate import resources
from lfci_gate.cli.context import Context
from lfci_gate.errors import UsageError

TOPICS = {
    "flake": "a minimal flake.nix for a project that has none",
    "checks": "how .lfci/config.toml declares what is run",
    "machine": "builders and binary caches: config.toml of a user or an operator",
    "policy": "how .lfci/policy.toml says who may land what",
    "land": "the way of a change from an edit to the forge",
    "runner": "a service that checks for others and signs",
    "trust": "what is proven, and what is not",
}
_ALSO = {"config": "checks", "check": "checks"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("topic", metavar="TOPIC", nargs="?", help=", ".join(TOPICS))


def run(args: argparse.Namespace, context: Context) -> int:
    """Raises UsageError LFCI514 for a topic that does not exist."""
    output = context.output
    if args.topic is None:
        output.json({"schema": "lfci.help/1", "topics": TOPICS})
        for name, title in TOPICS.items():
            output.line(f"  lfci help {name:<8} {title}")
        return 0
    topic = _ALSO.get(args.topic, args.topic)
    if topic not in TOPICS:
        raise UsageError(
            "LFCI514",
            f"there is no topic {args.topic}",
            facts=(f"topics: {', '.join(TOPICS)}",),
            hint="lfci help (or for a verb: lfci VERB --help)",
        )
    text = (resources.templates() / "help" / f"{topic}.txt").read_text(encoding="utf-8")
    output.json({"schema": "lfci.help/1", "topic": topic, "text": text})
    for line in text.splitlines():
        output.line(line)
    return 0
