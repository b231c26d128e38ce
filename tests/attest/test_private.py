"""Private key files: made private, read only when private, and never told in a message."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from lfci_gate.attest.keys import parse_public, verify
from lfci_gate.attest.private import generate, load_private
from lfci_gate.errors import LfciError, UsageError
from tests.support.evidence import ALICE, CAROL

OPENSSH, PKCS8 = serialization.PrivateFormat.OpenSSH, serialization.PrivateFormat.PKCS8
SECRET = b"correct horse battery staple"


def refused(code: str, *arguments, **options) -> UsageError:
    with pytest.raises(LfciError) as caught:
        load_private(*arguments, **options)
    error = caught.value
    assert isinstance(error, UsageError)
    assert error.code == code
    assert SECRET.decode() not in repr((error.message, error.facts, error.hint))
    return error


def written(tmp_path: Path, key, form=OPENSSH, passphrase: bytes | None = None) -> Path:
    encryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase)
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- making ------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_generated_key_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "lfci" / "key"
    before = os.umask(umask)
    try:
        public = generate(path, None)
    finally:
        os.umask(before)
    assert mode_of(path) == 0o600
    assert mode_of(path.parent) == 0o700
    assert parse_public(path.with_name("key.pub").read_text()) == public
    assert sorted(os.listdir(path.parent)) == ["key", "key.pub"]
    signer = load_private(path, None)
    assert signer.public == public
    assert verify(public, signer.sign(b"message"), b"message")


def test_ssh_keygen_reads_what_we_generate(tmp_path: Path) -> None:
    public = generate(tmp_path / "key", None)
    printed = subprocess.run(
        ["ssh-keygen", "-y", "-f", tmp_path / "key"], check=True, capture_output=True, text=True
    )
    assert parse_public(printed.stdout) == public


def test_with_a_passphrase_the_file_opens_only_with_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    public = generate(path, SECRET)
    assert load_private(path, SECRET).public == public
    assert load_private(path, None, ask_passphrase=lambda: SECRET).public == public
    assert "encrypted" in refused("LFCI511", path, None).message
    assert "wrong passphrase" in refused("LFCI511", path, b"guess").message
    assert "wrong passphrase" in refused("LFCI511", path, None, ask_passphrase=lambda: b"guess").message
    command = ["ssh-keygen", "-y", "-f", path, "-P", SECRET.decode()]
    assert parse_public(subprocess.run(command, check=True, capture_output=True, text=True).stdout) == public


@pytest.mark.parametrize("passphrase", [b"", b"x" * 5000])
def test_a_passphrase_that_cannot_protect_makes_no_file(tmp_path: Path, passphrase: bytes) -> None:
    with pytest.raises(UsageError) as caught:
        generate(tmp_path / "key", passphrase)
    assert caught.value.code == "LFCI511"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("existing", ["key", "key.pub"])
@pytest.mark.parametrize("kind", ["file", "dangling link", "directory"])
def test_nothing_that_is_there_is_overwritten_and_no_half_stays(
    tmp_path: Path, existing: str, kind: str
) -> None:
    taken = tmp_path / existing
    if kind == "file":
        taken.write_text("precious")
    elif kind == "directory":
        taken.mkdir()
    else:
        taken.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError) as caught:
        generate(tmp_path / "key", None)
    assert caught.value.code == "LFCI511"
    assert os.listdir(tmp_path) == [existing]
    if kind == "file":
        assert taken.read_text() == "precious"


def test_a_directory_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError) as caught:
        generate(tmp_path / "file" / "key", None)
    assert caught.value.code == "LFCI511"


# -- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [OPENSSH, PKCS8], ids=["openssh", "pkcs8"])
@pytest.mark.parametrize("passphrase", [None, SECRET], ids=["plain", "encrypted"])
@pytest.mark.parametrize("signer", [ALICE, CAROL], ids=["ed25519", "ecdsa"])
def test_both_kinds_are_read_in_both_forms(tmp_path: Path, signer, passphrase, form) -> None:
    path = written(tmp_path, signer.key, form, passphrase)
    loaded = load_private(path, passphrase)
    assert loaded.public == signer.public
    assert verify(signer.public, loaded.sign(b"message"), b"message")
    if passphrase:
        refused("LFCI511", path, None)
        refused("LFCI511", path, b"guess")
    else:
        assert load_private(path, b"not needed").public == signer.public


def test_nobody_is_asked_for_the_passphrase_of_a_plain_file(tmp_path: Path) -> None:
    def ask() -> bytes:
        raise AssertionError

    assert load_private(written(tmp_path, ALICE.key), None, ask_passphrase=ask).public == ALICE.public


def test_a_signer_does_not_show_its_key(tmp_path: Path) -> None:
    shown = repr(load_private(written(tmp_path, ALICE.key), None))
    assert "rivate" not in shown
    assert ALICE.key.private_bytes_raw().hex() not in shown


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666])
def test_a_file_that_is_open_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path, ALICE.key)
    path.chmod(mode)
    error = refused("LFCI512", path, None)
    assert f"mode {mode:04o}, expected 0600" in error.facts
    assert error.hint == f"chmod 600 {path}"


def test_a_file_of_mode_0400_is_private_too(tmp_path: Path) -> None:
    path = written(tmp_path, ALICE.key)
    path.chmod(0o400)
    assert load_private(path, None).public == ALICE.public


def test_a_file_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, ALICE.key)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    assert "another user" in refused("LFCI512", path, None).message


def test_a_symbolic_link_is_refused_even_to_a_private_file(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(written(tmp_path, ALICE.key))
    assert "symbolic link" in refused("LFCI511", link, None).message


def test_a_pipe_does_not_hang_and_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "plain file" in refused("LFCI511", tmp_path / "pipe", None).message


def test_what_is_missing_or_no_file_is_refused(tmp_path: Path) -> None:
    refused("LFCI511", tmp_path / "missing", None)
    refused("LFCI511", tmp_path, None)
    refused("LFCI511", Path("/dev/null"), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a key",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        b"\0" * 100_000,
    ],
)
@pytest.mark.parametrize("passphrase", [None, b"x"])
def test_what_is_no_key_is_refused(tmp_path: Path, content: bytes, passphrase: bytes | None) -> None:
    path = tmp_path / "key"
    path.touch(mode=0o600)
    path.write_bytes(content)
    refused("LFCI511", path, passphrase)


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 2048),
        ec.generate_private_key(ec.SECP384R1()),
    ],
    ids=["rsa", "p384"],
)
def test_another_kind_of_key_is_refused(tmp_path: Path, key) -> None:
    assert "only Ed25519 and ECDSA P-256" in refused("LFCI511", written(tmp_path, key), None).message


def test_a_damaged_key_file_is_refused_without_its_bytes_in_the_message(tmp_path: Path) -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    path = written(tmp_path, key)
    data = path.read_bytes()
    found = []
    for at in range(40, len(data) - 40, 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            load_private(path, None)
        except UsageError as error:
            found.append(error)
            assert data[at : at + 20].decode() not in repr((error.message, error.facts))  # noqa: PT017
    assert len(found) > 20
    assert {error.code for error in found} == {"LFCI511"}
