"""`lfci install`: hooks, evidence and agent tools of this clone, beside what is there."""

from __future__ import annotations

import argparse
from pathlib import Path

from lfci_gate import files, resources
from lfci_gate.cli.client_hooks import (
    Done,
    find_program,
    install_hook,
    mirror_evidence,
    remove_hooks,
    stop_mirroring,
)
from lfci_gate.cli.context import Context
from lfci_gate.cli.hook_places import git_version, plan
from lfci_gate.clone.target import find_target
from lfci_gate.errors import UsageError
from lfci_gate.git.process import Git

AGENTS = {"claude": ".claude/settings.json", "codex": ".codex/hooks.json"}
_FRAMEWORK_FILE = ".pre-commit-config.yaml"
_BYTES = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--framework",
        choices=("native", "pre-commit"),
        default="native",
        help="native: hooks of git (default); pre-commit: an entry in its configuration",
    )
    parser.add_argument(
        "--agents",
        metavar="LIST",
        default="",
        help=f"settings for agent tools, of: {', '.join(AGENTS)} (files that exist are never edited)",
    )
    parser.add_argument("--remote", metavar="NAME", help="whose evidence to fetch (default: the target's)")
    parser.add_argument("--uninstall", action="store_true", help="take everything away again")
    parser.epilog = (
        "Hooks that are there stay, and run first. core.hooksPath is never changed. What cannot be\n"
        "kept beside lfci's is refused (LFCI518) before anything is written."
    )


def run(args: argparse.Namespace, context: Context) -> int:
    """Raises UsageError LFCI518 when what is there cannot be kept beside ours."""
    git = context.git
    if git.is_bare:
        raise UsageError(
            "LFCI510", "a bare repository has no client hooks", hint="lfci forge init REPO --policy FILE"
        )
    agents = _agents(args.agents)
    remote = args.remote or find_target(git).remote
    done: list[Done] = []
    stanzas: list[tuple[str, str]] = []
    if args.uninstall:
        done += remove_hooks(git)
        done += stop_mirroring(git, remote) if remote else ()
        done += _remove_files(git.toplevel)
    else:
        if args.framework == "native":
            program = find_program(context.environ.get("PATH"))
            done += [install_hook(git, place, program) for place in plan(git, git_version(git))]
        else:
            text = _template("hooks/pre-commit-config.yaml")
            _offer("pre-commit", git.toplevel / _FRAMEWORK_FILE, text, done, stanzas)
        for agent in agents:
            _offer(agent, git.toplevel / AGENTS[agent], _template(f"agents/{agent}.json"), done, stanzas)
        if remote is not None:
            done.append(mirror_evidence(git, remote))
    _report(context, args, done, stanzas, remote)
    return 0


def _report(
    context: Context,
    args: argparse.Namespace,
    done: list[Done],
    stanzas: list[tuple[str, str]],
    remote: str | None,
) -> None:
    output = context.output
    output.json(
        {
            "schema": "lfci.install/1",
            "done": [
                {"what": each.what, "state": each.state, "detail": each.detail, "path": each.path or None}
                for each in done
            ],
            "stanzas": [{"file": name, "text": text} for name, text in stanzas],
            "remote": remote,
        }
    )
    if not done and not stanzas:
        output.line("nothing of lfci is installed in this clone")
    for each in done:
        detail = ", ".join(part for part in (each.detail, _short(context.git, each.path)) if part)
        output.line(f"{each.what:<19} {each.state:<10} {detail}".rstrip())
    for name, text in stanzas:
        output.line()
        output.line(f"{name} exists and is yours. Add this to it:", "strong")
        output.line()
        for line in text.splitlines():
            output.line("  " + line if line else "")
    if args.uninstall:
        return
    if remote is None:
        output.line()
        output.line("There is no remote yet. When there is one: lfci install (again)")
    if args.framework == "native":
        output.line()
        output.line("A plain git push is judged here first now, and brings its proof along.")
        output.line("It tells early what the forge would say; the forge decides.")
    else:
        output.line()
        output.line("Next: pre-commit install")
        output.line("pre-commit names only the first ref of a push; the forge judges all of them.")


def _short(git: Git, path: str) -> str:
    top = str(git.toplevel) + "/"
    return path.removeprefix(top)


# -- files of other tools -----------------------------------------------------------------------


def _agents(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in AGENTS]
    if unknown:
        raise UsageError(
            "LFCI514",
            f"no settings are known for the agent tool {unknown[0]}",
            facts=(f"known: {', '.join(AGENTS)}",),
            hint="let it run: lfci session start --if-none, and at its end: lfci check",
        )
    return names


def _offer(what: str, path: Path, text: str, done: list[Done], stanzas: list[tuple[str, str]]) -> None:
    """Writes a file that is not there; one that is there is its owner's, and gets advice."""
    held = files.read_file(path, _BYTES)
    if held is None:
        files.write_file(path, text.encode(), mode=0o644)
        done.append(Done(what, "installed", "", str(path)))
    elif held == text.encode():
        done.append(Done(what, "there", "", str(path)))
    else:
        stanzas.append((str(path), text))


def _remove_files(top: Path) -> list[Done]:
    """Files that are exactly as we wrote them; a folder that is empty then goes too."""
    ours = {_FRAMEWORK_FILE: "hooks/pre-commit-config.yaml"}
    ours |= {file: f"agents/{agent}.json" for agent, file in AGENTS.items()}
    done = []
    for name, template in ours.items():
        path = top / name
        if files.read_file(path, _BYTES) == _template(template).encode():
            files.remove(path)
            if path.parent != top and not any(path.parent.iterdir()):
                path.parent.rmdir()
            done.append(Done(name, "removed", "", ""))
    return done


def _template(name: str) -> str:
    return (resources.templates() / name).read_text(encoding="utf-8")
