"""What a runner keeps of a repository, and for how long; with real git, without a socket."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.clone.check import project_config
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.clone.known import Question, ask
from lfci_gate.config.runner import RepositoryPlace
from lfci_gate.errors import Refusal, UsageError
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.refs import list_refs
from lfci_gate.model import Engine, ObjectId, Outcome, ResultDocument, TestCase
from lfci_gate.runner.store import Store
from lfci_gate.system import current_system
from tests.support.evidence import REPOSITORY
from tests.support.forge import AGENT, now
from tests.support.repos import Repo, make_repo
from tests.support.runner import RUNNER
from tests.support.statements import bundle, passing_run

CONFIG = b'version = 1\n[checks.test]\nrun = "true"\n[checks.lint]\nrun = "true"\n'
DAY_S = 86400


def opened(tmp_path: Path, hash_name: str = "sha1") -> Store:
    (tmp_path / "incoming").mkdir(exist_ok=True)
    place = RepositoryPlace(REPOSITORY, (), True, hash_name)
    store = Store(tmp_path / "state" / REPOSITORY, place, tmp_path / "incoming")
    store.open()
    return store


def give(store: Store, repo: Repo, tmp_path: Path, text: bytes) -> ObjectId:
    """Brings a commit without history; its name."""
    repo.write("file", text)
    repo.git("add", "-A")
    commit = ObjectId(repo.line("commit-tree", repo.line("write-tree"), "-m", "x"))
    pack = tmp_path / "pack"
    pack.write_bytes(repo.git("pack-objects", "--revs", "--stdout", "-q", input=f"{commit}\n".encode()))
    store.take_pack(pack, commit, 1 << 20)
    return commit


@pytest.mark.parametrize("hash_name", ["sha1", "sha256"])
def test_old_commits_go_when_there_are_many(
    tmp_path: Path, hash_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lfci_gate.runner.store._KEEP", 2)
    monkeypatch.setattr("lfci_gate.runner.store._KEEP_MOST", 3)
    clock = iter(range(1_000_000_000, 1_000_000_100))
    monkeypatch.setattr("lfci_gate.runner.store.time.time", lambda: next(clock))
    repo = make_repo(tmp_path / "repo", hash_name)
    store = opened(tmp_path, hash_name)
    given = [give(store, repo, tmp_path, b"%d" % number) for number in range(3)]
    store.tidy(now(), DAY_S, all_results=False)
    assert all(store.has(commit) for commit in given)  # not too many yet
    given.append(give(store, repo, tmp_path, b"3"))
    assert len(store.have()) == 4
    store.tidy(now(), DAY_S, all_results=False)
    assert [store.has(commit) for commit in given] == [False, False, True, True]
    assert sorted(path.name for path in (tmp_path / "incoming").iterdir()) == []
    with pytest.raises(Refusal, match="LFCI528"):
        store.has(ObjectId("1" * (64 if hash_name == "sha1" else 40)))
    opened(tmp_path, hash_name)
    with pytest.raises(UsageError, match="LFCI524"):
        opened(tmp_path, "sha256" if hash_name == "sha1" else "sha1")


def test_a_pack_may_leave_out_what_is_there(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    store = opened(tmp_path)
    give(store, repo, tmp_path, b"one")
    [tree] = store.have()
    repo.write("other", b"two")
    repo.git("add", "-A")
    commit = ObjectId(repo.line("commit-tree", repo.line("write-tree"), "-m", "x"))
    named = f"{commit}\n^{tree}\n".encode()
    pack = tmp_path / "pack"
    pack.write_bytes(repo.git("pack-objects", "--revs", "--stdout", "-q", input=named))
    store.take_pack(pack, commit, 1 << 20)
    assert store.has(commit)
    # The same pack, where nothing is.
    (tmp_path / "elsewhere").mkdir()
    empty = opened(tmp_path / "elsewhere")
    pack.write_bytes(repo.git("pack-objects", "--revs", "--stdout", "-q", input=named))
    with pytest.raises(Refusal, match="LFCI530"):
        empty.take_pack(pack, commit, 1 << 20)


def test_what_unpacks_to_more_than_is_allowed(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo")
    store = opened(tmp_path)
    with pytest.raises(Refusal, match=r"LFCI530.*unpack"):
        give(store, repo, tmp_path, b"\0" * (1 << 21))
    assert store.have() == ()


@pytest.fixture
def asked(tmp_path: Path) -> tuple[Store, Question]:
    repo = make_repo(tmp_path / "repo")
    repo.write(".lfci/config.toml", CONFIG)
    store = opened(tmp_path)
    commit = give(store, repo, tmp_path, b"x")
    with BatchReader(store.git) as objects:
        tree = objects.resolve(f"{commit}^{{tree}}")
        assert tree is not None
        check = project_config(objects, tree).check("test")
        assert check is not None
        return store, ask(objects, tree, check, "", None, current_system())


def sign(store: Store, question: Question, signer: Any = RUNNER, age_s: int = 0, **changes: Any) -> str:
    moment = now() - timedelta(seconds=age_s)
    honest = {
        "system": question.system,
        "engine": Engine.BUILD,
        "attester": "runner-1",
        "attester_kind": "runner",
    }
    with BatchReader(store.git) as objects:
        run, document = passing_run(objects, question.tree, moment, **{**honest, **changes})
    return store_evidence(store.git, bundle(run, signer), document)


FAILED = ResultDocument("test", 1, (TestCase("a", "failed"),), ())


def test_what_is_remembered_is_this_runners_newest_word(asked: tuple[Store, Question]) -> None:
    store, question = asked

    def remembered() -> bool:
        return store.remembered(question, RUNNER.public, "runner-1", now(), DAY_S) is not None

    assert not remembered()
    for changes in (
        {"signer": AGENT},
        {"attester": "runner-2"},
        {"repository": "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2cff"},
        {"system": "riscv64-linux"},
        {"engine": Engine.DEVELOP},
        {"check": "lint"},
        {"age_s": DAY_S + 5},
        {"age_s": -60},
    ):
        sign(store, question, **changes)
        assert not remembered(), changes
    sign(store, question, age_s=60)
    assert remembered()
    sign(store, question, age_s=30, document=FAILED, result=Outcome.FAILED)
    assert not remembered()
    sign(store, question, age_s=10)
    assert remembered()


def test_old_results_go_at_a_start(asked: tuple[Store, Question]) -> None:
    store, question = asked
    old, new = sign(store, question, age_s=DAY_S + 5), sign(store, question, age_s=5)
    store.tidy(now(), DAY_S, all_results=False)
    assert {ref.rpartition("/")[2] for ref in list_refs(store.git, "refs/lfci/inbox")} == {old, new}
    store.tidy(now(), DAY_S, all_results=True)
    assert {ref.rpartition("/")[2] for ref in list_refs(store.git, "refs/lfci/inbox")} == {new}
    assert store.remembered(question, RUNNER.public, "runner-1", now(), DAY_S) is not None
