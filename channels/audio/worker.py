"""One message, one process: ``python -m channels.audio.worker``.

A request comes on stdin as one JSON object, the answer leaves on stdout: one line of JSON (the
figures and the size of each file, or ``{"says": ...}`` for a refusal), then the files' bytes in
that order.  The GPL speech library, the arithmetic and the encoder live and die in here, so that
a crash, a hang or an ``exit`` of theirs costs one language one attempt and nothing else.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Any, BinaryIO
from xml.sax.saxutils import escape

from channels.audio.voices import LINE_PAUSE, spoken_lines

ORPHAN_LIMIT = 30
"""Seconds after which the worker ends itself: its parent ends it sooner, unless it died."""

_VOLUME = 0.6
"""Of 1.0.  At full volume the library's own peaks are clipped; the level is set afterwards."""


def to_ssml(text: str) -> str:
    """A spoken text (one sentence a line) as SSML with a pause between the sentences."""
    pause = f'<break time="{round(LINE_PAUSE * 1000)}ms"/>'
    return "<speak>" + pause.join(map(escape, spoken_lines(text))) + "</speak>"


def speak(text: str, voice: str, rate: int) -> tuple[bytes, str]:
    """A WAV file of the text, and the engine's name and version; raises ``SpeechError``."""
    import pyttsx3

    from channels.audio import driver

    engine = pyttsx3.init(driverName=driver.register())
    engine.setProperty("voice", voice)
    engine.setProperty("rate", rate)
    engine.setProperty("volume", _VOLUME)
    engine.setProperty("ssml", True)
    file = io.BytesIO()
    engine.save_to_file(to_ssml(text), file)
    engine.runAndWait()
    return file.getvalue(), f"espeak-ng {driver.library().version}"


def produce(request: dict[str, Any]) -> tuple[dict[str, Any], list[bytes]]:
    """The programme a request asks for: its figures, and its files in the order asked."""
    from channels.audio import sound

    speech, engine = speak(request["text"], request["voice"], request["rate"])
    message, sample_rate = sound.read_wav(speech)
    sound.check_message(message, sample_rate, request["expected"])
    programme, repeated = sound.assemble(message, sample_rate, with_chime=request["chime"])
    done = sound.finish(programme, sample_rate, message, repeated=repeated)
    files = [
        done.mp3 if form == "mp3" else sound.encode(done.samples, sample_rate, form)
        for form in request["formats"]
    ]
    return {
        **asdict(done.figures),
        "engine": engine,
        "sizes": dict(zip(request["formats"], map(len, files), strict=True)),
    }, files


def main(stdin: BinaryIO, stdout: BinaryIO) -> int:
    """Serve one request; 0 when it was answered, also by a refusal."""
    from channels.audio.driver import SpeechError
    from channels.audio.sound import BadSound

    request = json.loads(stdin.read())
    try:
        answer, files = produce(request)
    except (SpeechError, BadSound) as error:
        answer, files = {"says": str(error)}, []
    stdout.write(json.dumps(answer).encode() + b"\n" + b"".join(files))
    stdout.flush()
    return 0


def entry() -> None:
    """Run as a process: whatever a library prints goes to stderr, never between our bytes."""
    signal.alarm(ORPHAN_LIMIT)
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.exit(main(sys.stdin.buffer, answer))


if __name__ == "__main__":
    entry()
