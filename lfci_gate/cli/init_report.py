"""What `lfci init` says when it is done: what was chosen and why, what was written, what comes next."""

from __future__ import annotations

from lfci_gate.cli.context import Context
from lfci_gate.config.candidates import Candidate
from lfci_gate.model import ProjectConfig, PublicKey
from lfci_gate.value import Value

__all__ = ["CONFIG", "POLICY", "InitResult", "KeyUsed", "one_line", "report"]

CONFIG = ".lfci/config.toml"
POLICY = ".lfci/policy.toml"


class KeyUsed(Value):
    public: PublicKey
    file: str
    made: bool


class InitResult(Value):
    project: ProjectConfig
    chosen: Candidate | None
    """None when the configuration was there."""
    written: tuple[str, ...]
    key: KeyUsed
    key_name: str | None
    """What the policy calls the key; None when it does not know it."""
    approver: KeyUsed | None
    """The maintainer's key; None when the policy was there already."""
    approver_name: str | None
    branch: str
    flake: bool


def report(context: Context, result: InitResult, suggestions: tuple[Candidate, ...]) -> None:
    """Prints it, as text or JSON. Arguments: ``suggestions`` are commands only worth looking at."""
    output = context.output
    steps = _next_steps(result)
    output.json(
        {
            "schema": "lfci.init/1",
            "checks": [check.name for check in result.project.checks],
            "command": None if result.chosen is None else result.chosen.command,
            "because": None if result.chosen is None else f"{result.chosen.file} {result.chosen.reason}",
            "files": {name: "written" if name in result.written else "there" for name in (CONFIG, POLICY)},
            "key": {
                "file": result.key.file,
                "fingerprint": result.key.public.fingerprint,
                "made": result.key.made,
                "name": result.key_name,
            },
            "maintainerKey": None
            if result.approver is None
            else {
                "file": result.approver.file,
                "fingerprint": result.approver.public.fingerprint,
                "made": result.approver.made,
                "name": result.approver_name,
            },
            "branch": result.branch,
            "flake": result.flake,
            "suggestions": [{"file": each.file, "command": each.command} for each in suggestions],
            "next": steps,
        }
    )
    chosen = result.chosen
    if chosen is not None:
        name = result.project.checks[0].name
        output.pair("check", f"{name}: {one_line(chosen.run)}", "strong")
        output.pair("", f"because {chosen.file} {chosen.reason}")
    else:
        output.pair("checks", ", ".join(check.name for check in result.project.checks), "strong")
    for path in (CONFIG, POLICY):
        output.pair("wrote" if path in result.written else "left", path if path in result.written
                    else f"{path}, which was there")  # fmt: skip
    _say_keys(context, result)
    for each in suggestions[:3]:
        output.pair("perhaps", f"{one_line(each.command)}   ({each.file} {each.reason})")
    output.pair("flake", "flake.nix is there" if result.flake
                else "MISSING: checks run in the dev shell of flake.nix (lfci help flake)",
                "" if result.flake else "warn")  # fmt: skip
    output.line()
    output.line("Next:", "strong")
    for number, step in enumerate(steps, 1):
        output.line(f"  {number}. {step}")


def _say_keys(context: Context, result: InitResult) -> None:
    output = context.output
    output.pair("key", f"{'made' if result.key.made else 'found'} {result.key.file}")
    if result.approver is None:
        if result.key_name is None:
            output.pair("", "the policy does not know this key: see lfci key show", "warn")
        else:
            output.pair("", f"in the policy as {result.key_name}")
        return
    output.pair("", f"signs runs; in the policy as {result.key_name}, with the role agent")
    output.pair("key", f"{'made' if result.approver.made else 'found'} {result.approver.file}")
    output.pair("", f"approves changes of what is protected; in the policy as {result.approver_name}")
    output.pair("", "Give each agent a key of its own, and keep this one where no agent can read it.")


def _next_steps(result: InitResult) -> list[str]:
    missing = "write flake.nix and lock it (lfci help flake), then: git add flake.nix flake.lock"
    steps = [] if result.flake else [missing]
    if result.written:
        steps.append(f"read {' and '.join(result.written)}, then: git add .lfci && git commit")
    return [
        *steps,
        "lfci doctor         (is everything here that checks need?)",
        "lfci check          (run the checks, sign the result)",
        "lfci install        (hooks: a plain git push brings the proof along)",
        "on the server: lfci forge init REPO --policy .lfci/policy.toml",
    ]


def one_line(text: str) -> str:
    return text.replace("\n", "; ")
