"""`lfci verify`: judge commits as the forge would, on any clone; derive and rebuild what was attested."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate.cli.arguments import add_key_option
from lfci_gate.cli.context import Context
from lfci_gate.cli.revisions import commit_named
from lfci_gate.cli.verify_shown import Looked, report
from lfci_gate.clone.target import Target, find_target, full_ref
from lfci_gate.clone.verify import Question, Verified, verify, verify_range
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId, VerdictKind
from lfci_gate.value import replace

if TYPE_CHECKING:
    from lfci_gate.clone.finding import Finding
    from lfci_gate.clone.vouch import Vouched

STORES = ("current", "fresh")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("rev", nargs="?", default="HEAD", metavar="REV|A..B")
    parser.add_argument("--ref", metavar="REF", help="judge as a landing on this ref")
    parser.add_argument("--policy", metavar="FILE", type=Path, help="judge by this policy")
    parser.add_argument(
        "--rederive", action="store_true", help="evaluate the flake again and compare the derivation"
    )
    parser.add_argument(
        "--rebuild",
        action="store_true",
        help="build the attested runs again and compare the results",
    )
    parser.add_argument(
        "--store",
        choices=STORES,
        default=STORES[0],
        help="where to rebuild: the machine's store (default), or one made for this that holds nothing yet",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="rebuilds at once (default: 1)")
    parser.add_argument(
        "--force", action="store_true", help="rebuild also what a range has been rebuilt for before"
    )
    parser.add_argument(
        "--attest", action="store_true", help="sign what was found out, and deliver it to the forge"
    )
    parser.add_argument("--no-push", action="store_true", help="keep what is signed in this clone")
    parser.add_argument("--remote", metavar="NAME")
    parser.add_argument(
        "--accept-bypassed",
        action="store_true",
        help="exit with 0 also where commits landed by break-glass; they are reported all the same",
    )
    add_key_option(parser)


def run(args: argparse.Namespace, context: Context) -> int:
    _refuse_options(args)
    git = context.git
    with BatchReader(git) as objects:
        newer, older = _range(objects, args.rev)
        ref = full_ref(args.ref) if args.ref else None
        target = find_target(git, remote=args.remote, branch=ref)
        question = Question(target, context.now(), target.ref, _policy(args.policy))
        attester = _Attester(context, objects, args, target, newer) if args.attest else None
        verified = verify_range(git, objects, question, newer, older)
        if not verified:
            _refuse_backwards(args.rev, newer, older)
        looked = [Looked(each) for each in verified]
        if args.rederive:
            from lfci_gate.clone.rederive import rederive

            looked = [replace(each, derived=rederive(git, objects, each.verified)) for each in looked]
        if args.rebuild:
            rebuilt = _rebuild(context, objects, args, verified, remembers=older is not None)
            looked = [
                replace(each, rebuilt=tuple(rebuilt[claim.id] for claim in each.verified.claims))
                for each in looked
            ]
        problem = None
        if attester is not None:
            looked, problem = attester.attest(looked)
            question = replace(question, now=context.now())
            looked = [_judged_again(context, objects, question, each) for each in looked]
        back = _gone_back(context, objects, target)
    status = report(
        context.output, looked, ranged=older is not None, accept_bypassed=args.accept_bypassed, back=back
    )
    if problem is not None:
        raise problem
    return status


def _gone_back(context: Context, objects: BatchReader, target: Target) -> LfciError | None:
    """What is verified here is what the forge serves: was it more before?"""
    from lfci_gate.clone.evidence import evidence_refs
    from lfci_gate.clone.seen import look, remember, went_back

    found = look(context.git, objects, target, evidence_refs(context.git), fresh=False)
    if found.back:
        return went_back(target, found.back)
    remember(context.git, found)
    return None


def _refuse_options(args: argparse.Namespace) -> None:
    if args.jobs < 1:
        raise UsageError("LFCI514", "--jobs must be at least 1")
    if args.attest and not (args.rederive or args.rebuild):
        raise UsageError("LFCI514", "--attest signs what --rederive or --rebuild finds out; name one of them")


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


# -- rebuilding -----------------------------------------------------------------------------------


def _rebuild(
    context: Context,
    objects: BatchReader,
    args: argparse.Namespace,
    verified: tuple[Verified, ...],
    *,
    remembers: bool,
) -> dict[str, Finding]:
    """The findings by the id of their attestation. What a range has found out is remembered, so that
    an audit that was interrupted goes on where it was; one commit is rebuilt whenever that is asked for."""
    from lfci_gate.cli.progress import QuietProgress, RunProgress
    from lfci_gate.clone.rebuild import How, Rebuilder
    from lfci_gate.clone.rebuild_memory import recall, remember

    output = context.output
    fresh = args.store == STORES[1]
    state = Path(context.git.common_dir) / "lfci"
    claims = {claim.id: claim for each in verified for claim in each.claims}
    found: dict[str, Finding] = {}
    if remembers and not args.force:
        known = (recall(state, claim, fresh=fresh) for claim in claims.values())
        found = {each.claim.id: each for each in known if each is not None}
        if found:
            output.note(f"{len(found)} of {len(claims)} attested runs were rebuilt before")

    def hear(finding: Finding) -> None:
        found[finding.claim.id] = finding
        remember(state, finding, fresh=fresh)
        if remembers:
            told = f"{finding.claim.run.check} {finding.claim.run.inputs_tree[:12]}"
            output.note(f"[{len(found)}/{len(claims)}] {told}: {finding.answer.value}")

    alone = not remembers
    rebuilder = Rebuilder(
        context.git,
        objects,
        How(fresh, args.jobs),
        lambda check: RunProgress(output, check, None) if alone else QuietProgress(output, check),
    )
    rebuilder.rebuild(verified, tuple(found), hear)
    return found


# -- signing --------------------------------------------------------------------------------------


class _Attester:
    """Who signs findings, looked up before anything is built for them."""

    def __init__(
        self,
        context: Context,
        objects: BatchReader,
        args: argparse.Namespace,
        target: Target,
        newest: ObjectId,
    ) -> None:
        from lfci_gate.clone.target import landed_policy
        from lfci_gate.gate.objects import read_commit

        self._context = context
        self._remote = None if args.no_push else target.remote
        settings = context.settings(key=args.key)
        policy = landed_policy(objects, target, read_commit(objects, newest).tree)
        if policy is None:
            raise UsageError("LFCI201", "there is no policy, so no role that could verify", hint="lfci init")
        self._policy = policy
        self._signer = settings.signer(context.ask_passphrase)
        public = self._signer.public
        self._key = next((each for each in policy.keys if each.public == public), None)
        self._name = settings.agent_name(policy, public)

    def attest(self, looked: list[Looked]) -> tuple[list[Looked], LfciError | None]:
        """Signs the findings and delivers them; what could not be delivered is kept, and told."""
        from lfci_gate.clone.vouch import deliver, vouch, why_it_will_not_count

        git = self._context.git
        done: list[Looked] = []
        made: list[Vouched] = []
        warned: set[str] = set()
        for each in looked:
            findings = (*each.derived, *each.rebuilt)
            vouched = vouch(git, findings, self._signer, self._name, self._context.now())
            for finding in findings:
                why = why_it_will_not_count(self._policy, self._key, finding)
                if why and why not in warned:
                    self._context.output.note(f"warning: {why}")
                    warned.add(why)
            made += vouched
            done.append(replace(each, signed=vouched))
        if not made or self._remote is None:
            return done, None
        try:
            deliver(git, self._remote, made)
        except LfciError as error:
            return done, error
        return [replace(each, delivered=True) for each in done], None


def _judged_again(context: Context, objects: BatchReader, question: Question, looked: Looked) -> Looked:
    """What was refused may be accepted now, with what was signed about it."""
    if looked.verified.verdict.kind is VerdictKind.ACCEPTED or not looked.signed:
        return looked
    return replace(looked, verified=verify(context.git, objects, question, looked.verified.commit))
