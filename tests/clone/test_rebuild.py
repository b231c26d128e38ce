"""`lfci verify --rebuild`, with real Nix: honest results are reproduced, made-up ones are caught by name.

Builds cost seconds, so one project serves the module, and each landing is looked at from several sides.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.results import counts, result_document
from lfci_gate.attest.statement import parse_statement
from lfci_gate.clone.evidence import store_evidence
from lfci_gate.gate.fold import fold
from lfci_gate.git.inbox import read_inbox_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import FileDigest, ObjectId, ResultDocument, Sha256, TestCase, Verification
from lfci_gate.store import ContentStore
from lfci_gate.value import replace
from tests.clone.conftest import Worker, save_key
from tests.clone.test_land import tip
from tests.gate.conftest import Farm
from tests.support.evidence import TestSigner, ed25519_signer
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, STRANGER, Developer, policy_text
from tests.support.world import World, project_flake
from tests.support.world_project import processes_with

pytestmark = pytest.mark.nix

VERIFIER = ed25519_signer("verifier")

SHELL = """{
  devShells.x86_64-linux.default = world.lib.shell "plain" { PATH = "${world.lib.tools}/bin"; };
  checks.x86_64-linux.unit = derivation (world.lib.base // {
    PATH = "${world.lib.tools}/bin"; args = [ "-euc" "mkdir $out; cp ${self}/check.sh $out/data" ];
  });
}"""
"""Without Python, which takes seconds to be made anew."""

CONFIG = b"""\
version = 1

[checks.test]
run = "bash ./check.sh"
report = { format = "junit", path = "junit.xml" }
artifacts = ["data"]
inputs = ["check.sh"]

[checks.unit]
flake = "checks.unit"
artifacts = ["data"]
"""

CHECK = """\
echo {name}; cp check.sh $out/data
printf '<testsuite name="s"><testcase classname="c" name="one"/>%s</testsuite>' '{more}' > $out/junit.xml
exit {status}
"""
FAILING = '<testcase classname="c" name="two"><failure/></testcase>'
PASSING = '<testcase classname="c" name="two"/>'


def script(name: str, more: str = PASSING, status: int = 0) -> bytes:
    return CHECK.format(name=name, more=more, status=status).encode()


def policy(**rule: Any) -> bytes:
    from lfci_gate.attest.keys import format_public

    keys = {
        name: {"public": format_public(signer.public), "roles": [role]}
        for name, signer, role in (
            ("agent", AGENT, "agent"),
            ("second-agent", SECOND_AGENT, "agent"),
            ("maintainer", MAINTAINER, "maintainer"),
            ("rebuilder", VERIFIER, "verifier"),
        )
    }
    return policy_text(rules=({**RULE, "protect": [], **rule},), keys=keys)


@pytest.fixture(scope="module")
def agent(farm: Farm, world: World, tmp_path_factory: pytest.TempPathFactory) -> Worker:
    """An agent whose first run has really run, and landed."""
    place = tmp_path_factory.mktemp("rebuild")
    nix, lock = project_flake(world, SHELL)
    worker = Worker(Developer(place / "clone", farm.empty(policy())), save_key(AGENT, place / "key"))
    worker.edit(
        {
            ".lfci/config.toml": CONFIG,
            ".lfci/policy.toml": policy(),
            "flake.nix": nix.encode(),
            "flake.lock": lock.encode(),
            "check.sh": script(str(place)),  # never run before
        },
        "first",
    )
    shown = worker.lfci("land")
    assert shown.status == 0, shown.text
    return worker


@pytest.fixture
def reader(agent: Worker, clone_of: Callable[..., Worker]) -> Callable[..., Worker]:
    """Somebody in a fresh clone, with the forge's evidence."""

    def make(signer: TestSigner = STRANGER) -> Worker:
        worker = clone_of(agent.forge, f"reader-{signer.public.raw.hex()[:8]}", signer)
        worker.lfci("install")
        worker.repo.git("fetch", "-q")
        return worker

    return make


def invented(worker: Worker, drv_path: str, *names: str, **changes: Any) -> str:
    """An attestation by the agent's key of a run of HEAD that never was; its id."""
    tests = tuple(TestCase(f"c::{name}", "passed") for name in sorted(names))
    artifacts = changes.pop("artifacts", ())
    document = ResultDocument("test", 0, tests, artifacts)
    run, _ = worker.developer.run_of(
        "HEAD", drv_path=drv_path, artifacts=artifacts, system="x86_64-linux", **changes
    )
    data = result_document(document)
    run = replace(run, result_sha256=sha256(data).hexdigest(), tests=counts(tests))
    return store_evidence(worker.repo.tool, worker.developer.bundle(run, AGENT), data)


def derivation(worker: Worker) -> tuple[str, str]:
    """The derivation of HEAD's check, and the Nix that evaluated it."""
    shown = worker.lfci("check", "--no-attest", "--force", "--format", "json")
    assert shown.out, shown.text
    return str(shown.json["checks"][0]["derivation"]), _nix_version()


def _nix_version() -> str:
    said = subprocess.run(["nix", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[-1]


def delivered(worker: Worker) -> None:
    """Everything in the clone's inbox, at the forge with HEAD on main, folded."""
    lines = worker.repo.git("for-each-ref", "--format=%(objectname):%(refname)", "refs/lfci/inbox")
    worker.developer.lands("origin", "HEAD:main", *lines.decode().split())


def words(worker: Worker) -> list[Verification]:
    """The verification results in the clone's own inbox."""
    found = []
    refs = worker.repo.git("for-each-ref", "--format=%(objectname)", "refs/lfci/inbox").decode().split()
    with BatchReader(worker.repo.tool) as objects:
        for oid in refs:
            line, _ = read_inbox_tree(objects, ObjectId(oid))
            statement = parse_statement(parse_bundle(line).envelope.payload)
            if isinstance(statement, Verification):
                found.append(statement)
    return found


def only(shown: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The one commit and the one rebuild of an answer."""
    [commit] = shown.json["commits"]
    [rebuild] = commit["rebuilds"]
    return commit, rebuild


# -- honest results -----------------------------------------------------------------------------------


def test_an_honest_result_is_reproduced_and_a_verifier_says_so(
    agent: Worker, reader: Callable[..., Worker]
) -> None:
    verifier = reader(VERIFIER)
    shown = verifier.lfci("verify", "--rebuild", "--attest", "--format", "json")
    assert shown.status == 0, shown.text
    commit, rebuild = only(shown)
    assert (shown.json["result"], commit["assurance"]) == ("accepted", "rebuilt")
    assert (rebuild["answer"], rebuild["method"], rebuild["keys"]) == ("reproduced", "rebuilt", ["agent"])
    assert rebuild["attested"] == rebuild["found"]
    assert commit["delivered"]

    # What it signed has arrived where everybody fetches evidence from.
    fold(agent.forge.git)
    assert agent.forge.waiting() == []
    listed = reader(STRANGER).lfci("attestation", "list", "--format", "json").json
    [held] = [each for each in listed["attestations"] if each["id"] in commit["signed"]]
    assert "reproduced" in json.dumps(held)
    text = verifier.lfci("verify", "--rebuild").out
    assert "check test, attested by agent" in text
    assert "rebuilt: reproduced: the same result" in text


def test_in_a_store_of_its_own_nothing_of_the_machine_s_is_used(
    agent: Worker, reader: Callable[..., Worker]
) -> None:
    agent.repo.git("checkout", "-q", "main")
    verifier = reader()
    shown = verifier.lfci("verify", "origin/main", "--rebuild", "--store", "fresh", "--format", "json")
    assert shown.status == 0, shown.text
    assert only(shown)[1]["answer"] == "reproduced"
    assert "signed" not in shown.out or only(shown)[0]["signed"] == []
    state = verifier.path / ".git/lfci"
    assert [path for path in state.rglob("*") if path.name == "store"] == []


def test_both_engines_attest_what_the_other_reproduces(agent: Worker) -> None:
    """A run by the build engine is attested as one, known afterwards, and lands like any other."""
    agent.edit({"check.sh": script("by the build engine")})
    shown = agent.lfci("check", "--engine", "build", "--format", "json")
    assert shown.status == 0, shown.text
    [check] = shown.json["checks"]
    assert (check["known"], check["tests"]["passed"]) == (False, 2)
    assert "nix-store --realise" in shown.err
    known = agent.lfci("check", "--format", "json").json["checks"][0]
    assert (known["known"], known["attestation"]) == (True, check["attestation"])
    assert agent.lfci("check", "--engine", "develop", "--format", "json").json["checks"][0]["known"] is False
    assert agent.lfci("land").status == 0
    assert tip(agent) == agent.head()
    shown = agent.lfci("verify", "--rebuild", "--rederive", "--format", "json")
    assert shown.status == 0, shown.text
    [commit] = shown.json["commits"]
    assert commit["assurance"] == "rebuilt"
    assert {each["answer"] for each in commit["rebuilds"]} == {"reproduced"}


def test_a_check_of_the_flake_s_own_is_attested_and_rebuilt(agent: Worker) -> None:
    agent.edit({"check.sh": script("of the flake")})
    shown = agent.lfci("check", "unit", "--format", "json")
    assert shown.status == 0, shown.text
    [check] = shown.json["checks"]
    assert (check["engine"], check["result"], check["known"]) == ("build", "PASSED", False)
    assert agent.lfci("check", "unit", "--format", "json").json["checks"][0]["known"]
    # The rule wants another check too, so nothing would land; what is attested is looked into all the same.
    shown = agent.lfci("verify", "--rebuild", "--rederive", "--format", "json")
    assert (shown.status, "LFCI101" in shown.err) == (1, True), shown.text
    commit, rebuild = only(shown)
    assert (rebuild["check"], rebuild["answer"]) == ("unit", "reproduced")
    assert commit["derivations"][0]["same"]


# -- made-up results ----------------------------------------------------------------------------------


def test_a_result_that_was_made_up_is_caught_and_the_key_is_named(
    agent: Worker, reader: Callable[..., Worker]
) -> None:
    """Signed by a trusted key, of the right derivation, accepted by the gate: and the tests never ran."""
    agent.edit({"check.sh": script("made up", FAILING, 1)})
    drv, version = derivation(agent)
    invention = b"what the artifact should have held\n"
    artifacts = (FileDigest("data", Sha256(sha256(invention).hexdigest())),)
    name = invented(agent, drv, "one", "two", nix_name="nix", nix_version=version, artifacts=artifacts)
    delivered(agent)
    assert tip(agent) == agent.head()

    verifier = reader(VERIFIER)
    ContentStore(verifier.path / ".git/lfci/cas").put_bytes(invention)
    shown = verifier.lfci("verify", "--rebuild", "--attest", "--format", "json")
    assert shown.status == 1, shown.text
    commit, rebuild = only(shown)
    assert (commit["verdict"]["verdict"], commit["assurance"]) == ("accepted", "claimed")
    assert (rebuild["answer"], rebuild["code"], rebuild["keys"]) == ("not reproduced", "LFCI327", ["agent"])
    assert rebuild["attestation"] == name
    assert rebuild["facts"][:2] == [
        "exit status: attested 0, here 1",
        "test c::two: attested passed, here failed",
    ]
    assert rebuild["facts"][2].startswith(f"artifact 'data': attested {artifacts[0].sha256[:12]}, here ")
    assert "  -what the artifact should have held" in rebuild["facts"], "as diffoscope shows it"
    fold(agent.forge.git)
    shown = verifier.lfci("verify", "--rebuild")
    assert "attested by agent" in shown.out
    assert "NOT REPRODUCED: another result" in shown.out
    assert "could not reproduce" in shown.out, "the verifier's signed word is a remark of every verdict"


def test_a_made_up_derivation_is_no_derivation_of_this_tree(agent: Worker) -> None:
    agent.edit({"check.sh": script("no such derivation")})
    drv = f"/nix/store/{'0' * 32}-lfci-check-1-test.drv"
    first = invented(agent, drv, "one", nix_name="nix", nix_version=_nix_version())
    shown = agent.lfci("verify", "--rebuild", "--attest", "--no-push", "--format", "json")
    assert shown.status == 1, shown.text
    commit, rebuild = only(shown)
    assert (rebuild["answer"], rebuild["code"], rebuild["method"]) == (
        "not reproduced",
        "LFCI321",
        "derived",
    )
    [word] = [each for each in words(agent) if each.attestation == first]
    assert (word.method, word.reproduced, word.result_sha256, word.drv_path) == ("derived", False, None, drv)
    assert "key agent attested this run itself: that is no second opinion" in shown.err

    # Where another version of Nix or of lfci may be the reason, nobody is accused.
    agent.repo.git("for-each-ref", "--format=delete %(refname)", "refs/lfci/inbox")
    for changes, why in (
        ({"nix_name": "nix", "nix_version": "2.99.0"}, "evaluated by nix 2.99.0"),
        ({"nix_version": _nix_version(), "drv": drv.replace("check-1-", "check-9-")}, "form 9, here 1"),
    ):
        agent.edit({"check.sh": script(f"other {why}")})
        other = changes.pop("drv", drv)
        invented(agent, other, "one", **{"nix_name": "nix", **changes})
        shown = agent.lfci("verify", "--rebuild", "--attest", "--no-push", "--format", "json")
        assert shown.status == 3, shown.text
        commit, rebuild = only(shown)
        assert (rebuild["answer"], commit["signed"]) == ("undecided", [])
        assert why in rebuild["message"]


# -- what cannot be told ------------------------------------------------------------------------------


def test_a_check_that_is_not_deterministic_proves_nothing(agent: Worker) -> None:
    agent.edit({"check.sh": script("chance") + b"\n"})
    agent.edit({"check.sh": b"echo $RANDOM$RANDOM > $out/data; " + script("chance").replace(b"cp ", b": ")})
    assert agent.lfci("check").status == 0
    shown = agent.lfci("verify", "--rebuild", "--attest", "--no-push", "--format", "json")
    assert shown.status == 3, shown.text
    commit, rebuild = only(shown)
    assert (rebuild["answer"], rebuild["code"], commit["signed"]) == ("undecided", "LFCI328", [])
    assert rebuild["facts"] == ["artifact 'data'"]


def test_inputs_that_are_gone_are_missing(agent: Worker, world: World, tmp_path: Path) -> None:
    """The attested run was honest; what it was made of cannot be had any more."""
    gone = World(tmp_path / "gone", world.nar_hash.replace("sha256-", "sha256-")[:-2] + "A=")
    nix, lock = project_flake(gone)
    agent.edit({"flake.nix": nix.encode(), "flake.lock": lock.encode(), "check.sh": script("gone")})
    invented(agent, f"/nix/store/{'0' * 32}-lfci-check-1-test.drv", "one", nix_version=_nix_version())
    for more in ((), ("--store", "fresh")):
        shown = agent.lfci("verify", "--rebuild", "--attest", "--no-push", "--format", "json", *more)
        assert shown.status == 3, shown.text
        commit, rebuild = only(shown)
        assert (rebuild["answer"], commit["signed"]) == ("inputs missing", [])
    agent.repo.git("reset", "-q", "--hard", "origin/main")


def test_another_machine_s_run_cannot_be_rebuilt_here(agent: Worker) -> None:
    agent.edit({"check.sh": script("other system")})
    run, document = agent.developer.run_of("HEAD", system="aarch64-linux")
    store_evidence(agent.repo.tool, agent.developer.bundle(run, AGENT), document)
    shown = agent.lfci("verify", "--rebuild", "--format", "json")
    assert shown.status != 0
    _, rebuild = only(shown)
    assert (rebuild["answer"], "aarch64-linux" in rebuild["message"]) == ("undecided", True)


def test_options_that_say_nothing_are_refused(agent: Worker) -> None:
    for wrong in (("--attest",), ("--rebuild", "--jobs", "0")):
        shown = agent.lfci("verify", *wrong)
        assert (shown.status, "LFCI514" in shown.err) == (2, True)


# -- before anything lands ----------------------------------------------------------------------------


def test_a_rule_that_wants_a_rebuild_is_satisfied_by_one(
    farm: Farm, agent: Worker, tmp_path: Path, person: Callable[..., Worker]
) -> None:
    """The verifier looks into what has not landed; its word lets it land."""
    require = [{"check": "test", "roles": ["agent"], "assurance": "rebuilt"}]
    strict = policy(require=require)
    forge = farm.empty(strict)
    worker = person(Developer(tmp_path / "clone", forge))
    files = ("flake.nix", "flake.lock", ".lfci/config.toml", "check.sh")
    first = agent.repo.line("rev-list", "--max-parents=0", "HEAD")
    contents = {name: agent.repo.git("show", f"{first}:{name}") for name in files}
    worker.edit({**contents, ".lfci/policy.toml": strict}, "first")
    assert worker.lfci("check").status == 0
    shown = worker.lfci("verify", "--rebuild", "--ref", "main")
    assert shown.status == 1
    assert "LFCI116" in shown.err
    verifier = save_key(VERIFIER, tmp_path / "verifier")
    shown = worker.lfci(
        "verify", "--rebuild", "--attest", "--no-push", "--key", str(verifier), "--format", "json"
    )
    assert shown.status == 0, shown.text
    assert only(shown)[0]["assurance"] == "rebuilt"
    assert worker.lfci("land").status == 0
    assert forge.refs()["refs/heads/main"] == worker.head()


# -- audits ---------------------------------------------------------------------------------------------


@pytest.fixture
def landings(agent: Worker, clone_of: Callable[..., Worker]) -> Worker:
    """A clone of a forge with three more landings, each with a run of its own."""
    agent.repo.git("fetch", "-q", "origin")
    agent.repo.git("reset", "-q", "--hard", "origin/main")
    start = agent.head()
    for number in range(3):
        slow = b"sleep 2\n" if number == 2 else b""
        agent.edit({"check.sh": slow + script(f"landing {number} {start}")})
        shown = agent.lfci("land")
        assert shown.status == 0, shown.text
    worker = clone_of(agent.forge, "auditor", STRANGER)
    worker.lfci("install")
    worker.repo.git("fetch", "-q")
    worker.env["AUDIT"] = f"{start}..HEAD"
    return worker


def test_an_audit_goes_on_where_it_was_interrupted(
    landings: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = ("verify", landings.env["AUDIT"], "--rebuild")
    child = landings.start(*audit, "--jobs", "2")
    assert child.stderr is not None
    seen = ""
    for line in child.stderr:
        seen += line
        if line.startswith("[1/3]"):
            os.killpg(child.pid, signal.SIGINT)
            break
    out, err = child.communicate(timeout=60)
    assert child.returncode in (3, 130), seen + err + out
    mark = f"lfci-run-{child.pid}-"
    assert processes_with(mark) == []
    assert [path for top in ("/tmp", "/var/tmp") for path in Path(top).glob(f"{mark}*")] == []
    kept = sorted((landings.path / ".git/lfci/rebuilds").iterdir())
    done = len(kept)
    assert 1 <= done < 3

    shown = landings.lfci(*audit, "--jobs", "2")
    assert shown.status == 0, shown.text
    assert f"{done} of 3 attested runs were rebuilt before" in shown.err
    assert "[3/3]" in shown.err
    assert "landings: 3 accepted" in shown.out
    assert f"attested runs: 3 reproduced ({done} found out before)" in shown.out
    assert kept[0] in (landings.path / ".git/lfci/rebuilds").iterdir()

    # All is known: nothing is built, and Nix is not asked.
    monkeypatch.setenv("PATH", _without_nix(tmp_path))
    again = landings.lfci(*audit, "--format", "json")
    assert again.status == 0, again.text
    assert all(each["rebuilds"][0]["known"] for each in again.json["commits"])
    # A memory that is damaged, or of less than is asked for, counts for nothing.
    kept[0].write_bytes(kept[0].read_bytes().replace(b'"reproduced"', b'"made up"'))
    assert landings.lfci(*audit).status == 3
    assert landings.lfci(*audit, "--store", "fresh").status == 3


def _without_nix(tmp_path: Path) -> str:
    place = tmp_path / "bin"
    place.mkdir()
    git = shutil.which("git")
    assert git is not None
    (place / "git").symlink_to(git)
    return str(place)
