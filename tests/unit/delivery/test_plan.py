"""What goes out where; above all, that no exercise ever goes where people are."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.delivery import plan
from broadcaster.delivery.contract import (
    Addressing,
    Arrangement,
    Format,
    Mode,
    Sense,
    Variant,
)
from broadcaster.delivery.plan import Way
from broadcaster.model.cap import PARAMETER_REVIEW, MsgType, Severity, Status
from broadcaster.model.errors import Problem, Unsupported
from broadcaster.testing import IDENTIFIER, NOON, RecordingChannel, alert, env, rendition
from broadcaster.testing.channels import CAPABILITIES

RELEASE = NOON
LANGUAGES = ("de", "tr")


def opened(limit=100_000, **capabilities):
    kind = RecordingChannel.kind_of(
        "fake", capabilities=replace(CAPABILITIES, **capabilities), limit=limit
    )
    return kind(env(Path("unused")))


def way(name, mode=Mode.LIVE, channel=None, **values):
    return Way(name=name, mode=mode, channel=channel or opened(), **values)


def ways(*found):
    return {(one.name, one.mode): one for one in found}


def render(of, language, variant, format_):
    words = {"standard": "Ein langer Text über den Regen", "short": "Regen", "plain": "Es regnet."}
    if variant.value not in words:
        return None
    return rendition(
        f"{language}: {words[variant.value]}",
        language=language,
        variant=variant,
        format=format_,
        of=of.identifier,
    )


def made(of=None, *found, names=None, offered=LANGUAGES, draw=render):
    known = ways(*found)
    names = names or dict.fromkeys((name for name, _ in known), "a route")
    return plan.make(of or alert(), names, known, draw, offered)


# ---- no exercise reaches the public -------------------------------------------------------------

ADDRESSINGS = list(Addressing)


@pytest.mark.parametrize(
    ("status", "operation", "addressing"), list(product(Status, list(MsgType)[:3], ADDRESSINGS))
)
def test_only_what_is_real_takes_a_live_way(status, operation, addressing):
    channel = opened(addressing=addressing)
    both = (way("x", Mode.LIVE, channel), way("x", Mode.EXERCISE, channel))

    found = made(alert(status=status, msg_type=operation), *both)

    lanes = {send.channel for send in found.sends} | {text.channel for text in found.texts}
    assert lanes == ({"x"} if status is Status.ACTUAL else {"x.exercise"})


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.ACTUAL])
@pytest.mark.parametrize("addressing", ADDRESSINGS)
def test_without_an_exercise_target_there_is_a_gap_and_no_delivery(status, addressing):
    found = made(alert(status=status), way("x", Mode.LIVE, opened(addressing=addressing)))

    assert found.sends == ()
    assert found.texts == ()
    (gap,) = found.gaps
    assert gap.channel == "x"
    assert gap.reason == f"has no exercise target, and a {status} never reaches a live one"


def test_a_real_alert_never_goes_to_an_exercise_target():
    found = made(alert(), way("x", Mode.EXERCISE))

    assert found.sends == ()
    assert found.gaps[0].reason == "is not configured"


@given(
    st.sampled_from([s for s in Status if s is not Status.ACTUAL]),
    st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(Mode))), unique=True),
    st.sets(st.sampled_from("abcdef"), min_size=1),
)
@settings(max_examples=60, deadline=None)
def test_no_configuration_lets_an_exercise_out(status, configured, names):
    channel = opened()
    found = plan.make(
        alert(status=status),
        dict.fromkeys(sorted(names), "a route"),
        ways(*(way(name, mode, channel) for name, mode in configured)),
        render,
        LANGUAGES,
    )

    assert all(send.channel.endswith(".exercise") for send in found.sends)
    assert all(text.channel.endswith(".exercise") for text in found.texts)
    told = {gap.channel for gap in found.gaps} | {
        send.channel.removesuffix(".exercise") for send in found.sends
    }
    assert told == names


# ---- what falls out is said ---------------------------------------------------------------------


def test_an_operation_the_channel_cannot_carry_is_a_gap():
    channel = opened(operations=frozenset({MsgType.ALERT}))
    found = made(alert(msg_type=MsgType.UPDATE), way("x", channel=channel))

    assert found.sends == ()
    assert found.gaps[0].reason == "this channel cannot carry a CAP Update"


def test_a_broken_channel_is_a_gap_with_its_trouble_and_the_others_go():
    broken = Way(name="b", mode=Mode.LIVE, channel=None, trouble="the plugin does not load")
    found = made(alert(), broken, way("x"))

    assert [gap.reason for gap in found.gaps] == ["the plugin does not load"]
    assert [send.channel for send in found.sends] == ["x"]


def test_a_channel_nobody_configured_is_a_gap():
    found = made(alert(), way("x"), names={"x": "r", "y": "r"})

    assert [(gap.channel, gap.reason) for gap in found.gaps] == [("y", "is not configured")]


def test_what_does_not_fit_goes_shorter_and_shows_it():
    channel = opened(limit=20, shortens_to=Variant.SHORT)
    found = made(alert(), way("x", channel=channel))

    assert {t.asked for t in found.texts} == {Variant.STANDARD}
    assert {t.rendition.variant for t in found.texts} == {Variant.SHORT}
    assert {row.shown for row in found.stored()} == {"short"}
    assert found.gaps == ()


def test_what_does_not_fit_even_short_is_a_gap_with_both_reasons():
    channel = opened(limit=3, shortens_to=Variant.SHORT)
    found = made(alert(), way("x", channel=channel))

    assert found.sends == ()
    assert found.gaps[0].reason == (
        "the standard text is too long by 32 bytes; the short text is too long by 6 bytes"
    )


def test_what_does_not_fit_is_refused_where_nothing_shorter_is_declared():
    found = made(alert(), way("x", channel=opened(limit=20)))

    assert found.texts == ()
    assert {gap.reason for gap in found.gaps} == {"the standard text is too long by 15 bytes"}


def test_a_language_without_text_is_a_gap_and_no_other_language_takes_its_place():
    def only_german(of, language, variant, format_):
        return render(of, language, variant, format_) if language == "de" else None

    found = made(alert(), way("x"), draw=only_german)

    assert [t.rendition.language for t in found.texts] == ["de"]
    assert [(g.language, g.reason) for g in found.gaps] == [
        ("tr", "the alert has no standard text in this language")
    ]


def test_a_language_the_channel_cannot_carry_is_a_gap_with_its_own_words():
    channel = opened()

    def fit(one):
        if one.language == "tr":
            raise Unsupported(Problem("tr", "there is no voice for Turkish"))
        return type(channel).fit(channel, one)

    channel.fit = fit
    found = made(alert(), way("x", channel=channel))

    assert [(g.language, g.reason) for g in found.gaps] == [("tr", "there is no voice for Turkish")]


def test_a_channel_may_have_languages_and_variants_of_its_own():
    found = made(alert(), way("x", languages=("tr",), variants=(Variant.PLAIN, Variant.SHORT)))

    assert [(t.rendition.language, t.asked.value) for t in found.texts] == [
        ("tr", "plain"),
        ("tr", "short"),
    ]


@pytest.mark.parametrize(
    ("addressing", "operation", "recipients", "follows"),
    [
        (Addressing.AREA, MsgType.ALERT, False, False),
        (Addressing.AREA, MsgType.CANCEL, False, True),
        (Addressing.RECIPIENTS, MsgType.UPDATE, True, False),
        (Addressing.RECIPIENTS, MsgType.CANCEL, True, True),
        (Addressing.PUBLISHED, MsgType.CANCEL, False, False),
    ],
)
def test_a_cancel_follows_except_where_it_is_read_by_all(
    addressing, operation, recipients, follows
):
    channel = opened(addressing=addressing)
    (send,) = made(alert(msg_type=operation), way("x", channel=channel)).sends

    assert (send.recipients, send.follows) == (recipients, follows)
    assert send.items == (("de", "standard"), ("tr", "standard"))


def test_the_senses_of_each_language_are_told():
    see, hear = opened(), opened(senses=frozenset({Sense.HEAR}))
    found = made(
        alert(),
        way("x", channel=see),
        way("y", channel=hear, languages=("de",)),
        offered=("de", "tr", "uk"),
        draw=lambda of, tag, *rest: render(of, tag, *rest) if tag != "uk" else None,
    )

    assert found.senses == {"de": {Sense.SEE, Sense.HEAR}, "tr": {Sense.SEE}, "uk": frozenset()}


@pytest.mark.parametrize(
    ("severity", "status", "wanted"),
    [
        (Severity.EXTREME, Status.ACTUAL, 0),
        (Severity.SEVERE, Status.ACTUAL, 1),
        (Severity.MODERATE, Status.ACTUAL, 2),
        (Severity.MINOR, Status.ACTUAL, 3),
        (Severity.UNKNOWN, Status.ACTUAL, 4),
        (Severity.EXTREME, Status.EXERCISE, 6),
        (Severity.EXTREME, Status.TEST, 6),
    ],
)
def test_what_is_worse_goes_first_and_what_is_not_real_goes_last(severity, status, wanted):
    assert plan.priority(alert(severity=severity, status=status)) == wanted


# ---- the digest that an approval binds to -------------------------------------------------------


def digest_of(cap=b"<alert/>", made_=None, release=RELEASE, fingerprint="templates"):
    return plan.digest(
        cap, made_ or made(alert(), way("x")), release=release, fingerprint=fingerprint
    )


BASE = made(alert(), way("x"), Way(name="y", mode=Mode.LIVE, channel=None, trouble="broken"))


def test_the_same_plan_has_the_same_digest():
    again = made(alert(), way("x"), Way(name="y", mode=Mode.LIVE, channel=None, trouble="broken"))

    assert digest_of(made_=BASE) == digest_of(made_=again)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_any_changed_byte_of_the_cap_changes_the_digest(cap, data):
    place = data.draw(st.integers(0, len(cap) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = cap[:place] + bytes([cap[place] ^ 1 << bit]) + cap[place + 1 :]

    assert digest_of(cap, BASE) != digest_of(changed, BASE)


@given(st.data())
def test_any_changed_letter_or_byte_of_any_text_changes_the_digest(data):
    index = data.draw(st.integers(0, len(BASE.texts) - 1))
    text = BASE.texts[index]
    if data.draw(st.booleans()):
        words = text.rendition.text
        place = data.draw(st.integers(0, len(words) - 1))
        letter = data.draw(st.characters().filter(lambda c: c != words[place]))
        words = words[:place] + letter + words[place + 1 :]
        changed = replace(text, rendition=replace(text.rendition, text=words))
    else:
        (part,) = text.fitted.parts
        place = data.draw(st.integers(0, len(part) - 1))
        part = part[:place] + bytes([part[place] ^ 1]) + part[place + 1 :]
        changed = replace(text, fitted=replace(text.fitted, parts=(part,)))
    texts = (*BASE.texts[:index], changed, *BASE.texts[index + 1 :])

    assert digest_of(made_=BASE) != digest_of(made_=replace(BASE, texts=texts))


def test_parts_cut_elsewhere_change_the_digest():
    first, *others = BASE.texts
    (part,) = first.fitted.parts
    cut = replace(first, fitted=replace(first.fitted, parts=(part[:5], part[5:])))

    assert digest_of(made_=replace(BASE, texts=(cut, *others))) != digest_of(made_=BASE)


TEXT = BASE.texts[0]
SEND = BASE.sends[0]
GAP = BASE.gaps[0]
CHANGES = {
    "the channel of a text": {"texts": (replace(TEXT, channel="z"), *BASE.texts[1:])},
    "the asked variant": {"texts": (replace(TEXT, asked=Variant.PLAIN), *BASE.texts[1:])},
    "the language": {
        "texts": (replace(TEXT, rendition=replace(TEXT.rendition, language="en")), *BASE.texts[1:])
    },
    "the shown variant": {
        "texts": (
            replace(TEXT, rendition=replace(TEXT.rendition, variant=Variant.SHORT)),
            *BASE.texts[1:],
        )
    },
    "the format": {
        "texts": (
            replace(TEXT, rendition=replace(TEXT.rendition, format=Format.HTML)),
            *BASE.texts[1:],
        )
    },
    "a text less": {"texts": BASE.texts[1:]},
    "the order": {"texts": BASE.texts[::-1]},
    "a channel less": {"sends": ()},
    "another channel": {"sends": (replace(SEND, channel="z"),)},
    "fewer languages": {"sends": (replace(SEND, items=SEND.items[:1]),)},
    "recipients": {"sends": (replace(SEND, recipients=True),)},
    "followers": {"sends": (replace(SEND, follows=True),)},
    "a gap less": {"gaps": ()},
    "another reason": {"gaps": (replace(GAP, reason="mended"),)},
}


@pytest.mark.parametrize("what", CHANGES)
def test_any_change_of_the_plan_changes_the_digest(what):
    assert digest_of(made_=replace(BASE, **CHANGES[what])) != digest_of(made_=BASE)


def test_another_moment_or_other_templates_change_the_digest():
    assert digest_of(made_=BASE, release=NOON + timedelta(seconds=1)) != digest_of(made_=BASE)
    assert digest_of(made_=BASE, fingerprint="other") != digest_of(made_=BASE)


def test_what_the_store_gets_is_what_was_fitted():
    assert [(r.channel, r.language, r.variant, r.text) for r in BASE.stored()] == [
        ("x", "de", "standard", "de: Ein langer Text über den Regen"),
        ("x", "tr", "standard", "tr: Ein langer Text über den Regen"),
    ]
    assert all(text.rendition.alert == IDENTIFIER for text in BASE.texts)


@pytest.mark.parametrize(
    ("level", "wanted", "goes"),
    [
        ("drafted", "drafted", True),
        ("drafted", "reviewed", False),
        ("reviewed", "reviewed", True),
        ("reviewed", "approved", False),
        ("approved", "approved", True),
    ],
)
def test_a_text_that_was_not_checked_enough_stays_in_and_says_so(level, wanted, goes):
    of = alert(parameters={PARAMETER_REVIEW: level})
    found = made(of, way("x", review=wanted), offered=("de",))

    assert bool(found.texts) is goes
    if not goes:
        assert found.gaps[0].reason == f"the text is {level}, and this channel wants {wanted} ones"


@pytest.mark.parametrize(
    ("mode", "status", "shows", "goes"),
    [
        (Mode.LIVE, Status.ACTUAL, True, True),
        (Mode.LIVE, Status.ACTUAL, False, False),
        (Mode.EXERCISE, Status.EXERCISE, False, True),
    ],
)
def test_without_a_word_of_the_city_a_draft_goes_only_where_readers_are_told(
    mode, status, shows, goes
):
    of = alert(status=status, parameters={PARAMETER_REVIEW: "drafted"})
    found = made(of, way("x", mode, opened(shows_review=shows)), offered=("de",))

    assert bool(found.texts) is goes
    assert bool(found.gaps) is not goes


# ---- texts side by side -------------------------------------------------------------------------


class Narrow(RecordingChannel):
    """Carries one text, and goes to the whole network."""

    wide = ""

    def arrange(self, of, texts):
        problem = Problem(texts[-1][0].language, "only one text fits")
        left_out = dict.fromkeys(range(1, len(texts)), problem)
        return Arrangement(left_out=left_out, notes=("15 minutes",), wider=self.wide)


def narrow(wide=""):
    channel = Narrow.kind_of("narrow")(env(Path("unused")))
    channel.wide = wide
    return channel


def test_a_text_that_has_no_room_beside_the_others_is_a_gap_with_its_reason():
    found = made(alert(), way("x", channel=narrow()))

    assert [t.rendition.language for t in found.texts] == ["de"]
    assert [(g.channel, g.language, g.reason) for g in found.gaps] == [
        ("x", "tr", "only one text fits")
    ]
    assert found.sends[0].items == (("de", "standard"),)
    assert found.notes == {"x": ("15 minutes",)}


def test_a_channel_that_reaches_further_than_asked_needs_a_consent_and_stops_no_other():
    both = (way("x", channel=narrow("goes everywhere")), way("y"))
    silent = made(alert(), *both)
    consented = plan.make(
        alert(), {"x": "", "y": ""}, ways(*both), render, LANGUAGES, wider=frozenset({"x"})
    )

    assert silent.reached == {"y"}
    assert silent.wider == consented.wider == {"x": "goes everywhere"}
    assert "goes everywhere" in silent.gaps[-1].reason
    assert consented.reached == {"x", "y"}
    assert digest_of(made_=silent) != digest_of(made_=consented)


def test_a_channel_that_cannot_arrange_an_alert_silences_no_other():
    class Unable(RecordingChannel):
        def arrange(self, of, texts):
            raise Unsupported(Problem("severity", "no identifier for severity Unknown"))

    unable = Unable.kind_of("unable")(env(Path("unused")))
    found = made(alert(), way("x", channel=unable), way("y"))

    assert found.reached == {"y"}
    assert [(g.channel, g.reason) for g in found.gaps] == [
        ("x", "no identifier for severity Unknown")
    ]


def test_an_end_that_a_channel_cannot_tell_is_said_to_leave_the_old_text():
    of = alert(msg_type=MsgType.CANCEL)
    nothing = way("x", channel=opened(limit=1))
    found = plan.make(of, {"x": ""}, ways(nothing), render, LANGUAGES, went=frozenset({"x"}))

    assert found.sends == ()
    assert "stays until it ends by itself" in found.gaps[-1].reason
