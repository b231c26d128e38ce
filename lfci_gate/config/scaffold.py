"""The first `.lfci/config.toml` and `.lfci/policy.toml`, with comments (`lfci init`).

Each text is read by our own reader before it is handed out, so a scaffold that is not a valid file
never reaches the disk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from lfci_gate.config.candidates import Candidate
from lfci_gate.config.known_tests import known_tests, pattern_of
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.project import parse_project
from lfci_gate.value import Value

ALWAYS_PROTECTED = ("flake.nix", "flake.lock", ".lfci/")
ATTEST_ROLES = ("agent", "maintainer", "runner")


class ScaffoldKey(Value):
    """A key of the first policy."""

    name: str
    public: str
    """OpenSSH line or PEM."""
    roles: tuple[str, ...]


def scaffold_config(chosen: Candidate, *, name: str = "test") -> str:
    """Text of a config.toml with one check for ``chosen``, saying why it was chosen.

    Raises UsageError LFCI405 when ``name`` or the command is not allowed there.
    """
    why = f"`{chosen.command}`, because {chosen.file} {chosen.reason}"
    # ASCII on one line: names of files must not be able to leave the comment.
    line = ascii(why.replace("\n", "; "))[1:-1][:200]
    text = _render("config.toml.j2", name=name, run=chosen.run, report=chosen.report, why=line)
    parse_project(text.encode("utf-8"))
    return text


def scaffold_policy(
    *,
    repository: str,
    keys: Sequence[ScaffoldKey],
    branch: str = "main",
    check: str = "test",
    report: bool,
    tree: Iterable[bytes] = (),
    lockfiles: Iterable[str] = (),
    alias_file: str | None = None,
) -> str:
    """Text of the first policy: a rule for ``branch`` that requires ``check``.

    Arguments: ``repository`` is the uuid; ``report`` says whether the check has one; ``tree`` lists
    the paths in which test folders are looked for; ``lockfiles`` and ``alias_file`` (the file that
    declares the command) are protected too.
    Raises UsageError LFCI202 when a name, key or branch is not allowed there.
    """
    extra = [pattern_of(path) for path in (*sorted(lockfiles), *([alias_file] if alias_file else []))]
    values: dict[str, Any] = {
        "repository": repository,
        "keys": keys,
        "ref": f"refs/heads/{branch}",
        "check": check,
        "attest_roles": ATTEST_ROLES,
        "report": report,
        "paths": list(dict.fromkeys((*ALWAYS_PROTECTED, *known_tests(tree), *extra))),
    }
    text = _render("policy.toml.j2", **values)
    parse_policy(text.encode("utf-8"))
    return text


def _render(template: str, **values: Any) -> str:
    import jinja2  # slow to import, and only init writes scaffolds

    from lfci_gate import resources

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(resources.templates()),
        autoescape=False,  # TOML, not HTML: every value goes through the filter below
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["toml"] = _toml_string
    environment.filters["key"] = _toml_key
    return environment.get_template(template).render(**values)


def _toml_string(text: str) -> str:
    # JSON's escapes are all TOML's; only DEL must be escaped in TOML and is not in JSON.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _toml_key(text: str) -> str:
    # A bare key with a dot would be two keys.
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _toml_string(text)
