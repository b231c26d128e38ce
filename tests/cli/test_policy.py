"""`lfci policy check|show|diff|explain-ref|who-may`: screens, answers, exit statuses, where it is from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lfci_gate.config.policy import parse_policy
from lfci_gate.gate.install import init_forge
from tests.cli.conftest import Run
from tests.support.forge import policy_text
from tests.support.policies import line
from tests.support.repos import Repo, make_repo

POLICIES = Path(__file__).resolve().parent.parent / "golden" / "policies"
POLICY = ".lfci/policy.toml"
CONFIG = b'version = 1\n[checks.test]\nrun = "true"\n[checks.lint]\nrun = "true"\n'
MIDDLE = (POLICIES / "middle.toml").read_text()
Screen = Callable[[str, str], None]


@pytest.fixture
def project(repo: Repo) -> Repo:
    """A project whose landed policy is the middle one, in a clone without a remote."""
    repo.write(POLICY, MIDDLE.encode())
    repo.write(".lfci/config.toml", CONFIG)
    for path in ("flake.nix", "flake.lock", "tests/a", "docs/b", "uv.lock"):
        repo.write(path, b"x\n")
    repo.commit("a policy")
    return repo


def write(repo: Repo, *changes: tuple[str, str]) -> None:
    """The working copy's policy is the landed one with some texts replaced."""
    text = MIDDLE
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    repo.write(POLICY, text.encode())


# -- show ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["middle", "rich"])
def test_a_policy_in_plain_words(here: Run, repo: Repo, screen: Screen, name: str) -> None:
    shutil.copy(POLICIES / f"{name}.toml", repo.path)
    shown = here("policy", "show", f"{name}.toml", cwd=repo.path)
    assert (shown.status, shown.err) == (0, "")
    assert max(map(len, shown.out.splitlines())) <= 110
    screen(f"policy-show-{name}", shown.out)


def test_the_policy_of_init_in_plain_words(here: Run, repo: Repo, screen: Screen) -> None:
    repo.write("tests/a", b"1\n")
    repo.commit("first")
    here("init", "--run", "make check", "--report", "junit:junit.xml", cwd=repo.path)
    path = repo.path / POLICY
    text = path.read_text()
    path.write_text(
        text.replace(parse_policy(text.encode()).repository, "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c11")
    )
    repo.commit("lfci")
    shown = here("policy", "show", cwd=repo.path)
    assert shown.status == 0
    screen("policy-show-init", shown.out)


def test_one_rule_of_it(here: Run, project: Repo) -> None:
    shown = here("policy", "show", "--ref", "release/2", cwd=project.path).out
    assert "Rule 2: branches release/* and tags v*" in shown
    assert "Rule 1" not in shown
    none = here("policy", "show", "--ref", "topic", cwd=project.path)
    assert none.status == 2
    assert "error[LFCI514]: no rule covers refs/heads/topic" in none.err


def test_show_as_json_has_what_the_file_says_and_who_that_is(here: Run, project: Repo) -> None:
    found = here("policy", "show", "--format", "json", cwd=project.path).json
    assert found["schema"] == "lfci.policy-show/1"
    assert found["policy"]["where"] == "main"
    assert [key["counts"] for key in found["keys"]] == [True, True, True, True, False]
    main = found["rules"][0]
    assert (main["number"], main["maxAgeSeconds"], main["breakGlass"]) == (1, 7 * 86400, None)
    assert main["require"][0]["who"] == {
        "now": ["agent-7", "ci"],
        "limited": [],
        "notNow": [{"identity": "old-ci", "key": "old-ci", "why": "revoked since 2026-10-02 08:30Z"}],
    }
    assert [each["listed"] for each in main["protect"]] == [True]
    assert {each["about"] for each in main["words"]} >= {"Moves", "Check test", "Approval", "Emergency"}


def test_another_policy_in_the_working_copy_is_told(here: Run, project: Repo) -> None:
    write(project, ("version = 4", "version = 5"))
    shown = here("policy", "show", cwd=project.path)
    assert "Policy version 4, main" in shown.out
    assert shown.err == "note: the working copy has another policy, version 5: lfci policy diff\n"
    project.write(POLICY, b"version = ")
    shown = here("policy", "show", cwd=project.path)
    assert shown.status == 0
    assert "note: the policy of the working copy is malformed (LFCI202)" in shown.err


# -- where it is from --------------------------------------------------------------------------------


def test_a_clone_says_that_it_knows_what_it_fetched(here: Run, project: Repo, tmp_path: Path) -> None:
    project.git("clone", "-q", str(project.path), str(tmp_path / "clone"))
    shown = here("policy", "show", cwd=tmp_path / "clone").out
    assert "Policy version 4, origin/main" in shown
    assert "as it has landed on origin/main, when this clone last fetched" in shown


def test_what_is_not_in_force_is_said_to_be_not(here: Run, repo: Repo) -> None:
    repo.write(POLICY, MIDDLE.encode())
    shown = here("policy", "show", cwd=repo.path)
    assert "In force      NOT: it is in the working copy" in shown.out
    assert not here("policy", "show", "--format", "json", cwd=repo.path).json["policy"]["inForce"]


def test_without_any_policy_init_is_advised(here: Run, repo: Repo) -> None:
    repo.commit("nothing")
    for words in (["show"], ["check"], ["diff"], ["explain-ref", "main"], ["who-may", "a"]):
        shown = here("policy", *words, cwd=repo.path)
        assert (shown.status, "error[LFCI201]" in shown.err, "lfci init" in shown.err) == (2, True, True), (
            words
        )


def test_on_a_server_it_is_what_the_hook_reads(here: Run, tmp_path: Path) -> None:
    given = tmp_path / "given.toml"
    given.write_bytes(policy_text())
    init_forge(tmp_path / "forge", given, on_server=False, branch="refs/heads/main")
    shown = here("policy", "show", cwd=tmp_path / "forge").out
    assert "Policy version 1, the file given to lfci forge init" in shown
    clone = make_repo(tmp_path / "work")
    clone.write(POLICY, policy_text(version=2))
    clone.commit("landed before the gate")
    forge = Repo(tmp_path / "forge", "sha1")
    forge.git("fetch", "-q", str(clone.path), "main:main")
    assert "Policy version 2, main" in here("policy", "show", cwd=forge.path).out
    forge.git("config", "lfci.policy", "lfci/bootstrap-policy.toml")
    shown = here("policy", "show", cwd=forge.path).out
    assert "Policy version 1, this server's file" in shown
    assert "the one in main judges" in " ".join(shown.split())
    assert here("policy", "check", cwd=forge.path).status == 0
    assert here("policy", "explain-ref", "main", cwd=forge.path).status == 0


# -- check -------------------------------------------------------------------------------------------


def test_check_of_the_policy_in_force_as_a_screen(here: Run, project: Repo, screen: Screen) -> None:
    shown = here("policy", "check", cwd=project.path)
    assert shown.status == 0
    screen("policy-check", shown.out)


def test_check_of_a_proposal_says_what_the_gate_will_say(here: Run, project: Repo, screen: Screen) -> None:
    write(project, ("version = 4", "version = 5"), ("threshold = 2", "threshold = 1"), ('"7d"', '"2d"'))
    shown = here("policy", "check", cwd=project.path)
    assert shown.status == 0
    screen("policy-check-proposal", shown.out)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([('"7d"', '"2d"')], "LFCI204"),
        ([("version = 4", "version = 3")], "LFCI204"),
        ([("version = 4", "version = 5"), ("0192f3c8", "1192f3c8")], "LFCI205"),
        ([("version = 4", "version = 5"), ("refs/heads/main", "refs/heads/other")], "LFCI216"),
        ([("version = 4", "version = 5"), ("threshold = 2", "threshold = 3")], "LFCI202"),
    ],
)
def test_what_the_gate_refuses_is_exit_status_1(
    here: Run, project: Repo, changes: list[tuple[str, str]], code: str
) -> None:
    write(project, *changes)
    shown = here("policy", "check", cwd=project.path)
    assert shown.status == 1
    assert [each.split()[0] for each in shown.out.splitlines() if f"[{code}]" in each] == ["fail"]
    found = here("policy", "check", "--format", "json", cwd=project.path).json
    assert (found["schema"], found["ok"]) == ("lfci.policy-check/1", False)


@pytest.mark.parametrize("text", [b"version = ", b"\xff", MIDDLE.replace("roles", "rolls", 1).encode()])
def test_a_malformed_policy_is_exit_status_2(here: Run, project: Repo, text: bytes) -> None:
    project.write(POLICY, text)
    shown = here("policy", "check", cwd=project.path)
    assert shown.status == 2
    assert "error[LFCI202]" in shown.err
    project.write("other.toml", text)
    assert here("policy", "check", "other.toml", cwd=project.path).status == 2
    assert here("policy", "check", "HEAD", cwd=project.path).status == 0


def test_neither_file_nor_revision(here: Run, project: Repo) -> None:
    shown = here("policy", "check", "nonsense", cwd=project.path)
    assert shown.status == 2
    assert "error[LFCI514]: there is neither a file nor a revision nonsense" in shown.err


# -- diff --------------------------------------------------------------------------------------------


def test_a_difference_as_a_screen(here: Run, project: Repo, screen: Screen) -> None:
    write(
        project,
        ("version = 4", "version = 5"),
        ("threshold = 2", "threshold = 1"),
        ('"7d"', '"2d"'),
        ('roles = ["runner"]\n\n[keys.old-ci]', 'roles = ["runner", "maintainer"]\n\n[keys.old-ci]'),
        ('"tests/", ', ""),
        ("bind = [", 'bind = ["base", '),
    )
    project.write(".lfci/config.toml", CONFIG.replace(b"[checks.lint]", b'timeout = "1h"\n[checks.lint]'))
    shown = here("policy", "diff", cwd=project.path)
    assert (shown.status, shown.err) == (0, "")
    screen("policy-diff", shown.out)


def test_two_revisions_a_file_and_the_same(here: Run, project: Repo) -> None:
    write(project, ("version = 4", "version = 5"), ('removed = "approval"', 'removed = "allow"'))
    project.commit("looser")
    (project.path / "old.toml").write_text(MIDDLE)
    found = here("policy", "diff", "HEAD~1..HEAD", "--format", "json", cwd=project.path).json
    assert found["schema"] == "lfci.policy-diff/1"
    assert [(each["kind"], each["about"]) for each in found["differences"]] == [
        ("looser", "rule 1 (branch main)"),
        ("changed", "policy"),
    ]
    back = here("policy", "diff", "old.toml", "--format", "json", cwd=project.path).json
    assert {each["kind"] for each in back["differences"]} == {"stricter", "changed"}
    assert "say the same" in here("policy", "diff", cwd=project.path).out
    assert "say the same" in here("policy", "diff", "..", cwd=project.path).out
    assert here("policy", "diff", "HEAD~1...HEAD", cwd=project.path).status == 2
    assert here("policy", "diff", "../project/old.toml", cwd=project.path).status == 0


# -- explain-ref -------------------------------------------------------------------------------------


def test_a_protected_ref_as_a_screen(here: Run, project: Repo, screen: Screen) -> None:
    text = MIDDLE + '[[rules]]\nrefs = ["refs/heads/**"]\n'
    (project.path / "more.toml").write_text(text)
    shown = here("policy", "explain-ref", "release/2", "--policy", "more.toml", cwd=project.path)
    assert shown.status == 0
    screen("policy-explain-ref", shown.out)
    found = here(
        "policy", "explain-ref", "release/2", "--policy", "more.toml", "--format", "json", cwd=project.path
    ).json
    assert (found["state"], found["rule"], found["alsoMatching"]) == ("protected", 2, [3])


@pytest.mark.parametrize(
    ("ref", "state", "code", "says"),
    [
        ("topic", "not judged", None, "No rule covers it"),
        ("refs/tags/other", "not judged", None, "No rule covers it"),
        ("refs/notes/mine", "not judged", None, "Notes of other programs"),
        ("refs/lfci/inbox/a/b", "not judged", None, "Evidence: anybody may add some"),
        ("Main", "refused", "LFCI211", "it looks like a protected ref"),
        ("main/x", "refused", "LFCI211", "would stand in the way"),
        ("release", "refused", "LFCI211", "would stand in the way"),
        ("refs/tags/main", "refused", "LFCI211", "would be taken for the protected branch"),
        ("refs/notes/lfci", "refused", "LFCI209", "written by the forge only"),
        ("refs/remotes/x", "refused", "LFCI211", "only refs/heads/"),
    ],
)
def test_other_names(here: Run, project: Repo, ref: str, state: str, code: str | None, says: str) -> None:
    shown = here("policy", "explain-ref", ref, cwd=project.path)
    assert shown.status == 0
    assert says in shown.out
    found = here("policy", "explain-ref", ref, "--format", "json", cwd=project.path).json
    assert (found["schema"], found["state"], found["code"]) == ("lfci.policy-explain-ref/1", state, code)


# -- who-may -----------------------------------------------------------------------------------------


def test_who_may_as_a_screen(here: Run, repo: Repo, screen: Screen) -> None:
    shutil.copy(POLICIES / "rich.toml", repo.path)
    repo.commit("first")
    words = ("policy", "who-may", "docs/index.md", "--ref", "main", "--policy", "rich.toml")
    shown = here(*words, cwd=repo.path)
    assert shown.status == 0
    screen("policy-who-may", shown.out)
    found = here(*words, "--format", "json", cwd=repo.path).json
    assert found["schema"] == "lfci.policy-who-may/1"
    asked = {(each["what"], each["threshold"]): each["identities"] for each in found["needs"]}
    assert asked["approve", 1] == ["alice", "bob", "carol"]
    assert asked["bypass", 2] == ["alice", "bob", "carol"]


def test_a_file_that_nobody_protects(here: Run, project: Repo) -> None:
    shown = here("policy", "who-may", "src/a", cwd=project.path).out
    assert "No approval is needed: no protection covers it." in shown
    assert "TOO FEW" not in shown


def test_with_a_detached_head_the_ref_has_to_be_named(here: Run, project: Repo) -> None:
    project.git("checkout", "-q", "--detach")
    shown = here("policy", "who-may", "tests/a", cwd=project.path)
    assert shown.status == 2
    assert "hint: lfci policy who-may tests/a --ref BRANCH" in shown.err
    assert here("policy", "who-may", "tests/a", "--ref", "main", cwd=project.path).status == 0
    for words in (["show"], ["check"], ["explain-ref", "main"]):
        assert here("policy", *words, cwd=project.path).status == 0


def test_too_few_are_told(here: Run, project: Repo) -> None:
    write(project, ("threshold = 2", "threshold = 3"))
    shown = here("policy", "who-may", "src/a", "--policy", POLICY, cwd=project.path).out
    assert "TOO FEW: only 2 can now" in shown


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "./a", "a/../b"])
def test_what_is_no_path_of_a_file(here: Run, project: Repo, path: str) -> None:
    shown = here("policy", "who-may", "--", path, cwd=project.path)
    assert shown.status == 2
    assert "error[LFCI514]" in shown.err


def test_keys_are_never_shown_whole(here: Run, project: Repo) -> None:
    for words in (["show"], ["check"], ["who-may", "tests/a"], ["explain-ref", "main"]):
        for form in ("text", "json"):
            shown = here("policy", *words, "--format", form, cwd=project.path)
            assert not any(line(number) in shown.out for number in range(1, 6))


def test_help_is_there_for_every_action(here: Run) -> None:
    for words in (
        [],
        ["check"],
        ["show"],
        ["diff"],
        ["explain-ref"],
        ["who-may"],
        ["edit"],
        ["edit", "rule"],
    ):
        shown = here("policy", *words, "--help")
        assert (shown.status, shown.out.startswith("usage: lfci policy")) == (0, True)
