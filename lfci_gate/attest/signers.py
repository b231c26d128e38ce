"""What signs: a private key file, or a key held by an ssh-agent.

The setting (``--key``, ``LFCI_KEY``, git config ``lfci.key``) is a path, or ``ssh-agent:`` and then
an OpenSSH public key line or the path of a file with one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from lfci_gate.attest.keys import parse_public
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.model import PublicKey

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AGENT_PREFIX", "Signer", "load_signer"]

AGENT_PREFIX = "ssh-agent:"


class Signer(Protocol):
    """Something that signs by one key."""

    @property
    def public(self) -> PublicKey:
        """The key its signatures verify with."""

    def sign(self, message: bytes) -> bytes:
        """A signature in the form :func:`lfci_gate.attest.keys.verify` takes. Raises UsageError LFCI511."""


def load_signer(
    setting: str, *, environ: Mapping[str, str], ask_passphrase: Callable[[], bytes] | None
) -> Signer:
    """The signer that ``setting`` names.

    Arguments: ``environ`` for HOME (a leading ``~/``) and SSH_AUTH_SOCK; ``ask_passphrase`` is
    called at most once, and only when the key file is encrypted; None means that nobody can be asked.
    Raises UsageError LFCI511 (no usable key) or LFCI512 (others may read the file).
    """
    if setting.startswith(AGENT_PREFIX):
        from lfci_gate.attest.agent import AgentSigner

        public = _agent_key(setting.removeprefix(AGENT_PREFIX).strip(), environ)
        socket_path = environ.get("SSH_AUTH_SOCK", "")
        if not socket_path:
            raise UsageError("LFCI511", "SSH_AUTH_SOCK is not set, so there is no ssh-agent to ask")
        return AgentSigner(public, socket_path)
    from lfci_gate.attest.private import load_private

    return load_private(_expand(setting, environ), None, ask_passphrase=ask_passphrase)


def _expand(path: str, environ: Mapping[str, str]) -> Path:
    from pathlib import Path  # not where a key is only looked up: importing it takes 6 ms

    if not path or "\0" in path:
        raise UsageError("LFCI511", "the key setting is not a path")
    if path.startswith("~/"):
        home = environ.get("HOME", "")
        if not home:
            raise UsageError("LFCI511", "the key setting starts with ~/ and HOME is not set")
        return Path(home) / path[2:]
    return Path(path)


def _agent_key(text: str, environ: Mapping[str, str]) -> PublicKey:
    if " " not in text or text.startswith(("/", "~/", "./")):
        path = _expand(text, environ)
        try:
            text = _read_public_file(path)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                "LFCI511", "the public key file of the ssh-agent setting cannot be read", facts=(str(error),)
            ) from None
    try:
        return parse_public(text)
    except LfciError as error:
        raise UsageError("LFCI511", f"the ssh-agent setting: {error.message}") from None


def _read_public_file(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(8192).decode("utf-8")
