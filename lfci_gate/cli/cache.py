"""`lfci cache status|push|show`: the binary caches of this machine, what goes there and what is there."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.cli.revisions import commit_named
from lfci_gate.errors import Undecided, UsageError

if TYPE_CHECKING:
    from lfci_gate.model import CheckDefinition
    from lfci_gate.nix.derivation import Derivation
    from lfci_gate.nix.process import Nix

_SUMMARIES = {
    "status": "which binary caches are configured, and whether they answer",
    "push": "put the environments of checks there, and what the build engine's runs left",
    "show": "take from there what a run left, to look at it; it is no run of yours and counts for nothing",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES)
    for name in ("push", "show"):
        made[name].add_argument("names", nargs="*", metavar="NAME", help="checks (default: all)")
        made[name].add_argument(
            "--rev", metavar="REV", default="HEAD", help="of which commit (default: HEAD)"
        )
    made["push"].add_argument("--to", metavar="URL", help="which cache (default: `push` in config.toml)")
    parser.epilog = "Caches are configured in the user's or operator's config.toml: lfci help machine"


def run(args: argparse.Namespace, context: Context) -> int:
    if args.action == "status":
        return _status(context)
    return _push(args, context) if args.action == "push" else _show(args, context)


# -- status ------------------------------------------------------------------------------------


def _status(context: Context) -> int:
    from lfci_gate.engines.machine import machine_of
    from lfci_gate.nix.caches import answers
    from lfci_gate.nix.process import Nix

    caches = machine_of(context.environ).caches
    output = context.output
    shown: list[dict[str, Any]] = []
    if caches is not None:
        with tempfile.TemporaryDirectory(prefix="lfci-cache-") as place:
            nix = Nix(Path(place), environ=context.environ)
            pushed = () if caches.push is None else (caches.push,)
            for url in dict.fromkeys((*caches.urls, *pushed)):
                there, why = answers(nix, url)
                use = [word for word, urls in (("take", caches.urls), ("push", pushed)) if url in urls]
                shown.append({"url": url, "use": use, "answers": there, "why": why or None})
    output.json(
        {"schema": "lfci.caches/1", "caches": shown, "keys": [] if caches is None else list(caches.keys)}
    )
    for each in shown:
        word, style = ("answers", "good") if each["answers"] else ("SILENT", "bad")
        reason = f"  {each['why']}" if each["why"] else ""
        output.marked(f"{word:<8}", style, f"{each['url']}  ({' and '.join(each['use'])}){reason}")
    for key in () if caches is None else caches.keys:
        output.line(f"key      {key}")
    if caches is None:
        output.line("no binary cache is configured for lfci; those of nix.conf count")
    return 0 if all(each["answers"] for each in shown) else Undecided.exit_status


# -- push and show -----------------------------------------------------------------------------


class _Derived(NamedTuple):
    """One check of one commit."""

    check: CheckDefinition
    derivation: Derivation
    nix: Nix


def _derived(args: argparse.Namespace, context: Context) -> Iterator[_Derived]:
    from lfci_gate.clone.check import chosen_checks, project_config, store_inputs
    from lfci_gate.clone.known import ask
    from lfci_gate.engines.machine import machine_of
    from lfci_gate.gate.objects import read_commit
    from lfci_gate.git.export import export_tree
    from lfci_gate.git.objects import BatchReader
    from lfci_gate.nix.derivation import derive
    from lfci_gate.nix.process import Nix
    from lfci_gate.system import current_system

    machine, system = machine_of(context.environ), current_system()
    with BatchReader(context.git) as objects, tempfile.TemporaryDirectory(prefix="lfci-cache-") as place:
        tree = read_commit(objects, commit_named(objects, args.rev)).tree
        private = Path(place, "nix")
        private.mkdir(mode=0o700)
        nix = Nix(private, environ=context.environ, machine=machine)
        for check in chosen_checks(project_config(objects, tree), tuple(args.names), None):
            question = ask(objects, tree, check, "", None, system)
            store_inputs(context.git, objects, question)
            export = Path(place, f"source-{check.name}")
            export_tree(objects, question.inputs, export)
            yield _Derived(check, derive(nix, export, check, system), nix)


def _push(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.config.machine import refuse_url
    from lfci_gate.engines.machine import machine_of
    from lfci_gate.nix.caches import push
    from lfci_gate.nix.realise import is_valid
    from lfci_gate.nix.store import environment_closure, refuse_altered

    caches = machine_of(context.environ).caches
    url = args.to or (None if caches is None else caches.push)
    if url is None or caches is None or caches.signing_key is None:
        raise UsageError(
            "LFCI531",
            "no cache to push to, or no key to sign with",
            hint="set push and signing-key below [cache] in config.toml: lfci help machine",
        )
    refuse_url(url)
    shown = []
    for check, derivation, nix in _derived(args, context):
        context.output.note(f"{check.name}: environment")
        roots = context.git.common_dir / "lfci/gcroots"
        closure = environment_closure(nix, derivation.run, derivation.source_path, roots, verify=True)
        left = [path for path in derivation.run.outputs.values() if is_valid(nix, path)]
        if left:
            refuse_altered(nix, left)
        context.output.note(f"{check.name}: push to {url}")
        push(nix, url, caches.signing_key, [*closure, *left])
        shown.append({"check": check.name, "environment": len(closure), "run": left})
        what = f"what its run left ({left[0]})" if left else "no run of the build engine is here"
        context.output.line(f"{check.name}: {len(closure)} paths of the environment; {what}")
    context.output.json({"schema": "lfci.cache-push/1", "to": url, "pushed": shown})
    return 0


def _show(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate import files
    from lfci_gate.nix.caches import take_output

    shown = []
    for check, derivation, nix in _derived(args, context):
        take_output(nix, derivation.run_drv, derivation.output)
        path = derivation.run.outputs[derivation.output]
        status = None
        if check.run is not None:
            said = (files.read_file(nix.real(path) / "status", 64) or b"").decode("ascii", "replace").strip()
            status = int(said) if said.isdigit() and int(said) < 256 else None
        shown.append({"check": check.name, "path": path, "exitCode": status})
        ended = "" if status is None else f", ended with status {status}"
        context.output.line(f"{check.name}: {path}{ended}")
    context.output.json({"schema": "lfci.cache-show/1", "results": shown})
    context.output.note(
        "this says what somebody's run left; what counts is an attestation or a run: lfci check"
    )
    return 0
