from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from channels.audio import chime, sound

RATE = 22050


def speech_like(seconds: float, *, level: float = 0.1) -> sound.Samples:
    """Syllables of noise with a few tall peaks, as a voice has them."""
    random = np.random.default_rng(112)
    time = np.arange(round(seconds * RATE)) / RATE
    syllables = np.clip(np.sin(2 * np.pi * 4 * time), 0, None)
    samples = random.normal(0, level, len(time)) * syllables
    samples[:: RATE // 3] = 0.9
    return samples


def test_whole_speech_passes_the_gate():
    sound.check_message(speech_like(10), RATE, expected=10)
    sound.check_message(speech_like(1.2), RATE, expected=0.3)


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros(0), "lasts 0.0 s"),
        (speech_like(3.9), "lasts 3.9 s where about 10.0 s are due"),
        (speech_like(27), "lasts 27.0 s"),
        (np.zeros(10 * RATE), "silent"),
        (speech_like(10, level=0.002) * 0.1, "silent"),
        (speech_like(10) + 0.05, "constant offset"),
        (np.clip(speech_like(10, level=2.0), -1, 1), "clipped"),
    ],
    ids=["empty", "cut short", "loops", "silence", "near silence", "offset", "flat tops"],
)
def test_what_an_engine_does_when_it_fails_quietly_is_caught(samples: sound.Samples, says: str):
    with pytest.raises(sound.BadSound, match=says):
        sound.check_message(samples, RATE, expected=10)


def test_stereo_is_not_taken_for_speech():
    file = io.BytesIO()
    soundfile.write(file, np.zeros((100, 2)), RATE, format="WAV", subtype="PCM_16")

    with pytest.raises(sound.BadSound, match="mono"):
        sound.read_wav(file.getvalue())


@pytest.mark.parametrize("with_chime", [True, False])
@pytest.mark.parametrize("level", [0.02, 0.1, 0.5])
def test_the_published_file_has_the_level_a_listener_expects(with_chime: bool, level: float):
    message = speech_like(8, level=level)
    programme, repeated = sound.assemble(message, RATE, with_chime=with_chime)

    done = sound.finish(programme, RATE, message, repeated=repeated)

    heard, rate = soundfile.read(io.BytesIO(done.mp3))
    assert rate == RATE
    assert abs(sound.loudness(heard, rate) - -16) <= 1
    assert sound.true_peak(heard, rate) <= -1
    assert done.figures.lufs == pytest.approx(sound.loudness(heard, rate), abs=0.01)
    assert done.figures.seconds == pytest.approx(len(programme) / RATE, abs=0.2)


def test_silence_has_no_level_and_is_refused():
    with pytest.raises(sound.BadSound, match="too quiet"):
        sound.loudness(np.zeros(RATE), RATE)


@pytest.mark.parametrize("ceiling", [0.1, 0.5, 0.9])
def test_the_limiter_lets_no_sample_pass_and_leaves_quiet_parts_alone(ceiling: float):
    samples = speech_like(2, level=0.6)
    samples[: RATE // 2] = 0.01

    limited = sound.limit(samples, ceiling)

    assert len(limited) == len(samples)
    assert np.max(np.abs(limited)) <= ceiling + 1e-9
    assert np.array_equal(limited[: RATE // 4], samples[: RATE // 4])


def test_the_message_is_said_twice_with_a_second_between():
    message = speech_like(5)

    programme, repeated = sound.assemble(message, RATE, with_chime=True)

    assert repeated
    assert len(programme) / RATE == pytest.approx(3 + 0.7 + 5 + 1 + 5, abs=0.01)
    gap = programme[round(8.7 * RATE) + 2 : round(9.7 * RATE) - 2]
    assert np.max(np.abs(gap)) == 0


def test_a_message_that_would_pass_two_minutes_is_said_once():
    programme, repeated = sound.assemble(speech_like(60), RATE, with_chime=True)

    assert not repeated
    assert len(programme) / RATE == pytest.approx(63.7, abs=0.01)


def test_the_same_samples_give_the_same_file():
    samples = speech_like(2)

    assert sound.encode(samples, RATE, "mp3") == sound.encode(samples, RATE, "mp3")
    assert sound.encode(samples, RATE, "wav") == sound.encode(samples, RATE, "wav")


def test_a_wav_file_holds_the_samples():
    samples = np.clip(speech_like(1), -1, 1)

    back, rate = sound.read_wav(sound.encode(samples, RATE, "wav"))

    assert rate == RATE
    assert np.max(np.abs(back - samples)) <= 1 / 32768


def test_the_attention_sound_is_three_pulses_of_520_hertz_in_three_seconds():
    samples = chime.attention(RATE)

    assert len(samples) == 3 * RATE
    for pulse in range(3):
        on = samples[pulse * RATE : pulse * RATE + round(0.6 * RATE)]
        off = samples[pulse * RATE + round(0.6 * RATE) : (pulse + 1) * RATE]
        assert np.sqrt(np.mean(on**2)) > 0.5
        assert np.max(np.abs(off)) == 0
        spectrum = np.abs(np.fft.rfft(on))
        assert np.argmax(spectrum) / (len(on) / RATE) == pytest.approx(520, abs=2)


def test_the_attention_sound_has_only_its_own_harmonics():
    pulse = chime.attention(RATE)[: round(0.6 * RATE)]
    spectrum = np.abs(np.fft.rfft(pulse * np.hanning(len(pulse)))) ** 2
    frequency = np.fft.rfftfreq(len(pulse), 1 / RATE)
    odd = np.abs(frequency / 520 - (2 * np.round((frequency / 520 - 1) / 2) + 1)) * 520 < 30

    assert np.sum(spectrum[~odd]) / np.sum(spectrum) < 1e-4
    # the third harmonic of a square wave is a third of the first: what older ears still hear
    first, third = (np.max(spectrum[np.abs(frequency - f) < 10]) for f in (520, 1560))
    assert np.sqrt(third / first) == pytest.approx(1 / 3, abs=0.03)
