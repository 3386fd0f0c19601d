"""One thread, one connection, group commit.

SQLite has one writer and no queue for it: competing writers starve each other for seconds.  So
every write of the process goes through this thread, which runs what has piled up in ONE
transaction (each in its own savepoint, so that a failing one takes nothing with it) and answers
after the commit is on disk.  Reads use the same mechanism on a second, read-only connection.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import apsw

from broadcaster.model.errors import BroadcasterError, Problem, Unavailable

T = TypeVar("T")
_MOST = 64
"""Jobs in one transaction: bounds how long the first of them waits for its answer."""


class Worker:
    """Runs jobs on a connection that no other thread ever touches."""

    def __init__(self, name: str, connect: Callable[[], apsw.Connection], *, writes: bool) -> None:
        self._jobs: queue.SimpleQueue[tuple[Callable[[apsw.Connection], Any], Future[Any]] | None]
        self._jobs = queue.SimpleQueue()
        self._writes = writes
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(connect,), name=f"store-{name}", daemon=True
        )
        self._thread.start()
        self._opened.result()

    def submit(self, job: Callable[[apsw.Connection], T]) -> Future[T]:
        """Run ``job`` with the connection; the future resolves after the commit."""
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return future

    def close(self) -> None:
        """Finish what was submitted, then close the connection."""
        self._jobs.put(None)
        self._thread.join()

    def _run(self, connect: Callable[[], apsw.Connection]) -> None:
        try:
            connection = connect()
        except BaseException as error:
            self._opened.set_exception(translated(error))
            return
        self._opened.set_result(None)
        while (first := self._jobs.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < _MOST and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    last = True
                    break
                batch.append(job)
            self._transact(connection, batch)
            if last:
                break
        connection.close()

    def _transact(
        self,
        connection: apsw.Connection,
        batch: list[tuple[Callable[[apsw.Connection], Any], Future[Any]]],
    ) -> None:
        answers: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            connection.execute("BEGIN IMMEDIATE" if self._writes else "BEGIN")
            for job, future in batch:
                if not future.set_running_or_notify_cancel():
                    continue  # whoever asked has gone away
                try:
                    if len(batch) == 1:  # alone, it needs no savepoint to fail in
                        answers.append((future, job(connection), None))
                        continue
                    with connection:  # a savepoint
                        answers.append((future, job(connection), None))
                except _FATAL:
                    raise  # the disk or the file: nothing of this transaction can be trusted
                except Exception as error:
                    answers.append((future, None, error))
            failed = len(batch) == 1 and bool(answers) and answers[0][2] is not None
            connection.execute("ROLLBACK" if failed else "COMMIT")
        except apsw.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            answers = [(future, None, error) for _, future in batch if not future.cancelled()]
        for future, result, failure in answers:
            if failure is None:
                future.set_result(result)
            else:
                future.set_exception(translated(failure))


def translated(error: BaseException) -> BaseException:
    """SQLite's word for trouble, in an officer's words; anything else stays what it is."""
    if isinstance(error, BroadcasterError) or not isinstance(error, apsw.Error):
        return error
    for kind, says, remedy in _TROUBLES:
        if isinstance(error, kind):
            return Unavailable(Problem("database", says, remedy))
    return error


_FATAL = (apsw.FullError, apsw.IOError, apsw.ReadOnlyError, apsw.CorruptError, apsw.NotADBError)

_TROUBLES: tuple[tuple[type[apsw.Error], str, str], ...] = (
    (
        apsw.FullError,
        "the disk is full: nothing was stored and nothing was sent",
        "free space on the disk of the data folder, then issue again",
    ),
    (
        apsw.ReadOnlyError,
        "the data folder cannot be written: nothing was stored or sent",
        "correct the permissions of the data folder, then issue again",
    ),
    (
        apsw.CantOpenError,
        "the database cannot be opened",
        "check that the data folder exists and belongs to this user",
    ),
    (
        apsw.NotADBError,
        "the database file is damaged or no database",
        "move broadcaster.db aside and restore it from the backup",
    ),
    (
        apsw.CorruptError,
        "the database file is damaged",
        "move broadcaster.db aside and restore it from the backup",
    ),
    (
        apsw.IOError,
        "the disk reported an error",
        "check the disk of the data folder, then issue again",
    ),
    (
        apsw.BusyError,
        "another program holds the database",
        "stop the other program that has broadcaster.db open",
    ),
)
