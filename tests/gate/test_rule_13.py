"""Rule 13 on objects in memory: protected paths, approvals, and changes of the policy itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lfci_gate.gate.facts import PolicyFloor
from lfci_gate.model import ObjectId, RefUpdate, VerdictKind
from tests.gate.test_rules_04_to_12 import key
from tests.support.evidence import NOW, REPOSITORY, ed25519_signer, oid
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, policy_text
from tests.support.memory_forge import FILES, MAIN, MemoryForge, codes, started

TESTS: dict[str, bytes | None] = {"tests/test_lib.py": b"def test_answer():\n    assert 1\n"}
PATHS = ("flake.nix", "flake.lock", ".lfci/", "tests/")
DAY = timedelta(days=1)
OTHER_MAINTAINER = ed25519_signer("other maintainer")


@pytest.fixture
def forge() -> MemoryForge:
    return started()


def outcome(forge: MemoryForge, commit: ObjectId, *deliveries: RefUpdate, to: str = MAIN) -> set[str]:
    """Codes of pushing ``commit`` with its evidence and these deliveries."""
    update = RefUpdate(to, forge.refs.get(to), commit)
    verdict = forge.judge(update, forge.run(commit), *deliveries)
    assert (verdict.kind is VerdictKind.ACCEPTED) == (not codes(verdict))
    return codes(verdict)


def facts(forge: MemoryForge, commit: ObjectId, *deliveries: RefUpdate) -> str:
    verdict = forge.judge(forge.to_main(commit), forge.run(commit), *deliveries)
    return "\n".join(fact for ref in verdict.refs for reason in ref.reasons for fact in reason.facts)


def test_a_protected_path_changes_with_an_approval_of_this_change(forge: MemoryForge) -> None:
    commit = forge.commit(TESTS)
    assert outcome(forge, commit) == {"LFCI206"}
    assert "changed: tests/test_lib.py" in facts(forge, commit)
    approvals = forge.approvals(commit)
    assert outcome(forge, commit, *approvals) == set()
    verdict = forge.judge(forge.to_main(commit), forge.run(commit), *approvals)
    ids = {update.ref.rpartition("/")[2] for update in approvals}
    assert ids < set(verdict.refs[0].evidence)


@pytest.mark.parametrize(
    "change",
    [
        {"tests/test_lib.py": None},
        {"tests/new/test_more.py": b""},
        {"flake.nix": b"{ outputs = _: { x = 1; }; }\n"},
        {"flake.lock": b'{"nodes":{"root":{}},"root":"root","version":8}\n'},
        {".lfci/config.toml": FILES[".lfci/config.toml"] + b'timeout = "9m"\n'},
        {".lfci/more": b""},
    ],
)
def test_removing_adding_and_changing_are_all_changes(
    forge: MemoryForge, change: dict[str, bytes | None]
) -> None:
    commit = forge.commit(change)
    assert outcome(forge, commit) == {"LFCI206"}
    assert outcome(forge, commit, *forge.approvals(commit)) == set()


def test_a_mode_is_part_of_what_is_protected(forge: MemoryForge) -> None:
    from lfci_gate.git.tree import read_tree

    objects = forge.objects
    commit = forge.commit()
    root = [tuple(entry) for entry in read_tree(objects, forge.tree(commit))]
    blob = objects.blob(FILES["tests/test_lib.py"])
    executable = (0o40000, b"tests", objects.tree((0o100755, b"test_lib.py", blob)))
    tree = objects.tree(*[executable if entry[1] == b"tests" else entry for entry in root])
    changed = forge.commit_of(tree, [forge.refs[MAIN]])
    assert outcome(forge, changed) == {"LFCI206"}


def with_entry(forge: MemoryForge, path: bytes, mode: int) -> ObjectId:
    """A commit of the usual files and one entry more: a file, a symlink, or a submodule."""
    files = {name.encode(): (0o100644, data) for name, data in FILES.items()}
    content = oid("elsewhere").encode() if mode == 0o160000 else b"x"
    return forge.commit_of(forge.objects.files({**files, path: (mode, content)}), [forge.refs[MAIN]])


@pytest.mark.parametrize("paths", [["vendor/deps/"], ["**/*.lock", "vendor/deps/", "!vendor/deps/own/"]])
@pytest.mark.parametrize("mode", [0o120000, 0o160000, 0o100644])
def test_a_link_in_the_place_of_a_protected_folder_belongs_to_it(
    forge: MemoryForge, paths: list[str], mode: int
) -> None:
    """What programs find below is then wherever the link leads. Below a plain file they find nothing."""
    protect = [{"paths": paths, "roles": ["maintainer"]}]
    forge.server_policy = policy = policy_text(rules=({**RULE, "gitlinks": True, "protect": protect},))
    for path in (b"vendor", b"vendor/deps"):
        commit = with_entry(forge, path, mode)
        assert outcome(forge, commit) == ({"LFCI206"} if mode != 0o100644 else set())
        if mode != 0o100644:
            assert f"changed: {path.decode()}\n" in facts(forge, commit)
            assert outcome(forge, commit, *forge.approvals(commit, policy=policy)) == set()
    for path in (b"vendors", b"src/vendor", b"vendor/other"):
        assert outcome(forge, with_entry(forge, path, mode)) == set(), path
    assert outcome(forge, with_entry(forge, b"vendor/deps/x", mode)) == {"LFCI206"}


def test_a_protection_of_names_anywhere_is_not_of_every_link(forge: MemoryForge) -> None:
    protect = [{"paths": ["**/*.lock"], "roles": ["maintainer"]}]
    forge.server_policy = policy_text(rules=({**RULE, "protect": protect},))
    assert outcome(forge, with_entry(forge, b"vendor", 0o120000)) == set()
    assert outcome(forge, with_entry(forge, b"vendor/a.lock", 0o120000)) == {"LFCI206"}


def test_a_refusal_names_three_paths_and_counts_the_others(forge: MemoryForge) -> None:
    three: dict[str, bytes | None] = {f"tests/{name}": b"" for name in "abc"}
    assert "changed: tests/a, tests/b, tests/c\n" in facts(forge, forge.commit(three))
    five = forge.commit({**three, "tests/d": b"", "tests/e": b""})
    assert "changed: tests/a, tests/b, tests/c and 2 more\n" in facts(forge, five)
    assert "needs 1 of role maintainer, has 0" in facts(forge, five)
    assert "changed: tests/a, tests/b, tests/c and 1 more\n" in facts(
        forge, forge.commit({**three, "tests/d": b""})
    )


def test_a_refusal_says_why_three_approvals_do_not_count(forge: MemoryForge) -> None:
    commit = forge.commit(TESTS)
    changes: list[dict[str, Any]] = [
        {"repository": "11111111-2222-3333-4444-555555555555"},
        {"ref": "refs/heads/release/1"},
        {"paths": ("tests/",)},
        {"from_tree": oid("another base")},
    ]
    wrong = [each for change in changes for each in forge.approvals(commit, **change)]
    told = facts(forge, commit, *wrong).splitlines()
    assert told[:2] == ["changed: tests/test_lib.py", "needs 1 of role maintainer, has 0"]
    assert [each.startswith("maintainer: approved ") for each in told[2:]] == [True] * 3
    for deliveries, message in (
        (wrong, "approvals of the protected paths do not count"),
        ([], "protected paths changed without approval"),
    ):
        (ref, *_) = forge.judge(forge.to_main(commit), forge.run(commit), *deliveries).refs
        assert [reason.message for reason in ref.reasons] == [message]


def test_the_changed_paths_are_those_of_the_part(forge: MemoryForge) -> None:
    """They are told, and limited roles are held against them: a link belongs to the part where it stands in
    the place of a protected folder, and no other link and no plain file does."""
    for paths, link, shown in (
        (["vendor/deps/", "src/"], b"vendor", "src/x, vendor"),
        (["vendor/deps/", "src/"], b"vendors", "src/x"),
        (["**/*.lock", "src/x"], b"vendor", "src/x"),
        (["**/x"], b"vendor", "src/x"),
    ):
        protect = [{"paths": paths, "roles": ["maintainer"]}]
        forge.server_policy = policy_text(rules=({**RULE, "protect": protect},))
        for mode in (0o120000, 0o100644):
            files = {name.encode(): (0o100644, data) for name, data in FILES.items()}
            files |= {b"src/x": (0o100644, b"x"), link: (mode, b"x")}
            commit = forge.commit_of(forge.objects.files(files), [forge.refs[MAIN]])
            assert outcome(forge, commit) == {"LFCI206"}
            expected = shown if mode == 0o120000 else "src/x"
            assert f"changed: {expected}\n" in facts(forge, commit), (paths, link, mode)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"repository": "11111111-2222-3333-4444-555555555555"}, "in another repository"),
        ({"ref": "refs/heads/release/1"}, "for another ref"),
        ({"paths": ("tests/",)}, "other paths"),
        ({"paths": PATHS[::-1]}, "other paths"),
        ({"from_tree": oid("another base")}, "from another base"),
        ({"issued_at": NOW + timedelta(seconds=301)}, "from the future"),
    ],
)
def test_an_approval_of_something_else_does_not_count(
    forge: MemoryForge, changes: dict[str, Any], why: str
) -> None:
    commit = forge.commit(TESTS)
    wrong = forge.approvals(commit, **changes)
    assert outcome(forge, commit, *wrong) == {"LFCI215"}
    assert why in facts(forge, commit, *wrong)


def test_an_approval_of_another_result_is_no_approval(forge: MemoryForge) -> None:
    other = forge.commit({"tests/test_lib.py": b"another\n"})
    commit = forge.commit(TESTS)
    assert outcome(forge, commit, *forge.approvals(other)) == {"LFCI206"}
    # Nor where it lies among what is about this one, as from before there was a gate.
    (right,), (wrong,) = forge.approvals(commit), forge.approvals(other)
    assert wrong.new is not None
    forge.refs[right.ref] = wrong.new
    assert outcome(forge, commit) == {"LFCI206"}
    assert outcome(forge, other, *forge.approvals(other)) == set()


def test_an_approval_expires_with_max_age(forge: MemoryForge) -> None:
    forge.server_policy = policy_text(rules=({**RULE, "max-age": "1h"},))
    commit = forge.commit(TESTS)
    assert outcome(forge, commit, *forge.approvals(commit, issued_at=NOW - DAY)) == {"LFCI215"}
    assert outcome(forge, commit, *forge.approvals(commit, issued_at=NOW)) == set()
    # To the second: as old as the rule lets it be, and as far ahead as clocks may differ.
    for seconds, code in ((-3601, {"LFCI215"}), (-3600, set()), (300, set()), (301, {"LFCI215"})):
        approvals = forge.approvals(commit, issued_at=NOW + timedelta(seconds=seconds))
        assert outcome(forge, commit, *approvals) == code, seconds


def test_the_approver_has_the_role_and_a_valid_key(forge: MemoryForge) -> None:
    commit = forge.commit(TESTS)
    unfit = forge.approvals(commit, SECOND_AGENT)
    assert outcome(forge, commit, *unfit) == {"LFCI215"}
    why = "has no role that may approve (key second-agent has roles agent; the rule wants maintainer)"
    assert f"second-agent: {why}" in facts(forge, commit, *unfit)
    agent = key(AGENT, "agent")
    for times in ({"revoked": NOW}, {"valid-until": NOW}, {"valid-from": NOW}):
        maintainer = key(MAINTAINER, "maintainer", **times)
        forge.server_policy = policy_text(keys={"maintainer": maintainer, "agent": agent})
        assert outcome(forge, commit, *forge.approvals(commit)) == {"LFCI215"}, times


def both_roles(threshold: int = 1, **rule: Any) -> bytes:
    keys = {
        "ada": key(AGENT, "agent", "maintainer"),
        "bob": key(SECOND_AGENT, "agent", "maintainer"),
        "eve": key(MAINTAINER, "maintainer"),
    }
    protect = [{"paths": list(PATHS), "roles": ["maintainer"], "threshold": threshold}]
    return policy_text(keys=keys, rules=({**RULE, "protect": protect, **rule},))


def test_who_attested_a_change_does_not_also_approve_it(forge: MemoryForge) -> None:
    forge.server_policy = both_roles()
    commit = forge.commit(TESTS)
    own, other = forge.approvals(commit, AGENT), forge.approvals(commit, SECOND_AGENT)
    assert outcome(forge, commit, *own) == {"LFCI215"}
    assert outcome(forge, commit, *other) == set()
    # With another's run the approver's own is not needed.
    assert outcome(forge, commit, *own, forge.run(commit, SECOND_AGENT)) == set()
    # Both did both: one counts as this, the other as that, and the record names one approval.
    assert outcome(forge, commit, *own, *other, forge.run(commit, SECOND_AGENT)) == set()
    another = forge.approvals(commit, SECOND_AGENT, reason="bob")
    both = (forge.run(commit), forge.run(commit, SECOND_AGENT), *own, *another)
    accepted = forge.judge(forge.to_main(commit), *both).refs[0]
    assert accepted.kind is VerdictKind.ACCEPTED
    approvals = {update.ref.rpartition("/")[2] for update in (*own, *another)}
    assert len(approvals) == 2
    assert len(approvals & set(accepted.evidence)) == 1
    forge.server_policy = both_roles(threshold=2)
    assert outcome(forge, commit, *own, *other, forge.run(commit, SECOND_AGENT)) == {"LFCI215"}
    # One of two, and right as far as it goes: another runs the checks.
    assert outcome(forge, commit, *own, forge.run(commit, SECOND_AGENT)) == {"LFCI206"}
    assert "needs 2 of role maintainer, has 1" in facts(forge, commit, *own, forge.run(commit, SECOND_AGENT))
    eve = forge.approvals(commit, MAINTAINER)
    assert outcome(forge, commit, *own, *eve, forge.run(commit, SECOND_AGENT)) == set()
    needs_two = [{"check": "test", "roles": ["agent"], "threshold": 2}]
    forge.server_policy = both_roles(require=needs_two)
    assert outcome(forge, commit, *own, forge.run(commit, SECOND_AGENT)) == {"LFCI215"}
    # Of the two who attested it, bob approved nothing.
    told = facts(forge, commit, *own, forge.run(commit, SECOND_AGENT))
    assert "has 0\nada: attested the change, so it does not also approve it" in told
    assert "bob" not in told


def test_approval_thresholds_count_keys(forge: MemoryForge) -> None:
    keys = {
        "agent": key(AGENT, "agent"),
        "one": key(MAINTAINER, "maintainer"),
        "two": key(OTHER_MAINTAINER, "maintainer"),
    }
    protect = [{"paths": list(PATHS), "roles": ["maintainer"], "threshold": 2}]
    forge.server_policy = policy_text(keys=keys, rules=({**RULE, "protect": protect},))
    commit = forge.commit(TESTS)
    one = forge.approvals(commit)
    again = forge.approvals(commit, reason="again")
    assert outcome(forge, commit, *one, *again) == {"LFCI206"}
    assert outcome(forge, commit, *one, *forge.approvals(commit, OTHER_MAINTAINER)) == set()


def test_each_protection_has_approvals_of_its_own(forge: MemoryForge) -> None:
    protect = [
        {"paths": ["tests/"], "roles": ["maintainer"]},
        {"paths": [".lfci/"], "roles": ["maintainer"]},
    ]
    forge.server_policy = policy = policy_text(rules=({**RULE, "protect": protect},))
    config = FILES[".lfci/config.toml"] + b'timeout = "9m"\n'
    commit = forge.commit({**TESTS, ".lfci/config.toml": config})
    tests, settings = forge.approvals(commit, policy=policy)
    assert outcome(forge, commit, tests) == outcome(forge, commit, settings) == {"LFCI206"}
    assert outcome(forge, commit, tests, settings) == set()


def test_an_approval_survives_a_rebase_onto_what_it_is_not_about(forge: MemoryForge) -> None:
    approvals = forge.approvals(forge.commit(TESTS))
    forge.refs[MAIN] = forge.commit({"src/other.py": b"by somebody else\n"})
    commit = forge.commit({**TESTS, "src/other.py": b"by somebody else\n"})
    assert outcome(forge, commit, *approvals) == set()
    forge.refs[MAIN] = forge.commit({"tests/other.py": b"by somebody else\n"})
    commit = forge.commit({**TESTS, "tests/other.py": b"by somebody else\n"})
    assert outcome(forge, commit, *approvals) == {"LFCI206"}


def test_approvals_in_the_commit_that_changes_and_is_changed_back(forge: MemoryForge) -> None:
    """Only the way from old tip to new tip counts."""
    middle = forge.commit(TESTS)
    tip = forge.commit({"src/lib.py": b"2\n"}, parents=[middle])
    assert outcome(forge, tip) == set()


# -- the policy itself ------------------------------------------------------------------------------


def proposing(forge: MemoryForge, policy: bytes | None) -> set[str]:
    commit = forge.commit({".lfci/policy.toml": policy})
    return outcome(forge, commit, *forge.approvals(commit))


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (policy_text(version=2), None),
        (policy_text(version=1, rules=({**RULE, "scope": "each"},)), "LFCI204"),
        (policy_text(version=1, rules=({**RULE, "update": "any"},)), "LFCI204"),
        (policy_text(version=2, repository="11111111-2222-3333-4444-555555555555"), "LFCI205"),
        (None, "LFCI201"),
        (b"version = 2\n", "LFCI202"),
        (policy_text(version=2, keys={"agent": key(AGENT, "agent")}), "LFCI202"),
        (policy_text(version=2, rules=({**RULE, "refs": ["refs/heads/release/*"]},)), "LFCI216"),
    ],
)
def test_what_a_changed_policy_must_be(forge: MemoryForge, policy: bytes | None, code: str | None) -> None:
    assert proposing(forge, policy) == ({code} if code else set())


@pytest.mark.parametrize(
    ("times", "remark"),
    [
        ({"valid-until": NOW}, None),
        ({"revoked": NOW}, None),
        ({"valid-from": NOW + timedelta(seconds=1)}, None),
        ({"valid-until": NOW + 14 * DAY}, True),
        ({"valid-until": NOW + 15 * DAY}, False),
        ({}, False),
    ],
)
def test_a_policy_whose_people_do_not_count_any_more(
    forge: MemoryForge, times: dict[str, Any], remark: bool | None
) -> None:
    """Refused at the time of the push; told when it is near."""
    keys = {"agent": key(AGENT, "agent"), "maintainer": key(MAINTAINER, "maintainer", **times)}
    commit = forge.commit({".lfci/policy.toml": policy_text(version=2, keys=keys)})
    verdict = forge.judge(forge.to_main(commit), forge.run(commit), *forge.approvals(commit))
    assert codes(verdict) == ({"LFCI202"} if remark is None else set())
    if remark is None:
        (reason,) = verdict.refs[0].reasons
        assert "needs 1 identity with the role maintainer; there are 0" in reason.facts[0]
    told = [each for each in verdict.refs[0].remarks if "on nobody can meet the policy" in each]
    assert len(told) == bool(remark)


def test_a_policy_that_head_s_branch_could_never_change_again(forge: MemoryForge) -> None:
    limited = policy_text(version=2, roles={"agent": {"paths": ["**"]}})
    assert proposing(forge, limited) == {"LFCI202"}
    # Another branch may be for limited agents only.
    forge.refs["refs/heads/release/1"] = forge.refs[MAIN]
    commit = forge.commit({".lfci/policy.toml": limited})
    approvals = forge.approvals(commit, to="refs/heads/release/1")
    assert outcome(forge, commit, *approvals, to="refs/heads/release/1") == set()


def test_a_policy_that_asks_who_pushes_where_nobody_says(forge: MemoryForge) -> None:
    from lfci_gate.gate.facts import Push
    from lfci_gate.gate.rules import evaluate

    asking = policy_text(version=2, rules=({**RULE, "pusher": "attester"},))
    commit = forge.commit({".lfci/policy.toml": asking})
    updates = (forge.to_main(commit), forge.run(commit), *forge.approvals(commit))

    def told(**who: Any) -> set[str]:
        return codes(evaluate(Push(updates, NOW, **who), forge))

    assert told(at_forge=True) == {"LFCI202"}
    also = policy_text(version=2, rules=({**RULE, "pusher": "attester"}, {**RULE, "refs": ["refs/heads/x"]}))
    mixed = forge.commit({".lfci/policy.toml": also})
    push = (forge.to_main(mixed), forge.run(mixed), *forge.approvals(mixed))
    assert codes(evaluate(Push(push, NOW, at_forge=True), forge)) == {"LFCI202"}
    plain = forge.commit({".lfci/policy.toml": policy_text(version=2)})
    push = (forge.to_main(plain), forge.run(plain), *forge.approvals(plain))
    assert codes(evaluate(Push(push, NOW, at_forge=True), forge)) == set()
    assert told(at_forge=True, pusher="whoever") == set()
    assert told() == set()  # a client cannot know


def test_a_changed_policy_is_always_protected(forge: MemoryForge) -> None:
    policy = policy_text(version=2)
    for paths in ([], ["tests/"], [".lfci/", "!.lfci/policy.toml"]):
        protect = [{"paths": paths, "roles": ["agent"]}] if paths else []
        forge.server_policy = policy_text(rules=({**RULE, "protect": protect},))
        commit = forge.commit({".lfci/policy.toml": policy})
        assert outcome(forge, commit) == {"LFCI206"}
        approvals = forge.approvals(commit, policy=forge.server_policy)
        assert outcome(forge, commit, *approvals) == set()
        assert outcome(forge, commit, *forge.approvals(commit, SECOND_AGENT, policy=forge.server_policy)) == {
            "LFCI215"
        }


def test_a_policy_does_not_judge_the_push_that_brings_it(forge: MemoryForge) -> None:
    lax = policy_text(version=2, rules=({"refs": ["refs/heads/main"], "require": []},))
    commit = forge.commit({".lfci/policy.toml": lax, "src/lib.py": b"untested\n"})
    verdict = forge.judge(forge.to_main(commit), *forge.approvals(commit))
    assert codes(verdict) == {"LFCI101"}


def test_a_policy_is_not_rolled_back(forge: MemoryForge) -> None:
    forge.refs[MAIN] = forge.commit({".lfci/policy.toml": policy_text(version=3)})
    old = forge.commit()
    assert outcome(forge, old, *forge.approvals(old)) == {"LFCI204"}
    forge.policy_floor = PolicyFloor(REPOSITORY, 4)
    assert outcome(forge, forge.refs[MAIN]) == {"LFCI203"}


def test_another_branch_takes_the_policy_over_as_it_landed(forge: MemoryForge) -> None:
    """A release branch is older than the policy; bringing it up to date is an approved change."""
    release = "refs/heads/release/1"
    newest = policy_text(version=3)
    forge.refs[release] = forge.refs[MAIN]
    forge.refs[MAIN] = forge.commit({".lfci/policy.toml": newest})
    taken = forge.commit({".lfci/policy.toml": newest}, parents=[forge.refs[release]])
    approvals = forge.approvals(taken, to=release, base=forge.refs[release])
    assert outcome(forge, taken, to=release) == {"LFCI206"}
    assert outcome(forge, taken, *approvals, to=release) == set()
    own = forge.commit({".lfci/policy.toml": policy_text(version=2)}, parents=[forge.refs[release]])
    approvals = forge.approvals(own, to=release, base=forge.refs[release])
    assert outcome(forge, own, *approvals, to=release) == {"LFCI204"}


def test_with_a_servers_policy_the_trees_own_has_its_own_line_of_versions(forge: MemoryForge) -> None:
    forge.server_policy = policy_text(version=7)
    assert proposing(forge, policy_text(version=1, rules=({**RULE, "scope": "each"},))) == {"LFCI204"}
    assert proposing(forge, policy_text(version=2)) == set()
    forge.refs[MAIN] = forge.commit({".lfci/policy.toml": b"malformed"})
    assert proposing(forge, policy_text(version=1)) == set()
    forge.refs[MAIN] = forge.commit({".lfci/policy.toml": None})
    assert proposing(forge, policy_text(version=1)) == set()
    # The server's own bytes are a proposal like any other: what has landed may be newer.
    forge.refs[MAIN] = forge.commit({".lfci/policy.toml": policy_text(version=8)})
    assert proposing(forge, forge.server_policy) == {"LFCI204"}


# -- the first landing ------------------------------------------------------------------------------


def test_the_first_landing_brings_the_operators_policy_or_none() -> None:
    forge = MemoryForge(bootstrap_policy=FILES[".lfci/policy.toml"])
    assert outcome(forge, forge.commit()) == set()
    assert outcome(forge, forge.commit({".lfci/policy.toml": None})) == set()
    assert outcome(forge, forge.commit({".lfci/policy.toml": policy_text(version=2)})) == {"LFCI206"}


def test_under_a_servers_policy_the_first_landing_may_bring_another() -> None:
    forge = MemoryForge(server_policy=policy_text(version=7))
    own = forge.commit({".lfci/policy.toml": policy_text(rules=({**RULE, "scope": "each"},))})
    assert outcome(forge, own) == set()


def test_a_policy_that_landed_without_one_comes_with_approval() -> None:
    forge = MemoryForge(bootstrap_policy=FILES[".lfci/policy.toml"])
    forge.refs[MAIN] = forge.commit({".lfci/policy.toml": None})
    commit = forge.commit()
    assert outcome(forge, commit) == {"LFCI206"}
    assert outcome(forge, commit, *forge.approvals(commit)) == set()
    lax = forge.commit({".lfci/policy.toml": policy_text(version=1, rules=({**RULE, "scope": "each"},))})
    assert outcome(forge, lax, *forge.approvals(lax)) == {"LFCI204"}


def test_bootstrap_approval_asks_for_approvals_of_the_first_landing_too() -> None:
    policy = policy_text(bootstrap="approval")
    forge = MemoryForge(bootstrap_policy=policy)
    commit = forge.commit({".lfci/policy.toml": policy})
    assert outcome(forge, commit) == {"LFCI206"}
    assert outcome(forge, commit, *forge.approvals(commit, policy=policy)) == set()
