"""A submodule brings content that is in no tree, and a `.gitmodules` that runs commands on who updates it.

1. Eve adds a submodule: LFCI407.
2. Where the rule allows submodules, a `.gitmodules` with an update that is a command, a url or a path that
   is an option, a name that climbs, is LFCI401; so is one that is a link.
3. A plain one lands there.
"""

from tests.attacks.git_objects import commit_with, git_looks_away
from tests.attacks.kit import MAIN, RULE, Attack, Scene, policy_text

ATTACK = Attack("G", "submodules and what .gitmodules says", expect=("LFCI401",))
SECTION = b'[submodule "x"]\n\tpath = sub\n\turl = https://example.com/x.git\n'


def mount(scene: Scene) -> None:
    eve = scene.eve
    objects = eve.objects
    link = ("160000", b"sub", "1" * 40)
    scene.refused(eve, f"{commit_with(eve, link)}:{MAIN}", code="LFCI407")
    scene.forge.set_policy(policy_text(rules=({**RULE, "gitlinks": True},)))
    git_looks_away(scene)
    texts = (
        SECTION + b"\tupdate = !touch /tmp/x\n",
        SECTION.replace(b"https://example.com/x.git", b"-u./payload"),
        SECTION.replace(
            b"https://example.com/x.git", b"ext::sh -c touch% x"[:0] + b"https://x%0a.example.com/"
        ),
        SECTION.replace(b"= sub", b"= -sub"),
        SECTION.replace(b'"x"', b'"../../x"'),
        SECTION.replace(b'"x"', b'"a/../../x"'),
        SECTION + b'\turl = "--upload-pack=x"\n',
    )
    for text in scene.some(texts):
        commit = commit_with(eve, link, ("100644", b".gitmodules", objects.blob(text)))
        scene.refused(eve, f"{commit}:{MAIN}")
    for name in (b".gitmodules", b".GITMODULES", b"gitmod~1"):
        commit = commit_with(eve, link, ("120000", name, objects.blob(b"src/lib.py")))
        scene.refused(eve, f"{commit}:{MAIN}")
    commit = commit_with(eve, link, ("100644", b".gitmodules", objects.blob(SECTION)))
    scene.lands(eve, f"{commit}:{MAIN}", eve.evidence(commit))
