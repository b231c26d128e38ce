"""Break-glass over git daemon: what lands by it is recorded as what it is, once, and nothing else opens the
gate."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.gate.fold import fold
from lfci_gate.gate.install import forge_status
from lfci_gate.gate.landed import forge_signer
from lfci_gate.gate.records import bypasses_of, lines_of, signed_records
from lfci_gate.gate.state import ForgeState
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import Landing, ObjectId
from tests.gate.conftest import Farm
from tests.gate.test_fold import killed_at, noted, without_post_receive
from tests.gate.test_rule_16 import BOTH, GLASS, KEYS, SECOND_KEY
from tests.support.evidence import BYPASS, TestSigner
from tests.support.forge import MAINTAINER, RULE, STRANGER, Developer, Forge, first_landing, now, policy_text
from tests.support.statements import cosigned
from tests.support.transports import http_server

MAIN = "refs/heads/main"
TESTS: dict[str, bytes | None] = {"tests/test_lib.py": b"def test_answer():\n    assert 1\n"}


def policy(version: int = 1, **changes: Any) -> bytes:
    return policy_text(version=version, rules=({**RULE, "break-glass": GLASS, **changes},), keys=KEYS)


@pytest.fixture(scope="module")
def glass_template(farm: Farm, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A forge whose policy knows break-glass, with a first landing; and a clone of it."""
    forge = farm.empty(policy())
    clone = tmp_path_factory.mktemp("glass") / "clone"
    first_landing(Developer(clone, forge), policy())
    return forge.path, clone


@pytest.fixture
def ada(farm: Farm, glass_template: tuple[Path, Path], tmp_path: Path) -> Developer:
    return copy_of(farm, glass_template, tmp_path / "ada")


@pytest.fixture(scope="module")
def shared(
    farm: Farm, glass_template: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Developer:
    """The clone of a forge that no test changes."""
    return copy_of(farm, glass_template, tmp_path_factory.mktemp("refused") / "clone")


@pytest.fixture
def guest(shared: Developer) -> Developer:
    shared.start()
    return shared


def copy_of(farm: Farm, template: tuple[Path, Path], clone: Path) -> Developer:
    farm.count += 1
    path = farm.base / f"{farm.count}.git"
    shutil.copytree(template[0], path)
    return Developer.copied(template[1], clone, Forge(path, f"{farm.url}/{path.name}"))


def bypass(developer: Developer, rev: str = "HEAD", *signers: TestSigner, **changes: Any) -> str:
    """A refspec that delivers a bypass for pushing ``rev`` to main now."""
    moment = now()
    statement = replace(
        BYPASS,
        commit=ObjectId(developer.repo.line("rev-parse", rev)),
        old=ObjectId(developer.forge.refs()[MAIN]),
        waives=("approvals", "checks", "dependencies", "tests"),
        issued_at=moment - timedelta(seconds=1),
        not_after=moment + timedelta(hours=1),
    )
    line = cosigned(replace(statement, **changes), *(signers or BOTH))
    return "{}:{}".format(*developer.inbox(line))


def name_of(spec: str) -> str:
    return spec.rpartition("/")[2]


def record_of(forge: Forge, commit: str) -> Landing:
    """The last landing record of a commit, verified by the forge's key."""
    lines = lines_of(forge.note("lfci-landed", commit))
    return list(signed_records(lines, [forge_signer(forge.git).public]))[-1].landing


# -- what becomes of one that lands ------------------------------------------------------------------------


def test_it_lands_loudly_and_is_recorded_as_not_passed(ada: Developer) -> None:
    forge = ada.forge
    commit = ada.edit(TESTS)
    spec = bypass(ada, reason="the forge burns\nfor hours")
    pushed = ada.push("origin", "main", spec)
    assert pushed.status == 0, pushed.output
    assert pushed.codes == set()
    said = [line.removeprefix("remote: ").rstrip() for line in pushed.output.splitlines()]
    assert f"warning: {MAIN} lands by break-glass" in said
    assert f"warning: BREAK-GLASS: did NOT pass, landed by bypass {name_of(spec)}" in said
    assert 'warning: BREAK-GLASS: asked for by "alice": "the forge burns for hours"' in said
    assert "warning: BREAK-GLASS: waived LFCI101, no attestation for check test" in said
    assert forge.refs()[MAIN] == commit

    landing = record_of(forge, commit)
    assert (landing.bypass, landing.waived) == (name_of(spec), ("LFCI101", "LFCI206"))
    assert name_of(spec) in landing.evidence
    text = forge.note("lfci-landed", commit).decode()
    assert text.startswith(f"Landed by BREAK-GLASS, NOT PASSED, on {MAIN} at ")
    assert f"BREAK-GLASS: did NOT pass, landed by bypass {name_of(spec)}\n" in text
    # What was agreed to is kept under the commit it is about, with both signatures.
    [line] = forge.note("lfci", commit).splitlines()
    assert len(parse_bundle(line).envelope.signatures) == 2
    assert (commit, name_of(spec)) in noted(forge)
    assert not forge.waiting()
    forge.fsck()

    # The next landing is an ordinary one.
    after = ada.edit()
    pushed = ada.push("origin", "main", ada.evidence("HEAD"))
    assert pushed.status == 0
    assert "BREAK-GLASS" not in pushed.output
    assert record_of(forge, after).bypass is None
    assert forge.note("lfci-landed", after).startswith(f"Landed on {MAIN} at ".encode())


def test_one_that_is_not_needed_is_no_landing_by_it(ada: Developer) -> None:
    commit = ada.edit()
    spec = bypass(ada)
    pushed = ada.push("origin", "main", ada.evidence("HEAD"), spec)
    assert pushed.status == 0, pushed.output
    assert "BREAK-GLASS" not in pushed.output
    landing = record_of(ada.forge, commit)
    assert landing.bypass is None
    assert name_of(spec) not in landing.evidence
    text = ada.forge.note("lfci-landed", commit).decode()
    assert "a bypass was offered and not needed: nothing was waived, it is not used up\n" in text
    assert not ForgeState(ada.forge.path).is_spent(name_of(spec))
    assert (commit, name_of(spec)) in noted(ada.forge)


def test_status_counts_them(ada: Developer) -> None:
    def told(**options: Any) -> str:
        [line] = [
            each
            for each in forge_status(ada.forge.path, probe=False, **options)
            if each.what == "break-glass"
        ]
        assert line.ok
        return line.detail

    assert told() == "nothing landed by it"
    commit = ada.edit()
    spec = bypass(ada)
    assert ada.push("origin", "main", spec).status == 0
    assert told().startswith(f"1 landing, 1 of them in the last 30 days: {commit[:12]} on {MAIN}, ")
    assert told().endswith(", by deputy and maintainer")
    later = now() + timedelta(days=31)
    assert told(now=later) == "1 landing, 0 of them in the last 30 days"


# -- refused, on a shared forge -----------------------------------------------------------------------------


def test_what_does_not_count(guest: Developer) -> None:
    """Each is wrong in one way; all are in one push, which would land if any of them were taken."""
    guest.edit()
    moment = now()
    earlier, later = moment - timedelta(hours=1), moment + timedelta(hours=5)
    cases: list[tuple[tuple[TestSigner, ...], dict[str, Any]]] = [
        ((MAINTAINER,), {}),
        ((MAINTAINER, SECOND_KEY), {}),
        (BOTH, {"not_after": moment - timedelta(seconds=1), "issued_at": earlier}),
        (BOTH, {"not_after": later}),
        (BOTH, {"ref": "refs/heads/release/1"}),
        (BOTH, {"old": None}),
        (BOTH, {"repository": "0192f3c8-7e1c-7a54-9d0e-4f6b1f0a2c12"}),
    ]
    bad = [
        bypass(guest, "HEAD", *signers, nonce=f"{number}" * 22, **changes)
        for number, (signers, changes) in enumerate(cases)
    ]
    before = guest.forge.state()
    pushed = guest.push("origin", "main", *bad)
    assert pushed.status != 0
    assert pushed.codes == {"LFCI101", "LFCI218"}
    assert guest.forge.state() == before


def test_another_commit_and_a_stranger(guest: Developer) -> None:
    guest.edit()
    spec = bypass(guest)
    guest.edit()
    guest.refused("LFCI101", "origin", "main", spec)
    before = guest.forge.state()
    assert guest.push("origin", "main", bypass(guest, "HEAD", STRANGER)).codes == {"LFCI103", "LFCI218"}
    assert guest.forge.state() == before


def test_no_policy_and_no_unsound_tree_lands_by_it(guest: Developer) -> None:
    guest.edit({".lfci/policy.toml": policy(2)})
    before = guest.forge.state()
    assert guest.push("origin", "main", bypass(guest)).codes == {"LFCI101", "LFCI206", "LFCI218"}
    assert guest.forge.state() == before
    guest.start()
    repo = guest.repo
    blob = repo.git("hash-object", "-w", "--stdin", input=b"x").decode().strip()
    entries = repo.git("ls-tree", "HEAD")
    tree = repo.git("mktree", input=entries + f"100644 blob {blob}\tsrc\\..\\x\n".encode()).decode().strip()
    commit = repo.line("commit-tree", tree, "-p", "HEAD", "-m", "odd")
    guest.refused("LFCI401", "origin", f"{commit}:{MAIN}", bypass(guest, commit))
    other = repo.line("commit-tree", "HEAD^{tree}", "-m", "no parent")
    guest.refused("LFCI208", "origin", f"+{other}:{MAIN}", bypass(guest, other))


# -- once ----------------------------------------------------------------------------------------------------


def rewound(ada: Developer) -> tuple[str, str]:
    """(commit, bypass) of a landing by break-glass on a branch that may be rewound, and was: it stands where
    it stood before, and the bypass is for exactly that update again."""
    ada.forge.set_policy(policy(2, update="any"))
    old = ada.forge.refs()[MAIN]
    commit = ada.edit()
    spec = bypass(ada)
    assert ada.push("origin", "main", spec).status == 0
    assert ada.push("origin", f"+{old}:{MAIN}").status == 0
    assert ada.forge.refs()[MAIN] == old
    return commit, spec


def refused_again(ada: Developer, commit: str, *specs: str) -> None:
    before = ada.forge.refs()
    pushed = ada.push("origin", f"{commit}:{MAIN}", *specs)
    assert pushed.status != 0, pushed.output
    assert pushed.codes == {"LFCI101", "LFCI219"}
    assert ada.forge.refs() == before


def test_it_is_used_once_and_each_memory_is_enough(ada: Developer) -> None:
    commit, spec = rewound(ada)
    forge, state = ada.forge, ForgeState(ada.forge.path)
    refused_again(ada, commit)  # the folded bypass is found in the notes
    refused_again(ada, commit, spec)
    # The landing record alone.
    held = state.directory / "spent" / name_of(spec)
    kept = held.read_bytes()
    held.unlink()
    assert not state.is_spent(name_of(spec))
    refused_again(ada, commit, spec)
    # A memory that cannot be read is not an empty one: the list ...
    held.symlink_to("nowhere")
    assert ada.push("origin", f"{commit}:{MAIN}", spec).codes == {"LFCI101", "LFCI520"}
    held.unlink()
    # ... and the record.
    note = forge.note("lfci-landed", commit)
    broken = note[: note.index(b"{")] + b'{"mediaType":"of another time"}\n'
    blob = forge.repo.git("hash-object", "-w", "--stdin", input=broken).decode().strip()
    forge.repo.git("notes", "--ref=lfci-landed", "add", "-f", "-C", blob, commit)
    pushed = ada.push("origin", f"{commit}:{MAIN}", spec)
    assert (pushed.status != 0, pushed.codes) == (True, {"LFCI101", "LFCI110"})
    assert "may say that the bypass was used" in pushed.output
    # The list beside the repository alone.
    forge.repo.git("update-ref", "-d", "refs/notes/lfci-landed")
    held.write_bytes(kept)
    refused_again(ada, commit, spec)
    # Nothing else knew.
    held.unlink()
    assert ada.push("origin", f"{commit}:{MAIN}", spec).status == 0


def test_the_journal_alone_remembers_marked_or_not(ada: Developer) -> None:
    """Nothing was folded. With the mark that git moved the ref, and without it (post-receive died)."""
    hook = ada.forge.path / "hooks/post-receive"
    shim = hook.read_bytes()
    without_post_receive(ada.forge)
    commit, spec = rewound(ada)
    state = ForgeState(ada.forge.path)
    [entry] = [each for each in state.accepted() if each.bypass]
    assert (entry.landed, entry.bypass, entry.waived) == (False, name_of(spec), ("LFCI101",))
    assert not (state.directory / "spent").exists()
    refused_again(ada, commit, spec)
    state.has_landed(entry.pushed, entry.old, entry.new)
    assert state.is_spent(name_of(spec))
    refused_again(ada, commit, spec)
    # Folded at last, it is remembered where it stays.
    assert fold(ada.forge.git).landings == 2
    assert not state.accepted()
    hook.write_bytes(shim)
    refused_again(ada, commit, spec)
    assert record_of(ada.forge, commit).bypass == name_of(spec)


def test_a_push_that_git_dropped_uses_it_up_all_the_same(ada: Developer) -> None:
    """It may have landed and gone back before anybody wrote that down. Two people can sign another one."""
    hook = ada.forge.path / "hooks/update"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    commit = ada.edit()
    spec = bypass(ada)
    assert ada.push("origin", "main", spec).codes == set()
    hook.unlink()
    assert ada.forge.refs()[MAIN] != commit
    refused_again(ada, commit, spec)
    state = ForgeState(ada.forge.path)
    [entry] = state.accepted()
    state.record(replace(entry, at=entry.at - timedelta(hours=2)))
    fold(ada.forge.git)
    assert not state.accepted()
    refused_again(ada, commit, spec)
    assert ada.push("origin", "main", bypass(ada, nonce="B" * 22)).status == 0


def test_a_fold_that_is_killed_anywhere_forgets_no_bypass(ada: Developer) -> None:
    without_post_receive(ada.forge)
    commit, spec = rewound(ada)
    state = ForgeState(ada.forge.path)
    for entry in state.accepted():
        state.has_landed(entry.pushed, entry.old, entry.new)
    step = 1
    while killed_at(step, ada.forge):
        step += 1
        assert remembers(ada.forge, commit, name_of(spec)), f"forgotten after step {step}"
    assert step > 5
    assert remembers(ada.forge, commit, name_of(spec))
    assert record_of(ada.forge, commit).bypass == name_of(spec)
    assert (commit, name_of(spec)) in noted(ada.forge)


def remembers(forge: Forge, commit: str, name: str) -> bool:
    if ForgeState(forge.path).is_spent(name):
        return True
    tip = forge.refs().get("refs/notes/lfci-landed")
    with BatchReader(forge.git) as objects:
        return name in bypasses_of(objects, None if tip is None else ObjectId(tip), ObjectId(commit))


# -- no other way -----------------------------------------------------------------------------------------


PACKAGE = Path(__file__).resolve().parents[2] / "lfci_gate"


def names_that_are_read() -> set[str]:
    """Everything that looks like a variable of ours, or a setting, anywhere in the package or its hooks."""
    text = "\n".join(path.read_text() for path in (*PACKAGE.rglob("*.py"), *PACKAGE.parent.glob("hooks/*")))
    variables = set(re.findall(r"\bLFCI_[A-Z_]+\b", text))
    settings = {name.lower() for name in re.findall(r"\blfci\.[a-zA-Z]+\b", text)}
    return variables | settings


def test_no_variable_setting_option_or_header_opens_a_gate_that_refuses(
    guest: Developer, farm: Farm, tmp_path: Path
) -> None:
    """Every name that is read anywhere, and what people would try, over git daemon and over http."""
    guest.edit()
    guest.forge.repo.git("config", "receive.advertisePushOptions", "true")
    guest.forge.repo.git("config", "http.receivepack", "true")
    read = names_that_are_read()
    assert {"LFCI_KEY", "LFCI_DELIVERING", "LFCI_TRACEBACK"} < read
    assert {"lfci.key", "lfci.policy", "lfci.timebudget"} < read
    guesses = {
        "LFCI_BYPASS",
        "LFCI_SKIP",
        "LFCI_DISABLE",
        "LFCI_NO_VERIFY",
        "LFCI_BREAK_GLASS",
        "SKIP",
        "HUSKY",
    }
    environment = {name: "1" for name in (*read, *guesses) if "." not in name}
    environment |= {"GIT_PUSH_OPTION_COUNT": "1", "GIT_PUSH_OPTION_0": "lfci.bypass=1"}
    guest.refused("LFCI101", "origin", "main", env=environment)
    settings = {name for name in read if "." in name} | {"lfci.bypass", "lfci.skip", "lfci.enabled"}
    options = [f"--push-option={name}={value}" for name in sorted(settings) for value in ("1", "bypass")]
    options += [
        f"--push-option={word}" for word in ("skip-ci", "ci.skip", "no-verify", "break-glass", "lfci.skip")
    ]
    guest.refused("LFCI101", *options, "--no-verify", "origin", "main")
    configured = [word for name in sorted(settings) for word in ("-c", f"{name}=bypass")]
    configured += ["-c", "receive.denyNonFastForwards=false", "-c", "core.hooksPath=/dev/null"]
    assert pushed_with(guest, configured, "origin") == {"LFCI101"}
    with http_server(farm.base) as (url, env):
        place = f"{url}/{guest.forge.path.name}"
        headers = [
            word
            for name in ("X-Lfci-Bypass", "X-Break-Glass", "Lfci-Skip", "X-Forwarded-User", "Remote-User")
            for word in ("-c", f"http.extraHeader={name}: 1")
        ]
        assert pushed_with(guest, headers, place, env) == {"LFCI101"}
        assert pushed_with(guest, headers, place, env | environment) == {"LFCI101"}


def pushed_with(
    developer: Developer, words: list[str], place: str, env: dict[str, str] | None = None
) -> set[str]:
    """Codes of a push with words before the verb, which moved nothing."""
    before = developer.forge.refs()
    done = subprocess.run(
        ["git", *words, "push", place, "main"],
        cwd=developer.repo.path,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0, done.stderr
    assert developer.forge.refs() == before
    return set(re.findall(r"error\[(LFCI\d+)\]", done.stderr))


def test_the_rules_read_no_environment_and_the_hook_only_these() -> None:
    """What the gate's own modules read of the process's environment and of git's config, by name."""
    found: dict[str, set[str]] = {}
    for path in sorted((PACKAGE / "gate").glob("*.py")):
        text = path.read_text()
        names = set(re.findall(r"environ(?:\.get\(|\[)\s*\"([A-Z_]+)\"", text))
        names |= set(re.findall(r"\.config\(\s*\"([a-zA-Z.]+)\"", text))
        names |= set(re.findall(r"settings\.get\(\s*\"([a-zA-Z.]+)\"", text))
        names |= {"PUSH_OPTION"} if "PUSH_OPTION" in text else set()
        if names:
            found[path.name] = names
    assert found == {
        "forge.py": {"lfci.policy"},
        "install.py": {"lfci.key"},
        "landed.py": {"lfci.key"},
        "receive.py": {"GIT_NAMESPACE", "lfci.pusherVariable", "lfci.timeBudget"},
        "records.py": {"lfci.forgekey"},
    }


def test_nothing_of_ours_turns_a_verdict_into_an_acceptance() -> None:
    """One place makes acceptances, from what was found; one takes a reason back, rule 16."""
    takers = [
        path.name
        for path in sorted(PACKAGE.rglob("*.py"))
        if re.search(r"\.refused\s*=|\.undecided\s*=|refused\.(clear|pop|remove)\(", path.read_text())
        and path.name not in ("findings.py", "fold.py")
    ]
    assert takers == ["bypass.py"]
