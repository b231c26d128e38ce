"""The pushed tree brings what the gate keeps for itself: a server's policy, a floor, keys, settings of git.

1. Eve adds `lfci/server-policy.toml`, `lfci/policy-floor.json`, `config`, `hooks/pre-receive`,
   `info/grafts`, `objects/info/alternates` and `shallow` to the tree, as a bare repository has them.
2. They change nothing: her commit is still LFCI101. In `.lfci/` they are LFCI206 too.
3. With evidence they land as the plain files they are, and the forge's own are what they were.
"""

from tests.attacks.git_objects import commit_with
from tests.attacks.kit import Attack, Scene, policy_text

ATTACK = Attack("F", "the gate's own files in the pushed tree", expect=("LFCI101",))
FILES = {
    "lfci/server-policy.toml": policy_text(version=99, rules=()),
    "lfci/policy-floor.json": b"{}",
    "lfci/bootstrap-policy.toml": policy_text(version=99, rules=()),
    "config": b"[lfci]\npolicy = lfci/server-policy.toml\n",
    "hooks/pre-receive": b"#!/bin/sh\nexit 0\n",
    "info/grafts": b"",
    "objects/info/alternates": b"/\n",
    "shallow": b"",
}


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    tops = {path.partition("/")[0] for path in FILES}
    made = objects.files(FILES)
    entries = [(each[0].lstrip("0"), each[1], each[2]) for each in _entries(eve, made)]
    scene.holds(len(entries) == len(tops), "all of them are there")
    commit = commit_with(eve, *entries)
    scene.refused(eve, f"{commit}:refs/heads/main")
    settings = (scene.forge.path / "config").read_bytes()
    scene.lands(eve, f"{commit}:refs/heads/main", eve.evidence(commit))
    scene.holds((scene.forge.path / "config").read_bytes() == settings, "the forge's config is its own")
    eve.start()
    eve.edit({".lfci/server-policy.toml": FILES["lfci/server-policy.toml"]})
    scene.refused(eve, "main", code=("LFCI101", "LFCI206"))


def _entries(person: object, tree: str) -> list[tuple[str, bytes, str]]:
    from tests.attacks.git_objects import items

    return items(person, tree)  # type: ignore[arg-type]
