"""Class 2: task runners; of their targets `ci`, then `check`, then `test`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lfci_gate.config.candidates import Finding, Refused, candidate, prefer
from lfci_gate.config.make_text import just_recipes, makefile_targets
from lfci_gate.config.tree_view import TreeView, command_text, dig

_RAKE_TASK = re.compile(r"^(?:multitask|task)[ (]+(?::\"|:'|[:\"'])?([a-z_]+)", re.MULTILINE)
_RAKE_CLASS = re.compile(
    r"^[ \t]*(Rake::TestTask|RSpec::Core::RakeTask)\.new(?:\(:?([a-z_]+)\))?", re.MULTILINE
)
_DOIT = re.compile(r"^def task_([a-z_]+)\(", re.MULTILINE)
_INVOKE = re.compile(r"^@task\b[^\n]*\ndef ([a-z_]+)\(", re.MULTILINE)


def task_runners(view: TreeView) -> Iterator[Finding]:
    yield from _make(view)
    yield from _just(view)
    yield from _taskfile(view)
    yield from _mise(view)
    yield from _devbox(view)
    yield from _rake(view)
    yield from _python_files(view)
    yield from _pyproject(view)
    yield from _monorepo(view)


def _make(view: TreeView) -> Iterator[Finding]:
    file = view.first("GNUmakefile", "makefile", "Makefile")  # the order in which GNU make looks
    if file is not None:
        targets = makefile_targets(view.text(file) or "")
        yield from prefer(file, targets, lambda name: f"make {name}", "target")


def _just(view: TreeView) -> Iterator[Finding]:
    file = view.first("justfile", "Justfile", ".justfile")
    if file is not None:
        recipes, needy = just_recipes(view.text(file) or "")
        for name in ("ci", "check", "test"):
            if name in needy:
                del recipes[name]
                yield Refused(file, f"the recipe {name} needs arguments")
        yield from prefer(file, recipes, lambda name: f"just {name}", "recipe")


def _taskfile(view: TreeView) -> Iterator[Finding]:
    names = [
        f"{name}.{end}"
        for end in ("yml", "yaml", "dist.yml", "dist.yaml")
        for name in ("Taskfile", "taskfile")
    ]
    file = view.first(*names)
    if file is None:
        return
    tasks = dig(view.yaml(file), "tasks")
    bodies = {name: _task_body(task) for name, task in tasks.items()} if isinstance(tasks, dict) else {}
    yield from prefer(file, bodies, lambda name: f"task {name}", "task")


def _task_body(task: Any) -> str | None:
    if isinstance(task, dict):
        if task.get("deps"):
            return None
        task = task.get("cmds", task.get("cmd", ""))
    if isinstance(task, list) and any(not isinstance(item, str) for item in task):
        return None  # calls of other tasks, and commands with options
    return command_text(task) or ""


def _mise(view: TreeView) -> Iterator[Finding]:
    file = view.first("mise.toml", ".mise.toml", "mise/config.toml", ".config/mise.toml")
    if file is None:
        return
    tasks = view.toml(file).get("tasks")
    bodies: dict[str, str | None] = {}
    for name, task in tasks.items() if isinstance(tasks, dict) else ():
        if isinstance(task, dict):
            fixed = not task.get("depends") and "file" not in task
            bodies[name] = command_text(task.get("run", "")) if fixed else None
        else:
            bodies[name] = command_text(task)
    yield from prefer(file, bodies, lambda name: f"mise run {name}", "task")


def _devbox(view: TreeView) -> Iterator[Finding]:
    if view.has("devbox.json"):
        scripts = dig(view.json("devbox.json", comments=True), "shell", "scripts")
        bodies = _texts(scripts)
        yield from prefer("devbox.json", bodies, lambda name: f"devbox run {name}", "script")


def _rake(view: TreeView) -> Iterator[Finding]:
    file = view.first("Rakefile", "rakefile", "Rakefile.rb", "rakefile.rb")
    if file is None:
        return
    text = view.text(file) or ""
    names = set(_RAKE_TASK.findall(text))
    for kind, name in _RAKE_CLASS.findall(text):
        names.add(name or ("test" if kind.startswith("Rake") else "spec"))
    rake = "bundle exec rake" if view.has("Gemfile") else "rake"
    bodies: dict[str, str | None] = dict.fromkeys(names)
    order = ("ci", "check", "default", "test", "spec")
    yield from prefer(
        file, bodies, lambda name: rake if name == "default" else f"{rake} {name}", "task", order
    )


def _python_files(view: TreeView) -> Iterator[Finding]:
    if "@nox.session" in (view.text("noxfile.py") or ""):
        yield candidate("noxfile.py", "declares sessions", "nox")
    for file, sections in (("tox.ini", {"tox", "testenv"}), ("setup.cfg", {"tox:tox"})):
        if view.sections(file) & sections:
            yield candidate(file, "configures tox", "tox")
            break
    else:
        if view.has("tox.toml"):
            yield candidate("tox.toml", "configures tox", "tox")
    for file, pattern, program in (("dodo.py", _DOIT, "doit"), ("tasks.py", _INVOKE, "invoke")):
        tasks: dict[str, str | None] = dict.fromkeys(pattern.findall(view.text(file) or ""))
        yield from prefer(file, tasks, lambda name, program=program: f"{program} {name}", "task")  # type: ignore[misc]


def _pyproject(view: TreeView) -> Iterator[Finding]:
    file = "pyproject.toml"
    tool = view.toml(file).get("tool")
    if not isinstance(tool, dict):
        return
    if "tox" in tool:
        yield candidate(file, "configures tox", "tox")
    yield from prefer(file, _texts(dig(tool, "poe", "tasks")), lambda name: f"poe {name}", "poe task")
    yield from prefer(file, _texts(dig(tool, "pdm", "scripts")), lambda name: f"pdm run {name}", "pdm script")
    yield from prefer(
        file, _texts(dig(tool, "taskipy", "tasks")), lambda name: f"task {name}", "taskipy task"
    )
    environments = dig(tool, "hatch", "envs")
    for environment in environments if isinstance(environments, dict) else ():
        scripts = _texts(dig(environments, environment, "scripts"))
        start = "hatch run " if environment == "default" else f"hatch run {environment}:"
        yield from prefer(file, scripts, lambda name, start=start: start + name, "hatch script")  # type: ignore[misc]


def _monorepo(view: TreeView) -> Iterator[Finding]:
    if view.has("turbo.json"):
        turbo = view.json("turbo.json", comments=True)
        tasks = turbo.get("tasks", turbo.get("pipeline"))
        names: dict[str, str | None] = dict.fromkeys(tasks) if isinstance(tasks, dict) else {}
        yield from prefer("turbo.json", names, lambda name: f"turbo run {name}", "task")
    if view.has("nx.json") and isinstance(dig(view.json("nx.json"), "targetDefaults", "test"), dict):
        yield candidate("nx.json", "declares the target test", "nx run-many -t test")


def _texts(tasks: Any) -> dict[str, str | None]:
    """Tasks by name; None for those that are more than a command."""
    return {name: command_text(task) for name, task in tasks.items()} if isinstance(tasks, dict) else {}
