"""What was found out about attestations before, so that a long audit can be interrupted and go on.

One file an attestation, ``<git dir>/lfci/rebuilds/<id>.json``, and only for answers that were decided. It
is the clone's own memory: whoever can write there can change what `lfci` itself is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lfci_gate import files
from lfci_gate.canonical import dumps, loads
from lfci_gate.clone.finding import DERIVED, REBUILT, Answer, Finding
from lfci_gate.clone.verify import Claim
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.fields import Fields
from lfci_gate.model import Sha256
from lfci_gate.nix.process import NixVersion
from lfci_gate.value import replace

__all__ = ["recall", "remember"]

_SCHEMA: Final = "lfci.rebuild/1"
_MAX_BYTES: Final = 1 << 20
_MAX_FACTS: Final = 1000
_MAX_FACT: Final = 4096
_STORES: Final = ("current", "fresh")


def remember(state: Path, finding: Finding, *, fresh: bool) -> None:
    """Keeps a decided finding in ``state``. Raises Undecided LFCI502 or LFCI520."""
    if not finding.can_be_signed:
        return
    assert finding.nix is not None
    value = {
        "schema": _SCHEMA,
        "attestation": finding.claim.id,
        "drvPath": finding.claim.run.drv_path,
        "method": finding.method,
        "answer": finding.answer.value,
        "code": finding.code,
        "text": finding.text,
        "facts": [fact[:_MAX_FACT] for fact in finding.facts[:_MAX_FACTS]],
        "found": finding.found,
        "result": finding.result,
        "nix": {"name": finding.nix.name, "version": finding.nix.version},
        "store": _STORES[fresh],
    }
    path = _path(state, finding.claim)
    with files.os_errors("make a directory", path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    files.write_file(path, dumps(value))


def recall(state: Path, claim: Claim, *, fresh: bool) -> Finding | None:
    """What was found out about ``claim``; None when nothing was, or by less than is asked for now."""
    data = files.read_file(_path(state, claim), _MAX_BYTES)
    if data is None:
        return None
    try:
        found, store = _read(data, claim)
    except LfciError:
        return None  # not of this version, or damaged: found out again
    return None if fresh and store != _STORES[True] else replace(found, known=True)


def _read(data: bytes, claim: Claim) -> tuple[Finding, str]:
    value = loads(data, code="LFCI509", what="rebuild", max_bytes=_MAX_BYTES)
    fields = Fields(value, error=Undecided, code="LFCI509", what="rebuild")
    fields.choice("schema", (_SCHEMA,))
    fields.choice("attestation", (claim.id,))
    fields.choice("drvPath", (claim.run.drv_path,))
    nix = fields.child("nix")
    result = fields.nullable("result", str)
    finding = Finding(
        claim=claim,
        method=fields.choice("method", (DERIVED, REBUILT)),
        answer=Answer(fields.choice("answer", (Answer.REPRODUCED.value, Answer.NOT.value))),
        text=fields.text("text", max_chars=_MAX_FACT),
        nix=NixVersion(nix.text("name"), nix.text("version")),
        code=fields.nullable("code", str),
        facts=fields.texts("facts", max_items=_MAX_FACTS, max_chars=_MAX_FACT),
        found=fields.nullable("found", str),
        result=None if result is None else Sha256(result),
    )
    store = fields.choice("store", _STORES)
    nix.finish()
    fields.finish()
    if not finding.can_be_signed:
        raise Undecided("LFCI509", "rebuild: contradicts itself")
    return finding, store


def _path(state: Path, claim: Claim) -> Path:
    return state / "rebuilds" / f"{claim.id}.json"
