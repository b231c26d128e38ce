"""Requests that want a signature for what did not run, or for other bytes than those that ran (class E13).

Each must end with its code, and with nothing more signed, kept or left lying about than before.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from lfci_gate.git.names import oid_of
from lfci_gate.git.writer import pack_of
from tests.clone.conftest import Worker
from tests.gate.conftest import Farm
from tests.runner.conftest import CONFIG, new_worker
from tests.support.evidence import REPOSITORY
from tests.support.runner import IS_ROOT, OTHER_REPOSITORY, RUNNER, House, private_text, request
from tests.support.world import World

SHA = "1" * 40
GOOD = request(SHA)


@pytest.fixture(autouse=True)
def nothing_signed(runner: House) -> Iterator[None]:
    before = runner.evidence(), len(runner.builds())
    yield
    assert (runner.evidence(), len(runner.builds())) == before
    assert runner.left() == {"incoming": [], "work": []}
    assert runner.child is not None
    assert runner.child.poll() is None
    assert runner.answers(b'{"schema":"lfci.runner/1","ask":"status"}\n')[0]["queued"] == 0


MALFORMED: dict[str, bytes] = {
    "nothing": b"\n",
    "no JSON": b"check test\n",
    "not an object": b'["check"]\n',
    "another version": GOOD.replace(b"runner/1", b"runner/2"),
    "another question": request(SHA, ask="sign"),
    "a field more: a statement": request(SHA, statement={"predicate": {}}),
    "a field more: a ref": request(SHA, ref="refs/heads/main"),
    "a field more: an attester": request(SHA, attester={"id": "x", "kind": "human"}),
    "a field more: a payload": request(SHA, payload="e30="),
    "a field less": b'{"schema":"lfci.runner/1","ask":"check"}\n',
    "a field twice": GOOD.replace(b'"ask": "check"', b'"ask": "check", "ask": "check"'),
    "a status that asks more": b'{"schema":"lfci.runner/1","ask":"status","commit":"%b"}\n' % SHA.encode(),
    "a name with a line break": request(SHA, "test\nlint"),
    "a name with an escape": request(SHA, "\x1b[31mtest"),
    "a path as name": request(SHA, "../test"),
    "statement text as name": request(SHA, '{"_type":"https://in-toto.io/Statement/v1"}'),
    "a long name": request(SHA, "t" * 65),
    "no check": request(SHA, checks=[]),
    "a check twice": request(SHA, "test", "test"),
    "65 checks": request(SHA, *(f"c{number}" for number in range(65))),
    "a short name of a commit": request("1234567"),
    "a revision": request("HEAD"),
    "an option": request("--all"),
    "upper case": request("A" * 40),
    "a name and more": request(SHA + "\n" + SHA),
    "no UUID": request(SHA, repository="../" + REPOSITORY),
    "numbers for booleans": request(SHA, fresh=1),
    "a float": GOOD.replace(b"false", b"1.5"),
    "NUL": GOOD.replace(b"test", b"te\0st"),
    "not UTF-8": GOOD.replace(b"test", b"te\xffst"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "nested": GOOD.replace(b"false", b"[" * 2000 + b"]" * 2000),
    "16 KiB and more": GOOD.replace(b"test", b"t" * 20_000),
    "a mebibyte without an end": b"{" * (1 << 20),
    "two requests in one line": GOOD.rstrip() + GOOD,
    "two requests in one packet": GOOD + GOOD,
    "a pack before it is asked for": GOOD + b'{"pack":64}\n' + b"PACK" * 16,
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_request(runner: House, name: str) -> None:
    assert runner.code(MALFORMED[name]) == "LFCI527"


def test_a_request_that_ends_early(runner: House) -> None:
    assert runner.answers(GOOD[:-1], shut=True) == []


def test_a_repository_that_the_runner_does_not_know(runner: House) -> None:
    assert runner.code(request(SHA, repository=OTHER_REPOSITORY)) == "LFCI528"


# -- objects -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ada(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """A clone with a commit; nobody's tests change it."""
    return new_worker(farm, world, tmp_path_factory.mktemp("oracle"))


def commit_of(tree: str, message: str = "x") -> bytes:
    who = "lfci <lfci@localhost> 0 +0000"
    return f"tree {tree}\nauthor {who}\ncommitter {who}\n\n{message}\n".encode()


def packed(*objects: tuple[str, bytes]) -> tuple[str, bytes]:
    """Name of the last object, and a pack of all."""
    kind, data = objects[-1]
    return oid_of(kind, data, "sha1"), pack_of(list(objects), "sha1")


def entry(name: bytes, oid: str, mode: bytes = b"100644") -> bytes:
    return mode + b" " + name + b"\0" + bytes.fromhex(oid)


def hostile() -> dict[str, tuple[str, bytes]]:
    blob = oid_of("blob", b"x", "sha1")
    given = {
        "a name that is git's own": entry(b".git", blob),
        "a name that leaves": entry(b"..", blob),
        "a tree out of order": entry(b"b", blob) + entry(b"a", blob),
        "a name twice": entry(b"a", blob) + entry(b"a", blob),
        "a tree that ends early": entry(b"a", blob)[:-5],
    }
    found = {}
    for name, tree in given.items():
        commit = commit_of(oid_of("tree", tree, "sha1"))
        found[name] = packed(("blob", b"x"), ("tree", tree), ("commit", commit))
    tree = entry(b"a", blob)
    commit = commit_of(oid_of("tree", tree, "sha1"))
    good = packed(("blob", b"x"), ("tree", tree), ("commit", commit))
    found["a blob that is missing"] = packed(("tree", tree), ("commit", commit))
    found["a tree that is missing"] = packed(("commit", commit))
    found["another commit"] = good[0], packed(("blob", b"x"), ("tree", tree), ("commit", commit + b"y"))[1]
    found["a byte changed"] = good[0], good[1][:40] + bytes([good[1][40] ^ 1]) + good[1][41:]
    found["no pack"] = good[0], b"x" * 64
    found["cut off"] = good[0], good[1][:-20]
    found["something behind it"] = good[0], good[1] + b"x" * 20
    found["a commit of two trees"] = packed(
        ("blob", b"x"),
        ("tree", tree),
        ("commit", commit.replace(b"author", b"tree " + b"1" * 40 + b"\nauthor")),
    )
    return found


@pytest.mark.parametrize("name", hostile())
def test_objects_that_git_does_not_take(runner: House, ada: Worker, name: str) -> None:
    commit, pack = hostile()[name]
    before = sorted((runner.state / "repositories" / REPOSITORY / "objects").rglob("*"))
    last = runner.bring(ada.repo, commit, pack=pack)[-1]
    assert (last["event"], last["code"]) == ("error", "LFCI530"), last
    assert sorted((runner.state / "repositories" / REPOSITORY / "objects").rglob("*")) == before


def test_a_pack_of_another_size(runner: House, ada: Worker) -> None:
    for head in (b'{"pack":1}\n', b'{"pack":-64}\n', b'{"pack":"64"}\n', b'{"pack":64,"x":1}\n', b"PACK\n"):
        with runner.connect(request(SHA)) as connection:
            stream = connection.makefile("rb")
            assert json.loads(stream.readline())["event"] == "send"
            connection.sendall(head)
            assert json.loads(stream.readline())["code"] == "LFCI527"
    with runner.connect(request(SHA)) as connection:
        stream = connection.makefile("rb")
        most = json.loads(stream.readline())["bytes"]
        connection.sendall(b'{"pack":%d}\n' % (most + 1))
        assert json.loads(stream.readline())["code"] == "LFCI530"


def test_names_of_other_objects_than_commits(runner: House, ada: Worker) -> None:
    head = ada.head()
    assert runner.bring(ada.repo, head, "none")[-1]["code"] == "LFCI406"  # it is there from now on
    for what in ("HEAD^{tree}", "HEAD:check.sh"):
        assert runner.code(request(ada.head(what))) == "LFCI403"
    for checks, code in ((("none",), "LFCI406"), (("test", "none"), "LFCI406"), (("long",), "LFCI525")):
        assert runner.code(request(head, *checks)) == code
    assert runner.code(request("1" * 64)) == "LFCI528"  # a name of the other hash


def test_trees_that_unfold(runner: House, ada: Worker) -> None:
    """A few kilobytes that would become a petabyte of files."""
    blob = b"\0" * (1 << 20)
    objects = [("blob", blob)]
    oid = oid_of("blob", blob, "sha1")
    mode = b"100644"
    for _ in range(9):
        tree = b"".join(entry(b"%d" % number, oid, mode) for number in range(10))
        objects.append(("tree", tree))
        oid, mode = oid_of("tree", tree, "sha1"), b"40000"
    config = b'version = 1\n[checks.test]\nrun = "true"\n'
    folder = entry(b"config.toml", oid_of("blob", config, "sha1"))
    top = entry(b".lfci", oid_of("tree", folder, "sha1"), b"40000") + entry(b"bomb", oid, b"40000")
    commit = commit_of(oid_of("tree", top, "sha1"))
    name, pack = packed(*objects, ("blob", config), ("tree", folder), ("tree", top), ("commit", commit))
    assert len(pack) < 20_000
    assert runner.bring(ada.repo, name, pack=pack)[-1]["code"] in ("LFCI411", "LFCI412")


def flake_that_reads(place: Path) -> tuple[str, bytes]:
    """A commit whose flake names a path of the machine, and its pack."""
    flake = (
        "{ outputs = { self }: { devShells.x86_64-linux.default = builtins.fetchTree {"
        f' type = "path"; path = "{place}"; narHash = "sha256-{"A" * 43}="; }}; }}; }}'
    )
    files = {
        b"check.sh": b"exit 0\n",
        b"flake.lock": b'{"nodes":{"root":{}},"root":"root","version":7}',
        b"flake.nix": flake.encode(),
    }
    folder = entry(b"config.toml", oid_of("blob", CONFIG, "sha1"))
    top = entry(b".lfci", oid_of("tree", folder, "sha1"), b"40000")
    for name, data in files.items():
        top += entry(name, oid_of("blob", data, "sha1"))
    blobs = [("blob", data) for data in (CONFIG, *files.values())]
    commit = commit_of(oid_of("tree", top, "sha1"))
    return packed(*blobs, ("tree", folder), ("tree", top), ("commit", commit))


def test_a_flake_cannot_take_the_key_out(runner: House, ada: Worker) -> None:
    """Nix copies what an evaluation names into the store, for everybody, before it compares any hash."""
    before = set(os.listdir("/nix/store"))
    bait = runner.top / "bait"
    bait.write_text(f"what the runner's user can read, {runner.top}")
    bait.chmod(0o644)
    places = {bait: True, runner.key: False} if IS_ROOT else {bait: True}
    for place, copied in places.items():
        commit, pack = flake_that_reads(place)
        last = runner.bring(ada.repo, commit, pack=pack)[-1]
        assert (last["event"], last["code"]) == ("error", "LFCI304"), last
        data = place.read_bytes()
        new = [Path("/nix/store", name) for name in set(os.listdir("/nix/store")) - before]
        found = [file for file in new if file.is_file() and file.read_bytes() == data]
        assert bool(found) == copied, (place, found)


def test_no_word_of_the_key_is_anywhere(runner: House) -> None:
    key = private_text(RUNNER).splitlines()[1]
    assert key not in runner.log.read_bytes()
    for file in runner.state.rglob("*"):
        if file.is_file():
            assert key not in file.read_bytes()
    pid = runner.child.pid  # type: ignore[union-attr]
    environ = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    assert key not in environ
    assert os.readlink(f"/proc/{pid}/fd/0") == "/dev/null"
    if IS_ROOT:  # its own user sees nothing of its memory
        assert os.stat(f"/proc/{pid}/mem").st_uid == 0
    assert len(key) > 20


def test_what_cannot_be_run_is_an_error_and_no_answer(runner: House, ada: Worker) -> None:
    assert runner.bring(ada.repo, ada.head(), "net")[-1]["code"] == "LFCI322"
