"""What became of the tests of the base: gone, skipped, run less often, or called something else. Pure.

Ids are counted, not only collected: a report may hold one id several times, and each is a test. What an
attester says of the base cannot shrink it, and what one says of the new tree cannot grow it: of the base's
documents an id counts as often as in the one that has it most, of the new ones as in the one that has
it least.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from lfci_gate.model import ResultDocument
from lfci_gate.value import Value

_SHOWN = 3
_SHOWN_CHARS = 120

Renames = Callable[[Collection[str]], Mapping[str, frozenset[str]]]
"""What ids of the base may be called now, for those of which anything is known."""


class Before(Value):
    """The tests of the base."""

    passed: Mapping[str, int]
    """How often each id passed, or failed in quarantine."""
    ids: frozenset[str]
    """All ids, also of tests that did not pass."""


class Now(Value):
    """The tests of what is to land."""

    executed: Mapping[str, int]
    """How often each id was executed, in every document."""
    ids: frozenset[str]
    """Ids that every document has, whatever became of the test."""


class TestChanges(Value):
    """How tests that passed on the base were weakened; each id is in one list only, all sorted."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    removed: tuple[str, ...]
    skipped: tuple[str, ...]
    fewer: tuple[tuple[str, int, int], ...]
    """Ids that were executed, how often, and how often they passed before."""
    renamed: tuple[tuple[str, str], ...]
    """Old id, new id."""
    kept: int
    """Test cases of the base that were executed again; an id that is renamed counts under its new name."""
    total: int
    """Test cases that passed on the base."""

    @property
    def weaker(self) -> bool:
        return bool(self.removed or self.skipped or self.fewer)


def before(documents: Iterable[ResultDocument], borne: Iterable[ResultDocument] = ()) -> Before:
    """All that the base's documents say together. Arguments: ``borne`` are those of runs that counted
    although tests failed in them; these are missed as much as what passed."""
    passed: Counter[str] = Counter()
    ids: set[str] = set()
    for document in documents:
        passed |= Counter(case.id for case in document.tests if case.outcome == "passed")
        ids.update(case.id for case in document.tests)
    for document in borne:
        passed |= Counter(case.id for case in document.tests if case.outcome != "skipped")
    return Before(passed, frozenset(ids))


def now(documents: Iterable[ResultDocument | None]) -> Now:
    """What all documents of the new tree agree on; None stands for a run without a report, which
    executed no test."""
    executed: Counter[str] | None = None
    ids: set[str] | None = None
    for document in documents:
        cases = () if document is None else document.tests
        mine = Counter(case.id for case in cases if case.outcome != "skipped")
        executed = mine if executed is None else executed & mine
        known = {case.id for case in cases}
        ids = known if ids is None else ids & known
    return Now(executed or Counter(), frozenset(ids or ()))


def compare(old: Before, new: Now, renames: Renames) -> TestChanges:
    """What became of each test that passed on the base.

    A test is renamed when its id leads to exactly one id that was executed now, that the base did not have
    and that no other test of the base is taken for. So however ids are chosen, no test stands for two.
    """
    gone = [each for each in sorted(old.passed) if not new.executed.get(each)]
    names = renames(gone) if gone else {}
    removed: list[str] = []
    skipped: list[str] = []
    fewer: list[tuple[str, int, int]] = []
    renamed: list[tuple[str, str]] = []
    taken: set[str] = set()
    kept = 0
    for each in sorted(old.passed):
        name = each
        if not new.executed.get(each):
            if each in new.ids:
                skipped.append(each)
                continue
            free = [
                other
                for other in names.get(each, ())
                if new.executed.get(other) and other not in old.ids and other not in taken
            ]
            if len(free) != 1:
                removed.append(each)
                continue
            name = free[0]
            taken.add(name)
            renamed.append((each, name))
        times = min(old.passed[each], new.executed[name])
        kept += times
        if times < old.passed[each]:
            fewer.append((name, times, old.passed[each]))
    total = sum(old.passed.values())
    return TestChanges(tuple(removed), tuple(skipped), tuple(fewer), tuple(renamed), kept, total)


# -- in words -------------------------------------------------------------------------------------


def message(check: str, changes: TestChanges) -> str:
    """What a refusal says of them, in one line."""
    gone = len(changes.removed) + len(changes.skipped)
    if not gone:
        return f"check {check} executes fewer tests than on the base"
    count = "1 test" if gone == 1 else f"{gone} tests"
    return f"{count} of check {check} passed on the base, now gone or skipped"


def facts(changes: TestChanges) -> tuple[str, ...]:
    """One line for each way in which tests were weakened, the first few of each by name."""
    found = []
    if changes.removed:
        found.append(f"removed: {_some(map(shown, changes.removed), len(changes.removed))}")
    if changes.skipped:
        found.append(f"newly skipped: {_some(map(shown, changes.skipped), len(changes.skipped))}")
    if changes.fewer:
        times = (f"{shown(name)} {some} of {all_} times" for name, some, all_ in changes.fewer)
        what = f"executed {changes.kept} of {changes.total} before"
        found.append(f"{what}: {_some(times, len(changes.fewer))}")
    return tuple(found)


def renamings(changes: TestChanges) -> str:
    """The renamed tests in one line; empty when there are none."""
    pairs = (f"{shown(old)} -> {shown(new)}" for old, new in changes.renamed)
    return f"renamed: {_some(pairs, len(changes.renamed))}" if changes.renamed else ""


def shown(test_id: str) -> str:
    """An id as it may be printed: plain ASCII, of bounded length."""
    text = ascii(test_id)[1:-1]
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."


def _some(texts: Iterable[str], count: int) -> str:
    first = [text for text, _ in zip(texts, range(_SHOWN), strict=False)]
    more = f" and {count - len(first)} more" if count > len(first) else ""
    return ", ".join(first) + more
