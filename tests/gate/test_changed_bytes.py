"""Whatever byte of a delivered attestation somebody changes: the push is refused, or the gate has
verified the very same statement by the very same key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.model import ObjectId, RefUpdate, VerdictKind
from tests.gate.test_rules_04_to_12 import SOURCE, line_of
from tests.support.memory_forge import MemoryForge, codes, started


def _pushed() -> tuple[MemoryForge, RefUpdate, RefUpdate, bytes, ObjectId]:
    forge = started()
    commit = forge.commit(SOURCE)
    delivery = forge.run(commit)
    assert delivery.new is not None
    line = line_of(forge, delivery)
    [result] = [oid for mode, name, oid in _entries(forge, delivery.new) if name == b"result"]
    return forge, forge.to_main(commit), delivery, line, result


def _entries(forge: MemoryForge, tree: ObjectId) -> list[tuple[int, bytes, ObjectId]]:
    from lfci_gate.git.tree import read_tree

    return [tuple(entry) for entry in read_tree(forge.objects, tree)]


FORGE, MAIN_UPDATE, DELIVERY, LINE, RESULT = _pushed()
WHOLE = LINE + b"\n"
ID = DELIVERY.ref.rpartition("/")[2]


def judged(line: bytes) -> tuple[VerdictKind, set[str], tuple[str, ...]]:
    """The verdict about the push when the inbox ref holds these bytes under the same name."""
    blob = FORGE.objects.blob(line)
    tree = FORGE.objects.tree((0o100644, b"attestation", blob), (0o100644, b"result", RESULT))
    verdict = FORGE.judge(MAIN_UPDATE, replace(DELIVERY, new=tree))
    return verdict.kind, codes(verdict), verdict.refs[0].evidence


def holds(line: bytes) -> None:
    kind, found, evidence = judged(line)
    if kind is VerdictKind.ACCEPTED:
        assert evidence == (ID,)
    else:
        assert found
        assert evidence == ()


def test_unchanged_it_is_accepted() -> None:
    assert judged(WHOLE) == (VerdictKind.ACCEPTED, set(), (ID,))


@given(position=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_one_byte_replaced(position: int, byte: int) -> None:
    holds(WHOLE[:position] + bytes([byte]) + WHOLE[position + 1 :])


@given(position=st.integers(0, len(WHOLE)), inserted=st.binary(min_size=1, max_size=4))
def test_bytes_put_in(position: int, inserted: bytes) -> None:
    holds(WHOLE[:position] + inserted + WHOLE[position:])


@given(start=st.integers(0, len(WHOLE) - 1), count=st.integers(1, 40))
def test_bytes_left_out(start: int, count: int) -> None:
    holds(WHOLE[:start] + WHOLE[start + count :])


@pytest.mark.parametrize("part", [b'"sig":"', b'"payload":"'])
def test_every_character_of_signature_and_payload_matters(part: bytes) -> None:
    start = WHOLE.index(part) + len(part)
    end = WHOLE.index(b'"', start)
    for position in range(start, end, 1 if part == b'"sig":"' else 23):
        other = b"B" if WHOLE[position : position + 1] == b"A" else b"A"
        kind, _, _ = judged(WHOLE[:position] + other + WHOLE[position + 1 :])
        assert kind is VerdictKind.REFUSED, position
