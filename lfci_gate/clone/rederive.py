"""Evaluate the flake again at a verified commit and compare the check derivation (`derived`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from lfci_gate.clone.check import store_inputs
from lfci_gate.clone.finding import DERIVED, Answer, Finding, no_derivation, other_derivation
from lfci_gate.clone.known import ask
from lfci_gate.clone.verify import Claim, Verified
from lfci_gate.errors import LfciError
from lfci_gate.gate.objects import read_commit
from lfci_gate.git.export import export_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.nix.derivation import derive
from lfci_gate.nix.process import Nix, NixVersion
from lfci_gate.value import replace


def rederive(git: Git, objects: BatchReader, verified: Verified) -> tuple[Finding, ...]:
    """Compares the derivation of every claim, each derivation once."""
    tree = read_commit(objects, verified.commit).tree
    done: dict[tuple[str, str], Finding] = {}
    found = []
    for claim in verified.claims:
        key = (claim.run.check, claim.run.drv_path)
        if key not in done:
            question = ask(
                objects, tree, claim.definition, verified.verdict.update.ref, None, claim.run.system
            )
            store_inputs(git, objects, question)
            done[key] = _again(objects, claim)
        found.append(replace(done[key], claim=claim))
    return tuple(found)


def _again(objects: BatchReader, claim: Claim) -> Finding:
    version: NixVersion | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="lfci-rederive-") as place:
            private = Path(place) / "nix"
            private.mkdir()
            nix = Nix(private)
            version = nix.version()
            export = Path(place) / "source"
            export_tree(objects, claim.run.inputs_tree, export)
            found = derive(nix, export, claim.definition, claim.run.system).check_drv
    except LfciError as error:
        return no_derivation(claim, error, version)
    if found != claim.run.drv_path:
        return other_derivation(claim, found, version)
    return Finding(claim, DERIVED, Answer.REPRODUCED, f"the same derivation, {found}", version, found=found)
