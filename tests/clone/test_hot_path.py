"""What a known `lfci check` imports and starts: most of its time (docs/performance.md)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.clone.conftest import Worker

HEAVY = {
    *"pygit2 jinja2 tomli_w bcrypt cffi".split(),  # other verbs need them
    # of the standard library, each 1 to 15 ms
    *"asyncio bz2 dataclasses email http inspect ipaddress logging lzma multiprocessing pathlib".split(),
    *"pickle shutil socket sqlite3 ssl tempfile urllib".split(),
}
COLD = (
    "lfci_gate.codes",
    "lfci_gate.config.powers",
    "lfci_gate.config.satisfiable",
    "lfci_gate.engines",
    "lfci_gate.gate.assurance",
    "lfci_gate.gate.judge",
    "lfci_gate.gate.render",
    "lfci_gate.gate.rules",
    "lfci_gate.gate.standing",
    "lfci_gate.git.check_tree",
    "lfci_gate.git.worktree",
    "lfci_gate.nix",
    "lfci_gate.snapshot",
)
PROGRAM = """
import json, sys
started = []
sys.addaudithook(lambda event, args: started.append(list(args[1])) if event == "subprocess.Popen" else None)
before = set(sys.modules)
from lfci_gate import cli
status = cli.run(["check"])
print(json.dumps([sorted(set(sys.modules) - before), started]))
sys.exit(status)
"""


def test_a_known_check_imports_and_starts_only_what_it_needs(ada: Worker) -> None:
    ada.edit({"docs/a": b"words\n"})
    ada.attest()
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM], cwd=ada.path, env=ada.environ(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    modules, started = json.loads(done.stdout.splitlines()[-1])
    assert not HEAVY & set(modules)
    assert not [name for name in modules if name.startswith(COLD)]
    assert verbs(started) == {
        "config": 1,  # all settings at once
        "symbolic-ref": 1,  # the branch
        "status": 1,  # what is changed ...
        "ls-files": 1,  # ... and what is new, beside each other
        "for-each-ref": 2,  # the forge's refs as last fetched; evidence
        "cat-file": 1,  # every object
    }


def verbs(started: list[list[str]]) -> dict[str, int]:
    """How often each command of git was started."""
    found: dict[str, int] = {}
    for command in started:
        assert Path(command[0]).name == "git"
        words: Any = iter(command[1:])
        verb = next(word for word in words if word != "-c" or not next(words))
        found[verb] = found.get(verb, 0) + 1
    return found
