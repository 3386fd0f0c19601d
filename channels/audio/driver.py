"""A small synchronous pyttsx3 driver for espeak-ng, loaded from PyPI's ``espeakng-loader``.

``register()`` makes ``pyttsx3.init(driverName=driver.NAME)`` load it; the engine's public API is
unchanged (``setProperty``, ``getProperty``, ``save_to_file``, ``runAndWait``, ``connect``).

Why not the driver that pyttsx3 2.99 brings for Linux.  Measured over 13 languages and
more than 2,000 files:

* 0.6 % to 4 % of its files are empty: work is queued to a thread of the library, and a late end
  event of one text stops and cancels the next one;
* an unknown voice only raises an event and the *previous language's voice* goes on speaking;
* of two queued files only the last is written; a path that cannot be written hangs for ever;
* it cannot use SSML, so place names cannot be given to another language's voice;
* without the system package it does not load at all, and with a wrong data folder the library
  ends the whole process with ``exit(1)``.

This driver asks the library to work synchronously, checks every file the library needs before
it is started, refuses an unknown voice, and raises from ``runAndWait`` what went wrong.

The library (GPL-3.0-or-later) is loaded into the process that calls :func:`register`, and only
:mod:`channels.audio.worker` does that: Broadcaster itself talks to it across a process boundary.
"""

from __future__ import annotations

import ctypes
import io
import os
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

NAME = "broadcaster_espeak"
"""The driver name for ``pyttsx3.init``."""

WIDTH = 2
"""Bytes per sample: the library gives 16-bit signed PCM, mono."""

# espeak-ng's speak_lib.h, API revision 12.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_OK = 0
_POSITION_CHARACTER = 1
_RATE, _VOLUME, _PITCH = 1, 2, 3
_UTF8, _SSML, _END_PAUSE = 0x0001, 0x0010, 0x1000
_NEEDED = ("phontab", "phonindex", "phondata", "intonations")
"""Without any of these the library ends the process."""


class SpeechError(Exception):
    """The speech library is missing, refused a request, or did not finish."""


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("xx1", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class Library:
    """espeak-ng in this process, started once; raises :class:`SpeechError` when it cannot be."""

    def __init__(self) -> None:
        library, data = _files()
        # The library reads the variable before its argument, and pyttsx3's own code could look
        # for the name: RTLD_GLOBAL and the variable make every later look-up find this copy.
        os.environ["ESPEAK_DATA_PATH"] = str(data)
        try:
            self._dll = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            raise SpeechError(f"the speech library does not load: {error}") from error
        self._declare()
        self.sample_rate = int(
            self._dll.espeak_Initialize(_SYNCHRONOUS, 0, str(data).encode(), _DO_NOT_EXIT)
        )
        """Hz."""
        if self.sample_rate <= 0:
            raise SpeechError("the speech library does not start")
        self.version = self._dll.espeak_Info(None).decode("ascii", "replace")
        self.voices = self._list_voices()
        """Identifier (``gmw/de``) to the language tag the library gives it."""

    def _declare(self) -> None:
        dll = self._dll
        dll.espeak_Initialize.argtypes = (
            ctypes.c_int,
            ctypes.c_int,
            ctypes.c_char_p,
            ctypes.c_int,
        )
        dll.espeak_Info.argtypes = (ctypes.c_void_p,)
        dll.espeak_Info.restype = ctypes.c_char_p
        dll.espeak_ListVoices.argtypes = (ctypes.c_void_p,)
        dll.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        dll.espeak_SetVoiceByName.argtypes = (ctypes.c_char_p,)
        dll.espeak_GetCurrentVoice.argtypes = ()
        dll.espeak_GetCurrentVoice.restype = ctypes.POINTER(_Voice)
        dll.espeak_SetParameter.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int)
        dll.espeak_SetSynthCallback.argtypes = (_Callback,)
        dll.espeak_SetSynthCallback.restype = None
        dll.espeak_Synth.argtypes = (
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.c_void_p,
            ctypes.c_void_p,
        )

    def _list_voices(self) -> dict[str, str]:
        found: dict[str, str] = {}
        table = self._dll.espeak_ListVoices(None)
        row = 0
        while table[row]:
            voice = table[row].contents
            # `languages` is a priority byte followed by the tag.
            tag = ctypes.string_at(voice.languages + 1).decode("ascii", "replace")
            found[voice.identifier.decode("ascii", "replace")] = tag
            row += 1
        return found

    def set_voice(self, identifier: str) -> None:
        """Choose a voice by identifier; raises :class:`SpeechError` when it is not there."""
        if identifier not in self.voices:
            raise SpeechError(f"the speech library has no voice {identifier!r}")
        status = self._dll.espeak_SetVoiceByName(identifier.encode("ascii"))
        chosen = self._dll.espeak_GetCurrentVoice().contents.identifier.decode("ascii", "replace")
        if status != _OK or chosen != identifier:
            raise SpeechError(f"the speech library did not take the voice {identifier!r}")

    def set_parameter(self, parameter: int, value: int) -> None:
        """Set rate (words a minute), volume or pitch (0 to 100)."""
        if self._dll.espeak_SetParameter(parameter, value, 0) != _OK:
            raise SpeechError(f"the speech library refused the setting {parameter}={value}")

    def synthesise(self, text: str, *, ssml: bool) -> bytes:
        """Speak ``text`` into 16-bit mono PCM; returns when the last sample is there."""
        if "\0" in text:
            raise SpeechError("the text contains a NUL character and would be cut there")
        pcm = bytearray()
        finished = False

        def collect(samples: int | None, count: int, _events: int | None) -> int:
            nonlocal finished
            if samples:
                pcm.extend(ctypes.string_at(samples, count * WIDTH))
            else:
                finished = True  # the library's last call has no samples
            return 0

        callback = _Callback(collect)
        self._dll.espeak_SetSynthCallback(callback)
        data = text.encode("utf-8")
        flags = _UTF8 | _END_PAUSE | (_SSML if ssml else 0)
        status = self._dll.espeak_Synth(
            data, len(data) + 1, 0, _POSITION_CHARACTER, 0, flags, None, None
        )
        if status != _OK or not finished:
            raise SpeechError(f"the speech library stopped before the end (status {status})")
        return bytes(pcm)


def _files() -> tuple[Path, Path]:
    """The library and its data folder, both checked: with a bad folder the library exits."""
    try:
        import espeakng_loader
    except ImportError as error:
        raise SpeechError("the package espeakng-loader is not installed") from error
    library = Path(espeakng_loader.get_library_path())
    data = Path(espeakng_loader.__file__).with_name("espeak-ng-data")
    missing = [path for path in (library, *(data / name for name in _NEEDED)) if not path.is_file()]
    if missing:
        raise SpeechError(f"the speech library is incomplete: {missing[0].name} is missing")
    return library, data


def _wav(pcm: bytes, sample_rate: int) -> bytes:
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(WIDTH)
        file.setframerate(sample_rate)
        file.writeframes(pcm)
    return whole.getvalue()


_library: Library | None = None


def library() -> Library:
    """The one copy of espeak-ng in this process (its state is global, so there is only one)."""
    global _library
    if _library is None:
        _library = Library()
    return _library


def register() -> str:
    """Make ``pyttsx3.init(driverName=NAME)`` find this module; returns :data:`NAME`."""
    sys.modules[f"pyttsx3.drivers.{NAME}"] = sys.modules[__name__]
    return NAME


def buildDriver(proxy: Any) -> EspeakDriver:
    """pyttsx3's factory."""
    return EspeakDriver(proxy)


class EspeakDriver:
    """The driver interface of pyttsx3 (its ``drivers/dummy.py``), without a thread.

    Properties: ``voice`` (identifier), ``rate`` (words a minute), ``volume`` (0.0 to 1.0),
    ``pitch`` (0 to 100), ``ssml`` (texts are SSML), ``voices``.  pyttsx3 swallows what a command
    raises, so the first error is kept, nothing more is spoken, and ``runAndWait`` raises it.
    """

    def __init__(self, proxy: Any) -> None:
        self._proxy = proxy
        self._library = library()
        self._failed: Exception | None = None
        self._values: dict[str, Any] = {
            "voice": "",
            "rate": 150,
            "volume": 1.0,
            "pitch": 50,
            "ssml": False,
        }

    def startLoop(self) -> None:
        """Run every queued command; raise the first error any of them met."""
        self._proxy.setBusy(False)
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed

    def endLoop(self) -> None:
        """Nothing to end: the loop is over when the queue is empty."""

    def iterate(self) -> Iterator[None]:
        """Run the queue from somebody else's loop."""
        self._proxy.setBusy(False)
        yield

    def stop(self) -> None:
        """Nothing to stop: a text is spoken whole before any other call is served."""

    def destroy(self) -> None:
        """Nothing to free: the library lives as long as the process."""

    def say(self, text: str) -> None:
        """Refused: this driver makes files and has no loudspeaker."""
        self._fail(SpeechError("this driver writes files; it has no loudspeaker"))

    def save_to_file(self, text: str, filename: str | BinaryIO) -> None:
        """Speak ``text`` into a WAV file given by path or as an open binary file."""
        if self._failed is not None:
            return
        self._proxy.setBusy(True)
        self._proxy.notify("started-utterance")
        completed = False
        try:
            if not self._values["voice"]:
                raise SpeechError("no voice was chosen")
            pcm = self._library.synthesise(text, ssml=self._values["ssml"])
            data = _wav(pcm, self._library.sample_rate)
            if isinstance(filename, str):
                Path(filename).write_bytes(data)
            else:
                filename.write(data)
            completed = True
        except (SpeechError, OSError) as error:
            self._fail(error)
        self._proxy.notify("finished-utterance", completed=completed)
        self._proxy.setBusy(False)

    def getProperty(self, name: str) -> Any:
        """A property's value; raises ``KeyError`` for an unknown name."""
        if name == "voices":
            from pyttsx3.voice import Voice

            return [Voice(key, key, [tag]) for key, tag in self._library.voices.items()]
        return self._values[name]

    def setProperty(self, name: str, value: Any) -> None:
        """Set a property; a wrong one is raised by the next ``runAndWait``."""
        try:
            if name == "voice":
                self._library.set_voice(value)
            elif name == "rate":
                self._library.set_parameter(_RATE, int(value))
            elif name == "volume":
                self._library.set_parameter(_VOLUME, round(float(value) * 100))
            elif name == "pitch":
                self._library.set_parameter(_PITCH, int(value))
            elif name != "ssml":
                raise SpeechError(f"unknown property {name!r}")
        except (SpeechError, TypeError, ValueError) as error:
            self._fail(error)
            return
        self._values[name] = value

    def _fail(self, error: Exception) -> None:
        self._failed = self._failed or error
        self._proxy.notify("error", exception=error)
