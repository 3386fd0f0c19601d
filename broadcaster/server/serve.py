"""The daemon: everything of one city in one process, from start to a quiet end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from importlib import import_module
from pathlib import Path

from aiohttp import web

from broadcaster import __version__
from broadcaster.app.composition import App
from broadcaster.app.desk import Desk
from broadcaster.app.instance import Locked
from broadcaster.app.schedule import Clockwork
from broadcaster.app.signup import SignUps, open_signups
from broadcaster.config import Settings, load
from broadcaster.delivery.contract import Mode
from broadcaster.delivery.plan import lane_name
from broadcaster.model.errors import BroadcasterError, Problem, Refused, Unavailable
from broadcaster.model.rendition import Variant
from broadcaster.server import spool
from broadcaster.server.control import Control
from broadcaster.server.health import Health
from broadcaster.server.hooks import Hooks
from broadcaster.server.http import Choice, application
from broadcaster.server.site import PublishedSite
from broadcaster.server.subscribe import SubscribeDoor

log = logging.getLogger(__name__)

READERS = 2.0
"""Seconds that readers get to finish when the daemon stops."""
CLOSING = 5.0
"""Seconds that channels and store get to close."""


def run(config: Path, data: Path, host: str, port: int) -> int:
    """Serve until told to stop; the exit code.  What is wrong goes to the log on stderr."""
    log_to_stderr()
    try:
        settings = load(config)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(settings, data, host, port))
    except BroadcasterError as error:
        for problem in error.problems:
            log.error("%s", problem)
        return error.exit_code
    return 0


async def serve(settings: Settings, data: Path, host: str, port: int) -> None:
    """Open every door, send what is due, and stop at SIGTERM or SIGINT.

    Raises ``BadInput`` for the configuration, ``Refused`` when another process works in the data
    folder, ``Unavailable`` when folder, database, socket or port cannot be had.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = App(settings, data)
    for problem in app.problems:
        log.warning("configuration: %s", problem)
    async with AsyncExitStack() as doors:
        await _open(app)
        doors.push_async_callback(_close, app)
        desk, health = Desk(app), Health(app)
        await asyncio.to_thread(desk.rehearse)
        # What is loaded now stays for good: the collector need not look through it again and
        # again while an alert is being prepared.
        gc.collect()
        gc.freeze()
        # Both doors before the first sending: what cannot be had is said while nothing has left.
        await asyncio.to_thread(spool.prepare, data)
        control = Control(data, desk)
        await control.start()
        doors.push_async_callback(control.stop)
        signups = open_signups(app)
        if signups is None and app.settings.subscribe is not None:
            log.error(
                "channel %s cannot send codes: nobody can sign up", app.settings.subscribe.channel
            )
        if signups is not None:
            doors.push_async_callback(signups.stop)
        address = await _http(app, health, signups, data, host, port, doors)
        interrupted = await app.start()
        if interrupted:
            log.warning("%d sendings were cut off when Broadcaster last ended", interrupted)
        errands = Errands(data, desk, health, signups)
        doors.push_async_callback(errands.stop)
        clockwork = Clockwork(app.timetable, errands.run)
        clockwork.start()
        doors.callback(clockwork.stop)
        notify("READY=1")
        log.info(
            "Broadcaster %s serves %s on %s, officers on %s",
            __version__,
            settings.city,
            address,
            control.path,
        )
        await stop.wait()
        notify("STOPPING=1")
        log.info("stopping")
    log.info("stopped")


class Errands:
    """What the clock does besides looking at the timetable."""

    def __init__(
        self, data: Path, desk: Desk, health: Health, signups: SignUps | None = None
    ) -> None:
        self._data, self._desk, self._health, self._signups = data, desk, health, signups
        self._spool: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """At every look.  Returns at once: no request may hold up releases and repeats."""
        self._health.looked()
        if self._spool is None or self._spool.done():
            self._spool = asyncio.create_task(self._take())

    async def _take(self) -> None:
        try:
            await spool.take_spooled(self._data, self._desk)
            if self._signups is not None:
                await self._signups.sweep()
        except BroadcasterError as error:
            log.error("the spool: %s", error)
        except Exception:
            log.exception("the spool could not be worked off; the next look tries again")

    async def stop(self) -> None:
        """A request that is cut off stays in the spool."""
        if self._spool is not None:
            self._spool.cancel()
            with suppress(asyncio.CancelledError):
                await self._spool


async def _open(app: App) -> None:
    try:
        await app.open()
    except Locked:
        raise Refused(
            Problem(
                str(app.data),
                "another Broadcaster is working in this data folder",
                "it serves already; stop it first, or name another folder with --data",
            )
        ) from None
    for (name, mode), way in app.ways().items():
        if way.channel is None:
            log.error("channel %s is not open: %s", lane_name(name, mode), way.trouble)
        else:
            log.info("channel %s is open", lane_name(name, mode))


async def _close(app: App) -> None:
    try:
        async with asyncio.timeout(CLOSING):
            await app.close()
    except TimeoutError:
        # Nothing is lost: what is not known to have left is sent at the next start.
        log.warning("channels or store did not close within %.0f s", CLOSING)


async def _http(
    app: App,
    health: Health,
    signups: SignUps | None,
    data: Path,
    host: str,
    port: int,
    doors: AsyncExitStack,
) -> str:
    """Listen; the address that was got."""
    choices = []
    for tag in app.settings.languages:
        said = app.library.context(tag, Variant.STANDARD)
        language = said["language"]
        choices.append(Choice(tag, language.direction, language.name, said["t"]("Warnings")))
    application_ = application(
        PublishedSite(data / "www"),
        PublishedSite(data / "www-exercise"),
        health,
        choices,
        app.settings.base_url,
        (
            *subscribe_door(app, signups).routes(),
            *hooks(app).routes(),
        ),
    )
    # No log of readers: who reads warnings is nobody's business.
    runner = web.AppRunner(application_, access_log=None, shutdown_timeout=READERS)
    await runner.setup()
    doors.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise Unavailable(
            Problem(
                "--port",
                f"{host} port {port} cannot be had: {error.strerror or error}",
                "stop what uses it, or choose another with --port",
            )
        ) from error
    got = runner.addresses[0]
    return f"http://{host}:{got[1]}"


def hooks(app: App) -> Hooks:
    """The door at which far sides of channels report."""
    wanted = app.settings.subscribe
    return Hooks(
        app.called,
        app.settings.base_url,
        proxies=wanted.proxies if wanted is not None else (),
    )


def subscribe_door(app: App, signups: SignUps | None) -> SubscribeDoor:
    """The door at which residents sign up, or are told that they cannot."""
    wanted = app.settings.subscribe
    return SubscribeDoor(
        app.library,
        app.site(Mode.LIVE),
        signups,
        areas=[(area.id, area.name) for area in app.gazetteer.parts],
        example=wanted.example if wanted is not None else "",
        proxies=wanted.proxies if wanted is not None else (),
    )


def notify(state: str) -> None:
    """Tell the service manager, where there is one (sd_notify(3))."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket (unix(7))
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.sendto(state.encode(), address)


class Discreet(logging.Formatter):
    """Masks whatever looks like a telephone number, tracebacks included.

    Nothing writes one on purpose; a library's error might quote one.
    """

    _NUMBER = re.compile(r"(?:\+|\b00)\d(?:[ ()/-]{0,3}\d){6,}")

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        return self._NUMBER.sub("<number>", super().format(record))


def log_to_stderr() -> None:
    """One line per thing worth knowing: time, level, words."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Discreet("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("apscheduler").setLevel(logging.WARNING)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The faster event loop where it is installed; everything works without it."""
    try:
        uvloop = import_module("uvloop")
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
