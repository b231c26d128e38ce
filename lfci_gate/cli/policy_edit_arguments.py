"""What can be said after `lfci policy edit`."""

from __future__ import annotations

from collections.abc import Iterator

from lfci_gate.cli.arguments import Parser, actions
from lfci_gate.config.policy_edit_rules import RULE_FIELDS

__all__ = ["KINDS", "add_parts"]

KINDS = {
    "key": "keys: who counts as what, and until when",
    "rule": "rules: what a push to some refs needs",
    "role": "limits of a role to refs and paths",
    "delegation": "who stands in for a role, and until when",
}
_PARTS = {
    "key": {
        "add": "add a key",
        "remove": "remove a key for good (revoke keeps what it attested comparable)",
        "revoke": "let a key count for nothing from a moment on",
        "rotate": "add a new key of the same identity; the old one ends",
        "roles": "set the roles of a key, or add and remove some",
        "set": "set other fields of a key",
    },
    "rule": {
        "add": "add a rule for some refs",
        "remove": "remove a rule",
        "refs": "add and remove refs of a rule",
        "set": "set single values of a rule",
        "require": "require a check, or change how it is required",
        "unrequire": "no longer require a check",
        "protect": "have changes of some paths approved",
        "unprotect": "no longer protect some paths",
        "break-glass": "say who may bypass the rule in an emergency",
    },
    "role": {"set": "limit a role to refs and paths", "remove": "let a role count everywhere"},
    "delegation": {
        "add": "let holders of one role stand in for another",
        "set": "change a delegation",
        "remove": "remove a delegation",
    },
}


def add_parts(kind: str, parser: Parser) -> Iterator[Parser]:
    """The actions of `edit KIND`, with their arguments."""
    made = actions(parser, _PARTS[kind], dest="part")
    {"key": _key_arguments, "rule": _rule_arguments, "role": _role_arguments, "delegation": _link_arguments}[
        kind
    ](made)
    yield from made.values()


def _key_arguments(made: dict[str, Parser]) -> None:
    for part, parser in made.items():
        parser.add_argument("name", metavar="NAME", help="the key's name in the policy")
        if part in ("add", "rotate"):
            parser.add_argument(
                "--public", metavar="LINE", required=True, help="the public key: the line of `lfci key show`"
            )
            parser.add_argument("--valid-until", metavar="TIME", help="when it ends (default: never)")
    add = made["add"]
    _many(add, "--role", "what it may do, e.g. agent; more than once for more", required=True)
    add.add_argument("--identity", metavar="NAME", help="who holds it (default: the key's name)")
    _many(add, "--pusher", "a name under which the server knows the holder")
    add.add_argument("--valid-from", metavar="TIME", help="when it begins (default: at once)")
    made["revoke"].add_argument("--at", metavar="TIME", default="now", help="default: now")
    rotate = made["rotate"]
    rotate.add_argument(
        "--overlap",
        metavar="DURATION",
        default="14d",
        help="how long the old one still counts; default: 14d",
    )
    rotate.add_argument("--name", dest="new_name", metavar="NEW", help="name of the new key (default: made)")
    roles = made["roles"]
    roles.add_argument("roles", metavar="ROLE", nargs="*", help="exactly these")
    _many(roles, "--add", "one more role")
    _many(roles, "--remove", "one role less")
    made["set"].add_argument(
        "values", metavar="FIELD=VALUE", nargs="+",
        help="identity, pushers (a,b), valid-from, valid-until, revoked; nothing behind = removes it",
    )  # fmt: skip


def _rule_arguments(made: dict[str, Parser]) -> None:
    for part, parser in made.items():
        if part != "add":
            parser.add_argument("rule", metavar="RULE", help="its number, or a branch that it covers")
    _many(made["add"], "--ref", "a branch, or a pattern like refs/tags/v*", required=True)
    made["add"].add_argument("--before", metavar="RULE", help="in front of this one (default: the last)")
    _many(made["refs"], "--add", "a branch, or a pattern like refs/tags/v*")
    _many(made["refs"], "--remove", "one that stands there")
    made["set"].add_argument(
        "values", metavar="FIELD=VALUE", nargs="+",
        help=f"{', '.join(RULE_FIELDS)}; nothing behind = sets the default",
    )  # fmt: skip
    for part in ("require", "unrequire"):
        made[part].add_argument("check", metavar="CHECK", help="as .lfci/config.toml declares it")
    require = made["require"]
    _many(require, "--role", "whose signature counts")
    require.add_argument("--threshold", type=int, metavar="N", help="how many different identities")
    _many(require, "--engine", "develop or build (default: both)")
    require.add_argument("--hermetic", choices=("yes", "no"), help="whether it has to run without network")
    require.add_argument("--report", choices=("required", "optional"))
    require.add_argument("--assurance", choices=("claimed", "corroborated", "derived", "rebuilt"))
    _many(require, "--verifier", "role that verifies, for derived and rebuilt")
    require.add_argument("--quarantine", choices=("allow", "refuse"), help="whether known failures are borne")
    require.add_argument("--max-attempts", type=int, metavar="N", help="the highest attempt that counts")
    for part in ("protect", "unprotect"):
        made[part].add_argument("paths", metavar="PATH", nargs="+", help="patterns, as in the file")
    _many(made["protect"], "--role", "who approves", required=True)
    made["protect"].add_argument("--threshold", type=int, metavar="N", help="how many different identities")
    glass = made["break-glass"]
    glass.add_argument("--none", action="store_true", help="nobody may")
    _many(glass, "--role", "who may sign a bypass")
    glass.add_argument("--threshold", type=int, metavar="N", help="how many together, 2 or more")
    glass.add_argument("--longest", metavar="DURATION", help="how long a bypass may live, up to 7d")
    _many(glass, "--waives", "checks, approvals, tests or dependencies")


def _role_arguments(made: dict[str, Parser]) -> None:
    for parser in made.values():
        parser.add_argument("name", metavar="ROLE")
    _where_arguments(made["set"])


def _link_arguments(made: dict[str, Parser]) -> None:
    for part in ("set", "remove"):
        made[part].add_argument("number", type=int, metavar="N", help="its number in `lfci policy show`")
    add = made["add"]
    add.add_argument("--from", dest="granter", metavar="ROLE", required=True, help="the role that is given")
    add.add_argument("--to", metavar="ROLE", required=True, help="the role whose holders get it")
    for part in ("add", "set"):
        _where_arguments(made[part])
        made[part].add_argument("--until", metavar="TIME", required=part == "add", help="when it ends")


def _where_arguments(parser: Parser) -> None:
    _many(parser, "--ref", "only on these branches and patterns")
    _many(parser, "--path", "only for changes of nothing but these patterns")


def _many(parser: Parser, option: str, what: str, *, required: bool = False) -> None:
    name = option.removeprefix("--").upper()
    parser.add_argument(option, action="append", metavar=name, help=what, required=required)
