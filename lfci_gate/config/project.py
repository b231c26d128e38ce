"""``.lfci/config.toml``: the checks a project declares (docs/formats.md).

A check is read into its normalised form, with defaults filled in; the sha256 of that form's
canonical JSON is the definition digest that every attestation names. Two files that say the
same in another order, or leave out what is the default, have the same digests.
"""

from __future__ import annotations

from typing import Any

from lfci_gate import canonical
from lfci_gate.canonical import Fields
from lfci_gate.config import values
from lfci_gate.config.toml import read_toml
from lfci_gate.errors import UsageError
from lfci_gate.grammar import DIGITS, LETTERS, is_word
from lfci_gate.model import CheckDefinition, ProjectConfig, Quarantined, ReportSpec, Sha256
from lfci_gate.patterns import MAX_PATTERN_BYTES, MAX_PATTERNS, PatternSet
from lfci_gate.value import replace

CODE = "LFCI405"
PATH = ".lfci/config.toml"

MAX_BYTES = 256 * 1024
MAX_CHECKS = 64
MAX_RUN_CHARS = 32 * 1024
MAX_ARGUMENTS = 256
MAX_ARTIFACTS = 256
MAX_ENV = 128
MAX_QUARANTINE = 100
MAX_TEST_ID = 4096
MAX_REASON = 500
MAX_ENV_CHARS = 32 * 1024  # Linux refuses a single variable of 128 KiB

DEFAULT_TIMEOUT_S = 15 * 60
LONGEST_TIMEOUT_S = 24 * 3600

_ATTRIBUTE_FIRST = LETTERS | {"_"}
_ATTRIBUTE_REST = _ATTRIBUTE_FIRST | DIGITS | {"'", "-"}


def parse_project(data: bytes) -> ProjectConfig:
    """The checks that the bytes of a config.toml declare; none at all is allowed.

    Raises UsageError LFCI405.
    """
    top = read_toml(data, max_bytes=MAX_BYTES, max_keys=4096, error=UsageError, code=CODE, what=PATH)
    version = top.integer("version", 1, 1)
    checks: list[CheckDefinition] = []
    if "checks" in top:
        tables = top.child("checks")
        if len(tables.keys()) > MAX_CHECKS:
            raise tables.wrong(None, f"has more than {MAX_CHECKS} checks")
        for name in sorted(tables.keys()):
            if not values.is_name(name):
                raise tables.wrong(None, f"{canonical.shown(name)} is not {values.NAME_EXPECTED}")
            checks.append(_check(name, tables.child(name)))
    quarantine = _quarantine(top, {check.name: check for check in checks}) if "quarantine" in top else ()
    top.finish()
    return ProjectConfig(version=version, checks=tuple(checks), quarantine=quarantine)


def normal_form(check: CheckDefinition) -> dict[str, Any]:
    """What the definition digest is the digest of. ``failures`` came later, and is only there when it is not
    ``status``, so that older digests stay what they were."""
    report = check.report
    return {
        **({"failures": check.failures} if check.failures != "status" else {}),
        "artifacts": list(check.artifacts),
        "env": dict(check.env),
        "flake": check.flake,
        "inputs": list(check.inputs),
        "name": check.name,
        "network": check.network,
        "report": None if report is None else {"format": report.format, "path": report.path},
        "run": list(check.run) if isinstance(check.run, tuple) else check.run,
        "shell": check.shell,
        "timeout": check.timeout_s,
    }


def with_digest(check: CheckDefinition) -> CheckDefinition:
    """``check`` with its definition digest computed anew."""
    return replace(check, digest=canonical.digest(normal_form(check)))


def format_project(config: ProjectConfig) -> str:
    """A config.toml that reads as ``config``; what is the default is left out."""
    import tomli_w  # only where something is written

    document: dict[str, Any] = {
        "version": config.version,
        "checks": {check.name: _table(check) for check in config.checks},
    }
    if config.quarantine:
        document["quarantine"] = [
            {"check": each.check, "test": each.test, "reason": each.reason, "until": each.until}
            for each in config.quarantine
        ]
    return tomli_w.dumps(document, multiline_strings=True)


def _table(check: CheckDefinition) -> dict[str, Any]:
    table = normal_form(check)
    table["timeout"] = values.format_duration(check.timeout_s)
    for key in ("name", *(key for key, value in table.items() if value is None)):
        del table[key]
    defaults = {"artifacts": [], "env": {}, "inputs": ["**"], "network": False, "shell": "default"}
    for key, default in (*defaults.items(), ("timeout", values.format_duration(DEFAULT_TIMEOUT_S))):
        if table[key] == default:
            del table[key]
    if check.report is not None and check.report.path is None:
        table["report"] = {"format": check.report.format}
    return table


# -- one check ---------------------------------------------------------------------------------


def _is_attribute(text: str) -> bool:
    return is_word(text, _ATTRIBUTE_FIRST, _ATTRIBUTE_REST, 64)


def _is_flake_check(text: str) -> bool:
    return text.startswith("checks.") and _is_attribute(text.removeprefix("checks."))


def _check(name: str, fields: Fields) -> CheckDefinition:
    flake = None
    run: str | tuple[str, ...] | None = None
    if "flake" in fields:
        flake = fields.match("flake", _is_flake_check, "checks.<name>")
        for key in ("run", "shell", "env", "network", "failures"):
            if key in fields:
                raise fields.wrong(key, "a flake check brings its own; remove it")
    else:
        run = _run(fields)
    shell = "default"
    if "shell" in fields:
        shell = fields.match("shell", _is_attribute, "the name of a dev shell")
    check = CheckDefinition(
        name=name,
        run=run,
        flake=flake,
        shell=shell,
        inputs=_inputs(fields),
        report=_report(fields, flake is not None),
        artifacts=_artifacts(fields),
        timeout_s=(
            values.duration(fields, "timeout", units="smh", longest_s=LONGEST_TIMEOUT_S)
            if "timeout" in fields
            else DEFAULT_TIMEOUT_S
        ),
        network=fields.optional("network", bool) or False,
        env=_env(fields),
        digest=Sha256(""),
        failures=values.choice(fields, "failures", ("status", "report")),
    )
    if check.failures == "report" and check.report is None:
        raise fields.wrong("failures", "there is no report that could say it")
    fields.finish()
    return with_digest(check)


def _run(fields: Fields) -> str | tuple[str, ...]:
    if "run" not in fields:
        raise fields.wrong("run", "is missing (or name a `flake` check)")
    if fields.kind_of("run") is str:
        text = fields.text("run", max_chars=MAX_RUN_CHARS, lines=True)
        if not text.strip():
            raise fields.wrong("run", "is empty")
        return text
    words = fields.items("run", str, max_items=MAX_ARGUMENTS)
    if not words or not words[0].strip():
        raise fields.wrong("run", "names no command")
    if sum(map(len, words)) > MAX_RUN_CHARS:
        raise fields.wrong("run", f"is longer than {MAX_RUN_CHARS} characters")
    if not all(canonical.is_plain(word, lines=True) for word in words):
        raise fields.wrong("run", "has control characters")
    return words


def _inputs(fields: Fields) -> tuple[str, ...]:
    if "inputs" not in fields:
        return ("**",)
    return patterns(fields, "inputs")


def patterns(fields: Fields, key: str) -> tuple[str, ...]:
    """At least one pattern, in the order of the file: the last match wins."""
    found = fields.texts(key, max_items=MAX_PATTERNS, max_chars=MAX_PATTERN_BYTES)
    if not found:
        raise fields.wrong(key, "is empty")
    try:
        PatternSet(found)
    except ValueError as error:
        raise fields.wrong(key, str(error)) from None
    return found


def _report(fields: Fields, of_flake: bool) -> ReportSpec | None:
    if "report" not in fields:
        return None
    table = fields.child("report")
    kind = table.choice("format", ("junit", "tap"))
    path = None
    if kind == "junit":
        path = values.out_path(table, "path", table.text("path"))
    elif of_flake:
        raise table.wrong(
            "format", "tap is read from the command's output, which a flake check does not show"
        )
    table.finish()
    return ReportSpec(format=kind, path=path)


def _artifacts(fields: Fields) -> tuple[str, ...]:
    if "artifacts" not in fields:
        return ()
    found = fields.texts("artifacts", max_items=MAX_ARTIFACTS)
    for path in found:
        values.out_path(fields, "artifacts", path)
    return values.unique(fields, "artifacts", found)


def _env(fields: Fields) -> tuple[tuple[str, str], ...]:
    if "env" not in fields:
        return ()
    table = fields.child("env")
    keys = sorted(table.keys())
    if len(keys) > MAX_ENV:
        raise table.wrong(None, f"has more than {MAX_ENV} variables")
    found: list[tuple[str, str]] = []
    for key in keys:
        values.env_name(table, key)
        value = table.take(key, str)
        if len(value) > MAX_ENV_CHARS or not canonical.is_plain(value, lines=True):
            raise table.wrong(key, "is too long or has control characters")
        found.append((key, value))
    return tuple(found)


# -- quarantine --------------------------------------------------------------------------------


def _quarantine(top: Fields, checks: dict[str, CheckDefinition]) -> tuple[Quarantined, ...]:
    found: dict[tuple[str, str], Quarantined] = {}
    for fields in top.children("quarantine", max_items=MAX_QUARANTINE):
        check = fields.choice("check", tuple(checks))
        if checks[check].failures != "report":
            raise fields.wrong("check", f'has no effect: checks.{check} has no failures = "report"')
        until = values.moment(fields, "until")
        if until is None:
            raise fields.wrong("until", "is missing: a quarantine ends")
        test = fields.text("test", max_chars=MAX_TEST_ID)
        reason = fields.text("reason", max_chars=MAX_REASON)
        if not test.strip() or not reason.strip():
            raise fields.wrong("reason" if test.strip() else "test", "is empty")
        if (check, test) in found:
            raise fields.wrong("test", "is in quarantine already")
        found[check, test] = Quarantined(check, test, reason, until)
        fields.finish()
    return tuple(found[key] for key in sorted(found))
