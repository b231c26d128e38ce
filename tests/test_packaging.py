"""What a user installs: the wheel, the manifest for hook frameworks, the locked environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version
from pre_commit.clientlib import load_manifest

import lfci_gate
from lfci_gate import resources
from lfci_gate.errors import Undecided

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())


# -- the wheel ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", place],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    [made] = place.glob("*.whl")
    return made


def test_the_wheel_carries_code_hooks_and_templates_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name == f"lfci_gate-{lfci_gate.__version__}-py3-none-any.whl"
    assert {name.split("/")[0] for name in names} == {
        "lfci_gate",
        f"lfci_gate-{lfci_gate.__version__}.dist-info",
    }
    for folder in ("hooks", "templates"):
        shipped = {name.split("/", 3)[-1] for name in names if name.startswith(f"lfci_gate/_data/{folder}/")}
        ours = {
            str(path.relative_to(CHECKOUT / folder))
            for path in (CHECKOUT / folder).rglob("*")
            if path.is_file()
        }
        assert shipped == ours
    assert "lfci_gate/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_an_installed_wheel_finds_what_it_carries(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from lfci_gate import resources\n"
        "print(resources.hooks()); print(resources.templates())"
    )
    told = subprocess.check_output([sys.executable, "-I", "-c", script], text=True, cwd=tmp_path)
    data = tmp_path / "lfci_gate/_data"
    assert told == f"{data / 'hooks'}\n{data / 'templates'}\n"
    assert (data / "hooks/pre-receive").read_text() == (CHECKOUT / "hooks/pre-receive").read_text()


def test_both_commands_start_the_same_program(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [name] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    lines = archive.read(name).decode().split()
    assert lines[0] == "[console_scripts]"
    assert sorted(lines[1:]) == sorted("git-lfci = lfci_gate.cli:main lfci = lfci_gate.cli:main".split())


def test_a_checkout_finds_its_own_folders() -> None:
    assert resources.hooks() == CHECKOUT / "hooks"
    assert resources.templates() == CHECKOUT / "templates"


def test_an_installation_without_its_files_is_undecided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "lfci_gate")
    with pytest.raises(Undecided) as caught:
        resources.hooks()
    assert caught.value.code == "LFCI505"


# -- hook frameworks -----------------------------------------------------------------------------


def test_the_manifest_is_what_pre_commit_reads() -> None:
    hooks = load_manifest(str(CHECKOUT / ".pre-commit-hooks.yaml"))
    stages = {hook["id"]: hook["stages"] for hook in hooks}
    assert stages == {
        "lfci-session-start": ["post-checkout"],
        "lfci-check": ["pre-commit", "manual"],
        "lfci-gate": ["pre-push"],
    }


def test_every_hook_of_the_manifest_runs_always_alone_and_without_file_names() -> None:
    for hook in yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text()):
        assert hook["language"] == "python"
        assert hook["always_run"] is True
        assert hook["pass_filenames"] is False
        assert hook["require_serial"] is True
        assert hook["minimum_pre_commit_version"] == "3.2.0"
        assert re.fullmatch(r"lfci hook [a-z-]+ --framework", hook["entry"])


# -- the locked environment ------------------------------------------------------------------------


def locked() -> dict[str, Version]:
    lines = (CHECKOUT / "requirements-dev.txt").read_text().splitlines()
    pins = [line.split(";")[0].rstrip("\\ ") for line in lines if re.match(r"[a-z0-9]", line)]
    return {name: Version(version) for name, version in (pin.split("==") for pin in pins)}


def test_the_lock_satisfies_what_the_project_asks_for() -> None:
    project = PROJECT["project"]
    asked = [
        *PROJECT["build-system"]["requires"],
        *project["dependencies"],
        *project["optional-dependencies"]["pre-commit"],
        *PROJECT["dependency-groups"]["dev"],
    ]
    pins = locked()
    for requirement in map(Requirement, asked):
        assert pins[requirement.name] in requirement.specifier, requirement


def test_every_pin_has_hashes_and_no_place_is_named() -> None:
    text = (CHECKOUT / "requirements-dev.txt").read_text()
    blocks = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert len(blocks) == len(locked()) > 20
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"://|--index|--find-links", text)


# -- make ------------------------------------------------------------------------------------------


def test_make_help_names_every_target() -> None:
    text = (CHECKOUT / "Makefile").read_text()
    [phony] = re.findall(r"(?m)^\.PHONY: (.*)$", text)
    told = subprocess.check_output(["make", "-s", "help"], cwd=CHECKOUT, text=True)
    assert {line.split()[1] for line in told.splitlines()} == set(phony.split())
    assert {"test", "demo", "lint", "bench", "campaign", "wheel", "clean", "help"} <= set(phony.split())


def test_ci_runs_the_tests_that_a_developer_runs() -> None:
    script = CHECKOUT / ".ci/run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test --no-print-directory")


def test_elsewhere_than_on_debian_set_up_names_what_is_missing_and_fails(tmp_path: Path) -> None:
    # A machine without apt-get and Nix: only these programs are on its PATH.
    for name in ("bash", "cat", "dirname", "env", "getent", "grep", "head", "id", "git", "make"):
        found = subprocess.check_output(["sh", "-c", f"command -v {name}"], text=True).strip()
        (tmp_path / name).symlink_to(found)
    (tmp_path / "python3").symlink_to(Path(sys.executable).resolve())
    done = subprocess.run(
        ["tests/support/setup.sh"],
        cwd=CHECKOUT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "setup: missing: Nix 2.8 or newer, see https://nixos.org/download\n" in done.stderr
    assert "setup: missing: bubblewrap\n" in done.stderr
    assert "GNU make" not in done.stderr
