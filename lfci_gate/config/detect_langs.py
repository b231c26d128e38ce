"""Class 3: what each language's own tool does by default."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lfci_gate.config.candidates import JUNIT, TAP, Finding, Refused, candidate, prefer
from lfci_gate.config.tree_view import TreeView, command_text, dig

_MIX_ALIASES = re.compile(r"^[ \t]*defp?[ \t]+aliases(?:\(\))?[ \t]+do\b", re.MULTILINE)
_MIX_END = re.compile(r"^[ \t]*end\b", re.MULTILINE)
_MIX_KEY = re.compile(r"(?:^|[\[,\s])\"?(precommit|ci)\"?:[ \t\n]*(\[[ \t\n]*\])?", re.MULTILINE)
_MAGE_TARGET = re.compile(r"^func ([A-Z][A-Za-z]*)\(", re.MULTILINE)
_ZIG_STEP = re.compile(r"\.step\([ \t\n]*\"test\"")
_CTEST = re.compile(
    r"^[ \t]*(?:enable_testing[ \t]*\(|include[ \t]*\([ \t]*CTest\b)", re.MULTILINE | re.IGNORECASE
)

# A file at the root, what else must be there ("/" at the end: a folder), command.
_BY_NAME: tuple[tuple[tuple[str, ...], str | None, str], ...] = (
    (("manage.py",), None, "python manage.py test"),
    (("gradlew",), None, "./gradlew check"),
    (("mvnw",), "pom.xml", "./mvnw -B verify"),
    (("build.sbt",), None, "sbt test"),
    (("Package.swift",), None, "swift test"),
    (("stack.yaml",), None, "stack test"),
    (("dune-project",), None, "dune test"),
    (("rebar.config",), None, "rebar3 do eunit, ct"),
    (("gleam.toml",), None, "gleam test"),
    (("meson.build",), None, "meson setup build && meson test -C build"),
    (("MODULE.bazel", "WORKSPACE.bazel", "WORKSPACE"), None, "bazel test //..."),
    (("pants.toml",), None, "pants test ::"),
    ((".buckconfig",), None, "buck2 test //..."),
    (("project.clj",), None, "lein test"),
    (("Project.toml",), "test/runtests.jl", "julia --project=. -e 'using Pkg; Pkg.test()'"),
    (("DESCRIPTION",), "R/", "R CMD check --no-manual ."),
    (("Makefile.PL", "Build.PL", "dist.ini", "cpanfile"), "t/", "prove -lr t"),
    (("shard.yml",), "spec/", "crystal spec"),
    (("configure",), "Makefile.in", "./configure && make check"),
)


def languages(view: TreeView) -> Iterator[Finding]:
    yield from _elixir(view)
    yield from _pytest(view)
    yield from _rust(view)
    yield from _go(view)
    yield from _ruby(view)
    yield from _composer(view)
    yield from _by_ending(view)
    yield from _other(view)
    for files, other, command in _BY_NAME:
        file = view.first(*files)
        if file is not None and (other is None or _there(view, other)):
            yield candidate(file, "is the build tool's file", command)


def _there(view: TreeView, path: str) -> bool:
    return view.has_folder(path[:-1]) if path.endswith("/") else view.has(path)


def _elixir(view: TreeView) -> Iterator[Finding]:
    text = view.text("mix.exs")
    if text is None:
        return
    start = _MIX_ALIASES.search(text)
    if start is not None:
        end = _MIX_END.search(text, start.end())
        body = re.sub(r"#[^\n]*", "", text[start.end() : end.start() if end else None])
        found = {name: bool(empty) for name, empty in _MIX_KEY.findall(body)}
        for name in ("precommit", "ci"):
            if name in found and not found[name]:
                yield candidate("mix.exs", f"declares the alias {name}", f"mix {name}")
                return
            if name in found:
                yield Refused("mix.exs", f"the alias {name} is empty")
    yield candidate("mix.exs", "is a mix project", "mix test")


def _pytest(view: TreeView) -> Iterator[Finding]:
    pyproject = dig(view.toml("pyproject.toml"), "tool", "pytest")
    configured = (
        view.first("pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml")
        or ("pyproject.toml" if isinstance(pyproject, dict) else None)
        or ("setup.cfg" if "tool:pytest" in view.sections("setup.cfg") else None)
        or ("tox.ini" if "pytest" in view.sections("tox.ini") else None)
    )
    uv = view.has("uv.lock")
    command = "uv run pytest" if uv else "python -m pytest"
    if configured is not None:
        file, reason = configured, "configures pytest"
    elif uv and view.has_folder("tests"):
        file, reason = "uv.lock", "locks a project with a tests folder"
    else:
        return
    yield candidate(file, reason, command, run=f'{command} --junitxml="$out/junit.xml"', report=JUNIT)


def _rust(view: TreeView) -> Iterator[Finding]:
    if not view.has("Cargo.toml"):
        return
    settings = view.first(".cargo/config.toml", ".cargo/config")
    alias = dig(view.toml(settings), "alias", "ci") if settings else None
    if settings and isinstance(alias, (str, list)):
        if command_text(alias):
            yield candidate(settings, "declares the alias ci", "cargo ci")
            return
        yield Refused(settings, "the alias ci is empty")
    if view.has(".config/nextest.toml"):
        yield candidate(".config/nextest.toml", "configures nextest", "cargo nextest run")
    else:
        yield candidate("Cargo.toml", "is a cargo project", "cargo test --locked")


def _go(view: TreeView) -> Iterator[Finding]:
    targets = {name.lower() for name in _MAGE_TARGET.findall(view.text("magefile.go") or "")}
    bodies: dict[str, str | None] = dict.fromkeys(targets)
    found = list(prefer("magefile.go", bodies, lambda name: f"mage {name}", "target"))
    if view.has("go.mod") and not found:
        found.append(candidate("go.mod", "is a Go module", "go test ./..."))
    yield from found


def _ruby(view: TreeView) -> Iterator[Finding]:
    if not view.has("Gemfile"):
        return
    if view.has(".rspec"):
        yield candidate(".rspec", "configures RSpec", "bundle exec rspec")
    elif view.has("bin/rails") and view.has_folder("test"):
        yield candidate("bin/rails", "is a Rails project with a test folder", "bin/rails test")


def _composer(view: TreeView) -> Iterator[Finding]:
    if view.has("composer.json"):
        scripts = dig(view.json("composer.json"), "scripts")
        bodies = {name: command_text(v) for name, v in scripts.items()} if isinstance(scripts, dict) else {}
        yield from prefer("composer.json", bodies, lambda name: f"composer {name}", "script", ("ci", "test"))


def _by_ending(view: TreeView) -> Iterator[Finding]:
    solutions = view.root_files(".sln", ".slnx") or view.root_files(".csproj", ".fsproj")
    if solutions:
        yield candidate(solutions[0], "is a .NET project", "dotnet test")
    cabal = [*view.root_files(".cabal"), *(["cabal.project"] if view.has("cabal.project") else [])]
    if cabal and not view.has("stack.yaml"):
        yield candidate(cabal[0], "is a cabal project", "cabal test all")
    nimble = view.root_files(".nimble")
    if nimble:
        yield candidate(nimble[0], "is a nimble project", "nimble test")
    for folder in ("test", "tests"):
        bats = view.below(folder, ".bats", limit=1)
        if bats:
            yield candidate(
                bats[0], "is a bats test", f"bats -r {folder}", run=f"bats --tap -r {folder}", report=TAP
            )


def _other(view: TreeView) -> Iterator[Finding]:
    if view.has("build.gradle") or view.has("build.gradle.kts"):
        if not view.has("gradlew"):
            file = view.first("build.gradle", "build.gradle.kts") or ""
            yield candidate(file, "is a Gradle project", "gradle check")
    elif view.has("pom.xml") and not view.has("mvnw"):
        yield candidate("pom.xml", "is a Maven project", "mvn -B verify")
    if view.has("pubspec.yaml") and view.has_folder("test"):
        flutter = "flutter" in (dig(view.yaml("pubspec.yaml"), "dependencies") or {})
        yield candidate("pubspec.yaml", "is a Dart package", "flutter test" if flutter else "dart test")
    if _ZIG_STEP.search(view.text("build.zig") or ""):
        yield candidate("build.zig", "declares the step test", "zig build test")
    if _CTEST.search(view.text("CMakeLists.txt") or ""):
        command = "cmake -B build && cmake --build build && ctest --test-dir build"
        run = f'{command} --output-junit "$out/junit.xml"'
        yield candidate("CMakeLists.txt", "enables testing", command, run=run, report=JUNIT)
