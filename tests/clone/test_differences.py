"""What a rebuild tells about a difference, and what a clone remembers of rebuilds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lfci_gate.clone.differences import between, diffoscope
from lfci_gate.clone.finding import DERIVED, REBUILT, Answer, Finding, no_derivation, other_derivation
from lfci_gate.clone.rebuild_memory import recall, remember
from lfci_gate.clone.verify import Claim
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.model import FileDigest, ResultDocument, Sha256, TestCase, TestCounts
from lfci_gate.nix.process import NixVersion
from lfci_gate.value import replace
from tests.support.evidence import CHECK_RUN
from tests.support.world_project import definition, flake_check

NIX = NixVersion("nix", "2.34.8")
RUN = replace(CHECK_RUN, nix_name=NIX.name, nix_version=NIX.version)
CLAIM = Claim("a" * 64, ("agent-7",), RUN, definition("true"))
ONE, TWO = Sha256("1" * 64), Sha256("2" * 64)


def document(*tests: tuple[str, str], status: int = 0, **artifacts: Sha256) -> ResultDocument:
    cases = tuple(TestCase(*each) for each in sorted(tests))
    return ResultDocument(
        "test", status, cases, tuple(FileDigest(name, value) for name, value in sorted(artifacts.items()))
    )


def told(attested: ResultDocument | None, here: ResultDocument, **changes: object) -> tuple[str, ...]:
    run = replace(CLAIM.run, **{"artifacts": () if attested is None else attested.artifacts, **changes})
    return between(run, attested, here, lambda one, two: (f"explained {one[:2]} {two[:2]}",))


def test_each_test_and_file_that_differs_is_named() -> None:
    attested = document(("a", "passed"), ("b", "passed"), ("c", "passed"), ("c", "failed"), x=ONE, y=ONE)
    here = document(("a", "failed"), ("c", "passed"), ("d", "skipped"), status=1, x=TWO, z=TWO)
    assert told(attested, here) == (
        "exit status: attested 0, here 1",
        "test a: attested passed, here failed",
        "test b: attested passed, here not there",
        "test c: attested failed and passed, here passed",
        "test d: attested not there, here skipped",
        "artifact 'x': attested 111111111111, here 222222222222",
        "explained 11 22",
        "artifact 'y': attested 111111111111, here nothing",
        "artifact 'z': attested nothing, here 222222222222",
    )


def test_without_the_attested_list_the_counts_are_compared() -> None:
    counts = TestCounts(passed=3, failed=0, skipped=1, ids=ONE)
    [first, second] = told(None, document(("a", "passed"), ("b", "failed")), tests=counts)
    assert "only digests can be compared" in first
    assert second == "tests: attested 3 passed, 0 failed, 1 skipped; here 1, 1, 0"


def test_many_differences_are_counted_and_odd_names_escaped() -> None:
    attested = document(*((f"t\x1b{number:03}", "passed") for number in range(50)))
    lines = told(attested, document())
    assert len(lines) == 21
    assert lines[-1] == "and 30 more tests"
    assert lines[0] == "test t\\x1b000: attested passed, here not there"


def test_a_difference_that_nobody_can_name_is_told_too() -> None:
    assert told(document(), document()) == ("the digest that is attested is of no result like this one",)


def test_diffoscope_shows_what_is_in_the_files(tmp_path: Path) -> None:
    one, two, large = (tmp_path / name for name in ("one", "two", "large"))
    one.write_text("alpha\nbeta\n")
    two.write_text("alpha\ngamma \x1b[31m\n")
    large.write_bytes(bytes(17 << 20))
    said = "\n".join(diffoscope(one, two))
    assert "-beta" in said
    assert "+gamma" in said
    assert "\x1b" not in said
    assert diffoscope(one, large) == ()
    assert diffoscope(one, tmp_path / "none") == ()


# -- what is no lie ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({}, Answer.NOT),
        ({"nix_version": "2.34.9"}, Answer.UNDECIDED),
        ({"nix_name": "lix"}, Answer.UNDECIDED),
        ({"drv_path": f"/nix/store/{'0' * 32}-lfci-check-2-test.drv"}, Answer.UNDECIDED),
        ({"drv_path": f"/nix/store/{'0' * 32}-lfci-check-1-test.drv"}, Answer.NOT),
        # A name that no version of ours gives is no excuse.
        ({"drv_path": f"/nix/store/{'0' * 32}-lfci-check-test.drv"}, Answer.NOT),
    ],
)
def test_another_derivation(changes: dict[str, str], answer: Answer) -> None:
    claim = replace(CLAIM, run=replace(CLAIM.run, **changes))
    found = other_derivation(claim, "/nix/store/x.drv", NIX)
    assert (found.answer, found.code, found.method) == (answer, "LFCI321", DERIVED)
    assert found.can_be_signed == (answer is Answer.NOT)


def test_a_flake_check_has_no_version_of_ours() -> None:
    run = replace(CLAIM.run, drv_path=f"/nix/store/{'0' * 32}-lfci-check-2-test.drv")
    claim = replace(CLAIM, run=run, definition=flake_check("x"))
    assert other_derivation(claim, "/nix/store/x.drv", NIX).answer is Answer.NOT


@pytest.mark.parametrize(
    ("error", "answer"),
    [
        (Refusal("LFCI317", "no flake"), Answer.NOT),
        (Refusal("LFCI318", "no shell"), Answer.NOT),
        (Refusal("LFCI315", "a rule of ours"), Answer.UNDECIDED),
        (Refusal("LFCI304", "syntax", facts=("error: undefined variable",)), Answer.UNDECIDED),
        (Refusal("LFCI304", "input", facts=("error: unable to download 'https://x'",)), Answer.MISSING),
        (Refusal("LFCI304", "input", facts=("error: path '/x' does not exist",)), Answer.MISSING),
        (Undecided("LFCI306", "environment"), Answer.MISSING),
        (Undecided("LFCI303", "no nix"), Answer.UNDECIDED),
        (Undecided("LFCI323", "no sandbox"), Answer.UNDECIDED),
        (Undecided("LFCI326", "altered"), Answer.UNDECIDED),
    ],
)
def test_what_could_not_be_derived(error: LfciError, answer: Answer) -> None:
    found = no_derivation(CLAIM, error, NIX)
    assert (found.answer, found.code) == (answer, error.code)
    assert found.can_be_signed == (answer is Answer.NOT)
    # Without knowing which Nix it was, nothing is said.
    assert not no_derivation(CLAIM, error, None).can_be_signed


# -- memory -------------------------------------------------------------------------------------------

SAID = Finding(CLAIM, REBUILT, Answer.NOT, "other", NIX, "LFCI327", ("a fact",), "/nix/store/x.drv", ONE)


def test_what_was_found_out_is_remembered_with_its_reasons(tmp_path: Path) -> None:
    assert recall(tmp_path, CLAIM, fresh=False) is None
    for said in (SAID, replace(SAID, answer=Answer.REPRODUCED, code=None, facts=())):
        remember(tmp_path, said, fresh=False)
        assert recall(tmp_path, CLAIM, fresh=False) == replace(said, known=True)
        # By less than is asked for now.
        assert recall(tmp_path, CLAIM, fresh=True) is None
    remember(tmp_path, SAID, fresh=True)
    assert recall(tmp_path, CLAIM, fresh=False) == recall(tmp_path, CLAIM, fresh=True) != None  # noqa: E711


def test_what_was_not_decided_is_not_remembered(tmp_path: Path) -> None:
    for answer in (Answer.UNDECIDED, Answer.MISSING):
        remember(tmp_path, replace(SAID, answer=answer), fresh=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "change",
    [
        {"attestation": "b" * 64},
        {"drvPath": "/nix/store/other.drv"},
        {"answer": "undecided"},
        {"method": "derived"},
        {"result": None},
        {"schema": "lfci.rebuild/2"},
        {"more": 1},
        {"facts": "text"},
        {"store": "elsewhere"},
    ],
)
def test_a_memory_that_says_something_else_counts_for_nothing(
    tmp_path: Path, change: dict[str, object]
) -> None:
    remember(tmp_path, SAID, fresh=True)
    [file] = (tmp_path / "rebuilds").iterdir()
    file.write_text(json.dumps(json.loads(file.read_bytes()) | change))
    assert recall(tmp_path, CLAIM, fresh=False) is None
    file.write_bytes(b"\xff")
    assert recall(tmp_path, CLAIM, fresh=False) is None
