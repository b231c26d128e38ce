"""Rules 4 and 5 from the facts: which commits are new, and which trees no clone should get."""

from __future__ import annotations

from tests.properties.model import FLAKE, GITLINK, LINK, PLAIN, Commit, File, Rule, Tree


def merge_bases(one: Commit, other: Commit) -> list[Commit]:
    """The best common ancestors."""
    mine = set(one.history())
    common = [each for each in other.history() if each in mine]
    below = {far for each in common for far in each.history() if far is not each}
    return [each for each in common if each not in below]


def new_commits(new: Commit, base: Commit | None) -> list[Commit]:
    """Reachable from the new tip and not from the base."""
    known = set() if base is None else set(base.history())
    return [each for each in new.history() if each not in known]


def first_parents(new: Commit, base: Commit | None) -> list[Commit]:
    """New commits on the line of first parents, and always the tip."""
    fresh = set(new_commits(new, base))
    line = [new]
    while line[-1].parents and line[-1].parents[0] in fresh:
        line.append(line[-1].parents[0])
    return line


def unsafe_codes(tree: Tree, landed: Tree, rule: Rule) -> set[str]:
    """Codes for entries that no tree may hold; what is there already is not judged again."""
    found = set()
    for path, (mode, data) in tree.items:
        if landed.get(path) == (mode, data):
            continue
        if mode == GITLINK and not rule.gitlinks:
            found.add("LFCI407")
        if mode != PLAIN and (path in FLAKE or path.startswith(b".lfci/")):
            found.add("LFCI401")
        if mode == LINK and _leaves(path, data):
            found.add("LFCI401")
    for folder in _folders(tree):
        names = {path[len(folder) :].split(b"/")[0] for path in tree.files if path.startswith(folder)}
        is_new = _below(tree, folder) != _below(landed, folder)
        if is_new and len({name.lower() for name in names}) < len(names):
            found.add("LFCI401")
    return found


def _folders(tree: Tree) -> set[bytes]:
    """All folders, with their slash; the root is empty."""
    slash = ord("/")
    return {b""} | {
        path[: at + 1] for path in tree.files for at, character in enumerate(path) if character == slash
    }


def _below(tree: Tree, folder: bytes) -> list[tuple[bytes, File]]:
    return [(path, each) for path, each in tree.items if path.startswith(folder)]


def _leaves(path: bytes, target: bytes) -> bool:
    if target.startswith(b"/"):
        return True
    at = path.split(b"/")[:-1]
    for part in target.split(b"/"):
        if part != b"..":
            at.append(part)
        elif at:
            at.pop()
        else:
            return True
    return False
