"""One warning in 37 languages: encoded, and on the wire to a real 2G base-station controller.

osmo-bsc (Debian) is started on loopback, without radio.  The goal is that from approval to the
last answer no two seconds pass; the ratio says how much of that is not ours to encode.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from broadcaster.delivery.contract import Mode
from broadcaster.model.cap import Alert, MsgType, Scope, Status
from channels.cell_broadcast import airtime, codec
from channels.cell_broadcast.gateways.cbsp.gateway import CbspGateway
from channels.cell_broadcast.gateways.cbsp.settings import Bsc, CbspSettings
from channels.cell_broadcast.order import OnAir, Order, Said
from channels.cell_broadcast.profile import Broadcast
from channels.cell_broadcast.serials import Serial
from tests.peers.osmo_bsc import PORT, osmo_bsc

LENGTH = 300
"""Characters of a text."""
RUNS = 5
LATIN = "Hochwasser an der Ruhr: Keller verlassen, in ein höheres Stockwerk gehen. "
SCRIPTS = (
    "Şiddetli yağmur: bodrumdan çıkın, üst kata gidin, ırmaktan uzak durun. ",
    "Повінь: покиньте підвал, підніміться на вищий поверх, тримайтеся далі. ",
    "فيضان: غادروا القبو واصعدوا إلى طابق أعلى وابتعدوا عن النهر. ",
    "Πλημμύρα: φύγετε από το υπόγειο, ανεβείτε σε ψηλότερο όροφο. ",
    "洪水:离开地下室,前往更高楼层,远离河流。",
    "ጎርፍ፦ ከምድር ቤት ውጡ፣ ወደ ላይኛው ፎቅ ይሂዱ፣ ከወንዙ ይራቁ። ",
    "बाढ़: तहखाने से बाहर निकलें, ऊपरी मंज़िल पर जाएँ, नदी से दूर रहें। ",
    "வெள்ளம்: அடித்தளத்தை விட்டு வெளியேறி மேல் மாடிக்குச் செல்லுங்கள். ",
)
LANGUAGES = (
    *("de", "en", "it", "fr", "es", "nl", "sv", "da", "pt", "fi", "no", "hu", "pl", "is"),
    *("tr", "ar", "uk", "ru", "ro", "bg", "el", "fa", "ku", "sq", "sr", "hr", "bs", "mk"),
    *("vi", "zh", "hi", "ur", "ps", "ti", "so", "ta", "am"),
)


class Clock:
    """The machine's."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def texts() -> list[tuple[str, str]]:
    """A text of each language; fourteen fit GSM 7-bit, the others are in nine scripts."""
    sentences = [LATIN] * 14 + [SCRIPTS[at % len(SCRIPTS)] for at in range(len(LANGUAGES) - 14)]
    return [
        (language, (sentence * LENGTH)[:LENGTH])
        for language, sentence in zip(LANGUAGES, sentences, strict=True)
    ]


def encoded(said: Sequence[tuple[str, str]], round_: int) -> tuple[OnAir, ...]:
    """All texts as pages under their message identifiers."""
    items = []
    for at, (language, text) in enumerate(said):
        choice = codec.choose(text, language)
        pages = codec.encode(choice.text, dcs=choice.coding.dcs, language=language)
        items.append(
            OnAir(
                broadcast=Broadcast(4383 if at else 4370, pages),
                serial=Serial(round_ * 64 + at, 0),
                language=language,
                variant="standard",
                keys=(language,),
            )
        )
    return tuple(items)


def order(items: tuple[OnAir, ...]) -> Order:
    """For all cells, with the shortest period that holds every page."""
    now = datetime.now(UTC)
    slots = airtime.shortest([len(item.broadcast.pages.octets) for item in items])
    alert = Alert(
        identifier="benchmark",
        sender="warnung@dortmund.example",
        sent=now,
        status=Status.ACTUAL,
        msg_type=MsgType.ALERT,
        scope=Scope.PUBLIC,
    )
    return Order(
        key="benchmark",
        mode=Mode.LIVE,
        operation=MsgType.ALERT,
        alert=alert,
        replaces=(),
        profile="de",
        title="Notfallalarm",
        on_air=items,
        stops=(),
        missing=(),
        repetition_period=60,
        number_of_broadcasts=100,
        slots=slots,
        number_2g=100,
        cells=None,
        written=now,
    )


async def answered(said: Sequence[tuple[str, str]], host: str, round_: int) -> float:
    """Seconds from the approved texts to the last answer, the connection included."""
    settings = CbspSettings(peers=(Bsc(name="osmo-bsc", host=host, port=PORT),))
    begin = time.perf_counter()
    gateway = CbspGateway(settings, Clock(), random.Random(1))
    taken = await gateway.take(order(encoded(said, round_)))
    spent = time.perf_counter() - begin
    await gateway.close()
    assert {answer.said for answer in taken.on_air} == {Said.INSTALLED}, taken.on_air
    return spent


def run() -> None:
    """Encoding alone, then encoding and handing over, each time to a fresh controller."""
    said = texts()
    alone = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        items = encoded(said, 0)
        alone.append(time.perf_counter() - begin)
    unit = median(alone)
    pages = sum(len(item.broadcast.pages.octets) for item in items)
    name = f"{len(said)} languages, {pages} pages"
    print(f"{name}, encoded      {unit * 1000:7.1f} ms")
    if not shutil.which("osmo-bsc"):
        print(f"{name}, answered     osmo-bsc is not installed; `make peers` installs it")
        return
    whole = []
    for round_ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, osmo_bsc(Path(folder)) as host:
            whole.append(asyncio.run(answered(said, host, round_)))
    spent = median(whole)
    print(
        f"{name}, answered     {spent * 1000:7.1f} ms  {spent / unit:5.2f}x"
        f"  (goal < 2000 ms from approval)"
    )
