"""What worlds are made of: people, policies, configurations, and edits of files, each drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from tests.properties.model import (
    CONFIG,
    DAY,
    EXECUTABLE,
    GITLINK,
    LINK,
    MAIN,
    PLAIN,
    BreakGlass,
    Check,
    Config,
    Delegation,
    File,
    Guard,
    Key,
    Need,
    Policy,
    Rule,
    Scope,
    Tree,
)

T = TypeVar("T")
HOUR = 3600
BYTE_FILES: dict[bytes, bytes] = {
    b"flake.nix": b"{ outputs = _: { }; }\n",
    b"flake.lock": b'{"nodes":{"root":{}},"root":"root","version":7}\n',
    b"src/lib.py": b"answer = 42\n",
    b"src/gen/table.py": b"rows = ()\n",
    b"tests/test_lib.py": b"def test_answer():\n    assert True\n",
    b"docs/guide.md": b"# Guide\n",
}
FILES: dict[bytes, File] = {path: (PLAIN, data) for path, data in BYTE_FILES.items()}


class Chance:
    """Draws, in words."""

    def __init__(self, random: Random) -> None:
        """``random`` is hypothesis's: what it gives is replayed and made smaller."""
        self._random = random

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def pick(self, some: Sequence[T]) -> T:
        return some[self.number(0, len(some) - 1)]

    def weighted(self, weights: dict[T, int]) -> T:
        """The first is what a failure is made smaller to."""
        left = self.number(1, sum(weights.values()))
        for each, weight in weights.items():
            left -= weight
            if left <= 0:
                return each
        raise AssertionError("no weights")

    def one_in(self, number: int) -> bool:
        """True once in so many times."""
        return self.number(1, number) == number

    def some(self, each: Sequence[T], least: int, most: int) -> list[T]:
        """Different ones, in the order of ``each``."""
        count = self.number(min(least, len(each)), min(most, len(each)))
        left = list(each)
        while len(left) > count:
            left.pop(self.number(0, len(left) - 1))
        return left


# -- people ------------------------------------------------------------------------------------


def people(chance: Chance, now: int) -> tuple[Key, ...]:
    """Keys of a policy. What never changes: somebody can approve, somebody can attest."""
    keys = [
        Key("alice", "alice", ("maintainer",), pushers=("alice@example.com",)),
        Key("bob", "bob", ("maintainer",)),
        Key("carl", "carl", ("maintainer", "agent")),
        Key("ann", "ann", ("agent",), pushers=("ann@example.com",)),
        Key("abe", "abe", ("agent",)),
        Key("amy-1", "amy-1", ("agent",)),
        Key("run", "run", ("runner",)),
        Key("val", "val", ("verifier",)),
        Key("vic", "vic", ("verifier",)),
        Key("doc", "doc", ("docs-agent",)),
        Key("led", "led", ("docs-lead",)),
    ]
    if chance.one_in(2):  # two keys of one holder
        keys += [Key("amy-2", "amy-2", ("agent", "maintainer"), identity="amy-1")]
    if chance.one_in(3):
        keys += [Key("alice-desk", "alice-desk", ("maintainer", "verifier"), identity="alice")]
    limits: dict[str, dict[str, int]] = {
        "soon over": {"valid_until": now + chance.pick((HOUR, DAY))},
        "not yet": {"valid_from": now + chance.pick((HOUR, DAY))},
        "over": {"valid_until": now},
        "revoked": {"revoked": now},
        "to be revoked": {"revoked": now + HOUR},
    }
    for holder, roles in (("tim", ("agent",)), ("tom", ("maintainer", "agent"))):
        if chance.one_in(2):
            times: Any = limits[chance.pick(sorted(limits))]
            keys.append(Key(holder, holder, roles, **times))
    return tuple(keys)


HOLDERS = ("alice", "alice-desk", "bob", "carl", "ann", "abe", "amy-1", "amy-2", "run", "val", "vic",
           "doc", "led", "tim", "tom")  # fmt: skip
STRANGER = "stranger"


# -- policies ----------------------------------------------------------------------------------

RELEASE = ("refs/heads/release/*",)
CONTRIB = ("refs/heads/contrib/**",)
TAGS = ("refs/tags/v*",)


def policy(chance: Chance, now: int, version: int = 1) -> Policy:
    rules = [rule(chance, (MAIN, *RELEASE) if chance.one_in(2) else (MAIN,))]
    rules += [rule(chance, RELEASE)] if chance.one_in(2) else []
    rules += [rule(chance, TAGS)] if chance.one_in(2) else []
    if chance.one_in(2):
        open_to_all = Rule(CONTRIB, any_update=True, needs=(Need("lint", ("agent",), report=False),))
        rules.append(open_to_all if chance.one_in(2) else replace(open_to_all, needs=()))
    scopes: tuple[Scope, ...] = ()
    if chance.one_in(2):
        scopes = (
            Scope(
                "docs-agent",
                refs=chance.pick(((), (MAIN,), RELEASE)),
                paths=chance.pick((("docs/",), ("docs/", "src/gen/"), ("**/*.md",))),
            ),
        )
    delegations: tuple[Delegation, ...] = ()
    if chance.one_in(2):
        where = chance.pick((((MAIN,), ()), ((), ("docs/",)), ((), ("tests/", "docs/")), (RELEASE, ("**",))))
        granter = chance.pick(("maintainer", "agent"))
        until = now + chance.pick((HOUR, DAY, 30 * DAY))
        delegations = (Delegation(granter, "docs-lead", until, refs=where[0], paths=where[1]),)
        if chance.one_in(2):
            delegations += (Delegation("docs-lead", "runner", now + DAY, refs=(MAIN,)),)
    return Policy(
        version,
        people(chance, now),
        tuple(rules),
        bootstrap=chance.weighted({"report": 4, "approval": 1}),
        scopes=scopes,
        delegations=delegations,
    )


def rule(chance: Chance, refs: tuple[str, ...]) -> Rule:
    return Rule(
        refs,
        needs=needs(chance),
        guards=guards(chance),
        each=chance.one_in(3),
        max_age=chance.pick((None, None, 7 * DAY, HOUR)),
        bind=chance.weighted({(): 6, ("base",): 1, ("ref",): 1, ("base", "ref"): 1}),
        any_update=chance.one_in(3),
        gitlinks=chance.one_in(4),
        removed=chance.pick(("allow", "allow", "approval", "refuse")),
        unpinned=chance.weighted({"allow": 5, "refuse": 1}),
        nix=chance.pick((None, None, "2.18")),
        pusher=chance.weighted({"any": 4, "attester": 1}),
        glass=glass(chance) if chance.one_in(3) else None,
    )


def needs(chance: Chance) -> tuple[Need, ...]:
    roles = chance.pick((("agent",), ("agent", "runner"), ("agent", "docs-agent")))
    test = Need(
        "test",
        roles,
        threshold=chance.weighted({1: 5, 2: 2}),
        engines=chance.weighted({("develop", "build"): 4, ("develop",): 1, ("build",): 1}),
        hermetic=not chance.one_in(4),
        report=not chance.one_in(4),
    )
    assurance = chance.weighted({"claimed": 5, "corroborated": 1, "derived": 1, "rebuilt": 1})
    if assurance == "corroborated":
        test = replace(test, threshold=2, assurance=assurance)
    elif assurance != "claimed":
        verifiers = chance.pick((("verifier",), ("verifier", "runner")))
        test = replace(test, assurance=assurance, verifiers=verifiers)
    lint = Need("lint", ("agent", "docs-agent"), report=False, hermetic=False)
    return chance.weighted({(test,): 4, (test, lint): 3, (lint,): 1, (): 1})


def guards(chance: Chance) -> tuple[Guard, ...]:
    usual = Guard(("flake.nix", "flake.lock", ".lfci/", "tests/"))
    return chance.pick(
        (
            (usual,),
            (usual,),
            (replace(usual, threshold=2),),
            (Guard(("tests/",), threshold=2), Guard((".lfci/", "!.lfci/config.toml"))),
            (Guard(("**/*.lock", "flake.nix")), Guard(("src/gen/**",), ("maintainer", "agent"))),
            (Guard(("tests/*", "docs/")),),
            (),
        )
    )


def glass(chance: Chance) -> BreakGlass:
    return BreakGlass(
        roles=chance.pick((("maintainer",), ("maintainer", "runner"))),
        threshold=chance.pick((2, 2, 3)),
        longest=chance.pick((HOUR, 4 * HOUR, DAY)),
        waives=chance.pick(
            (("approvals", "checks", "dependencies", "tests"), ("checks",), ("approvals", "tests"))
        ),
    )


# -- configurations ----------------------------------------------------------------------------


def config(chance: Chance) -> Config:
    inputs = chance.pick((("**",), ("src/", "tests/", "!src/gen/"), ("**", "!docs/")))
    return Config(
        (
            Check("test", inputs=inputs),
            Check("lint", "run-lint", inputs=("src/",), report=False),
        )
    )


def other_config(chance: Chance, before: Config) -> Config:
    """Another one, or one that no longer declares a check."""
    test, *rest = before.checks
    return chance.pick(
        (
            Config((replace(test, timeout="9m"), *rest)),
            Config((replace(test, inputs=("src/", "tests/")), *rest)),
            Config((replace(test, run="run-all-tests"), *rest)),
            Config((test, *rest, Check("more", "run-more"))),
            Config((replace(test, report=False), *rest)),
            Config(tuple(rest) or (replace(test, name="other"),)),
        )
    )


# -- edits -------------------------------------------------------------------------------------

EDITS = {
    "source": 8,
    "tests": 3,
    "docs": 4,
    "generated": 2,
    "nothing": 1,
    "rename source": 1,
    "rename protected folder": 1,
    "move into protected folder": 1,
    "remove tests": 1,
    "flake": 1,
    "lock": 1,
    "mode": 1,
    "protected mode": 1,
    "link": 1,
    "link for a folder": 1,
    "link for a protected folder": 1,
    "link out of the tree": 1,
    "gitlink": 1,
    "collision": 1,
    "odd mode of our files": 1,
}


def edited(chance: Chance, tree: Tree, serial: int) -> Tree:
    """A tree after one edit."""
    return by(chance.weighted(EDITS), tree, serial)


def by(kind: str, tree: Tree, serial: int) -> Tree:
    """A tree after an edit of this kind; ``serial`` makes contents that nobody else has."""
    new = b"%d\n" % serial
    files: dict[str, dict[bytes, File | None]] = {
        "source": {b"src/lib.py": (PLAIN, b"answer = " + new)},
        "tests": {b"tests/test_lib.py": (PLAIN, b"def test_answer():\n    assert " + new)},
        "docs": {b"docs/guide.md": (PLAIN, b"# Guide " + new)},
        "generated": {b"src/gen/table.py": (PLAIN, b"rows = " + new)},
        "nothing": {},
        "remove tests": {path: None for path in tree.files if path.startswith(b"tests/")},
        "flake": {b"flake.nix": (PLAIN, b"# " + new)},
        "lock": {b"src/uv.lock": (PLAIN, b"# " + new)},
        "mode": {b"src/run": (EXECUTABLE, b"#!/bin/sh\n# " + new)},
        "protected mode": {b"tests/test_lib.py": (EXECUTABLE, tree.plain(b"tests/test_lib.py") or new)},
        "link": {b"src/alias.py": (LINK, b"lib.py")},
        "link for a folder": {b"docs": (LINK, b"src")},
        "link for a protected folder": {b"tests": (LINK, b"src")},
        "link out of the tree": {b"src/out": (LINK, b"../../etc/passwd")},
        "gitlink": {b"vendor/other": (GITLINK, b"%040x" % (serial + 1))},
        "collision": {b"src/LIB.py": (PLAIN, new)},
        "odd mode of our files": {CONFIG: (EXECUTABLE, tree.plain(CONFIG) or new)},
    }
    if kind == "rename source":
        return tree.moved(b"src/lib.py", b"src/core.py" if serial % 2 else b"src/lib_.py")
    if kind == "rename protected folder":
        return tree.moved(b"tests", b"checks" if serial % 2 else b"docs/tests")
    if kind == "move into protected folder":
        return tree.moved(b"docs", b"tests/docs")
    return tree.edited(files[kind])
