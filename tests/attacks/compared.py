"""What attacks on rule 14 share: a rule that compares tests, and result documents."""

from __future__ import annotations

from typing import Any

from lfci_gate.model import ResultDocument, TestCase


def rule(**more: Any) -> dict[str, Any]:
    """Nothing is protected but the policy; no test may vanish."""
    require = [{"check": "test", "roles": ["agent"]}]
    return {"refs": ["refs/heads/main"], "require": require, "tests": {"removed": "refuse"}, **more}


def document(*ids: str, skipped: tuple[str, ...] = ()) -> ResultDocument:
    """Results of a run in which these tests passed and were skipped."""
    cases = [TestCase(each, "passed") for each in ids] + [TestCase(each, "skipped") for each in skipped]
    return ResultDocument("test", 0, tuple(sorted(cases, key=lambda case: (case.id, case.outcome))), ())
