"""Private key files: making one, and reading one only when it is private.

A key is written in OpenSSH's format, so ssh-keygen and ssh-add work on it. Reading takes OpenSSH's
format and PEM (PKCS #8). No message ever holds bytes of a key file or a passphrase.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate.attest.keys import ECDSA_P256, ED25519, format_public, from_raw
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.model import PublicKey
from lfci_gate.value import Value

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    PrivateKey = Ed25519PrivateKey | EllipticCurvePrivateKey

__all__ = ["FileSigner", "generate", "load_private", "signer_of"]

_MAX_KEY_FILE = 64 * 1024
_COMMENT = "lfci-gate"


class FileSigner(Value):
    """Signs with a private key held in memory."""

    public: PublicKey
    _key: PrivateKey

    def __repr__(self) -> str:
        return f"FileSigner(public={self.public!r})"

    def sign(self, message: bytes) -> bytes:
        """Ed25519: 64 bytes. ECDSA: DER, over SHA-256, with a nonce that is random."""
        if self.public.kind == ED25519:
            return self._key.sign(message)  # type: ignore[call-arg]
        from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
        from cryptography.hazmat.primitives.hashes import SHA256

        return self._key.sign(message, ECDSA(SHA256()))  # type: ignore[call-arg]


# -- making ------------------------------------------------------------------------------------


def generate(path: Path, passphrase: bytes | None) -> PublicKey:
    """Make an Ed25519 key: the private file ``path`` (mode 0600) and ``path`` + ``.pub``.

    A missing directory is made with mode 0700. Existing files are never overwritten, and when
    anything fails no half of a pair stays behind. Arguments: ``passphrase`` encrypts the private
    file (OpenSSH's bcrypt form, which needs the ``bcrypt`` package); None leaves it plain.
    Raises UsageError LFCI511.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = from_raw(ED25519, key.public_key().public_bytes_raw())
    if passphrase == b"":
        raise _unusable(path, "an empty passphrase protects nothing; leave it out")
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase)
    try:
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
    except UnsupportedAlgorithm:
        raise _unusable(path, "a passphrase needs the Python package bcrypt") from None
    except ValueError:
        raise _unusable(path, "the passphrase is not one that OpenSSH's format can hold") from None
    public_path = path.with_name(path.name + ".pub")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_new(path, text, 0o600)
        try:
            _write_new(public_path, format_public(public, _COMMENT).encode() + b"\n", 0o644)
        except OSError:
            path.unlink()
            raise
    except FileExistsError as error:
        raise _unusable(
            path, "the file is already there and is never overwritten", str(error.filename)
        ) from None
    except OSError as error:
        raise _unusable(path, "the key files cannot be written", str(error)) from None
    return public


def _write_new(path: Path, data: bytes, mode: int) -> None:
    # O_EXCL also refuses a symlink, dangling or not: nobody chooses where the key really goes.
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink()
        raise


# -- reading -----------------------------------------------------------------------------------


def load_private(
    path: Path, passphrase: bytes | None, *, ask_passphrase: Callable[[], bytes] | None = None
) -> FileSigner:
    """Read an Ed25519 or ECDSA P-256 private key in OpenSSH's format or PEM (PKCS #8).

    Arguments: ``passphrase`` for an encrypted file; when it is None and the file is encrypted,
    ``ask_passphrase`` is called once. Raises UsageError LFCI512 when somebody else owns the file or
    may read it, LFCI511 for everything else that makes it unusable (a symlink, another kind of key,
    a wrong passphrase, ...).
    """
    data = _read_private_file(path)
    key = _decode(path, data, passphrase, ask_passphrase)
    return FileSigner(_public_of(path, key), key)


def signer_of(data: bytes, name: str) -> FileSigner:
    """The signer of a private key's bytes, without a passphrase; ``name`` says in messages where they came
    from. Raises UsageError LFCI511."""
    path = Path(name)
    key = _decode(path, data, None, None)
    return FileSigner(_public_of(path, key), key)


def _read_private_file(path: Path) -> bytes:
    # The checks are on the opened file, so nothing can be swapped between check and reading.
    # O_NOFOLLOW: the mode of a link says nothing. O_NONBLOCK: a FIFO must not hang us.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except OSError as error:
        if path.is_symlink():
            raise _unusable(path, "the private key is a symbolic link; name the file itself") from None
        raise _unusable(path, "the private key cannot be opened", error.strerror or "") from None
    try:
        _check_private(path, os.fstat(fd))
        data = b""
        while len(data) <= _MAX_KEY_FILE and (chunk := os.read(fd, _MAX_KEY_FILE + 1)):
            data += chunk
    except OSError as error:
        raise _unusable(path, "the private key cannot be read", error.strerror or "") from None
    finally:
        os.close(fd)
    if len(data) > _MAX_KEY_FILE:
        raise _unusable(path, "the private key file is far too large")
    return data


def _check_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _unusable(path, "the private key is not a plain file")
    if found.st_uid != os.geteuid():
        raise UsageError("LFCI512", "the private key belongs to another user", facts=(f"file {path}",))
    if found.st_mode & 0o077:
        raise UsageError(
            "LFCI512",
            "the private key is open to others",
            facts=(f"file {path}", f"mode {stat.S_IMODE(found.st_mode):04o}, expected 0600"),
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )


def _decode(path: Path, data: bytes, passphrase: bytes | None, ask: Callable[[], bytes] | None) -> PrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    load = serialization.load_pem_private_key
    if b"-----BEGIN OPENSSH PRIVATE KEY-----" in data[:200]:
        load = serialization.load_ssh_private_key
    try:
        key = load(data, passphrase)
    except TypeError:
        # `cryptography` raises it for two things only: encrypted without, or plain with a passphrase.
        if passphrase is not None:
            return _decode(path, data, None, None)
        if ask is None:
            raise _unusable(path, "the private key is encrypted and nobody can be asked") from None
        return _decode(path, data, ask(), None)
    except UnsupportedAlgorithm:
        raise _unusable(path, "the private key needs an algorithm that is missing here (bcrypt?)") from None
    except ValueError:
        what = "wrong passphrase or damaged file" if passphrase is not None else "not a private key file"
        raise _unusable(path, f"the private key cannot be decoded: {what}") from None
    is_p256 = isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1)
    if not (is_p256 or isinstance(key, ed25519.Ed25519PrivateKey)):
        raise _unusable(path, "only Ed25519 and ECDSA P-256 keys are accepted")
    return key  # type: ignore[return-value]


def _public_of(path: Path, key: PrivateKey) -> PublicKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        if isinstance(key, Ed25519PrivateKey):
            return from_raw(ED25519, key.public_key().public_bytes_raw())
        point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return from_raw(ECDSA_P256, point)
    except LfciError as error:
        raise _unusable(path, error.message) from None


def _unusable(path: Path, message: str, fact: str = "") -> UsageError:
    return UsageError("LFCI511", message, facts=(f"file {path}", fact) if fact else (f"file {path}",))
