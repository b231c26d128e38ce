"""`lfci check --unsandboxed`: a check's command in its environment and nothing around it, for debugging.

What it ends with says nothing about the check: files, processes and the network of the machine are there.
So this way leads to no result document and no attestation, whatever is asked.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate.cli.context import Context
from lfci_gate.cli.env import environment_of
from lfci_gate.clone.check import chosen_checks, command_text, project_config
from lfci_gate.errors import UsageError
from lfci_gate.model import CheckDefinition, ObjectId, Rule

if TYPE_CHECKING:
    from lfci_gate.git.objects import BatchReader

__all__ = ["run_unsandboxed"]


def run_unsandboxed(
    context: Context, objects: BatchReader, tree: ObjectId, names: tuple[str, ...], rule: Rule | None
) -> int:
    """Runs the checks one after another; 0 when every command ended with 0, else 1."""
    output = context.output
    shown = []
    for definition in chosen_checks(project_config(objects, tree), names, rule):
        if definition.run is None:
            raise UsageError("LFCI322", f"check {definition.name} is the flake's own, and Nix builds it")
        output.note(
            f"{definition.name}: WITHOUT the sandbox; nothing is attested: {command_text(definition)}"
        )
        status = _run(context, objects, tree, definition)
        shown.append({"name": definition.name, "exitCode": status})
        output.line(f"{definition.name}: ended with status {status}, without the sandbox", "warn")
    output.json({"schema": "lfci.unsandboxed/1", "tree": tree, "attested": False, "checks": shown})
    return int(any(each["exitCode"] != 0 for each in shown))


def _run(context: Context, objects: BatchReader, tree: ObjectId, definition: CheckDefinition) -> int:
    from lfci_gate.engines.machine import machine_of
    from lfci_gate.nix.enter import enter
    from lfci_gate.nix.process import Nix

    assert definition.run is not None
    with tempfile.TemporaryDirectory(prefix="lfci-unsandboxed-") as name:
        place = Path(name)
        for folder in ("nix", "out", "home"):
            (place / folder).mkdir(mode=0o700)
        nix = Nix(place / "nix", environ=context.environ, machine=machine_of(context.environ))
        made = environment_of(context, objects, nix, tree, definition, place / "source")
        variables = {"out": str(place / "out"), **dict(definition.env)}
        command = [made.bash, "-euc", definition.run] if isinstance(definition.run, str) else definition.run
        # The environment has no `env` for sure; its bash sets the variables and becomes the command.
        exports = 'while [ "$1" != -- ]; do export "$1"; shift; done; shift; exec "$@"'
        words = [made.bash, "-c", exports, "lfci"]
        words += [f"{key}={value}" for key, value in variables.items()] + ["--", *command]
        environ = {**context.environ, "HOME": str(place / "home")}
        _writable(place / "source")
        source = place / "source"
        return enter(nix, made.env_drv, made.bash, made.hook, words, environ, directory=source, quiet=True)


def _writable(top: Path) -> None:
    """The command may write into its copy of the source, as it may in the sandbox."""
    for path in (top, *top.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)
