"""`lfci runner serve|status|init`: the service that checks for others, and a look at it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.errors import LfciError

_SUMMARIES = {
    "serve": "check and sign for others; the private key comes on standard input",
    "status": "ask a runner what it does",
    "init": "write a configuration, a key and a systemd unit for a new runner",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES, plain=("serve",))
    made["serve"].add_argument("--config", metavar="FILE", required=True, help="runner.toml")
    made["serve"].epilog = "Runs in the foreground until SIGTERM. See: lfci help runner"
    made["status"].add_argument(
        "--socket", metavar="SOCKET", help="default: LFCI_RUNNER, lfci.runner, /run/lfci-runner/socket"
    )
    init = made["init"]
    init.add_argument("directory", metavar="DIR", help="e.g. /etc/lfci-runner; made when it is not there")
    init.add_argument(
        "--repository", metavar="UUID", action="append", required=True, help="as its policy names it"
    )
    init.add_argument("--name", default="runner", help="who attests (default: runner)")
    init.add_argument("--user", default="lfci-runner", help="the runner's own user (default: lfci-runner)")
    init.add_argument("--group", default="lfci-agents", help="who may ask (default: lfci-agents)")


def run(args: argparse.Namespace, context: Context) -> int:
    if args.action == "serve":
        return _serve(Path(args.config), context)
    if args.action == "status":
        return _status(args, context)
    from lfci_gate.cli.runner_init import init

    return init(args, context)


def _serve(config: Path, context: Context) -> int:
    import asyncio

    from lfci_gate.runner.place import Place, close_to_others, listen, load_config, load_key, refuse_root
    from lfci_gate.runner.server import serve

    refuse_root()
    found = load_config(config)
    signer = load_key(found, 0)
    close_to_others()
    with Place(found) as place, listen(found) as listening:
        asyncio.run(serve(place, signer, listening, context.output.note))
    return 0


def _status(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate.clone.settings import DEFAULT_RUNNER
    from lfci_gate.runner.client import status

    try:
        socket = context.settings().runner(args.socket or "") or DEFAULT_RUNNER
    except LfciError:  # outside of a clone there is no git config to ask
        socket = args.socket or context.environ.get("LFCI_RUNNER") or DEFAULT_RUNNER
    told = status(socket)
    found: dict[str, Any] = {
        "name": told.text("name"),
        "key": told.text("key"),
        "version": told.text("version"),
        **{name: told.integer(name, 0) for name in ("workers", "running", "queued", "yours")},
    }
    repositories: list[dict[str, Any]] = []
    for each in told.children("repositories", max_items=4096):
        values = {"id": each.text("id"), "packs": each.take("packs", bool)}
        repositories.append({**values, "sources": each.integer("sources", 0)})
    output = context.output
    output.json({"schema": "lfci.runner-status/1", "socket": socket, **found, "repositories": repositories})
    output.pair("runner", f"{found['name']} at {socket}, version {found['version']}")
    output.pair("key", found["key"])
    output.pair("builds", f"{found['running']} of {found['workers']} running, {found['queued']} waiting")
    output.pair("yours", f"{found['yours']} waiting or running")
    if not repositories:
        output.pair("checks for", "no repository of yours")
    for place in repositories:
        ways = {"what it fetches": place["sources"], "what you send": place["packs"]}
        named = " and ".join(way for way, is_one in ways.items() if is_one)
        output.pair("checks for", f"{place['id']} ({named})")
    return 0
