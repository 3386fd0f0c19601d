"""What only the feed channel has; the rest it shares with the web channel (test_web.py)."""

from broadcaster.delivery.contract import Addressing, Format, State
from broadcaster.model.cap import MsgType
from channels.feed import FeedChannel


def test_the_feed_channel_publishes_cap_first_and_both_kinds_of_feed():
    able = FeedChannel.capabilities

    assert FeedChannel.kind == "feed"
    assert able.formats[:3] == (Format.CAP, Format.ATOM, Format.RSS)
    assert set(able.formats[3:]) == {Format.GEOJSON, Format.NINA}
    assert able.addressing is Addressing.PUBLISHED
    assert able.confirms == {State.ACCEPTED}
    assert able.operations == {MsgType.ALERT, MsgType.UPDATE, MsgType.CANCEL}
