"""`forge init` and `forge status`: whole or not at all, and a gate that sleeps is found out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lfci_gate.errors import UsageError
from lfci_gate.gate.install import SETTINGS, forge_status, init_forge
from lfci_gate.gate.state import ForgeState
from lfci_gate.gate.watch import Line
from tests.gate.conftest import Farm
from tests.support.forge import RULE, Developer, Forge, new_forge, policy_text
from tests.support.outcomes import code_of
from tests.support.repos import make_repo


@pytest.fixture
def forge(farm: Farm) -> Forge:
    return farm.empty()


def bad(forge: Forge, *, probe: bool = False) -> list[Line]:
    return [line for line in forge_status(forge.path, probe=probe) if not line.ok]


# -- init -------------------------------------------------------------------------------------------


def test_a_new_forge_is_whole_and_awake(forge: Forge) -> None:
    lines = forge_status(forge.path)
    assert all(line.ok for line in lines), lines
    assert lines[-1].detail == "awake: it refused a test push with LFCI209"
    assert forge.refs() == {}
    key = ForgeState(forge.path).key_path
    assert key.stat().st_mode & 0o777 == 0o600


def test_repeating_init_changes_nothing_that_is_right(forge: Forge) -> None:
    forge.repo.git("config", "--add", "uploadpack.hideRefs", "refs/operator")
    key = ForgeState(forge.path).key_path.read_bytes()
    state = forge.state()
    for _ in range(2):
        new_forge(forge.path, policy_text())
    assert forge.state() == state
    assert ForgeState(forge.path).key_path.read_bytes() == key
    hidden = forge.repo.git("config", "--get-all", "uploadpack.hideRefs").decode().split()
    assert sorted(hidden) == ["refs/lfci/inbox", "refs/operator"]
    assert not bad(forge)


def test_init_mends_what_is_broken(forge: Forge) -> None:
    (forge.path / "hooks/pre-receive").unlink()
    (forge.path / "hooks/post-receive").chmod(0o644)
    forge.repo.git("config", "receive.fsckObjects", "false")
    assert len(bad(forge)) == 3
    new_forge(forge.path, policy_text())
    assert not bad(forge)


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (b"version = 0\n", "LFCI202"),
        (policy_text(keys={}), "LFCI202"),
        (policy_text(rules=({**RULE, "refs": ["refs/heads/release/*"]},)), "LFCI216"),
        (policy_text(roles={"agent": {"paths": ["**"]}}), "LFCI202"),
        (
            policy_text().replace(
                b'"maintainer",\n]', b'"maintainer",\n]\nvalid-until = 2020-01-01T00:00:00Z', 1
            ),
            "LFCI202",
        ),
    ],
)
def test_a_policy_that_would_lock_everybody_out_installs_nothing(
    tmp_path: Path, policy: bytes, code: str
) -> None:
    path = tmp_path / "forge.git"
    assert code_of(lambda: new_forge(path, policy)) == code
    assert not (path / "hooks/pre-receive").exists()
    assert not (path / "lfci").exists()


def test_foreign_hooks_and_working_copies_are_left_alone(tmp_path: Path) -> None:
    bare = make_repo(tmp_path / "bare.git", bare=True)
    theirs = bare.write("hooks/pre-receive", b"#!/bin/sh\nexit 0\n", mode=0o755)
    assert code_of(lambda: new_forge(bare.path)) == "LFCI518"
    assert theirs.read_bytes() == b"#!/bin/sh\nexit 0\n"
    assert not (bare.path / "hooks/post-receive").exists()
    clone = make_repo(tmp_path / "clone")
    assert code_of(lambda: new_forge(clone.path)) == "LFCI510"
    missing = tmp_path / "missing.toml"
    with pytest.raises(UsageError, match="LFCI201"):
        init_forge(tmp_path / "x.git", missing, on_server=False, branch="refs/heads/main")


def test_a_policy_on_the_server_is_named_in_the_config(tmp_path: Path) -> None:
    new_forge(tmp_path / "forge.git", on_server=True)
    forge = Forge(tmp_path / "forge.git", "")
    assert forge.git.config("lfci.policy") == "lfci/bootstrap-policy.toml"
    assert "from server" in str(forge_status(forge.path, probe=False))


# -- status -----------------------------------------------------------------------------------------


def test_a_hook_that_is_not_executable_is_named_and_the_gate_asleep(ada: Developer) -> None:
    forge = ada.forge
    (forge.path / "hooks/pre-receive").chmod(0o644)
    before = forge.refs()
    hook, gate = bad(forge, probe=True)
    assert (hook.what, hook.detail) == ("hook pre-receive", "is not executable, so git skips it")
    assert hook.fix.startswith("chmod 755 ")
    assert (gate.what, gate.detail) == ("gate", "asleep: a push that must be refused was taken")
    assert forge.refs() == before


def test_a_hooks_path_elsewhere_puts_the_gate_to_sleep(forge: Forge, tmp_path: Path) -> None:
    forge.repo.git("config", "core.hooksPath", str(tmp_path))
    setting, gate = bad(forge, probe=True)
    assert setting.what == "core.hooksPath"
    assert gate.detail.startswith("asleep")


def test_a_gate_that_refuses_for_another_reason_is_not_called_awake(forge: Forge) -> None:
    (forge.path / "hooks/pre-receive").write_text("#!/bin/sh\necho no >&2\nexit 1\n")
    shim, gate = bad(forge, probe=True)
    assert shim.detail == "is not the shim of this version"
    assert gate.detail == "the test push failed, but not by a verdict of the gate"


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_each_setting_is_watched(forge: Forge, name: str) -> None:
    forge.repo.git("config", "--unset", name)
    [line] = bad(forge)
    assert (line.what, line.detail) == (name, f"is not set, not {SETTINGS[name]}")


def test_status_names_what_else_is_missing(ada: Developer) -> None:
    forge = ada.forge
    ForgeState(forge.path).key_path.unlink()
    forge.repo.git("symbolic-ref", "HEAD", "refs/heads/elsewhere")
    assert {line.what for line in bad(forge)} == {"forge key", "protected branch"}
    forge.repo.git("update-ref", "--no-deref", "HEAD", "refs/heads/main")
    assert "LFCI516" in str(bad(forge))
    assert not forge_status(ada.repo.path)[0].ok


def test_status_names_who_cannot_meet_the_policy(forge: Forge) -> None:
    def ending(moment: datetime) -> bytes:
        line = f"valid-until = {moment:%Y-%m-%dT%H:%M:%SZ}"
        return policy_text().replace(b'"maintainer",\n]', f'"maintainer",\n]\n{line}'.encode(), 1)

    now = datetime.now(UTC)
    forge.set_policy(ending(now + timedelta(days=30)))
    assert not bad(forge)
    for days in (-1, 3):
        forge.set_policy(ending(now + timedelta(days=days)))
        (line,) = bad(forge)
        assert line.what == "who can meet it"
        assert "needs 1 identity with the role maintainer; there are 0" in line.detail


def test_status_names_a_forge_that_does_not_say_who_pushes(forge: Forge) -> None:
    forge.set_policy(policy_text(rules=({**RULE, "pusher": "attester"},)))
    for setting in (None, "PATH"):
        if setting:
            forge.repo.git("config", "lfci.pusherVariable", setting)
        (line,) = bad(forge)
        assert line.what == "pusher"
    forge.repo.git("config", "lfci.pusherVariable", "GL_USER")
    assert not bad(forge)


def test_status_counts_what_waits(ada: Developer) -> None:
    (ada.forge.path / "hooks/post-receive").unlink()
    ada.edit()
    ada.repo.git("push", "-q", "origin", "main", ada.evidence("HEAD"))
    details = [line.detail for line in forge_status(ada.forge.path, probe=False)]
    assert "1 attestations in the inbox, 1 landings to record" in details
