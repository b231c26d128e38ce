"""A running git to its end, and what its exit status means."""

from __future__ import annotations

import subprocess
from typing import Final

from lfci_gate.errors import LfciError, Undecided, UsageError

__all__ = ["end", "failure", "talk"]

_NO_REPOSITORY: Final = (b"not a git repository", b"dubious ownership", b"must be run in a work tree")
_NO_SPACE: Final = (b"No space left on device", b"Disk quota exceeded")


def failure(args: tuple[str, ...], status: int, err: bytes) -> LfciError:
    """The error for a git that ended with an unexpected status.

    Arguments: what was run, its exit status, its standard error.
    """
    lines = [line for line in err.decode("ascii", "backslashreplace").splitlines() if line.strip()]
    fact = "".join(c if c.isprintable() else "?" for c in lines[-1][:400]) if lines else "git said nothing"
    if any(sign in err for sign in _NO_SPACE):
        return Undecided("LFCI502", f"git {args[0]}: no space", facts=(fact,))
    if any(sign in err for sign in _NO_REPOSITORY):
        first = next((line for line in lines if line.startswith("fatal:")), fact)
        return UsageError("LFCI510", "git finds nothing to work with here", facts=(first,))
    return Undecided("LFCI513", f"git {args[0]} ended with status {status}", facts=(fact,))


def talk(
    child: subprocess.Popen[bytes], args: tuple[str, ...], input: bytes, timeout_s: float | None
) -> tuple[bytes, bytes]:
    """Standard output and error of a running git, to its end; ``args`` name it in messages. Raises Undecided
    LFCI513 when it has not ended after ``timeout_s`` seconds."""
    with child:
        try:
            out, err = child.communicate(input, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            end(child)
            raise Undecided("LFCI513", f"git {args[0]} did not end within {timeout_s:g} s") from None
        except BaseException:
            end(child)
            raise
    return out or b"", err or b""


def end(child: subprocess.Popen[bytes]) -> None:
    """TERM first: git then removes its lock files and ends the programs it started."""
    child.terminate()
    try:
        child.wait(timeout=2)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
