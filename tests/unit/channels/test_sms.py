import asyncio
import json
import random
import resource
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from broadcaster.delivery.contract import (
    Addressing,
    Batch,
    Delivery,
    Env,
    Format,
    Mode,
    Receipt,
    Rendition,
    Sense,
    State,
    Variant,
    no_receipts,
)
from broadcaster.model.cap import Alert, Info, MsgType, Scope, Severity, Status
from broadcaster.model.errors import BadInput, DoesNotFit, Permanent, Transient
from channels.sms import SmsChannel, SmsSettings
from channels.sms.gateway import relative_time
from channels.sms.gateways.handover import file_name

NOW = datetime(2025, 7, 1, 14, 30, tzinfo=timezone(timedelta(hours=2)))
NUMBERS = ("+491713920001", "+491713920002")
TURKISH = "Şiddetli yağış. Bodrumlara inmeyin. Üst kata çıkın. Dortmund Belediyesi, 20:00'ye kadar."


class StoppedClock:
    def __init__(self, now=NOW):
        self._now = now

    def now(self):
        return self._now


def rendition(text=TURKISH, language="tr", direction="ltr", variant=Variant.SHORT):
    return Rendition(
        alert="2.49.0.0.276.0.DE.123",
        language=language,
        direction=direction,
        variant=variant,
        format=Format.TEXT,
        text=text,
    )


def alert(expires=NOW + timedelta(hours=6), severity=Severity.SEVERE, msg_type=MsgType.ALERT):
    return Alert(
        identifier="2.49.0.0.276.0.DE.123",
        sender="warnung@example.org",
        sent=NOW,
        status=Status.ACTUAL,
        msg_type=msg_type,
        scope=Scope.PUBLIC,
        infos=(Info(language="tr", severity=severity, expires=expires),),
    )


def batch(channel, *renditions, key="chunk-1", **changes):
    deliveries = tuple(
        Delivery(
            key=f"{key}/{place}/{index}", target=number, rendition=each, fitted=channel.fit(each)
        )
        for place, each in enumerate(renditions or (rendition(),))
        for index, number in enumerate(NUMBERS)
    )
    whole = Batch(
        key=key,
        operation=MsgType.ALERT,
        mode=Mode.LIVE,
        alert=alert(),
        deliveries=deliveries,
    )
    return replace(whole, **changes)


@pytest.fixture
def outbox(tmp_path):
    return tmp_path / "outbox" / "texts"


@pytest.fixture
def env(tmp_path, outbox):
    return Env(
        name="texts",
        mode=Mode.LIVE,
        data_dir=tmp_path / "state",
        output_dir=outbox,
        clock=StoppedClock(),
        random=random.Random(1),
        base_url="https://warnung.example.org",
    )


@pytest.fixture
async def channel(env):
    async with SmsChannel.open(SmsSettings(sender="Dortmund"), env) as opened:
        yield opened


def content(outbox, name="chunk-1.json"):
    return json.loads((outbox / name).read_text(encoding="utf-8"))


# -- settings


def test_settings_may_be_left_out():
    assert SmsChannel.settings({"kind": "sms"}) == SmsSettings()


def test_settings_are_read():
    settings = SmsChannel.settings(
        {
            "kind": "sms",
            "gateway": "file",
            "sender": "+493023125000",
            "max_segments": 3,
            "reference_bits": 8,
            "validity_cap": "30m",
        }
    )

    assert settings == SmsSettings(
        gateway="file",
        sender="+493023125000",
        max_segments=3,
        reference_bits=8,
        validity_cap=timedelta(minutes=30),
    )


def test_all_wrong_settings_are_told_at_once():
    with pytest.raises(BadInput) as raised:
        SmsChannel.settings(
            {
                "kind": "sms",
                "gateway": "pigeon",
                "sender": "Stadt Dortmund am Rhein",
                "max_segments": 0,
                "reference_bits": 12,
                "validity_cap": "soon",
                "colour": "red",
            }
        )

    assert [problem.path for problem in raised.value.problems] == [
        "gateway",
        "sender",
        "max_segments",
        "reference_bits",
        "validity_cap",
        "colour",
    ]
    assert all(problem.remedy for problem in raised.value.problems)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("gateway", ["file"]),
        ("gateway", None),
        ("sender", ""),
        ("sender", "Город"),
        ("sender", "€€€€€€"),
        ("sender", "two\nlines"),
        ("sender", True),
        ("sender", "+4930231250001234"),
        ("max_segments", True),
        ("max_segments", "6"),
        ("max_segments", 256),
        ("reference_bits", "8"),
        ("validity_cap", "59s"),
        ("validity_cap", "8d"),
        ("validity_cap", 12),
        ("validity_cap", "12h "),
        ("validity_cap", "-1h"),
    ],
)
def test_a_wrong_setting_is_refused(key, value):
    with pytest.raises(BadInput) as raised:
        SmsChannel.settings({key: value})
    assert [problem.path for problem in raised.value.problems] == [key]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("12h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
    ],
)
def test_durations_are_a_number_and_a_unit(written, meant):
    assert SmsChannel.settings({"validity_cap": written}).validity_cap == meant


def test_no_number_is_in_the_repr_of_settings_or_in_their_errors():
    number = "+491713920001"
    assert number not in repr(SmsChannel.settings({"sender": number}))
    with pytest.raises(BadInput) as raised:
        SmsChannel.settings({"sender": f"{number}9999"})
    assert number not in str(raised.value)


# -- fit


def test_the_channel_says_what_it_can_do(channel):
    can = channel.capabilities

    assert can.addressing is Addressing.RECIPIENTS
    assert can.formats == (Format.TEXT,)
    assert can.operations == {MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}
    assert can.confirms == {State.ACCEPTED}
    assert can.senses == {Sense.SEE, Sense.TOUCH}
    assert can.shortens_to is Variant.SHORT
    assert can.repeat_is_harmless


def test_the_preview_counts_in_the_wires_own_unit(channel):
    fitted = channel.fit(rendition("a" * 200, language="de"))

    assert (fitted.used, fitted.limit, fitted.unit) == (200, 6 * 152, "septets")
    assert fitted.shows == "a" * 200
    assert fitted.notes == ()
    assert fitted.meta == {
        "alphabet": "GSM-7",
        "segments": 2,
        "units": 200,
        "per_segment": 152,
        "data_coding": 0,
        "esm_class": 0x40,
    }


def test_the_preview_tells_which_letters_make_the_text_longer(channel):
    fitted = channel.fit(rendition())

    assert fitted.unit == "UCS-2 units"
    assert len(fitted.notes) == 1
    assert "UCS-2 because of Ş (U+015E" in fitted.notes[0]
    assert "ğ" in fitted.notes[0]


def test_a_script_of_its_own_is_not_spelled_out_letter_by_letter(channel):
    fitted = channel.fit(rendition("Сильна злива. Не спускайтеся в підвал.", language="uk"))

    assert len(fitted.notes) == 1
    assert fitted.notes[0].count("U+") == 8
    assert fitted.notes[0].endswith("more")


def test_the_preview_tells_each_replacement(channel):
    fitted = channel.fit(rendition("„Starkregen“ – „Hitze“", language="de"))

    assert fitted.shows == '"Starkregen" - "Hitze"'
    assert fitted.notes[0] == 'U+201E DOUBLE LOW-9 QUOTATION MARK shown as """, 2x'
    assert len(fitted.notes) == 3


@pytest.mark.parametrize(
    ("text", "noted"),
    [
        ("تحذير من مدينة Dortmund: أمطار غزيرة", False),
        ("Dortmund: تحذير من أمطار غزيرة", True),
        ("112 اتصل بالرقم", False),
        ("112 :", True),
    ],
)
def test_an_arabic_text_must_begin_with_an_arabic_word(channel, text, noted):
    found = channel.fit(rendition(text, language="ar", direction="rtl")).notes

    assert any("left to right" in note for note in found) is noted


def test_the_same_rendition_always_gives_the_same_octets(channel):
    long = rendition("a" * 200)
    reference = channel.fit(long).parts[0][3:5]

    assert channel.fit(long) == channel.fit(long)
    for other in (
        replace(long, alert="2.49.0.0.276.0.DE.124"),
        replace(long, language="az"),
        replace(long, variant=Variant.PLAIN),
    ):
        assert channel.fit(other).parts[0][3:5] != reference


def test_too_long_a_text_is_refused_by_language_and_variant(channel):
    with pytest.raises(DoesNotFit, match="tr plain: ") as raised:
        channel.fit(rendition(TURKISH * 9, variant=Variant.PLAIN))
    assert raised.value.surplus > 0
    assert raised.value.unit == "UCS-2 units"


async def test_a_single_allowed_segment_has_the_room_of_a_lone_one(env):
    async with SmsChannel.open(SmsSettings(max_segments=1), env) as channel:
        assert channel.fit(rendition("a" * 160)).limit == 160


# -- the file gateway


async def test_a_batch_becomes_one_file_for_the_gateway(channel, outbox):
    sent = batch(channel)
    receipts = await channel.send(sent)

    assert [path.name for path in outbox.iterdir() if path.is_file()] == ["chunk-1.json"]
    found = content(outbox)
    segments = found.pop("segments")
    assert [bytes.fromhex(segment) for segment in segments] == list(sent.deliveries[0].fitted.parts)
    assert found == {
        "batch": "chunk-1",
        "alert": "2.49.0.0.276.0.DE.123",
        "status": "Actual",
        "operation": "Alert",
        "mode": "live",
        "sender": "Dortmund",
        "priority": 3,
        "expires": "2025-07-01T20:30:00+02:00",
        "validity_period": "000000060000000R",
        "language": "tr",
        "variant": "short",
        "text": TURKISH,
        "alphabet": "UCS-2",
        "data_coding": 8,
        "esm_class": 0x40,
        "deliveries": [
            {"key": "chunk-1/0/0", "to": NUMBERS[0]},
            {"key": "chunk-1/0/1", "to": NUMBERS[1]},
        ],
    }
    assert [(r.key, r.state, r.reference) for r in receipts] == [
        ("chunk-1/0/0", State.ACCEPTED, "chunk-1.json"),
        ("chunk-1/0/1", State.ACCEPTED, "chunk-1.json"),
    ]
    assert [receipt async for receipt in channel.receipts()] == []


async def test_only_the_owner_can_read_the_numbers(channel, outbox):
    await channel.send(batch(channel))

    assert stat.S_IMODE((outbox / "chunk-1.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
    assert stat.S_IMODE((outbox / "taken").stat().st_mode) == 0o700


async def test_a_folder_that_stood_open_is_closed(channel, outbox):
    outbox.mkdir(parents=True)
    outbox.chmod(0o755)
    await channel.send(batch(channel))

    assert stat.S_IMODE(outbox.stat().st_mode) == 0o700


async def test_the_same_batch_again_is_not_written_again(channel, outbox):
    first = await channel.send(batch(channel))
    written = (outbox / "chunk-1.json").stat()

    again = await channel.send(batch(channel))

    assert again == first
    assert (outbox / "chunk-1.json").stat().st_ino == written.st_ino
    assert (outbox / "chunk-1.json").stat().st_mtime_ns == written.st_mtime_ns


async def test_a_batch_that_the_gateway_took_is_not_written_again(channel, outbox):
    first = await channel.send(batch(channel))
    (outbox / "chunk-1.json").rename(outbox / "taken" / "chunk-1.json")

    assert await channel.send(batch(channel)) == first
    assert not (outbox / "chunk-1.json").exists()


class HastyGatewayPath(type(Path())):
    """A folder whose gateway takes every waiting file right after it was looked for."""

    def exists(self):
        found = super().exists()
        folder = self.parent.parent if self.parent.name == "taken" else self.parent
        for waiting in folder.glob("*.json"):
            waiting.rename(folder / "taken" / waiting.name)
        return found


async def test_a_file_taken_between_two_looks_is_not_written_again(env, outbox):
    async with SmsChannel.open(SmsSettings(), env) as channel:
        await channel.send(batch(channel))
    hasty = replace(env, output_dir=HastyGatewayPath(outbox))
    async with SmsChannel.open(SmsSettings(), hasty) as channel:
        await channel.send(batch(channel))

    assert (outbox / "taken" / "chunk-1.json").exists()
    assert not (outbox / "chunk-1.json").exists()


async def test_a_cancelled_attempt_leaves_one_whole_file(channel, outbox):
    attempt = asyncio.create_task(channel.send(batch(channel)))
    await asyncio.sleep(0)
    attempt.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attempt

    await channel.send(batch(channel))

    assert len(content(outbox)["deliveries"]) == 2
    assert [path.name for path in outbox.iterdir() if path.is_file()] == ["chunk-1.json"]


async def test_a_batch_of_two_languages_becomes_a_file_for_each(channel, outbox):
    german = rendition("Starkregen. Keller meiden.", language="de")
    receipts = await channel.send(batch(channel, rendition(), german))

    assert content(outbox)["text"] == TURKISH
    assert content(outbox, "chunk-1+2.json")["text"] == german.text
    assert [receipt.key for receipt in receipts] == [
        "chunk-1/0/0",
        "chunk-1/0/1",
        "chunk-1/1/0",
        "chunk-1/1/1",
    ]


class FailsAfter:
    """A gateway that takes so many submissions and then has no line any more."""

    confirms = frozenset({State.ACCEPTED})
    repeat_is_harmless = False

    def __init__(self, takes):
        self.takes = takes

    async def submit(self, submission):
        if not self.takes:
            raise Transient("no line")
        self.takes -= 1
        return [Receipt(key=each.key, state=State.ACCEPTED) for each in submission.recipients]

    def receipts(self):
        return no_receipts()

    async def ping(self):
        return "there"


async def test_what_was_taken_before_the_line_broke_is_still_said():
    channel = SmsChannel(SmsSettings(), FailsAfter(1), StoppedClock(), Mode.LIVE)
    two = batch(channel, rendition(), rendition("Hallo", language="de"))

    assert [r.key for r in await channel.send(two)] == ["chunk-1/0/0", "chunk-1/0/1"]
    with pytest.raises(Transient):
        await channel.send(two)


def test_what_a_driver_cannot_promise_the_channel_does_not_claim():
    assert not SmsChannel(
        SmsSettings(), FailsAfter(0), StoppedClock(), Mode.LIVE
    ).capabilities.repeat_is_harmless


@pytest.mark.parametrize(
    ("expires", "said", "period"),
    [
        (NOW + timedelta(hours=2, seconds=5.9), NOW + timedelta(hours=2, seconds=5), "02:00:05"),
        (NOW + timedelta(days=3), NOW + timedelta(hours=12), "12:00:00"),
        (None, NOW + timedelta(hours=12), "12:00:00"),
    ],
)
async def test_no_phone_gets_it_after_it_expired_or_after_the_cap(
    channel, outbox, expires, said, period
):
    await channel.send(batch(channel, alert=alert(expires=expires)))

    assert datetime.fromisoformat(content(outbox)["expires"]) == said
    assert content(outbox)["validity_period"] == f"000000{period.replace(':', '')}000R"


async def test_an_expiry_given_in_another_zone_is_the_same_moment(channel, outbox):
    expires = (NOW + timedelta(hours=1)).astimezone(UTC)
    await channel.send(batch(channel, alert=alert(expires=expires)))

    assert content(outbox)["expires"] == "2025-07-01T15:30:00+02:00"


@pytest.mark.parametrize(
    ("evening", "hours"),
    [((2025, 3, 29, 23), 5), ((2025, 10, 25, 23), 7)],
)
async def test_the_night_the_clocks_change_is_an_hour_shorter_or_longer(
    env, outbox, evening, hours
):
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(*evening, tzinfo=berlin)
    morning = (now + timedelta(days=1)).replace(hour=5)
    night = replace(env, clock=StoppedClock(now))
    async with SmsChannel.open(SmsSettings(), night) as channel:
        await channel.send(batch(channel, alert=alert(expires=morning)))

    assert content(outbox)["validity_period"] == f"0000000{hours}0000000R"
    assert content(outbox)["expires"] == morning.isoformat()


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
async def test_an_expired_alert_is_not_handed_over(channel, outbox, late):
    with pytest.raises(Permanent, match="has expired"):
        await channel.send(batch(channel, alert=alert(expires=NOW - late)))
    assert not outbox.exists()


@pytest.mark.parametrize(
    ("operation", "severity", "flag"),
    [
        (MsgType.ALERT, Severity.EXTREME, 3),
        (MsgType.UPDATE, Severity.SEVERE, 3),
        (MsgType.ALERT, Severity.MODERATE, 2),
        (MsgType.ALERT, Severity.MINOR, 1),
        (MsgType.CANCEL, Severity.EXTREME, 1),
    ],
)
async def test_danger_goes_first_and_the_end_of_danger_does_not(
    channel, outbox, operation, severity, flag
):
    sent = batch(channel, operation=operation, alert=alert(severity=severity, msg_type=operation))
    await channel.send(sent)

    assert content(outbox)["priority"] == flag
    assert content(outbox)["operation"] == operation


def test_relative_time_is_written_as_smpp_wants_it():
    period = timedelta(days=6, hours=23, minutes=59, seconds=58.9)
    assert relative_time(period) == "000006235958000R"
    assert len(relative_time(period)) == 16


def test_keys_become_file_names_that_stay_apart_and_in_their_folder():
    keys = ("chunk-1", "../etc/passwd", ".hidden", "a/b", "a_b", "a:b", "ü", "x" * 300, "x" * 301)
    names = [file_name(key) for key in keys]

    assert names[0] == "chunk-1.json"
    assert len(set(names)) == len(keys)
    assert all("/" not in name and not name.startswith(".") for name in names)
    assert all(len(name.encode()) < 120 for name in names)


async def test_ping_says_how_many_files_wait_and_leaves_none(channel, outbox):
    assert "0 wait" in await channel.ping()
    await channel.send(batch(channel))
    assert "1 wait" in await channel.ping()
    assert sorted(path.name for path in outbox.iterdir()) == ["chunk-1.json", "taken"]


# -- a disk that fails


async def test_a_folder_that_cannot_be_made_is_a_transient_failure(channel, outbox):
    outbox.parent.write_bytes(b"a file where a folder should be")

    with pytest.raises(Transient) as raised:
        await channel.send(batch(channel))
    assert not any(number in str(raised.value) for number in NUMBERS)
    with pytest.raises(Transient):
        await channel.ping()


async def test_a_disk_that_takes_no_more_is_a_transient_failure_and_leaves_nothing(channel, outbox):
    sent = batch(channel)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, before[1]))
    try:
        with pytest.raises(Transient) as raised:
            await channel.send(sent)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert [path.name for path in outbox.iterdir()] == ["taken"]
    assert not any(number in str(raised.value) for number in NUMBERS)
    await channel.send(sent)
    assert len(content(outbox)["deliveries"]) == 2


async def test_no_number_is_in_what_a_driver_could_log(env):
    seen = []

    class Listening(FailsAfter):
        async def submit(self, submission):
            seen.append(repr(submission))
            return await super().submit(submission)

    settings = SmsSettings(sender="+493023125000")
    channel = SmsChannel(settings, Listening(1), StoppedClock(), Mode.LIVE)
    receipts = await channel.send(batch(channel))

    told = "".join(seen) + repr(receipts) + repr(channel) + repr(settings)
    assert "chunk-1" in told
    assert not any(number in told for number in (*NUMBERS, "+493023125000"))
