"""Broadcaster's side of the speech process: start it, feed it, time it, check its answer."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

COMMAND = (sys.executable, "-m", "channels.audio.worker")
"""How the worker is started."""
LIMIT = 10.0
"""Seconds one attempt may take; 110 s of sound took 1.7 s of one core."""
ATTEMPTS = 2
"""Runs of the worker.  This is no second sending: until a run succeeds, nothing has left."""


class SpeechFailed(Exception):
    """The worker gave no usable sound in any attempt; the text says why, for an officer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the worker is asked for; its JSON is the worker's stdin."""

    text: str
    voice: str
    """Identifier of the speech library."""
    rate: int
    """Words a minute."""
    expected: float
    """Seconds the message should last, estimated; the worker refuses what is far off."""
    chime: bool
    formats: tuple[str, ...]
    """Of ``mp3`` and ``wav``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """A finished programme."""

    files: Mapping[str, bytes]
    """By format."""
    figures: Mapping[str, Any]
    """As measured: seconds, message_seconds, lufs, peak, rms, repeated, engine."""


async def synthesise(
    request: Request, *, command: Sequence[str] = COMMAND, limit: float = LIMIT
) -> Speech:
    """Speak one message in a process of its own.

    Raises :class:`SpeechFailed` when the worker crashed, hung, exited or answered nonsense in
    every attempt.  Cancelling ends the process.
    """
    reasons: list[str] = []
    for _ in range(ATTEMPTS):
        try:
            return await _run(request, command, limit)
        except SpeechFailed as failed:
            reasons.append(str(failed))
    raise SpeechFailed("; then ".join(dict.fromkeys(reasons)))


async def _run(request: Request, command: Sequence[str], limit: float) -> Speech:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
    except OSError as error:
        raise SpeechFailed(f"the speech process does not start: {error.strerror}") from error
    try:
        body = json.dumps(asdict(request)).encode()
        async with asyncio.timeout(limit):
            answer, complaint = await process.communicate(body)
    except TimeoutError as error:
        raise SpeechFailed(f"the speech process gave no answer within {limit:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise SpeechFailed(_how_it_ended(process.returncode or 0, complaint))
    return _read(answer, request.formats)


def _read(answer: bytes, formats: Sequence[str]) -> Speech:
    """Take an answer apart; every byte must be accounted for."""
    head, _, body = answer.partition(b"\n")
    try:
        figures = json.loads(head)
        if "says" in figures:
            raise SpeechFailed(str(figures["says"]))
        announced = figures.pop("sizes")
        sizes = [int(announced[form]) for form in formats]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SpeechFailed("the speech process answered without sound") from error
    if min(sizes) <= 0 or sum(sizes) != len(body):
        raise SpeechFailed(f"the speech process sent {len(body)} of {sum(sizes)} bytes")
    files: dict[str, bytes] = {}
    for form, size in zip(formats, sizes, strict=True):
        files[form], body = body[:size], body[size:]
    return Speech(files=files, figures=figures)


def _how_it_ended(code: int, complaint: bytes) -> str:
    ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    lines = complaint.decode("utf-8", "replace").strip().splitlines()
    return f"the speech process {ended}" + (f": {lines[-1][:200]}" if lines else "")


def _environment() -> dict[str, str]:
    """Only what the worker needs: none of the secrets that Broadcaster's environment may hold."""
    kept = {
        key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "HOME") if key in os.environ
    }
    here = str(Path(__file__).resolve().parents[2])
    inherited = os.environ.get("PYTHONPATH")
    return kept | {
        "PYTHONPATH": os.pathsep.join(filter(None, (here, inherited))),
        "PYTHONUTF8": "1",
        # One thread a worker: several workers run side by side.
        "OPENBLAS_NUM_THREADS": "1",
    }
