"""`lfci verify`: what landed is judged as it was, and what somebody changed afterwards is found."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.keys import format_public
from lfci_gate.cli.context import utc_now
from lfci_gate.gate.landed import forge_signer
from tests.clone.conftest import NARROW, Worker
from tests.clone.test_land import landed, random_bytes
from tests.gate.conftest import Farm
from tests.support.forge import (
    AGENT,
    MAINTAINER,
    RULE,
    SECOND_AGENT,
    STRANGER,
    Developer,
    Forge,
    first_landing,
    policy_text,
)


def verified(worker: Worker, *words: str, status: int = 0, **options: Any) -> Any:
    """The JSON of `lfci verify`."""
    shown = worker.lfci("verify", "--format", "json", *words, **options)
    assert shown.status == status, shown.text
    return shown.json


def trust_the_forge(worker: Worker) -> None:
    line = format_public(forge_signer(worker.forge.git).public)
    worker.repo.git("config", "--add", "lfci.forgeKey", line)


@pytest.fixture(scope="module")
def aged(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> Forge:
    """A forge with max-age and three landings: the first, one of a single commit, one of three commits
    of which only the last has evidence of its own."""
    policy = policy_text(rules=({**RULE, "max-age": "7d"},))
    forge = farm.empty(policy)
    developer = Developer(tmp_path_factory.mktemp("aged") / "clone", forge)
    first_landing(developer, policy, config=NARROW)
    developer.edit(message="single")
    developer.lands("origin", "main", developer.evidence("HEAD"))
    for number in range(3):
        developer.edit(message=f"together {number}")
    developer.edit({"tests/test_lib.py": b"# approved\n"}, "together 3")
    specs = developer.approvals("HEAD", "HEAD~4")
    developer.lands("origin", "main", developer.evidence("HEAD"), *specs)
    return forge


@pytest.fixture
def reader(aged: Forge, clone_of: Callable[..., Worker]) -> Worker:
    """Somebody without a key of the policy, in a fresh clone with the evidence."""
    worker = clone_of(aged, "reader", STRANGER)
    assert worker.lfci("install").status == 0
    worker.repo.git("fetch", "-q")
    return worker


def later(days: int) -> Callable[[], datetime]:
    return lambda: utc_now() + timedelta(days=days)


# -- landings ---------------------------------------------------------------------------------------


def test_a_landed_commit(reader: Worker) -> None:
    answer = verified(reader, "HEAD~4")
    [commit] = answer["commits"]
    assert (answer["schema"], answer["result"]) == ("lfci.verify/1", "accepted")
    assert (commit["commit"], commit["from"], commit["assurance"]) == (
        reader.head("HEAD~4"),
        reader.head("HEAD~5"),
        "claimed",
    )
    shown = reader.lfci("verify", "HEAD~4")
    lines = shown.out.splitlines()
    assert lines[0] == f"{reader.head('HEAD~4')[:12]} on refs/heads/main: accepted, assurance: claimed"
    assert "  check test: PASSED, 2 passed, engine develop, key agent" in lines


def test_the_first_commit_is_judged_by_the_policy_it_brings(reader: Worker) -> None:
    answer = verified(reader, "HEAD~5")
    assert answer["commits"][0]["from"] is None
    assert "a first commit: judged by the policy that it brings itself" in answer["commits"][0]["remarks"]


def test_several_commits_that_landed_together_are_one_landing(reader: Worker) -> None:
    """Only the tip has evidence, and the approval is of the change as a whole."""
    trust_the_forge(reader)
    answer = verified(reader)
    [commit] = answer["commits"]
    assert commit["from"] == reader.head("HEAD~4")
    assert any("the tip before this landing" in remark for remark in commit["remarks"])
    whole = verified(reader, "HEAD~5..HEAD")
    assert [each["commit"] for each in whole["commits"]] == [reader.head("HEAD~4"), reader.head()]
    inside = verified(reader, "HEAD~2..HEAD")
    assert [each["from"] for each in inside["commits"]] == [reader.head("HEAD~4")]


def test_without_the_forge_s_key_each_commit_stands_alone(reader: Worker) -> None:
    shown = reader.lfci("verify", "HEAD~4..HEAD")
    assert shown.status == 1
    assert "error[LFCI101]" in shown.err
    assert "which is not trusted here" in shown.out
    assert "git config --add lfci.forgeKey" in shown.out


def test_time_is_that_of_the_landing_where_its_record_is_trusted(reader: Worker) -> None:
    old = reader.lfci("verify", "HEAD~4", now=later(8))
    assert (old.status, "error[LFCI107]" in old.err) == (1, True), old.text
    assert "which is not trusted here: judged alone and at the present time" in old.out
    trust_the_forge(reader)
    answer = verified(reader, "HEAD~4", now=later(8))
    assert "signed by the forge (lfci.forgeKey)" in answer["commits"][0]["remarks"][0]
    assert answer["commits"][0]["at"] < later(0)().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert verified(reader, "HEAD~5..HEAD", now=later(8))["result"] == "accepted"


def test_a_forge_key_of_the_policy_counts_and_an_agent_s_does_not(
    farm: Farm, tmp_path: Path, clone_of: Callable[..., Worker]
) -> None:
    """An agent that could sign landing records could say that its old evidence was young."""
    forge = farm.empty()
    signer = forge_signer(forge.git)
    for role, trusted in (("agent", False), ("forge", True)):
        keys = {
            "agent": {"public": format_public(AGENT.public), "roles": ["agent"]},
            "maintainer": {"public": format_public(MAINTAINER.public), "roles": ["maintainer"]},
            "server": {"public": format_public(signer.public), "roles": [role]},
        }
        policy = policy_text(rules=({**RULE, "max-age": "7d"},), keys=keys)
        forge = farm.empty(policy)
        (forge.path / "lfci").mkdir(exist_ok=True)
        for name in ("key", "key.pub"):
            _copy_key(farm, forge, name)
        first_landing(Developer(tmp_path / role / "clone", forge), policy, config=NARROW)
        worker = clone_of(forge, f"{role}-reader")
        worker.lfci("install")
        worker.repo.git("fetch", "-q")
        shown = worker.lfci("verify", now=later(8))
        # A first landing has no landed side that could vouch for the forge; the policy it brings does.
        assert (shown.status == 0) is trusted, shown.text


def _copy_key(farm: Farm, forge: Forge, name: str) -> None:
    """The forge signs with the key of the forge that was made before it."""
    from lfci_gate.gate.state import ForgeState

    before = farm.base / f"{int(forge.path.stem) - 1}.git"
    target = ForgeState(forge.path).key_path.with_name(name)
    source = ForgeState(before).key_path.with_name(name)
    if source.exists():
        target.unlink(missing_ok=True)
        target.write_bytes(source.read_bytes())
        target.chmod(0o600)


# -- what somebody changed ------------------------------------------------------------------------------


def test_missing_evidence(reader: Worker) -> None:
    reader.repo.git("update-ref", "-d", "refs/notes/lfci")
    answer = verified(reader, "HEAD~4", status=1)
    [reason] = answer["commits"][0]["verdict"]["reasons"]
    assert (answer["result"], reason["code"]) == ("refused", "LFCI101")


def test_a_commit_that_never_landed(reader: Worker) -> None:
    reader.edit({"src/lib.py": random_bytes()})
    shown = reader.lfci("verify")
    assert shown.status == 1
    assert "error[LFCI101]" in shown.err
    assert "no landing record here" in shown.out


def test_a_changed_note(reader: Worker) -> None:
    """One letter of the payload, and one of the signature."""
    import base64
    import json

    config = reader.repo.git("show", "HEAD~4:.lfci/config.toml")
    assert config == NARROW
    trees = reader.repo.git("notes", "--ref=lfci", "list").decode().split("\n")[:-1]
    for position, code in (("payload", "LFCI102"), ("signatures", "LFCI102")):
        reader.repo.git("fetch", "-q")
        for line in trees:
            subject = line.split(" ")[1]
            bundles = [json.loads(each) for each in reader.forge.note("lfci", subject).splitlines()]
            for bundle in bundles:
                envelope = bundle["dsseEnvelope"]
                holder, key = (
                    (envelope, "payload") if position == "payload" else (envelope["signatures"][0], "sig")
                )
                data = bytearray(base64.b64decode(holder[key]))
                data[20] ^= 1
                holder[key] = base64.b64encode(bytes(data)).decode()
            blob = reader.repo.git(
                "hash-object", "-w", "--stdin", input="".join(json.dumps(b) + "\n" for b in bundles).encode()
            )
            reader.repo.git("notes", "--ref=lfci", "add", "-f", "-C", blob.decode().strip(), subject)
        answer = verified(reader, "HEAD~4", status=1)
        assert {reason["code"] for reason in answer["commits"][0]["verdict"]["reasons"]} == {code}
        assert answer["commits"][0]["assurance"] is None


def test_a_changed_landing_record_is_not_believed(reader: Worker) -> None:
    """Backdating needs the forge's key."""
    trust_the_forge(reader)
    commit = reader.head("HEAD~4")
    note = reader.repo.git("notes", "--ref=lfci-landed", "show", commit)
    line = next(each for each in note.split(b"\n") if each.startswith(b"{"))
    from lfci_gate.attest.bundle import parse_bundle
    from lfci_gate.attest.statement import parse_statement
    from lfci_gate.value import replace

    landing = parse_statement(parse_bundle(line).envelope.payload)
    forged = reader.developer.bundle(replace(landing, evidence=()), SECOND_AGENT)
    blob = reader.repo.git("hash-object", "-w", "--stdin", input=forged + b"\n").decode().strip()
    reader.repo.git("notes", "--ref=lfci-landed", "add", "-f", "-C", blob, commit)
    shown = reader.lfci("verify", commit, now=later(8))
    assert (shown.status, "error[LFCI107]" in shown.err) == (1, True), shown.text
    assert f"names key {SECOND_AGENT.public.fingerprint}" in shown.out


# -- how it is asked -------------------------------------------------------------------------------------


def test_as_a_landing_on_another_ref(reader: Worker) -> None:
    assert verified(reader, "HEAD~4", "--ref", "release/1")["commits"][0]["verdict"]["ref"] == (
        "refs/heads/release/1"
    )
    shown = reader.lfci("verify", "HEAD~4", "--ref", "topic")
    assert shown.status == 0
    assert "(no rule covers this ref)" in shown.out
    answer = verified(reader, "HEAD~4", "--ref", "topic")
    assert answer["commits"][0]["assurance"] is None


def test_by_a_policy_that_the_reader_brought(reader: Worker, tmp_path: Path) -> None:
    strict = policy_text(
        rules=({**RULE, "require": [{"check": "test", "roles": ["agent"], "threshold": 2}]},)
    )
    (tmp_path / "strict.toml").write_bytes(strict)
    shown = reader.lfci("verify", "HEAD~4", "--policy", str(tmp_path / "strict.toml"))
    assert shown.status == 1
    assert "error[LFCI111]" in shown.err
    trust_the_forge(reader)
    shown = reader.lfci("verify", "HEAD~4", "--policy", str(tmp_path / "strict.toml"))
    assert "the forge judged by another policy, version 1" in shown.out
    missing = reader.lfci("verify", "--policy", str(tmp_path / "none.toml"))
    assert (missing.status, "error[LFCI201]" in missing.err) == (2, True)
    (tmp_path / "bad.toml").write_bytes(b"version = 'x'\n")
    bad = reader.lfci("verify", "--policy", str(tmp_path / "bad.toml"))
    assert bad.status == 3, bad.text
    assert "error[LFCI202]" in bad.err


def test_on_a_detached_head_without_a_remote(reader: Worker) -> None:
    reader.repo.git("checkout", "-q", "--detach", "HEAD~4")
    reader.repo.git("remote", "remove", "origin")
    shown = reader.lfci("verify", "--ref", "main")
    assert shown.status == 0, shown.text
    shown = reader.lfci("verify")
    assert (shown.status, "error[LFCI514]" in shown.err) == (2, True)


def test_what_is_no_commit_or_range(reader: Worker) -> None:
    for words in (("nothing",), ("HEAD...HEAD~1",), ("HEAD^{tree}",)):
        shown = reader.lfci("verify", *words)
        assert (shown.status, "error[LFCI514]" in shown.err) == (2, True), shown.text


def test_an_empty_range(reader: Worker) -> None:
    assert verified(reader, "HEAD..HEAD")["commits"] == []
    shown = reader.lfci("verify", "HEAD..HEAD")
    assert shown.out == "no commits to verify\n"
    shown = reader.lfci("verify", "HEAD..HEAD~1")
    assert (shown.status, "error[LFCI514]" in shown.err) == (2, True)
    assert "hint: the older one comes first: lfci verify HEAD~1..HEAD" in shown.err


def test_a_shallow_clone_cannot_tell(reader: Worker, tmp_path: Path) -> None:
    subprocess.run(
        ["git", "clone", "-q", "--depth", "1", reader.forge.url, str(tmp_path / "cut")], check=True
    )
    shown = reader.lfci("verify", cwd=tmp_path / "cut")
    assert (shown.status, "error[LFCI408]" in shown.err) == (3, True), shown.text
    assert "hint: git fetch --unshallow" in shown.err


def test_a_merge_is_judged_from_its_first_parent(ada: Worker) -> None:
    ada.repo.git("switch", "-q", "-c", "side")
    ada.edit({"docs/a": random_bytes()})
    ada.repo.git("switch", "-q", "main")
    base = ada.head()
    ada.repo.git("merge", "-q", "--no-ff", "--no-edit", "side")
    landed(ada)
    answer = verified(ada)
    assert (answer["result"], answer["commits"][0]["from"]) == ("accepted", base)
