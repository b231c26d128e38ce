"""The names of lockfiles, and the format behind each name.

A snapshot records every file with one of these names, anywhere in the tree, whether or not a
reader for its format exists: a lockfile that is known by name and not read is a finding, never
silence. Names are compared byte for byte, as the tools that write them do on Linux.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

KNOWN: Mapping[bytes, str] = MappingProxyType(
    {
        # JavaScript
        b"package-lock.json": "npm",
        b"npm-shrinkwrap.json": "npm",
        b"yarn.lock": "yarn",
        b"pnpm-lock.yaml": "pnpm",
        b"bun.lock": "bun",
        b"bun.lockb": "bun-binary",
        b"deno.lock": "deno",
        # Python
        b"uv.lock": "uv",
        b"poetry.lock": "poetry",
        b"pdm.lock": "pdm",
        b"Pipfile.lock": "pipenv",
        b"pylock.toml": "pylock",
        # BEAM
        b"mix.lock": "mix",
        b"rebar.lock": "rebar",
        # Nix
        b"flake.lock": "flake",
        # Rust, Go, Ruby, PHP
        b"Cargo.lock": "cargo",
        b"go.sum": "go",
        b"go.work.sum": "go",
        b"Gemfile.lock": "bundler",
        b"gems.locked": "bundler",
        b"composer.lock": "composer",
        # JVM, .NET, Swift, Dart
        b"gradle.lockfile": "gradle",
        b"buildscript-gradle.lockfile": "gradle",
        b"settings-gradle.lockfile": "gradle",
        b"verification-metadata.xml": "gradle-verification",
        b"packages.lock.json": "nuget",
        b"Package.resolved": "swift",
        b"pubspec.lock": "pub",
        b"Podfile.lock": "cocoapods",
    }
)
"""Last path component -> format."""

# requirements.txt, requirements-dev.txt, …; pylock.<name>.toml is PEP 751's, <name> without dots.
_PATTERNS = (
    (rb"(?s)requirements[^/]*\.txt", "requirements"),
    (rb"(?s)pylock\.[^./]+\.toml", "pylock"),
)
_PREFIXES = tuple(b"requirements pylock.".split())

# Gradle reads this one only in the folder gradle/ of a build.
_ONLY_IN = {b"verification-metadata.xml": b"gradle"}


def format_of(path: bytes) -> str | None:
    """The format of the lockfile at ``path`` (raw bytes, from the tree's root), or None."""
    directory, _, name = path.rpartition(b"/")
    found = KNOWN.get(name)
    if found is not None:
        parent = _ONLY_IN.get(name)
        return found if parent is None or directory.rpartition(b"/")[2] == parent else None
    if name.startswith(_PREFIXES):
        return next((kind for pattern, kind in _PATTERNS if re.fullmatch(pattern, name)), None)
    return None


def may_name_lockfile(name: bytes) -> bool:
    """Whether a file called ``name`` can be a lockfile in some folder: the quick question for walks."""
    return name in KNOWN or name.startswith(_PREFIXES)


def is_lockfile(path: bytes) -> bool:
    """Whether the last component of ``path`` names a lockfile."""
    return format_of(path) is not None
