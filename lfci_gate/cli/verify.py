"""`lfci verify`: judge commits as the forge would, on any clone."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lfci_gate.canonical import format_time
from lfci_gate.cli.context import Context
from lfci_gate.cli.revisions import commit_named
from lfci_gate.cli.verdicts import print_verdict
from lfci_gate.clone.rederive import Rederived, rederive
from lfci_gate.clone.target import find_target, full_ref
from lfci_gate.clone.verify import Question, Verified, verify_range
from lfci_gate.errors import UsageError
from lfci_gate.gate.render import verdict_object
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId, Verdict, VerdictKind

_EXIT = {VerdictKind.ACCEPTED: 0, VerdictKind.REFUSED: 1, VerdictKind.UNDECIDED: 3}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rev", nargs="?", default="HEAD", metavar="REV|A..B")
    parser.add_argument("--ref", metavar="REF", help="judge as a landing on this ref")
    parser.add_argument("--policy", metavar="FILE", type=Path, help="judge by this policy")
    parser.add_argument(
        "--rederive", action="store_true", help="evaluate the flake again and compare the derivation"
    )


def run(args: argparse.Namespace, context: Context) -> int:
    git = context.git
    with BatchReader(git) as objects:
        newer, older = _range(objects, args.rev)
        ref = full_ref(args.ref) if args.ref else None
        target = find_target(git, branch=ref)
        question = Question(target, context.now(), target.ref, _policy(args.policy))
        found = [
            (verified, rederive(git, objects, verified) if args.rederive else ())
            for verified in verify_range(git, objects, question, newer, older)
        ]
        if not found:
            _refuse_backwards(args.rev, newer, older)
    return _report(context, found)


def _range(objects: BatchReader, text: str) -> tuple[ObjectId, ObjectId | None]:
    first, dots, last = text.partition("..")
    if dots and last.startswith("."):
        raise UsageError("LFCI514", "a range is A..B, with two dots")
    if not dots:
        return commit_named(objects, text), None
    return commit_named(objects, last or "HEAD"), commit_named(objects, first or "HEAD")


def _policy(path: Path | None) -> bytes | None:
    if path is None:
        return None
    from lfci_gate import files
    from lfci_gate.gate.facts import Limits

    data = files.read_file(path, Limits().policy_bytes)
    if data is None:
        raise UsageError("LFCI201", f"there is no policy file {path}")
    return data


def _refuse_backwards(text: str, newer: ObjectId, older: ObjectId | None) -> None:
    """Nothing verified must not read like everything verified, when that is only a matter of order."""
    if older is None or newer == older:
        return
    first, _, last = text.partition("..")
    raise UsageError(
        "LFCI514",
        f"no commits in {text}: {last or 'HEAD'} has nothing that {first or 'HEAD'} has not",
        hint=f"the older one comes first: lfci verify {last or 'HEAD'}..{first or 'HEAD'}",
    )


def _report(context: Context, found: list[tuple[Verified, tuple[Rederived, ...]]]) -> int:
    output = context.output
    statuses = {_EXIT[verified.verdict.kind] for verified, _ in found}
    statuses |= {each.exit_status for _, again in found for each in again}
    # A no is a no, whatever else could not be told.
    status = next((each for each in (1, 3) if each in statuses), 0)
    output.json(
        {
            "schema": "lfci.verify/1",
            "result": {0: "accepted", 1: "refused"}.get(status, "undecided"),
            "commits": [_object(verified, again) for verified, again in found],
        }
    )
    for verified, again in found:
        _print(context, verified, again)
    if not found:
        output.line("no commits to verify")
    return status


def _object(verified: Verified, again: tuple[Rederived, ...]) -> dict[str, Any]:
    verdict = Verdict(verified.verdict.kind, (verified.verdict,))
    return {
        "commit": verified.commit,
        "from": verified.base,
        "assurance": _assurance(verified, again),
        "at": format_time(verified.at),
        "verdict": verdict_object(verdict)["refs"][0],
        "remarks": list(verified.remarks),
        "derivations": [
            {"check": each.check, "attested": each.attested, "found": each.found, "same": each.same}
            for each in again
        ],
    }


def _assurance(verified: Verified, again: tuple[Rederived, ...]) -> str | None:
    """The level that was reached here, never more: see docs/threat-model.md."""
    if verified.verdict.kind is not VerdictKind.ACCEPTED or not verified.verdict.evidence:
        return None
    return "derived" if again and all(each.same for each in again) else "claimed"


def _print(context: Context, verified: Verified, again: tuple[Rederived, ...]) -> None:
    output = context.output
    kind = verified.verdict.kind
    style = "good" if kind is VerdictKind.ACCEPTED else "bad"
    ref = verified.verdict.update.ref
    text = f"{verified.commit[:12]} on {ref}: {kind.value}"
    assurance = _assurance(verified, again)
    if kind is VerdictKind.ACCEPTED and not verified.verdict.protected:
        text += " (no rule covers this ref)"
    elif assurance is not None:
        text += f", assurance: {assurance}"
    output.line(text, style)
    for line in (*verified.verdict.summary, *verified.verdict.remarks, *verified.remarks):
        output.line(f"  {line}")
    for each in again:
        output.line(f"  {each.text}", "good" if each.same else "bad")
    if kind is not VerdictKind.ACCEPTED:
        print_verdict(output, Verdict(kind, (verified.verdict,)))
