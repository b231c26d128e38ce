"""The setting that names a signer."""

from __future__ import annotations

from pathlib import Path

import pytest

from lfci_gate.attest.keys import format_public
from lfci_gate.attest.private import generate
from lfci_gate.attest.signers import load_signer
from lfci_gate.errors import LfciError, UsageError
from tests.support.evidence import ALICE


def refused(setting: str, environ: dict[str, str]) -> UsageError:
    with pytest.raises(LfciError) as caught:
        load_signer(setting, environ=environ, ask_passphrase=None)
    assert isinstance(caught.value, UsageError)
    assert caught.value.code == "LFCI511"
    return caught.value


def test_a_path_names_a_key_file(tmp_path: Path) -> None:
    public = generate(tmp_path / "a key", None)
    assert load_signer(str(tmp_path / "a key"), environ={}, ask_passphrase=None).public == public
    home = {"HOME": str(tmp_path)}
    assert load_signer("~/a key", environ=home, ask_passphrase=None).public == public


def test_the_passphrase_is_asked_for_once(tmp_path: Path) -> None:
    public = generate(tmp_path / "key", b"secret")
    asked = []

    def ask() -> bytes:
        asked.append(1)
        return b"secret"

    assert load_signer(str(tmp_path / "key"), environ={}, ask_passphrase=ask).public == public
    assert asked == [1]
    refused(str(tmp_path / "key"), {})


@pytest.mark.parametrize("setting", ["", "~/key", "a\0b", "/no/such/file"])
def test_a_setting_that_names_no_file_is_refused(setting: str) -> None:
    refused(setting, {})


@pytest.mark.parametrize(
    "setting",
    [
        "ssh-agent:",
        "ssh-agent:/no/such.pub",
        "ssh-agent:ssh-ed25519 AAAA",
        "ssh-agent:~/key.pub",
        "ssh-agent:a\0",
    ],
)
def test_an_agent_setting_without_a_good_public_key_is_refused(setting: str) -> None:
    refused(setting, {"SSH_AUTH_SOCK": "/no/such/socket"})


def test_an_agent_setting_whose_file_is_no_public_key_is_refused(tmp_path: Path) -> None:
    generate(tmp_path / "key", None)
    refused(f"ssh-agent:{tmp_path}/key", {"SSH_AUTH_SOCK": "/no/such/socket"})
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    refused(f"ssh-agent:{tmp_path}/binary", {"SSH_AUTH_SOCK": "/no/such/socket"})


def test_without_an_agent_the_missing_variable_is_named() -> None:
    assert "SSH_AUTH_SOCK" in refused("ssh-agent:" + format_public(ALICE.public), {}).message
