"""`lfci break-glass`: asked for by one, looked at and signed by another, landed by anybody, seen by all.

The people share a clone and bring their keys.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.cli.context import utc_now
from tests.clone.conftest import NARROW, PROGRAM, Screen, Worker, save_key
from tests.clone.test_land import random_bytes
from tests.clone.test_verify import trust_the_forge, verified
from tests.gate.conftest import Farm
from tests.gate.test_break_glass import bypass, policy
from tests.gate.test_rule_16 import DEPUTY, SECOND_KEY
from tests.support.evidence import TestSigner
from tests.support.forge import AGENT, MAINTAINER, STRANGER, Developer, Forge, first_landing, policy_text
from tests.support.repos import Repo

MAIN = "refs/heads/main"
TESTS_COUNT: dict[str, Any] = {"tests": {"removed": "refuse"}}
ALL = ("approvals", "checks", "dependencies", "tests")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The private keys of everybody."""
    place = tmp_path_factory.mktemp("keys")
    people = {"agent": AGENT, "mara": MAINTAINER, "mara-2": SECOND_KEY, "dora": DEPUTY, "stranger": STRANGER}
    for name, signer in people.items():
        save_key(signer, place / name)
    return place


@pytest.fixture(scope="module")
def template(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """A forge whose policy knows break-glass, with a first landing."""
    forge = farm.empty(policy(**TESTS_COUNT))
    developer = Developer(tmp_path_factory.mktemp("glass") / "clone", forge)
    first_landing(developer, policy(**TESTS_COUNT), config=NARROW)
    return forge


def cloned(forge: Forge, place: Path, keys: Path) -> Worker:
    developer = Developer.__new__(Developer)
    subprocess.run(["git", "clone", "-q", forge.url, str(place / "clone")], check=True)
    developer.repo = Repo(place / "clone", forge.repo.hash_name)
    developer.forge = forge
    return Worker(developer, keys / "agent", {"XDG_CONFIG_HOME": str(place / "config")})


@pytest.fixture
def ada(farm: Farm, template: Forge, keys: Path, tmp_path: Path) -> Worker:
    """A clone of a forge of this test's own."""
    farm.count += 1
    path = farm.base / f"{farm.count}.git"
    shutil.copytree(template.path, path)
    return cloned(Forge(path, f"{farm.url}/{path.name}"), tmp_path, keys)


@pytest.fixture(scope="module")
def shared(template: Forge, keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """A clone of the template, for tests in which nothing lands."""
    return cloned(template, tmp_path_factory.mktemp("shared"), keys)


@pytest.fixture
def guest(shared: Worker) -> Worker:
    shared.repo.git("checkout", "-q", "-f", "-B", "main", "origin/main")
    for file in shared.path.glob("break-glass-*"):
        file.unlink()
    return shared


def by(worker: Worker, who: str, *words: str, **options: Any) -> Screen:
    """`lfci break-glass` with the key of somebody."""
    return worker.lfci("break-glass", *words, env={"LFCI_KEY": str(worker.key.with_name(who))}, **options)


def urgent(worker: Worker) -> str:
    """A commit without evidence, and with a change that nobody has approved."""
    return worker.edit({"src/lib.py": random_bytes(), "tests/test_lib.py": b"# gone\n"}, "urgent")


def asked(worker: Worker, commit: str, *words: str, who: str = "mara") -> Screen:
    return by(worker, who, "request", commit, "--onto", "main", "--reason", "the forge burns", *words)


def file_of(worker: Worker, commit: str, *words: str) -> str:
    """A file with a bypass that one person has signed."""
    assert asked(worker, commit, *words).status == 0
    return f"break-glass-{commit[:12]}.json"


def signed_by_both(worker: Worker, commit: str, *words: str) -> str:
    file = file_of(worker, commit, *words)
    assert by(worker, "dora", "sign", file, "--yes").status == 0
    return file


def signatures(worker: Worker, file: str) -> int:
    data = (worker.path / file).read_bytes()
    return len(parse_bundle(data.removesuffix(b"\n")).envelope.signatures)


def stopped(screen: Screen, code: str, status: int = 1) -> str:
    assert (screen.status, f"error[{code}]" in screen.err) == (status, True), screen.text
    return screen.err


# -- the way ---------------------------------------------------------------------------------------------


def test_one_asks_another_signs_anybody_lands(ada: Worker) -> None:
    commit = urgent(ada)
    file = f"break-glass-{commit[:12]}.json"
    shown = asked(ada, commit)
    assert shown.status == 0, shown.text
    for line in (
        f"  to          {commit}",
        "  waives      approvals, checks, tests",
        "  because     the forge burns",
        f"  commits     {commit[:12]} urgent",
        "  changes     src/lib.py",
        "              tests/test_lib.py",
    ):
        assert line in shown.err.splitlines()
    assert f"one more person must look at it and sign it: lfci break-glass sign {file}" in shown.out
    assert signatures(ada, file) == 1
    assert "1 more person has to sign it" in stopped(by(ada, "agent", "land", file), "LFCI218")
    assert ada.forge.refs()[MAIN] != commit

    shown = by(ada, "dora", "sign", file, "--yes", "--format", "json")
    assert shown.status == 0, shown.text
    answer = shown.json
    assert (answer["signedBy"], answer["missing"]) == (["deputy", "maintainer"], 0)
    assert answer["waives"] == ["approvals", "checks", "tests"]
    assert "  signed by   maintainer" in shown.err  # before the second signature
    assert signatures(ada, file) == 2

    shown = by(ada, "agent", "land", file)
    assert shown.status == 0, shown.text
    assert f"landed {commit[:12]} on main by break-glass: it did NOT pass" in shown.out
    assert "warning: BREAK-GLASS: waived LFCI101, no attestation for check test" in shown.err
    assert ada.forge.refs()[MAIN] == commit
    assert b"NOT PASSED" in ada.forge.note("lfci-landed", commit)
    assert not ada.forge.waiting()

    # Everywhere that somebody may look.
    name = answer["id"]
    listed = ada.lfci("break-glass", "list")
    assert "recorded   by a key that is not trusted here" in listed.out
    trust_the_forge(ada)
    for rev in (commit, f"{commit}~1..{commit}"):
        told = verified(ada, rev, status=1)
        [found] = told["commits"]
        assert told["result"] == "bypassed"
        assert (found["bypass"], found["assurance"], found["verdict"]["verdict"]) == (name, None, "bypassed")
        assert any("the record says FAILED" in remark for remark in found["remarks"])
    assert verified(ada, commit, "--accept-bypassed")["result"] == "bypassed"
    shown = ada.lfci("verify", commit)
    lines = shown.out.splitlines()
    assert lines[0] == f"{commit[:12]} on {MAIN}: landed by BREAK-GLASS, NOT PASSED"
    assert lines[-1] == "1 commit of 1 landed by BREAK-GLASS, NOT PASSED (lfci break-glass list)"
    assert "accepted" not in shown.out
    [each] = ada.lfci("break-glass", "list", "--format", "json").json["bypasses"]
    assert (each["commit"], each["bypass"], each["signedBy"]) == (commit, name, ["deputy", "maintainer"])
    assert (each["reason"], each["recordedBy"]) == ("the forge burns", "the forge (lfci.forgeKey)")
    assert each["waived"] == ["LFCI101", "LFCI206"]
    assert "BREAK-GLASS" in ada.lfci("attestation", "list").out


def test_a_range_says_so_of_one_among_others(ada: Worker) -> None:
    assert "no landing records are here" in ada.lfci("break-glass", "list").out
    start = ada.head()
    bypassed = urgent(ada)
    ada.repo.git("push", "-q", "origin", "main", bypass(ada.developer, waives=ALL))
    ada.edit({"src/lib.py": random_bytes()})
    ada.repo.git("push", "-q", "origin", "main", ada.developer.evidence("HEAD"))
    everything = ("+refs/notes/lfci*:refs/notes/lfci*", "+refs/lfci/results*:refs/lfci/results*")
    ada.repo.git("fetch", "-q", "origin", *everything)
    assert ada.lfci("break-glass", "list", "HEAD~1..HEAD", "--format", "json").json["bypasses"] == []
    shown = ada.lfci("break-glass", "list", f"{start}..HEAD")
    assert shown.out.splitlines()[0].startswith(f"{bypassed} on {MAIN}, ")
    stopped(ada.lfci("break-glass", "list", "HEAD"), "LFCI514", 2)
    stopped(ada.lfci("break-glass", "list", "HEAD...HEAD"), "LFCI514", 2)
    # Without a trusted record it is judged at the present time: refused once the bypass is over.
    late = ada.lfci("verify", bypassed, "--accept-bypassed", now=lambda: utc_now() + timedelta(days=1))
    assert "LFCI101" in stopped(late, "LFCI218")
    trust_the_forge(ada)
    answer = verified(ada, f"{start}..HEAD", status=1)
    assert answer["result"] == "bypassed"
    assert [each["verdict"]["verdict"] for each in answer["commits"]] == ["bypassed", "accepted"]
    assert "1 commit of 2 landed by BREAK-GLASS" in ada.lfci("verify", f"{start}..HEAD").out
    # The statement is lost: the record alone does not make it pass, and still says what it was.
    ada.repo.git("update-ref", "-d", "refs/notes/lfci")
    lost = verified(ada, bypassed, "--accept-bypassed", status=1)
    assert (lost["result"], lost["commits"][0]["bypass"] is not None) == ("refused", True)


def test_a_plain_push_delivers_a_bypass_that_was_imported(ada: Worker) -> None:
    commit = urgent(ada)
    file = signed_by_both(ada, commit)
    assert ada.lfci("install").status == 0
    assert ada.lfci("attestation", "import", str(ada.path / file)).status == 0
    pushed = ada.push("origin", "main")
    assert pushed.status == 0, pushed.output
    assert "BREAK-GLASS" in pushed.output
    assert ada.forge.refs()[MAIN] == commit


def test_land_says_it_too(ada: Worker) -> None:
    """Evidence is there, only the approval is waived: `lfci land` lands it, and does not keep that quiet."""
    commit = urgent(ada)
    ada.attest()
    file = signed_by_both(ada, commit, "--waive", "approvals")
    assert ada.lfci("attestation", "import", str(ada.path / file)).status == 0
    shown = ada.lfci("land", "--format", "json")
    assert (shown.status, shown.json["bypass"] is not None) == (0, True), shown.text
    assert "warning: BREAK-GLASS: waived LFCI206" in shown.err


# -- what is not signed, and not sent ------------------------------------------------------------------------


def test_what_is_asked_for_is_what_is_needed_and_allowed(guest: Worker) -> None:
    commit = urgent(guest)
    for words, code in (
        (("--expires", "5h"), "LFCI218"),
        (("--expires", "0h"), "LFCI218"),
        (("--expires", "soon"), "LFCI514"),
        (("--waive", "everything"), "LFCI514"),
        (("--remote", "elsewhere"), "LFCI514"),
    ):
        stopped(asked(guest, commit, *words), code, 2)
    mine = guest.path / f"break-glass-{commit[:12]}.json"
    mine.write_text("mine")
    assert "exists already" in stopped(asked(guest, commit), "LFCI514", 2)
    assert mine.read_text() == "mine"
    assert "may not sign" in stopped(asked(guest, commit, who="agent"), "LFCI218")
    stopped(asked(guest, commit, who="stranger"), "LFCI103")
    assert "no bypass is needed" in stopped(asked(guest, f"{commit}~1"), "LFCI218", 2)
    stopped(by(guest, "mara", "request", commit, "--onto", "topic", "--reason", "x"), "LFCI216", 2)


def test_what_nobody_can_waive_is_not_asked_for(guest: Worker) -> None:
    commit = guest.edit({".lfci/policy.toml": policy(1, **TESTS_COUNT) + b"\n# changed\n"})
    assert "no bypass can waive LFCI204" in stopped(asked(guest, commit), "LFCI218")
    other = guest.repo.line("commit-tree", "HEAD~1^{tree}", "-m", "no parent")
    stopped(asked(guest, other), "LFCI218")
    assert "no bypass changes that" in stopped(asked(guest, other, "--waive", "checks"), "LFCI208")
    assert not list(guest.path.glob("break-glass-*"))


def test_nobody_signs_twice_or_what_is_not_theirs_or_not_here(guest: Worker, tmp_path: Path) -> None:
    commit = urgent(guest)
    file = file_of(guest, commit)
    before = (guest.path / file).read_bytes()
    for who in ("mara", "mara-2"):
        assert "maintainer has signed it already" in stopped(by(guest, who, "sign", file, "--yes"), "LFCI218")
    stopped(by(guest, "agent", "sign", file, "--yes"), "LFCI218")
    stopped(by(guest, "stranger", "sign", file, "--yes"), "LFCI103")
    assert "nobody is here to say" in stopped(by(guest, "dora", "sign", file), "LFCI514", 2)
    stopped(by(guest, "dora", "sign", "nowhere.json", "--yes"), "LFCI514", 2)
    stopped(by(guest, "dora", "sign", ".lfci/config.toml", "--yes"), "LFCI110")
    # In a clone that has not fetched the commit nobody has looked at it.
    elsewhere = cloned(guest.forge, tmp_path, guest.key.parent)
    shutil.copy(guest.path / file, elsewhere.path / file)
    stopped(by(elsewhere, "dora", "sign", file, "--yes"), "LFCI514", 2)
    assert (guest.path / file).read_bytes() == before


def test_on_a_terminal_it_asks(guest: Worker) -> None:
    file = file_of(guest, urgent(guest))
    for answer, count in (("n", 1), ("yes", 2)):
        said = on_a_terminal(guest, "dora", answer, "break-glass", "sign", file)
        assert "because     the forge burns" in said
        assert said.index("because") < said.index("Sign this? [y/N]")
        assert ("error[LFCI218]: not signed" in said) is (count == 1)
        assert signatures(guest, file) == count


def on_a_terminal(worker: Worker, who: str, answer: str, *words: str) -> str:
    """What the program shows on a terminal where somebody types ``answer``."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [str(PROGRAM), *words],
        cwd=worker.path,
        env=worker.environ({"NO_COLOR": "1", "LFCI_KEY": str(worker.key.with_name(who))}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as child:
        os.close(theirs)
        os.write(ours, f"{answer}\n".encode())
        shown = b""
        with suppress(OSError):  # Linux's way to say that nobody has the other end any more
            while data := os.read(ours, 65536):
                shown += data
        child.wait(timeout=60)
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_what_cannot_count_any_more_is_neither_signed_nor_sent(ada: Worker) -> None:
    commit = urgent(ada)
    file = file_of(ada, commit, "--expires", "1h")

    def later() -> Any:
        return utc_now() + timedelta(hours=1)

    assert "it has expired" in stopped(by(ada, "dora", "sign", file, "--yes", now=later), "LFCI218")
    assert by(ada, "dora", "sign", file, "--yes").status == 0
    assert "it has expired" in stopped(by(ada, "agent", "land", file, now=later), "LFCI218")
    # The forge's own policy, which this clone cannot see, knows no break-glass: it has the last word.
    ada.forge.set_policy(policy_text(version=9))
    before = ada.forge.refs()
    shown = by(ada, "agent", "land", file, "--format", "json")
    assert (shown.status, shown.json["result"], shown.json["landed"]) == (1, "refused", False), shown.text
    assert "error[LFCI218]" in shown.err
    assert ada.forge.refs() == before
    # Somebody else lands in between.
    ada.repo.git("checkout", "-q", "-B", "main", "origin/main")
    ada.edit({"src/other.py": random_bytes()})
    ada.repo.git("push", "-q", "origin", "main", ada.developer.evidence("HEAD"))
    before = ada.forge.refs()
    assert "by now, and it is for leaving" in stopped(by(ada, "agent", "land", file), "LFCI218")
    assert ada.forge.refs() == before


def test_a_signature_by_an_unknown_key_is_nobody_s(guest: Worker) -> None:
    commit = urgent(guest)
    signers: tuple[TestSigner, ...] = (MAINTAINER, STRANGER)
    spec = bypass(guest.developer, commit, *signers, waives=("approvals", "checks", "tests"))
    tree = spec.partition(":")[0]
    (guest.path / "b.json").write_bytes(guest.repo.git("show", f"{tree}:attestation"))
    assert "signed by: maintainer" in stopped(by(guest, "agent", "land", "b.json"), "LFCI218")


def test_a_policy_without_break_glass(farm: Farm, keys: Path, tmp_path: Path) -> None:
    forge = farm.empty()
    first_landing(Developer(tmp_path / "first", forge))
    worker = cloned(forge, tmp_path, keys)
    worker.edit({"src/lib.py": random_bytes()})
    assert "knows no break-glass" in stopped(asked(worker, "HEAD"), "LFCI218", 2)
