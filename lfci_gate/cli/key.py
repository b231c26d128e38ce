"""`lfci key generate|show|list`: the signing key of this user, and the keys of the policy."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

from lfci_gate.cli.arguments import actions, add_key_option
from lfci_gate.cli.context import Context
from lfci_gate.cli.policy_source import PolicyFound, find_policy, key_state
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.model import PublicKey

_SUMMARIES = {
    "generate": "make an Ed25519 key",
    "show": "show the public half of the key that would sign",
    "list": "list the keys of the policy",
}
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES)
    made["generate"].add_argument("path", metavar="FILE", nargs="?", help="default: where lfci looks for it")
    made["generate"].add_argument("--name", help="what the policy shall call it (default: the agent's name)")
    made["generate"].add_argument(
        "--passphrase", action="store_true", help="ask for one on the terminal; agents cannot answer"
    )
    add_key_option(made["show"])


def run(args: argparse.Namespace, context: Context) -> int:
    if args.action == "generate":
        return _generate(args, context)
    if args.action == "show":
        return _show(args, context)
    return _list(context)


def _generate(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.attest.keys import format_public
    from lfci_gate.attest.private import generate
    from lfci_gate.clone.settings import default_key_path

    path = Path(os.path.expanduser(args.path)) if args.path else default_key_path(context.environ)
    public = generate(path, _new_passphrase(context) if args.passphrase else None)
    name = key_name(args.name or context.environ.get("LFCI_AGENT") or context.environ.get("USER") or "")
    output = context.output
    line = format_public(public)
    output.json({"schema": "lfci.key/1", "file": str(path), **_public_object(public, line)})
    output.pair("private", f"{path} (only you may read it)")
    output.pair("public", line)
    output.pair("fingerprint", public.fingerprint)
    output.line()
    output.line("A key counts when the policy knows it. Ask a maintainer to land this in .lfci/policy.toml:")
    output.line()
    for each in policy_lines(name, line, ("agent",)):
        output.line("  " + each)
    if args.path:
        output.line()
        output.line(f"This is not where lfci looks by itself: git config lfci.key {path}")
    return 0


def _show(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.attest.keys import format_public

    settings = context.settings(key=args.key)
    public = settings.public_key()
    if public is None:  # no .pub beside it: the private half knows
        public = settings.signer(context.ask_passphrase).public
    found, problem = _policy(context)
    entry = next((key for key in found.policy.keys if key.public == public), None) if found else None
    line = format_public(public)
    output = context.output
    output.json(
        {
            "schema": "lfci.key/1",
            "file": settings.key_setting(),
            **_public_object(public, line),
            "policy": None if found is None else {"where": found.where, "version": found.policy.version},
            "name": None if entry is None else entry.name,
            "roles": [] if entry is None else list(entry.roles),
            "state": None if entry is None else key_state(entry, context),
        }
    )
    output.pair("key", settings.key_setting())
    output.pair("public", line)
    output.pair("fingerprint", public.fingerprint)
    if entry is not None and found is not None:
        state = key_state(entry, context)
        output.pair("policy", f"{entry.name}, {', '.join(entry.roles)}, {state} (policy in {found.where})")
    elif found is not None:
        output.pair("policy", f"unknown to the policy in {found.where}: what it signs does not count", "warn")
    else:
        output.pair("policy", problem)
    return 0


def _list(context: Context) -> int:
    from lfci_gate.git.objects import BatchReader

    with BatchReader(context.git) as objects:
        found = find_policy(context, objects)
    if found is None:
        raise UsageError("LFCI201", "neither the target nor this tree has a policy", hint="lfci init")
    own = context.settings().public_key()
    output = context.output
    output.json(
        {
            "schema": "lfci.keys/1",
            "policy": {"where": found.where, "version": found.policy.version},
            "keys": [
                {
                    "name": key.name,
                    "fingerprint": key.public.fingerprint,
                    "kind": key.public.kind,
                    "roles": list(key.roles),
                    "state": key_state(key, context),
                    "own": key.public == own,
                }
                for key in found.policy.keys
            ],
        }
    )
    output.line(f"policy version {found.policy.version} in {found.where}", "strong")
    width = max((len(key.name) for key in found.policy.keys), default=0)
    for key in found.policy.keys:
        own_mark = "*" if key.public == own else " "
        state = key_state(key, context)
        roles = ", ".join(key.roles)
        shown = "" if state == "valid" else f"  {state}"
        output.line(f"{own_mark} {key.name:<{width}}  {key.public.fingerprint}  {roles}{shown}")
    if any(key.public == own for key in found.policy.keys):
        output.line("* the key that would sign here")
    return 0


def key_name(text: str) -> str:
    """A name that the policy allows for a key, made from a user's or agent's name."""
    return _NOT_IN_NAMES.sub("-", text.lower()).strip("-._")[:64] or "me"


def policy_lines(name: str, public: str, roles: tuple[str, ...]) -> tuple[str, ...]:
    """The table of a key for .lfci/policy.toml."""
    listed = ", ".join(f'"{role}"' for role in roles)
    head = f"[keys.{name}]" if "." not in name else f'[keys."{name}"]'
    return (head, f'public = "{public}"', f"roles = [{listed}]")


def _public_object(public: PublicKey, line: str) -> dict[str, str]:
    return {"kind": public.kind, "public": line, "fingerprint": public.fingerprint}


def _policy(context: Context) -> tuple[PolicyFound | None, str]:
    """The policy to look the key up in; a key is also shown where there is none."""
    from lfci_gate.git.objects import BatchReader

    try:
        with BatchReader(context.git) as objects:
            found = find_policy(context, objects)
    except LfciError as error:
        return None, f"not looked up: {error.message}"
    return found, "there is none yet (lfci init writes one)"


def _new_passphrase(context: Context) -> bytes:
    if not context.interactive:
        raise UsageError("LFCI511", "a passphrase is asked for on a terminal, and there is none")
    import getpass

    first, second = (getpass.getpass(f"{word}: ") for word in ("new passphrase", "the same again"))
    if first != second:
        raise UsageError("LFCI511", "the two passphrases differ; no key was made", hint="lfci key generate")
    return first.encode()
