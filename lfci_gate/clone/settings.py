"""Settings of the client, first match wins: option, environment, `git config`, default.

Nothing here can weaken a verdict: the gate knows none of it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lfci_gate import files
from lfci_gate.attest.keys import parse_public
from lfci_gate.attest.signers import AGENT_PREFIX, Signer, load_signer
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.git.process import Git
from lfci_gate.model import Policy, PublicKey
from lfci_gate.value import Value

if TYPE_CHECKING:  # not on the way of a known check: importing it takes 6 ms
    from pathlib import Path


DEFAULT_RUNNER = "/run/lfci-runner/socket"
_ON = frozenset(("true", "yes", "on", "1"))
_OFF = frozenset(("", "false", "no", "off", "0"))


class Settings(Value):
    """Options as given on the command line, with the environment and git's config behind them."""

    git: Git
    environ: Mapping[str, str]
    key: str | None = None
    agent: str | None = None

    def key_setting(self) -> str:
        """Where the private key is: a path, or ``ssh-agent:<public key>``."""
        found = self.key or self.environ.get("LFCI_KEY") or self.git.config("lfci.key")
        return found or _default_key(self.environ)

    def approval_key_setting(self) -> str:
        """Where the key that approves is: `--key`, LFCI_KEY, `lfci.approveKey`, the maintainer key
        that `lfci init` made, else the key that signs runs. Whoever has a key of each kind neither
        mixes them up nor has to name them."""
        found = self.key or self.environ.get("LFCI_KEY") or self.git.config("lfci.approveKey")
        if found:
            return found
        path = maintainer_key_path(self.environ)
        return str(path) if path.exists() else self.key_setting()

    def approver(self, ask_passphrase: Callable[[], bytes] | None = None) -> Signer:
        """Raises UsageError LFCI511 or LFCI512."""
        return load_signer(self.approval_key_setting(), environ=self.environ, ask_passphrase=ask_passphrase)

    def signer(self, ask_passphrase: Callable[[], bytes] | None = None) -> Signer:
        """Raises UsageError LFCI511 or LFCI512."""
        return load_signer(self.key_setting(), environ=self.environ, ask_passphrase=ask_passphrase)

    def public_key(self) -> PublicKey | None:
        """The public half, read without the private one; None when there is no key yet.

        For looking things up only: what is signed is signed by :meth:`signer`.
        """
        setting = self.key_setting()
        if setting.startswith(AGENT_PREFIX):
            text = setting.removeprefix(AGENT_PREFIX).strip()
            if text.startswith(("ssh-", "ecdsa-")):
                return parse_public(text)
            path = os.path.expanduser(text)
        else:
            path = os.path.expanduser(setting) + ".pub"
        try:
            data = files.read_file(path, 8192)
            return None if data is None else parse_public(data.decode())
        except (LfciError, UnicodeDecodeError):
            return None

    def runner(self, option: str | None = None) -> str | None:
        """The socket of the runner that is to be asked: `--runner=SOCKET`, LFCI_RUNNER, `lfci.runner`; None
        where checks run here. Arguments: ``option`` is empty for a plain `--runner`."""
        found = option or self.environ.get("LFCI_RUNNER") or self.git.config("lfci.runner") or ""
        if found.lower() in _ON or (option is not None and found.lower() in _OFF):
            return DEFAULT_RUNNER
        return None if found.lower() in _OFF else os.path.expanduser(found)

    def runner_key(self) -> PublicKey | None:
        """The key that this clone trusts to be its runner's beside those of the policy: `lfci.runnerKey`, a
        public line. Raises UsageError LFCI202."""
        text = self.git.config("lfci.runnerKey")
        return None if text is None else parse_public(text)

    def agent_name(self, policy: Policy | None, public: PublicKey | None) -> str:
        """Who acts: `--agent`, LFCI_AGENT, lfci.agent, else the policy's name for the key."""
        found = self.agent or self.environ.get("LFCI_AGENT") or self.git.config("lfci.agent")
        if found:
            return found
        held = key_in_policy(policy, public)
        if held is not None:
            return held
        return self.environ.get("USER") or "unnamed"


def default_key_path(environ: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME/lfci/key``. Raises UsageError LFCI511 without a home."""
    from pathlib import Path

    return Path(_default_key(environ))


def _default_key(environ: Mapping[str, str]) -> str:
    config = environ.get("XDG_CONFIG_HOME")
    if config:
        return os.path.join(config, "lfci", "key")
    home = environ.get("HOME")
    if not home:
        raise UsageError("LFCI511", "neither XDG_CONFIG_HOME nor HOME is set, so there is no key")
    return os.path.join(home, ".config", "lfci", "key")


def maintainer_key_path(environ: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME/lfci/maintainer``, beside the key that signs runs."""
    return default_key_path(environ).with_name("maintainer")


def key_in_policy(policy: Policy | None, public: PublicKey | None) -> str | None:
    """The policy's name for a key."""
    if policy is None or public is None:
        return None
    return next((key.name for key in policy.keys if key.public == public), None)
