"""The runner's socket: who may ask, one request a connection, and everything with an end in time and size."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

from lfci_gate.attest.signers import Signer
from lfci_gate.clone.check import Attester
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.runner.connection import Connection
from lfci_gate.runner.desk import Desk, Job
from lfci_gate.runner.peers import Peers, peer_of
from lfci_gate.runner.place import Place
from lfci_gate.runner.queue import Hourly
from lfci_gate.runner.store import Store
from lfci_gate.runner.wire import MAX_REQUEST_BYTES, Answer, error_event
from lfci_gate.runner.work import perform

__all__ = ["serve"]

CLOSE_S: Final = 30.0
"""Who does not read the end of an answer by then does not get it."""
AT_ONCE: Final = 2
"""Questions to git of one user at once; the threads are for everybody."""

Say = Callable[[str], None]
T = TypeVar("T")


async def serve(place: Place, signer: Signer, listening: socket.socket, say: Say) -> None:
    """Answers until SIGTERM, SIGINT or SIGHUP. Arguments: ``say`` gets lines for the operator's log.

    Raises UsageError LFCI524, Undecided LFCI502, LFCI513 or LFCI520 when it cannot begin.
    """
    service = Service(place, signer, say)
    await service.prepare()
    server = await asyncio.start_unix_server(service.handle, sock=listening, limit=MAX_REQUEST_BYTES)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    say(f"runner {place.config.name} listens on {place.config.socket}, key {signer.public.fingerprint}")
    await stop.wait()
    say("stopping")
    server.close()
    await service.stop()


class Service:
    """One runner: its repositories, its desk, its connections."""

    def __init__(self, place: Place, signer: Signer, say: Say) -> None:
        config = place.config
        self.place = place
        self.config = config
        self.signer = signer
        self.say = say
        self.peers = Peers(config)
        self.stores = {
            each.id: Store(place.top / "repositories" / each.id, each, place.incoming)
            for each in config.repositories
        }
        self.transfers = Hourly()
        self.locks = {each: asyncio.Lock() for each in self.stores}
        self.fetching = {each: asyncio.Lock() for each in self.stores}
        self._attester = Attester(signer, config.name, "runner")
        self.busy: Counter[str] = Counter()
        """Requests that are being looked into, by repository: its objects must not be tidied away."""
        self._turns: dict[int, asyncio.Semaphore] = {}
        self._git_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="git")
        self._connections: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self.desk = Desk(
            config.workers,
            lambda store, question, telling: perform(
                store, question, self._attester, place.work, config.setup_s, telling
            ),
            self._done,
        )

    async def prepare(self) -> None:
        for store in self.stores.values():
            await self.thread(store.open)
            try:
                await self.thread(partial(store.tidy, _now(), self.config.remember_s, all_results=True))
            except LfciError as error:  # it is larger than it need be, and works
                self.say(f"could not tidy {store.id}: {error.code}")
        self.place.forget_environments(older_than=time.time() - self.config.remember_s)

    async def thread(self, call: Callable[[], T]) -> T:
        """Git is asked beside the loop."""
        return await asyncio.get_running_loop().run_in_executor(self._git_threads, call)

    def turn(self, uid: int) -> asyncio.Semaphore:
        """What one user asks of git waits for what they asked before, not for others."""
        return self._turns.setdefault(uid, asyncio.Semaphore(AT_ONCE))

    async def stop(self) -> None:
        await self.desk.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=5.0)
        for task in list(self._tasks):
            task.cancel()
        self._git_threads.shutdown(wait=False, cancel_futures=True)

    def _done(self, job: Job, end: Answer | LfciError) -> None:
        how = end.outcome.value if isinstance(end, Answer) else end.code
        if isinstance(end, Answer) and end.code is not None:
            how = f"{how} {end.code}"
        name = job.question.definition.name
        self.say(f"built {name} of inputs {job.question.inputs[:12]} in {job.key.repository}: {how}")
        self.tidy_when_idle(job.store)

    def tidy_when_idle(self, store: Store) -> None:
        """Has old objects of a repository removed, when nothing of it is asked or built."""
        if self._is_idle(store.id):
            task = asyncio.ensure_future(self._tidy(store))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _is_idle(self, repository: str) -> bool:
        return self.desk.idle(repository) and not self.busy[repository]

    async def _tidy(self, store: Store) -> None:
        async with self.locks[store.id]:
            if self._is_idle(store.id):
                try:
                    await self.thread(lambda: store.tidy(_now(), self.config.remember_s, all_results=False))
                except LfciError as error:
                    self.say(f"could not tidy {store.id}: {error.code}")

    # -- connections -----------------------------------------------------------------------------------

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # gone; what it waited for knows by now
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(OSError, TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(writer.wait_closed(), CLOSE_S)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = peer_of(writer.get_extra_info("socket"))
        limits = self.peers.limits(peer)
        full = (
            self._connections.total() >= self.config.connections
            or self._connections[peer.uid] >= limits.connections
        )
        self._connections[peer.uid] += 1
        try:
            connection = Connection(self, reader, writer, peer, limits)
            if self.peers.allowed(peer) is None:
                error: LfciError | None = Refusal("LFCI523", f"user {peer.uid} may not ask this runner")
            elif full:
                error = Undecided("LFCI525", "the runner has too many connections")
            else:
                error = await connection.answer()
            if error is not None:
                self.say(f"user {peer.uid}: {error.code}")
                connection.post(error_event(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(writer.drain(), CLOSE_S)
        finally:
            self._connections[peer.uid] -= 1
            if not self._connections[peer.uid]:
                del self._connections[peer.uid]


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
