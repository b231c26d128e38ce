"""One peer and its one request: everything that is read has an end in time and in size."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lfci_gate import __version__, files
from lfci_gate.clone.known import Question
from lfci_gate.config.runner import MIB, Limits
from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.runner.desk import Job
from lfci_gate.runner.peers import Peer
from lfci_gate.runner.store import Store
from lfci_gate.runner.wire import (
    Answer,
    Request,
    answer_event,
    format_event,
    pack_size,
    parse_request,
)
from lfci_gate.runner.work import questions, unexpected

if TYPE_CHECKING:
    from lfci_gate.runner.server import Service

__all__ = ["Connection"]

REQUEST_S: Final = 5.0
"""A request is complete by then."""
PACK_S: Final = 900.0
IDLE_S: Final = 30.0
"""No transfer pauses longer."""
BEAT_S: Final = 10.0
DROP_BYTES: Final = 1 << 20
"""Progress is not sent to somebody who has so much of it still to read."""
_CHUNK: Final = 1 << 18
_UNREAD_BYTES: Final = 32 << 20


class Connection:
    """One peer and its one request: an :class:`lfci_gate.runner.desk.Asker`."""

    def __init__(
        self,
        service: Service,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: Peer,
        limits: Limits,
    ) -> None:
        self.uid = peer.uid
        self.limits = limits
        self._service = service
        self._reader = reader
        self._writer = writer
        self._peer = peer
        self._waiting: list[Job] = []
        self._problem: LfciError | None = None
        self._changed = asyncio.Event()

    def post(self, event: bytes, *, droppable: bool = False) -> None:
        if droppable and self._writer.transport.get_write_buffer_size() > DROP_BYTES:
            return
        self._writer.write(event)

    def finished(self, job: Job, end: Answer | LfciError) -> None:
        self._waiting.remove(job)
        if self._writer.transport.get_write_buffer_size() > _UNREAD_BYTES:
            self._writer.transport.abort()  # who does not read has gone
        elif isinstance(end, Answer):
            self.post(answer_event(end))
        else:
            self._problem = end
        self._changed.set()

    async def answer(self) -> LfciError | None:
        """The whole conversation; what went wrong, if anything."""
        try:
            line = await asyncio.wait_for(self._reader.readuntil(b"\n"), REQUEST_S)
            request = parse_request(line)
            if request.ask == "status":
                self._status()
            else:
                await self._check(request)
        except LfciError as error:
            return error
        except (TimeoutError, asyncio.LimitOverrunError):
            return Refusal("LFCI527", "the message is too large or came too slowly")
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            raise
        except Exception as error:  # noqa: BLE001 - the peer reads a code, and the next peer is served
            return unexpected(error)
        finally:
            for job in list(self._waiting):
                self._service.desk.leave(job, self)
        if self._problem is not None:
            return self._problem
        self.post(format_event("end"))
        return None

    def _status(self) -> None:
        service = self._service
        allowed = service.peers.allowed(self._peer)
        mine = [
            each
            for each in service.config.repositories
            if allowed is not None and (not allowed.repositories or each.id in allowed.repositories)
        ]
        self.post(
            format_event(
                "status",
                name=service.config.name,
                key=service.signer.public.fingerprint,
                version=__version__,
                **service.desk.counts(self.uid),
                repositories=[
                    {"id": each.id, "packs": each.packs, "sources": len(each.sources)} for each in mine
                ],
            )
        )

    # -- checks ----------------------------------------------------------------------------------------

    async def _check(self, request: Request) -> None:
        store = self._store(request.repository)
        await self._refuse_more()
        beats = asyncio.ensure_future(self._beat())
        try:
            await self._look_into(store, request)
        finally:
            beats.cancel()

    async def _beat(self) -> None:
        """The peer hears that it is not forgotten, whatever is waited for."""
        while True:
            await asyncio.sleep(BEAT_S)
            self.post(format_event("alive"), droppable=True)

    async def _look_into(self, store: Store, request: Request) -> None:
        service = self._service
        async with service.locks[store.id]:  # not while it is being tidied
            service.busy[store.id] += 1
        try:
            await self._obtain(store, request)
            for question in await self._questions(store, request):
                await self._answer_or_join(store, question, fresh=request.fresh)
            await self._wait()
        finally:
            service.busy[store.id] -= 1
            service.tidy_when_idle(store)

    async def _questions(self, store: Store, request: Request) -> list[Question]:
        config = self._service.config
        limits = {"longest_s": config.longest_s, "most_bytes": config.tree_mib * MIB}
        async with self._service.turn(self.uid):
            return await self._service.thread(
                partial(questions, store, request.commit, request.checks, **limits)
            )

    async def _answer_or_join(self, store: Store, question: Question, *, fresh: bool) -> None:
        service, config = self._service, self._service.config
        key = service.desk.key(store, question)
        while not (fresh or service.desk.in_flight(key)):
            lately = service.desk.passed_lately(key)
            who = service.signer.public, config.name
            answer = await service.thread(
                partial(store.remembered, question, *who, _now(), config.remember_s)
            )
            if answer is not None:
                self.post(answer_event(answer))
                return
            # Somebody else's build of it may have passed while the store was read.
            if lately or not service.desk.passed_lately(key):
                break
        self._waiting.append(service.desk.join(store, question, self))

    def _store(self, repository: str) -> Store:
        allowed = self._service.peers.allowed(self._peer)
        store = self._service.stores.get(repository)
        if store is None:
            raise Refusal("LFCI528", "the runner does not check for this repository", facts=(repository,))
        if allowed is None or (allowed.repositories and repository not in allowed.repositories):
            raise Refusal("LFCI523", f"user {self.uid} may not ask for this repository", facts=(repository,))
        return store

    async def _refuse_more(self) -> None:
        """Nothing may follow the request: not a second one, not in the first one's packet."""
        with suppress(TimeoutError):
            more = await asyncio.wait_for(self._reader.read(1), 0.001)
            if more:
                raise _more()
            raise ConnectionResetError

    async def _wait(self) -> None:
        """Until everything that was asked has ended, or the peer goes."""
        watch = asyncio.ensure_future(self._reader.read(1))
        try:
            while self._waiting and self._problem is None:
                self._changed.clear()
                change = asyncio.ensure_future(self._changed.wait())
                done, _ = await asyncio.wait({watch, change}, return_when=asyncio.FIRST_COMPLETED)
                change.cancel()
                if watch in done:
                    if watch.result():
                        raise _more()
                    raise ConnectionResetError
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError, OSError):
                await watch

    # -- objects ---------------------------------------------------------------------------------------

    async def _obtain(self, store: Store, request: Request) -> None:
        """Makes sure that the store has the commit, from a source or from the peer."""
        service, commit = self._service, request.commit
        arrived = time.monotonic()
        async with service.turn(self.uid):
            if await service.thread(partial(store.has, commit)):
                return
            problem: LfciError | None = None
            async with service.fetching[store.id]:
                try:
                    await service.thread(partial(store.fetch, arrived))
                except LfciError as error:
                    problem = error
            if await service.thread(partial(store.has, commit)):
                return
            if not store.packs:
                raise problem or Refusal(
                    "LFCI528",
                    f"commit {commit[:12]} is on no branch or tag that the runner fetches",
                    hint="git push origin HEAD:refs/heads/review/TOPIC, and ask again",
                )
            have = await service.thread(store.have)
        self.post(format_event("send", have=list(have), bytes=self.limits.pack_mib * MIB))
        pack = service.place.incoming / secrets.token_hex(12)
        try:
            await self._receive(pack)
            async with service.turn(self.uid):
                most = service.config.tree_mib * MIB
                await service.thread(partial(store.take_pack, pack, commit, most))
        finally:
            with suppress(FileNotFoundError):
                os.unlink(pack)

    async def _receive(self, pack: Path) -> None:
        line = await asyncio.wait_for(self._reader.readuntil(b"\n"), IDLE_S * 4)
        left = pack_size(line)
        limits = self.limits
        if left > limits.pack_mib * MIB:
            raise Refusal("LFCI530", f"the pack is larger than {limits.pack_mib} MiB")
        mib = -(-left // MIB)
        if not self._service.transfers.use(self.uid, mib, limits.packs_per_hour_mib, time.monotonic()):
            raise Undecided("LFCI525", f"you may send {limits.packs_per_hour_mib} MiB within an hour")
        deadline = time.monotonic() + PACK_S
        with files.os_errors("keep what is received", pack):
            kept = os.open(pack, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            while left:
                patience = min(IDLE_S, deadline - time.monotonic())
                if patience <= 0:
                    raise TimeoutError
                data = await asyncio.wait_for(self._reader.read(min(left, _CHUNK)), patience)
                if not data:
                    raise ConnectionResetError
                with files.os_errors("keep what is received", pack):
                    files.write_all(kept, data)
                left -= len(data)
        finally:
            os.close(kept)


def _more() -> Refusal:
    return Refusal("LFCI527", "something follows the request: a connection is for one")


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
