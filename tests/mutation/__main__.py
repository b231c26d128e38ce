"""``python -m tests.mutation [--attacks [DIR]] [--every N] [--jobs N] [--only PART] [--out FILE]``

Exit status 0 when every survivor is explained in explained.toml, 1 when one is not, 2 when the tests
fail, or recorded attacks are judged otherwise, without any change.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib
import json
import os
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.mutation.campaign import Campaign, Settings, write
from tests.mutation.mutants import Mutant
from tests.mutation.scope import MODULES, TESTS

EXPLAINED = Path(__file__).with_name("explained.toml")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only one of N mutants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument(
        "--only", default="", help="modules whose name has one of these in it, with commas between"
    )
    parser.add_argument("--tests", nargs="*", default=list(TESTS), help="other tests than the usual ones")
    parser.add_argument("--attacks", nargs="?", const="", metavar="DIR",
                        help="take checks out, and judge the recorded pushes of the attack kit (recorded now)"
                        )  # fmt: skip
    parser.add_argument("--again", type=Path, metavar="FILE", help="only what survived in a file of --out")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    options = parser.parse_args(argv)
    modules = tuple(each for each in MODULES if any(part in each for part in options.only.split(",")))
    for module in modules:
        importlib.import_module(module)
    if options.attacks is not None:
        with recorded(options.attacks, options.jobs) as folder:
            return 2 if folder is None else attack(modules, folder, options)
    os.environ.setdefault("HYPOTHESIS_PROFILE", "mutation")
    campaign = Campaign(
        Settings(
            modules,
            options.jobs,
            options.every,
            explained=functools.partial(explained, "survivor"),
            again=survivors(options.again),
        )
    )
    words = ["-q", "--assert=plain", *("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:timeout")]
    pytest.main([*words, *options.tests], plugins=[campaign])
    if campaign.problem:
        print(campaign.problem, file=sys.stderr)
        return 2
    return report(campaign, options.out)


@contextlib.contextmanager
def recorded(folder: str, jobs: int) -> Iterator[Path | None]:
    """A folder with the recorded pushes of all attacks; None when one of them was not fended off."""
    if folder:
        yield Path(folder)
        return
    from tests.attacks import runner

    with tempfile.TemporaryDirectory(prefix="lfci-cases-") as made:
        words = ["--record", made, "--transport", "daemon", "--instrument", "never", "--no-gateless"]
        yield None if runner.main([*words, "--jobs", str(jobs)]) else Path(made)


def attack(modules: tuple[str, ...], folder: Path, options: argparse.Namespace) -> int:
    """Takes out one check of ``modules`` at a time and judges the recorded pushes."""
    from tests.mutation import attacks

    known = attacks.load(folder, modules)
    if known.problem:
        print(known.problem, file=sys.stderr)
        return 2
    again = survivors(options.again)
    found = (each for each in attacks.checks_of(modules) if again is None or each.key in again)
    mutants = list(found)[:: options.every]
    print(f"{len(known.cases)} recorded pushes, {len(known.left_out)} left out, {len(mutants)} checks",
          file=sys.stderr)  # fmt: skip
    told = explained("unattacked", mutants)
    answers = list(attacks.run(known, mutants, options.jobs, told))
    return attacks.report(answers, told, options.out)


def survivors(path: Path | None) -> frozenset[str] | None:
    """The keys of what nothing noticed in an earlier run; None without one."""
    if path is None:
        return None
    value = json.loads(path.read_text())
    if isinstance(value, dict):
        return frozenset((*value["survived"], *value["unreached"]))
    return frozenset(each["check"] for each in value if not each["kind"])


def explained(table: str, mutants: Iterable[Mutant]) -> frozenset[str]:
    """The keys of those of ``mutants`` that a table of explained.toml explains, by their own name or that of
    their function."""
    groups = tomllib.loads(EXPLAINED.read_text()).get(table, [])
    keys = {key for group in groups for key in group.get("mutants", ())}
    functions = {name for group in groups for name in group.get("functions", ())}
    return frozenset(
        each.key for each in mutants if each.key in keys or f"{each.module}:{each.function}" in functions
    )


def report(campaign: Campaign, out: Path | None) -> int:
    """Prints the score of each module and every survivor without an explanation."""
    results = campaign.results
    if out is not None:
        write(results, out)
    alive = [*results.survived, *results.unreached]
    known = explained("survivor", alive)
    open_ones = [mutant for mutant in alive if mutant.key not in known]
    killed, lived = Counter(m.module for m in results.killed), Counter(m.module for m in alive)
    for module in sorted(killed | lived):
        total = killed[module] + lived[module]
        print(f"{module:40} {killed[module]:5} of {total:5} killed  {100 * killed[module] / total:5.1f} %")
    total = len(results.killed) + len(alive)
    print(
        f"{'all':40} {len(results.killed):5} of {total:5} killed, {len(alive) - len(open_ones)} explained,"
        f" {len(open_ones)} open, {results.seconds:.0f} s"
    )
    for mutant in open_ones:
        print(f"open: {mutant.key}  (line {mutant.line})")
    return 1 if open_ones else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
