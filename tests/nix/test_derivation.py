"""From a tree to its check derivation: the same tree gives the same one; unsafe flakes give none."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from lfci_gate.errors import LfciError, Refusal
from lfci_gate.git.export import export_tree
from lfci_gate.git.objects import BatchReader
from lfci_gate.git.process import Git
from lfci_gate.model import CheckDefinition
from lfci_gate.nix.derivation import Derivation, derive
from lfci_gate.nix.expression import DROPPED_ATTRIBUTES, check_expression, form_of
from lfci_gate.nix.process import Nix
from lfci_gate.nix.runscript import FORM
from lfci_gate.system import current_system
from tests.support.world_project import Project, definition, flake_check

Derive = Callable[..., Derivation]
MINIMAL = "{ outputs = { self }: { %s }; }"


@pytest.fixture
def nix(tmp_path: Path) -> Nix:
    private = tmp_path / "private"
    private.mkdir()
    return Nix(private)


@pytest.fixture
def of(nix: Nix, tmp_path: Path) -> Derive:
    """Derives from a repository, through a fresh export."""
    made = 0

    def run(place: Path, check: CheckDefinition | None = None) -> Derivation:
        nonlocal made
        made += 1
        # Every other path needs escaping; all content is new to the store in some test.
        export = tmp_path / ("plain" if made % 2 else "ex port%20?#ä") / str(made)
        export.parent.mkdir(exist_ok=True)
        git = Git(place)
        tree = git.run("rev-parse", "HEAD^{tree}").decode().strip()
        with BatchReader(git) as source:
            export_tree(source, tree, export)  # type: ignore[arg-type]
        return derive(nix, export, check or definition("true"), current_system())

    return run


def refused(of: Derive, project: Project, check: CheckDefinition | None = None) -> LfciError:
    commit(project)
    with pytest.raises(LfciError) as error:
        of(project.place, check)
    return error.value


def commit(project: Project, message: str = "m") -> None:
    project.git("add", "-Af")
    project.git("commit", "-q", "--allow-empty", "-m", message)


def test_one_tree_is_one_derivation_in_every_clone_directory_and_history(
    project: Project, of: Derive, tmp_path: Path
) -> None:
    project.write({"file": "x", "dir/run": "y"})
    (project.place / "dir/run").chmod(0o755)
    commit(project)
    first = of(project.place)
    clone = tmp_path / "elsewhere" / "clone"
    subprocess.run(["git", "clone", "-q", str(project.place), str(clone)], check=True)
    assert of(clone) == first
    project.write({"file": "other"})
    commit(project, "away")
    project.write({"file": "x"})
    commit(project, "and back")
    assert of(project.place) == first


def test_every_part_of_a_check_is_in_its_derivation(project: Project, of: Derive) -> None:
    commit(project)
    plain = definition("true")
    first = of(project.place, plain)
    others = [
        replace(plain, run="true "),
        replace(plain, run=("true",)),
        replace(plain, env=(("A", "b"),)),
        replace(plain, name="other"),
    ]
    derived = [of(project.place, other) for other in others]
    assert len({each.check_drv for each in [first, *derived]}) == 5
    assert {each.env_drv for each in derived} == {first.env_drv}
    project.write({"file": "x"})
    commit(project)
    changed = of(project.place, plain)
    assert changed.check_drv != first.check_drv
    assert changed.env_drv == first.env_drv, "the environment does not depend on the tree"


def test_what_a_shell_says_of_its_own_output_is_not_in_the_check(
    make_project: Callable[..., Project], of: Derive
) -> None:
    """A fixed output, above all, would have the network in Nix's own sandbox."""
    extra = 'outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; outputHashAlgo = "sha256";'
    extra += (
        ' outputHashMode = "flat"; __noChroot = true; allowedReferences = [ ]; impureEnvVars = [ "HOME" ];'
    )
    project = make_project(f'{{ devShells.x86_64-linux.default = world.lib.shell "plain" {{ {extra} }}; }}')
    commit(project)
    check = of(project.place).run
    assert not set(check.env) & set(DROPPED_ATTRIBUTES)
    assert list(check.outputs) == ["out"]


def test_special_characters_arrive_as_they_are(project: Project, of: Derive) -> None:
    commit(project)
    command = "echo \"${HOME}\" '$x' \\ ''${y} \t @flake@ \n ä"
    check = of(project.place, definition(command, env={"V": 'it\'s "${z}" \\n'})).run
    assert check.env["lfciCommand"] == command
    assert check.env["lfciEnvironment"] == "export V='it'\"'\"'s \"${z}\" \\n'"


@pytest.mark.parametrize(
    "key",
    [
        "flake-registry",
        "substituters",
        "extra-substituters",
        "post-build-hook",
        "sandbox",
        "trusted-public-keys",
    ],
)
def test_nix_config_that_redirects_nix_is_refused(project: Project, of: Derive, key: str) -> None:
    text = (project.place / "flake.nix").read_text()
    project.write({"flake.nix": text.replace("{\n", f'{{\n  nixConfig.{key} = "x";\n', 1)})
    error = refused(of, project)
    assert (error.code, key in error.facts[0]) == ("LFCI315", True)


def test_harmless_nix_config_is_allowed(project: Project, of: Derive) -> None:
    text = (project.place / "flake.nix").read_text()
    project.write({"flake.nix": text.replace("{\n", '{\n  nixConfig.bash-prompt = "x";\n', 1)})
    commit(project)
    assert of(project.place).check_drv


def test_inputs_that_are_not_locked_are_refused(project: Project, of: Derive) -> None:
    (project.place / "flake.lock").unlink()
    error = refused(of, project)
    assert error.code == "LFCI316", error.facts


def test_an_input_that_the_lock_does_not_have_is_refused(
    project: Project, of: Derive, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "flake.nix").write_text(MINIMAL % "")
    text = (project.place / "flake.nix").read_text()
    project.write({"flake.nix": text.replace("{\n", f'{{\n  inputs.other.url = "path:{other}";\n', 1)})
    error = refused(of, project)
    assert error.code == "LFCI316", error.facts


def test_an_input_by_a_registry_s_name_is_refused(project: Project, of: Derive) -> None:
    text = (project.place / "flake.nix").read_text()
    project.write({"flake.nix": text.replace("{\n", '{\n  inputs.nixpkgs.url = "nixpkgs";\n', 1)})
    assert refused(of, project).code in ("LFCI304", "LFCI316")


def test_another_content_than_the_locked_one_is_refused(project: Project, of: Derive) -> None:
    lock = (project.place / "flake.lock").read_text()
    wrong = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    right = lock.split('"narHash": "')[1].split('"')[0]
    project.write({"flake.lock": lock.replace(right, wrong)})
    assert refused(of, project).code == "LFCI304"


def test_no_flake(project: Project, of: Derive) -> None:
    (project.place / "flake.nix").unlink()
    assert refused(of, project).code == "LFCI317"


def test_a_shell_that_is_not_there_names_those_that_are(project: Project, of: Derive) -> None:
    error = refused(of, project, definition("true", shell="missing"))
    assert error.code == "LFCI318"
    assert error.facts == (f"shells for {current_system()}: default",)


def test_a_flake_without_shells(make_project: Callable[..., Project], of: Derive) -> None:
    assert refused(of, make_project("{ }")).code == "LFCI318"


def test_evaluation_errors_come_with_nix_s_own_words(
    make_project: Callable[..., Project], of: Derive
) -> None:
    error = refused(of, make_project('throw "the words"'))
    assert error.code == "LFCI304"
    assert any("the words" in fact for fact in error.facts)


def test_evaluation_is_pure_and_builds_nothing(
    make_project: Callable[..., Project], of: Derive, tmp_path: Path
) -> None:
    mark = tmp_path / "secret"
    mark.write_text("secret")
    shell = 'devShells.x86_64-linux.default = world.lib.shell "plain" { x = %s; };'
    for expression in (
        f'builtins.readFile "{mark}"',
        'builtins.getEnv "HOME" + builtins.currentSystem',
        'import "${world.lib.tools}/x.nix"',
        'builtins.readFile "${world.lib.tools}/bin/sh"',
        f'builtins.fetchTarball "file://{mark}"',
    ):
        project = make_project("{ %s }" % (shell % expression), f"p{hash(expression)}")
        commit(project)
        with pytest.raises(Refusal) as error:
            of(project.place)
        assert error.value.code == "LFCI304"


UNIT = "checks.x86_64-linux.unit = derivation (world.lib.base // { %s });"


def test_a_check_of_the_flake_s_own_is_its_own_derivation(
    make_project: Callable[..., Project], of: Derive, nix: Nix
) -> None:
    project = make_project("{ %s }" % (UNIT % 'name = "mine"; args = [ "-c" "echo > $out" ];'))
    commit(project)
    found = of(project.place, flake_check("unit"))
    assert found.check_drv == found.run_drv
    assert found.check_drv.endswith("-mine.drv")
    shown = nix.run("eval", "--raw", f"path:{project.place}#checks.x86_64-linux.unit.drvPath")
    assert shown.stdout.decode() == found.check_drv
    # A probe is never one that was built before.
    assert of(project.place, flake_check("unit")).probe_drv != found.probe_drv


def test_a_flake_check_that_is_not_there_names_those_that_are(
    make_project: Callable[..., Project], of: Derive
) -> None:
    project = make_project("{ %s }" % (UNIT % ""))
    error = refused(of, project, flake_check("other"))
    assert (error.code, error.facts) == ("LFCI324", (f"checks for {current_system()}: unit",))


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("1", "no derivation"),
        ('derivation { name = "x"; system = "i686-linux"; builder = "/bin/bash"; }', "i686-linux"),
        ("derivation world.lib.kinds.box", "busybox"),
        ("derivation (world.lib.base // { __noChroot = true; })", "__noChroot"),
        ("derivation (world.lib.kinds.structured // { __noChroot = true; })", "__noChroot"),
        (
            'derivation (world.lib.base // { outputHash = "%s"; outputHashAlgo = "sha256"; })' % ("0" * 64),
            "content",
        ),
        (
            'derivation (world.lib.base // { requiredSystemFeatures = [ "recursive-nix" ]; })',
            "recursive-nix",
        ),
    ],
)
def test_a_flake_check_that_would_be_no_closed_build_is_refused(
    make_project: Callable[..., Project], of: Derive, expression: str, why: str
) -> None:
    project = make_project(f"{{ checks.x86_64-linux.unit = {expression}; }}")
    error = refused(of, project, flake_check("unit"))
    assert error.code == "LFCI325", error.facts
    assert why in error.facts[0]


def test_the_caller_s_environment_and_configuration_do_not_matter(
    project: Project, of: Derive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit(project)
    first = of(project.place)
    home = tmp_path / "hostile-home"
    for folder in (".config/nix", ".cache/nix"):
        (home / folder).mkdir(parents=True)
    (home / ".config/nix/nix.conf").write_text("allow-import-from-derivation = maybe\nsandbox = false\n")
    (home / ".config/nix/registry.json").write_text("not json")
    for name, value in {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "NIX_CONFIG": "experimental-features = ",
        "NIX_PATH": "nixpkgs=/nowhere",
        "NIX_USER_CONF_FILES": str(home / ".config/nix/nix.conf"),
    }.items():
        monkeypatch.setenv(name, value)
    private = tmp_path / "other-private"
    private.mkdir()
    export = tmp_path / "again"
    shutil.copytree(project.place, export, ignore=lambda *_: [".git"])
    assert derive(Nix(private), export, definition("true"), current_system()).check_drv == first.check_drv


FORMS = {1: "6f5060262de747a410e4e4e7efd734db2b2bc6d03fa3c90e93defd3033a6e822"}
"""Form of derivations -> digest of what they are made of. Another digest is another form: add it with the
next number here and in :data:`lfci_gate.nix.runscript.FORM`, so that a verifier knows what it looks at."""


def test_what_derivations_are_made_of_has_a_number() -> None:
    check = definition("true", env={"A": "b"})
    text = check_expression("/source", "sha256-x", "x86_64-linux", check)
    assert FORMS[FORM] == sha256(text.encode()).hexdigest()
    assert max(FORMS) == FORM
    assert form_of(f"/nix/store/{'0' * 32}-lfci-check-{FORM}-test.drv") == FORM
    for other in ("lfci-check-test", "lfci-check--1-x", "lfci-check-99999-x", "hello-1-x", "lfci-check-²-x"):
        assert form_of(f"/nix/store/{'0' * 32}-{other}.drv") is None
