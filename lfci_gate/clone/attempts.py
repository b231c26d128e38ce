"""How often a check has failed in this clone before: what an attestation says as its attempt.

"Run until it passes" should be visible: a run that follows failed ones of the same check key (inputs tree,
definition, system), for the same signing key, is attested as attempt 2 and so on. A pass does not start
the count again: else one more run would hide what was counted. Runs that were not to be attested count for
every key of the clone. An undecided run is no failure.

One file, ``<common git dir>/lfci/attempts.json``, of at most 1,000 check keys; the one that failed longest
ago is forgotten first. It is the clone's own memory, and whoever signs can clear it, or use another clone:
it keeps honest people's statements true and stops no liar (docs/threat-model.md).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from lfci_gate import canonical, files
from lfci_gate.canonical import Fields
from lfci_gate.clone.known import Question
from lfci_gate.errors import Refusal, Undecided
from lfci_gate.model import PublicKey

__all__ = ["Attempts"]

_SCHEMA: Final = "lfci.attempts/1"
_CODE: Final = "LFCI509"
_MAX_BYTES: Final = 1 << 20
_MAX_KEPT: Final = 1000
_ANYBODY: Final = ""


class Attempts:
    """The memory of one repository; all its worktrees share it."""

    def __init__(self, common_dir: Path) -> None:
        self._path = common_dir / "lfci/attempts.json"
        self._lock = self._path.with_suffix(".lock")

    def failed(self, question: Question, key: PublicKey | None) -> int:
        """How many failed runs are remembered that count for ``key``.

        Raises Undecided LFCI509 when the file is damaged, LFCI520 when it cannot be read.
        """
        found = self._read()
        return sum(found.get(each, 0) for each in {_name(question, key), _name(question, None)})

    def add(self, question: Question, key: PublicKey | None, failures: int) -> None:
        """Remembers so many more failed runs; None for ``key`` when none was to sign them.

        Raises Undecided LFCI509, LFCI515, LFCI502, LFCI520.
        """
        if not failures:
            return
        with files.locked(self._lock):
            found = self._read()
            name = _name(question, key)
            found[name] = found.pop(name, 0) + failures  # the newest last
            kept = list(found.items())[-_MAX_KEPT:]
            value = {"schema": _SCHEMA, "failed": [{"run": run, "times": times} for run, times in kept]}
            files.write_file(self._path, canonical.dumps(value))

    def _read(self) -> dict[str, int]:
        data = files.read_file(self._path, _MAX_BYTES)
        if data is None:
            return {}
        try:
            value: Any = canonical.loads(data, code=_CODE, what="attempts", max_bytes=_MAX_BYTES)
        except Refusal as error:  # not somebody's input, but our own memory that is damaged
            raise Undecided(_CODE, error.message, hint=f"remove {self._path}") from None
        fields = Fields(value, error=Undecided, code=_CODE, what="attempts")
        fields.choice("schema", (_SCHEMA,))
        found: dict[str, int] = {}
        for each in fields.children("failed", max_items=_MAX_KEPT):
            found[each.text("run", max_chars=64)] = each.integer("times", 1)
            each.finish()
        fields.finish()
        return found


def _name(question: Question, key: PublicKey | None) -> str:
    return canonical.digest(
        {
            "inputs": question.inputs,
            "definition": question.definition.digest,
            "system": question.system,
            "key": _ANYBODY if key is None else key.fingerprint,
        }
    )
