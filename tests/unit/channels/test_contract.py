"""Every channel of this repository keeps the contract that the kit puts into tests."""

import pytest

from broadcaster.testing import ChannelContract, FlakyChannel, RecordingChannel
from channels.audio import AudioChannel
from channels.audio.driver import SpeechError, library
from channels.cell_broadcast import CellBroadcastChannel
from channels.feed import FeedChannel
from channels.log import LogChannel
from channels.sms import SmsChannel
from channels.web import WebChannel


def why_silent():
    try:
        library()
    except SpeechError as error:
        return str(error)
    return ""


class TestLog(ChannelContract):
    @pytest.fixture
    def channel_type(self):
        return LogChannel


class TestCellBroadcast(ChannelContract):
    @pytest.fixture
    def channel_type(self):
        return CellBroadcastChannel


class TestSms(ChannelContract):
    @pytest.fixture
    def channel_type(self):
        return SmsChannel


class TestWeb(ChannelContract):
    @pytest.fixture
    def channel_type(self):
        return WebChannel


class TestFeed(ChannelContract):
    @pytest.fixture
    def channel_type(self):
        return FeedChannel


@pytest.mark.skipif(bool(why_silent()), reason=why_silent())
class TestAudio(ChannelContract):
    @pytest.fixture
    def channel_type(self):
        return AudioChannel

    @pytest.fixture
    def text(self):
        return "Regen."  # each send speaks; short texts keep the suite short


class TestTheKitsOwnRecordingChannel(ChannelContract):
    @pytest.fixture
    def channel_type(self):
        return RecordingChannel.kind_of("recording")

    # A recording has no folder that could break.
    test_a_broken_output_folder_is_an_error_of_the_contract_and_leaks_no_address = None
    test_an_output_folder_that_cannot_be_made_is_told_at_opening_or_sending = None


class TestTheKitsOwnFlakyChannel(TestTheKitsOwnRecordingChannel):
    @pytest.fixture
    def channel_type(self):
        return FlakyChannel.kind_of("flaky")
