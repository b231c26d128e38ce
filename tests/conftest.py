"""Every test runs in a world of its own: no test reads or writes what belongs to the person who runs it.

Before anything is collected the environment is reduced to an allow-list, and HOME, XDG_* and
git's configuration point into a temporary directory; then every test gets fresh ones. Opening
a file below the real home raises :class:`TouchedTheRealHome`, so that a leak is an error with a
name and not a difference between two machines. Clocks of git are fixed: the same test makes the
same commits everywhere.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings

CHECKOUT = Path(__file__).resolve().parent.parent

# What survives: where programs are, how they reach the network's certificates and package
# sources (the offline world is made from packages), and how pytest's own workers talk.
_KEPT = frozenset(
    "PATH LANG TERM TMPDIR HYPOTHESIS_PROFILE CI PYTHONDONTWRITEBYTECODE PYENV_ROOT"
    " SSL_CERT_FILE SSL_CERT_DIR NIX_SSL_CERT_FILE NIX_REMOTE REQUESTS_CA_BUNDLE".split()
)
_KEPT_PREFIXES = ("PIP_", "PYTEST_", "COV_")

# The one place outside that tests may fill: downloads that are the same for every run. Each
# home of a test has it as .cache/lfci-tests, so nothing needs to be told where it is.
_CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME") or Path(os.environ.get("HOME") or tempfile.gettempdir()) / ".cache")
    / "lfci-tests"
)

_GITCONFIG = """\
[init]
\tdefaultBranch = main
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
"""

GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada Author",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1767268800 +0000",  # 2026-01-01T12:00:00Z
    "GIT_COMMITTER_NAME": "Carl Committer",
    "GIT_COMMITTER_EMAIL": "carl@example.org",
    "GIT_COMMITTER_DATE": "1767268800 +0000",
}


class TouchedTheRealHome(BaseException):
    """A test opened a file below the home of the person who runs it.

    Not an ``Exception``: code under test that handles everything must not hide it.
    """


def home_environment(home: Path) -> dict[str, str]:
    """The variables that make ``home`` (made here) the home of everything that is started."""
    (home / ".cache").mkdir(parents=True)
    (home / ".cache/lfci-tests").symlink_to(_CACHE)
    (home / ".gitconfig").write_text(_GITCONFIG)
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        "XDG_RUNTIME_DIR": str(home / ".run"),
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        **GIT_IDENTITY,
    }


def reduced(environ: Mapping[str, str]) -> dict[str, str]:
    """What of the caller's environment tests may see."""
    return {
        name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIXES)
    }


class _HomeGuard:
    """An audit hook: it cannot be removed, so it is installed once and told what is real."""

    _EVENTS = frozenset(
        "open os.listdir os.scandir os.mkdir os.remove os.rename os.rmdir os.link os.symlink os.chmod"
        " os.truncate os.utime shutil.rmtree".split()
    )

    _TWO_PATHS = frozenset({"os.rename", "os.link"})

    def __init__(self, home: str, allowed: tuple[str, ...]) -> None:
        self._home = home.rstrip("/") + "/"
        self._allowed = tuple(place.rstrip("/") + "/" for place in allowed)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in self._EVENTS:
            return
        # What a symlink says is text; where it is made is its second argument.
        named = args[1:2] if event == "os.symlink" else args[:2] if event in self._TWO_PATHS else args[:1]
        for each in named:
            if isinstance(each, str | bytes | os.PathLike):
                path = os.path.abspath(os.fsdecode(each)) + "/"
                if path.startswith(self._home) and not path.startswith(self._allowed):
                    raise TouchedTheRealHome(f"{event} {path.rstrip('/')}")


def _install_home_guard() -> None:
    home = os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir)
    allowed = {str(CHECKOUT), sys.prefix, sys.base_prefix, tempfile.gettempdir(), str(_CACHE)}
    # The interpreter, its packages and pytest's plug-ins may live below the home.
    allowed |= {place for place in sys.path if place and place != home}
    if home != "/":
        sys.addaudithook(_HomeGuard(home, tuple(sorted(os.path.realpath(place) for place in allowed))))


def pytest_configure(config: pytest.Config) -> None:
    """Reduce the environment before any test module is imported."""
    settings.register_profile("test", deadline=None, derandomize=True, database=None)
    # many runs of few examples: each mutant of the code is tried by all of them, and nobody reads an example
    once = settings(max_examples=15, phases=(Phase.explicit, Phase.generate))
    settings.register_profile("mutation", once, deadline=None, derandomize=True, database=None)
    settings.register_profile("campaign", deadline=None, database=None, max_examples=20_000)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "test"))

    # Whoever starts the tests in the background of a script has it ignored, and so would what they start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _CACHE.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="lfci-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(place, ignore_errors=True))
    kept = reduced(os.environ)
    os.environ.clear()
    os.environ.update(kept, **home_environment(place / "home"))
    _install_home_guard()


@pytest.fixture(autouse=True)
def hermetic(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh home for each test, and nothing that an earlier test left in the environment."""
    home = tmp_path_factory.mktemp("hermetic") / "home"
    before = _settings()
    for name, value in home_environment(home).items():
        monkeypatch.setenv(name, value)
    yield home
    monkeypatch.undo()
    assert _settings() == before, "the test changed the environment and left it so"


def _settings() -> dict[str, str]:
    # PYTEST_CURRENT_TEST changes with the phase of a test.
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
