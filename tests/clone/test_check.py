"""`lfci check` where the result is known: no Nix, little imported, and only what really answers."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.cli.context import utc_now
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.model import Engine, Outcome, ResultDocument, TestCase
from lfci_gate.system import current_system
from lfci_gate.value import replace
from tests.clone.conftest import NARROW, PROGRAM, Screen, Worker, save_key
from tests.clone.test_land import landed, random_bytes
from tests.gate.test_rules_04_to_12 import key
from tests.support.evidence import VERIFICATION, TestSigner, sha
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, STRANGER, Developer, policy_text
from tests.support.statements import bundle

TWO_CHECKS = NARROW + b'\n[checks.lint]\nrun = "true"\ninputs = ["docs/"]\n'


def known(worker: Worker, *words: str, **options: Any) -> Any:
    """`lfci check` that answers without running anything; its one check, or all with several."""
    shown = worker.lfci("check", "--format", "json", *words, **options)
    assert shown.status == 0, shown.text
    assert all(check["known"] for check in shown.json["checks"])
    return shown.json


@pytest.fixture
def runs(no_nix: Path) -> Any:
    """Whether `lfci check` had to run something: it steps into the trap, and that is expected."""

    def would_run(worker: Worker, *words: str, **options: Any) -> bool:
        shown: Screen = worker.lfci("check", *words, **options)
        stepped = no_nix.exists()
        no_nix.unlink(missing_ok=True)
        assert stepped == (shown.status != 0), shown.text
        return stepped

    return would_run


# -- what answers ---------------------------------------------------------------------------------


def test_a_known_result_is_answered(ada: Worker) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    name = ada.attest()
    shown = ada.lfci("check")
    assert shown.status == 0
    assert shown.out == (
        f"test: passed, 2 tests passed, 0 failed, 0 skipped, known, attestation {name[:12]}\n"
    )
    assert shown.err.startswith(f"test: known: attestation {name[:12]} by agent of ")
    answer = known(ada)
    assert (answer["schema"], answer["of"], answer["ref"], answer["result"]) == (
        "lfci.check/1",
        "HEAD",
        "refs/heads/main",
        "PASSED",
    )
    [check] = answer["checks"]
    assert (check["name"], check["attestation"], check["key"], check["exitCode"]) == (
        "test",
        name,
        "agent",
        0,
    )
    assert check["tests"] == {"passed": 2, "failed": 0, "skipped": 0}


def test_little_is_imported_and_little_is_started(ada: Worker, tmp_path: Path) -> None:
    """No Nix, no pygit2, no jinja2, no key machinery beyond what verifies; and no hooks of anybody."""
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    script = (
        "import json, sys\nfrom lfci_gate.cli import main\nstatus = main(['check'])\n"
        "print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)"
    )
    env = ada.environ({"GIT_TRACE2_EVENT": str(tmp_path / "git")})
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ada.path, env=env, capture_output=True, text=True, check=True
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr
    heavy = {
        "pygit2",
        "jinja2",
        "tomli_w",
        "asyncio",
        "email",
        "http",
        "logging",
        "multiprocessing",
        "random",
    }
    assert heavy & set(modules) == set()
    assert not [name for name in modules if name.startswith(("lfci_gate.nix", "lfci_gate.engines"))]


def test_the_program_answers_in_an_empty_environment(ada: Worker) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    env = {"PATH": ada.environ()["PATH"], "HOME": str(ada.path.parent / "nowhere")}
    done = subprocess.run(
        [str(PROGRAM), "check"], cwd=ada.path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "known" in done.stdout


def test_others_evidence_answers_after_a_fetch(ada: Worker, bob: Worker) -> None:
    commit = ada.edit({"src/lib.py": random_bytes()})
    name = ada.attest()
    landed(ada)
    assert ada.head() == commit
    assert bob.lfci("install").status == 0
    bob.repo.git("pull", "-q")
    assert known(bob)["checks"][0]["attestation"] == name


def test_a_change_outside_the_inputs_reuses_the_result(ada: Worker) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    name = ada.attest()
    ada.edit({"docs/a": random_bytes()})
    assert known(ada)["checks"][0]["attestation"] == name


def test_of_two_checks_only_the_one_that_saw_the_change_runs(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": random_bytes(), "docs/a": b"1", ".lfci/config.toml": TWO_CHECKS})
    ada.attest()
    ada.attest(check="lint")
    both = known(ada, "test", "lint")
    assert [check["name"] for check in both["checks"]] == ["test", "lint"]
    ada.edit({"docs/a": b"2"})
    assert not runs(ada, "test")
    assert runs(ada, "lint")
    ada.edit({"docs/a": b"1", "src/lib.py": random_bytes()})
    assert runs(ada, "test")
    assert not runs(ada, "lint")


def test_without_names_what_the_rule_requires(ada: Worker) -> None:
    ada.edit({".lfci/config.toml": TWO_CHECKS})
    ada.attest()
    assert [check["name"] for check in known(ada)["checks"]] == ["test"]


def test_a_tree_of_another_branch_or_commit(ada: Worker, runs: Any) -> None:
    first = ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    ada.edit({"src/lib.py": random_bytes()})
    assert runs(ada)
    answer = known(ada, "--rev", first)
    assert (answer["of"], answer["tree"]) == (first, ada.head(f"{first}^{{tree}}"))
    assert known(ada, "--rev", "HEAD~")["tree"] == answer["tree"]


# -- the working copy -------------------------------------------------------------------------------


def test_what_is_there_is_checked_not_head(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": b"one\n"})
    ada.attest()
    mine = ada.mine()
    ada.repo.write("src/new.py", b"not ignored\n")
    assert runs(ada)
    (ada.path / "src/new.py").unlink()
    assert ada.mine() == mine
    ada.repo.write("src/lib.py", b"two\n")
    assert runs(ada)
    ada.repo.write("src/lib.py", b"one\n")
    assert known(ada)["of"] == "HEAD"


def test_a_dirty_working_copy_outside_the_inputs(ada: Worker) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    ada.repo.write("docs/draft", b"1")
    index = (ada.path / ".git/index").read_bytes()
    answer = known(ada)
    assert answer["of"] == "the working copy"
    assert answer["tree"] != ada.head("HEAD^{tree}")
    shown = ada.lfci("check")
    assert f"checked the working copy (tree {answer['tree'][:12]}), not HEAD" in shown.err
    assert "git add -A && git commit" in shown.err
    assert (ada.path / ".git/index").read_bytes() == index
    # What it says to do makes exactly the tree that was checked.
    ada.repo.commit()
    assert ada.head("HEAD^{tree}") == answer["tree"]


def test_what_is_staged_is_what_the_next_commit_holds(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": b"one\n"})
    ada.attest()
    ada.repo.write("src/lib.py", b"two\n")
    ada.repo.write("src/untracked.py", b"")
    assert known(ada, "--staged")["of"] == "HEAD"
    ada.repo.git("add", "src/lib.py")
    index = (ada.path / ".git/index").read_bytes()
    assert runs(ada, "--staged")
    assert (ada.path / ".git/index").read_bytes() == index
    ada.repo.git("restore", "--staged", "src/lib.py")
    ada.repo.write("docs/a", b"1")
    ada.repo.git("add", "docs/a")
    answer = known(ada, "--staged")
    ada.repo.git("commit", "-q", "-m", "staged")
    assert answer["of"] == "what is staged"
    assert answer["tree"] == ada.head("HEAD^{tree}")


def test_unmerged_paths_are_no_tree(ada: Worker) -> None:
    ada.edit({"src/lib.py": b"ours\n"})
    ada.repo.git("switch", "-q", "-c", "side", "HEAD~")
    ada.edit({"src/lib.py": b"theirs\n"})
    subprocess.run(["git", "merge", "-q", "main"], cwd=ada.path, capture_output=True, check=False)
    for words in ((), ("--staged",)):
        shown = ada.lfci("check", *words)
        assert (shown.status, "error[LFCI517]" in shown.err) == (3, True), shown.text


# -- what does not answer ----------------------------------------------------------------------------


def test_what_was_attested_too_long_ago(ada: Worker, runs: Any) -> None:
    policy = policy_text(version=2, rules=({**RULE, "max-age": "7d"},))
    ada.edit({".lfci/policy.toml": policy, "src/lib.py": random_bytes()})
    # The rule in force is the landed one: this clone takes its own as landed.
    ada.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    ada.attest()
    assert not runs(ada)
    assert not runs(ada, now=lambda: utc_now() + timedelta(days=6))
    assert runs(ada, now=lambda: utc_now() + timedelta(days=8))


def test_what_comes_from_the_future(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest(issued_at=datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1))
    assert runs(ada)


def test_failures_are_run_again(ada: Worker, runs: Any) -> None:
    """Also when an older pass is there: the failure is the newer word of the same key."""
    ada.edit({"src/lib.py": random_bytes()})
    before = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5)
    ada.attest(issued_at=before, started_at=before)
    assert not runs(ada)
    ada.attest(result=Outcome.FAILED, exit_code=1)
    assert runs(ada)


def test_another_definition(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    ada.edit({".lfci/config.toml": NARROW.replace(b"pytest ", b"pytest -x ")})
    assert runs(ada)


@pytest.mark.parametrize(
    "changes",
    [
        {"repository": "11111111-7e1c-7a54-9d0e-4f6b1f0a2c11"},
        {"hermetic": False},
        {"system": "riscv64-linux"},
        {"engine": Engine.BUILD},
    ],
    ids=["repository", "not hermetic", "system", "engine"],
)
def test_what_the_rule_would_not_take(ada: Worker, runs: Any, changes: dict[str, Any]) -> None:
    policy = policy_text(
        version=2,
        rules=({**RULE, "require": [{"check": "test", "roles": ["agent"], "engines": ["develop"]}]},),
    )
    ada.edit({".lfci/policy.toml": policy, "src/lib.py": random_bytes()})
    ada.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    ada.attest(**changes)
    assert runs(ada)


def test_an_engine_that_was_asked_for(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    assert not runs(ada, "--engine", "develop")
    assert runs(ada, "--engine", "build")
    ada.attest(engine=Engine.BUILD)
    assert not runs(ada, "--engine", "build")


def test_a_stranger_s_evidence(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest(signer=STRANGER)
    assert runs(ada)


def test_whose_evidence_is_enough(ada: Worker, runs: Any, tmp_path: Path) -> None:
    """A run is spared when the rule is satisfied, or when a run signed by this key would not help."""
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest(signer=MAINTAINER)
    assert runs(ada)  # the rule wants an agent, and this key is one
    maintainer = save_key(MAINTAINER, tmp_path / "keys/maintainer")
    assert not runs(ada, "--key", str(maintainer))  # its word is there already
    stranger = save_key(STRANGER, tmp_path / "keys/stranger")
    assert not runs(ada, "--key", str(stranger))  # its word would not count
    ada.attest(signer=SECOND_AGENT)
    assert not runs(ada)  # another agent's is as good


def test_a_threshold_needs_one_s_own_word(ada: Worker, runs: Any, tmp_path: Path) -> None:
    policy = policy_text(
        version=2,
        rules=({**RULE, "require": [{"check": "test", "roles": ["agent"], "threshold": 2}]},),
    )
    ada.edit({".lfci/policy.toml": policy, "src/lib.py": random_bytes()})
    ada.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    ada.attest(signer=SECOND_AGENT)
    assert runs(ada)
    ada.attest(signer=AGENT)
    assert not runs(ada)


def asking(ada: Worker, keys: dict[str, Any] | None = None, **requirement: Any) -> None:
    """The target's rule wants this of check `test`."""
    require = [{"check": "test", "roles": ["agent"], **requirement}]
    more = {} if keys is None else {"keys": keys}
    policy = policy_text(version=2, rules=({**RULE, "require": require},), **more)
    ada.edit({".lfci/policy.toml": policy, "src/lib.py": random_bytes()})
    ada.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")


def lacking(ada: Worker) -> list[str]:
    """What a known answer says is missing, on both screens."""
    (check,) = known(ada)["checks"]
    text = ada.lfci("check").err
    for each in check["lacking"]:
        assert f"test: not enough yet for refs/heads/main: {each}\n" in text
    assert text.count("not enough yet") == len(check["lacking"])
    found: list[str] = check["lacking"]
    return found


def verified(ada: Worker, verifier: TestSigner, **changes: Any) -> None:
    """A verifier's word about the kit's run at HEAD, stored here: rebuilt, with the same result."""
    run, _ = ada.developer.run_of("HEAD", system=current_system())
    said = replace(
        VERIFICATION,
        inputs_tree=run.inputs_tree,
        definition=run.definition,
        system=run.system,
        result_sha256=run.result_sha256,
    )
    store_evidence(ada.repo.tool, bundle(replace(said, **changes), verifier), None)


def test_one_s_other_key_is_one_s_own_word(ada: Worker, runs: Any) -> None:
    keys = {
        "laptop": key(AGENT, "agent", identity="ann"),
        "server": key(SECOND_AGENT, "agent", identity="ann"),
        "third": key(STRANGER, "agent"),
        "boss": key(MAINTAINER, "maintainer"),
    }
    asking(ada, keys, threshold=2)
    assert runs(ada)
    ada.attest(signer=SECOND_AGENT)
    assert not runs(ada)  # by the same holder: another run brings the rule no nearer
    assert lacking(ada) == ["not enough identities attest check test"]
    ada.attest(signer=STRANGER)
    assert lacking(ada) == []


def test_what_others_have_to_corroborate(ada: Worker, runs: Any) -> None:
    asking(ada, assurance="corroborated", threshold=2)
    ada.attest(signer=SECOND_AGENT)
    assert runs(ada)  # a run here would corroborate it
    ada.attest(document=ResultDocument("test", 0, (TestCase("t::other", "passed"),), ()))
    assert not runs(ada)
    assert lacking(ada) == ["check test needs 1 more identity to corroborate the result"]
    ada.attest()
    assert lacking(ada) == []


def test_what_a_verifier_has_to_rebuild(ada: Worker, runs: Any, tmp_path: Path) -> None:
    keys = {
        "agent": key(AGENT, "agent"),
        "second": key(SECOND_AGENT, "agent"),
        "farm": key(STRANGER, "verifier"),
        "boss": key(MAINTAINER, "maintainer"),
    }
    asking(ada, keys, assurance="rebuilt")
    assert runs(ada)
    ada.attest(signer=SECOND_AGENT)
    assert not runs(ada)  # a second claim is no rebuild
    assert lacking(ada) == ["check test needs a verifier's rebuild of what second attests"]
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    verified(ada, STRANGER, reproduced=False, result_sha256=sha("another"), issued_at=moment)
    assert lacking(ada) == ["farm could not reproduce what second attests"]
    verified(ada, STRANGER, issued_at=moment + timedelta(seconds=1))
    assert lacking(ada) == []


def test_limited_roles_and_what_a_run_here_would_be_worth(ada: Worker, runs: Any, tmp_path: Path) -> None:
    """A run is spared where one's role does not reach, and wanted where it does."""
    policy = policy_text(version=2, roles={"agent": {"paths": ["docs/"]}})
    ada.edit({".lfci/policy.toml": policy})
    ada.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    ada.edit({"docs/a.md": random_bytes()})
    ada.attest(signer=MAINTAINER)
    assert runs(ada)
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest(signer=MAINTAINER)
    assert not runs(ada)


def test_two_signatures_of_one_statement_are_both_kept(ada: Worker, runs: Any) -> None:
    """An attestation's id is that of what is said, whoever signs it."""
    policy = policy_text(
        version=2,
        rules=({**RULE, "require": [{"check": "test", "roles": ["agent"], "threshold": 2}]},),
    )
    ada.edit({".lfci/policy.toml": policy, "src/lib.py": random_bytes()})
    ada.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=5)
    names = {ada.attest(signer=each, issued_at=moment, started_at=moment) for each in (AGENT, SECOND_AGENT)}
    assert len(names) == 1
    assert not runs(ada)
    assert {ada.attest(issued_at=moment, started_at=moment)} == names
    assert not runs(ada)


def test_force(ada: Worker, runs: Any) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    assert runs(ada, "--force")


# -- screens ------------------------------------------------------------------------------------------


def test_the_trailer_is_alone_on_stdout(ada: Worker) -> None:
    ada.edit({"src/lib.py": random_bytes(), "docs/a": b"1", ".lfci/config.toml": TWO_CHECKS})
    ada.attest()
    ada.attest(check="lint")
    shown = ada.lfci("check", "test", "--trailer")
    assert (shown.status, shown.out.count("\n")) == (0, 1)
    assert "test: passed" in shown.err
    assert known(ada, "test", "--trailer")["trailer"] == shown.out.strip()
    two = ada.lfci("check", "test", "lint", "--trailer")
    assert (two.status, two.out) == (2, "")
    assert "hint: name one check: lfci check NAME --trailer" in two.err


def test_errors_say_what_to_do(ada: Worker, tmp_path: Path) -> None:
    def error(*words: str, worker: Worker = ada) -> tuple[int, str]:
        shown = worker.lfci("check", *words)
        assert "hint: " in shown.err
        assert "more: lfci explain " in shown.err
        return shown.status, shown.err.split(":")[0]

    assert error("nothing") == (2, "error[LFCI406]")
    assert error("--rev", "nothing") == (2, "error[LFCI514]")
    assert error("--rev", "HEAD", "--staged") == (2, "error[LFCI514]")
    assert error("--remote", "nothing") == (2, "error[LFCI514]")
    assert error("--force", "--key", str(tmp_path / "none")) == (2, "error[LFCI511]")
    ada.edit({".lfci/config.toml": b"version = 1\nchecks = 3\n"})
    assert error() == (2, "error[LFCI405]")
    ada.edit({".lfci/config.toml": b"version = 1\n"})
    assert error() == (2, "error[LFCI406]")
    ada.edit({".lfci/config.toml": None})
    assert error() == (2, "error[LFCI404]")


def test_no_policy_and_no_check_declared(tmp_path: Path, farm: Any, person: Any) -> None:
    worker = person(Developer(tmp_path / "new", farm.empty()))
    worker.edit({".lfci/config.toml": b"version = 1\n"})
    shown = worker.lfci("check")
    assert (shown.status, "error[LFCI201]" in shown.err) == (2, True)
    assert "lfci check --no-attest" in shown.err
    shown = worker.lfci("check", "--no-attest")
    assert shown.status == 2, shown.text
    assert "declares no checks" in shown.err
