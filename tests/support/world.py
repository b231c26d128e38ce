"""An offline world for tests and demos: real Nix, bash, CPython and pytest, no nixpkgs.

The seed is made once a machine from Debian packages (`apt-get download`, verified by apt) and
wheels with pinned hashes, under a cache directory; the flake is ``world_flake``. A project takes
the world as a locked ``path:`` input. Run ``python -m tests.support.world`` to make it.

Nothing in ``lfci_gate`` knows of this.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent

PACKAGES = (
    "bash-static",
    "busybox-static",
    "python3.11-minimal",
    "libpython3.11-minimal",
    "libpython3.11-stdlib",
    "libc6",
    "libc-bin",
    "libexpat1",
    "zlib1g",
    "libbz2-1.0",
    "liblzma5",
    "libsqlite3-0",
    "libssl3",
    "libffi8",
    "libuuid1",
    "libncursesw6",
    "libtinfo6",
    "libreadline8",
    "libcrypt1",
)

WHEELS = (
    "iniconfig==2.3.1 --hash=sha256:9121e2c1fdb355232495be3194c8dfe87ccc2d5dee45947b78e68f499790d7a7",
    "packaging==26.3 --hash=sha256:d7193f7c8e4e93f444fde0262bf90af30e16fa0ad0ad44cb553c87339b23cd1c",
    "pluggy==1.7.0 --hash=sha256:7dd7b0d8832ba3cb632c306926ded123429211b83641b35dc5c41ad2d34f9bec",
    "pygments==2.21.0 --hash=sha256:2363c69b61c4a97c838da3b130dcd6468f4848992b21a82f2a63ec34377137d9",
    "pytest==9.2.0 --hash=sha256:07acdcf88ec174f907dc01af70bf52d49b014bbab03faeeade31c96b18c2e588",
)

PLUGGY_SDIST = "pluggy==1.7.0 --hash=sha256:d1eaa46ebb595891b860ab086b4d09c8588af65ebd4361b8e8f4bb8920b90ba8"


class WorldError(RuntimeError):
    """The world cannot be made on this machine; the message says what is missing."""


class World(NamedTuple):
    path: Path
    """The flake directory."""
    nar_hash: str
    """``sha256-…`` of that directory."""


def default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(base).expanduser() / "lfci-tests").resolve()  # one name of it, whatever links lead there


def make_world(cache: Path | None = None) -> World:
    """The world below ``cache``, made on first use. Safe for several processes at once."""
    cache = cache or default_cache()
    place = cache / f"world-{_recipe_digest()}"
    if not (place / "nar-hash").exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as temp:
            making = Path(temp) / "world"
            _make(making, Path(temp))
            flake = making / "flake"
            (making / "nar-hash").write_text(flake_hash(flake))
            try:
                making.rename(place)
            except OSError:
                if not (place / "nar-hash").exists():
                    raise
    return World(place / "flake", (place / "nar-hash").read_text())


def project_flake(world: World, body: str = "", **others: World) -> tuple[str, str]:
    """The text of a project's ``flake.nix`` and ``flake.lock`` that take ``world`` as a locked input.

    ``body`` is what ``outputs = { self, world }:`` evaluates to; by default a plain shell. ``others``
    are further inputs, by name.
    """
    body = body or '{ devShells.x86_64-linux.default = world.lib.shell "plain" { }; }'
    inputs = {"world": world, **others}
    urls = "".join(f'  inputs.{name}.url = "path:{each.path}";\n' for name, each in inputs.items())
    nix = f"{{\n{urls}  outputs = {{ self, {', '.join(inputs)} }}:\n    {body};\n}}\n"
    nodes: dict[str, object] = {"root": {"inputs": {name: name for name in inputs}}}
    for name, each in inputs.items():
        original = {"path": str(each.path), "type": "path"}
        nodes[name] = {"locked": {**original, "narHash": each.nar_hash}, "original": original}
    lock = {"nodes": nodes, "root": "root", "version": 7}
    return nix, json.dumps(lock, indent=2, sort_keys=True) + "\n"


def pluggy_source(cache: Path | None = None) -> Path:
    """The unpacked sdist of pluggy 1.7.0: a real project with 219 tests."""
    cache = cache or default_cache()
    place = cache / "pluggy-1.7.0"
    if not place.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=cache) as temp:
            pip_download(Path(temp), (PLUGGY_SDIST,), "--no-binary", ":all:")
            with tarfile.open(Path(temp) / "pluggy-1.7.0.tar.gz") as archive:
                # Python 3.11.2, which Debian bookworm has, knows no filters; the hash is pinned anyway.
                if hasattr(tarfile, "data_filter"):
                    archive.extraction_filter = tarfile.data_filter
                archive.extractall(temp)
            try:
                (Path(temp) / "pluggy-1.7.0").rename(place)
            except OSError:
                if not place.exists():
                    raise
    return place


_NIX = ("--extra-experimental-features", "nix-command flakes")


def _recipe_digest() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted((HERE / "world_flake").rglob("*")):
        if file.is_file():
            digest.update(str(file.relative_to(HERE)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _make(making: Path, temp: Path) -> None:
    root = temp / "root"
    downloads = temp / "downloads"
    downloads.mkdir()
    run("apt-get", "download", "-q", *PACKAGES, cwd=downloads)
    for package in sorted(downloads.glob("*.deb")):
        run("dpkg", "-x", str(package), str(root))
    pip_download(downloads, WHEELS, "--only-binary", ":all:")

    flake = making / "flake"
    shutil.copytree(HERE / "world_flake", flake)
    seed = flake / "seed"
    (seed / "bin").mkdir(parents=True)
    shutil.copy(root / "bin/bash-static", seed / "bin/bash")
    shutil.copy(root / "bin/busybox", seed / "bin/busybox")

    shutil.copytree(root / "usr/lib/locale/C.utf8", seed / "locale/C.utf8")

    python = seed / "python"
    (python / "bin").mkdir(parents=True)
    shutil.copy(root / "usr/bin/python3.11", python / "bin/.python3.11")
    (python / "lib").mkdir()
    for folder in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"):
        for library in sorted((root / folder).glob("*.so*")):
            shutil.copy(library, python / "lib" / library.name)  # follows links: no dangling ones
    shutil.copytree(
        root / "usr/lib/python3.11", python / "lib/python3.11", ignore=_not_needed, symlinks=False
    )
    packages = python / "lib/python3.11/site-packages"
    packages.mkdir(exist_ok=True)
    (packages / "sitecustomize.py").unlink(missing_ok=True)
    for wheel in sorted(downloads.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(packages)
    # Debian's python looks in dist-packages.
    (packages.parent / "dist-packages").symlink_to("site-packages")
    for file in flake.rglob("*"):
        if not file.is_symlink():
            file.chmod(0o755 if file.is_dir() or os.access(file, os.X_OK) else 0o644)


def _not_needed(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name in ("__pycache__", "sitecustomize.py")}


def flake_hash(flake: Path) -> str:
    """``sha256-…`` of a directory, as Nix has it."""
    return run("nix", *_NIX, "hash", "path", str(flake)).strip()


def pip_download(target: Path, requirements: tuple[str, ...], *options: str) -> None:
    """Downloads ``requirements``, each with its hash, into ``target``."""
    listing = target / "requirements.txt"
    listing.write_text("\n".join(requirements) + "\n")
    # Isolated from nobody's index settings on purpose: the hashes decide, not the place.
    run(
        sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes", *options,
        "-d", str(target), "-r", str(listing),
    )  # fmt: skip


def run(*argv: str, cwd: Path | None = None) -> str:
    """What a program prints. Raises WorldError when it is missing or fails."""
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise WorldError(f"the offline world needs {argv[0]}, which is not installed") from error
    if done.returncode != 0:
        raise WorldError(f"{' '.join(argv[:4])} ... failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    made = make_world()
    print(made.path, made.nar_hash)
