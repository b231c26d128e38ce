"""Who pushes: the name that the server gives, and the rule that it is a holder whose evidence counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lfci_gate.errors import Undecided
from lfci_gate.gate.facts import Push
from lfci_gate.gate.pusher import VARIABLES, named_pusher
from lfci_gate.gate.rules import evaluate
from lfci_gate.model import ObjectId, RefUpdate, RefVerdict, ResultDocument, TestCase, VerdictKind
from tests.gate.conftest import Farm
from tests.gate.test_rules_04_to_12 import SOURCE, key
from tests.support.evidence import NOW
from tests.support.forge import (
    AGENT,
    MAINTAINER,
    RULE,
    SECOND_AGENT,
    STRANGER,
    Developer,
    policy_text,
)
from tests.support.memory_forge import MemoryForge, started
from tests.support.transports import http_server, ssh_server_of

KEYS = {
    "laptop": key(AGENT, "agent", identity="ann", pushers=["ann@example.com"]),
    "second": key(SECOND_AGENT, "agent", pushers=["second@example.com"]),
    "maintainer": key(MAINTAINER, "maintainer"),
}
POLICY = policy_text(keys=KEYS, rules=({**RULE, "pusher": "attester"},))


@pytest.fixture
def forge() -> MemoryForge:
    forge = started()
    forge.server_policy = POLICY
    return forge


def judged(
    forge: MemoryForge,
    commit: ObjectId,
    *deliveries: RefUpdate,
    pusher: str | None = None,
    at_forge: bool = True,
) -> RefVerdict:
    push = Push((forge.to_main(commit), *deliveries), NOW, pusher=pusher, at_forge=at_forge)
    return evaluate(push, forge).refs[0]


def codes(verdict: RefVerdict) -> set[str]:
    assert (verdict.kind is VerdictKind.ACCEPTED) == (not verdict.reasons)
    return {reason.code for reason in verdict.reasons}


@pytest.mark.parametrize(
    ("pusher", "code"),
    [
        ("ann", None),
        ("ann@example.com", None),
        ("second", "LFCI217"),
        ("second@example.com", "LFCI217"),
        ("maintainer", "LFCI217"),
        ("laptop", "LFCI217"),  # a key's name is nobody's, where it has a holder
        ("Ann", "LFCI217"),
        ("ann ", "LFCI217"),
        ("", "LFCI217"),
        ("stranger\n", "LFCI217"),
        (None, "LFCI217"),
    ],
)
def test_the_pusher_is_whose_evidence_counts(
    forge: MemoryForge, pusher: str | None, code: str | None
) -> None:
    commit = forge.commit(SOURCE)
    found = judged(forge, commit, forge.run(commit), pusher=pusher)
    assert codes(found) == ({code} if code else set())
    assert ("pushed by ann" in found.summary) == (code is None)
    assert all(fact.isprintable() and fact.isascii() for reason in found.reasons for fact in reason.facts)
    forge.server_policy = policy_text(keys=KEYS)
    assert codes(judged(forge, commit, forge.run(commit), pusher=pusher)) == set()


def test_what_is_said_about_another_pusher(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    (reason,) = judged(forge, commit, forge.run(commit), pusher="second@example.com").reasons
    assert reason.facts == (
        "pusher: second@example.com, who is known as second",
        "evidence that counts is by: ann",
    )
    (reason,) = judged(forge, commit, forge.run(commit), pusher="eve").reasons
    assert reason.facts[0] == "pusher: eve, who is no identity of the policy"
    (reason,) = judged(forge, commit, forge.run(commit), pusher="e" * 121).reasons
    assert reason.facts[0] == f"pusher: {'e' * 120}, who is no identity of the policy"
    (reason,) = judged(forge, commit, forge.run(commit)).reasons
    assert "git config lfci.pusherVariable" in reason.hint
    _missing, reason = judged(forge, commit, pusher="ann").reasons
    assert reason.facts[1] == "evidence that counts is by: nobody"


def test_one_of_several_attesters_pushes(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    both = forge.run(commit), forge.run(commit, SECOND_AGENT, duration_ms=7)
    for pusher, code in (("ann", set()), ("second", set()), ("maintainer", {"LFCI217"})):
        assert codes(judged(forge, commit, *both, pusher=pusher)) == code
    # Evidence that does not count makes nobody an attester.
    weak = forge.run(commit, SECOND_AGENT, hermetic=False)
    assert codes(judged(forge, commit, forge.run(commit), weak, pusher="second")) == {"LFCI217"}
    assert codes(judged(forge, commit, weak, pusher="second")) == {"LFCI109", "LFCI217"}


def test_who_is_alone_with_another_result_does_not_push(forge: MemoryForge) -> None:
    """Its evidence corroborates nothing, so none of it counts."""
    keys = {**KEYS, "third": key(STRANGER, "agent")}
    require = [{"check": "test", "roles": ["agent"], "assurance": "corroborated", "threshold": 2}]
    forge.server_policy = policy_text(keys=keys, rules=({**RULE, "pusher": "attester", "require": require},))
    commit = forge.commit(SOURCE)
    other = ResultDocument("test", 0, (TestCase("t::three", "passed"),), ())
    runs = forge.run(commit), forge.run(commit, SECOND_AGENT, document=other), forge.run(commit, STRANGER)
    for pusher, code in (("ann", set()), ("third", set()), ("second", {"LFCI217"})):
        assert codes(judged(forge, commit, *runs, pusher=pusher)) == code


def test_of_each_commit_the_tip_s_attester_pushes(forge: MemoryForge) -> None:
    forge.server_policy = policy_text(keys=KEYS, rules=({**RULE, "pusher": "attester", "scope": "each"},))
    middle = forge.commit(SOURCE)
    tip = forge.commit({"src/lib.py": b"answer = 44\n"}, parents=[middle])
    runs = forge.run(middle), forge.run(tip, SECOND_AGENT)
    assert codes(judged(forge, tip, *runs, pusher="second")) == set()
    assert codes(judged(forge, tip, *runs, pusher="ann")) == {"LFCI217"}


def test_a_client_does_not_know_and_says_so(forge: MemoryForge) -> None:
    commit = forge.commit(SOURCE)
    found = judged(forge, commit, forge.run(commit), at_forge=False)
    assert codes(found) == set()
    assert found.remarks == ("the forge decides whether the pusher is one of those whose evidence counts",)
    # Where it is said, it is judged.
    told = judged(forge, commit, forge.run(commit), pusher="second", at_forge=False)
    assert codes(told) == {"LFCI217"}


# -- whom the server names ---------------------------------------------------------------------------


def test_the_variable_that_the_operator_names() -> None:
    environ = {"REMOTE_USER": "ann", "GL_USER": "", "GITEA_PUSHER_NAME": "bob"}
    assert named_pusher(None, environ) is None
    assert named_pusher("REMOTE_USER", environ) == "ann"
    assert named_pusher("GITEA_PUSHER_NAME", environ) == "bob"
    assert named_pusher("GL_USER", environ) is None
    assert named_pusher("GL_USERNAME", environ) is None


def test_every_variable_that_can_be_named_reaches_the_gate() -> None:
    shim = (Path(__file__).parents[2] / "hooks/pre-receive").read_text()
    assert [name for name in VARIABLES if f'{name}=${name}"' not in shim] == []


@pytest.mark.parametrize(
    "name", ["", "PATH", "USER", "GIT_PUSH_OPTION_0", "GIT_PROTOCOL", "HTTP_X_USER", "LANG", "remote_user"]
)
def test_any_other_variable_names_nobody(name: str) -> None:
    with pytest.raises(Undecided) as caught:
        named_pusher(name, {name: "ann"})
    assert caught.value.code == "LFCI516"


# -- over real transports ----------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["http", "ssh"])
def two(
    request: pytest.FixtureRequest, farm: Farm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Developer, dict[str, tuple[str, dict[str, str]]]]]:
    """A clone, and for each user the remote's URL and the environment."""
    developer = farm.project(tmp_path_factory.mktemp("two") / "clone")
    forge = developer.forge
    forge.set_policy(POLICY)
    if request.param == "http":
        passwords = {"ann": "one", "second@example.com": "two"}
        with http_server(farm.base, passwords) as (url, env):
            host = url.removeprefix("http://")
            yield (
                developer,
                {
                    user: (f"http://{user.replace('@', '%40')}:{password}@{host}/{forge.path.name}", env)
                    for user, password in passwords.items()
                },
            )
        return
    users = ("ann", "second@example.com")
    work = tmp_path_factory.mktemp("server") / "sshd"
    with ssh_server_of(farm.base, work, users) as (url, env_of):
        yield developer, {user: (f"{url}/{forge.path.name}", env_of[user]) for user in users}


def test_over_the_wire(two: tuple[Developer, dict[str, tuple[str, dict[str, str]]]]) -> None:
    developer, users = two
    (ann, ann_env), (second, second_env) = users.values()
    variable = "REMOTE_USER" if ann.startswith("http") else "GL_USER"
    forge = developer.forge
    forge.repo.git("config", "lfci.pusherVariable", variable)
    forge.repo.git("config", "receive.advertisePushOptions", "true")
    developer.start()
    commit = developer.edit()
    evidence = developer.evidence("HEAD")
    refused = developer.refused("LFCI217", second, "main", evidence, env=second_env)
    assert "pusher: second@example.com, who is known as second" in refused.output
    # Nothing that a pusher sends along names anybody else.
    spoofed = {**second_env, variable: "ann", "REMOTE_USER": "ann", "GL_USER": "ann"}
    developer.refused("LFCI217", "-o", f"{variable}=ann", second, "main", evidence, env=spoofed)
    developer.lands(ann, "main", evidence, env=ann_env)
    assert b"\npushed by ann\n" in forge.note("lfci-landed", commit)
    developer.edit()
    both = developer.evidence("HEAD"), developer.evidence("HEAD", SECOND_AGENT)
    developer.lands(second, "main", *both, env=second_env)
    # What the server does not name, nobody knows.
    developer.edit()
    evidence = developer.evidence("HEAD")
    forge.repo.git("config", "lfci.pusherVariable", "GL_USERNAME")
    developer.refused("LFCI217", ann, "main", evidence, env=ann_env)
    forge.repo.git("config", "--unset", "lfci.pusherVariable")
    refused = developer.refused("LFCI217", ann, "main", evidence, env=ann_env)
    assert "hint: ask the operator to name the variable" in refused.output
    forge.repo.git("config", "lfci.pusherVariable", "GIT_PROTOCOL")
    developer.refused("LFCI516", ann, "main", evidence, env=ann_env)
    forge.repo.git("config", "--unset", "lfci.pusherVariable")


def test_only_the_repository_s_own_config_names_the_variable(farm: Farm, tmp_path: Path) -> None:
    """A push to a path runs the gate in the pusher's own environment, with the pusher's own git config."""
    developer = farm.project(tmp_path / "clone")
    forge = developer.forge
    forge.set_policy(POLICY)
    developer.start()
    developer.edit()
    (tmp_path / "gitconfig").write_text("[lfci]\n\tpusherVariable = GL_USER\n")
    env = {"GL_USER": "ann", "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig")}
    evidence = developer.evidence("HEAD")
    refused = developer.refused("LFCI217", str(forge.path), "main", evidence, env=env)
    assert "the forge does not say" in refused.output
    forge.repo.git("config", "lfci.pusherVariable", "GL_USER")
    developer.lands(str(forge.path), "main", evidence, env=env)
