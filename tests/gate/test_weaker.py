"""What config.toml declares weaker is seen: in the refusal that asks for an approval, and as a remark of
every verdict, so that it is in the record of the landing whoever approved it."""

from __future__ import annotations

import pytest

from lfci_gate.gate.weaker import weaker_checks
from lfci_gate.git.tree import FILE, SYMLINK
from lfci_gate.model import ObjectId, RefUpdate, VerdictKind
from tests.support.forge import CONFIG, RULE, policy_text
from tests.support.memory_forge import FILES, MAIN, MemoryForge, codes, started

WEAKER = CONFIG + b'timeout = "30m"\n'
RAISED = "check test: the timeout was raised from 15m to 30m"
OPEN = RULE | {"protect": []}


def change_config(forge: MemoryForge, config: bytes | None) -> ObjectId:
    return forge.commit({".lfci/config.toml": config, ".lfci/policy.toml": forge.bootstrap_policy})


def test_the_refusal_that_asks_for_an_approval_names_it() -> None:
    forge = started()
    commit = change_config(forge, WEAKER)
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    (reason,) = verdict.refs[0].reasons
    assert reason.code == "LFCI206"
    assert reason.facts == (
        "changed: .lfci/config.toml",
        "needs 1 of role maintainer, has 0",
        f"weaker: {RAISED}",
    )
    assert reason.hint == f"ask a maintainer for: lfci approve {commit[:12]}"


def test_also_when_an_approval_does_not_count() -> None:
    forge = started()
    commit = change_config(forge, WEAKER)
    wrong = forge.approvals(commit, ref="refs/heads/release/1")
    (reason,) = forge.judge(forge.to_main(commit), forge.run(commit), *wrong).refs[0].reasons
    assert reason.code == "LFCI215"
    assert reason.facts[2:] == (f"weaker: {RAISED}", "maintainer: approved for another ref")


def test_once_approved_it_is_remarked() -> None:
    forge = started()
    commit = change_config(forge, WEAKER)
    verdict = forge.judge(forge.to_main(commit), forge.run(commit), *forge.approvals(commit))
    assert verdict.kind is VerdictKind.ACCEPTED
    assert verdict.refs[0].remarks == (f"weaker: {RAISED}",)


def test_where_nothing_protects_it_it_is_remarked() -> None:
    forge = started(policy_text(rules=(OPEN,)))
    commit = change_config(forge, WEAKER)
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    assert verdict.kind is VerdictKind.ACCEPTED
    assert verdict.refs[0].remarks == (f"weaker: {RAISED}",)
    same = forge.commit({"src/lib.py": b"1\n", ".lfci/policy.toml": forge.bootstrap_policy})
    assert forge.judge(forge.to_main(same), forge.run(same)).refs[0].remarks == ()


def test_a_protection_of_something_else_does_not_name_it() -> None:
    protect = [{"paths": ["tests/"], "roles": ["maintainer"]}]
    policy = policy_text(rules=(RULE | {"protect": protect},))
    forge = started(policy)
    commit = forge.commit(
        {".lfci/config.toml": WEAKER, "tests/more.py": b"", ".lfci/policy.toml": forge.bootstrap_policy}
    )
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    (reason,) = verdict.refs[0].reasons
    assert reason.facts == ("changed: tests/more.py", "needs 1 of role maintainer, has 0")
    assert verdict.refs[0].remarks == (f"weaker: {RAISED}",)


def test_what_is_stronger_is_not_named() -> None:
    forge = started()
    commit = change_config(forge, CONFIG + b'timeout = "5m"\n')
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    assert verdict.refs[0].reasons[0].facts == (
        "changed: .lfci/config.toml",
        "needs 1 of role maintainer, has 0",
    )
    assert verdict.refs[0].remarks == ()


def test_a_file_that_is_gone_malformed_or_no_file_is_named() -> None:
    forge = started()
    for config, says in (
        (None, "weaker: check test: the check is no longer declared"),
        (b"no", "weaker: .lfci/config.toml cannot be read now, so no check is declared ("),
        (b"#" * (256 * 1024 + 1), "weaker: what became weaker is not known: "),
    ):
        verdict = forge.judge(forge.to_main(change_config(forge, config)))
        assert codes(verdict) >= {"LFCI206"}
        (remark,) = verdict.refs[0].remarks
        assert remark.startswith(says)


def test_a_link_in_the_place_of_the_directory_is_named() -> None:
    """The gate refuses such a tree; who approves without it is told."""
    forge = started()
    files = {path.encode(): (FILE, data) for path, data in FILES.items() if not path.startswith(".lfci/")}
    link = forge.objects.files({**files, b".lfci": (SYMLINK, b"src")})
    old = forge.tree(forge.refs[MAIN])
    (found,) = weaker_checks(forge.objects, old, link)
    assert (found.check, found.kind) == ("", "unreadable")
    assert found.line == "what became weaker is not known: .lfci: not a directory (mode 120000)"
    assert weaker_checks(forge.objects, link, link) == ()


def test_files_are_asked_for_only_when_the_file_differs() -> None:
    forge = started()
    old = forge.tree(forge.refs[MAIN])
    narrow = forge.tree(change_config(forge, CONFIG + b'inputs = ["src/"]\n'))
    (found,) = weaker_checks(forge.objects, old, narrow, lambda: [b"tests/x"])
    assert found.text.endswith('; no longer seen: "tests/x"')

    def never() -> list[bytes]:
        raise AssertionError

    assert weaker_checks(forge.objects, old, forge.tree(forge.commit({"src/lib.py": b""})), never) == ()


def test_what_could_not_be_read_before_is_not_known() -> None:
    forge = started(policy_text(rules=(OPEN,)))
    forge.refs[MAIN] = change_config(forge, b"no")
    commit = change_config(forge, CONFIG)
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    assert verdict.kind is VerdictKind.ACCEPTED
    (remark,) = verdict.refs[0].remarks
    assert remark.startswith("weaker: .lfci/config.toml could not be read before, so what became weaker")


def test_a_first_landing_and_a_first_configuration_weaken_nothing() -> None:
    forge = MemoryForge(bootstrap_policy=FILES[".lfci/policy.toml"])
    commit = forge.commit()
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    assert verdict.refs[0].remarks == ("first landing: protected parts were not approved",)
    forge = started(policy_text(rules=(OPEN,)))
    forge.refs[MAIN] = change_config(forge, None)
    commit = change_config(forge, WEAKER)
    assert forge.judge(forge.to_main(commit), forge.run(commit)).refs[0].remarks == ()


def test_a_new_branch_is_compared_with_its_base() -> None:
    forge = started(policy_text(rules=(OPEN,)))
    commit = change_config(forge, WEAKER)
    update = RefUpdate("refs/heads/release/1", None, commit)
    assert forge.judge(update, forge.run(commit)).refs[0].remarks == (f"weaker: {RAISED}",)


@pytest.mark.parametrize(("checks", "left"), [(3, 0), (4, 1), (20, 17), (25, 22)])
def test_many_are_counted(checks: int, left: int) -> None:
    forge = started()
    more = "".join(f'[checks.c{number:02}]\nrun = "x"\n' for number in range(checks)).encode()
    forge.refs[MAIN] = change_config(forge, CONFIG + more)
    commit = change_config(forge, CONFIG)
    verdict = forge.judge(forge.to_main(commit), forge.run(commit))
    fact = verdict.refs[0].reasons[0].facts[2]
    first = "; ".join(f"check c{number:02}: the check is no longer declared" for number in range(3))
    assert fact == f"weaker: {first}" + (f"; and {left} more" if left else "")
    remarks = verdict.refs[0].remarks
    assert len(remarks) == min(checks, 21)
    if checks > 20:
        assert remarks[-1] == f"weaker: and {checks - 20} more"
