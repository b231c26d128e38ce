"""Entering an environment: `nix develop` on its derivation, for a person at a terminal."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lfci_gate.errors import Undecided
from lfci_gate.nix.process import Nix

__all__ = ["KEPT", "enter"]

KEPT = ("HOME", "USER", "LOGNAME", "TERM", "COLORTERM", "LANG", "DISPLAY", "WAYLAND_DISPLAY", "SSH_AUTH_SOCK")
"""Variables of the person's that a shell in the environment keeps; everything else is the environment's."""

_BEGIN = (
    'export HOME="$1" PATH="${PATH-}"; hook=$2; shift 2; unset TMPDIR TMP TEMP TEMPDIR;'
    ' eval "$hook"; if [ $# -gt 0 ]; then exec "$@"; fi;'
    " export PS1='(lfci) \\w\\$ '; exec \"$BASH\" --norc -i"
)
"""What the environment's bash does: the shell hook, then the command or a prompt. $1: the person's home."""


def enter(
    nix: Nix,
    env_drv: str,
    bash: str,
    hook: str,
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    directory: Path | None = None,
    quiet: bool = False,
) -> int:
    """Runs ``command`` (or a prompt) in the environment of ``env_drv``, with this process's terminal.

    The environment is the one that checks see, without their sandbox: files, network and the person's
    home are there. Returns the status of the command. Raises Undecided LFCI303.

    Arguments:
        bash: the builder of the environment.
        hook: its shellHook, which `nix develop` on this derivation does not know.
        environ: where the kept variables are taken from.
        directory: where it runs; by default where this process is.
        quiet: its standard output goes where its errors go.
    """
    own = {name: environ[name] for name in KEPT if name in environ and name != "HOME"}
    keep = [word for name in own for word in ("--keep", name)]
    argv = [nix.nix, "develop", *nix.flags(), "--ignore-environment", *keep, env_drv, "--command"]
    argv += [bash, "-c", _BEGIN, "lfci-env", environ.get("HOME", "/homeless-shelter"), hook, *command]
    try:
        done = subprocess.run(
            argv, env={**nix.environment, **own}, cwd=directory, stdout=2 if quiet else None, check=False
        )
        return done.returncode
    except OSError as error:
        raise Undecided("LFCI303", f"cannot start {argv[0]}", facts=(str(error.strerror),)) from error
