"""A slice of the campaign, as it is run for all: whose signature it is, and which rule covers a ref."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ("tests/attest/test_dsse.py", "tests/gate/test_rules_01_to_03.py")


def test_every_change_of_two_modules_is_noticed() -> None:
    words = [sys.executable, "-m", "tests.mutation", "--only", "lfci_gate.attest.dsse,lfci_gate.gate.cover"]
    done = subprocess.run(
        [*words, "--jobs", "1", "--tests", *TESTS], cwd=ROOT, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [total] = [line.split() for line in done.stdout.splitlines() if line.startswith("all ")]
    killed, of = int(total[1]), int(total[3])
    assert killed == of > 50, done.stdout
