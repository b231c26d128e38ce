"""`lfci forge init` and `lfci forge status`: a bare repository becomes a forge with a gate, whole or
not at all, and the gate shows that it is awake."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from lfci_gate import files, resources
from lfci_gate.config.policy import parse_policy, rule_for, unsatisfiable
from lfci_gate.config.satisfiable import soon
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.gate.authority import rule_02_policy
from lfci_gate.gate.facts import Limits
from lfci_gate.gate.fold import clock
from lfci_gate.gate.forge import open_forge
from lfci_gate.gate.landed import forge_signer
from lfci_gate.gate.memory import settle
from lfci_gate.gate.pusher import SETTING, named_pusher
from lfci_gate.gate.state import ForgeState
from lfci_gate.gate.watch import Line, memory_lines
from lfci_gate.git.process import Git
from lfci_gate.git.refs import head_branch
from lfci_gate.model import Policy

HOOKS = ("post-receive", "pre-receive")
"""In the order of installation: the one that refuses comes last, when all it needs is there."""

SETTINGS = {
    # a reader never needs the inbox, and it would grow every fetch's advertisement; not
    # receive.hideRefs or transfer.hideRefs: those answer the pusher "deny updating a hidden ref"
    "uploadpack.hideRefs": "refs/lfci/inbox",
    # the system's or the user's core.hooksPath would silently replace our hooks
    "core.hooksPath": "hooks",
    # malformed objects are refused on every ref, also where no rule walks the trees
    "receive.fsckObjects": "true",
    # a shallow pusher must not give the forge a history with a hole
    "receive.shallowUpdate": "false",
    # branch and evidence in one step, for clients that ask for it
    "receive.advertiseAtomic": "true",
}
"""git config of a forge, each with the reason why it is there."""

_LISTS = frozenset({"uploadpack.hideRefs"})
"""Settings of which git takes every value: the operator's own stay."""


def init_forge(
    directory: Path, policy_file: Path, *, on_server: bool, object_format: str = "sha1", branch: str
) -> Policy:
    """Makes ``directory`` (created when missing) a forge. Repeating it brings it up to date.

    Arguments: ``policy_file`` is the policy in force until one lands in the repository, or for good
    with ``on_server``; ``branch`` is HEAD's for a repository that is created now. Raises UsageError
    LFCI202 (policy), LFCI216 (no rule for HEAD's branch), LFCI510, LFCI518 (foreign hooks).
    """
    data, policy = _read_policy(policy_file)
    git = _repository(directory, object_format, branch)
    head = head_branch(git)
    if head is None or rule_for(policy, head) is None:
        raise UsageError(
            "LFCI216",
            f"the policy has no rule for {head}, the branch that HEAD names",
            hint=f'add refs = ["{head}"] to a rule of {policy_file}',
        )
    _refuse_unmeetable(policy, head)
    hooks = git.git_dir / "hooks"
    for name in HOOKS:
        _refuse_foreign(hooks / name)
    state = ForgeState(git.git_dir)
    files.write_file(state.bootstrap_path, data, mode=0o644)
    if on_server:
        git.run("config", "lfci.policy", str(state.bootstrap_path.relative_to(git.git_dir)))
    if git.config("lfci.key") is None and not state.key_path.exists():
        from lfci_gate.attest.private import generate

        generate(state.key_path, None)
    for name, value in SETTINGS.items():
        if name not in _LISTS:
            git.run("config", "--replace-all", name, value)
        elif value not in _values(git, name):
            git.run("config", "--add", name, value)
    settle(git)
    for name in HOOKS:
        files.write_file(hooks / name, _shim(name), mode=0o755)
    return policy


def forge_status(directory: Path, *, probe: bool = True, now: datetime | None = None) -> tuple[Line, ...]:
    """What is in order and what is not; with ``probe`` the gate is pushed at, harmlessly. Arguments:
    ``now`` is what "the last 30 days" are counted from."""
    git = Git(directory)
    if not git.is_bare:
        return (Line(False, "repository", f"{directory} is not bare", "git clone --bare"),)
    lines = [Line(True, "repository", str(git.git_dir))]
    lines += [_hook_line(git, name) for name in HOOKS]
    lines += [_setting_line(git, name, value) for name, value in SETTINGS.items()]
    lines += _policy_lines(git)
    lines.append(_key_line(git))
    lines += memory_lines(git, now or clock())
    if probe:
        lines.append(_probe_line(git, directory))
    return tuple(lines)


# -- init -------------------------------------------------------------------------------------


def _read_policy(path: Path) -> tuple[bytes, Policy]:
    data = files.read_file(path, Limits().policy_bytes)
    if data is None:
        raise UsageError("LFCI201", f"there is no policy file {path}", hint="lfci init (writes one)")
    policy = parse_policy(data)
    _refuse_unmeetable(policy, None)
    return data, policy


def _refuse_unmeetable(policy: Policy, head: str | None) -> None:
    problems = unsatisfiable(policy, now=_now(), head=head)
    if problems:
        raise UsageError("LFCI202", "nobody could meet this policy", facts=problems[:3])


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _repository(directory: Path, object_format: str, branch: str) -> Git:
    if not directory.exists() or not any(directory.iterdir()):
        directory.mkdir(parents=True, exist_ok=True)
        # An empty template: what the server's template folder holds is not ours to run.
        Git(directory).run(
            "init",
            "--quiet",
            "--bare",
            "--template=",
            f"--object-format={object_format}",
            f"--initial-branch={branch.removeprefix('refs/heads/')}",
            ".",
        )
    git = Git(directory)
    if not git.is_bare:
        raise UsageError(
            "LFCI510", f"{directory} is not a bare repository", hint=f"git clone --bare {directory} FORGE.git"
        )
    return git


def _refuse_foreign(path: Path) -> None:
    held = files.read_file(path, 1 << 20) if path.exists() else None
    if held is not None and not is_ours(held):
        raise UsageError(
            "LFCI518",
            f"there is a {path.name} hook already, and it is not ours",
            facts=(f"file: {path}",),
            hint=f"call it from {path.name} of your own, or move it away, then repeat this command",
        )


def is_ours(hook: bytes) -> bool:
    """Whether a hook file is a shim of this package (its second line says so)."""
    return b"\n# lfci-gate hook: " in hook[:400]


def _shim(name: str) -> bytes:
    text = (resources.hooks() / name).read_text()
    return text.replace("@PYTHON@", _shell_quoted(sys.executable)).encode()


def _shell_quoted(text: str) -> str:
    import shlex

    return shlex.quote(text)


# -- status -------------------------------------------------------------------------------------


def _hook_line(git: Git, name: str) -> Line:
    path = git.git_dir / "hooks" / name
    fix = "lfci forge init REPO --policy FILE"
    if not path.exists():
        return Line(False, f"hook {name}", "is missing", fix)
    if not os.access(path, os.X_OK):
        return Line(False, f"hook {name}", "is not executable, so git skips it", f"chmod 755 {path}")
    if path.read_bytes() != _shim(name):
        return Line(False, f"hook {name}", "is not the shim of this version", fix)
    return Line(True, f"hook {name}", "installed")


def _values(git: Git, name: str) -> tuple[str, ...]:
    """All values of a setting, the strongest last."""
    return git.settings.get(name.lower(), ())


def _setting_line(git: Git, name: str, value: str) -> Line:
    found = _values(git, name)
    if value in found[0 if name in _LISTS else -1 :]:
        return Line(True, name, value)
    add = "--add " if name in _LISTS else ""
    return Line(
        False, name, f"is {', '.join(found) or 'not set'}, not {value}", f"git config {add}{name} {value}"
    )


def _policy_lines(git: Git) -> list[Line]:
    try:
        with open_forge(git) as view:
            authority = rule_02_policy(view, Limits())
            waiting = sum(len(refs) for refs in view.inbox().values())
            head = view.head
        journal = len(ForgeState(git.git_dir).accepted())
    except LfciError as error:
        return [Line(False, "policy", f"{error.code}: {error.message}", error.hint)]
    policy = authority.policy
    lines = [
        Line(
            True,
            "policy",
            f"version {policy.version}, from {authority.source}, "
            f"{len(policy.keys)} keys, {len(policy.rules)} rules",
        )
    ]
    if head is None or rule_for(policy, head) is None:
        lines.append(Line(False, "protected branch", f"no rule for {head}", "add a rule for it"))
    else:
        lines.append(Line(True, "protected branch", head))
    lines += _people_lines(git, policy, head)
    lines.append(Line(True, "waiting", f"{waiting} attestations in the inbox, {journal} landings to record"))
    return lines


def _people_lines(git: Git, policy: Policy, head: str | None) -> list[Line]:
    """Whether somebody can meet the policy, now and in the next days, and push to where it asks who does."""
    lines = []
    locked_out = unsatisfiable(policy, now=_now(), head=head) or soon(policy, _now(), head=head)
    if locked_out:
        fix = "land a policy with keys that count, or: docs/operator-guide.md, The policy in force"
        lines.append(Line(False, "who can meet it", locked_out[0], fix))
    if any(rule.pusher == "attester" for rule in policy.rules):
        try:
            named_pusher(git.config(SETTING) or "", {})
        except LfciError:
            fix = f"git config {SETTING} REMOTE_USER, or what the server sets"
            lines.append(Line(False, "pusher", "a rule wants to know who pushes, and nothing says it", fix))
    return lines


def _key_line(git: Git) -> Line:
    try:
        return Line(True, "forge key", forge_signer(git).public.fingerprint)
    except LfciError as error:
        return Line(False, "forge key", f"{error.code}: {error.message}", error.hint)


def _probe_line(git: Git, directory: Path) -> Line:
    """Pushes to a ref that the gate refuses always; if it lands, the gate sleeps (and it goes again).

    A push to a path runs the same hooks as one over the network, under the caller's uid.
    """
    ref = f"refs/lfci/probe/{secrets.token_hex(8)}"
    scratch = Path(tempfile.mkdtemp(prefix="lfci-probe-"))
    try:
        client = Git(scratch)
        client.run("init", "--quiet", "--template=", f"--object-format={git.hash_name}", ".")
        ident = {
            "GIT_AUTHOR_NAME": "lfci probe",
            "GIT_AUTHOR_EMAIL": "probe@example.com",
            "GIT_COMMITTER_NAME": "lfci probe",
            "GIT_COMMITTER_EMAIL": "probe@example.com",
        }
        client = client.with_env(ident)
        tree = client.run("write-tree").decode().strip()
        commit = client.run("commit-tree", tree, "-m", "probe").decode().strip()
        status, _out, err = client.status(
            "push", "--quiet", str(directory.resolve()), f"{commit}:{ref}", hooks=True, timeout_s=60.0
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    landed = git.status("rev-parse", "--verify", "--quiet", ref)[0] == 0
    if landed:
        git.run("update-ref", "-d", ref)
        return Line(
            False,
            "gate",
            "asleep: a push that must be refused was taken",
            "lfci forge init REPO --policy FILE",
        )
    if status != 0 and b"LFCI209" in err:
        return Line(True, "gate", "awake: it refused a test push with LFCI209")
    return Line(
        False,
        "gate",
        "the test push failed, but not by a verdict of the gate",
        f"git push {directory} (to see git's own message)",
    )
