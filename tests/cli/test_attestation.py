"""`lfci attestation`: what a clone holds is shown as what it says, and by whom it is signed, no more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from lfci_gate.attest.bundle import format_bundle, make_bundle, parse_bundle
from lfci_gate.attest.dsse import Envelope as OurEnvelope
from lfci_gate.attest.dsse import attestation_id, sign
from lfci_gate.attest.results import result_document
from lfci_gate.attest.statement import format_statement, parse_statement
from lfci_gate.canonical import dumps
from lfci_gate.clone.evidence import evidence_refs, store_evidence
from lfci_gate.model import CheckRun, Statement
from tests.cli.conftest import NOW, Run
from tests.support.evidence import APPROVAL, CHECK_RUN, RESULT, SESSION, TestSigner
from tests.support.forge import AGENT, MAINTAINER, SECOND_AGENT, STRANGER, policy_text
from tests.support.repos import Repo, make_repo

DOCUMENT = result_document(RESULT)


def changed(statement: Statement, **changes: object) -> Statement:
    """The statement with other values in some fields."""
    held = {name: getattr(statement, name) for name in type(statement).__slots__}
    return type(statement)(**(held | changes))


def line_of(statement: Statement, signer: TestSigner) -> bytes:
    return format_bundle(make_bundle(sign(format_statement(statement), signer), signer.public))


@dataclass(frozen=True)
class Clone:
    repo: Repo
    passed: str
    """Ids of what it holds: a check by the agent, an approval, a session, a check by a stranger."""
    approval: str
    session: str
    stranger: str


@pytest.fixture
def clone(repo: Repo) -> Clone:
    repo.write(".lfci/policy.toml", policy_text())
    repo.commit("policy")
    hour = timedelta(hours=1)
    run = changed(CHECK_RUN, issued_at=NOW - hour)
    git = repo.tool
    return Clone(
        repo,
        passed=store_evidence(git, line_of(run, AGENT), DOCUMENT),
        approval=store_evidence(git, line_of(changed(APPROVAL, issued_at=NOW - 2 * hour), MAINTAINER), None),
        session=store_evidence(git, line_of(changed(SESSION, issued_at=NOW - 30 * hour), AGENT), None),
        stranger=store_evidence(git, line_of(changed(run, issued_at=NOW - 3 * hour), STRANGER), DOCUMENT),
    )


# -- list -----------------------------------------------------------------------------------------


def test_the_list_as_a_screen(here: Run, clone: Clone, screen) -> None:
    shown = here("attestation", "list", cwd=clone.repo.path)
    assert shown.status == 0
    screen("attestation-list", shown.out)


def test_the_list_says_who_signed_and_nobody_else(here: Run, clone: Clone) -> None:
    found = here("attestation", "list", "--format", "json", cwd=clone.repo.path).json
    assert found["schema"] == "lfci.attestations/1"
    signed = {each["id"]: [key["name"] for key in each["verifiedBy"]] for each in found["attestations"]}
    assert signed == {
        clone.passed: ["agent"],
        clone.approval: ["maintainer"],
        clone.session: ["agent"],
        clone.stranger: [],
    }


def test_what_the_forge_has_is_listed_once(here: Run, clone: Clone, tmp_path: Path) -> None:
    repo = clone.repo
    tree = repo.line("rev-parse", "HEAD^{tree}")
    run = changed(CHECK_RUN, inputs_tree=tree, issued_at=NOW)
    name = store_evidence(repo.tool, line_of(run, AGENT), DOCUMENT)
    # The forge's note holds it with another key's signature as well: one statement, two envelopes.
    note = tmp_path / "note"
    note.write_bytes(line_of(run, AGENT) + b"\n" + line_of(run, SECOND_AGENT) + b"\n")
    blob = repo.line("hash-object", "-w", str(note))
    repo.git("notes", "--ref=lfci", "add", "-C", blob, tree)
    found = here("attestation", "list", "--format", "json", cwd=repo.path).json
    [one] = [each for each in found["attestations"] if each["id"] == name]
    assert one["places"] == ["local", "forge"]
    assert [key["name"] for key in one["verifiedBy"]] == ["agent", "second-agent"]


def test_a_limit_says_how_many_more_there_are(here: Run, clone: Clone) -> None:
    shown = here("attestation", "list", "--limit", "1", cwd=clone.repo.path)
    assert clone.passed[:12] in shown.out
    assert clone.session[:12] not in shown.out
    assert "and 3 more (--limit)\n" in shown.out


def test_nothing_is_a_sentence_and_an_empty_list(here: Run, repo: Repo) -> None:
    shown = here("attestation", "list", cwd=repo.path)
    assert (shown.status, shown.out.count("\n")) == (0, 1)
    assert here("attestation", "list", "--format", "json", cwd=repo.path).json["attestations"] == []


def test_what_cannot_be_read_is_left_out_and_said(here: Run, clone: Clone) -> None:
    repo = clone.repo
    tree = repo.line("rev-parse", "HEAD^{tree}")
    repo.git("update-ref", f"refs/lfci/inbox/{tree}/{'0' * 64}", tree)
    shown = here("attestation", "list", cwd=repo.path)
    assert shown.status == 0
    assert "note: left out, refs/lfci/inbox/" in shown.err
    assert clone.passed[:12] in shown.out


def test_without_a_policy_nobody_is_said_to_have_signed(here: Run, repo: Repo) -> None:
    name = store_evidence(repo.tool, line_of(CHECK_RUN, AGENT), DOCUMENT)
    shown = here("attestation", "list", cwd=repo.path)
    assert "signed by: ? (no policy is known here)" in shown.out
    shown = here("attestation", "show", name, cwd=repo.path)
    assert "NOT VERIFIED: no policy is known here" in shown.out
    assert "agent-7" in shown.out  # what it says is shown, as what it says


# -- show -----------------------------------------------------------------------------------------


def test_a_verified_one_as_a_screen(here: Run, clone: Clone, screen) -> None:
    shown = here("attestation", "show", clone.passed[:8], cwd=clone.repo.path)
    assert shown.status == 0
    screen("attestation-show", shown.out)


def test_one_by_an_unknown_key_is_not_verified(here: Run, clone: Clone) -> None:
    shown = here("attestation", "show", clone.stranger, cwd=clone.repo.path)
    assert shown.status == 0
    assert "signature   NOT VERIFIED: no key of the policy in main signed this\n" in shown.out
    assert "verifies" not in shown.out
    assert "What it says, believed by nobody here:\n" in shown.out


def test_a_hint_of_an_enrolled_key_makes_nothing_verified(here: Run, clone: Clone) -> None:
    envelope = sign(format_statement(changed(CHECK_RUN, issued_at=NOW)), STRANGER)
    name = store_evidence(clone.repo.tool, format_bundle(make_bundle(envelope, AGENT.public)), DOCUMENT)
    found = here("attestation", "show", name, "--format", "json", cwd=clone.repo.path).json
    assert found["hint"] == AGENT.public.fingerprint
    assert found["verifiedBy"] == []


def test_a_signature_over_other_bytes_makes_nothing_verified(here: Run, clone: Clone) -> None:
    signed = sign(format_statement(CHECK_RUN), AGENT)
    other = format_statement(changed(CHECK_RUN, attempt=2))
    line = format_bundle(make_bundle(OurEnvelope(other, signed.signatures), AGENT.public))
    name = store_evidence(clone.repo.tool, line, DOCUMENT)
    shown = here("attestation", "show", name, cwd=clone.repo.path)
    assert "NOT VERIFIED" in shown.out


def test_a_key_that_is_revoked_is_said_to_be(here: Run, clone: Clone) -> None:
    import tomllib

    import tomli_w

    policy = tomllib.loads(policy_text().decode())
    policy["keys"]["agent"]["revoked"] = NOW - timedelta(days=1)
    clone.repo.write(".lfci/policy.toml", tomli_w.dumps(policy).encode())
    clone.repo.commit("revoke")
    shown = here("attestation", "show", clone.passed, cwd=clone.repo.path)
    assert "signature   verifies with the key agent (roles: agent), which is revoked\n" in shown.out


def test_the_json_of_one_holds_its_statement(here: Run, clone: Clone) -> None:
    found = here("attestation", "show", clone.approval, "--format", "json", cwd=clone.repo.path).json
    assert found["schema"] == "lfci.attestation/1"
    assert found["statement"]["predicate"]["reason"] == APPROVAL.reason
    assert found["policy"] == {"where": "main", "version": 1}


@pytest.mark.parametrize("name", ["0000", "abc", "", "zzzz", "sha256:0000"])
def test_an_id_that_is_not_held_is_lfci514(here: Run, clone: Clone, name: str) -> None:
    shown = here("attestation", "show", name, cwd=clone.repo.path)
    assert shown.status == 2
    assert "error[LFCI514]: no attestation" in shown.err


# -- export ---------------------------------------------------------------------------------------


def test_a_bundle_is_exported_as_it_is_stored(here: Run, clone: Clone, tmp_path: Path) -> None:
    shown = here("attestation", "export", clone.passed, cwd=clone.repo.path)
    assert shown.status == 0
    assert attestation_id(parse_bundle(shown.out.rstrip("\n").encode()).envelope) == clone.passed
    target = tmp_path / "out.json"
    here("attestation", "export", clone.passed, "--output", str(target), cwd=clone.repo.path)
    assert target.read_text() == shown.out


def test_an_exported_envelope_is_verified_by_another_implementation(here: Run, clone: Clone) -> None:
    shown = here("attestation", "export", clone.passed, "--format", "dsse", cwd=clone.repo.path)
    data = json.loads(shown.out)
    key = SSlibKey("k", "ed25519", "ed25519", {"public": AGENT.public.raw.hex()})
    data["signatures"][0]["keyid"] = "k"
    assert Envelope.from_dict(data).verify([key], 1) == {"k": key}


def test_a_test_result_names_the_tests_and_is_not_signed(here: Run, clone: Clone) -> None:
    words = ("attestation", "export", clone.passed, "--format", "in-toto-test-result")
    shown = here(*words, cwd=clone.repo.path)
    assert json.loads(shown.out) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "inputs", "digest": {"gitTree": CHECK_RUN.inputs_tree}}],
        "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
        "predicate": {
            "result": "PASSED",
            "configuration": [
                {"name": "check test", "digest": {"sha256": CHECK_RUN.definition}},
                *({"name": file.path, "digest": {"sha256": file.sha256}} for file in CHECK_RUN.flake),
                *({"name": file.path, "digest": {"sha256": file.sha256}} for file in CHECK_RUN.lockfiles),
            ],
            "passedTests": ["a::one", "b::\u00fc"],
            "failedTests": [],
        },
    }
    assert "not signed" in shown.err


def test_an_approval_is_no_test_result(here: Run, clone: Clone) -> None:
    words = ("attestation", "export", clone.approval, "--format", "in-toto-test-result")
    shown = here(*words, cwd=clone.repo.path)
    assert (shown.status, shown.out) == (2, "")
    assert "error[LFCI514]" in shown.err


# -- import ---------------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> Repo:
    made = make_repo(tmp_path / "other")
    made.write(".lfci/policy.toml", policy_text())
    made.commit("policy")
    return made


def given(tmp_path: Path, line: bytes, result: bytes | None = DOCUMENT) -> list[str]:
    (tmp_path / "bundle.json").write_bytes(line)
    words = ["attestation", "import", str(tmp_path / "bundle.json")]
    if result is not None:
        (tmp_path / "result.json").write_bytes(result)
        words += ["--result", str(tmp_path / "result.json")]
    return words


def test_what_is_exported_can_be_imported_elsewhere(
    here: Run, clone: Clone, other: Repo, tmp_path: Path
) -> None:
    exported = here("attestation", "export", clone.passed, cwd=clone.repo.path).out.encode()
    shown = here(*given(tmp_path, exported), cwd=other.path)
    assert shown.status == 0, shown.err
    assert f"imported    {clone.passed}\n" in shown.out
    assert "verifies with agent (policy in main)" in shown.out
    assert evidence_refs(other.tool) == {
        ref: oid for ref, oid in evidence_refs(clone.repo.tool).items() if ref.endswith(clone.passed)
    }


def test_one_of_a_stranger_is_stored_and_said_not_to_count(here: Run, other: Repo, tmp_path: Path) -> None:
    shown = here(*given(tmp_path, line_of(CHECK_RUN, STRANGER)), cwd=other.path)
    assert shown.status == 0
    assert "NOT VERIFIED: no key of the policy in main signed it; the forge will not count it" in shown.out


def test_an_approval_needs_no_result(here: Run, other: Repo, tmp_path: Path) -> None:
    shown = here(*given(tmp_path, line_of(APPROVAL, MAINTAINER), None), cwd=other.path)
    assert shown.status == 0


def test_a_foreign_keyid_is_not_stored(here: Run, other: Repo, tmp_path: Path) -> None:
    value = json.loads(line_of(CHECK_RUN, AGENT))
    value["dsseEnvelope"]["signatures"][0]["keyid"] = "mine"
    assert here(*given(tmp_path, dumps(value)), cwd=other.path).status == 0
    [tree] = evidence_refs(other.tool).values()
    assert other.git("cat-file", "blob", f"{tree}:attestation") == line_of(CHECK_RUN, AGENT) + b"\n"


def damaged(line: bytes) -> bytes:
    statement = parse_statement(parse_bundle(line).envelope.payload)
    assert isinstance(statement, CheckRun)
    payload = format_statement(statement).replace(b'"exitCode":0', b'"exitCode":"0"')
    return format_bundle(make_bundle(OurEnvelope(payload, (b"x",)), AGENT.public))


GOOD = line_of(CHECK_RUN, AGENT)


@pytest.mark.parametrize(
    ("line", "result", "code", "status"),
    [
        (b"", DOCUMENT, "LFCI110", 1),
        (b"{}", DOCUMENT, "LFCI110", 1),
        (b"\xff\xfe", DOCUMENT, "LFCI110", 1),
        (GOOD + b"\n" + GOOD, DOCUMENT, "LFCI110", 1),
        (b" " * 300_000, DOCUMENT, "LFCI110", 1),
        (damaged(GOOD), DOCUMENT, "LFCI110", 1),
        (GOOD, None, "LFCI514", 2),
        (GOOD, b"{}", "LFCI115", 1),
        (GOOD, DOCUMENT + b"\n", "LFCI115", 1),
        (line_of(APPROVAL, MAINTAINER), DOCUMENT, "LFCI514", 2),
    ],
)
def test_what_the_gate_would_not_read_is_not_stored(
    here: Run, other: Repo, tmp_path: Path, line: bytes, result: bytes | None, code: str, status: int
) -> None:
    shown = here(*given(tmp_path, line, result), cwd=other.path)
    assert shown.status == status
    assert f"error[{code}]" in shown.err
    assert evidence_refs(other.tool) == {}


def test_a_file_that_is_not_there_is_lfci514(here: Run, other: Repo) -> None:
    shown = here("attestation", "import", "nowhere.json", cwd=other.path)
    assert shown.status == 2
    assert "error[LFCI514]: there is no file nowhere.json" in shown.err


def test_from_stdin(lfci: Run, other: Repo, tmp_path: Path) -> None:
    shown = lfci("attestation", "import", "-", cwd=other.path, input=line_of(APPROVAL, MAINTAINER).decode())
    assert shown.status == 0, shown.err
