"""What this machine's user or operator has configured for Nix: builders and binary caches.

Never what a project says: nothing in a tree, a flake or a check can name either (docs/formats.md,
"The machine's configuration").
"""

from __future__ import annotations

from lfci_gate.value import Value

__all__ = ["NO_MACHINE", "Builder", "Caches", "Machine"]


class Builder(Value):
    """A machine that Nix can build on, reached by ssh."""

    host: str
    """Name or IPv4 address."""
    user: str
    """Empty: the one that ssh takes by itself."""
    port: int
    key: str
    """Absolute path of the private ssh key."""
    host_key: str
    """The only host key that is accepted, as ``<kind> <base64>``."""
    systems: tuple[str, ...]
    jobs: int
    speed: int
    features: tuple[str, ...]
    mandatory: tuple[str, ...]
    """Features that a derivation must ask for to be built there."""

    @property
    def name(self) -> str:
        """For people."""
        return self.host if self.port == 22 else f"{self.host}:{self.port}"

    def can_build(self, system: str, features: frozenset[str]) -> bool:
        """Whether Nix would give it a derivation for ``system`` that asks for ``features``."""
        return (
            system in self.systems
            and features <= {*self.features, *self.mandatory}
            and features.issuperset(self.mandatory)
        )


class Caches(Value):
    """Binary caches: the only ones that Nix asks, when there are any."""

    urls: tuple[str, ...]
    keys: tuple[str, ...]
    """Public keys, ``<name>:<base64>``: one of them must have signed whatever is taken."""
    push: str | None
    """Where `lfci cache push` puts things."""
    signing_key: str | None
    """Absolute path of the secret key that signs them."""


class Machine(Value):
    """The whole configuration."""

    builders: tuple[Builder, ...] = ()
    local: bool = True
    """Whether this machine may build when no builder can."""
    retry: bool = False
    """Whether a run whose builder was lost is made once more, here."""
    caches: Caches | None = None
    verify: bool = False
    """Whether all store paths of an environment are hashed before each run in it."""


NO_MACHINE = Machine()
"""Nothing is configured: nix.conf counts."""
