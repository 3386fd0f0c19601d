"""Builds the whole from a configuration, and takes it apart again."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from broadcaster.app.answers import Offer, Phrases
from broadcaster.app.conversation import Conversation
from broadcaster.app.instance import InstanceLock
from broadcaster.app.publication import Shelf
from broadcaster.app.schedule import Timetable
from broadcaster.clock import Clock, SystemClock
from broadcaster.config import ChannelSettings, Settings
from broadcaster.delivery.contract import Addressing, Call, ChannelType, Env, Mode
from broadcaster.delivery.lane import Lane
from broadcaster.delivery.plan import Way, lane_name
from broadcaster.delivery.registry import find
from broadcaster.delivery.routing import Route, all_channels
from broadcaster.model.errors import BadInput, Problem
from broadcaster.model.gazetteer import Gazetteer
from broadcaster.paths import shipped
from broadcaster.store.port import Store, Subscription
from broadcaster.store.sqlite import SqliteStore
from broadcaster.text.keywords import keywords_of
from broadcaster.text.library import Library
from broadcaster.text.publication import Site

CALL = 10.0
"""Seconds within which a channel has kept what a far side told it, or the far side comes again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """One channel of the configuration with its plugin and checked settings."""

    settings: ChannelSettings
    type_: type[ChannelType] | None
    checked: Mapping[Mode, Any]
    trouble: str = ""
    """Why its plugin cannot be used; the other channels work without it."""


def wire(
    settings: Settings, plugins: Callable[[str, str], type[ChannelType]] = find
) -> tuple[tuple[Wiring, ...], list[Problem]]:
    """Find every plugin and let it check its settings; problems are collected, never raised."""
    wirings: list[Wiring] = []
    problems: list[Problem] = []
    for channel in settings.channels:
        path = f"channels.{channel.name}"
        try:
            type_ = plugins(channel.kind, f"{path}.kind")
        except BadInput as error:
            problems += error.problems
            wirings.append(
                Wiring(settings=channel, type_=None, checked={}, trouble=error.problems[0].says)
            )
            continue
        checked: dict[Mode, Any] = {}
        layers = {Mode.LIVE: dict(channel.raw)}
        if channel.exercise is not None:
            layers[Mode.EXERCISE] = {**channel.raw, **channel.exercise}
        trouble = ""
        for mode, raw in layers.items():
            try:
                checked[mode] = type_.settings(raw)
            except BadInput as error:
                trouble = error.problems[0].says
                where = path if mode is Mode.LIVE else f"{path}.exercise"
                problems += [
                    Problem(f"{where}.{p.path}".rstrip("."), p.says, p.remedy)
                    for p in error.problems
                ]
        wirings.append(Wiring(settings=channel, type_=type_, checked=checked, trouble=trouble))
    return tuple(wirings), problems


def unreachable(settings: Settings, library: Library) -> list[Problem]:
    """What the routes can never do, though each setting is right by itself."""
    routed = all_channels(settings.route)
    found = [
        Problem(
            f"channels.{channel.name}",
            "is named by no route, so nothing ever goes there",
            "name it under `route`, or remove it",
        )
        for channel in settings.channels
        if channel.name not in routed
    ]
    matches = [*_matches(settings.route), *(rule.match for rule in settings.approval)]
    unknown = {name for match in matches for name in match.get("hazard", frozenset())}
    return found + [
        Problem(
            "match.hazard",
            f"{name!r} is not in the catalogue, so it never matches",
            "one of " + ", ".join(library.hazards),
        )
        for name in sorted(unknown - set(library.hazards))
    ]


def _matches(route: Route) -> Iterator[Mapping[str, frozenset[str]]]:
    yield route.match or {}
    for below in route.routes:
        yield from _matches(below)


def load_library(settings: Settings) -> Library:
    """Texts of this installation: its own folders, or those that came with the program."""
    templates = settings.folder / settings.templates if settings.templates else None
    locales = settings.folder / settings.locales if settings.locales else None
    library = Library.load(
        templates or shipped("templates"), locales or shipped("locales"), settings.zone
    )
    unknown = [tag for tag in settings.languages if tag not in library.languages]
    if unknown:
        raise BadInput(
            Problem(
                "languages",
                f"{tag!r} is not a language Broadcaster knows",
                "add a row to locales/languages.yaml and its catalogues",
            )
            for tag in unknown
        )
    return library


def load_gazetteer(settings: Settings) -> Gazetteer:
    """The city's areas: beside the configuration, or among the templates."""
    beside = settings.folder / settings.areas
    return Gazetteer.load(beside if beside.exists() else shipped("templates") / settings.areas)


class App:
    """Everything, built; :meth:`open` starts it, :meth:`close` stops it."""

    def __init__(
        self,
        settings: Settings,
        data: Path,
        *,
        clock: Clock | None = None,
        rng: random.Random | None = None,
        plugins: Callable[[str, str], type[ChannelType]] = find,
    ) -> None:
        """Read texts and areas.  Raises ``BadInput`` with every problem at once.

        ``plugins`` finds the type of a channel's kind (given kind and path of the setting).
        """
        self.settings, self.data = settings, data
        self.clock: Clock = clock or SystemClock(settings.zone)
        self.rng = rng or random.Random()
        self.wirings, self.problems = wire(settings, plugins)
        found: list[Problem] = []
        try:
            self.library = load_library(settings)
        except BadInput as error:
            found += error.problems
        try:
            self.gazetteer = load_gazetteer(settings)
        except BadInput as error:
            found += error.problems
        if found:
            raise BadInput(found)
        self.problems += unreachable(settings, self.library)
        self.lanes: dict[str, Lane] = {}
        self._progress: set[asyncio.Event] = set()

    async def open(self) -> None:
        """Take the data folder, open store and channels.  Nothing is sent yet.

        Raises ``Locked`` when another process works here, ``Unavailable`` when disk or database
        cannot be relied on.
        """
        self._loop = asyncio.get_running_loop()
        self._lock = InstanceLock(self.data)
        try:
            self.store: Store = await asyncio.to_thread(lambda: SqliteStore(self.data))
        except BaseException:
            self._lock.release()
            raise
        self.shelf = Shelf(
            self.store, self.library, {mode: self.site(mode) for mode in Mode}, self.clock
        )
        owner = f"{self.rng.getrandbits(64):016x}"
        for wiring in self.wirings:
            for mode, checked in wiring.checked.items():
                assert wiring.type_ is not None
                lane = Lane(
                    type_=wiring.type_,
                    settings=checked,
                    env=self._env(wiring.settings, mode),
                    store=self.store,
                    source=self.shelf,
                    clock=self.clock,
                    owner=owner,
                    timeout=wiring.settings.timeout,
                    on_progress=self._moved,
                )
                self.lanes[lane.name] = lane
        await asyncio.gather(*(asyncio.to_thread(lane.open) for lane in self.lanes.values()))
        await self._subscribe_exercise()
        self._converse()
        published = [n for n, lane in self.lanes.items() if _publishes(lane)]
        self.timetable = Timetable(
            self.store,
            self.clock,
            published=published,
            others=[name for name in self.lanes if name not in published],
            wake=self.wake,
        )

    async def start(self) -> int:
        """Begin to send; how many sendings a crash had interrupted."""
        interrupted = await self.store.void_leases(self.clock.now())
        for lane in self.lanes.values():
            lane.start()
        return interrupted

    async def close(self) -> None:
        """Stop sending, close channels and store, let the data folder go."""
        await asyncio.gather(*(asyncio.to_thread(lane.close) for lane in self.lanes.values()))
        await self.store.close()
        self._lock.release()

    def wake(self) -> None:
        """There is work."""
        for lane in self.lanes.values():
            lane.wake()

    def ways(self) -> dict[tuple[str, Mode], Way]:
        """Every configured channel as planning sees it, the broken ones with their trouble."""
        found = {}
        for wiring in self.wirings:
            channel = wiring.settings
            modes = wiring.checked or {Mode.LIVE: None}
            for mode in modes:
                lane = self.lanes.get(lane_name(channel.name, mode))
                found[channel.name, mode] = Way(
                    name=channel.name,
                    mode=mode,
                    channel=lane.channel if lane else None,
                    trouble=wiring.trouble or (lane.trouble if lane else ""),
                    languages=channel.languages,
                    variants=channel.variants,
                    review=channel.review,
                )
        return found

    async def called(self, lane: str, call: Call) -> int:
        """Give a far side's request to the channel of a lane; the HTTP status to answer with."""
        if lane not in self.lanes:
            return HTTPStatus.NOT_FOUND
        return await self.lanes[lane].called(call, within=CALL)

    def progress(self) -> asyncio.Event:
        """An event that is set whenever any delivery moves; clear it, look, wait again."""
        event = asyncio.Event()
        self._progress.add(event)
        return event

    def forget(self, event: asyncio.Event) -> None:
        """Nobody waits for this event any more."""
        self._progress.discard(event)

    def _moved(self, _alert: str) -> None:
        """Called in a lane's thread."""

        def tell() -> None:
            for event in self._progress:
                event.set()

        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell)

    def _env(self, channel: ChannelSettings, mode: Mode) -> Env:
        name = lane_name(channel.name, mode)
        return Env(
            name=name,
            mode=mode,
            data_dir=self.data / "state" / name,
            output_dir=self.output(name, mode, self._kind_publishes(channel)),
            clock=self.clock,
            random=random.Random(self.rng.getrandbits(64)),
            base_url=self.base_url(mode),
            config_dir=self.settings.folder,
        )

    def output(self, name: str, mode: Mode, publishes: bool) -> Path:
        """Where a channel puts its files: the site, or its own outbox."""
        if publishes:
            return self.data / ("www" if mode is Mode.LIVE else "www-exercise")
        return self.data / "outbox" / name

    def _kind_publishes(self, channel: ChannelSettings) -> bool:
        type_ = next(w.type_ for w in self.wirings if w.settings is channel)
        return type_ is not None and type_.addressing is Addressing.PUBLISHED

    def base_url(self, mode: Mode) -> str:
        """The public address of the site, or of the exercises' one."""
        base = self.settings.base_url
        return base if mode is Mode.LIVE else f"{base}/exercise"

    def site(self, mode: Mode) -> Site:
        """Who publishes, where, and in which languages."""
        settings = self.settings
        return Site(
            base_url=self.base_url(mode),
            city=settings.city,
            sender_name=settings.sender_name,
            languages=settings.languages,
            source_language=settings.languages[0],
            region_key=_region_key(self.gazetteer),
            exercise=mode is Mode.EXERCISE,
            licence=" ".join(filter(None, (self.gazetteer.attribution, self.gazetteer.licence))),
            contact=settings.contact,
            subscribe=settings.subscribe is not None and mode is Mode.LIVE,
        )

    def _converse(self) -> None:
        """Let residents subscribe and leave by writing to the channels that can hear them."""
        listening = [lane for lane in self.lanes.values() if _addresses(lane)]
        if not listening:
            return
        try:
            keywords = self.library.keywords
        except BadInput as error:  # START and STOP work without any file
            self.problems += error.problems
            keywords = keywords_of(self.library.languages)
        for wiring in self.wirings:
            own, settings = wiring.settings, self.settings
            offer = Offer(
                channel=lane_name(own.name, Mode.LIVE),
                languages=tuple(
                    tag
                    for tag in settings.languages
                    if tag in (own.languages or settings.languages)
                ),
                variants=own.variants or (),
                sender=settings.sender_name,
                url=settings.base_url,
            )
            phrases = Phrases(self.library, offer)
            for mode in wiring.checked:
                lane = self.lanes[lane_name(own.name, mode)]
                if lane in listening:
                    conversation = Conversation(
                        lane=lane.name,
                        offer=offer,
                        phrases=phrases,
                        keywords=keywords,
                        inbox=self.store.inbox,
                        clock=self.clock,
                    )
                    lane.accompany(conversation.run)

    async def _subscribe_exercise(self) -> None:
        """Exercises reach the phones named in the configuration, and no subscriber."""
        wanted = [
            Subscription(address=number, language=self.settings.languages[0], variant="short")
            for number in self.settings.exercise_recipients
        ]
        for lane in self.lanes.values():
            if wanted and lane.mode is Mode.EXERCISE and _addresses(lane):
                await self.store.subscribe(lane.name, wanted, self.clock.now())


def _publishes(lane: Lane) -> bool:
    return lane.addressing is Addressing.PUBLISHED


def _addresses(lane: Lane) -> bool:
    return lane.addressing is Addressing.RECIPIENTS


def _region_key(gazetteer: Gazetteer) -> str:
    """The city's regional key (ARS), as twelve digits; empty when its areas file has none."""
    keys = (pair.value for pair in gazetteer.city.geocodes if pair.name == "ARS")
    return next((key.ljust(12, "0") for key in keys if key.isdigit()), "")
