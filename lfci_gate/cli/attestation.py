"""`lfci attestation list|show|export|import|send`: what this clone holds, and who really signed it.

What an attestation says is shown as what it says. That it is so is nowhere claimed: only whether a
key of the policy signed those bytes, which is checked when it is shown.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.cli.evidence import Held, collect, find_one, result_of, signers
from lfci_gate.cli.policy_source import PolicyFound, find_policy, key_state
from lfci_gate.cli.times import age, clock
from lfci_gate.errors import LfciError
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import (
    Approval,
    Bypass,
    CheckRun,
    Landing,
    PolicyKey,
    SessionRecord,
    Statement,
    Verification,
)

_SUMMARIES = {
    "list": "list what this clone holds, newest first",
    "show": "show what one says, and whether a key of the policy signed it",
    "export": "write one in a form that other tools read",
    "import": "store one as evidence of this clone",
    "send": "bring what this clone holds about a commit to the forge",
    "forget-forge": "take what the forge serves now for right, also where it has gone back",
}
_LIMIT = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from lfci_gate.cli.exchange import EXPORTS

    made = actions(parser, _SUMMARIES, plain=("export",))
    made["list"].add_argument("--limit", type=int, default=_LIMIT, metavar="N", help=f"default: {_LIMIT}")
    made["show"].add_argument("id", metavar="ID", help="the id, or its first digits")
    export = made["export"]
    export.add_argument("id", metavar="ID", help="the id, or its first digits")
    export.add_argument(
        "--format",
        dest="form",
        choices=EXPORTS,
        default="bundle",
        help="bundle: Sigstore bundle v0.3, as stored (default); dsse: the envelope alone;"
        " in-toto-test-result: an unsigned statement for tools that know that predicate",
    )
    export.add_argument("--output", metavar="FILE", help="default: stdout")
    taken = made["import"]
    taken.add_argument("file", metavar="FILE", help="a Sigstore bundle of one line; - for stdin")
    taken.add_argument("--result", metavar="FILE", help="the result document of a check run")
    sent = made["send"]
    sent.add_argument("rev", nargs="?", default="HEAD", metavar="REV", help="default: HEAD")
    sent.add_argument("--target", metavar="BRANCH", help="branch that the change is meant for")
    for each in (sent, made["forget-forge"]):
        each.add_argument("--remote", metavar="NAME", help="default: the branch's upstream, or origin")


def run(args: argparse.Namespace, context: Context) -> int:
    if args.action == "import":
        from lfci_gate.cli.exchange import import_bundle

        return import_bundle(context, args.file, args.result)
    if args.action == "forget-forge":
        from lfci_gate.cli.forget_forge import forget_forge

        return forget_forge(context, args.remote)
    if args.action == "send":
        from lfci_gate.cli.send import send_evidence

        return send_evidence(context, args.rev, args.remote, args.target)
    with BatchReader(context.git) as objects:
        held, problems = collect(context.git, objects)
        if args.action == "export":
            from lfci_gate.cli.exchange import export_one

            one = find_one(held, args.id)
            document = result_of(context.git, objects, one)
            return export_one(context, one, args.form, document, Path(args.output) if args.output else None)
        found, trouble = _policy(context, objects)
        if args.action == "show":
            _show(context, find_one(held, args.id), found, trouble)
        else:
            _list(context, held, found, trouble, max(args.limit, 0))
    for problem in problems:
        context.output.note(f"note: left out, {problem}")
    return 0


def _policy(context: Context, objects: BatchReader) -> tuple[PolicyFound | None, str]:
    try:
        return find_policy(context, objects), "no policy is known here"
    except LfciError as error:
        return None, f"the policy cannot be read: {error.message}"


# -- list -----------------------------------------------------------------------------------------


def _list(
    context: Context, held: tuple[Held, ...], found: PolicyFound | None, trouble: str, limit: int
) -> None:
    output, now = context.output, context.now()
    policy = None if found is None else found.policy
    shown = [(each, signers(each, policy)) for each in held[:limit]]
    output.json(
        {
            "schema": "lfci.attestations/1",
            "policy": _policy_object(found),
            "total": len(held),
            "attestations": [_summary(each, keys, context) for each, keys in shown],
        }
    )
    if not held:
        output.line("no attestations here: lfci check makes one, git fetch brings those of the forge")
        return
    rows = [
        (
            each.id[:12],
            *_what(each),
            _signed_by(keys),
            each.subject[:12],
            age(each.issued_at, now) if each.issued_at else "-",
            "+".join(each.places),
        )
        for each, keys in shown
    ]
    head = ("id", "what", "says", "signed by", "subject", "age", "where")
    _table(context, (head, *rows))
    if len(held) > limit:
        output.line(f"and {len(held) - limit} more (--limit)")
    where = f"the policy in {found.where}" if found is not None else trouble
    output.line()
    output.line(
        f"signed by: keys of {where}; ? when none of them did" if found else f"signed by: ? ({where})"
    )


def _what(held: Held) -> tuple[str, str]:
    """Kind of statement and what it says, in a word each."""
    statement = held.statement
    if isinstance(statement, CheckRun):
        return f"check {statement.check}", statement.result.value
    if isinstance(statement, Approval):
        return "approval", "approve"
    if isinstance(statement, SessionRecord):
        return "session", "started"
    if isinstance(statement, Landing):
        return "landing", "PASSED" if statement.bypass is None else "FAILED, BREAK-GLASS"
    if isinstance(statement, Verification):
        return (
            f"{statement.method} {statement.check}",
            "reproduced" if statement.reproduced else "NOT REPRODUCED",
        )
    if isinstance(statement, Bypass):
        return "bypass", "BREAK-GLASS"
    return "unreadable", "-"


def _signed_by(keys: tuple[PolicyKey, ...]) -> str:
    return ",".join(key.name for key in keys) or "?"


def _table(context: Context, rows: tuple[tuple[str, ...], ...]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for number, row in enumerate(rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        context.output.line("  ".join(cells).rstrip(), "strong" if number == 0 else "")


# -- show -----------------------------------------------------------------------------------------


def _show(context: Context, held: Held, found: PolicyFound | None, trouble: str) -> None:
    output = context.output
    keys = signers(held, None if found is None else found.policy)
    statement = _decoded(held.statement)
    output.json(
        {
            "schema": "lfci.attestation/1",
            **_summary(held, keys, context),
            "policy": _policy_object(found),
            "hint": held.bundles[0].hint,
            "problem": held.problem or None,
            "statement": statement,
        }
    )
    output.pair("id", held.id, "strong")
    output.pair("subject", held.subject)
    output.pair("where", " and ".join(_PLACES[place] for place in held.places))
    if held.issued_at is not None:
        output.pair("issued", f"{clock(held.issued_at)}, {age(held.issued_at, context.now())} (it says)")
    for key in keys:
        state = key_state(key, context)
        text = f"verifies with the key {key.name} (roles: {', '.join(key.roles)}), which is {state}"
        output.pair("signature", text, "good" if state == "valid" else "warn")
    if not keys:
        why = f"no key of the policy in {found.where} signed this" if found is not None else trouble
        output.pair("signature", f"NOT VERIFIED: {why}", "bad")
        output.pair("", f"it names the key {held.bundles[0].hint}, which anybody can write there")
    elif found is not None:
        output.pair("policy", f"version {found.policy.version}, {found.where}")
    output.line()
    if statement is None:
        output.line(f"What it says cannot be read: {held.problem}", "bad")
        return
    output.line("What it says:" if keys else "What it says, believed by nobody here:")
    for line in _pretty(statement):
        output.line(line)


_PLACES = {"local": "an inbox ref of this clone", "forge": "the forge's notes, as last fetched"}


def _pretty(value: Any) -> list[str]:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False).splitlines()


def _decoded(statement: Statement | None) -> Any:
    if statement is None:
        return None
    import json

    from lfci_gate.attest.statement import format_statement

    # Through our own writer: what was read, not what the bytes would show another reader.
    return json.loads(format_statement(statement))


def _summary(held: Held, keys: tuple[PolicyKey, ...], context: Context) -> dict[str, Any]:
    what, says = _what(held)
    statement = held.statement
    return {
        "id": held.id,
        "what": what,
        "says": says,
        "check": statement.check if isinstance(statement, CheckRun) else None,
        "subject": held.subject,
        "issuedAt": None if held.issued_at is None else held.issued_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "places": list(held.places),
        "verifiedBy": [
            {
                "name": key.name,
                "fingerprint": key.public.fingerprint,
                "roles": list(key.roles),
                "state": key_state(key, context),
            }
            for key in keys
        ],
    }


def _policy_object(found: PolicyFound | None) -> Any:
    return None if found is None else {"where": found.where, "version": found.policy.version}
