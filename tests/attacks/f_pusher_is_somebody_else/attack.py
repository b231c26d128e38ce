"""Somebody pushes the agent's evidence, where the rule wants the pusher to be one of those who attest.

1. The rule says `pusher = "attester"`; the operator has named REMOTE_USER.
2. Eve pushes the agent's commit with the agent's evidence, and says by environment, push option and http
   header that she is the agent: LFCI217, whoever the server says she is, or cannot say.
3. Under a rule without that word the same push lands.
"""

from tests.attacks.kit import RULE, Attack, Scene, policy_text

ATTACK = Attack("F", "the pusher is not who attested", expect=("LFCI217",))
CLAIMS = {"REMOTE_USER": "agent", "GL_USER": "agent", "GIT_COMMITTER_NAME": "agent"}


def mount(scene: Scene) -> None:
    scene.setup(server_policy=policy_text(rules=({**RULE, "pusher": "attester"},)))
    forge = scene.forge.repo
    forge.git("config", "lfci.pusherVariable", "REMOTE_USER")
    forge.git("config", "receive.advertisePushOptions", "true")
    eve = scene.eve
    for header in ("Remote-User: agent", "REMOTE_USER: agent", "X-Remote-User: agent"):
        eve.repo.git("config", "--add", "http.extraHeader", header)
    eve.edit()
    scene.refused(eve, "main", eve.evidence("HEAD"), env=CLAIMS)
    scene.refused(eve, "--push-option=REMOTE_USER=agent", "main", eve.evidence("HEAD"), env=CLAIMS)
    scene.forge.set_policy(policy_text())
    scene.lands(eve, "main", eve.evidence("HEAD"))
