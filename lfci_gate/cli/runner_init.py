"""`lfci runner init`: configuration, key, systemd unit and example rules for a new runner."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from lfci_gate import files, resources
from lfci_gate.attest.keys import format_public
from lfci_gate.attest.private import generate
from lfci_gate.cli.context import Context
from lfci_gate.config.runner import parse_runner
from lfci_gate.config.values import is_name
from lfci_gate.errors import UsageError
from lfci_gate.grammar import is_uuid


def init(args: argparse.Namespace, context: Context) -> int:
    """Writes the files, overwriting none. Raises UsageError LFCI511, LFCI514, LFCI524 or Undecided."""
    top = Path(os.path.abspath(os.path.expanduser(args.directory)))
    _refuse_bad(args, top)
    with files.os_errors("make the runner's directory", top):
        top.mkdir(mode=0o755, parents=True, exist_ok=True)
    public = format_public(generate(top / "key", None), args.name)
    values = {
        "name": args.name,
        "key": public,
        "user": args.user,
        "group": args.group,
        "repositories": list(dict.fromkeys(args.repository)),
        "directory": str(top),
        "program": _program(),
    }
    made = {
        "runner.toml": (_filled("runner.toml.j2", values), 0o640),
        "lfci-runner.service": (_filled("lfci-runner.service.j2", values), 0o644),
        "policy-rules.toml": (_template("policy-rules.toml"), 0o644),
    }
    parse_runner(made["runner.toml"][0].encode())
    for name, (text, mode) in made.items():
        files.write_file(top / name, text.encode(), mode=mode)
    _own(top / "runner.toml", args.user)
    _report(args, context, top, public)
    return 0


def _refuse_bad(args: argparse.Namespace, top: Path) -> None:
    for uuid in args.repository:
        if not is_uuid(uuid):
            raise UsageError(
                "LFCI514",
                f"--repository takes the lower-case UUID of a policy, not {ascii(uuid)[:60]}",
                hint="git show HEAD:.lfci/policy.toml | grep repository",
            )
    for option, value in (("--name", args.name), ("--user", args.user), ("--group", args.group)):
        if not is_name(value):
            raise UsageError("LFCI514", f"{option} takes a plain name, not {ascii(value)[:60]}")
    if any(char.isspace() or not char.isprintable() or char in "\"'\\%$" for char in str(top)):
        raise UsageError("LFCI514", "the directory's path must be plain: it is named in a systemd unit")
    for name in ("runner.toml", "lfci-runner.service", "policy-rules.toml"):
        if os.path.lexists(top / name):
            raise UsageError("LFCI524", f"{top / name} is there already, and nothing was changed")


def _own(config: Path, user: str) -> None:
    """Lets the runner read its configuration, when this is root and the user exists."""
    import pwd

    try:
        entry = pwd.getpwnam(user)
        if os.geteuid() == 0:
            os.chown(config, 0, entry.pw_gid)
    except KeyError:
        return
    except OSError as error:
        raise UsageError("LFCI524", "the configuration cannot be given to the runner's group",
                         facts=(str(error.strerror),)) from None  # fmt: skip


def _program() -> str:
    found = shutil.which("lfci", path=os.path.dirname(sys.executable)) or shutil.which("lfci")
    return found or f"{sys.executable} -m lfci_gate"


def _template(name: str) -> str:
    return (resources.templates() / "runner" / name).read_text(encoding="utf-8")


def _filled(name: str, values: dict[str, object]) -> str:
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    return str(environment.from_string(_template(name)).render(values))


def _report(args: argparse.Namespace, context: Context, top: Path, public: str) -> None:
    output = context.output
    output.line(f"made in {top}:")
    output.json({"schema": "lfci.runner-init/1", "directory": str(top), "name": args.name, "key": public})
    for name, what in (
        ("runner.toml", "who may ask, for which repositories"),
        ("key", "the private key; leave it root's, mode 0600"),
        ("key.pub", "its public half"),
        ("lfci-runner.service", "the systemd unit"),
        ("policy-rules.toml", "example rules for the policy"),
    ):
        output.line(f"  {name:<20} {what}")
    output.line()
    output.line("Next, as root:")
    try:
        import pwd

        pwd.getpwnam(args.user)
    except KeyError:
        output.line(f"  useradd --system --user-group {args.user}; chgrp {args.user} {top}/runner.toml")
    output.line(f"  groupadd --force {args.group}; usermod -aG {args.group} AGENT")
    output.line(f"  systemctl enable --now {top}/lfci-runner.service")
    output.line("and in the project, approved and landed like any other change of the policy:")
    output.line(f"  lfci policy edit key add {args.name} --public '{public}' --role runner")


__all__ = ["init"]
