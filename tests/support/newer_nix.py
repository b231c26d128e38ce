"""Newer versions of Nix beside the installed one, for tests of the differences between them.

Debian's later suites have them: `apt-get`, with lists and settings of its own, brings their packages and
verifies them; they are unpacked into a cache directory, and the interpreter and library paths of the
one program are set to what is there. Nothing is installed. Run ``python -m tests.support.newer_nix``.

What is in sid changes. It is taken once a machine; remove ``nix-of-sid`` from the cache to take it again.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.support.world import WorldError, default_cache, run

SUITES = ("trixie", "sid")
"""Suites of Debian after bookworm, the oldest first."""
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def make_newer_nix(suite: str, cache: Path | None = None) -> Path:
    """The folder with ``nix`` and ``nix-store`` of a suite, made on first use. Raises WorldError where it
    cannot."""
    place = (cache or default_cache()) / f"nix-of-{suite}"
    if not (place / "bin/nix-store").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=place.parent) as temp:
            _make(Path(temp), suite, place)
    return place / "bin"


def _make(temp: Path, suite: str, place: Path) -> None:
    apt = own_apt(temp, "deb", suite)
    run("apt-get", *apt, "-q", "update", cwd=temp)
    rules = [f"--no-{kind}" for kind in "recommends suggests conflicts breaks replaces enhances".split()]
    needed = run("apt-cache", *apt, "depends", "--recurse", *rules, "nix-bin", cwd=temp)
    libraries = {line for line in needed.splitlines() if line.startswith("lib") and "perl" not in line}
    debs = temp / "debs"
    debs.mkdir()
    run("apt-get", *apt, "-q", "download", "nix-bin", *sorted(libraries), cwd=debs)
    # The name is part of what the program holds, so it is unpacked where it will stay.
    shutil.rmtree(place, ignore_errors=True)
    root = place / "root"
    root.mkdir(parents=True)
    for deb in sorted(debs.glob("*.deb")):
        run("dpkg", "-x", str(deb), str(root), cwd=temp)
    _give_its_own_libraries(root / "usr", place / "bin")


def _give_its_own_libraries(usr: Path, bin_: Path) -> None:
    libraries = usr / "lib/x86_64-linux-gnu"
    bin_.mkdir()
    program = bin_ / "nix"
    shutil.copy(usr / "bin/nix", program)
    interpreter = libraries / "ld-linux-x86-64.so.2"
    run("patchelf", "--set-interpreter", str(interpreter), "--force-rpath", "--set-rpath",
         f"{libraries}:{usr / 'lib'}", str(program), cwd=bin_)  # fmt: skip
    (bin_ / "nix-store").symlink_to("nix")


def own_apt(temp: Path, kind: str, suite: str) -> list[str]:
    """Options that keep this apt apart from the system's: other lists, from the same place.

    Arguments:
        kind: ``deb`` or ``deb-src``.
    """
    targets = run(
        "apt-get", "indextargets", "--format", "$(SITE) $(CODENAME)", "Created-By: Packages", cwd=temp
    )
    sites = [line.split()[0] for line in targets.splitlines() if line.endswith(" bookworm")]
    if not sites:
        raise WorldError("packages of Debian are wanted, and this is no Debian bookworm")
    (temp / "sources.list").write_text(f"{kind} [signed-by={KEYRING}] {sites[0]} {suite} main\n")
    for folder in ("lists/partial", "cache/archives/partial"):
        (temp / folder).mkdir(parents=True)
    settings = {
        "Dir::Etc::sourcelist": temp / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": temp / "lists",
        "Dir::Cache": temp / "cache",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


if __name__ == "__main__":
    for each in SUITES:
        print(make_newer_nix(each))
