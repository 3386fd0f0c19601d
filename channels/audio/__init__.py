"""The audio channel: every language that has a voice, spoken into a file beside its transcript.

For each delivery it publishes below the site's folder

* ``audio/<alert>/<language>.mp3``: attention sound (only where a life may depend on waking), the
  message, and the message again if both fit into two minutes; levelled to -16 LUFS;
* ``audio/<alert>/<language>.wav``: the same uncompressed, where the configuration asks for it;
* ``audio/<alert>/<language>.txt``: the transcript, byte for byte the spoken rendition.

A language without a voice is a reported gap.  No other language's voice ever reads it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from urllib.parse import quote

from broadcaster.delivery.contract import (
    API,
    Addressing,
    Batch,
    Capabilities,
    Delivery,
    Env,
    Fitted,
    Format,
    Mode,
    Receipt,
    Rendition,
    Sense,
    State,
    Variant,
    no_receipts,
)
from broadcaster.delivery.files import write_whole
from broadcaster.model.cap import (
    Alert,
    MsgType,
    Resource,
    ResponseType,
    Severity,
    Status,
)
from broadcaster.model.errors import (
    BadInput,
    DoesNotFit,
    Permanent,
    Problem,
    Transient,
    Unsupported,
)
from channels.audio import speech
from channels.audio.voices import REFERENCE_RATE, Voice, Voices, load_voices

LONGEST = 120
"""Seconds one programme may last, attention sound included."""
CHIME_SECONDS = 3.7
"""The attention sound and the silence after it."""
MEDIA_TYPE = "audio/mpeg"

_RECIPE = 1
"""Raised when the same settings begin to give a different sound, so that files are made anew."""
_SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:@+=-]{0,149}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """The channel's part of ``config.yaml``."""

    rate: int = REFERENCE_RATE
    """Words a minute, 80 to 300; plain speech wants 110 to 150."""
    chime: bool = True
    """Begin severe and extreme warnings with the attention sound."""
    formats: tuple[str, ...] = ("mp3",)
    """Of ``mp3`` (always) and ``wav``."""
    parallel: int = 2
    """Speech processes at a time, 1 to 16."""


def chime_is_due(alert: Alert, mode: Mode) -> bool:
    """Whether the attention sound may wake people: only for what may cost lives, and is real.

    Never for a test, an exercise, an all-clear or a lesser warning: a sound that wakes people for
    nothing is switched off when it matters.
    """
    return (
        mode is Mode.LIVE
        and alert.status is Status.ACTUAL
        and alert.msg_type in (MsgType.ALERT, MsgType.UPDATE)
        and alert.severity in (Severity.SEVERE, Severity.EXTREME)
        and not any(ResponseType.ALL_CLEAR in info.response_types for info in alert.infos)
    )


class AudioChannel:
    """Speaks every spoken rendition into a file that anyone may fetch."""

    kind: ClassVar[str] = "audio"
    api: ClassVar[int] = API
    addressing: ClassVar[Addressing] = Addressing.PUBLISHED
    capabilities = Capabilities(
        operations=frozenset({MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}),
        formats=(Format.SPOKEN,),
        addressing=Addressing.PUBLISHED,
        confirms=frozenset({State.ACCEPTED}),
        senses=frozenset({Sense.HEAR}),
        variants=(Variant.SPOKEN,),
        repeat_is_harmless=True,
        max_batch=100,
    )

    def __init__(
        self,
        settings: AudioSettings,
        env: Env,
        voices: Voices,
        *,
        command: Sequence[str] = speech.COMMAND,
        limit: float = speech.LIMIT,
    ) -> None:
        self._settings = settings
        self._env = env
        self._voices = voices
        self._command = command
        self._limit = limit
        self._turns = asyncio.Semaphore(settings.parallel)

    @classmethod
    def settings(cls, raw: Mapping[str, Any]) -> AudioSettings:
        """Check the mapping; raises :class:`BadInput` naming every wrong key."""
        return _settings(raw)

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: AudioSettings, env: Env) -> AsyncIterator[AudioChannel]:
        """Open the channel; nothing to close, each speech process ends with its message."""
        yield cls(settings, env, load_voices())

    def fit(self, rendition: Rendition) -> Fitted:
        """Estimate the seconds of speech; see the contract for what is raised."""
        if (rendition.variant, rendition.format) != (Variant.SPOKEN, Format.SPOKEN):
            raise Unsupported(
                Problem(
                    rendition.language,
                    "only spoken renditions are read aloud",
                    "give this channel the variant 'spoken'",
                )
            )
        voice = self._voices.get(rendition.language)
        voice.check(rendition.text)
        message = voice.seconds(rendition.text, self._settings.rate)
        seconds = math.ceil(message + CHIME_SECONDS * self._settings.chime)
        if seconds > LONGEST:
            raise DoesNotFit(
                Problem(
                    rendition.language,
                    f"takes about {seconds} s to say, {LONGEST} s are left before nobody listens",
                    "shorten the spoken text",
                ),
                surplus=seconds - LONGEST,
                unit="seconds",
            )
        return Fitted(
            parts=(rendition.text.encode("utf-8"),),
            shows=rendition.text,
            used=seconds,
            limit=LONGEST,
            unit="seconds",
            meta={"voice": voice.identifier},
        )

    def resources(self, rendition: Rendition) -> Sequence[Resource]:
        """The audio file of this rendition as a CAP resource (CAP 1.2, 3.2.3)."""
        try:
            self.fit(rendition)
        except (DoesNotFit, Unsupported):
            return ()
        folder, language = folder_name(rendition.alert), rendition.language
        return (
            Resource(
                resource_desc=f"Audio ({language})",
                mime_type=MEDIA_TYPE,
                uri=f"{self._env.base_url}/audio/{quote(folder)}/{language}.mp3",
            ),
        )

    async def send(self, batch: Batch) -> Sequence[Receipt]:
        """Speak and publish every delivery; one that fails is rejected and stops no other."""
        if batch.mode is not self._env.mode:
            raise Permanent(
                Problem(
                    self._env.name,
                    f"is opened for {self._env.mode} and was handed something for {batch.mode}",
                    "send it to the channel of that mode",
                )
            )
        with_chime = self._settings.chime and chime_is_due(batch.alert, batch.mode)
        tasks = [
            asyncio.create_task(self._publish(delivery, with_chime))
            for delivery in batch.deliveries
        ]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def receipts(self) -> AsyncIterator[Receipt]:
        """No later evidence: a file is published when ``send`` returns."""
        return no_receipts()

    async def ping(self) -> str:
        """Speak one word for nobody."""
        voice = next(iter(self._voices.speaking.values()))
        try:
            made = await self._speak(self._request("Test", voice, chime=False))
        except speech.SpeechFailed as failed:
            raise Transient(
                Problem(self._env.name, str(failed), "reinstall the package espeakng-loader")
            ) from failed
        ready, silent = len(self._voices.speaking), ", ".join(self._voices.silent)
        return f"{made.figures['engine']} speaks {ready} languages; no voice for {silent}"

    async def _publish(self, delivery: Delivery, with_chime: bool) -> Receipt:
        rendition = delivery.rendition
        try:
            voice = self._voices.get(rendition.language)
            voice.check(rendition.text)
            request = self._request(rendition.text, voice, chime=with_chime)
            place = _Place(self._env, folder_name(rendition.alert), rendition.language)
            figures = await asyncio.to_thread(place.published, _fingerprint(request))
            if figures is None:
                made = await self._speak(request)
                await asyncio.to_thread(place.publish, made, _fingerprint(request), rendition.text)
                figures = made.figures
        except (Unsupported, speech.SpeechFailed) as error:
            return Receipt(key=delivery.key, state=State.REJECTED, reason=str(error))
        return Receipt(
            key=delivery.key,
            state=State.ACCEPTED,
            reference=place.url_path,
            reason=f"{figures['seconds']:.1f} s, {figures['lufs']:.1f} LUFS",
        )

    def _request(self, text: str, voice: Voice, *, chime: bool) -> speech.Request:
        rate = self._settings.rate
        return speech.Request(
            text=text,
            voice=voice.identifier,
            rate=rate,
            expected=voice.seconds(text, rate),
            chime=chime,
            formats=self._settings.formats,
        )

    async def _speak(self, request: speech.Request) -> speech.Speech:
        async with self._turns:
            return await speech.synthesise(request, command=self._command, limit=self._limit)


class _Place:
    """Where one language of one alert is published, and what is known about it."""

    def __init__(self, env: Env, folder: str, language: str) -> None:
        self.url_path = f"audio/{folder}/{language}.mp3"
        self._site = env.output_dir / "audio" / folder
        # What is known stays out of the public folder.
        self._record = env.data_dir / "audio" / folder / f"{language}.json"
        self._language = language

    def published(self, fingerprint: str) -> Mapping[str, Any] | None:
        """The figures of the files, if exactly these are there whole; else ``None``."""
        try:
            record = json.loads(self._record.read_bytes())
            if record["fingerprint"] != fingerprint:
                return None
            for name, digest in record["files"].items():
                if hashlib.sha256((self._site / name).read_bytes()).hexdigest() != digest:
                    return None
            figures: Mapping[str, Any] = record["figures"]
            return figures
        except (OSError, ValueError, KeyError):
            return None  # not there, or not to be trusted: made anew

    def publish(self, made: speech.Speech, fingerprint: str, transcript: str) -> None:
        """Write sound, then transcript, then the record that says both are whole."""
        files = {f"{self._language}.{form}": data for form, data in made.files.items()}
        files[f"{self._language}.txt"] = transcript.encode("utf-8")
        for name, data in files.items():
            write_whole(self._site / name, data)
        record = {
            "fingerprint": fingerprint,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
            "figures": dict(made.figures),
        }
        write_whole(self._record, json.dumps(record, indent=1).encode())


def folder_name(identifier: str) -> str:
    """The folder of an alert: its CAP identifier, or a digest where that is no safe file name.

    CAP 1.2 forbids only spaces, commas, ``<`` and ``&`` in an identifier, and a relayed alert
    brings its own: ``../../etc`` must not become a path.
    """
    if _SAFE_NAME.fullmatch(identifier):
        return identifier
    return hashlib.sha256(identifier.encode("utf-8")).hexdigest()[:32]


def _fingerprint(request: speech.Request) -> str:
    """What the sound depends on.  Its bytes differ between runs: the voice flutters."""
    known = json.dumps({"recipe": _RECIPE, **asdict(request)}, sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()


def _settings(raw: Mapping[str, Any]) -> AudioSettings:
    problems: list[Problem] = []
    default = AudioSettings()
    known = ("kind", "rate", "chime", "formats", "parallel")
    for key in raw:
        if key not in known:
            problems.append(Problem(str(key), "is not known", f"use one of {', '.join(known)}"))

    def number(key: str, usual: int, low: int, high: int) -> int:
        value = raw.get(key, usual)
        # bool is an int to Python, not to an officer
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            problems.append(
                Problem(
                    key,
                    f"{value!r} is not a whole number from {low} to {high}",
                    f"leave it out for {usual}",
                )
            )
            return usual
        return value

    rate = number("rate", default.rate, 80, 300)
    parallel = number("parallel", default.parallel, 1, 16)
    chime = raw.get("chime", True)
    if not isinstance(chime, bool):
        problems.append(
            Problem("chime", f"{chime!r} is neither true nor false", "leave it out for true")
        )
    formats = raw.get("formats", ["mp3"])
    if (
        not isinstance(formats, list)
        or "mp3" not in formats
        or any(formats.count(form) > 1 or form not in ("mp3", "wav") for form in formats)
    ):
        problems.append(
            Problem(
                "formats", f"{formats!r} is not mp3, or mp3 and wav", "write [mp3] or [mp3, wav]"
            )
        )
    if problems:
        raise BadInput(problems)
    return AudioSettings(rate=rate, chime=chime, formats=tuple(formats), parallel=parallel)
