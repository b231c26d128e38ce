"""`lfci forge init` brings the hooks up to date while unchecked pushes come in: is there a moment without a
gate?

1. The installation is repeated all the time; unchecked pushes over and over: each is refused with
   LFCI101.
2. A checked one lands meanwhile.
"""

from lfci_gate.gate.install import init_forge
from tests.attacks.kit import Attack, Pushed, Scene, policy_text

ATTACK = Attack("I", "pushes while the gate is installed again", gateless=False)


def mount(scene: Scene) -> None:
    eve, forge = scene.eve, scene.forge
    # the measuring wrapper is no hook of ours, so the installer would not replace it
    (forge.path / "hooks/pre-receive").write_bytes((scene.place / "pre-receive").read_bytes())
    policy = scene.place / "policy.toml"
    policy.write_bytes(policy_text())
    eve.edit()
    main = eve.tip
    done: list[int] = []

    def install() -> list[Pushed]:
        while not done:
            init_forge(forge.path, policy, on_server=False, branch="refs/heads/main")
        return []

    def attack() -> list[Pushed]:
        found = [eve.push("-q", "origin", "main") for _ in scene.some(range(12), 3)]
        done.append(1)
        return found

    pushed, _ = scene.together(attack, install)
    scene.gone(all(one.status != 0 for one in pushed), "an unchecked push was let through")
    scene.gone(forge.refs()["refs/heads/main"] == main, "main moved")
    codes = {code for one in pushed for code in scene.target.codes(one.output)}
    scene.holds(codes == {"LFCI101"}, f"codes: {codes}")
    scene.passes(eve, "main", eve.run())
