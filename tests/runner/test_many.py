"""Many askers at once: one build, fair turns, and nobody who can keep the others out."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.clone.conftest import Worker
from tests.runner.conftest import script
from tests.support.runner import House, as_user, house, need_root, read_events, request

STATUS = b'{"schema":"lfci.runner/1","ask":"status"}\n'
OTHER_UID, STRANGER = 64998, 64997

ASK = """
import socket, sys
connection = socket.socket(socket.AF_UNIX)
connection.connect(sys.argv[1])
try:
    connection.sendall(sys.argv[2].encode())
except BrokenPipeError:
    pass
try:
    while data := connection.recv(65536):
        sys.stdout.buffer.write(data)
except ConnectionResetError:
    pass
"""


@pytest.fixture(scope="module")
def narrow() -> Iterator[House]:
    """A runner with one worker and small limits; root and one other user may ask."""
    need_root()
    with house() as made:
        limits = {"queued": 6, "connections": 12, "per-hour": 11, "packs-per-hour-mib": 3}
        made.configure(
            workers=1,
            connections=20,
            allow=[{"users": [0], **limits}, {"groups": [OTHER_UID], **limits}],
        )
        made.start()
        yield made


def ask_as(house: House, uid: int, line: bytes, groups: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    """The events that another user gets, who is in ``groups`` beside their own."""
    user = {**as_user(uid), "extra_groups": groups}
    done = subprocess.run(
        ["/usr/bin/python3", "-c", ASK, house.socket, line.decode()],
        capture_output=True, check=True, timeout=60, cwd="/", env={"PATH": "/usr/bin"}, **user,
    )  # fmt: skip
    return [json.loads(each) for each in done.stdout.splitlines()]


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline, "that did not happen"
        time.sleep(0.02)


def test_twenty_askers_and_one_build(runner: House, make_worker: Callable[..., Worker]) -> None:
    ada = make_worker(**{"check.sh": script("for n in 1 2 3; do echo line $n; sleep 0.5; done")})
    runner.bring(ada.repo, ada.head(), "none")
    builds, kept = len(runner.builds()), len(runner.evidence())
    heard: list[list[dict[str, Any]]] = [[] for _ in range(20)]

    def ask(number: int) -> None:
        heard[number] = runner.answers(request(ada.head()))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    with runner.connect(request(ada.head())) as gone:  # whoever asked first goes
        assert json.loads(gone.makefile("rb").readline())["event"] in ("queued", "phase")
        for thread in threads:
            thread.start()
        wait_until(lambda: runner.answers(STATUS)[0]["yours"] > 2)
    for thread in threads:
        thread.join()
    assert len(runner.builds()) == builds + 1
    assert len(runner.evidence()) == kept + 1
    results = [event for events in heard for event in events if event["event"] == "result"]
    assert len(results) == 20
    assert len({result["bundle"] for result in results}) == 1
    assert {result["result"] for result in results} == {"PASSED"}
    waited = [events for events in heard if any(event.get("known") is False for event in events)]
    assert len(waited) > 1  # who came too late was told what is remembered
    for events in waited:
        output = "".join(event["text"] for event in events if event["event"] == "output")
        assert output == "line 1\nline 2\nline 3\nworking\n"
        assert events[-1] == {"event": "end"}
    # Afterwards it is remembered.
    [result, _] = runner.answers(request(ada.head()))
    assert (result["known"], result["bundle"]) == (True, results[0]["bundle"])
    assert len(runner.builds()) == builds + 1


def test_who_may_not_ask_is_told_so(narrow: House) -> None:
    [refused] = ask_as(narrow, STRANGER, STATUS)
    assert (refused["event"], refused["family"], refused["code"]) == ("error", "refusal", "LFCI523")
    [refused] = ask_as(narrow, STRANGER, request("1" * 40))
    assert refused["code"] == "LFCI523"
    assert ask_as(narrow, OTHER_UID, STATUS)[0]["event"] == "status"
    # The kernel tells all groups of a peer, not only the first.
    assert ask_as(narrow, STRANGER, STATUS, groups=(1, OTHER_UID))[0]["event"] == "status"
    assert ask_as(narrow, STRANGER, STATUS, groups=(1, 2))[0]["code"] == "LFCI523"


def test_turns_are_taken_and_limits_hold(narrow: House, make_worker: Callable[..., Worker]) -> None:
    """One worker. Root asks for five checks, the other user for one a little later, and is second."""
    config = b"version = 1\n"
    for number in range(9):
        config += b'[checks.c%d]\nrun = "sleep 0.3; echo %d"\ninputs = ["check.sh"]\n' % (number, number)
    ada = make_worker(**{".lfci/config.toml": config})
    head = ada.head()
    slow = narrow.connect(b'{"schema":')  # and never more
    last = narrow.bring(ada.repo, head, *(f"c{number}" for number in range(7)))[-1]
    assert last["code"] == "LFCI525"  # seven are more than six
    wait_until(lambda: narrow.answers(STATUS)[0]["queued"] == 0)
    wait_until(lambda: narrow.answers(STATUS)[0]["running"] == 0)
    begun = narrow.said().count("built ")
    with narrow.connect(request(head, *(f"c{number}" for number in range(2, 7)))) as first:
        wait_until(lambda: narrow.answers(STATUS)[0]["queued"] == 4)
        other = ask_as(narrow, OTHER_UID, request(head, "c8"))
        assert [event["result"] for event in other if event["event"] == "result"] == ["PASSED"]
        built = [line.split()[1] for line in narrow.said().splitlines() if line.startswith("built ")]
        # In order of arrival it would be the last of six; how many were done when it came depends on the
        # machine, and after that only one is before it.
        assert built[begun:].index("c8") <= 3, built
        first.close()
    # What nobody waits for any more is not begun; what was begun is finished and remembered.
    wait_until(lambda: narrow.answers(STATUS)[0]["running"] == 0)
    assert narrow.answers(STATUS)[0]["queued"] == 0
    built = [line.split()[1] for line in narrow.said().splitlines() if line.startswith("built ")]
    assert len(built) - begun <= 4
    # Eleven builds an hour, whether they were begun or not; the other user has theirs.
    assert narrow.code(request(head, "c0", fresh=True)) == "LFCI525"
    assert narrow.left() == {"incoming": [], "work": []}
    with slow:  # was told long ago that it is too slow, while others were served
        [event] = read_events(slow)
    assert event["code"] == "LFCI527"


def test_a_flood_of_connections_is_bounded(narrow: House) -> None:
    """Root opens all that it may and more, and says nothing; the other user is served meanwhile."""
    with ExitStack() as stack:
        held = [stack.enter_context(narrow.connect()) for _ in range(40)]
        refused = 0
        for connection in held:
            connection.settimeout(0.05)
            try:
                refused += b"LFCI525" in connection.recv(4096)
            except (TimeoutError, ConnectionResetError):
                continue
        assert refused >= 28
        assert ask_as(narrow, OTHER_UID, STATUS)[0]["event"] == "status"
    wait_until(lambda: narrow.answers(STATUS)[0]["event"] == "status")


def test_an_end_in_the_middle_of_everything_leaves_nothing(
    runner: House, make_worker: Callable[..., Worker]
) -> None:
    ada = make_worker(**{"check.sh": script("echo never asked before")})
    for sent in (b"", b'{"pack":100000}\n', b'{"pack":100000}\nPACK' + b"x" * 5000):
        with runner.connect(request(ada.head())) as connection:
            assert json.loads(connection.makefile("rb").readline())["event"] == "send"
            connection.sendall(sent)
            # a reset, not an orderly end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: runner.left() == {"incoming": [], "work": []})
    assert runner.answers(STATUS)[0]["yours"] == 0
    assert runner.child is not None
    place = Path(f"/proc/{runner.child.pid}/fd")
    if os.access(place, os.R_OK):
        wait_until(lambda: _sockets(place) <= 4)


def _sockets(place: Path) -> int:
    """How many descriptors are sockets; some come and go meanwhile."""
    found = 0
    for fd in os.listdir(place):
        with suppress(FileNotFoundError):
            found += "socket:" in os.readlink(place / fd)
    return found
