"""What Nix and ssh are told about builders.

Nix gets each by a name that only the ssh configuration written here knows, so nothing of the caller's
ssh (its configuration, known hosts, agent) takes part, and no host is spoken to whose key is another
than the one that was configured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from lfci_gate import files
from lfci_gate.errors import UsageError
from lfci_gate.machine import Builder

__all__ = ["configure_ssh", "line_of", "uri_of"]

_ALWAYS = (
    ("IdentitiesOnly", "yes"),
    ("GlobalKnownHostsFile", "/dev/null"),
    ("StrictHostKeyChecking", "yes"),
    ("UpdateHostKeys", "no"),
    ("VerifyHostKeyDNS", "no"),
    ("BatchMode", "yes"),
    ("PasswordAuthentication", "no"),
    ("ForwardAgent", "no"),
    ("ForwardX11", "no"),
    ("ClearAllForwardings", "yes"),
    ("ConnectTimeout", "10"),
    # A machine that is gone, and not only its daemon, is noticed within a minute.
    ("ServerAliveInterval", "15"),
    ("ServerAliveCountMax", "3"),
)


def _alias(builder: Builder) -> str:
    """Different for different builders, whatever their names are made of; lower case, as ssh makes it."""
    whole = f"{builder.user}@{builder.host}:{builder.port}"
    return f"lfci-{builder.host.lower()}-{hashlib.sha256(whole.encode()).hexdigest()[:12]}"


def uri_of(builder: Builder) -> str:
    """By what name Nix knows it."""
    return f"ssh-ng://{_alias(builder)}"


def line_of(builder: Builder) -> str:
    """The builder in Nix's own syntax. Keys are not in it: ssh's configuration has them."""
    return " ".join(
        (
            uri_of(builder),
            ",".join(builder.systems),
            "-",
            str(builder.jobs),
            str(builder.speed),
            ",".join(builder.features) or "-",
            ",".join(builder.mandatory) or "-",
            "-",
        )
    )


def configure_ssh(builders: Sequence[Builder], private: Path) -> Path:
    """Writes ssh's configuration and the known hosts for ``builders`` below ``private``; the former's path.

    Raises UsageError LFCI531 when ``private`` has blanks in it, Undecided LFCI502 or LFCI520.
    """
    if any(char.isspace() for char in str(private)):
        raise UsageError(  # Nix 2.8 splits ssh's options at blanks, and knows no quotes
            "LFCI531",
            "builders cannot be used below a directory with blanks in its name",
            facts=(ascii(str(private)),),
            hint="move the clone, or take [builders] out of the configuration",
        )
    known = private / "known_hosts"
    files.write_file(known, "".join(f"{_alias(each)} {each.host_key}\n" for each in builders).encode())
    lines = []
    for each in builders:
        own = (
            ("HostName", each.host),
            ("HostKeyAlias", _alias(each)),
            ("Port", str(each.port)),
            *((("User", each.user),) if each.user else ()),
            ("IdentityFile", each.key),
            ("UserKnownHostsFile", f'"{known}"'),
        )
        lines += [f"Host {_alias(each)}", *(f"  {name} {value}" for name, value in (*own, *_ALWAYS))]
    path = private / "ssh_config"
    files.write_file(path, "".join(f"{line}\n" for line in lines).encode())
    return path
