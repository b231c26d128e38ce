"""What of this clone checks and landings need: declared checks, policy, key, hooks, evidence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lfci_gate import files
from lfci_gate.cli.context import Context
from lfci_gate.cli.findings import Finding, fail, failed, ok, warn
from lfci_gate.cli.policy_source import PolicyFound, find_policy, key_state
from lfci_gate.clone.evidence import MIRROR
from lfci_gate.clone.target import find_target
from lfci_gate.codes import CODES
from lfci_gate.config.policy import PATH as POLICY_PATH
from lfci_gate.config.policy import unsatisfiable
from lfci_gate.config.project import PATH, parse_project
from lfci_gate.errors import LfciError
from lfci_gate.git.objects import BatchReader

_CONFIG_BYTES = 256 * 1024


def clone_findings(context: Context) -> Iterator[Finding]:
    """Findings about the clone that the current directory is in; one warning outside of any."""
    try:
        top = context.git.toplevel
    except LfciError as error:
        yield warn("clone", f"not looked at: {error.message}", "run it in a working copy")
        return
    yield _checks(top)
    yield _flake(context, top)
    policy, finding = _policy(context)
    yield finding
    yield _key(context, policy)
    yield from _runner(context, policy)
    yield _hooks(context, top)
    yield _evidence(context)


def _checks(top: Path) -> Finding:
    try:
        data = files.read_file(top / PATH, _CONFIG_BYTES)
        if data is None:
            return fail("checks", f"there is no {PATH}", "lfci init")
        checks = parse_project(data).checks
    except LfciError as error:
        return failed("checks", error)
    if not checks:
        return fail("checks", f"{PATH} declares none", "lfci help checks")
    return ok("checks", ", ".join(check.name for check in checks))


def _flake(context: Context, top: Path) -> Finding:
    missing = [name for name in ("flake.nix", "flake.lock") if not (top / name).is_file()]
    if missing == ["flake.lock"]:
        return fail("flake", "flake.lock is missing", CODES["LFCI316"].remedy)
    if missing:
        return fail("flake", "flake.nix is missing", "lfci help flake (a minimal one to copy)")
    out = context.git.run("ls-files", "-z", "--", ":(top)flake.nix", ":(top)flake.lock")
    if out.count(b"\0") < 2:
        return warn("flake", "git does not track it, so commits do not have it",
                    "git add flake.nix flake.lock")  # fmt: skip
    return ok("flake", "flake.nix and flake.lock")


def _policy(context: Context) -> tuple[PolicyFound | None, Finding]:
    try:
        with BatchReader(context.git) as objects:
            found = find_policy(context, objects)
    except LfciError as error:
        return None, failed("policy", error)
    if found is None:
        return None, warn(
            "policy", "none yet: nothing here or at the target says who may land what", "lfci init"
        )
    policy = found.policy
    problems = unsatisfiable(policy)
    if problems:
        return found, fail("policy", problems[0], "enrol more keys, or ask for fewer (lfci help policy)")
    text = f"version {policy.version} in {found.where}, {_count(len(policy.keys), 'key')}"
    if not found.landed:
        fix = f"on the server: lfci forge init REPO --policy {POLICY_PATH}"
        return found, warn("policy", f"{text}; no remote has it yet", fix)
    return found, ok("policy", text)


def _key(context: Context, found: PolicyFound | None) -> Finding:
    from lfci_gate.attest.signers import AGENT_PREFIX

    settings = context.settings()
    try:
        setting = settings.key_setting()
        public = settings.public_key()
        private = None if setting.startswith(AGENT_PREFIX) else Path(os.path.expanduser(setting))
        if private is not None and not private.exists():
            return fail("key", f"there is none at {private} [LFCI511]", "lfci key generate")
        if public is None:
            public = settings.signer(None).public
        elif private is not None:
            mode = private.stat().st_mode
            if mode & 0o077:
                return fail("key", f"others may read {private} [LFCI512]", f"chmod 600 {private}")
    except LfciError as error:
        return failed("key", error)
    except OSError as error:
        return fail("key", f"{setting}: {error.strerror} [LFCI511]", "lfci key generate")
    if found is None:
        return ok("key", public.fingerprint)
    entry = next((key for key in found.policy.keys if key.public == public), None)
    if entry is None:
        return warn("key", f"{public.fingerprint} is not in the policy: what it signs does not count",
                    "ask a maintainer to enrol what `lfci key show` prints")  # fmt: skip
    state = key_state(entry, context)
    text = f"{entry.name} ({', '.join(entry.roles)}), {public.fingerprint}"
    if state != "valid":
        return fail("key", f"{text} is {state}", "ask a maintainer for a new entry in the policy")
    return ok("key", text)


def _runner(context: Context, found: PolicyFound | None) -> Iterator[Finding]:
    """Only where one is set: what runs and signs instead of this machine."""
    settings = context.settings()
    try:
        socket = settings.runner()
        if socket is None:
            return
        from lfci_gate.runner.client import status

        told = status(socket)
        name, key = told.text("name"), told.text("key")
        pinned = settings.runner_key()
    except LfciError as error:
        yield failed("runner", error)
        return
    known = {} if found is None else {each.public.fingerprint: each.name for each in found.policy.keys}
    if pinned is not None:
        known.setdefault(pinned.fingerprint, "lfci.runnerKey")
    if key not in known:
        text = f"{name} at {socket} has a key that is in no policy: {key} [LFCI529]"
        yield fail("runner", text, "ask a maintainer to enrol it with the role runner")
    else:
        yield ok("runner", f"{name} at {socket}, key {known[key]}")


def _hooks(context: Context, top: Path) -> Finding:
    from lfci_gate.cli.hook_places import HOOKS, hooks_folder, is_chain, is_shim, shim_folder

    git = context.git
    _, folder = hooks_folder(git)
    places: dict[str, str] = {}
    for hook in HOOKS:
        candidates = [folder / hook, folder / f"{hook}.legacy", folder.parent / hook]
        if f"hook.lfci-{hook}.command" in git.settings:
            places[hook] = "config"
            candidates = [shim_folder(git) / hook]
        for path in candidates:
            if is_shim(path) or is_chain(path):
                if not os.access(path, os.X_OK):
                    return fail("hooks", f"{path} is not executable, so git skips it", f"chmod 755 {path}")
                places.setdefault(hook, "file")
    missing = [hook for hook in HOOKS if hook not in places]
    if not missing:
        return ok("hooks", ", ".join(HOOKS))
    if _in_framework(top) and _is_framework(folder / "pre-push"):
        return ok("hooks", "through .pre-commit-config.yaml")
    if len(missing) == len(HOOKS):
        return warn("hooks", "none: a plain git push brings no proof (lfci land does)", "lfci install")
    return warn("hooks", f"missing: {', '.join(missing)}", "lfci install")


def _in_framework(top: Path) -> bool:
    data = files.read_file(top / ".pre-commit-config.yaml", 1 << 20)
    return data is not None and (b"lfci hook pre-push" in data or b"id: lfci-gate" in data)


def _is_framework(path: Path) -> bool:
    data = files.read_file(path, 1 << 20) if path.is_file() else None
    return data is not None and (b"pre-commit" in data or b"prek" in data)


def _evidence(context: Context) -> Finding:
    try:
        remote = find_target(context.git).remote
    except LfciError as error:
        return warn("evidence", error.message, "name the branch: git config lfci.target BRANCH")
    if remote is None:
        return warn("evidence", "there is no remote to take evidence from", "git remote add origin URL")
    held = context.git.settings.get(f"remote.{remote}.fetch", ())
    if any(spec not in held for spec in MIRROR):
        return warn("evidence", f"git fetch {remote} does not bring the forge's evidence", "lfci install")
    return ok("evidence", f"git fetch {remote} brings the forge's")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")
