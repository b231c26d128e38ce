"""From an exported tree to its check derivation: one pure evaluation."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.model import CheckDefinition
from lfci_gate.nix.aterm import StoreDerivation, parse_derivation
from lfci_gate.nix.expression import check_expression, flake_check_expression
from lfci_gate.nix.nar import nar_hash
from lfci_gate.nix.process import Completed, Nix, last_lines
from lfci_gate.value import Value, replace

__all__ = ["Derivation", "derive"]

_UNLOCKED: Final = re.compile(
    # 2.8: "cannot update flake input 'x' in pure mode"; later: "cannot update unlocked flake input"
    rb"cannot update (?:unlocked )?flake input|unlocked flake reference|unlocked flake input",
    re.IGNORECASE,
)
_OPENING: Final = ("__noChroot", "__impure", "__impureHostDeps")
"""Attributes by which a derivation asks for less of a sandbox, or for none."""

_PLAIN_PATH: Final = re.compile(r"/[0-9A-Za-z/._+~-]*")


class Derivation(Value):
    check_drv: str
    """What a proof names: inputs tree, environment, command."""
    run_drv: str
    """What is executed; the same for a check of the flake's own."""
    run: StoreDerivation
    """What ``run_drv`` says."""
    source_path: str
    nar_hash: str
    system: str
    env_drv: str = ""
    """The environment without a tree: equal for many trees. Empty for a check of the flake's own."""
    carrier: str = ""
    """An environment for ``nix develop`` that holds nothing of the project (see engines.develop)."""
    probe_drv: str = ""
    """Never built before; can be built in Nix's sandbox only. Empty where the run looks for itself."""
    output: str = "out"
    """The output of ``run_drv`` that holds its results."""


def derive(nix: Nix, export: Path, check: CheckDefinition, system: str) -> Derivation:
    """Evaluates the flake in ``export`` and instantiates its check derivation.

    The same content gives the same derivation, from any directory, clone or history.

    Arguments:
        export: the inputs tree as files; taken into the store.
        system: e.g. ``x86_64-linux``.

    Raises Refusal LFCI315 to LFCI319, LFCI324, LFCI325 and LFCI304 for what is wrong with the flake;
    Undecided LFCI303 when Nix is.
    """
    if not (export / "flake.nix").is_file():
        raise Refusal("LFCI317", "the tree has no flake.nix")
    hashed = nar_hash(export)
    where = _url_path(nix, export)
    if check.run is None:
        expression = flake_check_expression(where, hashed, system, check, os.urandom(16).hex())
    else:
        expression = check_expression(where, hashed, system, check)
    # No substitutes: a tree that only exists here is not worth asking a cache for.
    done = nix.run(
        "eval", "--no-update-lock-file", "--option", "substitute", "false", "--json", "--expr", expression
    )
    if done.status != 0:
        raise _evaluation_error(done)
    found = _object(done.stdout)
    if "problem" in found:
        raise _problem(found, check, system)
    check_drv = _store_path(found, "check")
    run_drv = _store_path(found, "run") if check.run is not None else check_drv
    derivation = Derivation(
        check_drv=check_drv,
        run_drv=run_drv,
        run=parse_derivation(_read(nix.real(run_drv))),
        source_path=_store_path(found, "source"),
        nar_hash=hashed,
        system=system,
    )
    if check.run is not None:
        return replace(derivation, env_drv=_store_path(found, "env"), carrier=_store_path(found, "carrier"))
    _refuse_open(derivation.run, check)
    return replace(derivation, probe_drv=_store_path(found, "probe"), output=str(found.get("output")))


def _refuse_open(drv: StoreDerivation, check: CheckDefinition) -> None:
    """Refuses a check of the flake's own that Nix would not build in a closed sandbox."""
    try:
        structured = json.loads(drv.env.get("__json", "{}"))
    except ValueError:
        structured = {}
    asked = {name for name in _OPENING if drv.env.get(name) or (structured and structured.get(name))}
    features = structured.get("requiredSystemFeatures") or drv.env.get("requiredSystemFeatures", "")
    if "recursive-nix" in features:
        asked.add("recursive-nix")
    if drv.by_content:
        asked.add("an output that is named by its content")
    if asked:
        raise Refusal(
            "LFCI325", f"{check.flake} would not run in a closed sandbox", facts=(", ".join(sorted(asked)),)
        )


def _url_path(nix: Nix, export: Path) -> str:
    """Where Nix finds the tree by a URL: as it is, or as a store path where its name needs escaping."""
    path = os.path.abspath(export)
    if _PLAIN_PATH.fullmatch(path):
        return path
    done = nix.run("store", "add-path", "--name", "source", path)
    added = done.stdout.decode("utf-8", "replace").strip()
    if done.status != 0 or not _PLAIN_PATH.fullmatch(added):
        raise Undecided("LFCI303", "the tree cannot be added to the store", facts=last_lines(done.stderr))
    return added


def _evaluation_error(done: Completed) -> LfciError:
    facts = last_lines(done.stderr)
    if done.status < 0:
        return Undecided("LFCI303", f"nix was ended by signal {-done.status}", facts=facts)
    if _UNLOCKED.search(done.stderr):
        return Refusal("LFCI316", "the flake's inputs are not locked", facts=facts)
    if (
        b"cannot connect to" in done.stderr
        or b"opening lock file" in done.stderr
        or b"big-lock" in done.stderr
    ):
        return Undecided("LFCI303", "nix cannot reach its store", facts=facts)
    return Refusal("LFCI304", "the flake does not evaluate", facts=facts)


def _problem(found: Mapping[str, Any], check: CheckDefinition, system: str) -> LfciError:
    names = tuple(ascii(str(name))[1:-1][:200] for name in found.get("names", ()))[:20]
    if found["problem"] == "nixConfig":
        return Refusal(
            "LFCI315", "flake.nix sets nixConfig keys that are not allowed", facts=(", ".join(names),)
        )
    wanted = f"checks.{system}.{(check.flake or '').removeprefix('checks.')}"
    if found["problem"] == "flake":
        there = ", ".join(names) or "none"
        return Refusal("LFCI324", f"the flake has no {wanted}", facts=(f"checks for {system}: {there}",))
    if found["problem"] == "flake kind":
        return Refusal("LFCI325", f"{wanted} cannot be run as a check", facts=names)
    wanted = f"devShells.{system}.{check.shell}"
    if found["problem"] == "shell":
        there = ", ".join(names) or "none"
        return Refusal("LFCI318", f"the flake has no {wanted}", facts=(f"shells for {system}: {there}",))
    return Refusal("LFCI319", f"{wanted} cannot run checks", facts=names)


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError as error:
        raise Undecided("LFCI303", "nix eval did not print JSON", facts=last_lines(data)) from error
    if type(found) is not dict:
        raise Undecided("LFCI303", "nix eval printed something else than was asked for")
    return found


def _store_path(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if type(value) is not str or not value.startswith("/"):
        raise Undecided("LFCI303", f"nix eval named no {name}")
    return value


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Undecided(
            "LFCI303", "cannot read the check derivation", facts=(str(path), str(error.strerror))
        ) from error
