"""`lfci env list|rollback|shell|verify`: the environments that checks ran in, entering and hashing them."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.cli.revisions import commit_named
from lfci_gate.cli.times import clock
from lfci_gate.clone.environments import NO_SESSION, Environment, Profile, profiles
from lfci_gate.errors import Refusal, UsageError

if TYPE_CHECKING:
    from lfci_gate.git.objects import BatchReader
    from lfci_gate.model import CheckDefinition, ObjectId
    from lfci_gate.nix.process import Nix

_AT_ONCE = 2000

_SUMMARIES = {
    "list": "the environments that checks of this session ran in",
    "rollback": "make an earlier environment the current one",
    "shell": "enter the environment of a commit, or the current one",
    "verify": "hash all environments of this clone: are their files what Nix built or fetched?",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES)
    made["list"].add_argument("--all", action="store_true", help="of all sessions")
    made["rollback"].add_argument(
        "number", nargs="?", type=int, metavar="N", help="which one (default: the one before the current)"
    )
    shell = made["shell"]
    shell.add_argument("rev", nargs="?", metavar="REV", help="whose environment (default: the current one)")
    shell.add_argument("--check", metavar="NAME", help="of which check (default: the only, or the first one)")
    shell.add_argument(
        "-c",
        "--command",
        nargs=argparse.REMAINDER,
        default=[],
        metavar="WORD",
        help="run this, and no prompt",
    )
    shell.epilog = "example:\n  lfci env shell v1.2 -c pytest -x"


def run(args: argparse.Namespace, context: Context) -> int:
    if args.action == "list":
        return _list(context, every=args.all)
    if args.action == "rollback":
        chosen = _profile(context).roll_back(args.number)
        output = context.output
        output.json({"schema": "lfci.environment/1", "environment": _object(chosen, chosen.number)})
        output.line(f"current: {chosen.number}, dev shell {chosen.shell}, {chosen.env_drv}")
        output.note("enter it: lfci env shell")
        return 0
    return _verify(context) if args.action == "verify" else _shell(args, context)


def _verify(context: Context) -> int:
    from lfci_gate.nix.process import Nix
    from lfci_gate.nix.store import known_closures, refuse_altered

    paths = known_closures(context.git.common_dir / "lfci/gcroots")
    with tempfile.TemporaryDirectory(prefix="lfci-env-") as place:
        nix = Nix(Path(place), environ=context.environ)
        # Some thousands at once, for the length of a command line.
        for first in range(0, len(paths), _AT_ONCE):
            refuse_altered(nix, paths[first : first + _AT_ONCE])
    context.output.json({"schema": "lfci.environments-verified/1", "paths": len(paths)})
    number = "1 store path is" if len(paths) == 1 else f"{len(paths)} store paths are"
    context.output.line(f"{number} what Nix built or fetched" if paths else "no check has run here yet")
    return 0


def _profile(context: Context) -> Profile:
    from lfci_gate.session import current

    session = current(context.git)
    return Profile(context.git.common_dir, NO_SESSION if session is None else session.id)


# -- list --------------------------------------------------------------------------------------


def _list(context: Context, *, every: bool) -> int:
    output = context.output
    shown = profiles(context.git.common_dir) if every else (_profile(context),)
    objects = []
    for profile in shown:
        found, current = profile.read()
        objects.append({"session": profile.name, "environments": [_object(each, current) for each in found]})
        output.line(
            f"session {profile.name}" if profile.name != NO_SESSION else "outside of sessions", "strong"
        )
        for each in found:
            mark = "*" if each.number == current else " "
            when = clock(each.first_used)
            output.line(f"{mark} {each.number:3}  {when}  {each.check} in {each.shell}  {each.env_drv}")
        if not found:
            output.line("  no check has run here yet")
    output.json({"schema": "lfci.environments/1", "profiles": objects})
    return 0


def _object(each: Environment, current: int) -> dict[str, object]:
    return {
        "number": each.number,
        "current": each.number == current,
        "envDrv": each.env_drv,
        "check": each.check,
        "shell": each.shell,
        "tree": each.tree,
    }


# -- shell -------------------------------------------------------------------------------------


def _shell(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.git.objects import BatchReader

    with BatchReader(context.git) as objects:
        if args.rev is not None:
            from lfci_gate.gate.objects import read_commit

            tree = read_commit(objects, commit_named(objects, args.rev)).tree
            return _enter(context, objects, tree, args.check, None, args.command)
        chosen = _profile(context).current()
        return _enter(context, objects, chosen.tree, args.check or chosen.check, chosen, args.command)


def _enter(
    context: Context,
    objects: BatchReader,
    tree: ObjectId,
    name: str | None,
    chosen: Environment | None,
    command: list[str],
) -> int:
    from lfci_gate.engines.machine import machine_of
    from lfci_gate.nix.enter import enter
    from lfci_gate.nix.process import Nix

    definition = _check(objects, tree, name)
    with tempfile.TemporaryDirectory(prefix="lfci-env-") as place:
        private = Path(place, "nix")
        private.mkdir(mode=0o700)
        nix = Nix(private, environ=context.environ, machine=machine_of(context.environ))
        made = environment_of(context, objects, nix, tree, definition, Path(place, "source"))
        if chosen is not None and made.env_drv != chosen.env_drv:
            raise Refusal(
                "LFCI321",
                "this tree gives another environment than it did",
                facts=(made.env_drv, chosen.env_drv),
            )
        context.output.note(f"environment of check {definition.name}: {made.env_drv}")
        status = enter(nix, made.env_drv, made.bash, made.hook, command, context.environ)
    if command and status != 0:
        context.output.note(f"the command ended with status {status}")
    return int(bool(command and status != 0))


def _check(objects: BatchReader, tree: ObjectId, name: str | None) -> CheckDefinition:
    from lfci_gate.clone.check import chosen_checks, project_config

    found = chosen_checks(project_config(objects, tree), () if name is None else (name,), None)
    chosen = next((each for each in found if each.run is not None), None)
    if chosen is None:
        raise UsageError(
            "LFCI322",
            "a check of the flake's own has no dev shell to enter",
            hint="name another with --check",
        )
    return chosen


class Entrance(NamedTuple):
    """What it takes to enter an environment."""

    env_drv: str
    bash: str
    hook: str


def environment_of(
    context: Context,
    objects: BatchReader,
    nix: Nix,
    tree: ObjectId,
    definition: CheckDefinition,
    export: Path,
) -> Entrance:
    """The environment of a check of ``tree``, with everything built that it consists of; the check's inputs
    are exported to ``export``."""
    from lfci_gate.clone.check import store_inputs
    from lfci_gate.clone.known import ask
    from lfci_gate.git.export import export_tree
    from lfci_gate.nix.derivation import derive
    from lfci_gate.nix.store import environment_closure
    from lfci_gate.system import current_system

    question = ask(objects, tree, definition, "", None, current_system())
    store_inputs(context.git, objects, question)
    export_tree(objects, question.inputs, export)
    found = derive(nix, export, definition, current_system())
    environment_closure(nix, found.run, found.source_path, context.git.common_dir / "lfci/gcroots")
    return Entrance(found.env_drv, found.run.builder, _hook(found.run.env))


def _hook(env: Mapping[str, str]) -> str:
    """The shell hook of a derivation, wherever it keeps its attributes."""
    import json

    attributes = json.loads(env["__json"]) if "__json" in env else env
    return str(attributes.get("lfciShellHook", ""))
