"""P4: attestations verified in one process, beside what the machine's Ed25519 allows."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from benchmarks.harness import Figure, Row, median, run
from lfci_gate.config.policy import parse_policy
from lfci_gate.gate.evidence import Candidate, EvidenceBook
from lfci_gate.gate.facts import Limits
from lfci_gate.model import ObjectId
from tests.support.evidence import CHECK_RUN, oid
from tests.support.forge import AGENT, policy_text
from tests.support.memory_forge import MemoryForge
from tests.support.statements import bundle

COUNT = 1000
ROUNDS = 10
SHARE = 0.5


def measure(base: Path) -> Figure:
    policy = parse_policy(policy_text())
    candidates = [
        Candidate("notes", bundle(replace(CHECK_RUN, inputs_tree=ObjectId(oid(f"tree {number}"))), AGENT))
        for number in range(COUNT)
    ]
    ours, limit = [], []
    for number in range(ROUNDS + 1):
        # A book of its own each time: nothing of the round before is known.
        book = EvidenceBook(MemoryForge(), policy, Limits(verifications=COUNT), {})
        start = time.perf_counter()
        for candidate in candidates:
            book.verify(candidate)
        if number:
            ours.append(round(COUNT / (time.perf_counter() - start), 1))
            limit.append(openssl())
    share = median(ours) / median(limit)
    row = Row(
        f"{COUNT} attestations: bundle, signature, statement",
        "openssl speed ed25519",
        median(limit),
        "verified, one core",
        median(ours),
        unit="/s",
        target=f"at least {SHARE}",
        met=share >= SHARE,
    )
    return Figure("P4", "verification of many attestations", [row], {"ours": ours, "openssl": limit})


def openssl() -> float:
    """Ed25519 verifications a second of one core."""
    lines = run(["openssl", "speed", "-mr", "-seconds", "1", "ed25519"]).decode().splitlines()
    # +F6:<number>:<bits>:<name>:<signatures a second>:<verifications a second>
    return next(float(line.split(":")[-1]) for line in lines if line.startswith("+F6:"))
