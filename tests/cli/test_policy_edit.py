"""`lfci policy edit`: what is written, what is said, and what is left as it was."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lfci_gate.config.policy import parse_policy
from lfci_gate.model import Policy
from tests.cli.conftest import NOW, Run
from tests.cli.test_policy import CONFIG, MIDDLE, POLICY
from tests.support.policies import line
from tests.support.repos import Repo


@pytest.fixture
def project(repo: Repo) -> Repo:
    repo.write(POLICY, MIDDLE.encode())
    repo.write(".lfci/config.toml", CONFIG)
    repo.commit("a policy")
    return repo


def held(repo: Repo) -> Policy:
    return parse_policy((repo.path / POLICY).read_bytes())


def test_a_new_key_as_a_screen(here: Run, project: Repo, screen) -> None:
    shown = here(
        *("policy", "edit", "key", "add", "ci-2", "--public", line(40), "--role", "runner"), cwd=project.path
    )
    assert (shown.status, shown.err) == (0, "")
    screen("policy-edit", shown.out)
    assert [key.name for key in held(project).keys] == ["agent-7", "alice", "bob", "ci", "ci-2", "old-ci"]
    assert held(project).version == 5
    path = project.path / POLICY
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert path.read_text().startswith("# A team of three, two agents, releases.\nversion = 5\n")


def test_the_same_edit_again_touches_nothing(here: Run, project: Repo) -> None:
    words = ("policy", "edit", "rule", "set", "main", "scope=each", "max-age=12h")
    assert here(*words, cwd=project.path).status == 0
    path = project.path / POLICY
    before = (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns)
    shown = here(*words, cwd=project.path)
    assert (shown.status, shown.out) == (0, f"nothing to do: {POLICY} says that already\n")
    assert (path.read_bytes(), path.stat().st_ino, path.stat().st_mtime_ns) == before


def test_several_edits_of_one_proposal_raise_the_version_once(here: Run, project: Repo) -> None:
    for words in (
        ("rule", "require", "main", "test", "--threshold", "1"),
        ("key", "revoke", "agent-7"),
        ("rule", "protect", "main", "docs/", "--role", "maintainer"),
    ):
        assert here("policy", "edit", *words, cwd=project.path).status == 0
        assert held(project).version == 5
    project.commit("proposal")
    project.git("branch", "-q", "topic")
    assert here("policy", "edit", "key", "remove", "old-ci", cwd=project.path).status == 0
    assert held(project).version == 6  # the one before has landed: this clone has no remote


def test_a_dry_run_writes_nothing(here: Run, project: Repo) -> None:
    before = (project.path / POLICY).read_bytes()
    words = ("policy", "edit", "key", "remove", "old-ci", "--dry-run")
    shown = here(*words, cwd=project.path)
    assert shown.status == 0
    assert shown.out.startswith(f"would write (--dry-run) {POLICY}, version 5\n")
    assert "Next:" not in shown.out
    found = here(*words, "--format", "json", cwd=project.path).json
    assert (found["schema"], found["changed"], found["written"]) == ("lfci.policy-edit/1", True, False)
    assert (project.path / POLICY).read_bytes() == before


def test_rotation_says_until_when_the_old_key_counts(here: Run, project: Repo) -> None:
    words = ("policy", "edit", "key", "rotate", "alice", "--public", line(40), "--overlap", "36h")
    shown = here(*words, cwd=project.path)
    assert shown.status == 0
    assert "key alice-2: added (of alice), with the role maintainer" in shown.out
    keys = {key.name: key for key in held(project).keys}
    assert keys["alice"].valid_until == NOW + timedelta(hours=36)
    assert (keys["alice-2"].identity, keys["alice-2"].valid_until) == ("alice", None)


def test_everything_that_can_be_said_about_rules(here: Run, project: Repo) -> None:
    for words in (
        "rule add --ref hotfix/* --before 2",
        "rule require hotfix/1 test --role runner --engine build --hermetic no --report optional",
        "rule require hotfix/1 lint --role agent --threshold 1 --assurance derived --verifier runner",
        "rule require hotfix/1 lint --max-attempts 2 --quarantine allow",
        "rule unrequire hotfix/1 test",
        "rule set hotfix/1 tests=refuse dependencies=refuse nix=2.20 gitlinks=yes",
        "rule set hotfix/1 bind=base,ref pusher=attester",
        "rule refs 2 --add refs/tags/h* --remove hotfix/*",
        "rule break-glass main --role maintainer --longest 2h --waives checks --waives tests",
        "rule break-glass main --threshold 2 --longest 1h",
        "rule unprotect main **/*.lock flake.lock",
        "key roles bob --add runner",
        "key set bob pushers=b@example.com,bob identity=robert valid-until=",
        "role set writer --ref main --path docs/ --path README",
        "delegation add --from maintainer --to writer --path docs/ --until 2027-02-01",
        "delegation set 1 --until 2027-03-01T12:00:00Z --ref main",
    ):
        shown = here("policy", "edit", *words.split(), cwd=project.path)
        assert shown.status == 0, (words, shown.err)
    policy = held(project)
    rule = policy.rules[1]
    assert rule.refs == ("refs/tags/h*",)
    assert [(each.check, each.threshold, each.assurance.value) for each in rule.require] == [
        ("lint", 1, "derived")
    ]
    assert (rule.tests_removed, rule.dependencies_unpinned, rule.nix_minimum) == ("refuse", "refuse", "2.20")
    assert (rule.gitlinks, rule.bind, rule.pusher) == (True, ("base", "ref"), "attester")
    glass = policy.rules[0].break_glass
    assert glass is not None
    assert (glass.roles, glass.threshold, glass.longest_s, glass.waives) == (
        *(("maintainer",), 2, 3600),
        ("checks", "tests"),
    )
    assert policy.rules[0].protect[0].paths == ("flake.nix", ".lfci/", "tests/")
    bob = next(key for key in policy.keys if key.name == "bob")
    assert (bob.identity, bob.pushers, bob.roles) == (
        *("robert", ("b@example.com", "bob")),
        ("maintainer", "runner"),
    )
    assert bob.valid_until is None
    assert (policy.roles[0].refs, policy.roles[0].paths) == (("refs/heads/main",), ("docs/", "README"))
    assert policy.delegations[0].until == datetime(2027, 3, 1, 12, tzinfo=UTC)
    for words in (
        "rule remove 2",
        "role remove writer",
        "delegation remove 1",
        "rule break-glass main --none",
    ):
        assert here("policy", "edit", *words.split(), cwd=project.path).status == 0, words
    policy = held(project)
    assert (len(policy.rules), policy.roles, policy.delegations) == (2, (), ())
    assert policy.version == 5


@pytest.mark.parametrize(
    ("words", "status", "code", "says"),
    [
        ("key remove nobody", 2, "LFCI514", "there is no key nobody"),
        ("key add alice --public x --role y", 2, "LFCI514", "there is a key alice already"),
        ("key add new --public nonsense --role y", 2, "LFCI202", "keys.new.public"),
        ("key roles alice", 2, "LFCI514", "name all roles, or use --add and --remove"),
        ("key roles alice --remove agent", 2, "LFCI514", "agent does not stand there"),
        ("key set alice color=red", 2, "LFCI514", "is not FIELD=VALUE of a known field"),
        ("key revoke alice --at yesterday", 2, "LFCI514", "yesterday is no time"),
        ("key rotate alice --public x --overlap long", 2, "LFCI514", "long is no duration"),
        ("rule set topic scope=each", 2, "LFCI514", "no rule covers 'topic'"),
        ("rule set main scope=all", 2, "LFCI202", "rules[0].scope"),
        ("rule break-glass main --none --threshold 2", 2, "LFCI514", "--none leaves nothing"),
        ("role set agent", 2, "LFCI514", "name the refs or paths"),
        ("rule require main test --threshold 3", 1, "LFCI202", "nobody could meet the policy then"),
        ("key roles alice agent", 1, "LFCI202", "nobody could meet the policy then"),
    ],
)
def test_what_is_refused_leaves_the_file_as_it_is(
    here: Run, project: Repo, words: str, status: int, code: str, says: str
) -> None:
    before = (project.path / POLICY).read_bytes()
    shown = here("policy", "edit", *words.split(), cwd=project.path)
    assert shown.status == status
    assert f"error[{code}]" in shown.err
    assert says in shown.err
    assert (project.path / POLICY).read_bytes() == before
    assert sorted(each.name for each in (project.path / ".lfci").iterdir()) == ["config.toml", "policy.toml"]


def test_an_older_file_is_not_made_a_newer_proposal(here: Run, project: Repo, tmp_path: Path) -> None:
    project.git("clone", "-q", str(project.path), str(tmp_path / "clone"))
    clone = Repo(tmp_path / "clone", "sha1")
    here("policy", "edit", "key", "remove", "old-ci", cwd=project.path)
    project.commit("version 5")
    clone.git("fetch", "-q")
    before = (clone.path / POLICY).read_bytes()
    shown = here("policy", "edit", "rule", "set", "main", "scope=each", cwd=clone.path)
    assert shown.status == 2
    assert "error[LFCI203]" in shown.err
    assert (clone.path / POLICY).read_bytes() == before
    clone.git("merge", "-q", "--ff-only", "origin/main")
    assert here("policy", "edit", "rule", "set", "main", "scope=each", cwd=clone.path).status == 0
    assert held(clone).version == 6


def test_a_file_that_nobody_can_meet_can_be_mended_step_by_step(here: Run, project: Repo) -> None:
    text = MIDDLE.replace("threshold = 2", "threshold = 4", 1).replace("version = 4", "version = 5")
    project.write(POLICY, text.encode())
    shown = here(
        "policy", "edit", "key", "add", "ci-2", "--public", line(40), "--role", "runner", cwd=project.path
    )
    assert shown.status == 0
    assert "still, rules[0]" in shown.out
    worse = here("policy", "edit", "key", "revoke", "alice", "--at", "now", cwd=project.path)
    assert worse.status == 1
    assert (
        here("policy", "edit", "rule", "require", "1", "test", "--threshold", "3", cwd=project.path).status
        == 0
    )
    assert here("policy", "check", cwd=project.path).status == 0


def test_before_anything_has_landed_the_operator_brings_it(here: Run, repo: Repo) -> None:
    repo.write(POLICY, MIDDLE.encode())
    shown = here("policy", "edit", "key", "remove", "old-ci", cwd=repo.path)
    assert shown.status == 0
    assert "lfci forge init REPO --policy .lfci/policy.toml" in shown.out
    assert held(repo).version == 4


def test_without_a_file_there_is_nothing_to_edit(here: Run, repo: Repo) -> None:
    shown = here("policy", "edit", "key", "remove", "old-ci", cwd=repo.path)
    assert shown.status == 2
    assert "error[LFCI201]" in shown.err


def test_what_is_said_as_json(here: Run, project: Repo) -> None:
    words = ("policy", "edit", "key", "roles", "ci", "--add", "maintainer", "--format", "json")
    shown = here(*words, cwd=project.path)
    assert shown.err == ""
    assert json.loads(shown.out) == {
        "schema": "lfci.policy-edit/1",
        "file": POLICY,
        "changed": True,
        "written": True,
        "version": 5,
        "differences": [
            {"kind": "looser", "about": "key ci", "text": "gets the role maintainer"},
            {"kind": "changed", "about": "policy", "text": "version 4 becomes 5"},
        ],
        "warnings": [],
        "next": [f"git add {POLICY}", "git commit -m 'Policy version 5'", "lfci land"],
    }
