from __future__ import annotations

import asyncio
import hashlib
import io
import os
import random
import re
import sys
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import soundfile

from broadcaster.delivery.contract import (
    Batch,
    Channel,
    Delivery,
    Env,
    Fitted,
    Format,
    Mode,
    Rendition,
    State,
    Variant,
)
from broadcaster.model.cap import Alert, Info, MsgType, ResponseType, Scope, Severity, Status
from broadcaster.model.errors import BadInput, DoesNotFit, Permanent, Transient, Unsupported
from channels.audio import AudioChannel, AudioSettings, chime_is_due, folder_name
from channels.audio.driver import SpeechError, library
from channels.audio.sound import loudness, true_peak
from channels.audio.voices import load_voices

NOW = datetime(2026, 8, 4, 21, 0, tzinfo=ZoneInfo("Europe/Berlin"))
ID = "dortmund.example.org.2026-08-04.1"
GERMAN = "Starkregen in Dortmund.\nBleiben Sie im Haus.\nGehen Sie nicht in den Keller."
ARABIC = "أمطار غزيرة في Dortmund.\nابقوا في المنزل.\nلا تنزلوا إلى القبو."
PASHTO = "درانه باران"


def _why_silent() -> str:
    try:
        library()
    except SpeechError as error:
        return str(error)
    return ""


WHY_SILENT = _why_silent()
speaks = pytest.mark.skipif(bool(WHY_SILENT), reason=WHY_SILENT)


class StoppedClock:
    def now(self) -> datetime:
        return NOW


def alert(
    *,
    severity: Severity = Severity.EXTREME,
    status: Status = Status.ACTUAL,
    msg_type: MsgType = MsgType.ALERT,
    response: ResponseType = ResponseType.SHELTER,
) -> Alert:
    info = Info(language="de", severity=severity, response_types=(response,))
    return Alert(
        identifier=ID,
        sender="warnung@example.org",
        sent=NOW,
        status=status,
        msg_type=msg_type,
        scope=Scope.PUBLIC,
        infos=(info,),
    )


def rendition(language: str = "de", text: str = GERMAN, *, identifier: str = ID) -> Rendition:
    return Rendition(
        alert=identifier,
        language=language,
        direction="rtl" if language in ("ar", "ps") else "ltr",
        variant=Variant.SPOKEN,
        format=Format.SPOKEN,
        text=text,
    )


def batch(*renditions: Rendition, of: Alert | None = None, mode: Mode = Mode.LIVE) -> Batch:
    deliveries = tuple(
        Delivery(
            key=f"{r.alert}/{r.language}",
            target="public",
            rendition=r,
            fitted=Fitted(
                parts=(r.text.encode(),), shows=r.text, used=1, limit=120, unit="seconds"
            ),
        )
        for r in renditions
    )
    of = of or alert()
    return Batch(key="b", operation=of.msg_type, mode=mode, alert=of, deliveries=deliveries)


def env(folder: Path, mode: Mode = Mode.LIVE) -> Env:
    return Env(
        name="voices",
        mode=mode,
        data_dir=folder / "data",
        output_dir=folder / "www",
        clock=StoppedClock(),
        random=random.Random(112),
        base_url="https://warnung.example.org",
    )


@pytest.fixture
def channel(tmp_path: Path) -> AudioChannel:
    return AudioChannel(AudioSettings(), env(tmp_path), load_voices())


FAULTY = """
import json, os, sys, time
request = json.loads(sys.stdin.buffer.read())
log = sys.argv[1]
with open(log, "a") as file:
    file.write(f"{os.getpid()} {request['voice']}\\n")
turn = sum(request["voice"] in line for line in open(log))
fault = sys.argv[2] if request["voice"] == "trk/tr" else "none"
if fault == "crash":
    os.kill(os.getpid(), 11)
if fault == "exit":
    sys.exit("no such folder")
if fault == "hang" or fault == "once" and turn == 1:
    time.sleep(60)
if fault == "empty":
    sys.exit(0)
sound = b"sound of " + request["voice"].encode()
if fault == "secrets":
    sound = json.dumps(dict(os.environ)).encode()
figures = {"seconds": 1.0, "lufs": -16.0, "sizes": {"mp3": len(sound)}}
if fault == "truncated":
    sound = sound[:-1]
if fault == "nonsense":
    figures = [1, 2]
sys.stdout.buffer.write(json.dumps(figures).encode() + b"\\n" + sound)
"""


def faulty(folder: Path, fault: str, *, limit: float = 5.0) -> AudioChannel:
    """A channel whose speech process has a fault when it is to speak Turkish."""
    script = folder / "faulty.py"
    script.write_text(FAULTY)
    command = (sys.executable, "-S", str(script), str(folder / "runs.txt"), fault)
    return AudioChannel(AudioSettings(), env(folder), load_voices(), command=command, limit=limit)


TURKISH = rendition("tr", "Evde kalın.")


# --- what it can do, before anything is sent ---------------------------------------------------


async def test_it_opens_as_a_channel_of_the_contract(tmp_path: Path):
    async with AudioChannel.open(AudioChannel.settings({"kind": "audio"}), env(tmp_path)) as opened:
        assert isinstance(opened, Channel)
        assert [receipt async for receipt in opened.receipts()] == []


def test_settings_have_defaults_and_are_kept():
    assert AudioChannel.settings({"kind": "audio"}) == AudioSettings()
    raw = {"rate": 120, "chime": False, "formats": ["mp3", "wav"], "parallel": 4}
    assert AudioChannel.settings(raw) == AudioSettings(
        rate=120, chime=False, formats=("mp3", "wav"), parallel=4
    )


def test_every_wrong_setting_is_named_at_once():
    raw = {"rate": True, "chime": "yes", "formats": ["ogg"], "parallel": 0, "speed": 3}

    with pytest.raises(BadInput) as caught:
        AudioChannel.settings(raw)

    assert {problem.path for problem in caught.value.problems} == set(raw)
    assert all(problem.remedy for problem in caught.value.problems)


@pytest.mark.parametrize("formats", [[], ["wav"], ["mp3", "mp3"], "mp3", [{}], ["mp3", {}]])
def test_a_list_of_formats_without_mp3_or_with_anything_else_is_refused(formats: object):
    with pytest.raises(BadInput, match="formats"):
        AudioChannel.settings({"formats": formats})


def test_a_spoken_text_fits_and_is_shown_unchanged(channel: AudioChannel):
    fitted = channel.fit(rendition())

    assert fitted.parts == (GERMAN.encode(),)
    assert fitted.shows == GERMAN
    assert (fitted.unit, fitted.limit) == ("seconds", 120)
    assert 8 <= fitted.used <= 11


def test_a_text_longer_than_two_minutes_does_not_fit_and_says_by_how_much(channel: AudioChannel):
    with pytest.raises(DoesNotFit) as caught:
        channel.fit(rendition(text=GERMAN * 20))

    assert caught.value.unit == "seconds"
    assert 0 < caught.value.surplus < 60


def test_a_language_without_a_voice_is_unsupported_with_its_reason(channel: AudioChannel):
    with pytest.raises(Unsupported, match=r"Pashto.*no audio in this language"):
        channel.fit(rendition("ps", PASHTO))


def test_only_spoken_renditions_are_read_aloud(channel: AudioChannel):
    with pytest.raises(Unsupported, match="only spoken"):
        channel.fit(replace(rendition(), variant=Variant.STANDARD))


def test_the_audio_file_is_named_before_it_exists(channel: AudioChannel):
    (resource,) = channel.resources(rendition("ar", ARABIC))

    assert resource.resource_desc == "Audio (ar)"
    assert resource.mime_type == "audio/mpeg"
    assert resource.uri == f"https://warnung.example.org/audio/{ID}/ar.mp3"


def test_no_audio_file_is_promised_where_none_will_be(channel: AudioChannel):
    assert channel.resources(rendition("ps", PASHTO)) == ()
    assert channel.resources(rendition(text=GERMAN * 20)) == ()


@pytest.mark.parametrize("identifier", ["../../etc/passwd", "..", ".hidden", "a/b", "ü", "x" * 500])
def test_an_identifier_is_never_a_path(identifier: str):
    name = folder_name(identifier)

    assert re.fullmatch(r"[0-9a-f]{32}", name)
    assert folder_name("urn:oid:2.49.0.1.276.0") == "urn:oid:2.49.0.1.276.0"


@pytest.mark.parametrize(
    ("case", "mode", "due"),
    [
        (alert(), Mode.LIVE, True),
        (alert(severity=Severity.SEVERE), Mode.LIVE, True),
        (alert(msg_type=MsgType.UPDATE), Mode.LIVE, True),
        (alert(severity=Severity.MODERATE), Mode.LIVE, False),
        (alert(severity=Severity.MINOR), Mode.LIVE, False),
        (alert(severity=Severity.UNKNOWN), Mode.LIVE, False),
        (alert(msg_type=MsgType.CANCEL), Mode.LIVE, False),
        (alert(msg_type=MsgType.UPDATE, response=ResponseType.ALL_CLEAR), Mode.LIVE, False),
        (alert(status=Status.TEST), Mode.LIVE, False),
        (alert(status=Status.EXERCISE), Mode.LIVE, False),
        (alert(), Mode.EXERCISE, False),
    ],
)
def test_the_attention_sound_is_only_for_what_may_cost_lives(case: Alert, mode: Mode, due: bool):
    assert chime_is_due(case, mode) is due


# --- with the real voice -----------------------------------------------------------------------


@speaks
async def test_sound_and_transcript_are_published_for_each_language(
    channel: AudioChannel, tmp_path: Path
):
    receipts = await channel.send(batch(rendition(), rendition("ar", ARABIC)))

    folder = tmp_path / "www" / "audio" / ID
    for receipt, language, text in zip(receipts, ("de", "ar"), (GERMAN, ARABIC), strict=True):
        assert receipt.key == f"{ID}/{language}"
        assert receipt.state is State.ACCEPTED
        assert receipt.reference == f"audio/{ID}/{language}.mp3"
        assert (folder / f"{language}.txt").read_bytes() == text.encode()
        heard, rate = soundfile.read(io.BytesIO((folder / f"{language}.mp3").read_bytes()))
        assert abs(loudness(heard, rate) - -16) <= 1
        assert true_peak(heard, rate) <= -1
        message = load_voices().get(language).seconds(text, 150)
        # attention sound and gap, the message, a second, the message again
        assert len(heard) / rate == pytest.approx(3.7 + 2 * message + 1, rel=0.1)
        assert receipt.reason == f"{len(heard) / rate:.1f} s, {loudness(heard, rate):.1f} LUFS"


@speaks
async def test_a_lesser_warning_has_no_attention_sound(channel: AudioChannel, tmp_path: Path):
    of = alert(severity=Severity.MODERATE)
    await channel.send(batch(rendition(), of=of))

    heard, rate = soundfile.read(tmp_path / "www" / "audio" / ID / "de.mp3")

    message = load_voices().get("de").seconds(GERMAN, 150)
    assert len(heard) / rate == pytest.approx(2 * message + 1, rel=0.1)


@speaks
async def test_a_wav_file_is_published_where_it_is_asked_for(tmp_path: Path):
    settings = AudioSettings(formats=("mp3", "wav"))
    channel = AudioChannel(settings, env(tmp_path), load_voices())
    await channel.send(batch(rendition()))

    folder = tmp_path / "www" / "audio" / ID
    heard, rate = soundfile.read(folder / "de.wav")

    assert abs(loudness(heard, rate) - -16) <= 1
    assert sorted(path.name for path in folder.iterdir()) == ["de.mp3", "de.txt", "de.wav"]


@speaks
async def test_ping_speaks_one_word_and_says_who_spoke(channel: AudioChannel, tmp_path: Path):
    assert await channel.ping() == "espeak-ng 1.52.0 speaks 34 languages; no voice for ckb, ps, so"
    assert not (tmp_path / "www").exists()


@speaks
async def test_an_unknown_voice_is_rejected_not_replaced(tmp_path: Path):
    voices = load_voices()
    wrong = replace(voices.get("de"), identifier="gmw/nobody")
    voices = replace(voices, speaking={**voices.speaking, "de": wrong})
    channel = AudioChannel(AudioSettings(), env(tmp_path), voices)

    (receipt,) = await channel.send(batch(rendition()))

    assert receipt.state is State.REJECTED
    assert "no voice 'gmw/nobody'" in receipt.reason


@speaks
async def test_speech_far_from_its_expected_length_is_not_published(tmp_path: Path):
    voices = load_voices()
    slow = replace(voices.get("de"), chars_per_second=2.0)
    voices = replace(voices, speaking={**voices.speaking, "de": slow})
    channel = AudioChannel(AudioSettings(), env(tmp_path), voices)

    (receipt,) = await channel.send(batch(rendition()))

    assert receipt.state is State.REJECTED
    assert "where about" in receipt.reason
    assert not (tmp_path / "www" / "audio" / ID / "de.mp3").exists()


# --- sent again, damaged, refused --------------------------------------------------------------


def runs(folder: Path) -> int:
    return len((folder / "runs.txt").read_text().splitlines())


async def test_the_same_batch_again_speaks_nothing_again(tmp_path: Path):
    channel = faulty(tmp_path, "none")
    first = await channel.send(batch(rendition(), TURKISH))

    assert await channel.send(batch(rendition(), TURKISH)) == first
    assert runs(tmp_path) == 2


async def test_another_text_is_spoken_anew(tmp_path: Path):
    channel = faulty(tmp_path, "none")
    await channel.send(batch(rendition()))
    await channel.send(batch(rendition(text="Entwarnung.")))

    assert runs(tmp_path) == 2
    transcript = tmp_path / "www" / "audio" / ID / "de.txt"
    assert transcript.read_text(encoding="utf-8") == "Entwarnung."


@pytest.mark.parametrize("name", ["de.mp3", "de.txt"])
async def test_a_damaged_or_missing_file_is_made_anew(tmp_path: Path, name: str):
    channel = faulty(tmp_path, "none")
    await channel.send(batch(rendition()))
    file = tmp_path / "www" / "audio" / ID / name
    whole = hashlib.sha256(file.read_bytes()).digest()

    file.write_bytes(b"")
    await channel.send(batch(rendition()))
    assert hashlib.sha256(file.read_bytes()).digest() == whole
    file.unlink()
    await channel.send(batch(rendition()))
    assert hashlib.sha256(file.read_bytes()).digest() == whole


async def test_a_language_without_a_voice_is_rejected_and_the_others_go_on(tmp_path: Path):
    channel = faulty(tmp_path, "none")

    pashto, german = await channel.send(batch(rendition("ps", PASHTO), rendition()))

    assert (pashto.state, german.state) == (State.REJECTED, State.ACCEPTED)
    assert "no audio in this language" in pashto.reason


async def test_an_exercise_cannot_leave_through_a_live_channel(tmp_path: Path):
    channel = faulty(tmp_path, "none")

    with pytest.raises(Permanent, match="live"):
        await channel.send(batch(rendition(), mode=Mode.EXERCISE))

    assert not (tmp_path / "www").exists()


async def test_a_file_that_cannot_be_written_is_a_transient_failure(tmp_path: Path):
    (tmp_path / "www" / "audio" / ID / "de.mp3").mkdir(parents=True)

    with pytest.raises(Transient, match="could not be written"):
        await faulty(tmp_path, "none").send(batch(rendition()))


# --- a speech process that fails ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("crash", "was ended by signal 11"),
        ("exit", "ended with exit code 1: no such folder"),
        ("hang", "gave no answer within 0.6 s"),
        ("empty", "answered without sound"),
        ("nonsense", "answered without sound"),
        ("truncated", "sent 14 of 15 bytes"),
    ],
)
async def test_a_failing_speech_process_costs_one_language_and_no_other(
    tmp_path: Path, fault: str, says: str
):
    channel = faulty(tmp_path, fault, limit=0.6 if fault == "hang" else 5.0)
    began = time.monotonic()

    turkish, german = await channel.send(batch(TURKISH, rendition()))

    assert time.monotonic() - began < 5
    assert turkish.state is State.REJECTED
    assert says in turkish.reason
    assert german.state is State.ACCEPTED
    assert sorted(path.name for path in (tmp_path / "www" / "audio" / ID).iterdir()) == [
        "de.mp3",
        "de.txt",
    ]


async def test_a_process_that_fails_once_is_run_once_more(tmp_path: Path):
    (receipt,) = await faulty(tmp_path, "once", limit=0.6).send(batch(TURKISH))

    assert receipt.state is State.ACCEPTED
    assert runs(tmp_path) == 2


async def test_a_missing_interpreter_is_a_reason_not_a_crash(tmp_path: Path):
    channel = AudioChannel(
        AudioSettings(), env(tmp_path), load_voices(), command=(str(tmp_path / "nothing"),)
    )

    (receipt,) = await channel.send(batch(rendition()))
    assert receipt.state is State.REJECTED
    assert "does not start" in receipt.reason
    with pytest.raises(Transient, match="does not start"):
        await channel.ping()


async def test_an_incomplete_speech_library_is_named_before_it_can_end_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    package = tmp_path / "espeakng_loader"
    package.mkdir()
    (package / "libespeak-ng.so").touch()
    (package / "__init__.py").write_text(
        "def get_library_path(): return __file__.replace('__init__.py', 'libespeak-ng.so')"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    channel = AudioChannel(AudioSettings(), env(tmp_path), load_voices())

    (receipt,) = await channel.send(batch(rendition()))

    assert receipt.state is State.REJECTED
    assert receipt.reason == "the speech library is incomplete: phontab is missing"


async def test_cancelling_ends_the_speech_process_and_publishes_nothing(tmp_path: Path):
    sending = asyncio.create_task(faulty(tmp_path, "hang", limit=60).send(batch(TURKISH)))
    log = tmp_path / "runs.txt"
    async with asyncio.timeout(5):
        while not (log.exists() and log.read_text().endswith("\n")):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    process = int(log.read_text().split()[0])

    sending.cancel()
    with suppress(asyncio.CancelledError):
        await sending

    assert sending.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    assert not (tmp_path / "www").exists()


async def test_the_speech_process_sees_none_of_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BROADCASTER_SMS_PASSWORD", "not-for-others")

    await faulty(tmp_path, "secrets").send(batch(TURKISH))

    seen = (tmp_path / "www" / "audio" / ID / "tr.mp3").read_text()
    assert "PYTHONPATH" in seen
    assert "not-for-others" not in seen
