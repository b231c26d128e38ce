"""Which attack notices that a check is gone: ``python -m tests.mutation --attacks [DIR]``.

Every push of the attack kit is recorded once (``python -m tests.attacks --record DIR``; without DIR this
records by itself) and judged again in process, by rules from which one check is taken out. An attack is red
by what the kit itself says: the push was let through, the pusher read other codes than the attack expects,
or an honest push was refused. What no attack notices is explained in ``explained.toml``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks import replay
from tests.attacks.replay import Case
from tests.mutation.mutants import Mutant, mutants_of, put
from tests.mutation.reach import Line, lines_of
from tests.mutation.rules import rule_of

BROKEN = "breaks"
"""The rules end with an error of their own, or not at all: the hook refuses, with no code that an attack
expects."""
_KINDS = (replay.ACCEPTED, replay.OTHER, BROKEN, replay.CONTROL)
"""The best proof that a check is needed comes first."""
_FIRST_REFUSED, _FIRST_HONEST = 600, 200
"""A mutant is tried by so many recorded pushes first; then, if they do not notice it, by all others."""
_OF_EXPLAINED = 60
"""One that is explained by so many of either kind only: if they notice it, that is told."""
_MORE = 40
"""Pushes that are tried after the first red one, for one that is let through."""
_CASE_S = 30.0
"""For one push: what takes longer hangs, and the hook's own time bound would refuse it."""
_MOST_S = 600.0
"""For one mutant."""


@dataclass(frozen=True)
class Found:
    """What the attacks say about one mutant."""

    mutant: Mutant
    kind: str
    """One of _KINDS; empty when no attack notices."""
    attack: str
    tried: int


@dataclass
class Attacks:
    cases: list[Case] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    reaching: dict[Line, list[int]] = field(default_factory=dict)
    alike: list[int] = field(default_factory=list)
    """How many pushes of the same attack before this one reached the very same lines and verdict."""
    left_out: list[str] = field(default_factory=list)
    """Attacks of pushes about which git itself was asked what no recording can answer again."""
    problem: str = ""


def load(folder: Path, modules: Iterable[str], share: int = 1) -> Attacks:
    """The cases of a folder, each judged once by the rules as they are. Those that are judged otherwise than
    the hook did it (git itself refused to answer) are left out; ``problem`` when they are many."""
    known = Attacks()
    ways: Counter[tuple[object, ...]] = Counter()
    wanted = {importlib.import_module(name).__file__ or "" for name in modules}
    for path in sorted(folder.glob("*.case"))[::share]:
        case = replay.load(path)
        if not case.decided:
            continue
        began = time.monotonic()
        if replay.differs(case):
            known.left_out.append(case.name)
            continue
        known.seconds.append(time.monotonic() - began)
        with lines_of(wanted) as reached:
            case.evaluate()
        for line in reached:
            known.reaching.setdefault(line, []).append(len(known.cases))
        assert case.verdict is not None
        way = (case.name, *replay.codes_of(case.verdict), frozenset(reached))
        known.alike.append(ways[way])
        ways[way] += 1
        known.cases.append(case)
    if len(known.left_out) * 100 > len(known.cases):
        known.problem = f"judged otherwise without any change: {known.left_out[:20]}"
    if not known.cases:
        known.problem = f"no recorded pushes in {folder}"
    return known


def checks_of(modules: Iterable[str]) -> Iterator[Mutant]:
    """The mutants that take a check out, or turn what it compares by."""
    for module in modules:
        yield from (mutant for mutant in mutants_of(module) if mutant.is_check)


def order(known: Attacks, mutant: Mutant, *, explained: bool = False) -> list[int]:
    """The pushes that reach the change: refused ones, of which one may be let through, then honest ones; of
    each attack one before a second of any, and last those that go the same way as others. Few pushes ask for
    what few rules say (a floor of Nix, a key that will be revoked), and these come late."""
    file = sys.modules[mutant.module].__file__ or ""
    numbers = {number for line in mutant.lines for number in known.reaching.get((file, line), ())}
    turns: Counter[str] = Counter()
    keyed = []
    for number in sorted(numbers, key=known.seconds.__getitem__):
        case = known.cases[number]
        turns[case.name] += 1
        keyed.append((case.status == 0, known.alike[number], turns[case.name], known.seconds[number], number))
    refused = [number for honest, *_, number in sorted(keyed) if not honest]
    honest = [number for honest, *_, number in sorted(keyed) if honest]
    if explained:
        return [*refused[:_OF_EXPLAINED], *honest[:_OF_EXPLAINED]]
    first = [*refused[:_FIRST_REFUSED], *honest[:_FIRST_HONEST]]
    return [*first, *refused[_FIRST_REFUSED:], *honest[_FIRST_HONEST:]]


def run(known: Attacks, mutants: list[Mutant], jobs: int, explained: frozenset[str]) -> Iterator[Found]:
    """Each mutant in a process of its own."""
    gc.collect()
    gc.freeze()
    waiting = list(reversed(mutants))
    running: dict[int, tuple[Mutant, int, float, list[int]]] = {}
    done = 0
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            numbers = order(known, mutant, explained=mutant.key in explained)
            if not numbers:
                yield Found(mutant, "", "", 0)
                continue
            read, pid = _fork(known, mutant, numbers)
            running[read] = mutant, pid, time.monotonic() + _MOST_S, numbers
        ready, _, _ = select.select(list(running), [], [], 0.5) if running else ([], [], [])
        late = [
            fd for fd, (_, _, until, _) in running.items() if fd not in ready and time.monotonic() > until
        ]
        for fd in [*ready, *late]:
            mutant, pid, _, numbers = running.pop(fd)
            answer = os.read(fd, 4096).decode() if fd in ready else ""
            os.close(fd)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            if answer.startswith(" "):
                _say(f"no attack notices: {mutant.key}")
            kind, _, attack = (answer or f"{BROKEN}\t{known.cases[numbers[0]].name}").partition("\t")
            yield Found(mutant, kind.strip(), attack, len(numbers))
            done += 1
            if done % 100 == 0:
                _say(f"{done} of {len(mutants)} checks")


def _too_long(_number: int, _frame: object) -> None:
    raise TimeoutError


def _say(text: str) -> None:
    print(f"mutation: {text}", file=sys.stderr, flush=True)


def _fork(known: Attacks, mutant: Mutant, numbers: list[int]) -> tuple[int, int]:
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return read, pid
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGALRM, _too_long)
        put(mutant)
        best, attack, more = "", "", _MORE
        until = time.monotonic() + _MOST_S * 0.8
        for number in numbers:
            case = known.cases[number]
            try:
                signal.setitimer(signal.ITIMER_REAL, _CASE_S)
                said = replay.red(case, case.evaluate())
                signal.setitimer(signal.ITIMER_REAL, 0)
            except Exception:  # noqa: BLE001 - whatever it is, the hook refuses for it
                said = BROKEN
            if said and (not best or _KINDS.index(said) < _KINDS.index(best)):
                best, attack = said, case.name
            more -= bool(best)
            if best == replay.ACCEPTED or more < 0 or (best and time.monotonic() > until):
                break
        os.write(write, f"{best or ' '}\t{attack}".encode())
    except BaseException:  # noqa: BLE001
        os.write(write, BROKEN.encode())
    finally:
        os._exit(0)


# -- what is printed -----------------------------------------------------------------------------


def report(found: list[Found], explained: frozenset[str], out: Path | None) -> int:
    """Prints which attack kills which check, the table rule by rule, and the checks that no attack kills."""
    for each in found:
        if each.kind:
            print(f"{each.kind:14} {each.attack:40} {each.mutant.key}")
    rows: dict[str, Counter[str]] = {}
    for each in found:
        row = rows.setdefault(rule_of(each.mutant), Counter())
        row["checks"] += 1
        row[each.kind or ("explained" if each.mutant.key in explained else "open")] += 1
    columns = ("checks", *_KINDS, "explained", "open")
    print("\n" + "".join(f"{name:>16}" for name in ("rule", *columns)))
    for name in sorted(rows):
        print(f"{name:>16}" + "".join(f"{rows[name][column]:16}" for column in columns))
    if out is not None:
        out.write_text(json.dumps([_as_json(each) for each in found], indent=1) + "\n")
    left = [each for each in found if not each.kind and each.mutant.key not in explained]
    for each in left:
        reached = f"{each.tried} pushes reach it" if each.tried else "no push reaches it"
        print(f"open: {each.mutant.key}  (line {each.mutant.line}, {reached})")
    return 1 if left else 0


def _as_json(found: Found) -> dict[str, object]:
    return {
        "check": found.mutant.key,
        "line": found.mutant.line,
        "rule": rule_of(found.mutant),
        "kind": found.kind,
        "attack": found.attack,
        "tried": found.tried,
    }
