"""Class 3, JavaScript: package.json and deno.json."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lfci_gate.config.candidates import JUNIT, Candidate, Finding, Refused, candidate
from lfci_gate.config.shelltext import vacuous
from lfci_gate.config.tree_view import TreeView, dig

_LOCKFILES = (
    ("npm", ("package-lock.json", "npm-shrinkwrap.json")),
    ("pnpm", ("pnpm-lock.yaml",)),
    ("yarn", ("yarn.lock",)),
    ("bun", ("bun.lock", "bun.lockb")),
)
_MANAGER = re.compile(r"(npm|pnpm|yarn|bun)@[0-9]")

# Runners that write JUnit by themselves. Only a script that is nothing but the runner takes options
# at its end; `vitest` alone would watch.
_REPORTERS = (
    (re.compile(r"vitest run(?: [^&|;<>]*)?"), '--reporter=junit --outputFile="$out/junit.xml"'),
    (re.compile(r"bun test"), '--reporter=junit --reporter-outfile="$out/junit.xml"'),
    (re.compile(r"node --test"), '--test-reporter=junit --test-reporter-destination="$out/junit.xml"'),
)


def javascript(view: TreeView) -> Iterator[Finding]:
    if view.has("package.json"):
        yield from _package(view)
    file = view.first("deno.json", "deno.jsonc")
    if file is not None:
        yield from _deno(view, file)


def _package(view: TreeView) -> Iterator[Finding]:
    package = view.json("package.json")
    for name in ("ci", "test"):
        script = dig(package, "scripts", name)
        if not isinstance(script, str):
            continue
        why = vacuous(script)
        if why is not None:
            yield Refused("package.json", f"scripts.{name} {why}")
            continue
        for manager, reason in _managers(view, package.get("packageManager")):
            yield _script(manager, name, script.strip(), reason)
        return


def _managers(view: TreeView, declared: object) -> Iterator[tuple[str, str]]:
    """Package managers with why; several lockfiles are several answers."""
    if isinstance(declared, str) and (found := _MANAGER.match(declared)):
        yield found[1], "packageManager says so"
        return
    locked = [(name, view.first(*files)) for name, files in _LOCKFILES]
    present = [(name, f"of {file}") for name, file in locked if file is not None]
    yield from present or [("npm", "no lockfile says otherwise")]


def _script(manager: str, name: str, script: str, reason: str) -> Candidate:
    # `bun test` is bun's own runner, not the script.
    short = name == "test" and manager != "bun"
    command = f"{manager} {name}" if short else f"{manager} run {name}"
    why = f"declares scripts.{name}; {manager} because {reason}"
    for runner, options in _REPORTERS:
        if runner.fullmatch(script):
            between = " -- " if manager == "npm" else " "
            return candidate("package.json", why, command, run=command + between + options, report=JUNIT)
    return candidate("package.json", why, command)


def _deno(view: TreeView, file: str) -> Iterator[Finding]:
    tasks = view.json(file, comments=True).get("tasks")
    for name in ("ci", "test"):
        task = dig(tasks, name)
        text = dig(task, "command") if isinstance(task, dict) else task
        if not isinstance(text, str):
            continue
        why = vacuous(text)
        if why is not None and dig(task, "dependencies") is None:
            yield Refused(file, f"tasks.{name} {why}")
            continue
        command = f"deno task {name}"
        if re.fullmatch(r"deno test(?: [^&|;<>]*)?", text.strip()):
            run = f'{command} --junit-path="$out/junit.xml"'
            yield candidate(file, f"declares tasks.{name}", command, run=run, report=JUNIT)
        else:
            yield candidate(file, f"declares tasks.{name}", command)
        return
