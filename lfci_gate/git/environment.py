"""The environment that git gets: built from an allow-list, never inherited.

Pure. A surrounding hook, an editor or a hostile caller leaves variables behind that send git to
another repository, index, object store or config (``git rev-parse --local-env-vars``,
``GIT_CONFIG_*``, ``GIT_NAMESPACE``, ``GIT_QUARANTINE_PATH``); none of them is on the list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["allowed", "of_receive_hook"]

_KEPT: Final = frozenset(
    {
        # where programs, the user's config, temporary files and the terminal are
        *("PATH", "HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "TMPDIR", "TERM", "USER", "LOGNAME"),
        # how a push reaches the remote and who unlocks the key: the user's own choice
        *(
            "SSH_AUTH_SOCK",
            "SSH_ASKPASS",
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "DBUS_SESSION_BUS_ADDRESS",
            "GPG_TTY",
        ),
        *("GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "GIT_ALLOW_PROTOCOL"),
        *("SSL_CERT_FILE", "NIX_SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        # these only make git see less
        *("GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES"),
        *(f"GIT_{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL", "DATE")),
    }
)
"""Variables of the caller that git gets; everything else is gone."""

_KEPT_PREFIX: Final = "LFCI_"
"""Our own marks, such as the one against recursion of hooks, travel through git to our hooks."""

_QUARANTINE: Final = (
    "GIT_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    # the shallow boundary that this push would bring (receive.shallowUpdate): to be told, not missed
    "GIT_SHALLOW_FILE",
)
"""What receive-pack sets so that its hook sees the pushed objects."""

_ALWAYS: Final = {
    # a pushed refs/replace/* would show the reader another object than the one that is named
    "GIT_NO_REPLACE_OBJECTS": "1",
    # messages that we recognise must not be translated
    "LC_ALL": "C",
    # a question that nobody can answer would hang
    "GIT_TERMINAL_PROMPT": "0",
    # status and friends must not write the user's index
    "GIT_OPTIONAL_LOCKS": "0",
}

_RECEIVE: Final = {
    # the gate depends on the repository alone, not on the home of whoever runs the server
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    # a gate never asks another machine for an object that is not here
    "GIT_NO_LAZY_FETCH": "1",
}


def allowed(environ: Mapping[str, str]) -> dict[str, str]:
    """What git may see of ``environ``, and what every git of ours is told."""
    kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIX)}
    return kept | _ALWAYS


def of_receive_hook(environ: Mapping[str, str]) -> dict[str, str]:
    """What git needs in addition to see what a receive hook's environment shows: the quarantine."""
    return {name: environ[name] for name in _QUARANTINE if name in environ} | _RECEIVE
