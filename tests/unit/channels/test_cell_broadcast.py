"""The cell-broadcast channel from the configuration to the file a network operator takes."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from broadcaster.delivery.contract import (
    Arrangement,
    Batch,
    Channel,
    Delivery,
    Env,
    Format,
    Mode,
    Rendition,
    State,
    Variant,
)
from broadcaster.model.cap import (
    Alert,
    Area,
    Circle,
    Info,
    MsgType,
    Pair,
    Polygon,
    Reference,
    Scope,
    Severity,
    Status,
)
from broadcaster.model.errors import (
    BadInput,
    DoesNotFit,
    Permanent,
    Transient,
    Unavailable,
    Unknown,
    Unsupported,
)
from broadcaster.testing import env as any_env
from channels.cell_broadcast import CellBroadcastChannel
from channels.cell_broadcast.codec import decode, encode
from channels.cell_broadcast.gateways.drivers import DRIVERS
from channels.cell_broadcast.gateways.handover import file_name
from channels.cell_broadcast.order import Said

NOON = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
RING = ((51.4, 7.3), (51.6, 7.3), (51.6, 7.6), (51.4, 7.3))
TEXTS = {
    "de": "Unwetter in Dortmund. Gehen Sie in ein höheres Stockwerk.",
    "en": "Severe weather in Dortmund. Go to a higher floor.",
    "tr": "Dortmund'da şiddetli yağmur. Üst kata çıkın.",
    "ar": "أمطار غزيرة في دورتموند. اصعدوا إلى طابق أعلى.",
    "uk": "Злива в Дортмунді. Підніміться на вищий поверх.",
}
CLEAR = {"de": "Entwarnung.", "en": "All clear.", "tr": "Tehlike geçti.", "ar": "زال الخطر."}


class SetClock:
    def __init__(self) -> None:
        self.time = NOON

    def now(self) -> datetime:
        return self.time


class Phone:
    """A handset as AOSP behaves: channels, language filter, 24-hour duplicate rule.

    Profile for Germany; hears CB data (4G) or, with ``old``, single 82-octet pages (2G).
    """

    LISTENS = frozenset({4370, 4372, 4378, 4396, 4398, 4380, 4381, 4382})
    TWINS = frozenset({4383, 4385, 4391, 4397, 4399, 4393, 4394, 4395})

    def __init__(self, language: str, *, old: bool = False) -> None:
        self.language = language
        self.old = old
        self.showed: list[str] = []
        self._seen: dict[tuple[int, str], datetime] = {}

    def hears(self, broadcast: Mapping[str, Any], at: datetime) -> None:
        identifier = broadcast["message_identifier"]
        if identifier not in self.LISTENS | self.TWINS:
            return
        number = (identifier, broadcast["serial_number"]["hex"])
        if number in self._seen and at - self._seen[number] < timedelta(hours=24):
            return
        language, text = self._decode(broadcast)
        if identifier in self.TWINS and language not in (None, self.language):
            return
        self._seen[number] = at
        self.showed.append(text)

    def _decode(self, broadcast: Mapping[str, Any]) -> tuple[str | None, str]:
        if self.old:
            pages = [bytes.fromhex(page) for page in broadcast["pages"]]
            return decode(pages, None, broadcast["data_coding_scheme"])
        data = bytes.fromhex(broadcast["cb_data"])
        starts = range(1, len(data), 83)
        return decode(
            [data[i : i + 82] for i in starts],
            [data[i + 82] for i in starts],
            broadcast["data_coding_scheme"],
        )


class Desk:
    """An opened channel with the folders, clock and alerts around it."""

    def __init__(self, channel: CellBroadcastChannel, env: Env, clock: SetClock) -> None:
        self.channel, self.env, self.clock = channel, env, clock
        self.sent: list[Alert] = []

    async def send(
        self,
        texts: Mapping[str, str],
        operation: MsgType = MsgType.ALERT,
        *,
        plain: Mapping[str, str] | None = None,
        key: str = "",
        alert: Alert | None = None,
    ) -> dict[str, Any]:
        alert = alert or self.alert(operation)
        batch = self.batch(alert, texts, operation, plain=plain, key=key)
        self.sent.append(alert)
        receipts = await self.channel.send(batch)
        assert {receipt.state for receipt in receipts} == {State.ACCEPTED}
        assert {receipt.key for receipt in receipts} == {d.key for d in batch.deliveries}
        return self.file(batch.key)

    def file(self, key: str) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.env.output_dir / file_name(key)).read_bytes())
        return data

    def alert(self, operation: MsgType = MsgType.ALERT, **changes: Any) -> Alert:
        severity = changes.pop("severity", Severity.EXTREME)
        references = (
            tuple(Reference(a.sender, a.identifier, a.sent.isoformat()) for a in self.sent)
            if operation is not MsgType.ALERT
            else ()
        )
        area = Area(
            area_desc="Dortmund",
            polygons=(Polygon(RING),),
            circles=(Circle(51.5, 7.4, 2.5),),
            geocodes=(Pair("ARS", "059130000000"),),
        )
        infos = tuple(
            Info(
                language=tag,
                severity=severity,
                areas=(replace(area, area_desc=name),),
                expires=NOON + timedelta(hours=6),
            )
            for tag, name in (("de-DE", "Dortmund"), ("ar", "دورتموند"))
        )
        values = {
            "identifier": f"alert-{len(self.sent) + 1}.example.org",
            "sender": "dispatch@example.org",
            "sent": self.clock.now(),
            "status": Status.ACTUAL,
            "msg_type": operation,
            "scope": Scope.PUBLIC,
            "references": references,
            "infos": infos,
        }
        return Alert(**{**values, **changes})

    def batch(
        self,
        alert: Alert,
        texts: Mapping[str, str],
        operation: MsgType = MsgType.ALERT,
        *,
        plain: Mapping[str, str] | None = None,
        key: str = "",
    ) -> Batch:
        wanted = [(tag, Variant.STANDARD, text) for tag, text in texts.items()]
        wanted += [(tag, Variant.PLAIN, text) for tag, text in (plain or {}).items()]
        deliveries = []
        for language, variant, text in wanted:
            words = rendition(text, language, variant, alert=alert.identifier)
            fitted = self.channel.fit(words)
            delivery = f"{alert.identifier}/{language}/{variant}"
            deliveries.append(
                Delivery(key=delivery, target="059130000000", rendition=words, fitted=fitted)
            )
        return Batch(
            key=key or f"{alert.identifier}:cb/1",
            operation=operation,
            mode=self.env.mode,
            alert=alert,
            deliveries=tuple(deliveries),
            replaces=tuple(reference.identifier for reference in alert.references),
        )


def rendition(
    text: str, language: str = "de", variant: Variant = Variant.STANDARD, *, alert: str = "a"
) -> Rendition:
    return Rendition(
        alert=alert,
        language=language,
        direction="rtl" if language == "ar" else "ltr",
        variant=variant,
        format=Format.TEXT,
        text=text,
    )


@asynccontextmanager
async def opened(
    folder: Path, clock: SetClock | None = None, mode: Mode = Mode.LIVE, **settings: Any
) -> AsyncIterator[Desk]:
    clock = clock or SetClock()
    env = Env(
        name="cells",
        mode=mode,
        data_dir=folder / "data",
        output_dir=folder / "outbox",
        clock=clock,
        random=random.Random(5),
        base_url="https://warn.example.org",
    )
    parsed = CellBroadcastChannel.settings({"kind": "cell_broadcast", **settings})
    async with CellBroadcastChannel.open(parsed, env) as channel:
        yield Desk(channel, env, clock)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as desk:
        yield desk


def identifiers(order: Mapping[str, Any]) -> list[tuple[int, str]]:
    return [(b["message_identifier"], b["language"]) for b in order["broadcasts"]]


# --- what people see -----------------------------------------------------------------------


@pytest.mark.parametrize("old", [False, True], ids=["4G", "2G"])
@pytest.mark.parametrize(
    ("language", "shows"),
    [
        ("de", ["de"]),
        ("tr", ["de", "tr"]),
        ("en", ["de", "en"]),
        ("ar", ["de", "ar"]),
        ("uk", ["de", "uk"]),
        ("sw", ["de"]),
    ],
)
async def test_each_phone_shows_german_and_its_own_language_once(
    desk: Desk, language: str, shows: list[str], old: bool
) -> None:
    order = await desk.send(TEXTS)
    phone = Phone(language, old=old)
    for _ in range(3):  # repetitions
        for broadcast in order["broadcasts"]:
            phone.hears(broadcast, NOON)
    assert phone.showed == [TEXTS[tag] for tag in shows]


async def test_a_phone_alarms_again_for_a_changed_text_and_not_for_an_unchanged_one(
    desk: Desk,
) -> None:
    phone = Phone("tr")
    first = await desk.send(TEXTS)
    second = await desk.send({**TEXTS, "tr": "Yağmur sürüyor."}, MsgType.UPDATE)
    for order in (first, second):
        for broadcast in order["broadcasts"]:
            phone.hears(broadcast, NOON)
    assert phone.showed == [TEXTS["de"], TEXTS["tr"], "Yağmur sürüyor."]


async def test_an_old_text_of_many_pages_shows_without_seams(desk: Desk) -> None:
    text = " ".join(["Подніміться на вищий поверх — «негайно»!"] * 10)
    order = await desk.send({"uk": text})
    phone = Phone("uk", old=True)
    phone.hears(order["broadcasts"][0], NOON)
    assert phone.showed == [text]
    assert len(order["broadcasts"][0]["pages"]) > 5


# --- the hand-over file --------------------------------------------------------------------


async def test_an_extreme_alert_has_german_on_4370_its_copy_and_the_others_on_4383(
    desk: Desk,
) -> None:
    order = await desk.send(TEXTS)
    assert identifiers(order) == [
        (4370, "de"),
        (919, "de"),
        (4383, "en"),
        (4383, "tr"),
        (4383, "ar"),
        (4383, "uk"),
    ]
    assert [b["data_coding_scheme_hex"] for b in order["broadcasts"]] == [
        "00",
        "00",
        "01",
        "11",
        "11",
        "11",
    ]
    assert order["level"] == "Notfallalarm"
    assert order["alert"]["identifier"] == "alert-1.example.org"


async def test_a_severe_alert_has_no_copy(desk: Desk) -> None:
    order = await desk.send(TEXTS, alert=desk.alert(severity=Severity.SEVERE))
    assert {identifier for identifier, _ in identifiers(order)} == {4372, 4385}


async def test_the_file_holds_pages_serials_area_and_number_of_broadcasts(desk: Desk) -> None:
    order = await desk.send(TEXTS)
    assert order["format"] == "broadcaster.cell-broadcast/2"
    for broadcast in order["broadcasts"]:
        assert all(len(page) == 164 for page in broadcast["pages"])
        assert len(broadcast["lengths"]) == len(broadcast["pages"])
        assert broadcast["shows"] == TEXTS[broadcast["language"]]
        assert broadcast["repetition_period_seconds"] == 60
        assert broadcast["number_of_broadcasts"] == 360
        number = broadcast["serial_number"]
        assert number["geographical_scope"] == 1
        value = 1 << 14 | number["message_code"] << 4 | number["update_number"]
        assert int(number["hex"], 16) == value
    assert order["areas"] == [
        {
            "area_desc": "Dortmund",
            "polygons": [[list(point) for point in RING]],
            "circles": [{"latitude": 51.5, "longitude": 7.4, "radius_km": 2.5}],
            "geocodes": [{"name": "ARS", "value": "059130000000"}],
        }
    ]
    assert order["stop_after_broadcasts"] == []


async def test_an_alert_without_expires_is_broadcast_until_stopped(desk: Desk) -> None:
    order = await desk.send(TEXTS, alert=desk.alert(infos=(Info(severity=Severity.MINOR),)))
    assert {b["number_of_broadcasts"] for b in order["broadcasts"]} == {0}


async def test_an_update_names_what_it_replaces_and_stops_only_what_changed(desk: Desk) -> None:
    first = await desk.send(TEXTS)
    old = {(b["message_identifier"], b["language"]): b for b in first["broadcasts"]}
    second = await desk.send({**TEXTS, "tr": "Yağmur sürüyor."}, MsgType.UPDATE)
    for broadcast in second["broadcasts"]:
        before = old[broadcast["message_identifier"], broadcast["language"]]["serial_number"]
        changed = broadcast["language"] == "tr"
        assert broadcast["unchanged"] is not changed
        assert (broadcast["serial_number"] == before) is not changed
        assert broadcast["instead_of_serial_number"] == (before["hex"] if changed else None)
    assert second["stop_after_broadcasts"] == [
        {
            "message_identifier": 4383,
            "message_identifier_hex": "111f",
            "serial_number": old[4383, "tr"]["serial_number"],
            "alert": "alert-1.example.org",
        }
    ]


async def test_the_all_clear_stops_everything_and_names_the_language_left_without_text(
    desk: Desk,
) -> None:
    first = await desk.send(TEXTS)
    clear = await desk.send(CLEAR, MsgType.CANCEL)
    assert identifiers(clear) == [(4396, "de"), (4397, "en"), (4397, "tr"), (4397, "ar")]

    def addresses(entries: list[dict[str, Any]]) -> set[tuple[int, str]]:
        return {(e["message_identifier"], e["serial_number"]["hex"]) for e in entries}

    assert addresses(clear["stop_after_broadcasts"]) == addresses(first["broadcasts"])
    assert clear["languages_without_text"] == ["uk"]


async def test_what_to_stop_is_known_after_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as before:
        await before.send(TEXTS)
    async with opened(tmp_path) as after:
        after.sent = before.sent
        assert len((await after.send(CLEAR, MsgType.CANCEL))["stop_after_broadcasts"]) == 6


async def test_plain_german_is_a_second_text_for_every_phone(tmp_path: Path) -> None:
    async with opened(tmp_path, plain_as_second=True) as desk:
        assert Variant.PLAIN in desk.channel.capabilities.variants
        order = await desk.send({"de": TEXTS["de"]}, plain={"de": "Starker Regen. Geh nach oben."})
    assert identifiers(order) == [(4370, "de"), (919, "de"), (4370, "de")]
    codes = [b["serial_number"]["message_code"] for b in order["broadcasts"]]
    assert len(set(codes)) == 3
    phone = Phone("tr")
    for broadcast in order["broadcasts"]:
        phone.hears(broadcast, NOON)
    assert phone.showed == [TEXTS["de"], "Starker Regen. Geh nach oben."]


async def test_several_areas_of_one_alert_share_a_broadcast(desk: Desk) -> None:
    batch = desk.batch(desk.alert(), {"de": TEXTS["de"]})
    (delivery,) = batch.deliveries
    both = (delivery, replace(delivery, key="other", target="059130000001"))
    receipts = await desk.channel.send(replace(batch, deliveries=both))
    assert {receipt.key for receipt in receipts} == {delivery.key, "other"}
    order = desk.file(batch.key)
    assert identifiers(order) == [(4370, "de"), (919, "de")]
    assert order["broadcasts"][0]["deliveries"] == [delivery.key, "other"]


async def test_two_texts_for_one_language_are_refused(desk: Desk) -> None:
    one, two = (desk.batch(desk.alert(), {"de": text}) for text in ("Regen", "Hagel"))
    with pytest.raises(Permanent, match="two texts"):
        await desk.channel.send(replace(one, deliveries=one.deliveries + two.deliveries))


# --- once, and only once -------------------------------------------------------------------


async def test_the_same_key_is_the_same_file_byte_for_byte(desk: Desk) -> None:
    alert = desk.alert()
    await desk.send(TEXTS, alert=alert)
    (path,) = desk.env.output_dir.glob("*.json")
    before = path.read_bytes()
    desk.clock.time += timedelta(minutes=5)
    await desk.send(TEXTS, alert=alert)
    assert path.read_bytes() == before


async def test_a_file_that_was_taken_is_not_written_again(desk: Desk) -> None:
    alert = desk.alert()
    await desk.send(TEXTS, alert=alert)
    (path,) = desk.env.output_dir.glob("*.json")
    taken = desk.env.output_dir / "taken"
    taken.mkdir()
    path.rename(taken / path.name)
    desk.clock.time += timedelta(days=3)  # even after its end: it was handed over
    receipts = await desk.channel.send(desk.batch(alert, TEXTS))
    assert {receipt.state for receipt in receipts} == {State.ACCEPTED}
    assert list(desk.env.output_dir.glob("*.json")) == []


async def test_a_failed_hand_over_repeated_after_a_restart_keeps_its_serials(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        batch = desk.batch(desk.alert(), TEXTS)
        blocked = desk.env.output_dir / file_name(batch.key)
        blocked.mkdir(parents=True)
        with pytest.raises(Transient, match="could not be written"):
            await desk.channel.send(batch)
        state = json.loads((desk.env.data_dir / "serials.json").read_bytes())
        blocked.rmdir()
    async with opened(tmp_path) as desk:
        await desk.channel.send(batch)
        used = {b["serial_number"]["hex"] for b in desk.file(batch.key)["broadcasts"]}
    given = [entry["serial"] for entry in state["entries"]]
    assert used == {f"{1 << 14 | s['code'] << 4 | s['update']:04x}" for s in given}


async def test_cancelled_and_concurrent_sends_never_share_a_serial(desk: Desk) -> None:
    batches = []
    for number in range(12):
        alert = desk.alert(identifier=f"alert-{number}.example.org")
        batches.append(desk.batch(alert, TEXTS))
    tasks = [asyncio.create_task(desk.channel.send(batch)) for batch in batches]
    await asyncio.sleep(0.005)
    for task in tasks[::3]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for batch in batches:
        await desk.channel.send(batch)
    used = [
        (b["message_identifier"], b["serial_number"]["hex"])
        for batch in batches
        for b in desk.file(batch.key)["broadcasts"]
    ]
    assert len(used) == len(set(used)) == 12 * 6


def test_file_names_are_safe_and_different_for_different_keys() -> None:
    names = {file_name(key) for key in ("a/b", "a:b", "../a_b", "ä" * 400, "", ".hidden")}
    assert len(names) == 6
    for name in names:
        assert "/" not in name
        assert not name.startswith(".")
        assert len(name) < 140


# --- refusals ------------------------------------------------------------------------------


async def test_an_exercise_goes_to_exercise_identifiers_through_an_exercise_channel_only(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "drill", mode=Mode.EXERCISE) as drill:
        for status, pair in ((Status.EXERCISE, {4381, 4394}), (Status.TEST, {4398, 4399})):
            for operation in (MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL):
                alert = drill.alert(operation, status=status)
                order = await drill.send(TEXTS, operation, alert=alert)
                assert {identifier for identifier, _ in identifiers(order)} == pair
        with pytest.raises(Permanent, match="Actual cannot go out in exercise"):
            await drill.channel.send(drill.batch(drill.alert(), TEXTS))
    async with opened(tmp_path / "live") as live:
        for status in (Status.EXERCISE, Status.TEST, Status.SYSTEM):
            with pytest.raises(Permanent, match="targets of their own"):
                await live.channel.send(live.batch(live.alert(status=status), TEXTS))
        assert not live.env.output_dir.exists()


async def test_a_batch_of_another_mode_than_the_channel_is_refused(desk: Desk) -> None:
    batch = desk.batch(desk.alert(status=Status.EXERCISE), TEXTS)
    with pytest.raises(Permanent):
        await desk.channel.send(replace(batch, mode=Mode.EXERCISE))


async def test_pages_that_are_not_the_approved_ones_are_refused(desk: Desk) -> None:
    batch = desk.batch(desk.alert(), TEXTS)
    first, *rest = batch.deliveries
    forged = replace(first, rendition=replace(first.rendition, text="Alles gut."))
    with pytest.raises(Permanent, match="approved"):
        await desk.channel.send(replace(batch, deliveries=(forged, *rest)))


async def test_an_alert_that_ended_is_not_handed_over(desk: Desk) -> None:
    batch = desk.batch(desk.alert(), TEXTS)
    desk.clock.time += timedelta(hours=6)
    with pytest.raises(Permanent, match="ended"):
        await desk.channel.send(batch)
    assert not desk.env.output_dir.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (rendition("x", "ckb"), "ISO 639-1"),
        (rendition("x", "fil"), "over another channel"),
        (rendition("Feuer 🔥"), "U\\+1F525 FIRE"),
        (rendition("x", "tr", Variant.PLAIN), "no code for plain"),
        (rendition("x", "de", Variant.PLAIN), "plain_as_second"),
        (rendition("x", "de", Variant.SPOKEN), "not speech"),
        (rendition(" \n", "de"), "no text"),
        (rendition("x" + "\u0335" * 60, "de"), "with its marks"),
    ],
)
async def test_what_no_phone_could_show_is_unsupported_with_the_reason(
    desk: Desk, words: Rendition, says: str
) -> None:
    with pytest.raises(Unsupported, match=says):
        desk.channel.fit(words)


async def test_a_text_that_is_too_long_names_language_and_surplus(desk: Desk) -> None:
    with pytest.raises(DoesNotFit, match="ar: 640 UCS-2 units") as refused:
        desk.channel.fit(rendition("ا" * 640, "ar"))
    assert (refused.value.surplus, refused.value.unit) == (40, "UCS-2 units")


# --- the preview ---------------------------------------------------------------------------


async def test_the_preview_tells_scheme_pages_room_and_who_sees_it(desk: Desk) -> None:
    fitted = desk.channel.fit(rendition(TEXTS["tr"], "tr"))
    assert fitted.shows == TEXTS["tr"]
    assert (fitted.used, fitted.limit, fitted.unit) == (len(TEXTS["tr"]), 600, "UCS-2 units")
    assert fitted.meta == {
        "dcs": "11",
        "pages": 2,
        "air_time": 3.8,
        "units_left": 556,
        "first_page": TEXTS["tr"][:40],
        "language_code": "tr",
        "language_named": "on every page",
        "shown_to": "phones set to it",
    }
    base = desk.channel.fit(rendition(TEXTS["de"]))
    assert (base.meta["dcs"], base.meta["shown_to"]) == ("00", "every phone")
    assert base.meta["language_named"] == "by the coding scheme"


async def test_replaced_typography_is_reported(desk: Desk) -> None:
    fitted = desk.channel.fit(rendition("„Hochwasser“ – bitte…"))
    assert fitted.shows == '"Hochwasser" - bitte...'
    assert len(fitted.notes) == 4
    assert "EN DASH" in " ".join(fitted.notes)


async def test_a_sign_that_costs_the_room_is_named_but_never_a_letter(desk: Desk) -> None:
    (note,) = desk.channel.fit(rendition("Weg „frei“ → Süden")).notes
    assert "RIGHTWARDS ARROW" in note
    assert "QUOTATION" not in note
    assert not desk.channel.fit(rendition("Üst kata çıkın →", "tr")).notes
    assert not desk.channel.fit(rendition(TEXTS["uk"], "uk")).notes


async def test_a_right_to_left_text_that_opens_in_latin_is_noted(desk: Desk) -> None:
    (note,) = desk.channel.fit(rendition("DE-Alert: " + TEXTS["ar"], "ar")).notes
    assert "left to right" in note
    assert not desk.channel.fit(rendition(TEXTS["ar"], "ar")).notes


async def test_a_language_known_to_phones_by_another_code_is_noted(desk: Desk) -> None:
    fitted = desk.channel.fit(rendition("Baran", "kmr"))
    assert fitted.meta["language_code"] == "ku"
    assert fitted.notes == ("phones know kmr as ku",)


async def test_a_base_language_without_a_code_is_shown_to_all_without_one(tmp_path: Path) -> None:
    async with opened(tmp_path, base_language="ckb") as desk:
        assert desk.channel.fit(rendition("باران", "ckb")).meta["dcs"] == "48"
        order = await desk.send({"ckb": "باران"})
    assert identifiers(order) == [(4370, "ckb"), (919, "ckb")]


# --- opening and settings ------------------------------------------------------------------


async def test_the_channel_is_what_the_contract_asks(desk: Desk) -> None:
    assert isinstance(desk.channel, Channel)
    assert desk.channel.capabilities.confirms == {State.ACCEPTED}
    assert desk.channel.capabilities.repeat_is_harmless
    assert not desk.channel.resources(rendition("x"))
    assert [receipt async for receipt in desk.channel.receipts()] == []


async def test_the_link_test_says_whether_the_folder_can_be_written(desk: Desk) -> None:
    assert "can be written" in await desk.channel.ping()
    assert list(desk.env.output_dir.iterdir()) == []
    (desk.env.output_dir / ".link-test").mkdir()
    with pytest.raises(Transient, match="could not be written"):
        await desk.channel.ping()


def test_every_wrong_setting_is_named_at_once() -> None:
    with pytest.raises(BadInput) as refused:
        CellBroadcastChannel.settings(
            {
                "kind": "cell_broadcast",
                "profile": "atlantis",
                "gateway": "pigeon",
                "base_language": False,
                "repetition_period": "2h",
                "plain_as_second": "yes",
                "colour": "red",
            }
        )
    assert {problem.path for problem in refused.value.problems} == {
        "profile",
        "gateway",
        "base_language",
        "repetition_period",
        "plain_as_second",
        "colour",
    }


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (32, 32),
        ("60s", 60),
        ("4095 s", 4095),
        (0, None),
        ("4096s", None),
        (True, None),
        ("-5s", None),
        (None, None),
        (2.5, None),
    ],
)
def test_the_repetition_period_is_whole_seconds_up_to_twelve_bits(
    written: object, seconds: int | None
) -> None:
    raw = {"kind": "cell_broadcast", "repetition_period": written}
    if seconds is None:
        with pytest.raises(BadInput, match="repetition_period"):
            CellBroadcastChannel.settings(raw)
    else:
        assert CellBroadcastChannel.settings(raw).repetition_period == seconds


def test_an_empty_configuration_is_germany_with_german_for_all() -> None:
    settings = CellBroadcastChannel.settings({})
    assert (settings.profile.name, settings.base_language) == ("DE-Alert", "de")
    assert settings.plain_as_second is False


# ---- before release: what phones will show, what falls out --------------------------------------


def arranged(desk: Desk, *languages: str, status: Status = Status.ACTUAL) -> Arrangement:
    of = replace(desk.alert(), status=status)
    texts = [rendition(TEXTS[tag], tag) for tag in languages]
    return desk.channel.arrange(of, [(text, desk.channel.fit(text)) for text in texts])


async def test_an_officer_reads_what_phones_will_show(desk: Desk) -> None:
    assert arranged(desk, "de", "tr", "ar").notes == (
        "phones show it as Notfallalarm, which cannot be switched off; "
        "it goes out on 4370 and 919 and 4383",
        "every phone shows de; a phone set to one of tr, ar its own language as well",
        "on 2G all 6 pages go on air once in 60 seconds",
    )


async def test_where_phones_do_not_filter_every_one_shows_every_language(tmp_path: Path) -> None:
    async with opened(tmp_path, profile="it", base_language="en") as desk:
        notes = arranged(desk, "en", "tr").notes
    assert "every phone shows en, tr" in notes


async def test_an_exercise_is_seen_by_phones_that_have_it_switched_on(desk: Desk) -> None:
    (shown, *_) = arranged(desk, "de", status=Status.EXERCISE).notes
    assert shown == "phones show it as Übungsalarm; it goes out on 4381"


async def test_what_falls_out_is_not_said_to_be_shown(tmp_path: Path) -> None:
    async with opened(tmp_path, gateway="ecbe", priority=["tr"]) as desk:
        found = arranged(desk, "de", "ar", "tr")
    assert list(found.left_out) == [1]
    assert "every phone shows de; a phone set to one of tr its own language as well" in found.notes
    assert "whole network" in found.wider


# ---- evidence -----------------------------------------------------------------------------------


async def test_what_the_journal_keeps_of_a_text_makes_the_same_octets_again(desk: Desk) -> None:
    await desk.send(TEXTS)
    (record,) = [json.loads(f.read_bytes()) for f in (desk.env.data_dir / "orders").glob("*")]
    broadcasts = record["order"]["broadcasts"]

    assert len(broadcasts) == len(TEXTS) + 1
    for item in broadcasts:
        again = encode(
            item["shows"], dcs=item["data_coding_scheme"], language=item["language_code"]
        )
        assert [page.hex() for page in again.octets] == item["pages"]
        assert again.cb_data().hex() == item["cb_data"]
    assert record["begun"] == desk.clock.time.isoformat()
    assert [answer["said"] for answer in record["taken"]["on_air"]] == [
        "accepted by the gateway"
    ] * len(broadcasts)


async def test_a_repeated_order_that_was_cut_off_and_has_ended_is_not_called_unsent(
    tmp_path: Path,
) -> None:
    clock = SetClock()
    async with opened(tmp_path, clock) as desk:
        await desk.send(TEXTS)
        key = next((desk.env.data_dir / "orders").glob("*.json"))
    record = json.loads(key.read_bytes())
    key.write_text(json.dumps({**record, "taken": None}), encoding="utf-8")  # a crash just then
    clock.time += timedelta(hours=7)
    async with opened(tmp_path, clock) as desk:
        late = desk.batch(desk.alert(sent=NOON), TEXTS, key=record["key"])
        with pytest.raises(Unknown):
            await desk.channel.send(late)


async def test_a_record_that_cannot_be_read_is_said_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.send(TEXTS)
    (file,) = (tmp_path / "data" / "orders").glob("*.json")
    file.write_text("{}")
    with pytest.raises(Unavailable, match="record of a broadcast"):
        async with opened(tmp_path):
            pass


async def test_a_text_of_another_warning_on_air_is_counted_in_the_preview(desk: Desk) -> None:
    await desk.send({"de": TEXTS["de"]})
    of = replace(desk.alert(), identifier="another")
    text = rendition(TEXTS["de"])
    notes = desk.channel.arrange(of, [(text, desk.channel.fit(text))]).notes
    assert "on 2G all 4 pages, 2 of them of other warnings, go on air once in 60 seconds" in notes


@pytest.mark.parametrize("driver", DRIVERS)
def test_no_gateway_ever_claims_that_a_text_was_delivered(driver: str, tmp_path: Path) -> None:
    settings = {
        "cbsp": {"peers": [{"name": "bsc", "host": "127.0.0.1"}]},
        "cap_http": {"urls": ["http://127.0.0.1:1/"], "sender": "warning@example.org"},
    }
    checked = DRIVERS[driver].settings(settings.get(driver, {}))
    gateway = DRIVERS[driver].open(checked, any_env(tmp_path))
    assert gateway.limits.confirms <= {State.ACCEPTED, State.SENT}
    assert not any("deliver" in said.value for said in Said)
