"""Who wants what, and what is being done about it: one build for each check key, however many ask.

Lives on the event loop; only :class:`_Telling` is called from the threads that build.
"""

from __future__ import annotations

import asyncio
import codecs
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple, Protocol

from lfci_gate.clone.known import Question
from lfci_gate.config.runner import Limits
from lfci_gate.errors import LfciError, Undecided
from lfci_gate.model import ObjectId, Outcome, Sha256
from lfci_gate.nix.process import stop_all
from lfci_gate.runner.queue import FairQueue, Hourly
from lfci_gate.runner.store import Store
from lfci_gate.runner.wire import Answer, format_event
from lfci_gate.runner.work import unexpected

__all__ = ["Asker", "Desk", "Job"]

_BACKLOG_BYTES: Final = 128 * 1024
_PENDING_BYTES: Final = 256 * 1024
_PIECE: Final = 32 * 1024
_RECENT: Final = 4096
_STOP_S: Final = 60


class Asker(Protocol):
    """Somebody at the other end of a connection."""

    uid: int
    limits: Limits

    def post(self, event: bytes, *, droppable: bool = False) -> None:
        """Sends an event; one that is ``droppable`` may get lost when the asker does not read."""

    def finished(self, job: Job, end: Answer | LfciError) -> None:
        """The job has come to its end."""


class Key(NamedTuple):
    """What makes two requests the same build."""

    repository: str
    inputs: ObjectId
    definition: Sha256
    system: str


class Job:
    """One build that somebody waits for."""

    def __init__(self, key: Key, store: Store, question: Question) -> None:
        self.key = key
        self.store = store
        self.question = question
        self.askers: list[Asker] = []
        self.running = False
        self.backlog: deque[bytes] = deque()
        """What was told so far, for those who come late; the oldest is forgotten first."""
        self._backlog_bytes = 0

    def tell(self, event: bytes) -> None:
        self.backlog.append(event)
        self._backlog_bytes += len(event)
        while self._backlog_bytes > _BACKLOG_BYTES:
            self._backlog_bytes -= len(self.backlog.popleft())
        for asker in self.askers:
            asker.post(event, droppable=True)


Perform = Callable[[Store, Question, "_Telling"], Answer]


class Desk:
    """The jobs of one runner."""

    def __init__(
        self, workers: int, perform: Perform, done: Callable[[Job, Answer | LfciError], None]
    ) -> None:
        """Arguments: ``perform`` builds, in a thread; ``done`` is told of each end, on the loop."""
        self.workers = workers
        self._perform = perform
        self._done = done
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="build")
        self._jobs: dict[Key, Job] = {}
        self._queue: FairQueue[Job] = FairQueue()
        self._held: Counter[int] = Counter()
        self._running: Counter[int] = Counter()
        self._may: dict[int, int] = {}
        self._builds = Hourly()
        self._recent: dict[Key, None] = {}
        self._stopping = False

    @staticmethod
    def key(store: Store, question: Question) -> Key:
        return Key(store.id, question.inputs, question.definition.digest, question.system)

    def passed_lately(self, key: Key) -> bool:
        """Whether a build of this passed since the start, so that its result is in the store by now."""
        return key in self._recent

    def in_flight(self, key: Key) -> bool:
        return key in self._jobs

    def join(self, store: Store, question: Question, asker: Asker) -> Job:
        """The asker waits for the build from now on; it is begun when it is its turn, unless it was.

        Raises Undecided LFCI525 when that is more than the asker may ask for.
        """
        if self._stopping:
            raise stopping()
        if self._held[asker.uid] >= asker.limits.queued:
            raise _too_many(f"{asker.limits.queued} jobs of yours wait already")
        key = self.key(store, question)
        job = self._jobs.get(key)
        if job is None:
            if not self._builds.use(asker.uid, 1, asker.limits.per_hour, time.monotonic()):
                raise _too_many(f"{asker.limits.per_hour} builds were begun for you within an hour")
            job = self._jobs[key] = Job(key, store, question)
        job.askers.append(asker)
        self._held[asker.uid] += 1
        self._may[asker.uid] = asker.limits.running
        for event in job.backlog:
            asker.post(event, droppable=True)
        if not job.running:
            self._queue.add(asker.uid, job)
            ahead = self._queue.ahead(asker.uid, job)
            asker.post(format_event("queued", check=question.definition.name, ahead=ahead))
            self._pump()
        return job

    def leave(self, job: Job, asker: Asker) -> None:
        """The asker has gone. A build that has begun is finished and remembered; another one is dropped
        when nobody waits for it any more."""
        if asker not in job.askers:
            return
        job.askers.remove(asker)
        self._held[asker.uid] -= 1
        if job.running or any(each.uid == asker.uid for each in job.askers):
            return
        self._queue.remove(asker.uid, job)
        if not job.askers:
            self._jobs.pop(job.key, None)

    def counts(self, uid: int) -> dict[str, int]:
        """Figures for `lfci runner status`: all, and those of one user."""
        return {
            "workers": self.workers,
            "running": sum(self._running.values()),
            "queued": len(self._queue),
            "yours": self._held[uid],
        }

    def idle(self, repository: str) -> bool:
        """Whether nothing of a repository waits or runs."""
        return all(key.repository != repository for key in self._jobs)

    async def stop(self) -> None:
        """Ends all builds and tells whoever waits. Returns when nothing runs any more."""
        self._stopping = True
        for job in [each for each in self._jobs.values() if not each.running]:
            self._end(job, stopping())
        deadline = time.monotonic() + _STOP_S
        while self._jobs and time.monotonic() < deadline:
            stop_all()
            await asyncio.sleep(0.1)
        self._pool.shutdown(wait=False, cancel_futures=True)

    # -- building --------------------------------------------------------------------------------------

    def _pump(self) -> None:
        while sum(self._running.values()) < self.workers and not self._stopping:
            taken = self._queue.take(lambda uid: self._running[uid] < self._may.get(uid, 1))
            if taken is None:
                return
            uid, job = taken
            job.running = True
            self._running[uid] += 1
            telling = _Telling(self._loop, job)
            future = self._loop.run_in_executor(self._pool, self._run, job, telling)
            future.add_done_callback(lambda done, job=job, uid=uid: self._finished(job, uid, done.result()))  # type: ignore[misc]

    def _run(self, job: Job, telling: _Telling) -> Answer | LfciError:
        """In a thread."""
        try:
            return self._perform(job.store, job.question, telling)
        except LfciError as error:
            return error
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of an end, whatever it is
            return unexpected(error)

    def _finished(self, job: Job, uid: int, end: Answer | LfciError) -> None:
        self._running[uid] -= 1
        if self._stopping and (not isinstance(end, Answer) or end.outcome is Outcome.UNDECIDED):
            end = stopping()  # it was ended, whatever it says of it
        self._end(job, end)
        self._pump()

    def _end(self, job: Job, end: Answer | LfciError) -> None:
        """In one step of the loop: who asks from now on finds the result in the store, or no job."""
        if isinstance(end, Answer) and end.outcome is Outcome.PASSED:
            self._recent[job.key] = None
            while len(self._recent) > _RECENT:
                del self._recent[next(iter(self._recent))]
        else:
            self._recent.pop(job.key, None)
        self._jobs.pop(job.key, None)
        for asker in list(job.askers):
            self._held[asker.uid] -= 1
            self._queue.remove(asker.uid, job)
            asker.finished(job, end)
        job.askers.clear()
        self._done(job, end)


def stopping() -> Undecided:
    """What whoever waits is told when the runner ends: ask again."""
    return Undecided("LFCI526", "the runner is being stopped", hint="ask again: lfci check --runner")


def _too_many(fact: str) -> Undecided:
    return Undecided("LFCI525", "the runner takes no more of your jobs now", facts=(fact,))


class _Telling:
    """A :class:`lfci_gate.engines.outcome.Progress` for everybody who waits for one job.

    Called from the thread that builds; a build that prints faster than the loop can pass on loses output
    here, never memory.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, job: Job) -> None:
        self._loop = loop
        self._job = job
        self._check = job.question.definition.name
        self._lock = threading.Lock()
        self._pending = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def phase(self, name: str, detail: str = "") -> None:
        self._tell(format_event("phase", check=self._check, name=name, detail=detail[:4096]))

    def heartbeat(self, elapsed_s: float) -> None:
        self._tell(format_event("beat", check=self._check, seconds=int(elapsed_s)))

    def line(self, data: bytes) -> None:
        with self._lock:
            begin = not self._pending
            self._pending += data[: max(_PENDING_BYTES - len(self._pending), 0)]
        if begin:
            self._soon(self._flush)

    def _flush(self) -> None:
        """On the loop."""
        with self._lock:
            data = bytes(self._pending)
            self._pending.clear()
        for start in range(0, len(data), _PIECE):
            text = self._decoder.decode(data[start : start + _PIECE]).replace("\0", "\ufffd")
            if text:
                self._job.tell(format_event("output", check=self._check, text=text))

    def _tell(self, event: bytes) -> None:
        self._soon(lambda: self._job.tell(event))

    def _soon(self, call: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(call)
        except RuntimeError:
            return  # the loop has ended: the runner is being stopped
