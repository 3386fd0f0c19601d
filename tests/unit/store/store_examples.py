"""What the tests of the store put into it."""

from dataclasses import replace
from datetime import timedelta

import apsw

from broadcaster.model.capxml import write
from broadcaster.store.port import Gap, NewAlert, PlannedSend, StoredRendition, Subscription
from broadcaster.testing import IDENTIFIER, NOON, alert

AREA = PlannedSend(channel="cells", items=(("de", "standard"),), recipients=False, follows=False)
PHONES = PlannedSend(channel="texts", items=(("de", "short"),), recipients=True, follows=False)


def new_alert(identifier=IDENTIFIER, **changes):
    values = NewAlert(
        identifier=identifier,
        thread=identifier,
        msg_type="Alert",
        status="Actual",
        severity="Severe",
        priority=1,
        sent=NOON,
        release=NOON,
        expires=NOON + timedelta(hours=6),
        cap=write(alert(identifier)),
        digest="d" * 64,
        origin="",
        areas=("dortmund",),
        hazard="heavy_rain",
        officer="A. Muster",
        renditions=(
            StoredRendition(
                channel="cells", language="de", variant="standard", format="text", text="Regen."
            ),
            StoredRendition(
                channel="texts", language="de", variant="short", format="text", text="Regen!"
            ),
        ),
        gaps=(Gap(channel="cells", language="ckb", variant="standard", reason="no code"),),
        sends=(AREA, PHONES),
    )
    return replace(values, **changes)


def follow(identifier, first, **changes):
    """A later alert of the thread."""
    return new_alert(
        identifier, thread=first, **{"msg_type": "Update", "sent": NOON, "gaps": (), **changes}
    )


def number(index):
    """+49 171 39200xx is reserved for fiction; more digits make more of them."""
    return f"+4917139200{index:05}"


def phone(index, **changes):
    wish = Subscription(address=number(index), language="de", variant="short")
    return replace(wish, **changes)


async def claim(store, channel="texts", *, now=NOON, urgent_only=False, harmless=False):
    return await store.claim(
        channel, now, owner="me", lease=30, urgent_only=urgent_only, harmless=harmless
    )


def raw(folder):
    """A second connection to the database, as an intruder has it: no triggers."""
    db = apsw.Connection(str(folder / "broadcaster.db"))
    db.set_busy_timeout(5000)
    for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type='trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    return db
