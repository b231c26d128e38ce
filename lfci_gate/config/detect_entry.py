"""Class 1: whole-CI entry points."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lfci_gate.canonical import is_plain
from lfci_gate.config.candidates import Candidate, Finding, Refused, candidate, suggestion
from lfci_gate.config.shelltext import vacuous
from lfci_gate.config.tree_view import TreeView, dig

# Of one family only the first counts: `script/cibuild` is what calls `script/test`.
_SCRIPTS = (
    ("bin/ci",),
    ("script/cibuild", "script/test"),
    ("scripts/ci",),
    (".ci/run",),
    ("ci.sh",),
)

# file, keys of a shell text, text put in front
_YAML = (
    (".config/selfci/ci.yaml", ("job", "command"), "export SELFCI_JOB_NAME=main; "),
    (".radicle/native.yaml", ("shell",), ""),
    (".no-mistakes.yaml", ("commands", "test"), ""),
)

# What needs Nix, containers, git or a server around it cannot be run inside a check's sandbox.
_ELSEWHERE = (
    ("garnix.yaml", "garnix builds the flake's checks", "nix flake check"),
    ("buildbot-nix.toml", "buildbot-nix builds the flake's checks", "nix flake check"),
    ("devenv.nix", "devenv runs Nix itself", "devenv test"),
    (".radicle/ambient.yaml", "an Ambient plan runs in a virtual machine", "see its plan"),
    ("Earthfile", "Earthly needs containers", "earthly +test"),
    ("dagger.json", "Dagger needs containers", "dagger call test"),
)
_CI_FILES = (".gitlab-ci.yml", ".woodpecker.yml", ".woodpecker.yaml", ".build.yml")
_CI_FOLDERS = (
    ".github/workflows",
    ".forgejo/workflows",
    ".gitea/workflows",
    ".tangled/workflows",
    ".woodpecker",
    ".builds",
)
_CI_KEYS = ("run", "script", "commands", "command", "tasks")
_MAX_CI_COMMANDS = 8

_FLAKE_CHECKS = re.compile(r"(?:^|[\s{.])checks(?:[ \t]*[.=]|\.\$\{)", re.MULTILINE)


def entry_points(view: TreeView) -> Iterator[Finding]:
    for family in _SCRIPTS:
        yield from _script(view, family)
    for file, keys, before in _YAML:
        text = dig(view.yaml(file), *keys)
        if isinstance(text, str):
            yield _declared(file, ".".join(keys), before, text)
    if view.has("app.json"):
        text = dig(view.json("app.json"), "environments", "test", "scripts", "test")
        if isinstance(text, str):
            yield _declared("app.json", "environments.test.scripts.test", "", text)


def _script(view: TreeView, family: tuple[str, ...]) -> Iterator[Finding]:
    for file in family:
        text = view.text(file)
        if text is None:
            continue
        first = text.partition("\n")[0]
        shell = not first.startswith("#!") or first.rstrip().endswith(("sh", "sh -e", "sh -eu", "sh -ex"))
        why = vacuous(text) if shell else None
        if why is None:
            yield candidate(file, "is the project's CI script", file if "/" in file else f"./{file}")
            return
        yield Refused(file, f"the script {why}")


def _declared(file: str, key: str, before: str, text: str) -> Finding:
    why = vacuous(text) if is_plain(text, lines=True) else "has control characters"
    if why is not None:
        return Refused(file, f"{key} {why}")
    return candidate(file, f"declares {key}", before + text.strip())


# -- only suggestions --------------------------------------------------------------------------


def suggestions(view: TreeView) -> Iterator[Candidate]:
    """What a person may want to look at. Problems with these files are nobody's problem."""
    known = list(view.problems)
    flake = view.text("flake.nix") or ""
    if _FLAKE_CHECKS.search(flake):
        yield suggestion("flake.nix", 'has checks: declare one as flake = "checks.NAME"', "nix flake check")
    if "om.ci" in flake:
        yield suggestion("flake.nix", "is built by omnix, which runs Nix itself", "om ci")
    for file, reason, command in _ELSEWHERE:
        if view.has(file):
            yield suggestion(file, reason, command)
    hooks = view.first("lefthook.yml", "lefthook.yaml", ".lefthook.yml")
    if hooks is not None and "pre-push" in view.yaml(hooks):
        yield suggestion(hooks, "lefthook needs the git repository", "lefthook run pre-push --force")
    if view.has(".pre-commit-config.yaml"):
        reason = "pre-commit needs the git repository and the network"
        yield suggestion(".pre-commit-config.yaml", reason, "pre-commit run -a --hook-stage pre-push")
    workflows = [file for folder in _CI_FOLDERS for file in view.below(folder, ".yml", ".yaml")]
    for file in (*(file for file in _CI_FILES if view.has(file)), *workflows):
        commands: list[str] = []
        _collect(view.yaml(file), False, commands)
        for command in commands[:_MAX_CI_COMMANDS]:
            yield suggestion(file, "is a step of a CI server", command)
    view.problems[:] = known


def _collect(value: Any, wanted: bool, commands: list[str]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _collect(item, wanted or key in _CI_KEYS, commands)
    elif isinstance(value, list):
        for item in value:
            _collect(item, wanted, commands)
    elif wanted and isinstance(value, str):
        text = value.strip()
        if is_plain(text, lines=True) and text not in commands and vacuous(text) is None:
            commands.append(text)
