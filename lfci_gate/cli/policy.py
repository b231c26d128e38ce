"""`lfci policy`: what a policy means, whether it can land, who may do what, and edits of it."""

from __future__ import annotations

import argparse
from importlib import import_module

from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context

_SUMMARIES = {
    "check": "find out whether a policy can land, and what to look out for",
    "show": "say in plain words what a policy asks for",
    "diff": "say what gets stricter, looser or just different between two policies",
    "explain-ref": "say which rule a ref has, and what a push to it needs",
    "who-may": "say who can attest and who can approve a change of a file",
    "edit": "change .lfci/policy.toml; comments and layout stay",
}
_MODULES = {name: f"lfci_gate.cli.policy_{name.replace('-', '_')}" for name in _SUMMARIES}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES)
    for name, module in _MODULES.items():
        import_module(module).add_arguments(made[name])
    parser.epilog = "More: lfci help policy"


def run(args: argparse.Namespace, context: Context) -> int:
    status: int = import_module(_MODULES[args.action]).run(args, context)
    return status
