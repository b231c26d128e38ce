"""`lfci session start|status|note|end|list`: bounded units of work (lfci_gate/session.py)."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from lfci_gate.cli.arguments import actions
from lfci_gate.cli.context import Context
from lfci_gate.cli.times import age, clock
from lfci_gate.errors import LfciError
from lfci_gate.git.refs import head_branch
from lfci_gate.model import Session

_SUMMARIES = {
    "start": "open a session: records what the project specifies now",
    "status": "show the open session",
    "note": "write down why something was done",
    "end": "end the open session",
    "list": "list all sessions of the repository",
}
_GOAL_SHOWN = 60


def add_arguments(parser: argparse.ArgumentParser) -> None:
    made = actions(parser, _SUMMARIES)
    start = made["start"]
    start.add_argument(
        "--agent", metavar="ID", help="who works (default: LFCI_AGENT, git config lfci.agent, the key's name)"
    )
    start.add_argument("--goal", metavar="TEXT", help="what for (default: work on the current branch)")
    start.add_argument("--if-none", action="store_true", help="keep an open session, do not complain")
    start.epilog = "example:\n  lfci session start --agent agent-7 --goal 'make the parser strict'"
    made["note"].add_argument("text", nargs="+", metavar="TEXT", help="the note; - reads it from stdin")


def run(args: argparse.Namespace, context: Context) -> int:
    from lfci_gate import session

    git, now = context.git, context.now()
    if args.action == "list":
        _list(context, session.list_sessions(git))
    elif args.action == "start":
        made = start_session(context, agent=args.agent, goal=args.goal, if_none=args.if_none)
        _show(context, "started" if made.is_new else "already open", made.session)
    elif args.action == "note":
        text = " ".join(args.text)
        noted = session.note(git, sys.stdin.read().strip() if text == "-" else text, now=now)
        _show(context, "noted", noted)
    elif args.action == "end":
        _show(context, "ended", session.end(git, now=now))
    else:
        _show(context, "open", session.current(git))
    return 0


def start_session(context: Context, *, agent: str | None, goal: str | None, if_none: bool) -> Any:
    """Opens a session as `session start` does; gives :class:`lfci_gate.session.Started`."""
    from lfci_gate import session

    return session.start(
        context.git,
        agent=acting_agent(context, agent),
        goal=goal or _default_goal(context),
        now=context.now(),
        if_none=if_none,
    )


def acting_agent(context: Context, agent: str | None) -> str:
    """Who acts; a policy that cannot be read only costs the policy's name for the key."""
    settings = context.settings(agent=agent)
    if agent or context.environ.get("LFCI_AGENT") or context.git.config("lfci.agent"):
        return settings.agent_name(None, None)
    from lfci_gate.cli.policy_source import find_policy
    from lfci_gate.git.objects import BatchReader

    public = settings.public_key()
    policy = None
    if public is not None:
        try:
            with BatchReader(context.git) as objects:
                found = find_policy(context, objects)
            policy = None if found is None else found.policy
        except LfciError as error:
            context.output.note(f"note: the policy was not read ({error.code}: {error.message})")
    return settings.agent_name(policy, public)


def _default_goal(context: Context) -> str:
    branch = head_branch(context.git)
    return f"work on {branch.removeprefix('refs/heads/')}" if branch else "work on a detached HEAD"


def _show(context: Context, event: str, session: Session | None) -> None:
    output = context.output
    output.json(
        {
            "schema": "lfci.session-status/1",
            "event": event if session is not None else "none",
            "session": _object(session),
        }
    )
    if session is None:
        output.line("no session is open in this worktree")
        output.line("start one: lfci session start --goal TEXT")
        return
    now = context.now()
    base = session.base_commit[:12] if session.base_commit else "no commit yet"
    output.pair("session", f"{session.id} ({event})", "strong")
    output.pair("agent", session.agent)
    output.pair("goal", session.goal.replace("\n", " "))
    output.pair("base", f"{base}, tree {session.base.tree[:12]}")
    if session.dirty_tree is not None:
        output.pair("", f"with uncommitted changes, tree {session.dirty_tree[:12]}")
    output.pair("started", f"{clock(session.started_at)}, {age(session.started_at, now)}")
    if session.ended_at is not None:
        output.pair("ended", clock(session.ended_at))
    for at, text in session.notes:
        output.pair("note", f"{clock(at)} {text}")


def _list(context: Context, sessions: tuple[Session, ...]) -> None:
    output = context.output
    output.json({"schema": "lfci.sessions/1", "sessions": [_object(each) for each in sessions]})
    if not sessions:
        output.line("no sessions yet")
    for each in sessions:
        state = "open" if each.ended_at is None else f"ended {clock(each.ended_at)}"
        goal = " ".join(each.goal.split())
        goal = goal if len(goal) <= _GOAL_SHOWN else goal[: _GOAL_SHOWN - 3] + "..."
        output.line(f"{each.id}  {clock(each.started_at)}  {state}  {each.agent}  {goal}")


def _object(session: Session | None) -> Any:
    if session is None:
        return None
    import json

    from lfci_gate.session_file import format_session

    return json.loads(format_session(session))
