"""Test aliases: one small tree for each kind, and what is refused or left to the user."""

from __future__ import annotations

import contextlib
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.config.candidates import JUNIT, TAP
from lfci_gate.config.detect import Candidate, Detection, detect
from lfci_gate.errors import UsageError
from lfci_gate.model import ReportSpec

Tree = dict[str, str]


def look(tree: Tree) -> Detection:
    files = {path.encode(): text.encode() for path, text in tree.items()}
    return detect(files, files.get)


class Case(NamedTuple):
    name: str
    tree: Tree
    rank: int
    file: str
    command: str
    run: str | None = None
    report: ReportSpec | None = None


MAKE = "check:\n\tpytest\n"
MIX = """\
defmodule Demo.MixProject do
  def project, do: [app: :demo, aliases: aliases()]
  defp aliases do
    [
      setup: ["deps.get"],
      # ci: ["test"],
      precommit: ["compile --warning-as-errors", "test"]
    ]
  end
end
"""

CASES = [
    # class 0
    Case("declared", {".lfci/config.toml": "?", "Makefile": MAKE}, 0, ".lfci/config.toml", "lfci check"),
    # class 1
    Case(
        "bin/ci",
        {"bin/ci": "#!/usr/bin/env ruby\n", "config/ci.rb": "x", "Makefile": MAKE},
        1,
        "bin/ci",
        "bin/ci",
    ),
    Case(
        "script/cibuild",
        {"script/cibuild": "make\n", "script/test": "make\n"},
        1,
        "script/cibuild",
        "script/cibuild",
    ),
    Case("script/test", {"script/test": "#!/bin/sh\nmake check\n"}, 1, "script/test", "script/test"),
    Case("scripts/ci", {"scripts/ci": "make\n"}, 1, "scripts/ci", "scripts/ci"),
    Case(".ci/run", {".ci/run": "make\n"}, 1, ".ci/run", ".ci/run"),
    Case("ci.sh", {"ci.sh": "make\n"}, 1, "ci.sh", "./ci.sh"),
    Case(
        "selfci",
        {".config/selfci/ci.yaml": "job:\n  command: ./ci.sh\n"},
        1,
        ".config/selfci/ci.yaml",
        "export SELFCI_JOB_NAME=main; ./ci.sh",
    ),
    Case(
        "radicle",
        {".radicle/native.yaml": "shell: |\n  make check\n"},
        1,
        ".radicle/native.yaml",
        "make check",
    ),
    Case(
        "no-mistakes",
        {".no-mistakes.yaml": "commands: {lint: l, test: go test}\n"},
        1,
        ".no-mistakes.yaml",
        "go test",
    ),
    Case(
        "heroku",
        {"app.json": '{"environments": {"test": {"scripts": {"test": "rake"}}}, "x": 1.5}'},
        1,
        "app.json",
        "rake",
    ),
    # class 2
    Case(
        "make check",
        {"Makefile": "test:\n\tpytest\n" + MAKE, "package.json": "{}"},
        2,
        "Makefile",
        "make check",
    ),
    Case("make ci", {"Makefile": "ci check test:\n\tpytest\n"}, 2, "Makefile", "make ci"),
    Case("GNUmakefile", {"GNUmakefile": "test: build\n", "Makefile": MAKE}, 2, "GNUmakefile", "make test"),
    Case("just", {"justfile": "set shell := ['sh']\ntest:\n    pytest\n"}, 2, "justfile", "just test"),
    Case(
        "task",
        {"Taskfile.yml": "version: '3'\ntasks:\n  test:\n    cmds: [pytest]\n"},
        2,
        "Taskfile.yml",
        "task test",
    ),
    Case("task short", {"Taskfile.yml": "tasks:\n  check: pytest\n"}, 2, "Taskfile.yml", "task check"),
    Case("task of tasks", {"Taskfile.yaml": "tasks: {ci: [{task: a}]}\n"}, 2, "Taskfile.yaml", "task ci"),
    Case("mise", {"mise.toml": '[tasks.test]\nrun = "pytest"\n'}, 2, "mise.toml", "mise run test"),
    Case("mise depends", {".mise.toml": '[tasks]\nci = {depends = ["a"]}\n'}, 2, ".mise.toml", "mise run ci"),
    Case(
        "devbox",
        {"devbox.json": '{// c\n"shell": {"scripts": {"test": ["a", "pytest"]}}}'},
        2,
        "devbox.json",
        "devbox run test",
    ),
    Case("rake default", {"Rakefile": "task default: [:spec]\ntask :spec\n"}, 2, "Rakefile", "rake"),
    Case(
        "rake test",
        {"Rakefile": "Rake::TestTask.new do |t|\nend\n", "Gemfile": ""},
        2,
        "Rakefile",
        "bundle exec rake test",
    ),
    Case("rake spec", {"Rakefile": "RSpec::Core::RakeTask.new(:spec)\n"}, 2, "Rakefile", "rake spec"),
    Case("rake ci", {"Rakefile": "task default: :test\ntask 'ci' do\nend\n"}, 2, "Rakefile", "rake ci"),
    Case("nox", {"noxfile.py": "@nox.session\ndef tests(s): pass\n"}, 2, "noxfile.py", "nox"),
    Case("tox.ini", {"tox.ini": "[tox]\nenvlist = py\n[testenv]\n"}, 2, "tox.ini", "tox"),
    Case("tox in setup.cfg", {"setup.cfg": "[tox:tox]\n"}, 2, "setup.cfg", "tox"),
    Case("tox.toml", {"tox.toml": ""}, 2, "tox.toml", "tox"),
    Case("tox in pyproject", {"pyproject.toml": "[tool.tox]\nx = 1.5\n"}, 2, "pyproject.toml", "tox"),
    Case("poe", {"pyproject.toml": '[tool.poe.tasks]\ntest = "pytest"\n'}, 2, "pyproject.toml", "poe test"),
    Case("poe table", {"pyproject.toml": '[tool.poe.tasks.ci]\ncmd = "x"\n'}, 2, "pyproject.toml", "poe ci"),
    Case(
        "pdm",
        {"pyproject.toml": '[tool.pdm.scripts]\ntest = "pytest"\n'},
        2,
        "pyproject.toml",
        "pdm run test",
    ),
    Case(
        "taskipy",
        {"pyproject.toml": '[tool.taskipy.tasks]\ntest = "pytest"\n'},
        2,
        "pyproject.toml",
        "task test",
    ),
    Case(
        "hatch",
        {"pyproject.toml": '[tool.hatch.envs.default.scripts]\ntest = "x"\n'},
        2,
        "pyproject.toml",
        "hatch run test",
    ),
    Case(
        "hatch env",
        {"pyproject.toml": '[tool.hatch.envs.qa.scripts]\ncheck = ["x"]\n'},
        2,
        "pyproject.toml",
        "hatch run qa:check",
    ),
    Case("doit", {"dodo.py": "def task_test():\n    pass\n"}, 2, "dodo.py", "doit test"),
    Case("invoke", {"tasks.py": "@task\ndef test(c):\n    pass\n"}, 2, "tasks.py", "invoke test"),
    Case(
        "turbo",
        {"turbo.json": '{"tasks": {"test": {}}} // x', "package.json": "{}"},
        2,
        "turbo.json",
        "turbo run test",
    ),
    Case("turbo 1", {"turbo.json": '{"pipeline": {"test": {}}}'}, 2, "turbo.json", "turbo run test"),
    Case("nx", {"nx.json": '{"targetDefaults": {"test": {}}}'}, 2, "nx.json", "nx run-many -t test"),
    # class 3
    Case("npm", {"package.json": '{"scripts": {"test": "jest"}, "x": 0.5}'}, 3, "package.json", "npm test"),
    Case(
        "npm ci", {"package.json": '{"scripts": {"test": "a", "ci": "b"}}'}, 3, "package.json", "npm run ci"
    ),
    Case(
        "pnpm",
        {"package.json": '{"scripts": {"test": "jest"}}', "pnpm-lock.yaml": ""},
        3,
        "package.json",
        "pnpm test",
    ),
    Case(
        "yarn",
        {"package.json": '{"scripts": {"ci": "jest"}}', "yarn.lock": ""},
        3,
        "package.json",
        "yarn run ci",
    ),
    Case(
        "bun",
        {"package.json": '{"scripts": {"test": "jest"}}', "bun.lockb": ""},
        3,
        "package.json",
        "bun run test",
    ),
    Case(
        "packageManager",
        {
            "package.json": '{"scripts": {"test": "x"}, "packageManager": "pnpm@9.1.0"}',
            "yarn.lock": "",
            "bun.lock": "",
        },
        3,
        "package.json",
        "pnpm test",
    ),
    Case(
        "vitest",
        {"package.json": '{"scripts": {"test": "vitest run"}}'},
        3,
        "package.json",
        "npm test",
        'npm test -- --reporter=junit --outputFile="$out/junit.xml"',
        JUNIT,
    ),
    Case(
        "vitest and more",
        {"package.json": '{"scripts": {"test": "vitest run && x"}}'},
        3,
        "package.json",
        "npm test",
    ),
    Case(
        "node --test",
        {"package.json": '{"scripts": {"test": "node --test"}}', "yarn.lock": ""},
        3,
        "package.json",
        "yarn test",
        'yarn test --test-reporter=junit --test-reporter-destination="$out/junit.xml"',
        JUNIT,
    ),
    Case("deno", {"deno.json": '{"tasks": {"test": "deno run t.ts"}}'}, 3, "deno.json", "deno task test"),
    Case(
        "deno test",
        {"deno.jsonc": '{/* x */"tasks": {"test": "deno test -A"}}'},
        3,
        "deno.jsonc",
        "deno task test",
        'deno task test --junit-path="$out/junit.xml"',
        JUNIT,
    ),
    Case("mix", {"mix.exs": "defmodule A do\nend\n"}, 3, "mix.exs", "mix test"),
    Case("mix precommit", {"mix.exs": MIX}, 3, "mix.exs", "mix precommit"),
    Case("mix commented ci", {"mix.exs": MIX.replace("precommit", "other")}, 3, "mix.exs", "mix test"),
    *(
        Case(
            file,
            {file: text},
            3,
            file,
            "python -m pytest",
            'python -m pytest --junitxml="$out/junit.xml"',
            JUNIT,
        )
        for file, text in (
            ("pytest.ini", ""),
            ("pyproject.toml", "[tool.pytest.ini_options]\n"),
            ("setup.cfg", "[tool:pytest]\n"),
            ("tox.ini", "[flake8]\n[pytest]\n"),
        )
    ),
    Case(
        "uv",
        {"uv.lock": "", "tests/test_a.py": "", "pyproject.toml": "[project]\n"},
        3,
        "uv.lock",
        "uv run pytest",
        'uv run pytest --junitxml="$out/junit.xml"',
        JUNIT,
    ),
    Case("django", {"manage.py": ""}, 3, "manage.py", "python manage.py test"),
    Case("cargo", {"Cargo.toml": ""}, 3, "Cargo.toml", "cargo test --locked"),
    Case(
        "cargo ci",
        {"Cargo.toml": "", ".cargo/config.toml": '[alias]\nci = ["test"]\n'},
        3,
        ".cargo/config.toml",
        "cargo ci",
    ),
    Case(
        "nextest",
        {"Cargo.toml": "", ".config/nextest.toml": ""},
        3,
        ".config/nextest.toml",
        "cargo nextest run",
    ),
    Case("go", {"go.mod": ""}, 3, "go.mod", "go test ./..."),
    Case("mage", {"go.mod": "", "magefile.go": "func Test() error {\n"}, 3, "magefile.go", "mage test"),
    Case(
        "mage without test", {"go.mod": "", "magefile.go": "func Build() {\n"}, 3, "go.mod", "go test ./..."
    ),
    Case("gradlew", {"gradlew": "", "build.gradle.kts": ""}, 3, "gradlew", "./gradlew check"),
    Case("gradle", {"build.gradle": ""}, 3, "build.gradle", "gradle check"),
    Case("mvnw", {"mvnw": "", "pom.xml": ""}, 3, "mvnw", "./mvnw -B verify"),
    Case("maven", {"pom.xml": ""}, 3, "pom.xml", "mvn -B verify"),
    Case("sbt", {"build.sbt": ""}, 3, "build.sbt", "sbt test"),
    Case(
        "composer",
        {"composer.json": '{"scripts": {"test": ["a", "phpunit"]}}'},
        3,
        "composer.json",
        "composer test",
    ),
    Case("rspec", {"Gemfile": "", ".rspec": ""}, 3, ".rspec", "bundle exec rspec"),
    Case("rails", {"Gemfile": "", "bin/rails": "", "test/a.rb": ""}, 3, "bin/rails", "bin/rails test"),
    Case(".sln", {"A.sln": "", "a/a.csproj": ""}, 3, "A.sln", "dotnet test"),
    Case(".csproj", {"a.csproj": ""}, 3, "a.csproj", "dotnet test"),
    Case("swift", {"Package.swift": ""}, 3, "Package.swift", "swift test"),
    Case("dart", {"pubspec.yaml": "name: a\n", "test/a.dart": ""}, 3, "pubspec.yaml", "dart test"),
    Case(
        "flutter",
        {"pubspec.yaml": "dependencies:\n  flutter: {sdk: flutter}\n", "test/a.dart": ""},
        3,
        "pubspec.yaml",
        "flutter test",
    ),
    Case("zig", {"build.zig": 'b.step("test", "t")'}, 3, "build.zig", "zig build test"),
    Case("cabal", {"a.cabal": ""}, 3, "a.cabal", "cabal test all"),
    Case("stack", {"stack.yaml": "", "a.cabal": ""}, 3, "stack.yaml", "stack test"),
    Case("dune", {"dune-project": ""}, 3, "dune-project", "dune test"),
    Case("rebar", {"rebar.config": ""}, 3, "rebar.config", "rebar3 do eunit, ct"),
    Case("gleam", {"gleam.toml": ""}, 3, "gleam.toml", "gleam test"),
    Case(
        "ctest",
        {"CMakeLists.txt": "project(a)\nenable_testing()\n"},
        3,
        "CMakeLists.txt",
        "cmake -B build && cmake --build build && ctest --test-dir build",
        'cmake -B build && cmake --build build && ctest --test-dir build --output-junit "$out/junit.xml"',
        JUNIT,
    ),
    Case("meson", {"meson.build": ""}, 3, "meson.build", "meson setup build && meson test -C build"),
    Case("autotools", {"configure": "", "Makefile.in": ""}, 3, "configure", "./configure && make check"),
    Case("bazel", {"MODULE.bazel": "", "WORKSPACE": ""}, 3, "MODULE.bazel", "bazel test //..."),
    Case("pants", {"pants.toml": ""}, 3, "pants.toml", "pants test ::"),
    Case("buck", {".buckconfig": ""}, 3, ".buckconfig", "buck2 test //..."),
    Case("lein", {"project.clj": ""}, 3, "project.clj", "lein test"),
    Case(
        "julia",
        {"Project.toml": "", "test/runtests.jl": ""},
        3,
        "Project.toml",
        "julia --project=. -e 'using Pkg; Pkg.test()'",
    ),
    Case("r", {"DESCRIPTION": "", "R/a.R": ""}, 3, "DESCRIPTION", "R CMD check --no-manual ."),
    Case("perl", {"Makefile.PL": "", "t/a.t": ""}, 3, "Makefile.PL", "prove -lr t"),
    Case("crystal", {"shard.yml": "", "spec/a.cr": ""}, 3, "shard.yml", "crystal spec"),
    Case("nimble", {"a.nimble": ""}, 3, "a.nimble", "nimble test"),
    Case("bats", {"test/a.bats": ""}, 3, "test/a.bats", "bats -r test", "bats --tap -r test", TAP),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_one_kind(case: Case) -> None:
    found = look(case.tree)
    chosen = found.choose()
    assert (found.rank, chosen.file, chosen.command) == (case.rank, case.file, case.command)
    assert chosen.run == (case.run or case.command)
    assert chosen.report == case.report
    assert chosen.reason
    assert not chosen.suggestion


NOTHING = [
    {},
    {"README.md": "make test"},
    {"src/Makefile": MAKE},
    {"Makefile": "build:\n\tcc a.c\n"},
    {"Makefile": "test := 1\ncheck ?= 2\nci::=3\n"},
    {"Makefile": "test: CFLAGS = -g\n"},
    {"package.json": "{}"},
    {"package.json": '{"scripts": {"build": "x"}}'},
    {"pyproject.toml": "[project]\n"},
    {"tox.ini": "[flake8]\n"},
    {"tests/test_a.py": ""},
    {"noxfile.py": "# @session\n"},
    {"CMakeLists.txt": "# enable_testing()\n"},
    {"Project.toml": ""},
    {"DESCRIPTION": ""},
    {"magefile.go": "func Build() {\n"},
]


@pytest.mark.parametrize("tree", NOTHING)
def test_nothing_declared(tree: Tree) -> None:
    found = look(tree)
    assert found.rank is None
    with pytest.raises(UsageError) as caught:
        found.choose()
    assert caught.value.code == "LFCI301"
    assert caught.value.facts == ()


REFUSED = [
    (
        {"package.json": '{"scripts": {"test": "echo \\"Error: no test specified\\" && exit 1"}}'},
        "placeholder",
    ),
    ({"package.json": '{"scripts": {"test": "true"}}'}, "cannot test anything"),
    ({"package.json": '{"scripts": {"test": "exit 0"}}'}, "cannot test anything"),
    ({"package.json": '{"scripts": {"test": ""}}'}, "is empty"),
    ({"Makefile": "test:\n"}, "the target test is empty"),
    ({"Makefile": ".PHONY: test\ntest:\n\t@true\n"}, "cannot test anything"),
    ({"Makefile": "test: ; @:\n"}, "cannot test anything"),
    ({"Makefile": "test:\n\t# pytest\n\n"}, "is empty"),
    ({"justfile": "test:\n    @echo ok\n"}, "cannot test anything"),
    ({"justfile": "test name:\n    pytest {{name}}\n"}, "needs arguments"),
    ({"Taskfile.yml": "tasks: {test: {cmds: []}}\n"}, "is empty"),
    ({"Taskfile.yml": "tasks: {test: 'exit 0'}\n"}, "cannot test anything"),
    ({"mise.toml": '[tasks]\ntest = "true"\n'}, "cannot test anything"),
    ({"devbox.json": '{"shell": {"scripts": {"test": ["true", "exit 0"]}}}'}, "cannot test anything"),
    ({"pyproject.toml": '[tool.poe.tasks]\ntest = "true"\n'}, "cannot test anything"),
    ({"composer.json": '{"scripts": {"test": []}}'}, "is empty"),
    ({"deno.json": '{"tasks": {"test": "exit 0"}}'}, "cannot test anything"),
    ({"bin/ci": "#!/bin/sh\nset -e\necho done\nexit 0\n"}, "cannot test anything"),
    ({"ci.sh": ""}, "is empty"),
    ({".radicle/native.yaml": "shell: 'true'\n"}, "cannot test anything"),
    ({"app.json": '{"environments": {"test": {"scripts": {"test": ": ;"}}}}'}, "cannot test anything"),
]


@pytest.mark.parametrize(("tree", "why"), REFUSED)
def test_an_alias_that_tests_nothing_is_refused_and_named(tree: Tree, why: str) -> None:
    found = look(tree)
    assert found.candidates == ()
    (refused,) = found.refused
    assert refused.file in tree
    with pytest.raises(UsageError) as caught:
        found.choose()
    assert caught.value.code == "LFCI301"
    (fact,) = caught.value.facts
    assert why in fact


def test_after_a_refused_alias_the_search_goes_on() -> None:
    found = look({"Makefile": "ci:\n\ttrue\ntest:\n\tpytest\n"})
    assert found.choose().command == "make test"
    assert len(found.refused) == 1
    found = look({"Makefile": "test:\n\ttrue\n", "go.mod": ""})
    assert found.choose().command == "go test ./..."
    empty = MIX.replace('["compile --warning-as-errors", "test"]', "[]")
    assert look({"mix.exs": empty}).choose().command == "mix test"


AMBIGUOUS = [
    ({"Makefile": MAKE, "justfile": "test:\n  x\n"}, {"make check", "just test"}),
    ({"Cargo.toml": "", "go.mod": ""}, {"cargo test --locked", "go test ./..."}),
    (
        {"package.json": '{"scripts": {"test": "x"}}', "yarn.lock": "", "pnpm-lock.yaml": ""},
        {"yarn test", "pnpm test"},
    ),
    ({"bin/ci": "make\n", "script/test": "make\n"}, {"bin/ci", "script/test"}),
    ({"tox.ini": "[tox]\n", "noxfile.py": "@nox.session\n"}, {"tox", "nox"}),
    ({"manage.py": "", "pytest.ini": ""}, {"python manage.py test", "python -m pytest"}),
]


@pytest.mark.parametrize(("tree", "commands"), AMBIGUOUS)
def test_several_in_one_class_are_left_to_the_user(tree: Tree, commands: set[str]) -> None:
    found = look(tree)
    assert {each.command for each in found.candidates} == commands
    with pytest.raises(UsageError) as caught:
        found.choose()
    assert caught.value.code == "LFCI302"
    for command in commands:
        assert any(command in fact for fact in caught.value.facts)


SUGGESTIONS = [
    ({"flake.nix": "{ checks.x86_64-linux.a = 1; }"}, "nix flake check"),
    ({"flake.nix": "outputs = { checks = f; om.ci.default = {}; };"}, "om ci"),
    ({"garnix.yaml": ""}, "nix flake check"),
    ({"devenv.nix": ""}, "devenv test"),
    ({"Earthfile": ""}, "earthly +test"),
    ({"dagger.json": ""}, "dagger call test"),
    ({"lefthook.yml": "pre-push: {}\n"}, "lefthook run pre-push --force"),
    ({".pre-commit-config.yaml": ""}, "pre-commit run -a --hook-stage pre-push"),
    (
        {".github/workflows/ci.yml": "on: push\njobs: {a: {steps: [{uses: x}, {run: make test}]}}\n"},
        "make test",
    ),
    ({".gitlab-ci.yml": "test:\n  script:\n    - make test\n"}, "make test"),
    ({".woodpecker.yml": "steps:\n  - commands: [make test]\n"}, "make test"),
    ({".builds/a.yml": "tasks:\n  - check: |\n      make test\n"}, "make test"),
    ({".tangled/workflows/a.yml": "steps:\n  - command: make test\n"}, "make test"),
]


@pytest.mark.parametrize(("tree", "command"), SUGGESTIONS)
def test_what_cannot_run_in_a_check_is_only_suggested(tree: Tree, command: str) -> None:
    found = look(tree)
    assert found.rank is None
    assert command in [each.command for each in found.suggestions]
    assert all(each.suggestion for each in found.suggestions)
    with pytest.raises(UsageError) as caught:
        found.choose()
    assert caught.value.code == "LFCI301"
    assert any(command in fact for fact in caught.value.facts)


def test_a_flake_without_checks_suggests_nothing() -> None:
    assert look({"flake.nix": "{ devShells = {}; packages.x = mychecks.y; }"}).suggestions == ()


def test_a_broken_ci_file_is_nobodys_problem() -> None:
    found = look({".github/workflows/ci.yml": "{[", "Makefile": MAKE})
    assert found.choose().command == "make check"


UNREADABLE = [
    {"Makefile": "\udcff".encode("utf-8", "surrogateescape")},
    {"Makefile": b"#" * 300_000},
    {"package.json": b"{"},
    {"package.json": b'{"scripts": {"test": "x"}, "scripts": {"test": "true"}}'},
    {"package.json": b"[]"},
    {"package.json": b"[" * 200_000},
    {"Taskfile.yml": b"tasks: {test: a, test: b}"},
    {"Taskfile.yml": b"- a"},
    {"Taskfile.yml": b"{[" * 2_000},
    {
        "Taskfile.yml": b"a: &a [x]\n"
        + b"\n".join(
            b"%s: &%s [%s]" % (n, n, b",".join([b"*" + p] * 9))
            for p, n in zip(
                [b"a", b"b", b"c", b"d", b"e", b"f"], [b"b", b"c", b"d", b"e", b"f", b"g"], strict=True
            )
        )
    },
    {"Taskfile.yml": b"tasks: &t {test: *t}"},
    {"Taskfile.yml": b"tasks: !!python/object/apply:os.system [x]\n--- 2"},
    {"pyproject.toml": b"[tool"},
    {"pyproject.toml": b"a=" + b"[" * 100_000},
]


@pytest.mark.parametrize("files", UNREADABLE)
def test_a_file_that_cannot_be_read_is_not_taken_to_declare_nothing(files: dict[str, bytes]) -> None:
    tree = {path.encode(): data for path, data in files.items()} | {b"go.mod": b""}
    found = detect(tree, tree.get)
    assert [path for path, _ in found.unreadable] == list(files)
    with pytest.raises(UsageError) as caught:
        found.choose()
    assert caught.value.code == "LFCI302"
    assert "cannot be read" in caught.value.message
    assert all(fact.isascii() and "\n" not in fact for fact in caught.value.facts)


def test_a_symlink_is_not_followed() -> None:
    found = detect([b"Makefile"], lambda path: None)
    assert found.unreadable == (("Makefile", "is no plain file"),)


def test_an_unreadable_file_of_a_later_class_is_not_even_opened() -> None:
    opened: list[bytes] = []
    tree = {b"Makefile": MAKE.encode(), b"package.json": b"{", b"src/Makefile": b""}

    def read(path: bytes) -> bytes | None:
        opened.append(path)
        return tree[path]

    assert detect(tree, read).choose().command == "make check"
    assert b"package.json" not in opened


def test_facts_are_few_and_plain() -> None:
    steps = ", ".join(f"{{run: 'make t{n} \\u00e9'}}" for n in range(20))
    tree = {f".github/workflows/{n}.yml": f"steps: [{steps}]" for n in range(40)}
    with pytest.raises(UsageError) as caught:
        look(tree).choose()
    assert len(caught.value.facts) == 9
    assert caught.value.facts[-1].endswith("more")
    assert all(fact.isascii() and len(fact) <= 160 for fact in caught.value.facts)


# -- properties --------------------------------------------------------------------------------

KNOWN = sorted({path for case in CASES for path in case.tree} | {".github/workflows/a.yml", "flake.nix"})


@given(st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=4), st.binary(max_size=60), max_size=5))
@settings(max_examples=150, deadline=None)
def test_any_tree_is_a_detection(files: dict[str, bytes]) -> None:
    tree = {path.encode("utf-8", "surrogatepass"): data for path, data in files.items()}
    with contextlib.suppress(UsageError):
        assert isinstance(detect(tree, tree.get).choose(), Candidate)


@given(st.sampled_from(CASES), st.data())
@settings(max_examples=100, deadline=None)
def test_any_damaged_tree_is_a_detection(case: Case, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(case.tree)))
    text = case.tree[path]
    cut = data.draw(st.integers(0, len(text)))
    piece = data.draw(
        st.sampled_from(["", "\x00", "{", "[", '"', "'", ":", "\n", "*a", "&a", "!x", "\t", "$(", "=="])
    )
    with contextlib.suppress(UsageError):
        look({**case.tree, path: text[:cut] + piece + text[cut + 1 :]}).choose()
