"""Rules 8 and 12: one signature is the word of one key, in however many envelopes and however often it comes.

For an ECDSA signature anybody can compute a second public key that it verifies under. Whoever gets such a key
enrolled holds no second private key, and must not count as a second signer.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from lfci_gate.attest.bundle import Bundle, format_bundle
from lfci_gate.attest.dsse import Envelope, pae
from lfci_gate.attest.keys import ECDSA_P256, format_public, from_raw, verify
from lfci_gate.attest.statement import format_statement
from lfci_gate.attest.trailer import format_inline
from lfci_gate.model import CheckRun, PublicKey, VerdictKind
from tests.support.curve import fitting_keys
from tests.support.evidence import CAROL, NOW
from tests.support.forge import AGENT, RULE, policy_text
from tests.support.memory_forge import MemoryForge, codes, started
from tests.support.statements import passing_run

RULE_OF_TWO = {**RULE, "require": [{"check": "test", "roles": ["agent"], "threshold": 2}], "protect": []}


class Twins:
    """A forge whose policy has Carol's key, the agent's, and a key made to fit one signature of Carol's."""

    def __init__(self) -> None:
        self.forge: MemoryForge = started()
        self.commit = self.forge.commit({"src/lib.py": b"answer = 43\n"})
        run, self.result = passing_run(
            self.forge.objects, self.forge.tree(self.commit), NOW - timedelta(minutes=1)
        )
        self.run: CheckRun = run
        self.payload = format_statement(run)
        message = pae("application/vnd.in-toto+json", self.payload)
        self.signature = CAROL.sign(message)
        [other] = [each for each in fitting_keys(self.signature, message) if each != CAROL.public.raw]
        self.twin: PublicKey = from_raw(ECDSA_P256, other)
        assert verify(self.twin, self.signature, message)
        owners = {"carol": CAROL.public, "twin": self.twin, "agent": AGENT.public}
        keys = {name: {"public": format_public(key), "roles": ["agent"]} for name, key in owners.items()}
        self.forge.server_policy = policy_text(version=2, keys=keys, rules=(RULE_OF_TWO,))

    def bundle(self, hint: str, *signatures: bytes) -> Bundle:
        return Bundle(Envelope(self.payload, signatures or (self.signature,)), hint)

    def codes(self, *bundles: Bundle, trailer: Bundle | None = None) -> set[str]:
        message = b"change\n"
        if trailer is not None:
            message += b"\nLfci-Attestation: " + format_inline(trailer).encode() + b"\n"
        commit = self.forge.commit_of(
            self.forge.tree(self.commit), (self.forge.refs["refs/heads/main"],), message
        )
        pushed = [self.forge.delivery(format_bundle(each), self.result) for each in bundles]
        verdict = self.forge.judge(self.forge.to_main(commit), *pushed)
        assert (verdict.kind is VerdictKind.ACCEPTED) == (not codes(verdict))
        return codes(verdict)


@pytest.fixture
def twins() -> Twins:
    return Twins()


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_however_often_it_is_in_one_envelope(twins: Twins, copies: int) -> None:
    for hint in (CAROL.public.fingerprint, twins.twin.fingerprint, "nobody"):
        assert twins.codes(twins.bundle(hint, *[twins.signature] * copies)) == {"LFCI111"}


def test_in_two_envelopes_that_name_two_keys(twins: Twins) -> None:
    carol, twin = CAROL.public.fingerprint, twins.twin.fingerprint
    assert twins.codes(twins.bundle(carol), trailer=twins.bundle(twin)) == {"LFCI111"}
    assert twins.codes(twins.bundle(twin), trailer=twins.bundle(carol)) == {"LFCI111"}


def test_two_signatures_by_two_people_count_in_one_envelope_and_in_two(twins: Twins) -> None:
    agents = AGENT.sign(pae("application/vnd.in-toto+json", twins.payload))
    assert twins.codes(twins.bundle("nobody", twins.signature, agents)) == set()
    mine = twins.bundle(AGENT.public.fingerprint, agents)
    assert twins.codes(twins.bundle(CAROL.public.fingerprint), trailer=mine) == set()
