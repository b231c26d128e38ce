"""`lfci land` when others land, refuse, die or are many: over git daemon, with real hooks."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.clone.land import Lander
from lfci_gate.errors import Undecided
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ResultDocument
from tests.clone.conftest import NARROW, Worker
from tests.clone.test_land import elsewhere, landed, random_bytes, refused, tip
from tests.gate.conftest import Farm
from tests.support.forge import RULE, STRANGER, Developer, first_landing, policy_text


def before_the_push(worker: Worker, script: str) -> Path:
    """A pre-push hook of the user's: it runs between the preview and the push."""
    hook: Path = worker.repo.write(".git/hooks/pre-push", f"#!/bin/sh\n{script}\n".encode(), mode=0o755)
    return hook


def competitor(ada: Worker, bob: Worker, times: int) -> None:
    """Bob lands before each of the first ``times`` pushes of Ada's."""
    for number in range(times):
        bob.repo.git("switch", "-q", "-C", f"faster-{number}")
        bob.edit({f"docs/bob-{number}": random_bytes()}, f"faster {number}")
    count = ada.path.parent / "count"
    count.write_text("0")
    before_the_push(
        ada,
        f"n=$(cat {count}); echo $((n + 1)) > {count}; [ $n -lt {times} ] || exit 0\n"
        f"unset $(git rev-parse --local-env-vars)\n"
        f"cd {bob.path} && git push -q origin faster-$n:main",
    )


def patient(worker: Worker, objects: BatchReader) -> Lander:
    """What `lfci land` is made of, for a landing with few attempts and checks that are known."""
    return Lander(
        worker.repo.tool,
        objects,
        ensure=lambda commit, target, policy, wait: None,
        say=lambda text: None,
        now=lambda: datetime.now(UTC),
    )


def test_a_lost_race_is_run_again(ada: Worker, bob: Worker) -> None:
    ada.edit({"src/lib.py": random_bytes()}, "mine")
    ada.attest()
    competitor(ada, bob, 2)
    shown = ada.lfci("land")
    assert shown.status == 0, shown.text
    assert shown.err.count("somebody else was faster") == 2
    subjects = ada.forge.repo.git("log", "-4", "--format=%s", "main").decode().splitlines()
    assert subjects == ["mine", "faster 1", "faster 0", "first"]
    assert ada.head() == tip(ada)
    assert not ada.forge.waiting()
    ada.forge.fsck()


def test_when_every_race_is_lost_nothing_has_changed(ada: Worker, bob: Worker) -> None:
    ada.edit({"docs/mine": random_bytes()})
    competitor(ada, bob, 2)
    mine = ada.mine()
    with BatchReader(ada.repo.tool) as objects, pytest.raises(Undecided) as raised:
        patient(ada, objects).land(remote=None, branch=None, attempts=2)
    assert raised.value.code == "LFCI507"
    assert ada.mine() == mine
    assert ada.forge.repo.line("log", "-1", "--format=%s", "main") == "faster 1"


# -- the forge decides -----------------------------------------------------------------------------


def test_the_words_of_a_forge_that_knows_better_are_shown(ada: Worker) -> None:
    """The operator's policy asks for more than the one that the clone has seen."""
    ada.edit({"docs/a": random_bytes()})
    stricter = {**RULE, "require": [{"check": "test", "roles": ["agent"], "threshold": 2}]}
    ada.forge.set_policy(policy_text(rules=(stricter,)))
    text = refused(ada, "LFCI111")
    assert "1 of 2 distinct identities attest it" in text
    assert "remote:" not in text
    assert text.endswith("origin refused the push. Nothing of yours was changed.\n")
    answer = ada.lfci("land", "--format", "json")
    assert (answer.status, answer.json["result"], answer.json["landed"]) == (1, "refused", False)
    assert answer.json["forge"][0].startswith("error[LFCI111]")


@pytest.mark.parametrize("name", ["LFCI101-fix", "error[LFCI507]"])
def test_names_that_look_like_verdicts_are_none(ada: Worker, name: str) -> None:
    """What the user's own hook prints, or how a folder is called, is not the forge's word."""
    ada.edit({"docs/a": random_bytes()})
    before_the_push(ada, f"echo 'not on a Friday {name}' >&2; exit 1")
    text = refused(ada, "LFCI506", status=3)
    assert f"not on a Friday {name}" in text


def test_a_branch_where_a_folder_is_needed_is_refused_and_no_race(ada: Worker) -> None:
    ada.edit({"docs/a": random_bytes()})
    mine, refs = ada.mine(), ada.forge.refs()
    shown = ada.lfci("land", "--target", "main/sub")
    assert shown.status == 1
    assert "error[LFCI211]" in shown.err
    assert "refs/heads/main/sub would stand in the way of the protected refs/heads/main" in shown.err
    assert "faster" not in shown.err
    assert (ada.mine(), ada.forge.refs()) == (mine, refs)


def test_a_connection_that_breaks_after_the_landing(ada: Worker, bob: Worker) -> None:
    """The forge has moved the ref and dies before it can say so."""
    ada.edit({"docs/a": random_bytes()})
    elsewhere(bob)
    hook = ada.forge.path / "hooks/post-receive"
    held = hook.read_bytes()
    hook.write_text("#!/bin/sh\nkill -9 $PPID\n")
    answer = landed(ada)
    hook.write_bytes(held)
    assert (answer["landed"], answer["attempts"]) == (True, 1)
    assert ada.head() == tip(ada)
    # The evidence waits for the next fold.
    elsewhere(ada, "docs/next")
    assert not ada.forge.waiting()


def test_a_lock_that_stays_is_no_race(ada: Worker) -> None:
    """Somebody's dead push left it on the forge; nobody has landed anything."""
    ada.edit({"docs/a": random_bytes()})
    (ada.forge.path / "refs/heads/main.lock").touch()
    mine, refs = ada.mine(), ada.forge.refs()
    with BatchReader(ada.repo.tool) as objects, pytest.raises(Undecided) as raised:
        patient(ada, objects).land(remote=None, branch=None, attempts=2)
    assert raised.value.code == "LFCI506"
    assert "main.lock" in "".join(raised.value.facts), raised.value.facts
    assert (ada.mine(), ada.forge.refs()) == (mine, refs)


# -- killed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("whom", ["lfci", "everything"])
def test_killed_in_the_middle(ada: Worker, bob: Worker, whom: str) -> None:
    ada.edit({"src/lib.py": random_bytes()}, "mine")
    ada.attest()
    ada.repo.write("untracked", b"u")
    ada.repo.write("docs/staged", b"s")
    ada.repo.git("add", "docs/staged")
    elsewhere(bob)
    flag = ada.path.parent / "reached"
    hook = before_the_push(ada, f"touch {flag}; sleep 1")
    mine = ada.mine()
    running = ada.start("land")
    deadline = time.monotonic() + 30
    while not flag.exists():
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.01)
    if whom == "lfci":
        os.kill(running.pid, signal.SIGKILL)
    else:
        os.killpg(running.pid, signal.SIGKILL)
    running.communicate(timeout=30)  # ends when the last child has closed its end
    hook.unlink()
    ada.forge.state()  # waits for a push that went on without lfci
    assert ada.mine() == mine
    # Whatever became of the push, the same command ends what was begun.
    shown = ada.lfci("land")
    assert shown.status == 0, shown.text
    assert ada.forge.repo.git("log", "--format=%s", "main").split(b"\n").count(b"mine") == 1
    assert ada.repo.git("status", "--porcelain") == b"A  docs/staged\n?? untracked\n"
    ada.forge.fsck()


# -- many --------------------------------------------------------------------------------------------

AGENTS = 8


def crowd_config() -> bytes:
    tables = [NARROW]
    for number in range(AGENTS):
        tables.append(f'\n[checks.part-{number}]\nrun = "true"\ninputs = ["parts/{number}/"]\n'.encode())
    return b"".join(tables)


def crowd_policy() -> bytes:
    require = [
        {"check": f"part-{number}", "roles": ["agent"], "report": "optional"} for number in range(AGENTS)
    ]
    return policy_text(rules=({**RULE, "require": require, "protect": []},))


@pytest.fixture
def crowded(farm: Farm, tmp_path: Path, person: Any) -> Worker:
    """A forge whose rule asks for one check for each of eight parts."""
    worker: Worker = person(Developer(tmp_path / "first", farm.empty(crowd_policy())))
    for number in range(AGENTS):
        worker.repo.write(f"parts/{number}/code", b"1")
    worker.edit(
        {
            ".lfci/config.toml": crowd_config(),
            ".lfci/policy.toml": crowd_policy(),
            "flake.nix": b"{ outputs = _: { }; }\n",
            "flake.lock": b'{"nodes":{"root":{}},"root":"root","version":7}\n',
            "src/lib.py": b"1",
        }
    )
    for number in range(AGENTS):
        worker.attest(check=f"part-{number}", **no_report(f"part-{number}"))
    landed(worker)
    return worker


def no_report(check: str) -> dict[str, Any]:
    """What differs in a run of a check that declares no report."""
    return {"document": ResultDocument(check, 0, (), ()), "tests": None}


@pytest.mark.parametrize(("where", "count"), [("clones", AGENTS), ("worktrees", 4)])
def test_agents_in_parallel_land_all_and_lose_nothing(
    crowded: Worker, clone_of: Any, tmp_path: Path, where: str, count: int
) -> None:
    """Each changes a part of its own, which needs a proof of its own; in a clone each, or in worktrees
    of one clone, where they also fetch, store and tidy up beside each other."""
    first = clone_of(crowded.forge, "shared")
    workers = []
    for number in range(count):
        if where == "clones":
            worker = clone_of(crowded.forge, f"clone-{number}")
        else:
            place = tmp_path / f"tree-{number}"
            first.repo.git("worktree", "add", "-q", "-b", f"agent-{number}", str(place), "origin/main")
            worker = Worker(Developer.__new__(Developer), first.key, first.env)
            worker.developer.repo = type(first.repo)(place, "sha1")
            worker.developer.forge = crowded.forge
        worker.edit({f"parts/{number}/code": random_bytes()}, f"agent {number}")
        workers.append(worker)
    names = {
        worker.head(f"HEAD:parts/{number}"): worker.attest(
            check=f"part-{number}", **no_report(f"part-{number}")
        )
        for number, worker in enumerate(workers)
    }
    random.shuffle(workers)
    running = [worker.start("land", "--format", "json") for worker in workers]
    said = ["".join(each.communicate(timeout=120)) for each in running]
    assert [text for each, text in zip(running, said, strict=True) if each.returncode != 0] == []
    subjects = crowded.forge.repo.git("log", f"-{count}", "--format=%s", "main").decode().splitlines()
    assert sorted(subjects) == [f"agent {number}" for number in range(count)]
    # What the post-receive hooks may leave to each other is folded by the next landing.
    last = clone_of(crowded.forge, "last")
    last.edit({"README": b"1"})
    landed(last)
    assert not crowded.forge.waiting()
    held = last.lfci("attestation", "list", "--format", "json").json["attestations"]
    assert set(names.values()) <= {each["id"] for each in held}
    verified = last.lfci("check", "--rev", "HEAD", "--format", "json")
    assert {each["known"] for each in verified.json["checks"]} == {True}
    crowded.forge.fsck()


def test_what_was_never_delivered_stays_in_the_clone(ada: Worker) -> None:
    """Evidence of a tree that did not land is not thrown away with what did."""
    other = ada.edit({"src/lib.py": random_bytes()}, "not yet")
    name = ada.attest()
    ada.repo.git("switch", "-q", "-c", "now", "HEAD~")
    ada.edit({"docs/a": random_bytes()})
    landed(ada)
    assert name in ada.repo.git("for-each-ref", "refs/lfci/inbox").decode()
    ada.repo.git("switch", "-q", "--detach", other)
    landed(ada)
    assert ada.repo.git("for-each-ref", "refs/lfci/inbox") == b""


def test_inbox_refs_that_are_not_in_form_stay_at_home(ada: Worker) -> None:
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    [ref] = ada.repo.git("for-each-ref", "--format=%(refname)", "refs/lfci/inbox").decode().split()
    junk = f"{ref[:-64]}{'0' * 64}"
    ada.repo.git("update-ref", junk, ada.head("HEAD^{tree}"))
    ada.repo.git("update-ref", "refs/lfci/inbox/odd", ada.head())
    landed(ada)
    assert not ada.forge.waiting()
    left = ada.repo.git("for-each-ref", "--format=%(refname)", "refs/lfci/inbox").decode().split()
    assert left == sorted([junk, "refs/lfci/inbox/odd"])


def test_first_landing_of_another_forge_with_evidence_kept(farm: Farm, tmp_path: Path, person: Any) -> None:
    """The kit's own first landing, then `lfci land` with nothing new: said, and nothing sent."""
    developer = Developer(tmp_path / "clone", farm.empty())
    first_landing(developer, config=NARROW)
    worker = person(developer)
    before = worker.forge.state()
    assert landed(worker)["already"]
    assert worker.forge.state() == before


@pytest.mark.parametrize("how", ["land", "push"])
def test_evidence_that_somebody_else_delivers_at_the_same_time(ada: Worker, how: str) -> None:
    """Inbox refs are create-only. What stays there (nobody knows its key yet) is not in the way of
    those who bring the same."""
    ada.edit({"src/lib.py": random_bytes()})
    ada.attest()
    name = ada.attest(signer=STRANGER, attester="stranger")
    refs = ada.repo.git("for-each-ref", "--format=%(objectname):%(refname)", "refs/lfci/inbox").decode()
    [spec] = [line for line in refs.split() if line.endswith(name)]
    script = f"unset $(git rev-parse --local-env-vars); exec git push -q --no-verify origin {spec}"
    if how == "land":
        before_the_push(ada, script)
        shown = ada.lfci("land")
        assert shown.status == 0, shown.text
    else:
        # Ours comes after the user's own hook, and its inner push runs that as well.
        before_the_push(ada, f'cat >/dev/null; [ -n "$LFCI_DELIVERING" ] || exit 0; {script}')
        assert ada.lfci("install").status == 0
        pushed = ada.push("origin", "main")
        assert pushed.status == 0, pushed.output
    assert tip(ada) == ada.head()
    assert [ref.split("/")[-1] for ref in ada.forge.waiting()] == [name]
