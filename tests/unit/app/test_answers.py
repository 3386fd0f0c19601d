"""What a message leads to, and that its answer fits the phone in every language."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from broadcaster.app.answers import _SHORTEST, Offer, Phrases, Says, answerable, respond
from broadcaster.model.rendition import Variant
from broadcaster.store.inbox import Message
from broadcaster.text.keywords import Act, Command, fold
from broadcaster.text.library import Library
from channels.sms.segments import Alphabet, encode

ROOT = Path(__file__).parents[3]
LIBRARY = Library.load(ROOT / "templates", ROOT / "locales", "Europe/Berlin")
CITY = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
OFFER = Offer(
    channel="texts",
    languages=tuple(CITY["languages"]),
    variants=(Variant.SHORT, Variant.PLAIN),
    sender=CITY["sender_name"],
    url=CITY["base_url"],
)
SMALL = replace(OFFER, languages=("de", "tr"))
PHRASES = Phrases(LIBRARY, OFFER)


def message(language=None, address="+4917139200001"):
    return Message(id=1, address=address, text="", language=language)


def test_every_answer_is_a_declared_sentence_for_sms():
    declared = {phrase.msgid for phrase in LIBRARY.phrases if phrase.context == "sms"}
    assert {says.value for says in Says} <= declared


@pytest.mark.parametrize("reference_bits", [8, 16])
@pytest.mark.parametrize("tag", OFFER.languages)
def test_every_answer_fits_one_gsm_segment_or_two_of_ucs_2(tag, reference_bits):
    said = {says.name: PHRASES.text(says.name, tag) for says in Says}
    said["CODE"] = LIBRARY.catalogue(tag, Variant.STANDARD).say(
        "%(code)s is your code for warnings of %(sender)s. It is valid for 10 minutes."
        " Tell it to nobody.",
        context="sms",
        code="602214",
        sender=OFFER.sender,
    )
    for name, text in said.items():
        segments = encode(text, reference=7, reference_bits=reference_bits)
        most = 1 if segments.alphabet is Alphabet.GSM_7 else 2
        assert len(segments.parts) <= most, (tag, name, segments.units, text)


@pytest.mark.parametrize("tag", OFFER.languages)
def test_whoever_cries_for_help_reads_of_the_emergency_call_and_how_to_go_on(tag):
    assert "112" in PHRASES.text("HELP", tag)
    nobody = PHRASES.text("NOBODY_READS", tag)
    assert all(word in nobody for word in ("112", "HELP", "STOP"))
    assert "START" in PHRASES.text("GOODBYE", tag)
    assert "STOP" in PHRASES.text("WELCOME", tag)


@pytest.mark.parametrize("tag", OFFER.languages)
def test_our_own_words_are_known_when_they_come_back_whole_or_cut_off(tag):
    for says in Says:
        text = PHRASES.text(says.name, tag)
        assert len(fold(text)) > _SHORTEST
        assert PHRASES.ours(text)
        assert PHRASES.ours(text.upper() + " Von meinem Telefon gesendet")
        if len(text) > 67:
            assert PHRASES.ours(text[:67])


@pytest.mark.parametrize("text", ["STOP", "", "Hilfe", "Diese Nummer ist falsch, hier brennt es"])
def test_what_people_write_is_not_taken_for_our_own_words(text):
    assert not PHRASES.ours(text)


@pytest.mark.parametrize(
    ("address", "somebody"),
    [
        ("+4917139200001", True),
        ("+15550100", True),
        ("12345", False),
        ("+112", False),
        ("Stadtwerke", False),
        ("", False),
        ("+49 171 39200001", False),
        ("+0171392000011", False),
    ],
)
def test_only_a_whole_number_is_somebody(address, somebody):
    assert answerable(address) is somebody


@pytest.mark.parametrize(
    ("command", "has", "speaks", "answer", "read"),
    [
        (Command(Act.START), None, "de", "WELCOME", "de"),
        (Command(Act.START, "tr"), None, "tr", "WELCOME", "tr"),
        (Command(Act.START, "so"), None, "de", "WELCOME", "de"),  # not offered
        (Command(Act.START), "tr", "tr", "WELCOME", "tr"),  # has it already, and keeps it
        (Command(Act.START, "tr"), "de", "tr", "WELCOME", "tr"),
        (Command(Act.LANGUAGE, "tr"), "de", "tr", "CHANGED", "tr"),
        (Command(Act.LANGUAGE, "so"), "tr", "", "NO_SUCH_LANGUAGE", "tr"),
        (Command(Act.LANGUAGE), "tr", "", "NO_SUCH_LANGUAGE", "tr"),
        (Command(Act.LANGUAGE), None, "", "NO_SUCH_LANGUAGE", "de"),
        (Command(Act.LANGUAGE, "tr"), None, "", "HELP", "tr"),  # gets no warnings
        (Command(Act.HELP), "tr", "", "HELP", "tr"),
        (Command(Act.HELP, "tr"), None, "", "HELP", "tr"),
        (Command(Act.STOP), None, "", "GOODBYE", "de"),
        (Command(Act.STOP, "tr"), None, "", "GOODBYE", "tr"),
        (Command(Act.STOP, "de"), "tr", "", "GOODBYE", "tr"),
        (Command(Act.OTHER), None, "", "NOBODY_READS", "de"),
        (Command(Act.OTHER), "tr", "", "NOBODY_READS", "tr"),
    ],
)
def test_a_command_leads_to_one_deed_and_one_answer(command, has, speaks, answer, read):
    deed = respond(command, message(has), SMALL)

    assert (deed.speaks, deed.answer, deed.language) == (speaks, answer, read)
    assert deed.erase is (command.act is Act.STOP)
    assert deed.subscribes is (command.act is Act.START)
    assert deed.variant == ("short" if deed.subscribes else "")


def test_a_channel_without_short_texts_subscribes_to_what_it_has():
    offer = replace(SMALL, variants=(Variant.PLAIN,))
    assert respond(Command(Act.START), message(), offer).variant == "plain"


@pytest.mark.parametrize("address", ["12345", "Stadtwerke"])
def test_a_machine_is_not_answered_nor_subscribed_but_may_leave(address):
    for act in Act:
        deed = respond(Command(act, "tr"), message(address=address), SMALL)
        assert not deed.answer
        assert not deed.subscribes
        assert deed.erase is (act is Act.STOP)
