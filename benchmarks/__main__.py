"""``python -m benchmarks [p1 p3 ...]``: the figures of docs/performance.md, all of them or those named."""

from __future__ import annotations

import compileall
import sys
import tempfile
from importlib import import_module
from pathlib import Path

import lfci_gate
from benchmarks import harness

FIGURES = {
    "p1": "p1_known_check",
    "p2": "p2_fresh_run_overhead",
    "p2b": "p2b_sandbox",
    "p3": "p3_pre_receive",
    "p4": "p4_verify_many",
    "p5": "p5_snapshot",
}


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    # An installed program has its bytecode; a checkout that was just edited has not.
    compileall.compile_dir(str(Path(lfci_gate.__file__).parent), quiet=1)
    print(harness.machine()["text"])
    for name in names or FIGURES:
        with tempfile.TemporaryDirectory(prefix="lfci-bench-") as temp:
            base = Path(temp).resolve()
            harness.hermetic(base / "home")
            figure = import_module(f"benchmarks.{FIGURES[name]}").measure(base)
        harness.report(figure)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
