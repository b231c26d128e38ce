"""What the documentation says exists: links, verbs and options, codes, files, schemas, dependencies; and
what it shows as an example is read by the package's own readers."""

from __future__ import annotations

import io
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from lfci_gate.attest.results import parse_result
from lfci_gate.attest.statement import parse_statement
from lfci_gate.canonical import dumps
from lfci_gate.cli import VERBS, run
from lfci_gate.codes import CODES
from lfci_gate.config.machine import parse_machine
from lfci_gate.config.policy import parse_policy
from lfci_gate.config.policy_text import unsatisfiable
from lfci_gate.config.project import parse_project
from lfci_gate.config.runner import parse_runner
from lfci_gate.runner.wire import parse_request

CHECKOUT = Path(__file__).resolve().parent.parent
DOCS = CHECKOUT / "docs"
PAGES = (CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md")))
TOPICS = {path.stem for path in (CHECKOUT / "templates" / "help").glob("*.txt")}

_FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# Words that stand for something else: `lfci VERB --help`, `lfci VERB ...`.
_PLACEHOLDER = re.compile(r"[A-Z.|\[\]]+")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))


def fences(page: Path, language: str | None = None) -> list[str]:
    """The fenced blocks of a page, of one language or of all."""
    return [body for kind, body in _FENCE.findall(page.read_text()) if language in (None, kind)]


def spans(page: Path) -> list[str]:
    """The inline code of a page; a span may go over the end of a line."""
    return [" ".join(span.split()) for span in _SPAN.findall(_FENCE.sub("", page.read_text()))]


# -- links ----------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def dead_links(page: Path) -> list[str]:
    found = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pages
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page) == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [CHECKOUT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen:
            continue
        seen.add(page)
        links = _LINK.findall(_FENCE.sub("", page.read_text()))
        paths = [(page.parent / link.partition("#")[0]).resolve() for link in links if ":" not in link]
        waiting += [path for path in paths if path.suffix == ".md"]
    assert set(PAGES) - seen == set()


# -- verbs and options ------------------------------------------------------------------------------


@cache
def help_of(*words: str) -> str | None:
    """What `lfci WORDS --help` prints; None when it is refused."""
    out = io.StringIO()
    status = run([*words, "--help"], environ={}, stdout=out, stderr=io.StringIO())
    return out.getvalue() if status == 0 else None


def problem_of(words: list[str]) -> str | None:
    """Why this command line cannot be one of lfci; None when verb, action and options exist."""
    if not words or words[0] in ("--version", "--help") or _PLACEHOLDER.fullmatch(words[0]):
        return None
    verb, *rest = words
    if verb not in VERBS:
        return f"there is no verb {verb}"
    shown = help_of(verb) or ""
    first = rest[0] if rest and not rest[0].startswith("-") and not _PLACEHOLDER.fullmatch(rest[0]) else None
    path = [verb]
    for word in rest:  # actions may have actions: `policy edit key add`
        if " ACTION" not in shown or word.startswith("-") or _PLACEHOLDER.fullmatch(word):
            break
        if (of_action := help_of(*path, word)) is None:
            return f"{' '.join(path)} has no action {word}"
        path.append(word)
        shown = of_action
    if first is not None and verb == "help" and first not in TOPICS:
        return f"there is no topic {first}"
    known = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown))
    for word in rest:
        option = word.partition("=")[0]
        if option.startswith("--") and option not in known:
            return f"{' '.join(path)} has no option {option}"
    return None


def commands(text: str) -> Iterator[list[str]]:
    """The words after `lfci` of every command line in ``text``."""
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||;|\$\(|\|", line.strip().removeprefix("$ ")):
            try:
                words = shlex.split(part, comments=True)
            except ValueError:
                words = part.split()
            if words[:2] == ["git", "lfci"]:
                words = words[1:]
            if words[:1] == ["sudo"]:
                words = words[words.index("lfci") :] if "lfci" in words else []
            if words[:1] == ["lfci"]:
                yield words[1:]


def test_the_reader_of_command_lines_sees_what_is_wrong() -> None:
    shown = """\
lfci chekc
lfci session stop  # no
lfci policy edit key shrink alice
lfci policy edit key add alice --fast
x && lfci check --fast
lfci help nothing
$ git lfci land --now
"""
    assert [problem_of(words) for words in commands(shown)] == [
        "there is no verb chekc",
        "session has no action stop",
        "policy edit key has no action shrink",
        "policy edit key add has no option --fast",
        "check has no option --fast",
        "there is no topic nothing",
        "land has no option --now",
    ]
    right = (
        "lfci VERB --help\nlfci session start --goal 'a; b'\nlfci check --rev HEAD && lfci land --dry-run\n"
    )
    assert [problem_of(words) for words in commands(right)] == [None] * 4
    assert problem_of(["session", "start", "--limit", "3"]) == "session start has no option --limit"


@pages
def test_every_command_line_is_one_that_exists(page: Path) -> None:
    blocks = (body for kind, body in _FENCE.findall(page.read_text()) if kind in ("", "sh"))
    shown = "\n".join((*blocks, *spans(page)))
    wrong = [(words, why) for words in commands(shown) if (why := problem_of(words)) is not None]
    assert wrong == []


def test_the_readme_shows_command_lines() -> None:
    verbs = {words[0] for words in commands("\n".join(fences(CHECKOUT / "README.md"))) if words}
    assert {"init", "doctor", "check", "install", "forge", "land", "approve", "verify"} <= verbs


# -- codes, files, schemas ----------------------------------------------------------------------------


@pages
def test_every_code_is_in_the_catalogue(page: Path) -> None:
    assert set(re.findall(r"LFCI[0-9]+", page.read_text())) - CODES.keys() == set()


@pages
def test_every_file_of_this_project_that_is_named_exists(page: Path) -> None:
    named = [
        span
        for span in spans(page)
        if re.match(r"(?:lfci_gate|hooks|templates|tests|docs)/[\w./-]*$", span) and span != "tests/"
    ]
    # `hooks/pre-receive` of a forge and `hooks/` of this project have the same names.
    assert [name for name in named if not (CHECKOUT / name).exists()] == []


@pages
def test_every_schema_is_one_that_the_package_writes(page: Path) -> None:
    source = "".join(path.read_text() for path in (CHECKOUT / "lfci_gate").rglob("*.py"))
    named = set(re.findall(r"\blfci\.[a-z-]+/[0-9]+", page.read_text()))
    assert {schema for schema in named if f'"{schema}"' not in source} == set()


def test_each_rule_has_a_section() -> None:
    text = (DOCS / "rules.md").read_text()
    assert re.findall(r"^## ([0-9]+)\. ", text, re.MULTILINE) == [str(number) for number in range(1, 17)]
    import lfci_gate.gate.rules

    names = re.findall(r"^ ?([0-9]+)\. ([A-Z][^:]+):", lfci_gate.gate.rules.__doc__ or "", re.MULTILINE)
    assert len(names) == 16
    for number, name in names:
        assert f"## {number}. {name}" in text


def test_each_dependency_has_a_reason() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    text = (DOCS / "dependencies.md").read_text().lower()
    missing = [name for each in wanted if (name := Requirement(each).name.lower()) not in text]
    assert missing == []


# -- examples -------------------------------------------------------------------------------------------


def test_the_examples_of_formats_are_read_by_the_readers() -> None:
    page = DOCS / "formats.md"
    [runner] = [each for each in fences(page, "toml") if "[[allow]]" in each]
    assert parse_runner(runner.encode()).name == "runner-1"
    requests = [line for each in fences(page, "") for line in each.splitlines() if "lfci.runner/1" in line]
    assert [parse_request(line.encode()).ask for line in requests] == ["check", "status"]
    [machine] = [each for each in fences(page, "toml") if "[builders]" in each]
    assert [each.jobs for each in parse_machine(machine.encode(), "config.toml")[0].builders] == [4, 2]
    config, *policies = (each for each in fences(page, "toml") if each not in (runner, machine))
    assert {check.name for check in parse_project(config.encode()).checks} == {"test", "lint", "package"}
    assert [unsatisfiable(parse_policy(policy.encode())) for policy in policies] == [(), ()]
    documents = [json.loads(each) for each in fences(page, "json")]
    statements = [each for each in documents if "_type" in each]
    assert [type(parse_statement(dumps(each))).__name__ for each in statements] == ["CheckRun", "Approval"]
    [result] = [each for each in documents if "tests" in each]
    assert parse_result(dumps(result)).check == "test"
    [verdict] = [each for each in documents if each.get("schema") == "lfci.verdict/1"]
    assert verdict == shown_verdict()


def shown_verdict() -> object:
    """The verdict of docs/formats.md, as the gate writes it."""
    from lfci_gate.gate.render import verdict_object
    from lfci_gate.model import ObjectId, Reason, RefUpdate, RefVerdict, Verdict, VerdictKind

    old = ObjectId("1405df66cbe219b0bf6355bc3d60361a8376b6b4")
    new = ObjectId("a8b46c419daab89b9fb4d338880538221fdaf525")
    reason = Reason(
        "LFCI101",
        "no attestation for check test",
        "",
        "test",
        new,
        ("inputs tree: 66b0c73b3ba65150e6e97e6f56dabcca97ae3122",),
    )
    update = RefUpdate("refs/heads/main", old, new)
    kind = VerdictKind.REFUSED
    return verdict_object(Verdict(kind, (RefVerdict(update, kind, (reason,), (), protected=True),)))
