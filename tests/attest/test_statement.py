"""Statements: written, read back as the same, and refused in every other form."""

from __future__ import annotations

import copy
import dataclasses
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lfci_gate.attest.statement as statements
from lfci_gate.attest.encoding import b64encode
from lfci_gate.attest.shape import Mismatch
from lfci_gate.attest.statement import contradictions, format_statement, parse_statement, subject_of
from lfci_gate.errors import Refusal
from lfci_gate.model import FileDigest, LockfileFact, Outcome, Statement, TestCounts
from tests.support.evidence import (
    APPROVAL,
    BYPASS,
    BYPASSED_LANDING,
    CHECK_RUN,
    LANDING,
    NOW,
    SESSION,
    STATEMENTS,
    VERIFICATION,
    oid,
    sha,
)

EACH = pytest.mark.parametrize("name", sorted(STATEMENTS))


def plain(statement: Statement) -> dict:
    return json.loads(format_statement(statement))


def refused(payload: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        parse_statement(payload)
    assert caught.value.code == "LFCI110"
    return caught.value.message


def steps(path: str) -> list[str | int]:
    """A path like predicate/source/lockfiles/0; a slash in a key is ~1, as in JSON pointers."""
    return [int(part) if part.isdigit() else part.replace("~1", "/") for part in path.split("/")]


def value_at(data: object, path: str) -> object:
    for step in steps(path):
        data = data[step]  # type: ignore[index]
    return data


def edited(statement: Statement, path: str, value: object) -> bytes:
    data = plain(statement)
    parent, _, _ = path.rpartition("/")
    at = value_at(data, parent) if parent else data
    if value is KeyError:
        del at[steps(path)[-1]]
    else:
        at[steps(path)[-1]] = value
    return json.dumps(data).encode()


def paths_of(value: object, prefix: str = "") -> list[str]:
    """Paths of all keys of all objects, also those in lists."""
    if isinstance(value, dict):
        named = {prefix + key.replace("/", "~1"): inner for key, inner in value.items()}
        return [*named, *(path for name, inner in named.items() for path in paths_of(inner, name + "/"))]
    if isinstance(value, list):
        return [path for n, item in enumerate(value) for path in paths_of(item, f"{prefix}{n}/")]
    return []


@EACH
def test_what_is_written_is_read_back(name: str) -> None:
    statement = STATEMENTS[name]
    payload = format_statement(statement)
    assert parse_statement(payload) == statement
    assert format_statement(parse_statement(payload)) == payload
    # Another spelling of the same JSON is the same statement, and is not what we would write.
    spaced = json.dumps(json.loads(payload), indent=1).encode()
    assert parse_statement(spaced) == statement


def test_a_check_run_has_exactly_the_documented_shape() -> None:
    data = plain(CHECK_RUN)
    predicate = data["predicate"]
    assert data["_type"] == "https://in-toto.io/Statement/v1"
    assert data["subject"] == [{"name": "inputs", "digest": {"gitTree": oid("inputs")}}]
    assert data["predicateType"] == "https://micelio.dev/lfci/check-run/v0.1"
    documented = (
        "repository check result exitCode tests source session derivation execution outputs log attester"
        " target issuedAt"
    )
    assert set(predicate) == set(documented.split())
    assert predicate["source"]["flake"] == {"flake.lock": sha("lock"), "flake.nix": sha("flake")}
    assert predicate["source"]["lockfiles"][0] == {
        "path": "mix.lock",
        "sha256": sha("mix"),
        "pinned": 61,
        "unpinned": 0,
    }
    assert predicate["execution"]["startedAt"] == "2026-11-23T05:40:00Z"
    assert predicate["target"] == {"ref": "refs/heads/main"}


def test_a_statement_is_about_exactly_one_subject() -> None:
    """Of a shape made here: those in use were made while their module was imported."""
    data = plain(CHECK_RUN)
    form = statements._whole(data["predicateType"])
    assert form(data) == CHECK_RUN
    for subjects in ([], data["subject"] * 2):
        with pytest.raises(Mismatch, match="must be an array of 1 to 1 entries"):
            form(data | {"subject": subjects})


def test_a_landing_is_a_verification_summary_of_slsa() -> None:
    predicate = plain(LANDING)["predicate"]
    required = "verifier timeVerified resourceUri policy verificationResult verifiedLevels"  # SLSA's schema
    assert set(required.split()) < set(predicate)
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["verifiedLevels"] == ["SLSA_BUILD_LEVEL_UNEVALUATED"]
    assert predicate["inputAttestations"] == [{"digest": {"sha256": each}} for each in LANDING.evidence]
    extensions = set(predicate) - {*required.split(), "inputAttestations"}
    assert all(key.startswith("https://") for key in extensions)


def test_a_landing_by_break_glass_is_failed_in_slsa_s_own_words() -> None:
    """Whoever reads only what SLSA names must not take it for one that passed."""
    predicate = plain(BYPASSED_LANDING)["predicate"]
    assert predicate["verificationResult"] == "FAILED"
    assert predicate["verifiedLevels"] == ["FAILED"]
    extension = predicate["https://micelio.dev/lfci/landing/v0.1"]
    assert extension["bypass"] == {"attestation": {"sha256": sha("bypass")}, "waived": ["LFCI101", "LFCI213"]}
    assert "bypass" not in plain(LANDING)["predicate"]["https://micelio.dev/lfci/landing/v0.1"]
    for path, value in (
        ("predicate/verificationResult", "PASSED"),
        ("predicate/verifiedLevels", ["SLSA_BUILD_LEVEL_UNEVALUATED"]),
        ("predicate/https:~1~1micelio.dev~1lfci~1landing~1v0.1/bypass", KeyError),
    ):
        assert "is FAILED" in refused(edited(BYPASSED_LANDING, path, value))
    assert "must name the bypass" in refused(edited(BYPASSED_LANDING, "predicate/inputAttestations", []))


def test_what_was_not_reproduced_is_said_so() -> None:
    other = dataclasses.replace(VERIFICATION, reproduced=False)
    assert plain(other)["predicate"]["outcome"] == "not-reproduced"
    assert plain(VERIFICATION)["predicate"]["outcome"] == "reproduced"
    assert parse_statement(format_statement(other)) == other


def test_a_result_is_there_for_a_rebuild_and_only_then() -> None:
    derived = dataclasses.replace(VERIFICATION, method="derived", result_sha256=None)
    assert parse_statement(format_statement(derived)) == derived
    assert "result is there for a rebuild" in refused(edited(VERIFICATION, "predicate/result", None))
    assert "result is there for a rebuild" in refused(edited(VERIFICATION, "predicate/method", "derived"))
    assert "outcome" in refused(edited(VERIFICATION, "predicate/outcome", "undecided"))


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        ("predicate/waives", [], "1 to"),
        ("predicate/waives", ["tests", "checks"], "sorted"),
        ("predicate/waives", ["policy"], "one of"),
        ("predicate/reason", "", "text of 1"),
        ("predicate/notAfter", "2026-11-23T05:40:00Z", "later than issuedAt"),
        ("predicate/nonce", "short", "22 characters"),
        ("subject/0/digest", {"gitTree": "0" * 40}, "gitTree"),
    ],
)
def test_a_bypass_has_a_reason_an_end_and_a_list_of_what_it_waives(
    path: str, value: object, word: str
) -> None:
    assert word in refused(edited(BYPASS, path, value))


def test_what_does_not_exist_is_null_and_never_absent() -> None:
    bare = dataclasses.replace(
        CHECK_RUN, tests=None, session=None, target_ref=None, flake=(), lockfiles=(), artifacts=()
    )
    predicate = plain(bare)["predicate"]
    assert predicate["tests"] is predicate["session"] is predicate["target"] is None
    assert predicate["source"]["flake"] == {}
    assert parse_statement(format_statement(bare)) == bare
    for statement in (
        dataclasses.replace(SESSION, base_commit=None, goal=""),
        dataclasses.replace(LANDING, old=None, evidence=()),
        dataclasses.replace(APPROVAL, reason=""),
        dataclasses.replace(CHECK_RUN, session=dataclasses.replace(CHECK_RUN.session, base_commit=None)),
    ):
        assert parse_statement(format_statement(statement)) == statement


@EACH
def test_names_of_sha256_repositories_are_read(name: str) -> None:
    field = {
        "check-run": "inputs_tree",
        "verification": "inputs_tree",
        "approval": "to_tree",
        "session": "base_tree",
    }
    statement = dataclasses.replace(STATEMENTS[name], **{field.get(name, "commit"): sha("tree")})
    assert subject_of(parse_statement(format_statement(statement))) == sha("tree")


@EACH
def test_every_key_must_be_there(name: str) -> None:
    statement = STATEMENTS[name]
    optional = {"predicate/source/flake/flake.nix", "predicate/source/flake/flake.lock"}
    paths = [path for path in paths_of(plain(statement)) if path not in optional]
    assert len(paths) >= 15
    for path in paths:
        refused(edited(statement, path, KeyError))


@EACH
def test_an_unknown_key_is_refused_in_every_object(name: str) -> None:
    statement = STATEMENTS[name]
    data = plain(statement)
    objects = {path.rpartition("/")[0] for path in paths_of(data)}
    for parent in objects:
        path = f"{parent}/surprise" if parent else "surprise"
        assert "surprise" in refused(edited(statement, path, 1))


@EACH
def test_a_value_of_another_type_is_refused_at_every_key(name: str) -> None:
    statement = STATEMENTS[name]
    data = plain(statement)
    for path in paths_of(data):
        old = value_at(data, path)
        for other in (True, 7, "\0", [], [[]], {}, {"a": 1}, -1, "x" * 300_000):
            if type(other) is not type(old):
                refused(edited(statement, path, other))
        refused(edited(statement, path, 1.0))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("_type", "https://in-toto.io/Statement/v0.1"),
        ("predicateType", "https://micelio.dev/lfci/check-run/v0.2"),
        ("predicateType", "https://micelio.dev/lfci/approval/v0.1"),
        ("predicateType", ["https://micelio.dev/lfci/check-run/v0.1"]),
        ("predicateType", None),
        ("subject", []),
        ("subject", [{"name": "inputs", "digest": {"gitTree": oid("a")}}] * 2),
        ("subject/0/name", "base"),
        ("subject/0/digest", {"sha256": sha("a")}),
        ("subject/0/digest", {"gitTree": oid("a"), "sha1": oid("a")}),
        ("subject/0/digest/gitTree", oid("a").upper()),
        ("subject/0/digest/gitTree", oid("a")[:-1]),
        ("subject/0/digest/gitTree", oid("a") + "0"),
        ("subject/0/digest/gitTree", oid("a") + "\n"),
        ("predicate/repository", "0192F3C8-7E1C-7A54-9D0E-4F6B1F0A2C11"),
        ("predicate/repository", ""),
        ("predicate/check/name", ""),
        ("predicate/check/name", "te\x1bst"),
        ("predicate/check/command", ""),
        ("predicate/check/command", "a\x1b[31mb"),
        ("predicate/check/definition", {"sha1": oid("a")}),
        ("predicate/result", "UNDECIDED"),
        ("predicate/result", "passed"),
        ("predicate/result", ""),
        ("predicate/exitCode", -1),
        ("predicate/exitCode", 256),
        ("predicate/exitCode", False),
        ("predicate/tests/passed", -1),
        ("predicate/tests/failed", -1),
        ("predicate/tests/skipped", 2**53),
        ("predicate/source/narHash", "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV="),
        ("predicate/source/narHash", "sha256:0000"),
        ("predicate/source/flake/flake.py", sha("a")),
        ("predicate/source/lockfiles/0/path", "z.lock"),
        ("predicate/source/lockfiles/0/path", "odd/unknown.lock"),
        ("predicate/source/lockfiles/0/path", "/mix.lock"),
        ("predicate/source/lockfiles/0/path", "a/../mix.lock"),
        ("predicate/source/lockfiles/0/path", "./mix.lock"),
        ("predicate/source/lockfiles/0/path", "a//mix.lock"),
        ("predicate/source/lockfiles/0/path", "mix.lock/"),
        ("predicate/source/lockfiles/0/pinned", -1),
        ("predicate/source/lockfiles/0/pinned", None),
        ("predicate/session/id", "short"),
        ("predicate/session/baseCommit", "main"),
        ("predicate/session/startedAt", "2026-11-23T05:40:00+00:00"),
        ("predicate/derivation/drvPath", "/nix/store/lfci-check-test.drv"),
        ("predicate/derivation/drvPath", "/nix/store/../0c0i0k0l0m0n0p0q0r0s0v0w0x0y0z01-x"),
        ("predicate/derivation/system", "linux"),
        ("predicate/execution/engine", "trust-me"),
        ("predicate/execution/hermetic", 1),
        ("predicate/execution/hermetic", None),
        ("predicate/execution/durationMs", -1),
        ("predicate/execution/attempt", 0),
        ("predicate/execution/startedAt", "2026-02-30T05:40:00Z"),
        ("predicate/outputs/artifacts/0/path", "../coverage.json"),
        ("predicate/outputs/result/sha256", sha("a").upper()),
        ("predicate/log/size", -1),
        ("predicate/attester/id", "agent\n7"),
        ("predicate/attester/kind", "robot"),
        ("predicate/target/ref", "main"),
        ("predicate/target/ref", "refs/heads/a b"),
        ("predicate/issuedAt", "2026-11-23T05:40:00.5Z"),
        ("predicate/issuedAt", "2026-11-23T05:40:00z"),
        ("predicate/issuedAt", "23.11.2026"),
    ],
)
def test_a_check_run_with_a_malformed_value_is_refused(path: str, value: object) -> None:
    refused(edited(CHECK_RUN, path, value))


@pytest.mark.parametrize(
    ("statement", "path", "value"),
    [
        (APPROVAL, "predicate/decision", "reject"),
        (APPROVAL, "predicate/paths", []),
        (APPROVAL, "predicate/paths", ["a", ""]),
        (APPROVAL, "predicate/from", ""),
        (APPROVAL, "predicate/reason", "a\x00b"),
        (APPROVAL, "predicate/reason", "a" * 20_000),
        (SESSION, "predicate/goal", "\x9b31m"),
        (SESSION, "predicate/agent", ""),
        (LANDING, "predicate/verificationResult", "FAILED"),
        (LANDING, "predicate/verifiedLevels", ["SLSA_BUILD_LEVEL_3"]),
        (LANDING, "predicate/verifiedLevels", []),
        (LANDING, "predicate/resourceUri", "urn:uuid:else"),
        (LANDING, "predicate/policy/uri", "urn:uuid:0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12#policy"),
        (LANDING, "predicate/verifier/id", "no uri"),
        (LANDING, "predicate/inputAttestations", [{"digest": {"sha256": sha("one")}}] * 2),
        (LANDING, "predicate/inputAttestations", [{"digest": {"sha256": "one"}}]),
    ],
)
def test_another_predicate_with_a_malformed_value_is_refused(statement, path: str, value: object) -> None:
    refused(edited(statement, path, value))


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b"{}", b"\xff", b'{"_type":"a","_type":"b"}', b"[" * 99_999]
)
def test_what_is_no_statement_is_refused(payload: bytes) -> None:
    refused(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"command": "a\x00"},
        {"command": "\ud800"},
        {"exit_code": 256},
        {"exit_code": True},
        {"duration_ms": 1.5},
        {"log_size": 2**53},
        {"result": Outcome.UNDECIDED},
        {"issued_at": NOW.replace(tzinfo=None)},
        {"issued_at": NOW + timedelta(microseconds=1)},
        {"flake": (FileDigest("flake.nix", sha("a")), FileDigest("flake.lock", sha("b")))},
        {"flake": (FileDigest("flake.nix", sha("a")), FileDigest("flake.nix", sha("b")))},
        {"artifacts": (FileDigest("b", sha("a")), FileDigest("a", sha("b")))},
        {"lockfiles": (LockfileFact("a", sha("a"), 1, None),)},
    ],
)
def test_what_would_not_be_read_back_is_never_given_out_for_signing(change: dict) -> None:
    with pytest.raises(Refusal) as caught:
        format_statement(dataclasses.replace(CHECK_RUN, **change))
    assert caught.value.code == "LFCI110"


STORE_HASH = "0c0i0k0l0m0n0p0q0r0s0v0w0x0y0z01"


@pytest.mark.parametrize(
    "value",
    [
        f"/nix/store/{STORE_HASH}-a.drv",
        f"/s/{STORE_HASH}-a.drv",
        f"/home/a.b/nix+store_2/{STORE_HASH}-lfci-check-test.drv",
        f"/nix/store/{STORE_HASH}-a?b=1.drv",
        f"/nix/store/{STORE_HASH}-{'a' * 211}.drv",
    ],
)
def test_a_derivation_may_be_in_any_store(value: str) -> None:
    assert parse_statement(edited(CHECK_RUN, "predicate/derivation/drvPath", value)).drv_path == value


@pytest.mark.parametrize(
    "value",
    [
        f"nix/store/{STORE_HASH}-a.drv",
        f"x/nix/store/{STORE_HASH}-a.drv",
        f"/{STORE_HASH}-a.drv",
        f"{STORE_HASH}-a.drv",
        f"/nix//store/{STORE_HASH}-a.drv",
        f"/nix/st ore/{STORE_HASH}-a.drv",
        f"/nix/st?ore/{STORE_HASH}-a.drv",
        f"/nix/store/{STORE_HASH[1:]}-a.drv",
        f"/nix/store/{STORE_HASH}0-a.drv",
        f"/nix/store/{STORE_HASH.upper()}-a.drv",
        f"/nix/store/{STORE_HASH}_a.drv",
        f"/nix/store/{STORE_HASH}-.drv",
        f"/nix/store/{STORE_HASH}-{'a' * 212}.drv",
        f"/nix/store/{STORE_HASH}-a b.drv",
        f"/nix/store/{STORE_HASH}-a",
        f"/nix/store/{STORE_HASH}-a.drv\n",
        "/nix/store/.drv",
        "",
    ],
)
def test_what_is_no_path_of_a_derivation_is_refused(value: str) -> None:
    assert "ends in .drv" in refused(edited(CHECK_RUN, "predicate/derivation/drvPath", value))


@pytest.mark.parametrize(
    "value", ["", "x86_64", "x86_64-", "-linux", "x86_64-linux-gnu", "X-linux", "x-Linux"]
)
def test_what_is_no_system_is_refused(value: str) -> None:
    assert "a Nix system" in refused(edited(CHECK_RUN, "predicate/derivation/system", value))


@pytest.mark.parametrize("value", ["x86_64-linux", "a-b", "armv7l-linux"])
def test_a_system_is_a_machine_and_a_kernel(value: str) -> None:
    assert parse_statement(edited(CHECK_RUN, "predicate/derivation/system", value)).system == value


@pytest.mark.parametrize(
    "value",
    [
        b64encode(bytes(32)),
        "sha256-" + b64encode(bytes(31)),
        "sha256-" + b64encode(bytes(33)),
        "sha256-" + "0" * 64,
        "sha512-" + b64encode(bytes(32)),
        "sha256-",
    ],
)
def test_what_is_no_nar_hash_is_refused(value: str) -> None:
    assert "sha256- and base64" in refused(edited(CHECK_RUN, "predicate/source/narHash", value))


@pytest.mark.parametrize(("pinned", "unpinned"), [(None, 0), (0, None)])
def test_a_lockfile_is_counted_or_it_is_not(pinned: int | None, unpinned: int | None) -> None:
    value = [{"path": "a.lock", "sha256": sha("a"), "pinned": pinned, "unpinned": unpinned}]
    assert "both counted or both null" in refused(edited(CHECK_RUN, "predicate/source/lockfiles", value))


def test_a_bypass_may_end_a_second_after_it_was_issued_and_not_at_that_moment() -> None:
    """Rule 16 bounds how long; here only that there is a time in which it is good."""
    shortest = dataclasses.replace(BYPASS, not_after=BYPASS.issued_at + timedelta(seconds=1))
    assert parse_statement(format_statement(shortest)) == shortest
    for end in (BYPASS.issued_at, BYPASS.issued_at - timedelta(seconds=1)):
        with pytest.raises(Refusal, match="later than issuedAt"):
            format_statement(dataclasses.replace(BYPASS, not_after=end))


def test_a_landing_that_passed_is_not_failed_in_one_of_the_two_places() -> None:
    """Whoever reads only the result, or only the level, must read the same."""
    for path, value in (
        ("predicate/verificationResult", "FAILED"),
        ("predicate/verifiedLevels", ["FAILED"]),
    ):
        assert "is FAILED" in refused(edited(LANDING, path, value))
    data = plain(LANDING)
    data["predicate"] |= {"verificationResult": "FAILED", "verifiedLevels": ["FAILED"]}
    assert "is FAILED" in refused(json.dumps(data).encode())


# -- rule 10: what cannot be true together ----------------------------------------------------------


def test_rule_10_an_honest_run_does_not_contradict_itself() -> None:
    assert contradictions(CHECK_RUN) == ()
    failed = dataclasses.replace(CHECK_RUN, result=Outcome.FAILED, exit_code=1)
    assert contradictions(failed) == ()
    assert contradictions(dataclasses.replace(failed, tests=None)) == ()
    one = TestCounts(5, 1, 0, sha("ids"))
    assert contradictions(dataclasses.replace(failed, tests=one)) == ()
    assert contradictions(dataclasses.replace(failed, tests=one, exit_code=0)) == ()
    assert contradictions(dataclasses.replace(CHECK_RUN, issued_at=NOW + timedelta(seconds=1))) == ()
    assert contradictions(dataclasses.replace(CHECK_RUN, tests=None)) == ()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"exit_code": 1}, "exit code is 1"),
        ({"tests": TestCounts(5, 2, 0, sha("ids"))}, "2 tests failed"),
        ({"tests": TestCounts(5, 1, 0, sha("ids"))}, "1 tests failed"),
        ({"tests": None, "exit_code": 2}, "exit code is 2"),
        ({"result": Outcome.FAILED}, "no test failed"),
        ({"result": Outcome.FAILED, "tests": None}, "no test failed"),
        ({"issued_at": NOW - timedelta(seconds=1)}, "started after"),
    ],
)
def test_rule_10_a_run_that_contradicts_itself_is_well_formed_and_found_out(change: dict, word: str) -> None:
    run = dataclasses.replace(CHECK_RUN, **change)
    (found,) = contradictions(parse_statement(format_statement(run)))
    assert word in found


# -- any bytes --------------------------------------------------------------------------------------


def judge(payload: bytes) -> Statement | None:
    try:
        return parse_statement(payload)
    except Refusal as refusal:
        assert refusal.code == "LFCI110"  # noqa: PT017 - either way is right
        return None


@given(st.binary())
def test_any_bytes_are_a_statement_or_one_refusal(payload: bytes) -> None:
    judge(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(oid("x")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(STATEMENTS)), st.data(), JSON)
def test_any_value_anywhere_is_a_statement_or_one_refusal(name: str, data, value: object) -> None:
    statement = STATEMENTS[name]
    path = data.draw(st.sampled_from(paths_of(plain(statement))))
    found = judge(edited(statement, path, value))
    if found is not None:
        assert parse_statement(format_statement(found)) == found


TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40)
HASH = st.text("0123456789abcdef", min_size=64, max_size=64)
COUNT = st.integers(0, 2**53 - 1)


@st.composite
def check_runs(draw: st.DrawFn):
    names = st.lists(st.text("abc", min_size=1), unique=True, max_size=4)
    run = copy.copy(CHECK_RUN)
    return dataclasses.replace(
        run,
        check=draw(TEXT),
        command=draw(TEXT) + "\n\t" + draw(TEXT),
        definition=draw(HASH),
        result=draw(st.sampled_from([Outcome.PASSED, Outcome.FAILED])),
        exit_code=draw(st.integers(0, 255)),
        tests=draw(st.none() | st.builds(TestCounts, COUNT, COUNT, COUNT, HASH)),
        lockfiles=tuple(LockfileFact(n, draw(HASH), draw(COUNT), draw(COUNT)) for n in sorted(draw(names))),
        artifacts=tuple(FileDigest(n, draw(HASH)) for n in sorted(draw(names))),
        hermetic=draw(st.booleans()),
        attester=draw(TEXT),
        issued_at=NOW + timedelta(seconds=draw(st.integers(0, 10**9))),
    )


@given(check_runs())
def test_any_well_formed_run_is_read_back_as_itself(run) -> None:
    assert parse_statement(format_statement(run)) == run
