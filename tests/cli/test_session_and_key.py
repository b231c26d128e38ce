"""`lfci session` and `lfci key` as people use them."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from lfci_gate.attest.keys import parse_public
from lfci_gate.cli.key import key_name, policy_lines
from lfci_gate.cli.times import age
from lfci_gate.config.policy import parse_policy
from tests.cli.conftest import NOW, Run
from tests.support.forge import AGENT, policy_text
from tests.support.repos import Repo

# -- session -------------------------------------------------------------------------------------


def test_a_session_from_start_to_end(here: Run, repo: Repo, screen) -> None:
    repo.write("a", b"1\n")
    repo.commit("first")
    later = NOW + timedelta(hours=2)
    start = here("session", "start", "--agent", "agent-7", "--goal", "make it fast", cwd=repo.path)
    note = here("session", "note", "the", "loop", "was", "slow", cwd=repo.path, now=later)
    end = here("session", "end", cwd=repo.path, now=later)
    assert (start.status, note.status, end.status) == (0, 0, 0)
    listed = here("session", "list", cwd=repo.path)
    screen("session", "".join(each.out for each in (start, note, end, listed)))


def test_status_says_that_there_is_none_and_how_to_start(here: Run, repo: Repo) -> None:
    shown = here("session", "status", cwd=repo.path)
    assert shown.status == 0
    assert "lfci session start" in shown.out
    found = here("session", "status", "--format", "json", cwd=repo.path).json
    assert found == {"schema": "lfci.session-status/1", "event": "none", "session": None}


def test_the_json_of_a_session_is_its_document(here: Run, repo: Repo) -> None:
    found = here("session", "start", "--agent", "a", "--format", "json", cwd=repo.path).json
    assert found["event"] == "started"
    assert found["session"]["schema"] == "lfci.session/1"
    assert found["session"]["goal"] == "work on main"
    again = here("session", "start", "--agent", "b", "--if-none", "--format", "json", cwd=repo.path).json
    assert (again["event"], again["session"]) == ("already open", found["session"])


def test_a_second_start_is_lfci521_and_changes_nothing(here: Run, repo: Repo) -> None:
    here("session", "start", "--agent", "a", cwd=repo.path)
    before = here("session", "status", cwd=repo.path).out
    shown = here("session", "start", "--agent", "b", cwd=repo.path)
    assert shown.status == 2
    assert "error[LFCI521]" in shown.err
    assert here("session", "status", cwd=repo.path).out == before


@pytest.mark.parametrize("action", [["note", "x"], ["end"]])
def test_without_a_session_there_is_nothing_to_note_or_end(here: Run, repo: Repo, action: list[str]) -> None:
    shown = here("session", *action, cwd=repo.path)
    assert shown.status == 2
    assert "error[LFCI509]" in shown.err


def test_a_note_from_stdin(lfci: Run, repo: Repo) -> None:
    lfci("session", "start", cwd=repo.path)
    shown = lfci("session", "note", "-", cwd=repo.path, input="line one\nline two\n")
    assert shown.status == 0
    assert "line one\\nline two" in shown.out


@pytest.mark.parametrize(
    ("env", "config", "agent"),
    [
        ({"LFCI_AGENT": "from-env", "USER": "u"}, "from-config", "from-env"),
        ({"USER": "u"}, "from-config", "from-config"),
        ({"USER": "u"}, None, "u"),
    ],
)
def test_who_acts(here: Run, repo: Repo, env: dict[str, str], config: str | None, agent: str) -> None:
    if config:
        repo.git("config", "lfci.agent", config)
    shown = here("session", "start", "--format", "json", cwd=repo.path, env=env)
    assert shown.json["session"]["agent"] == agent


def test_the_policy_names_who_holds_the_key(here: Run, repo: Repo, tmp_path: Path) -> None:
    enrol(here, repo, tmp_path, "agent-9")
    shown = here("session", "start", "--format", "json", cwd=repo.path, env={"USER": "u"})
    assert shown.json["session"]["agent"] == "agent-9"


def test_outside_a_repository_is_lfci510(here: Run) -> None:
    shown = here("session", "status")
    assert shown.status == 2
    assert "error[LFCI510]" in shown.err


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "in the future"),
        (0, "just now"),
        (5, "5 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (7199, "1 h ago"),
        (86400, "1 d ago"),
        (86400 * 400, "400 d ago"),
    ],
)
def test_how_long_ago(seconds: int, text: str) -> None:
    assert age(NOW - timedelta(seconds=seconds), NOW) == text


# -- key -----------------------------------------------------------------------------------------


def enrol(here: Run, repo: Repo, tmp_path: Path, name: str, **entry: object) -> str:
    """Makes the default key and commits a policy that knows it as ``name``; its fingerprint."""
    import tomllib

    import tomli_w

    made = here("key", "generate", "--format", "json").json
    policy = tomllib.loads(policy_text().decode())
    policy["keys"] = {name: {"public": made["public"], "roles": ["agent"], **entry}}
    policy["rules"][0]["protect"] = []
    repo.write(".lfci/policy.toml", tomli_w.dumps(policy).encode())
    repo.commit("policy")
    return str(made["fingerprint"])


def test_a_new_key_is_private_and_says_how_it_comes_to_count(
    here: Run, tmp_path: Path, hermetic: Path, screen
) -> None:
    shown = here("key", "generate", env={"USER": "Ada L."})
    assert shown.status == 0
    path = hermetic / ".config/lfci/key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    screen("key-generate", shown.out)


def test_what_is_printed_for_the_policy_is_a_policy_entry(here: Run) -> None:
    public = here("key", "generate", "--format", "json").json["public"]
    for name in ("ada", "agent.7", "9"):
        text = "\n".join(['version = 1\nrepository = "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c11"',
                          *policy_lines(name, public, ("agent",))])  # fmt: skip
        [key] = parse_policy(text.encode()).keys
        assert (key.name, key.public, key.roles) == (name, parse_public(public), ("agent",))


def test_a_key_that_is_there_is_never_overwritten(here: Run, hermetic: Path) -> None:
    here("key", "generate")
    before = (hermetic / ".config/lfci/key").read_bytes()
    shown = here("key", "generate")
    assert shown.status == 2
    assert "error[LFCI511]" in shown.err
    assert (hermetic / ".config/lfci/key").read_bytes() == before


def test_a_key_elsewhere_says_how_lfci_finds_it(here: Run, tmp_path: Path) -> None:
    shown = here("key", "generate", str(tmp_path / "k"))
    assert f"git config lfci.key {tmp_path}/k" in shown.out
    found = here("key", "show", "--key", str(tmp_path / "k"), "--format", "json").json
    assert found["fingerprint"] in shown.out


def test_a_passphrase_is_only_asked_for_on_a_terminal(here: Run, hermetic: Path) -> None:
    shown = here("key", "generate", "--passphrase")
    assert shown.status == 2
    assert "error[LFCI511]" in shown.err
    assert not (hermetic / ".config/lfci/key").exists()


def test_show_says_what_the_policy_thinks_of_the_key(here: Run, repo: Repo, tmp_path: Path) -> None:
    assert here("key", "show", cwd=repo.path).status == 2  # LFCI511: there is none
    enrol(here, repo, tmp_path, "agent-9")
    shown = here("key", "show", cwd=repo.path)
    assert "policy      agent-9, agent, valid (policy in main)\n" in shown.out
    repo.write(".lfci/policy.toml", policy_text())
    repo.commit("another policy")
    shown = here("key", "show", cwd=repo.path)
    assert "policy      unknown to the policy in main: what it signs does not count\n" in shown.out


def test_show_finds_the_public_half_without_its_file(here: Run, hermetic: Path) -> None:
    made = here("key", "generate", "--format", "json").json
    (hermetic / ".config/lfci/key.pub").unlink()
    assert here("key", "show", "--format", "json").json["public"] == made["public"]


def test_list_marks_the_own_key_and_what_no_longer_counts(here: Run, repo: Repo, tmp_path: Path) -> None:
    own = enrol(here, repo, tmp_path, "agent-9", revoked=NOW - timedelta(days=1))
    shown = here("key", "list", cwd=repo.path)
    assert shown.out.splitlines() == [
        "policy version 1 in main",
        f"* agent-9  {own}  agent  revoked",
        "* the key that would sign here",
    ]
    [key] = here("key", "list", "--format", "json", cwd=repo.path).json["keys"]
    assert (key["name"], key["state"], key["own"]) == ("agent-9", "revoked", True)


def test_list_without_a_policy_is_lfci201(here: Run, repo: Repo) -> None:
    shown = here("key", "list", cwd=repo.path)
    assert shown.status == 2
    assert "error[LFCI201]" in shown.err
    assert "hint: lfci init" in shown.err


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ada Lovelace", "ada-lovelace"),
        ("root", "root"),
        ("J\u00f6rg", "j-rg"),
        ("...", "me"),
        ("", "me"),
        ("a" * 99, "a" * 64),
        ("x@y.z", "x-y.z"),
    ],
)
def test_a_name_becomes_one_that_the_policy_allows(text: str, name: str) -> None:
    assert key_name(text) == name


def test_the_kit_s_keys_are_not_the_user_s(here: Run, repo: Repo) -> None:
    repo.write(".lfci/policy.toml", policy_text())
    repo.commit("policy")
    shown = here("key", "list", cwd=repo.path)
    assert AGENT.public.fingerprint in shown.out
    assert "*" not in shown.out
