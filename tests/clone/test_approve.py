"""`lfci approve`: what is approved, by whom, and that it still counts when the branch has moved."""

from __future__ import annotations

import os
import pty
import subprocess
from pathlib import Path
from typing import Any

from tests.clone.conftest import NARROW, PROGRAM, Worker, save_key
from tests.clone.test_land import elsewhere, landed, random_bytes, refused, tip
from tests.gate.test_rules_04_to_12 import key
from tests.support.forge import AGENT, MAINTAINER, RULE, STRANGER, Developer, policy_text

TEST = "tests/test_lib.py"


def show_to(ada: Worker, mara: Worker) -> str:
    """Ada's branch where Mara can look at it; its name there."""
    ada.repo.git("push", "-q", "-f", "origin", "HEAD:refs/heads/review/1")
    mara.repo.git("fetch", "-q")
    return "origin/review/1"


def test_a_protected_change_lands_once_it_is_approved(ada: Worker, mara: Worker) -> None:
    base = tip(ada)
    commit = ada.edit({TEST: random_bytes(), "tests/new.py": b"", "docs/a": b"1"})
    text = refused(ada, "LFCI206")
    assert "changed: tests/new.py, tests/test_lib.py" in text
    assert f"hint: ask a maintainer for: lfci approve {commit[:12]}" in text
    branch = show_to(ada, mara)
    shown = mara.lfci("approve", branch, "--reason", "the new test covers it")
    assert shown.status == 0, shown.text
    assert shown.out == f"approved 2 protected paths of {commit[:12]} for main, delivered to the forge\n"
    assert shown.err == (
        f"{commit[:12]} for main, compared with {base[:12]}:\n"
        "protected: flake.nix, flake.lock, .lfci/, tests/ (needs maintainer):\n"
        "  added    tests/new.py\n"
        "  changed  tests/test_lib.py\n"
    )
    assert landed(ada)["commit"] == commit


def test_json(ada: Worker, mara: Worker) -> None:
    commit = ada.edit({TEST: random_bytes()})
    branch = show_to(ada, mara)
    answer = mara.lfci("approve", branch, "--format", "json").json
    assert (answer["schema"], answer["commit"], answer["ref"], answer["delivered"]) == (
        "lfci.approve/1",
        commit,
        "refs/heads/main",
        True,
    )
    assert answer["dryRun"] is False
    assert answer["base"] == mara.head("origin/main")
    assert answer["changes"] == [
        {
            "protection": ["flake.nix", "flake.lock", ".lfci/", "tests/"],
            "roles": ["maintainer"],
            "threshold": 1,
            "paths": [{"path": TEST, "change": "changed", "detail": None}],
        }
    ]
    assert answer["weaker"] == answer["policy"] == answer["tests"] == []
    [approval] = answer["approvals"]
    assert approval["paths"] == [TEST]
    assert approval["protection"] == ["flake.nix", "flake.lock", ".lfci/", "tests/"]
    assert mara.repo.line("cat-file", "-t", approval["to"]) == "tree"
    held = mara.lfci("attestation", "show", approval["attestation"][:12])
    assert held.status == 0, held.text


def test_it_survives_rebases_that_do_not_touch_what_was_approved(
    ada: Worker, bob: Worker, mara: Worker
) -> None:
    """Others land twice; the change is rebased by its author and replayed by `lfci land`."""
    seen = ada.edit({TEST: random_bytes()})
    branch = show_to(ada, mara)
    assert mara.lfci("approve", branch).status == 0
    elsewhere(bob)
    ada.repo.git("fetch", "-q")
    ada.repo.git("rebase", "-q", "origin/main")
    assert ada.head() != seen
    elsewhere(bob)
    assert landed(ada)["replayed"] == 1
    assert ada.head() == tip(ada)
    assert ada.repo.git("diff", "--name-only", "HEAD^", "HEAD").decode() == f"{TEST}\n"


def test_it_is_of_the_change_and_not_only_of_its_outcome(ada: Worker, bob: Worker, mara: Worker) -> None:
    """Half of what was approved has landed meanwhile: what is left is a change that nobody approved,
    though it ends in the same files."""
    half = {"tests/other.py": random_bytes()}
    ada.edit({TEST: random_bytes(), **half})
    assert mara.lfci("approve", show_to(ada, mara)).status == 0
    bob.edit(half)
    bob.repo.git("push", "-q", "origin", "HEAD:refs/heads/review/2")
    mara.repo.git("fetch", "-q")
    assert mara.lfci("approve", "origin/review/2").status == 0
    landed(bob)
    ada.repo.git("fetch", "-q")
    ada.repo.git("rebase", "-q", "origin/main")
    text = refused(ada, "LFCI215")
    assert "maintainer: approved a change from another base" in text
    assert mara.lfci("approve", show_to(ada, mara)).status == 0
    landed(ada)


def test_it_does_not_survive_another_change_of_the_same_part(ada: Worker, bob: Worker, mara: Worker) -> None:
    ada.edit({TEST: random_bytes()})
    branch = show_to(ada, mara)
    assert mara.lfci("approve", branch).status == 0
    bob.edit({"tests/other.py": random_bytes()})
    bob.repo.git("push", "-q", "origin", "HEAD:refs/heads/review/2")
    mara.repo.git("fetch", "-q")
    assert mara.lfci("approve", "origin/review/2").status == 0
    landed(bob)
    text = refused(ada, "LFCI206")
    assert "changed: tests/test_lib.py" in text
    # Approved as it is now, it lands.
    ada.repo.git("rebase", "-q", "origin/main")
    assert mara.lfci("approve", show_to(ada, mara)).status == 0
    landed(ada)


def test_what_others_landed_meanwhile_is_not_approved_with_it(ada: Worker, bob: Worker, mara: Worker) -> None:
    """The reviewer's clone is behind: the base is the forge's tip as it is, not as last fetched."""
    bob.edit({"tests/other.py": random_bytes()})
    bob.repo.git("push", "-q", "origin", "HEAD:refs/heads/review/2")
    mara.repo.git("fetch", "-q")
    assert mara.lfci("approve", "origin/review/2").status == 0
    landed(bob)
    ada.repo.git("pull", "-q")
    commit = ada.edit({TEST: random_bytes()})
    ada.repo.git("push", "-q", "origin", "HEAD:refs/heads/review/1")
    mara.repo.git("fetch", "-q", "origin", "review/1")
    shown = mara.lfci("approve", commit)
    assert shown.status == 0, shown.text
    assert shown.err.endswith(f"(needs maintainer):\n  changed  {TEST}\n")
    landed(ada)


def test_a_key_without_the_role(ada: Worker) -> None:
    ada.edit({TEST: random_bytes()})
    before = ada.forge.state()
    shown = ada.lfci("approve", "HEAD")
    assert shown.status == 1
    assert "error[LFCI215]: the key agent may not approve this change" in shown.err
    assert "needs one of the roles: maintainer" in shown.err
    assert ada.repo.git("for-each-ref", "refs/lfci/inbox") == b""
    assert ada.forge.state() == before


def test_a_key_that_the_policy_does_not_know(ada: Worker, tmp_path: Path) -> None:
    ada.edit({TEST: random_bytes()})
    shown = ada.lfci("approve", "HEAD", "--key", str(save_key(STRANGER, tmp_path / "stranger")))
    assert (shown.status, "error[LFCI103]" in shown.err) == (1, True)
    assert "lfci key show" in shown.err


def test_nothing_to_approve(ada: Worker) -> None:
    commit = ada.edit({"docs/a": b"1"})
    before = ada.forge.state()
    maintainer = str(save_key(MAINTAINER, ada.key.with_name("maintainer")))
    shown = ada.lfci("approve", "HEAD", "--key", maintainer)
    assert (shown.status, shown.out) == (
        0,
        f"{commit[:12]} changes no protected path of main: nothing to approve\n",
    )
    assert ada.forge.state() == before


def test_a_role_that_has_nothing_to_approve(ada: Worker, mara: Worker) -> None:
    ada.edit({TEST: random_bytes()})
    shown = mara.lfci("approve", show_to(ada, mara), "--role", "lawyer")
    assert shown.status == 0
    assert shown.out.endswith(
        " changes nothing of main that lawyer approves (its changes need: maintainer)\n"
    )


def test_kept_in_the_clone_and_delivered_with_the_landing(ada: Worker, tmp_path: Path) -> None:
    ada.edit({TEST: random_bytes()})
    before = ada.forge.state()
    maintainer = str(save_key(MAINTAINER, tmp_path / "maintainer"))
    shown = ada.lfci("approve", "HEAD", "--no-push", "--key", maintainer)
    assert shown.status == 0, shown.text
    assert "kept in this clone" in shown.out
    assert ada.forge.state() == before
    landed(ada)
    assert not ada.forge.waiting()


def test_what_is_approved_is_what_was_looked_at(ada: Worker, mara: Worker) -> None:
    """The name is resolved before anything is fetched: a branch that moves meanwhile is not approved
    unseen. (Branches whose names begin like the target's are fetched with it.)"""
    seen = ada.edit({TEST: random_bytes()})
    ada.repo.git("push", "-q", "origin", "HEAD:refs/heads/mainly")
    mara.repo.git("fetch", "-q")
    ada.edit({TEST: random_bytes()})
    ada.repo.git("push", "-q", "origin", "HEAD:refs/heads/mainly")
    answer = mara.lfci("approve", "origin/mainly", "--format", "json").json
    assert answer["commit"] == seen
    refused(ada, "LFCI206")


def test_a_forge_that_cannot_be_reached(ada: Worker, mara: Worker) -> None:
    ada.edit({TEST: random_bytes()})
    branch = show_to(ada, mara)
    mara.repo.git("remote", "set-url", "origin", "git://127.0.0.1:1/none")
    shown = mara.lfci("approve", branch)
    assert (shown.status, "error[LFCI506]" in shown.err) == (3, True)
    assert mara.repo.git("for-each-ref", "refs/lfci/inbox") == b""
    assert mara.lfci("approve", branch, "--no-push").status == 0


def test_no_such_commit_and_no_policy(mara: Worker, tmp_path: Path, farm: Any, person: Any) -> None:
    shown = mara.lfci("approve", "nothing")
    assert (shown.status, "hint: git fetch" in shown.err) == (2, True)
    worker = person(Developer(tmp_path / "new", farm.empty()))
    worker.edit({"a": b"1"})
    shown = worker.lfci("approve", "HEAD")
    assert (shown.status, "error[LFCI201]" in shown.err) == (2, True)


# -- what is shown before anything is signed --------------------------------------------------------

WEAKER = NARROW.replace(b'"src/"', b'"src/*"') + b'timeout = "30m"\nenv = { TOKEN = "hush" }\n'


def test_every_kind_of_change_is_named(ada: Worker, mara: Worker) -> None:
    ada.edit({"tests/tool": b"1", "tests/link": b"1", "tests/gone": b"1", "tests/run": b"1"})
    base = ada.head()
    (ada.path / "tests/link").unlink()
    (ada.path / "tests/link").symlink_to("tool")
    ada.repo.write("tests/tool", b"2")
    for path in ("tests/tool", "tests/run"):
        (ada.path / path).chmod(0o755)
    ada.edit({"tests/new": b"", "tests/gone": None})
    target = "refs/remotes/origin/main"
    ada.repo.git("update-ref", target, base)
    maintainer = str(save_key(MAINTAINER, ada.key.with_name("maintainer")))
    shown = ada.lfci("approve", "HEAD", "--no-push", "--dry-run", "--key", maintainer)
    assert shown.status == 0, shown.text
    assert shown.err.splitlines()[2:] == [
        "  removed  tests/gone",
        "  type     tests/link (a file before, a link now)",
        "  added    tests/new",
        "  mode     tests/run (now executable)",
        "  changed  tests/tool (now executable)",
    ]


def test_what_became_weaker_is_named_line_by_line(ada: Worker, mara: Worker) -> None:
    commit = ada.edit({".lfci/config.toml": WEAKER, "src/deep/lib.py": b"1"})
    branch = show_to(ada, mara)
    before = mara.forge.state()
    shown = mara.lfci("approve", branch, "--dry-run")
    assert shown.status == 0, shown.text
    assert shown.out == f"would approve this of {commit[:12]} for main; nothing was signed\n"
    assert shown.err.splitlines()[3:] == [
        "weaker than before, in .lfci/config.toml:",
        "  check test: the environment changed: TOKEN added",
        '  check test: the check may see less: "src/" dropped; no longer seen: "src/deep/lib.py"',
        "  check test: the timeout was raised from 15m to 30m",
    ]
    assert "hush" not in shown.text
    assert mara.repo.git("for-each-ref", "refs/lfci/inbox") == b""
    assert mara.forge.state() == before
    answer = mara.lfci("approve", branch, "--dry-run", "--format", "json").json
    assert (answer["dryRun"], answer["delivered"], answer["approvals"]) == (True, False, [])
    assert [each["kind"] for each in answer["weaker"]] == ["env", "inputs", "timeout"]
    assert answer["weaker"][2] == {
        "check": "test",
        "kind": "timeout",
        "text": "the timeout was raised from 15m to 30m",
    }


def test_a_configuration_that_cannot_be_read_is_told(ada: Worker, mara: Worker) -> None:
    ada.edit({".lfci/config.toml": b"no"})
    shown = mara.lfci("approve", show_to(ada, mara), "--dry-run")
    assert shown.status == 0, shown.text
    assert "  .lfci/config.toml cannot be read now, so no check is declared (" in shown.err


def test_what_the_policy_says_otherwise_is_named(ada: Worker, mara: Worker) -> None:
    rule = RULE | {"require": [{"check": "test", "roles": ["agent"], "hermetic": False}]}
    ada.edit({".lfci/policy.toml": policy_text(version=2, rules=(rule,))})
    shown = mara.lfci("approve", show_to(ada, mara), "--dry-run")
    assert shown.status == 0, shown.text
    told = shown.err.partition("the policy:\n")[2].splitlines()
    assert any(line.startswith("  looser    rule 1 ") and "the network" in line for line in told), shown.err
    for policy, says in (
        (b"no", "  changed   .lfci/policy.toml: what it says otherwise is not known: "),
        (None, "  changed   .lfci/policy.toml: is removed, which the gate refuses"),
    ):
        ada.edit({".lfci/policy.toml": policy})
        shown = mara.lfci("approve", show_to(ada, mara), "--dry-run")
        assert says in shown.err, shown.text


def test_on_a_terminal_it_asks(ada: Worker, mara: Worker) -> None:
    ada.edit({TEST: random_bytes()})
    branch = show_to(ada, mara)
    before = mara.forge.state()
    for answer in ("", "no"):
        status, screen = on_terminal(mara, answer, "approve", branch)
        assert status == 1, screen
        assert f"changed  {TEST}" in screen.partition("Approve exactly this as maintainer")[0]
        assert "Nothing was approved." in screen
    assert mara.repo.git("for-each-ref", "refs/lfci/inbox") == b""
    assert mara.forge.state() == before
    status, screen = on_terminal(mara, "y", "approve", branch)
    assert (status, "approved 1 protected path" in screen) == (0, True), screen
    landed(ada)


def test_with_yes_it_does_not_ask(ada: Worker, mara: Worker) -> None:
    ada.edit({TEST: random_bytes()})
    status, screen = on_terminal(mara, "", "approve", show_to(ada, mara), "--yes")
    assert (status, "[y/N]" in screen, "approved 1 protected path" in screen) == (0, False, True), screen


def on_terminal(worker: Worker, answer: str, *words: str) -> tuple[int, str]:
    """Exit status and screen of the program on a terminal of its own, where somebody types an answer."""
    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [str(PROGRAM), *words],
        cwd=worker.path,
        env=worker.environ(),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    os.write(ours, answer.encode() + b"\n")
    screen = b""
    try:
        while data := os.read(ours, 4096):
            screen += data
    except OSError:
        pass  # the other side is closed
    finally:
        os.close(ours)
    return done.wait(timeout=60), screen.decode().replace("\r\n", "\n")


def test_a_limited_maintainer_approves_what_the_role_reaches(mara: Worker) -> None:
    keys = {"agent": key(AGENT, "agent"), "desk": key(MAINTAINER, "maintainer", identity="mara")}
    policy = policy_text(version=2, keys=keys, roles={"maintainer": {"paths": ["tests/"]}})
    mara.edit({".lfci/policy.toml": policy})
    mara.repo.git("update-ref", "refs/remotes/origin/main", "HEAD")
    mara.edit({TEST: random_bytes()})
    [approval] = mara.lfci("approve", "HEAD", "--no-push", "--format", "json").json["approvals"]
    shown = mara.lfci("attestation", "show", approval["attestation"], "--format", "json")
    assert '"reviewer":"mara"' in shown.out.replace(" ", "")
    mara.edit({"flake.lock": b"{}\n"})
    refused = mara.lfci("approve", "HEAD", "--no-push")
    assert (refused.status, "error[LFCI215]" in refused.err) == (1, True), refused.text
    assert "the role maintainer counts only for changes of tests/, and flake.lock changed" in refused.err
    assert len(mara.repo.git("for-each-ref", "refs/lfci/inbox").splitlines()) == 1


def test_a_new_release_branch_is_compared_with_what_it_left(ada: Worker, mara: Worker) -> None:
    base = tip(ada)
    commit = ada.edit({TEST: random_bytes()})
    ada.attest()
    branch = show_to(ada, mara)
    shown = mara.lfci("approve", branch, "--target", "release/1")
    assert shown.status == 0, shown.text
    assert shown.err.splitlines()[0] == f"{commit[:12]} for release/1, compared with {base[:12]}:"
    answer = ada.lfci("land", "--target", "release/1", "--format", "json")
    assert answer.status == 0, answer.text
    assert ada.forge.refs()["refs/heads/release/1"] == commit
