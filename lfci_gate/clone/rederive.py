"""Evaluate the flake again at a verified commit and compare the check derivation (`derived`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lfci_gate.clone.check import project_config, store_inputs
from lfci_gate.clone.known import ask
from lfci_gate.clone.verify import Verified
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.export import export_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import CheckDefinition, CheckRun, ObjectId, VerdictKind
from lfci_gate.nix.derivation import derive
from lfci_gate.nix.process import Nix
from lfci_gate.value import Value


class Rederived(Value):
    """One attested derivation, and what this machine evaluated."""

    check: str
    attested: str
    found: str | None
    """None when it could not be evaluated here."""
    problem: str

    @property
    def same(self) -> bool:
        return self.found == self.attested

    @property
    def exit_status(self) -> int:
        return 0 if self.same else (3 if self.found is None else 1)

    @property
    def text(self) -> str:
        if self.same:
            return f"check {self.check}: the same derivation, {self.attested}"
        if self.found is None:
            return f"check {self.check}: could not evaluate here: {self.problem}"
        return f"check {self.check}: another derivation (LFCI321): {self.found}, attested {self.attested}"


def rederive(git: Git, objects: BatchReader, verified: Verified) -> tuple[Rederived, ...]:
    """Compares the derivation of every run that counted, each once. Nothing for a commit that was
    not accepted: there is no evidence to compare with."""
    if verified.verdict.kind is not VerdictKind.ACCEPTED:
        return ()
    tree = read_commit(objects, verified.commit).tree
    config = project_config(objects, tree)
    found: dict[tuple[str, str], Rederived] = {}
    for run in verified.runs:
        if (run.check, run.drv_path) not in found:
            definition = config.check(run.check)
            assert definition is not None  # an accepted run is of a declared check
            question = ask(objects, tree, definition, verified.verdict.update.ref, None, run.system)
            store_inputs(git, objects, question)
            found[run.check, run.drv_path] = _again(objects, run, question.inputs, definition)
    return tuple(found.values())


def _again(objects: BatchReader, run: CheckRun, inputs: ObjectId, definition: CheckDefinition) -> Rederived:
    try:
        with tempfile.TemporaryDirectory(prefix="lfci-rederive-") as place:
            private = Path(place) / "nix"
            private.mkdir()
            export = Path(place) / "source"
            export_tree(objects, inputs, export)
            derivation = derive(Nix(private), export, definition, run.system)
    except Undecided as error:
        return Rederived(run.check, run.drv_path, None, f"{error.code}: {error.message}")
    except LfciError as error:
        return Rederived(run.check, run.drv_path, f"({error.code}: {error.message})", error.message)
    return Rederived(run.check, run.drv_path, derivation.check_drv, "")
