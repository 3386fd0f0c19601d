"""What a sign-up form means, whom it may cost a code, and what a token is worth."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.app.signup import PER_CALLER, Callers, household
from broadcaster.app.signup_form import (
    ANSWER_WRONG,
    COUNTRY_WRONG,
    NO_DANGER,
    NO_PLACE,
    NUMBER_WRONG,
    Form,
    Mistake,
    Offer,
    answered,
    digits,
    mobile,
    read,
)
from broadcaster.app.tokens import Signer
from broadcaster.store.port import Subscription

NOON = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
PHONE = "+4917139200012"
SUM = {"first": 3, "second": 4}
OFFER = Offer(
    channel="texts",
    texts=(("de", "short"), ("de", "plain"), ("tr", "short")),
    areas=("hoerde", "eving"),
    hazards=("flood", "heat"),
    countries=("DE",),
)


class Time:
    instant = NOON

    def now(self) -> datetime:
        return self.instant


# Numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        "+49 171 39200012",
        "0171 39200012",
        "0049 171 39200012",
        "+49 (0)171 392-000-12",
        "4917139200012",
        " 49 171 39200012 ",
        "+٤٩ ١٧١ ٣٩٢٠٠٠١٢",
        "＋４９１７１３９２０００１２",
    ],
)
def test_a_mobile_number_is_understood_however_people_write_it(written: str) -> None:
    assert mobile(written, ["DE"]) == (PHONE, "")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "hello",
        "112",
        "110",
        "0231 50-0",
        "+49 30 23125000",
        "0800 1234567",
        "0900 1234567",
        "+49 171",
        "+49 171 39200012 ext. 5",
        "+",
        "0" * 60,
    ],
)
def test_what_no_sms_reaches_is_no_mobile_number(written: str) -> None:
    assert mobile(written, ["DE"]) == ("", NUMBER_WRONG)


def test_only_numbers_of_the_countries_allowed_are_taken() -> None:
    dutch = "+31 6 12345678"
    assert mobile(dutch, ["DE"]) == ("", COUNTRY_WRONG)
    assert mobile("31612345678", ["DE"]) == ("", COUNTRY_WRONG)
    assert mobile(dutch, ["DE", "NL"]) == ("+31612345678", "")
    assert mobile("06 12345678", ["NL", "DE"]) == ("+31612345678", "")


@given(st.text(max_size=40))
def test_whatever_is_typed_gives_a_number_or_a_sentence_never_both(text: str) -> None:
    number, wrong = mobile(text, ["DE"])
    assert bool(number) != bool(wrong)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("123 456", "123456"),
        ("١٢٣٤٥٦", "123456"),
        ("१२-३४", "1234"),
        ("12a", ""),
        ("", ""),
        ("²", ""),
    ],
)
def test_digits_of_every_script_are_read_and_nothing_else_is(written: str, means: str) -> None:
    assert digits(written) == means


# The form ------------------------------------------------------------------------------------


def test_a_form_filled_in_well_is_a_subscription() -> None:
    form = Form(
        number="0171 39200012",
        text="tr/short",
        where="some",
        areas=("eving", "hoerde"),
        what="some",
        hazards=("heat",),
        level="3",
        night=True,
        answer=" 7 ",
    )
    assert read(form, OFFER, SUM) == (
        Subscription(
            address=PHONE,
            language="tr",
            variant="short",
            areas=("hoerde", "eving"),
            hazards=("heat",),
            minimum=3,
            quiet=True,
        ),
        (),
    )


def test_every_mistake_is_told_at_once_in_the_order_of_the_fields() -> None:
    form = Form(number="112", where="some", what="some", answer="8", text="xx/loud", level="9")
    assert read(form, OFFER, SUM) == (
        None,
        (
            Mistake("number", NUMBER_WRONG),
            Mistake("area", NO_PLACE),
            Mistake("hazard", NO_DANGER),
            Mistake("answer", ANSWER_WRONG),
        ),
    )


def test_boxes_that_were_ticked_before_all_was_chosen_do_not_count() -> None:
    form = Form(number=PHONE, text="de/short", areas=("eving",), hazards=("heat",), answer="7")
    wish, _ = read(form, OFFER, SUM)
    assert wish is not None
    assert (wish.areas, wish.hazards) == ((), ())


@pytest.mark.parametrize(
    "form",
    [
        Form(number=PHONE, text="xx/loud", answer="7"),
        Form(number=PHONE, text="", answer="7", level="extreme"),
        Form(number=PHONE, text="de/spoken", answer="7", level="0"),
    ],
)
def test_what_no_form_of_ours_offers_becomes_the_usual(form: Form) -> None:
    wish, mistakes = read(form, OFFER, SUM)
    assert mistakes == ()
    assert wish is not None
    assert (wish.language, wish.variant, wish.minimum) == ("de", "short", 2)


def test_places_and_dangers_that_are_not_offered_are_none_at_all() -> None:
    form = Form(number=PHONE, where="some", areas=("atlantis",), answer="7")
    assert read(form, OFFER, SUM) == (None, (Mistake("area", NO_PLACE),))


@pytest.mark.parametrize(
    ("answer", "right"), [("7", True), ("٧", True), ("07", True), ("8", False), ("", False)]
)
def test_the_sum_may_be_written_in_any_script(answer: str, right: bool) -> None:
    assert answered(answer, SUM) is right


def test_a_question_that_was_not_ours_or_is_too_old_has_no_right_answer() -> None:
    assert not answered("7", None)
    assert not answered("None", None)


# Callers -------------------------------------------------------------------------------------


def test_one_caller_may_ask_so_often_within_an_hour_and_then_again() -> None:
    time = Time()
    callers = Callers(time, random.Random(1))
    assert [callers.may("192.0.2.1") for _ in range(PER_CALLER + 1)] == [True] * PER_CALLER + [
        False
    ]
    assert callers.may("192.0.2.2")
    time.instant += timedelta(hours=1)
    assert callers.may("192.0.2.1")


def test_who_asked_is_kept_only_as_a_hash_whose_salt_changes_daily() -> None:
    time = Time()
    callers = Callers(time, random.Random(1))
    callers.may("192.0.2.1")
    (today,) = callers._seen
    time.instant += timedelta(days=1)
    callers.may("192.0.2.1")
    (tomorrow,) = callers._seen
    assert today != tomorrow
    assert len(today) == 16
    assert b"192" not in today + tomorrow


def test_a_household_is_one_ipv4_address_or_one_ipv6_network() -> None:
    assert household("2001:db8:1:2::1") == household("2001:db8:1:2:ffff::9")
    assert household("2001:db8:1:2::1") != household("2001:db8:1:3::1")
    assert household("::ffff:192.0.2.1") == household("192.0.2.1") == "192.0.2.1"
    assert household("unix socket") == "unix socket"


# Tokens --------------------------------------------------------------------------------------

SIGNER = Signer(b"s" * 32)


def test_a_token_gives_back_what_was_signed_until_its_time_is_over() -> None:
    token = SIGNER.sign("question", SUM, NOON, timedelta(minutes=10))
    assert SIGNER.open("question", token, NOON + timedelta(minutes=9, seconds=59)) == SUM
    assert SIGNER.open("question", token, NOON + timedelta(minutes=10)) is None


def test_a_token_is_worth_nothing_for_another_purpose_or_under_another_key() -> None:
    token = SIGNER.sign("order", {"id": "00"}, NOON, timedelta(minutes=10))
    assert SIGNER.open("leave", token, NOON) is None
    assert Signer(b"t" * 32).open("order", token, NOON) is None


@given(st.data())
def test_a_token_of_which_any_bit_was_changed_is_not_ours(data: st.DataObject) -> None:
    import base64

    token = SIGNER.sign("question", SUM, NOON, timedelta(minutes=10))
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    forged = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")
    assert SIGNER.open("question", forged, NOON) is None


@given(st.text(max_size=600))
def test_no_text_that_was_not_signed_opens(text: str) -> None:
    assert SIGNER.open("question", text, NOON) is None


def test_digests_of_different_lists_differ_though_their_octets_are_the_same() -> None:
    assert SIGNER.digest("code", b"ab", b"c") != SIGNER.digest("code", b"a", b"bc")
