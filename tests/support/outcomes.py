"""How a call ended, for tests in which both ends are right."""

from __future__ import annotations

from collections.abc import Callable

from lfci_gate.errors import LfciError


def code_of(call: Callable[[], object]) -> str | None:
    """The code of the error of ours that ``call`` raised; None when it returned.

    Any other exception goes through and fails the test.
    """
    try:
        call()
    except LfciError as error:
        return error.code
    return None
