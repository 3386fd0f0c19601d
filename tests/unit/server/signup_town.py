"""A city whose residents sign up: real store, texts and HTTP, and a network made of a list."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from broadcaster.app.signup import CODE_SAYS, SignUps
from broadcaster.app.signup_form import Offer
from broadcaster.app.tokens import Signer
from broadcaster.delivery.contract import Receipt
from broadcaster.model.errors import BroadcasterError
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.model.rendition import Variant
from broadcaster.model.states import State
from broadcaster.server.subscribe import SubscribeDoor
from broadcaster.store.sqlite import SqliteStore
from broadcaster.text.library import Library
from broadcaster.text.publication import Site

ROOT = Path(__file__).parents[3]
PHONE = "+4917139200012"
OTHER = "+4917139200034"
BERLIN = ZoneInfo("Europe/Berlin")
LIBRARY = Library.load(ROOT / "templates", ROOT / "locales", "Europe/Berlin")
CITY = Gazetteer.load(ROOT / "templates" / "areas" / "dortmund.geojson")


class Time:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 7, 1, 12, 0, tzinfo=BERLIN)

    def now(self) -> datetime:
        return self.instant

    def turn(self, **by: float) -> None:
        self.instant += timedelta(**by)


@dataclass
class Network:
    """Every text that went to a phone."""

    said: list[tuple[str, str, str]] = field(default_factory=list)
    trouble: BroadcasterError | None = None

    async def __call__(
        self, address: str, text: str, *, language: str, key: str, validity: timedelta
    ) -> Receipt:
        if self.trouble is not None:
            raise self.trouble
        self.said.append((address, text, language))
        return Receipt(key=key, state=State.ACCEPTED)

    def codes(self, address: str = PHONE) -> list[str]:
        found = (re.search(r"\d{6}", text) for to, text, _ in self.said if to == address)
        return [match[0] for match in found if match]


class Town:
    """Everything behind the door, and a resident's browser before it."""

    def __init__(
        self,
        store: SqliteStore,
        network: Network,
        time: Time,
        signups: SignUps,
        door: SubscribeDoor,
    ) -> None:
        self.store, self.network, self.time = store, network, time
        self.signups, self.door = signups, door
        self.client: TestClient[Any, Any]
        self.filled: dict[str, Any] = {}

    async def open(self, path: str, **headers: str) -> str:
        async with self.client.get(path, headers=headers) as answer:
            return await answer.text()

    async def post(self, path: str, data: dict[str, Any], **headers: str) -> ClientResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.post(path, data=data, headers=named, allow_redirects=False)

    async def form(self, path: str = "/de/subscribe", **changed: Any) -> dict[str, Any]:
        """A form filled in well, with the question answered as a person would."""
        shown = await self.open(path)
        return {"number": PHONE, **good(shown), **changed}

    async def order(self, path: str = "/de/subscribe", **changed: Any) -> ClientResponse:
        """Fill in the form and send it."""
        return await self.post(path, await self.form(path, **changed))

    async def follow(self, answer: ClientResponse) -> str:
        """The page that a redirect leads to."""
        return await self.open(str(led(answer).relative()))

    async def sent(self) -> None:
        """Wait until the codes are out."""
        await self.signups.stop()


def good(shown: str) -> dict[str, Any]:
    """What a page's own form sends when nothing but the question is answered."""
    numbers = re.search(r"Wie viel ist (\d) plus (\d)\?|How much is (\d) plus (\d)\?", shown)
    data: dict[str, Any] = {"token": hidden(shown)}
    if numbers is not None:
        data["answer"] = str(sum(int(n) for n in numbers.groups() if n))
    for pattern in (
        r'<input type="radio" id="[^"]+" name="([^"]+)" value="([^"]+)" checked',
        r'<select id="[^"]+" name="([^"]+)".*?<option value="([^"]+)"[^>]*selected',
    ):
        data |= dict(re.findall(pattern, shown, re.DOTALL))
    return data


def led(answer: ClientResponse) -> URL:
    """Where a redirect leads."""
    assert answer.status == 303
    return answer.url.join(URL(answer.headers["Location"], encoded=True))


def hidden(shown: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', shown)
    assert found, "the page has no token"
    return found[1]


@asynccontextmanager
async def town(
    folder: Path,
    *,
    languages: tuple[str, ...] = ("de", "en", "tr", "ar"),
    countries: tuple[str, ...] = ("DE",),
    per_hour: int = 1000,
    closed: bool = False,
) -> AsyncIterator[Town]:
    store, network, time = SqliteStore(folder), Network(), Time()
    site = Site(
        base_url="https://warn.example.org",
        city="Dortmund",
        sender_name="Stadt Dortmund",
        languages=languages,
        source_language="de",
        subscribe=True,
    )
    signups = SignUps(
        offer=Offer(
            channel="texts",
            texts=tuple((tag, v) for tag in languages for v in ("short", "plain")),
            areas=tuple(area.id for area in CITY.parts),
            hazards=tuple(LIBRARY.hazards),
            countries=countries,
        ),
        store=store,
        signer=Signer(b"k" * 32),
        say=network,
        code_text=lambda tag, code: LIBRARY.catalogue(tag, Variant.STANDARD).say(
            CODE_SAYS, context="sms", code=code, sender="Stadt Dortmund"
        ),
        clock=time,
        per_hour=per_hour,
        rng=random.Random(7),
        pause=(0, 0),
    )
    door = SubscribeDoor(
        LIBRARY,
        site,
        None if closed else signups,
        areas=[(area.id, area.name) for area in CITY.parts],
        example="+49 171 3920012",
        proxies=("127.0.0.1",),
    )
    app = web.Application()
    app.add_routes(door.routes())
    made = Town(store, network, time, signups, door)
    async with TestClient(TestServer(app)) as client:
        made.client = client
        yield made
        await signups.stop()
    await store.close()
