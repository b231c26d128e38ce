"""Putting the client's hooks in place, and taking them away without a trace (`lfci install`)."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from pathlib import Path

from lfci_gate import files, resources
from lfci_gate.cli.hook_places import HOOKS, Place, hooks_folder, is_chain, is_shim, shim_folder
from lfci_gate.clone.evidence import MIRROR
from lfci_gate.errors import UsageError
from lfci_gate.git.process import Git
from lfci_gate.value import Value

__all__ = ["Done", "find_program", "install_hook", "mirror_evidence", "remove_hooks", "stop_mirroring"]


class Done(Value):
    what: str
    """A hook, or what else was set up."""
    state: str
    """``installed``, ``updated``, ``there``, ``removed`` or ``restored``."""
    detail: str
    path: str


def find_program(environ_path: str | None) -> Path:
    """The absolute path of `lfci`, for shims that must not search. Raises UsageError LFCI519."""
    called = Path(sys.argv[0])
    candidates = [called.with_name("lfci")] if called.name in ("lfci", "git-lfci") else []
    candidates.append(Path(sys.executable).with_name("lfci"))
    found = shutil.which("lfci", path=environ_path)
    candidates += [Path(found)] if found else []
    for candidate in candidates:
        path = candidate.absolute()
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise UsageError("LFCI519", "the program lfci is not on the PATH", hint="install lfci-gate again")


def install_hook(git: Git, place: Place, program: Path) -> Done:
    """Puts one hook in its place; repeating it brings it up to date. Raises Undecided LFCI520."""
    shim = _shim(place.hook, None if place.how == "husky" else program)
    with files.os_errors("install a hook", place.path):
        if place.how == "chain":
            state = _install_chain(git, place, shim)
        else:
            state = _write(place.path, shim)
    if place.how == "config":
        state = max(state, _set_config(git, place), key=_ORDER.index)
    return Done(place.hook, state, place.detail, str(place.path))


def remove_hooks(git: Git) -> tuple[Done, ...]:
    """Takes away what :func:`install_hook` made, wherever that was; puts moved hooks back."""
    done: list[Done] = []
    _, folder = hooks_folder(git)
    for hook in HOOKS:
        with files.os_errors("remove a hook", folder / hook):
            done += _remove(folder, hook)
        if f"hook.lfci-{hook}.command" in git.settings:
            git.run("config", "--local", "--remove-section", f"hook.lfci-{hook}")
            done.append(Done(hook, "removed", "from git's config", ""))
    shims = shim_folder(git)
    if shims.is_dir():
        for hook in HOOKS:
            (shims / hook).unlink(missing_ok=True)
        shims.rmdir()
    return tuple(done)


def mirror_evidence(git: Git, remote: str) -> Done:
    """`git fetch` brings the forge's evidence from now on."""
    held = git.settings.get(f"remote.{remote}.fetch", ())
    missing = [spec for spec in MIRROR if spec not in held]
    for spec in missing:
        git.run("config", "--local", "--add", f"remote.{remote}.fetch", spec)
    return Done("fetch", "installed" if missing else "there", f"git fetch {remote} brings the evidence", "")


def stop_mirroring(git: Git, remote: str) -> tuple[Done, ...]:
    """Takes our refspecs away again; those of the user stay."""
    held = git.settings.get(f"remote.{remote}.fetch", ())
    ours = [spec for spec in MIRROR if spec in held]
    for spec in ours:
        git.run("config", "--local", "--fixed-value", "--unset-all", f"remote.{remote}.fetch", spec)
    return (Done("fetch", "removed", f"refspecs of {remote}", ""),) if ours else ()


# -- parts ----------------------------------------------------------------------------------------

_ORDER = ("there", "updated", "installed")


def _install_chain(git: Git, place: Place, shim: bytes) -> str:
    target = shim_folder(git) / place.hook
    text = (resources.templates() / "hooks" / "chain.sh").read_text(encoding="utf-8")
    text = text.replace("@HOOK@", place.hook).replace("@SHIM@", shlex.quote(str(target)))
    shim_state = _write(target, shim)
    if not is_chain(place.path):
        os.rename(place.path, place.path.with_name(f"{place.hook}.legacy"))
    return max(_write(place.path, text.encode()), shim_state, key=_ORDER.index)


def _remove(folder: Path, hook: str) -> list[Done]:
    done = []
    path, legacy = folder / hook, folder / f"{hook}.legacy"
    husky = folder.parent / hook
    if is_chain(path):
        if legacy.is_symlink() or legacy.exists():
            os.replace(legacy, path)
            done.append(Done(hook, "restored", "your own hook is back", str(path)))
        else:
            path.unlink()
            done.append(Done(hook, "removed", "", str(path)))
    for each in (path, legacy, *([husky] if folder.parent.name == ".husky" else [])):
        if is_shim(each):
            each.unlink()
            done.append(Done(hook, "removed", "", str(each)))
    return done


def _set_config(git: Git, place: Place) -> str:
    wanted = {
        f"hook.lfci-{place.hook}.event": place.hook,
        f"hook.lfci-{place.hook}.command": shlex.quote(str(place.path)),
    }
    state = "there"
    for name, value in wanted.items():
        if git.settings.get(name) != (value,):
            git.run("config", "--local", "--replace-all", name, value)
            state = "installed"
    return state


def _shim(hook: str, program: Path | None) -> bytes:
    text = (resources.hooks() / hook).read_text(encoding="utf-8")
    # husky's file is shared by all clones: the mark stays, and the PATH is searched.
    return (text if program is None else text.replace("@LFCI@", shlex.quote(str(program)))).encode()


def _write(path: Path, data: bytes) -> str:
    held = files.read_file(path, 1 << 20)
    if held == data and os.access(path, os.X_OK):
        return "there"
    files.write_file(path, data, mode=0o755)
    return "installed" if held is None else "updated"
