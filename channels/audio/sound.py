"""From a spoken message to a finished programme: check, assemble, level, encode.

Samples are mono, one-dimensional ``float64`` arrays between -1 and 1.  Only the worker process
calls this module, so that arithmetic and the encoder never stop Broadcaster's event loop.
"""

from __future__ import annotations

import io
import math
import wave
from dataclasses import dataclass
from typing import Any

import lameenc
import numpy as np
import soundfile
from numpy.typing import NDArray
from pyebur128 import MeasurementMode, R128State, get_loudness_global, get_true_peak

from channels.audio import chime

Samples = NDArray[np.float64]

LONGEST = 120.0
"""Seconds a programme may last; the message is repeated only within it."""
AFTER_CHIME = 0.7
"""Seconds of silence between the attention sound and the message."""
BEFORE_REPEAT = 1.0
"""Seconds of silence before the message is said again."""
BIT_RATE = 64
"""kbit/s of the MP3: constant, mono, at the engine's own 22.05 kHz (MPEG-2 Layer III), which
holds everything the voice has; a higher sample rate would add bytes and no sound."""

LOUDNESS = -16.0
"""LUFS integrated (ITU-R BS.1770), the usual level of web players and podcasts."""
LOUDNESS_WITHIN = 1.0
"""LU."""
TRUE_PEAK = -1.0
"""dBTP that the published file must not pass."""
_PEAK_AIM = -3.0
"""dBTP before encoding: the encoder overshoots by up to 1.8 dB (measured over six languages)."""
_ENCODER_SCALE = 0.95
"""LAME turns everything down by this factor (measured: -0.45 dB); we turn it up before."""
_LEVEL_ROUNDS, _FILE_ROUNDS = 8, 4

SHORTEST_SHARE, LONGEST_SHARE = 0.4, 2.5
"""How far the message may be from its estimated length before it counts as broken..."""
_SLACK = 1.0
"""...and seconds on top of the longer end: a single word is mostly pause."""
_SILENCE_RMS = 0.01
"""-40 dBFS; speech is about -20."""
_DC_AT_MOST = 0.01
_CLIPPED_RUN = 4
"""As many samples in a row at full scale are a flat top, not a peak."""

_CODEC_DELAY = 0.25
"""Seconds the encoder may add: it pads to whole frames."""

_LIMITER_WINDOW = 256
"""Samples (12 ms at 22.05 kHz) over which the limiter moves; a power of two."""


class BadSound(Exception):
    """The sound is not what was asked for; the text says why."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured on the published file, decoded as a player does."""

    seconds: float
    message_seconds: float
    lufs: float
    peak: float
    """dBTP."""
    rms: float
    """dBFS."""
    repeated: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """A programme ready to be published."""

    samples: Samples
    mp3: bytes
    figures: Figures


def read_wav(data: bytes) -> tuple[Samples, int]:
    """The samples and sample rate of a 16-bit mono WAV file."""
    with wave.open(io.BytesIO(data), "rb") as file:
        if (file.getnchannels(), file.getsampwidth()) != (1, 2):
            raise BadSound("the speech is not 16-bit mono")
        frames = file.readframes(file.getnframes())
        rate = file.getframerate()
    return np.frombuffer(frames, dtype="<i2").astype(np.float64) / 32768.0, rate


def check_message(samples: Samples, sample_rate: int, expected: float) -> None:
    """Raise :class:`BadSound` unless this can be ``expected`` seconds of speech.

    The gate for what engines do when they fail quietly: an empty file, a text cut short, a loop,
    silence, a constant voltage, flat tops.
    """
    seconds = len(samples) / sample_rate
    if seconds < SHORTEST_SHARE * expected or seconds > LONGEST_SHARE * expected + _SLACK:
        raise BadSound(f"the speech lasts {seconds:.1f} s where about {expected:.1f} s are due")
    if float(np.sqrt(np.mean(samples**2))) < _SILENCE_RMS:
        raise BadSound("the speech is silent")
    if abs(float(np.mean(samples))) > _DC_AT_MOST:
        raise BadSound("the speech has a constant offset")
    if _longest_run(np.abs(samples) >= 32767 / 32768) >= _CLIPPED_RUN:
        raise BadSound("the speech is clipped")


def assemble(message: Samples, sample_rate: int, *, with_chime: bool) -> tuple[Samples, bool]:
    """Attention sound, message, message again if it fits; and whether it was repeated."""
    message = message * _gain(LOUDNESS - loudness(message, sample_rate))
    parts = [message]
    if with_chime:
        sound = chime.attention(sample_rate).astype(np.float64)
        sound *= _gain(LOUDNESS - loudness(sound, sample_rate))
        parts = [sound, _silence(AFTER_CHIME, sample_rate), message]
    length = sum(map(len, parts)) / sample_rate
    again = length + BEFORE_REPEAT + len(message) / sample_rate <= LONGEST
    if again:
        parts += [_silence(BEFORE_REPEAT, sample_rate), message]
    return np.concatenate(parts), again


def finish(programme: Samples, sample_rate: int, message: Samples, *, repeated: bool) -> Finished:
    """Level a programme, encode it, and measure what a listener's player will decode.

    Raises :class:`BadSound` when the decoded file misses loudness, peak or length.
    """
    aim = _PEAK_AIM
    for _ in range(_FILE_ROUNDS):
        levelled = level(programme, sample_rate, aim)
        mp3 = encode(levelled, sample_rate, "mp3")
        heard, heard_rate = soundfile.read(io.BytesIO(mp3), dtype="float64")
        peak = true_peak(heard, heard_rate)
        if peak <= TRUE_PEAK:
            break
        aim -= peak - TRUE_PEAK + 0.2
    figures = Figures(
        seconds=round(len(heard) / heard_rate, 2),
        message_seconds=round(len(message) / sample_rate, 2),
        lufs=round(loudness(heard, heard_rate), 2),
        peak=round(peak, 2),
        rms=round(_decibels(float(np.sqrt(np.mean(heard**2)))), 2),
        repeated=repeated,
    )
    if figures.peak > TRUE_PEAK or abs(figures.lufs - LOUDNESS) > LOUDNESS_WITHIN:
        raise BadSound(f"the level missed: {figures.lufs} LUFS, {figures.peak} dBTP")
    if abs(figures.seconds - len(programme) / sample_rate) > _CODEC_DELAY:
        raise BadSound(
            f"the file lasts {figures.seconds} s, not {len(programme) / sample_rate:.2f}"
        )
    return Finished(levelled, mp3, figures)


def level(programme: Samples, sample_rate: int, peak: float = _PEAK_AIM) -> Samples:
    """Bring a programme to :data:`LOUDNESS` with no true peak above ``peak`` (dBTP).

    Measure, gain, limit, measure again: one pass misses, because limiting costs loudness.
    """
    gain, ceiling = 0.0, peak
    for _ in range(_LEVEL_ROUNDS):
        levelled = limit(programme * _gain(gain), _gain(ceiling))
        quieter = LOUDNESS - loudness(levelled, sample_rate)
        over = true_peak(levelled, sample_rate) - peak
        if abs(quieter) <= 0.1 and over <= 0.05:
            break
        gain += quieter
        ceiling -= max(over, 0.0)
    return levelled


def limit(samples: Samples, ceiling: float) -> Samples:
    """Keep every sample within ``ceiling`` by turning down around it, not by cutting its top.

    The gain each sample needs is spread by a sliding minimum and smoothed by a mean over the same
    window: a mean of values that are all low enough is low enough, and it moves without a step.
    """
    needed = np.minimum(1.0, ceiling / np.maximum(np.abs(samples), 1e-9))
    lowest = np.pad(needed, _LIMITER_WINDOW - 1, constant_values=1.0)
    span = 1
    while span < _LIMITER_WINDOW:  # the minimum of 2n samples is the lesser of two minima of n
        lowest = np.minimum(lowest[:-span], lowest[span:])
        span *= 2
    total = np.concatenate(([0.0], np.cumsum(lowest)))
    smooth = (total[_LIMITER_WINDOW:] - total[:-_LIMITER_WINDOW]) / _LIMITER_WINDOW
    return samples * smooth


def loudness(samples: Samples, sample_rate: int) -> float:
    """Integrated loudness in LUFS, ITU-R BS.1770 with gating, as one channel."""
    state = _measure(samples, sample_rate, MeasurementMode.MODE_I)
    value = float(get_loudness_global(state))
    if not math.isfinite(value):
        raise BadSound("the sound is too quiet or too short to be measured")
    return value


def true_peak(samples: Samples, sample_rate: int) -> float:
    """The true peak in dBTP (four times oversampled, ITU-R BS.1770 annex 2)."""
    state = _measure(samples, sample_rate, MeasurementMode.MODE_TRUE_PEAK)
    return _decibels(float(get_true_peak(state, 0)))


def encode(samples: Samples, sample_rate: int, form: str) -> bytes:
    """The file of a programme: ``mp3`` or ``wav`` (16 bit).  Same samples, same bytes."""
    if form == "mp3":
        samples = samples / _ENCODER_SCALE
    pcm = np.round(np.clip(samples, -1.0, 32767 / 32768) * 32768).astype("<i2").tobytes()
    if form == "wav":
        file = io.BytesIO()
        with wave.open(file, "wb") as writer:
            writer.setnchannels(1)
            writer.setsampwidth(2)
            writer.setframerate(sample_rate)
            writer.writeframes(pcm)
        return file.getvalue()
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(1)
    encoder.set_in_sample_rate(sample_rate)
    encoder.set_bit_rate(BIT_RATE)
    encoder.set_quality(2)
    return bytes(encoder.encode(pcm)) + bytes(encoder.flush())


def _measure(samples: Samples, sample_rate: int, mode: Any) -> R128State:
    state = R128State(1, sample_rate, mode)
    state.add_frames(np.ascontiguousarray(samples), len(samples))
    return state


def _gain(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _decibels(factor: float) -> float:
    return 20 * math.log10(max(factor, 1e-9))


def _silence(seconds: float, sample_rate: int) -> Samples:
    return np.zeros(round(seconds * sample_rate))


def _longest_run(flags: NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return int(np.max(edges[1::2] - edges[::2], initial=0))
