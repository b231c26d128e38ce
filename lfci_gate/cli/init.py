"""`lfci init`: declare the project's checks, write a first policy, make a key.

Nothing that is there is overwritten, and all texts are made before the first one is written.
"""

from __future__ import annotations

import argparse
import os
import shlex
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from lfci_gate import files
from lfci_gate.cli.context import Context
from lfci_gate.cli.init_report import CONFIG, POLICY, InitResult, KeyUsed, one_line, report
from lfci_gate.cli.key import key_name
from lfci_gate.cli.project_files import ProjectFiles, project_files
from lfci_gate.config.candidates import Candidate
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.project import parse_project
from lfci_gate.config.scaffold import ScaffoldKey, scaffold_config, scaffold_policy
from lfci_gate.errors import UsageError
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.refs import head_branch
from lfci_gate.model import ProjectConfig, PublicKey, ReportSpec

if TYPE_CHECKING:
    from lfci_gate.config.detect import Detection


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--yes", action="store_true", help="ask nothing; take the choice when there is only one"
    )
    parser.add_argument("--run", metavar="CMD", help="the command, instead of looking for one")
    parser.add_argument(
        "--report",
        metavar="junit:PATH|tap",
        help="the report that the command writes: JUnit at PATH below $out, or TAP on stdout",
    )
    parser.add_argument("--name", default="test", metavar="NAME", help="name of the check (default: test)")
    parser.add_argument("--branch", metavar="NAME", help="the branch to protect (default: the current one)")
    parser.epilog = (
        "examples:\n"
        "  lfci init\n"
        "  lfci init --run 'pytest --junitxml=$out/junit.xml' --report junit:junit.xml\n\n"
        "Files that are there are never overwritten."
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Raises UsageError LFCI301 (nothing to run was found), LFCI302 (several), LFCI405, LFCI202."""
    top = context.git.toplevel
    with BatchReader(context.git) as objects:
        project = project_files(context.git, objects)
        texts: dict[str, str] = {}
        chosen: Candidate | None = None
        suggestions: tuple[Candidate, ...] = ()
        held = files.read_file(top / CONFIG, 1 << 20)
        if held is None:
            chosen, suggestions = _choose(args, context, project)
            texts[CONFIG] = scaffold_config(chosen, name=args.name)
        elif args.run is not None:
            raise UsageError("LFCI514", f"{CONFIG} is there already and is never overwritten",
                             hint=f"edit {CONFIG} (lfci help checks)")  # fmt: skip
        config = parse_project(held if held is not None else texts[CONFIG].encode())
        result = _with_policy(args, context, project, config, chosen, texts)
    for name, text in texts.items():
        files.write_file(top / name, text.encode(), mode=0o644)
    report(context, result, suggestions)
    return 0


# -- the check --------------------------------------------------------------------------------------


def _choose(
    args: argparse.Namespace, context: Context, project: ProjectFiles
) -> tuple[Candidate, tuple[Candidate, ...]]:
    if args.run is not None:
        return Candidate("the command line", "names it", args.run, args.run, _report_spec(args.report)), ()
    if args.report is not None:
        raise UsageError("LFCI514", "--report says what --run writes, so it needs --run")
    from lfci_gate.config.detect import detect

    found = detect(project.paths, project.read)
    if len(found.candidates) > 1 and context.interactive and not args.yes:
        return _ask(context, found), found.suggestions
    return _only_one(found), found.suggestions


def _only_one(found: Detection) -> Candidate:
    """The unambiguous choice; an ambiguous one is refused with a command that makes it."""
    try:
        return found.choose()
    except UsageError as error:
        if not found.candidates:
            raise
        command = shlex.quote(found.candidates[0].command)
        hint = f"lfci init --run {command} (or another of these)"
        raise UsageError(error.code, error.message, facts=error.facts, hint=hint) from None


def _ask(context: Context, found: Detection) -> Candidate:
    context.output.note("Several commands could be the project's test:")
    for number, each in enumerate(found.candidates, 1):
        context.output.note(f"  {number}  {one_line(each.command)}   ({each.file} {each.reason})")
    for path, why in found.unreadable:
        context.output.note(f"  (not looked at: {path} {why})")
    answer = context.ask(f"Which one? [1-{len(found.candidates)}, nothing to stop] ")
    if answer.isdecimal() and 1 <= int(answer) <= len(found.candidates):
        return found.candidates[int(answer) - 1]
    return _only_one(found)  # says what there is to choose from


def _report_spec(text: str | None) -> ReportSpec | None:
    if text is None:
        return None
    form, colon, path = text.partition(":")
    if form == "tap" and not colon:
        return ReportSpec("tap", None)
    if form == "junit" and path:
        return ReportSpec("junit", path)
    raise UsageError("LFCI514", f"--report is junit:PATH or tap, not {text}",
                     hint="lfci init --run CMD --report junit:junit.xml")  # fmt: skip


# -- key and policy ---------------------------------------------------------------------------------


def _with_policy(
    args: argparse.Namespace,
    context: Context,
    project: ProjectFiles,
    config: ProjectConfig,
    chosen: Candidate | None,
    texts: dict[str, str],
) -> InitResult:
    if not config.checks:
        raise UsageError("LFCI406", f"{CONFIG} declares no check", hint="lfci help checks")
    from lfci_gate.clone.settings import key_in_policy

    top = context.git.toplevel
    branch = args.branch or (head_branch(context.git) or "main").removeprefix("refs/heads/")
    held = files.read_file(top / POLICY, 1 << 20)
    key = _key(context)
    approver: KeyUsed | None = None
    if held is None:
        approver = _maintainer_key(context)
        keys = _scaffold_keys(context, key.public, approver.public)
        texts[POLICY] = _policy_text(project, config, chosen, branch, keys)
    policy = parse_policy(held if held is not None else texts[POLICY].encode())
    return InitResult(
        project=config,
        chosen=chosen,
        written=tuple(texts),
        key=key,
        key_name=key_in_policy(policy, key.public),
        approver=approver,
        approver_name=key_in_policy(policy, approver.public) if approver is not None else None,
        branch=branch,
        flake=b"flake.nix" in project.paths or (top / "flake.nix").exists(),
    )


def _key(context: Context) -> KeyUsed:
    from lfci_gate.clone.settings import default_key_path

    settings = context.settings()
    setting = settings.key_setting()
    public = settings.public_key()
    if public is not None:
        return KeyUsed(public, setting, made=False)
    path = Path(os.path.expanduser(setting))
    if setting == str(default_key_path(context.environ)) and not path.exists():
        from lfci_gate.attest.private import generate

        return KeyUsed(generate(path, None), setting, made=True)
    return KeyUsed(settings.signer(context.ask_passphrase).public, setting, made=False)


def _maintainer_key(context: Context) -> KeyUsed:
    """The key that approves. Nobody approves what they attested, so one key for both would leave
    the first policy without any protection, or with one that nobody can meet."""
    from lfci_gate.attest.private import generate, load_private
    from lfci_gate.clone.settings import maintainer_key_path

    path = maintainer_key_path(context.environ)
    if path.exists():
        public = load_private(path, None, ask_passphrase=context.ask_passphrase).public
        return KeyUsed(public, str(path), made=False)
    return KeyUsed(generate(path, None), str(path), made=True)


def _scaffold_keys(context: Context, run: PublicKey, approve: PublicKey) -> list[ScaffoldKey]:
    from lfci_gate.attest.keys import format_public

    user = context.git.config("user.name") or context.environ.get("USER") or ""
    name = key_name(user)[:57]
    if run == approve:
        raise UsageError(
            "LFCI511",
            "the key that signs runs is the maintainer key; nobody approves what they attested",
            hint="git config --unset lfci.key (or name another key there), then: lfci init",
        )
    return [
        ScaffoldKey(name, format_public(approve), ("maintainer",)),
        ScaffoldKey(f"{name}-agent", format_public(run), ("agent",)),
    ]


def _policy_text(
    project: ProjectFiles,
    config: ProjectConfig,
    chosen: Candidate | None,
    branch: str,
    keys: list[ScaffoldKey],
) -> str:
    from lfci_gate.lockfiles.names import is_lockfile

    check = config.check("test") or config.checks[0]
    declared = chosen is not None and chosen.file.encode() in project.paths
    return scaffold_policy(
        repository=str(uuid.uuid4()),
        keys=keys,
        branch=branch,
        check=check.name,
        report=check.report is not None,
        tree=project.paths,
        lockfiles=[path.decode("utf-8", "replace") for path in project.paths if is_lockfile(path)],
        alias_file=chosen.file if declared and chosen is not None else None,
    )
