"""Residents sign up on the web: forms, codes, limits, and nothing that tells on anybody."""

from __future__ import annotations

import html
import re
import statistics
import time as wall
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import apsw
import pytest
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from broadcaster.app import signup_form
from broadcaster.app.signup import CODE_SAYS, PER_CALLER, PER_NUMBER, TRIES
from broadcaster.model.errors import Problem, Transient, Unavailable
from broadcaster.model.rendition import Format, Variant
from broadcaster.server.http import SECURITY, application
from broadcaster.server.site import PublishedSite
from broadcaster.store.port import Subscription
from broadcaster.text.publication import Site, Situation
from broadcaster.text.site import documents
from channels.sms.segments import Alphabet, encode
from tests.unit.server.signup_town import (
    LIBRARY,
    OTHER,
    PHONE,
    ROOT,
    Network,
    Town,
    good,
    hidden,
    led,
    town,
)

CODE_WRONG = "Der Code ist falsch oder zu alt."


async def code_page(at: Town, path: str = "/de/subscribe", **changed: Any) -> str:
    """Order, and the page that waits for the code."""
    answer = await at.order(path, **changed)
    assert answer.status == 303, await answer.text()
    return await at.follow(answer)


async def confirm(at: Town, page: str, code: str, path: str = "/de/subscribe/code") -> Any:
    return await at.post(path, {"token": hidden(page), "code": code})


async def subscribed(at: Town) -> dict[tuple[str, str], int]:
    return dict(await at.store.subscribers("texts"))


def rows(folder: Path, statement: str) -> list[Any]:
    db = apsw.Connection(str(folder / "broadcaster.db"), flags=apsw.SQLITE_OPEN_READONLY)
    found = list(db.execute(statement))
    db.close()
    return found


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def without_tokens(text: str) -> str:
    return re.sub(r'(value=")[\w-]{60,}|(\?t=)[\w-]+', r"\1\2", text)


# The way there and back ------------------------------------------------------------------------


async def test_a_resident_orders_confirms_with_the_code_and_is_subscribed(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        page = await code_page(
            at,
            text="tr/plain",
            where="some",
            area=["dortmund-hoerde", "dortmund-eving"],
            what="some",
            hazard=["flood", "heat"],
            level="3",
            night="1",
        )
        assert await subscribed(at) == {}
        await at.sent()
        ((to, text, language),) = at.network.said
        assert (to, language) == (PHONE, "tr")
        assert "Stadt Dortmund" in text
        answer = await confirm(at, page, at.network.codes()[0])
        assert answer.status == 303
        done = await at.follow(answer)
        assert "Sie bekommen jetzt Warnungen per SMS." in done
        assert await subscribed(at) == {("tr", "plain"): 1}
        found = await at.store.known("texts", PHONE)
        assert found is not None
        assert found[0].wish == Subscription(
            address=PHONE,
            language="tr",
            variant="plain",
            areas=("dortmund-eving", "dortmund-hoerde"),
            hazards=("flood", "heat"),
            minimum=3,
            quiet=True,
        )


async def test_a_resident_ends_the_warnings_with_a_code_and_the_number_is_erased(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:
        wish = Subscription(address=PHONE, language="de", variant="short")
        await at.store.subscribe("texts", [wish], at.time.now())
        page = await code_page(at, "/de/subscribe/end")
        await at.sent()
        answer = await confirm(at, page, at.network.codes()[0], "/de/subscribe/end/code")
        assert answer.status == 303
        done = await at.follow(answer)
        assert "Ihre Nummer wurde gelöscht." in done
        assert await subscribed(at) == {}


@pytest.mark.parametrize("tag", sorted(LIBRARY.languages))
def test_a_code_is_one_segment_and_where_letters_are_wide_two(tag: str) -> None:
    sentences = LIBRARY.catalogue(tag, Variant.STANDARD)
    text = sentences.say(CODE_SAYS, context="sms", code="123456", sender="Stadt Dortmund")
    segments = encode(text, reference=1)
    assert len(segments.parts) <= (1 if segments.alphabet is Alphabet.GSM_7 else 2)


@pytest.mark.parametrize("tag", sorted(LIBRARY.languages))
async def test_every_language_has_every_page(tag: str, tmp_path: Path) -> None:
    say = LIBRARY.context(tag, "standard")["t"]  # type: ignore[arg-type]
    async with town(tmp_path, languages=("de", tag) if tag != "de" else ("de",)) as at:
        form = await at.open(f"/{tag}/subscribe")
        first, second, token = at.signups.question()
        data = {"number": PHONE, "answer": str(first + second), "token": token}
        answer = await at.post(f"/{tag}/subscribe", {**good(form), **data})
        assert answer.status == 303
        code = await at.follow(answer)
        wrong = await (await at.post(f"/{tag}/subscribe", {"number": "112"})).text()
        end = await at.open(f"/{tag}/subscribe/end")
        language = LIBRARY.languages[tag]
        for page in (form, code, wrong, end):
            assert f'dir="{language.direction}"' in page.partition("<head>")[0]
        assert f'<option value="{tag}/short" lang="{tag}"' in form
        assert say("There is a problem") in html.unescape(wrong)
        await at.sent()
        ((_, text, spoken),) = at.network.said
        assert spoken == tag
        assert at.network.codes()[0] in text


async def test_a_page_loaded_again_orders_nothing_twice(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        answer = await at.order()
        for _ in range(3):
            await at.follow(answer)
        await at.sent()
        assert len(at.network.said) == 1


async def test_a_button_pressed_twice_is_confirmed_twice_and_done_once(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        page = await code_page(at)
        await at.sent()
        code = at.network.codes()[0]
        assert (await confirm(at, page, code)).status == 303
        await at.store.unsubscribe("texts", PHONE)
        assert (await confirm(at, page, code)).status == 303
        # The code was used: whoever left meanwhile stays away.
        assert await subscribed(at) == {}


async def test_a_code_in_the_digits_of_another_script_is_right(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        page = await code_page(at)
        await at.sent()
        arabic = at.network.codes()[0].translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩"))
        assert (await confirm(at, page, f" {arabic[:3]} {arabic[3:]} ")).status == 303
        assert await subscribed(at) == {("de", "short"): 1}


# Mistakes --------------------------------------------------------------------------------------


async def test_mistakes_stand_at_the_top_and_at_their_fields_and_values_are_kept(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:
        answer = await at.order(
            number='0231 50 "><b>', where="some", what="some", hazard="flood", answer="1", level="4"
        )
        page = await answer.text()
    assert answer.status == 422
    assert answer.headers["Cache-Control"] == "no-store"
    assert "<title>Es gibt ein Problem" in page
    summary = page[page.index('class="summary"') : page.index("<h1")]
    assert 'tabindex="-1" autofocus' in summary
    assert re.findall(r'href="#(\w+)"', summary) == ["number", "area", "answer"]
    for field in ("number", "area", "answer"):
        assert page.count(f'id="{field}"') == 1
        assert page.count(f'id="{field}-wrong"') == 1
    assert 'aria-describedby="number-hint number-wrong" aria-invalid="true"' in page
    assert 'aria-describedby="area-wrong"' in page
    assert 'value="0231 50 &#34;&gt;&lt;b&gt;"' in page
    assert re.search(r'name="hazard" value="flood" checked', page)
    assert re.search(r'name="level" value="4" checked', page)
    assert re.search(r'name="where" value="some" checked', page)


async def test_a_wrong_code_is_told_at_its_field_and_the_right_one_still_works(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:
        page = await code_page(at)
        await at.sent()
        answer = await confirm(at, page, "000000")
        again = await answer.text()
        assert answer.status == 422
        assert again.count(CODE_WRONG) == 2
        assert (await confirm(at, again, at.network.codes()[0])).status == 303


async def test_after_five_wrong_codes_the_right_one_is_of_no_use(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        page = await code_page(at)
        await at.sent()
        for n in range(TRIES):
            assert (await confirm(at, page, f"00000{n}")).status == 422
        assert (await confirm(at, page, at.network.codes()[0])).status == 422
        assert await subscribed(at) == {}


async def test_a_code_is_good_for_ten_minutes(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        early, late = await code_page(at), await code_page(at)
        await at.sent()
        at.time.turn(minutes=9, seconds=59)
        assert (await confirm(at, early, at.network.codes()[0])).status == 303
        at.time.turn(seconds=1)
        assert (await confirm(at, late, at.network.codes()[1])).status == 422


async def test_a_code_belongs_to_the_page_it_was_asked_on(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        mine = await code_page(at)
        await code_page(at, number=OTHER)
        await at.sent()
        assert (await confirm(at, mine, at.network.codes(OTHER)[0])).status == 422
        end = await code_page(at, "/de/subscribe/end")
        assert (await confirm(at, end, at.network.codes()[0], "/de/subscribe/code")).status == 422


async def test_no_page_says_that_something_was_done_which_was_not(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        for step, home in (
            ("/done", "/de/subscribe"),
            ("/code", "/de/subscribe"),
            ("/end/done", "/de/subscribe/end"),
            ("/end/code?t=abc", "/de/subscribe/end"),
        ):
            answer = await at.client.get(f"/de/subscribe{step}", allow_redirects=False)
            assert answer.status == 303
            assert led(answer).path == home


# Limits ----------------------------------------------------------------------------------------


async def test_one_number_gets_three_codes_a_day_and_nobody_is_told(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        pages = [await code_page(at) for _ in range(PER_NUMBER + 2)]
        await at.sent()
        assert len(at.network.said) == PER_NUMBER
        assert len({without_tokens(page) for page in pages}) == 1
        # What was not sent can be guessed by nobody: its row holds no code at all.
        for guess in at.network.codes():
            assert (await confirm(at, pages[-1], guess)).status == 422
        at.time.turn(days=1, seconds=1)
        await code_page(at)
        await at.sent()
        assert len(at.network.said) == PER_NUMBER + 1


async def test_all_together_get_so_many_codes_an_hour(tmp_path: Path) -> None:
    async with town(tmp_path, per_hour=2) as at:
        for number in (PHONE, OTHER):
            assert (await at.order(number=number)).status == 303
        for number in ("+4917139200056", PHONE):
            answer = await at.order(number=number)
            assert answer.status == 422
            assert "Zu viele Versuche." in await answer.text()
        at.time.turn(hours=1, seconds=1)
        assert (await at.order(number="+4917139200056")).status == 303


async def test_one_caller_asks_so_often_an_hour_whoever_the_proxy_says_it_is(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:

        async def ask(seen: str) -> int:
            return (await at.post("/de/subscribe", await at.form(), X_Forwarded_For=seen)).status

        for n in range(PER_CALLER):
            # Only the last entry is our proxy's; what stands before it, the caller made up.
            assert await ask(f"203.0.113.{n}, 192.0.2.1") == 303
        assert await ask("192.0.2.1") == 422
        assert await ask("192.0.2.2") == 303


async def test_a_question_answered_wrongly_costs_nobody_anything(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        for _ in range(PER_CALLER + 5):
            assert (await at.order(answer="99")).status == 422
        assert (await at.order()).status == 303
        await at.sent()
        assert len(at.network.said) == 1


async def test_a_form_is_good_for_two_hours(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        early, late = await at.form(), await at.form()
        at.time.turn(hours=1, minutes=59)
        assert (await at.post("/de/subscribe", early)).status == 303
        at.time.turn(minutes=1)
        assert (await at.post("/de/subscribe", late)).status == 422


# Nothing is told ---------------------------------------------------------------------------------


async def test_nothing_tells_whether_a_number_is_subscribed(tmp_path: Path) -> None:
    """Neither status, nor headers, nor words; on both forms and on the page behind them."""
    async with town(tmp_path) as at:
        wish = Subscription(address=PHONE, language="de", variant="short")
        await at.store.subscribe("texts", [wish], at.time.now())
        for path in ("/de/subscribe", "/de/subscribe/end"):
            seen = []
            for number in (PHONE, OTHER):
                answer = await at.order(path, number=number)
                kept = {k: v for k, v in answer.headers.items() if k != "Date"}
                page = await at.follow(answer)
                wrong = await confirm(at, page, "000000", path + "/code")
                kept["Location"] = without_tokens(kept["Location"])
                seen.append(
                    (answer.status, kept, without_tokens(page), without_tokens(await wrong.text()))
                )
            assert seen[0] == seen[1]
        await at.sent()
        # Whoever has nothing to leave gets no message either.
        assert [to for to, _, _ in at.network.said] == [PHONE, OTHER, PHONE]


async def test_the_time_an_answer_takes_does_not_depend_on_the_number(tmp_path: Path) -> None:
    """Medians of 40 requests each, in turns: whether a code is sent does not move them apart."""
    async with town(tmp_path) as at:
        known = [f"+4917139201{n:03}" for n in range(40)]
        wishes = [Subscription(address=n, language="de", variant="short") for n in known]
        await at.store.subscribe("texts", wishes, at.time.now())
        took: dict[bool, list[float]] = {True: [], False: []}
        for n, number in enumerate(known):
            for subscribed_, one in ((True, number), (False, f"+4917139202{n:03}")):
                began = wall.perf_counter()
                await at.signups.leave(one, "de", f"192.0.2.{n}")
                took[subscribed_].append(wall.perf_counter() - began)
        medians = [statistics.median(times) for times in took.values()]
        assert max(medians) < 1.5 * min(medians) + 0.002


async def test_neither_number_nor_code_nor_caller_lies_open_in_the_data_folder(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:
        await code_page(at)
        await at.sent()
        code = at.network.codes()[0]
        stored = everything(tmp_path)
        for secret in (PHONE, PHONE[3:], code, "127.0.0.1"):
            assert secret.encode() not in stored


async def test_what_was_typed_is_erased_with_its_code_and_its_count_after_a_day(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:
        await code_page(at)
        at.time.turn(minutes=9)
        await at.signups.sweep()
        assert rows(tmp_path, "SELECT count(*) FROM signup WHERE address<>x''") == [(1,)]
        at.time.turn(minutes=1)
        await at.signups.sweep()
        assert rows(tmp_path, "SELECT address, code, wish FROM signup") == [(b"", b"", "")]
        at.time.turn(days=1)
        await at.signups.sweep()
        assert rows(tmp_path, "SELECT count(*) FROM signup") == [(0,)]


async def test_a_network_that_does_not_answer_is_logged_without_the_number(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with town(tmp_path) as at:
        at.network.trouble = Transient(Problem("texts", "the gateway is away"))
        assert (await at.order()).status == 303
        await at.sent()
    assert "the gateway is away" in caplog.text
    assert PHONE not in caplog.text


async def test_a_bug_in_the_channel_is_logged_without_its_words(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Network):
        async def __call__(self, address: str, *_: Any, **__: Any) -> Any:
            raise ValueError(address)

    async with town(tmp_path) as at:
        at.signups._say = Broken()
        assert (await at.order()).status == 303
        await at.sent()
    assert "ValueError" in caplog.text
    assert PHONE not in caplog.text


# The door ----------------------------------------------------------------------------------------


async def test_pages_are_never_cached_bring_no_script_and_send_forms_home_only(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:
        for path in ("/de/subscribe", "/de/subscribe/end", "/ar/subscribe"):
            answer = await at.client.get(path)
            page = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in answer.headers
            assert "default-src 'none'" in policy
            assert "form-action 'self'" in policy
            assert "unsafe" not in policy
            assert "<script" not in page
            (digest,) = re.findall(r"'sha256-[^']+'", policy)
            assert digest in page.replace("&#39;", "'")
            assert "form-action 'self'" in page.replace("&#39;", "'")


async def test_in_the_daemon_the_form_stands_before_the_site_with_the_headers_of_every_page(
    tmp_path: Path,
) -> None:
    async with town(tmp_path) as at:
        site = PublishedSite(tmp_path / "www")
        whole = application(
            site, site, cast("Any", None), [], "https://warn.example.org", at.door.routes()
        )
        async with TestClient(TestServer(whole)) as client:
            answer = await client.get("/de/subscribe")
            assert answer.status == 200
            for name, value in SECURITY.items():
                assert answer.headers[name] == value
            assert answer.headers["Cache-Control"] == "no-store"
            assert "'sha256-" in answer.headers["Content-Security-Policy"]
            assert (await client.get("/de/subscribe/more")).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Origin": "https://evil.example"},
    ],
)
async def test_a_form_that_another_site_sends_does_nothing(
    headers: dict[str, str], tmp_path: Path
) -> None:
    async with town(tmp_path) as at:
        answer = await at.post("/de/subscribe", await at.form(), **headers)
        assert answer.status == 303
        assert led(answer).path == "/de/subscribe"
        await at.sent()
        assert at.network.said == []


@pytest.mark.parametrize("headers", [{"Sec_Fetch_Site": "same-origin"}, {"Origin": "null"}, {}])
async def test_our_own_form_is_taken_from_new_browsers_and_old(
    headers: dict[str, str], tmp_path: Path
) -> None:
    async with town(tmp_path) as at:
        answer = await at.post("/de/subscribe", await at.form(), **headers)
        assert led(answer).path == "/de/subscribe/code"


async def test_what_is_no_form_of_ours_is_sent_back_to_the_form(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        for data, kind in (
            (b"number=" + b"1" * 20_000, "application/x-www-form-urlencoded"),
            (b'{"number": 1}', "application/json"),
        ):
            answer = await at.client.post(
                "/de/subscribe", data=data, headers={"Content-Type": kind}, allow_redirects=False
            )
            assert answer.status == 303


async def test_where_nothing_can_be_ordered_the_page_says_so(tmp_path: Path) -> None:
    async with town(tmp_path, closed=True) as at:
        for method in ("GET", "POST"):
            async with at.client.request(method, "/de/subscribe") as answer:
                page = await answer.text()
                assert answer.status == 503
                assert "<form" not in page
                assert "zurzeit nicht" in page or "im Moment" in page


class FullDisk:
    async def sign_up(self, *_: Any, **__: Any) -> Any:
        raise Unavailable(Problem("database", "the disk is full"))


async def test_a_store_that_fails_closes_the_page_and_promises_nothing(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        at.signups._store = cast("Any", FullDisk())
        answer = await at.order()
        assert answer.status == 503
        await at.sent()
        assert at.network.said == []


async def test_every_link_of_every_page_leads_to_a_page(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        code = await code_page(at)
        pages = {"code": code, "": await at.open("/de/subscribe")}
        pages["end"] = await at.open("/de/subscribe/end")
        for name, page in pages.items():
            here = at.client.make_url(f"/de/subscribe/{name}".rstrip("/"))
            links = re.findall(r'(?:href|action)="([^"#:]+)"', page)
            assert links
            for link in links:
                path = here.join(URL(link)).path
                if not path.endswith("/index.html"):
                    assert (await at.client.get(path)).status == 200, (name, link)


async def test_a_language_that_is_not_offered_has_no_page(tmp_path: Path) -> None:
    async with town(tmp_path) as at:
        assert (await at.client.get("/fr/subscribe")).status == 404
        assert (await at.client.get("/de/subscribed")).status == 404
        assert (await at.client.head("/de/subscribe")).status == 200


def test_every_sentence_is_one_of_the_catalogue() -> None:
    """None is made up: whoever adds one must have it translated."""
    declared = {(phrase.context, phrase.msgid) for phrase in LIBRARY.phrases}
    sentences = {
        value
        for name, value in vars(signup_form).items()
        if name.isupper() and isinstance(value, str) and " " in value
    }
    assert len(sentences) == 7
    assert {("page", sentence) for sentence in sentences} <= declared
    assert ("sms", CODE_SAYS) in declared
    source = (ROOT / "templates/html/subscribe.html.j2").read_text(encoding="utf-8")
    assert {("page", said) for said in re.findall(r't\("([^"]+)"[),]', source)} <= declared


@pytest.mark.parametrize("offers", [True, False])
def test_the_front_page_links_to_the_form_only_where_there_is_one(offers: bool) -> None:
    """By the whole address, so that the link also works on a mirror and in a saved page."""
    site = Site(
        base_url="https://warn.example.org",
        city="Dortmund",
        sender_name="Stadt Dortmund",
        languages=("de", "ar"),
        source_language="de",
        subscribe=offers,
    )
    situation = Situation(alerts=(), at=datetime(2026, 7, 1, tzinfo=UTC))
    made = {d.path: d.data.decode() for d in documents(situation, LIBRARY, site, {Format.HTML})}
    for tag in site.languages:
        link = f'href="https://warn.example.org/{tag}/subscribe"'
        assert (link in made[f"{tag}/index.html"]) is offers
