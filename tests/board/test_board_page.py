"""What the page must do, in a real browser against the fake board. Tests are named after what people must see."""
import json
import re
import urllib.request

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import desk
from fake_board import iso


def clock(key, due, state="pending", **more):
    ticket, target, n = (key.split("|") + ["resolution", "1"])[:3] if "|" in key else (key, "resolution", 1)
    return {"key": f"{ticket}|{target}|{n}", "ticket_id": ticket, "target": target, "n": int(n), "state": state, "due_at": iso(due), "left_us": None,
            "project": "lakeside", "team": "repairs", "owner": "li.na", "priority": "2", "category": "repair/water", **more}


def breach(ticket, at, state="breached", **more):
    return {"key": f"alert-{ticket}", "ticket_id": ticket, "target": "resolution", "n": 1, "state": state, "kind": "deadline", "due_at": iso(at), "breached_at": iso(at),
            "detected_at": iso(at + 0.2), "unconfirmed": False, "owner": "li.na", "project": "lakeside", "team": "repairs", "acked": False, **more}


def busy(board, few=False):
    desk.fill(board, few=few)


def seconds_of(text):
    sign = -1 if text.startswith("\u2212") else 1
    total = 0
    for part in text.lstrip("\u2212").split(":"):
        total = total * 60 + int(part)
    return sign * total


def tickets(page, table="clocks"):
    return page.texts(f"#{table} tbody .ticket")


def settled(page):
    """The page has the snapshot."""
    page.until(lambda: page.text(".fresh strong") in ("Live", "实时"), "the page is not live")
    page.until(lambda: page.text(".complete") not in ("completeness of events unknown", "事件完整性未知"), "no snapshot")


# -- 1: clocks that run ------------------------------------------------------------------------------------------------------

def test_clocks_count_down_from_the_deadline_by_the_servers_clock(page, board):
    board.skew = -7200 * 3  # the server's clock is not the browser's
    now = board.now()
    board.send(clocks={"set": [clock("T-1", now + 600), clock("T-2", now + 900)]})
    page.get(board.url)
    page.until(lambda: tickets(page) == ["T-1", "T-2"], "no clocks")
    first = seconds_of(page.text("#clocks tbody .left"))
    assert 590 <= first <= 600
    page.until(lambda: seconds_of(page.text("#clocks tbody .left")) < first, "the clock does not run")
    row = page.texts("#clocks tbody tr:first-child > *")
    assert row[0] == "running" and row[3:] == ["T-1", "resolution", "lakeside", "repairs", "li.na", "2"]


def test_the_soonest_deadline_is_first_and_breached_clocks_before_it(page, board):
    now = board.now()
    board.send(clocks={"set": [clock("T-3", now + 300), clock("T-1", now - 60, "breached"), clock("T-4", now, "paused", due_at=None, left_us=90000000), clock("T-2", now + 100)]})
    page.get(board.url)
    page.until(lambda: tickets(page) == ["T-1", "T-2", "T-3", "T-4"], "another order")


def test_a_paused_clock_says_so_and_what_is_left(page, board):
    board.send(clocks={"set": [clock("T-1", 0, "paused", due_at=None, left_us=754000000)]})
    page.get(board.url)
    page.until(lambda: page.texts("#clocks tbody td")[:3] == ["paused", "12:34", "paused"], "it shows something else")


# -- 2: breaches ---------------------------------------------------------------------------------------------------------------

def test_a_deadline_that_passes_is_due_at_once_and_breached_when_the_server_says_so(page, board):
    now = board.now()
    board.send(clocks={"set": [clock("T-1", now + 2.5, "at_risk")]})
    page.get(board.url)
    page.until(lambda: page.text("#clocks tbody .state") == "at risk", "not at risk")
    page.until(lambda: page.text("#clocks tbody .state") == "due", "not due")
    assert "is-due" in page.one("#clocks tbody tr").get_attribute("class")
    board.send(clocks={"set": [clock("T-1", now + 2.5, "breached")]}, breaches={"set": [breach("T-1", now + 2.5)]})
    page.until(lambda: page.text("#clocks tbody .state") == "breached" and tickets(page, "breaches") == ["T-1"], "the breach is not there", seconds=1)


def test_a_voided_breach_is_visibly_taken_back(page, board):
    now = board.now()
    board.send(breaches={"set": [breach("T-1", now - 9), breach("T-2", now - 20)]})
    page.get(board.url)
    page.until(lambda: tickets(page, "breaches") == ["T-1", "T-2"], "no breaches")
    page.until(lambda: page.run("return performance.now()") > 2500, "time")
    board.send(breaches={"set": [breach("T-2", now - 20, "voided")]})
    page.until(lambda: page.texts("#breaches tbody .state .word") == ["breached", "taken back"], "it is not taken back")
    assert tickets(page, "breaches") == ["T-1", "T-2"]
    line = page.run("return getComputedStyle(document.querySelector('#breaches tr.is-voided .ticket')).textDecorationLine")
    assert line == "line-through"
    page.until(lambda: page.text("#news") == "1 taken back: T-2 resolution", "it is not announced")


def test_what_is_unconfirmed_is_marked(page, board):
    board.send(breaches={"set": [breach("T-1", board.now(), unconfirmed=True)]}, totals={"open": 1, "at_risk": 0, "breached": 1, "paused": 0, "unconfirmed": 1})
    page.get(board.url)
    page.until(lambda: page.text("#breaches tbody .unconfirmed") == "unconfirmed" and page.text(".totals .unconfirmed") == "1 unconfirmed", "not marked")


# -- 3: totals, compliance, the day ---------------------------------------------------------------------------------------------

def test_totals_and_compliance_have_numerator_and_denominator(page, board):
    busy(board)
    page.get(board.url)
    page.until(lambda: page.text(".tile.breached .figure") == "4" and page.text(".tile.at_risk .figure") == "7" and page.text(".tile.paused .figure") == "5", "wrong totals")
    first = page.texts("#compliance tbody tr:first-child > *")
    assert first == ["first response", "96.4\u2009%55\u2009/\u200957".replace("\u2009", " "), "▲ 2.6 (93.8 %, 46 / 49)", "96.8 %399 / 412"]


def test_a_share_that_is_not_known_yet_is_no_number(page, board):
    board.send(compliance=[{"target": "arrival", "hour": None, "today": None, "week_ago": None}], day={**board.snapshot["day"], "compliance": [None], "backlog": [None]})
    page.get(board.url)
    page.until(lambda: page.texts("#compliance tbody td") == ["–0 / 0", "–", "–0 / 0"], "not empty")
    assert page.texts("#day figcaption strong") == ["–", "0"]


def test_the_day_has_a_line_for_compliance_and_one_for_the_backlog(page, board):
    busy(board)
    page.get(board.url)
    page.one("#day .line.good")
    lines = page.run("return [...document.querySelectorAll('#day path.line')].map((e) => e.getBBox().width > 0)")
    labels = [e.get_attribute("aria-label") for e in page.all("#day svg")]
    assert lines == [True, True] and labels[0].startswith("Within SLA today, in steps of 15 minutes.") and "highest" in labels[1]


# -- 4: agents, projects, teams ---------------------------------------------------------------------------------------------------

def test_agents_have_all_their_figures_and_can_be_sorted(page, board):
    busy(board)
    page.get(board.url + "/agents")
    page.until(lambda: len(page.all("#agents tbody tr")) == 12, "not all agents")
    heads = page.texts("#agents thead th")
    assert [head.rstrip("▲▼") for head in heads] == ["Agent", "Opened", "Answered", "Resolved", "Within SLA", "Breaches", "Backlog", "Satisfaction", "Resolved, 5 min"]
    assert len(page.all("#agents .spark")) == 12
    page.click("#agents .c-resolved .sort")
    page.until(lambda: page.one("#agents th.c-resolved").get_attribute("aria-sort") == "descending", "not sorted")
    page.until(lambda: (numbers := [int(text) for text in page.texts("#agents td.c-resolved")]) == sorted(numbers, reverse=True), "another order")
    assert page.driver.current_url.endswith("/agents?sort=-resolved")


@pytest.mark.parametrize("name", ["projects", "teams"])
def test_projects_and_teams_have_theirs(page, board, name):
    busy(board)
    page.get(f"{board.url}/{name}")
    page.until(lambda: page.all(f"#{name} tbody tr"), "no rows")
    assert page.texts(f"#{name} thead th")[1:] == ["Open tickets", "Breached", "At risk", "Running", "Paused", "Opened", "Answered", "Resolved", "Within SLA",
                                                  "Breaches", "Satisfaction", "Resolved, 5 min"]
    page.until(lambda: len(page.all(f"#{name} .spark .bars")) == len(page.all(f"#{name} tbody tr")), "no sparklines")
    page.until(lambda: page.all(".as-of"), "it does not say of when the figures are", seconds=20)
    assert page.text(".as-of").startswith("last hour as of "), "the clocks are of just now, what the ledger counted is not"
    key = board.snapshot[name][0]["key"]
    href = page.run("return document.querySelector('tbody td.c-within a').getAttribute('href')")
    assert href == f"/counted?{name[:-1]}={key}&did=within"
    board.lists["counted"] = [{**board.snapshot["clocks"][0], name[:-1]: key, "key": f"{n}|T{n}", "ticket_id": f"T{n}", "counted_at": iso(board.now()), "n": n} for n in (1, 2)]
    page.get(board.url + href)
    page.until(lambda: page.texts("#counted td.c-n") == ["1", "2"], "no list")
    assert page.text(".subtitle") == "within SLA · last hour"
    # Sorted by what the server calls responded.
    page.get(f"{board.url}/{name}")
    page.click(f"#{name} .c-answered .sort")
    page.until(lambda: any(path == f"/api/{name}?sort=-responded" for path, _ in board.requests), "another order")


def test_projects_without_a_ledger_say_so(page, board):
    """And figures that are old say how old."""
    busy(board)
    board.send(read={"agents": iso(board.now() - 40), "groups": iso(board.now() - 120), "ledger": None})
    page.get(board.url)
    page.until(lambda: page.texts("#projects .as-of") and page.text("#projects .as-of").endswith("last hour unknown: the ledger is not refreshed"), "no word of it")
    assert page.text("#projects .as-of").startswith("clocks as of ") and page.text("#agents .as-of").startswith("as of ")
    assert set(page.texts("#projects td.c-resolved")) == {"\u2013"} != set(page.texts("#agents td.c-resolved"))


# -- 5: links and tickets ----------------------------------------------------------------------------------------------------------

def test_each_number_is_a_link_to_its_list(page, board):
    busy(board)
    page.get(board.url)
    page.one("#agents tbody tr")
    bare = page.run("""return [...document.querySelectorAll('.tile .figure, #compliance td, #agents tbody td, #projects tbody td, #teams tbody td')]
        .filter((e) => /[1-9]/.test(e.textContent) && !e.closest('a') && !e.querySelector('a') && !e.matches('.c-spark')).map((e) => e.outerHTML)""")
    assert bare == []
    links = page.run("return [...new Set([...document.querySelectorAll('main a')].map((e) => e.getAttribute('href')))]")
    assert {re.split(r"[?/]", link)[1] for link in links} == {"", "clocks", "breaches", "tickets", "agents", "projects", "teams", "ticket", "counted"}
    page.click(".tile.at_risk a")
    page.until(lambda: page.text("#total") == "7 in all" and set(page.texts("#clocks tbody .state .word")) == {"at risk"}, "another list")


def test_a_ticket_shows_its_clocks_as_pictures_and_its_events_as_text(page, board):
    busy(board)
    page.get(board.url + "/ticket/BX-20260312-0417")
    page.until(lambda: len(page.all(".time-line")) == 3, "no pictures")
    resolution = page.all(".clock")[2]
    kinds = [e.get_attribute("class").split()[1] for e in resolution.find_elements(By.CSS_SELECTOR, ".piece")]
    assert kinds == ["runs", "rests", "runs", "paused", "runs", "late", "rests"]
    labels = [e.get_attribute("class").split()[1] for e in resolution.find_elements(By.CSS_SELECTOR, "g.label")]
    assert labels == ["start", "warned", "breached", "stopped"]
    spoken = resolution.find_element(By.CSS_SELECTOR, "svg.time-line").get_attribute("aria-label")
    assert spoken.startswith("resolution 1: Breached: stopped 37m too late. start ")
    assert "taken back" in page.all(".clock")[1].text
    assert len(page.all("#events tbody tr")) == 7 and "transfer from chen.jing to sun.hao" in page.text("#events")
    assert page.one("#desk").get_attribute("href") == "https://desk.example/t/BX-20260312-0417"


def test_an_unknown_ticket_says_so(page, board):
    page.get(board.url + "/ticket/%E4%B8%8D%20x")
    page.until(lambda: page.text("main .empty") == "No ticket 不 x is known.", "it says nothing")


# -- 6: the address -----------------------------------------------------------------------------------------------------------------

def test_filters_are_in_the_address_and_back_undoes_them(page, board):
    busy(board)
    page.get(board.url)
    settled(page)
    everything = len(tickets(page))
    page.run("const s = document.getElementById('filter-project'); s.value = '=lakeside'; s.dispatchEvent(new Event('change'))")
    page.until(lambda: set(page.texts("#clocks td.c-project")) == {"lakeside"}, "not filtered")
    assert page.driver.current_url == f"{board.url}/?project=lakeside"
    page.one("#filter-q").send_keys("BX")
    page.until(lambda: page.driver.current_url == f"{board.url}/?project=lakeside&q=BX", "the text is not in the address")
    page.until(lambda: all(name.startswith("BX") for name in tickets(page)), "the text does not filter")
    page.driver.back()
    page.until(lambda: len(tickets(page)) == everything and page.run("return document.getElementById('filter-project').value") == "*", "back does not undo it")


def test_a_filtered_board_counts_what_is_filtered(page, board):
    busy(board)
    page.get(board.url + "/?owner=x&state=at_risk")
    page.until(lambda: page.text(".tile.at_risk .figure") == "7" and set(page.texts("#clocks tbody .state .word")) == {"at risk"}, "wrong numbers")


def test_only_language_theme_and_sound_are_remembered(page, board):
    busy(board)
    page.get(board.url + "/?project=lakeside")
    settled(page)
    page.click("#theme")
    page.click("#sound")
    page.click("#language")
    page.until(lambda: page.text("#language") == "English", "still English")
    assert set(page.run("return Object.keys(localStorage)")) == {"kpid.theme", "kpid.sound", "kpid.language"}
    assert page.run("return [sessionStorage.length, document.cookie]") == [0, ""]
    page.get(board.url)
    page.until(lambda: page.text("nav [aria-current]") == "总览" and page.run("return document.documentElement.dataset.theme") == "light", "forgotten")
    assert page.run("return document.getElementById('filter-project').value") == "*"


# -- 7: the wall screen ----------------------------------------------------------------------------------------------------------------

def test_a_wall_screen_has_no_controls_and_turns_pages(page, board):
    busy(board)
    page.get(board.url + "/?tv=1")
    page.until(lambda: page.text("#clocks .pages").startswith("page "), "the rows fit")
    assert page.all("button, select, input, nav") == []
    assert page.run("return document.documentElement.scrollHeight <= innerHeight")
    first = tickets(page)
    page.until(lambda: page.run("const b = document.querySelector('#clocks tbody').lastElementChild.getBoundingClientRect(); return b.bottom <= innerHeight"), "rows are cut")
    page.skip(12)
    page.until(lambda: tickets(page)[:4] == first[:4] and tickets(page)[4:] != first[4:], "the page does not turn")


def test_a_wall_screen_survives_a_mouse_and_a_server_restart(page, board):
    busy(board)
    page.get(board.url + "/?tv=1")
    page.until(lambda: tickets(page), "no rows")
    ActionChains(page.driver).move_to_element(page.one("#clocks tbody tr")).perform()
    board.reset(clocks=[clock("T-9", board.now() + 60)])
    page.until(lambda: tickets(page) == ["T-9"], "it shows the old figures")
    page.until(lambda: page.run("return getComputedStyle(document.documentElement).cursor") == "none", "the pointer stays")


# -- 8: sound, title, icon -------------------------------------------------------------------------------------------------------------

def tones(page):
    return int(page.run("return document.documentElement.dataset.tones ?? 0"))


def past(page):
    """After the first second of a connection, whose messages are about the past."""
    began = page.run("return performance.now()")
    page.until(lambda: page.run("return performance.now()") > began + 1300, "time")


def test_sound_is_off_until_someone_asks_and_then_one_tone_per_batch(page, board):
    now = board.now()
    page.get(board.url)
    settled(page)
    past(page)
    board.send(breaches={"set": [breach("T-0", now)]})
    page.until(lambda: tickets(page, "breaches"), "no breach")
    assert tones(page) == 0
    page.click("#sound")
    page.until(lambda: tones(page) == 1, "no tone on asking for it")
    page.click("#sound-test")
    page.until(lambda: tones(page) == 2, "no test tone")
    board.send(breaches={"set": [breach(f"T-{i}", now) for i in range(1, 6)]})
    page.until(lambda: tones(page) == 3, "no tone for breaches")
    board.send(breaches={"set": [breach("T-6", now)]})
    page.until(lambda: "T-6" in tickets(page, "breaches"), "no breach")
    assert tones(page) == 3, "two tones run into each other"
    board.send(breaches={"set": [breach("T-1", now, "voided")]})
    page.until(lambda: page.all("#breaches .is-voided"), "not taken back")
    assert tones(page) == 3


def test_no_tone_for_what_happened_while_the_connection_was_lost(page, board):
    page.get(board.url)
    settled(page)
    page.click("#sound")
    page.until(lambda: tones(page) == 1, "no tone")
    past(page)
    board.down = True
    board.cut()
    page.until(lambda: len(board.asked("/events")) >= 2, "it does not try again")
    board.send(breaches={"set": [breach("T-1", board.now())]})
    board.down = False
    page.until(lambda: tickets(page, "breaches") == ["T-1"], "it is missing")
    past(page)
    assert tones(page) == 1


def test_a_browser_that_blocks_sound_is_named_and_a_click_unblocks_it(page, board):
    page.get(board.url)
    page.run("localStorage.setItem('kpid.sound', 'on')")
    page.get(board.url)
    page.until(lambda: page.text("#sound-blocked") == "Sound is blocked: click here", "it says nothing")
    page.click("#sound-blocked")
    page.until(lambda: not page.all("#sound-blocked") and tones(page) == 1, "still blocked")


def test_title_and_icon_have_the_number_of_breached_clocks(page, board):
    page.get(board.url)
    settled(page)
    assert page.driver.title == "Board · kpid"
    icon = "return document.querySelector('link[rel=icon]').getAttribute('href')"
    for n, name in ((3, "3"), (12, "9plus"), (0, "0")):
        board.send(totals={**board.snapshot["totals"], "breached": n})
        page.until(lambda n=n: page.driver.title == (f"({n}) Board · kpid" if n else "Board · kpid"), "another title")
        assert page.run(icon) == f"/assets/icon-{name}.svg"
        with urllib.request.urlopen(board.url + page.run(icon)) as answer:
            assert answer.headers["Content-Type"] == "image/svg+xml"


# -- 9: for everyone -------------------------------------------------------------------------------------------------------------------

PLACES = ["/", "/clocks", "/breaches", "/tickets", "/agents", "/projects", "/ticket/BX-20260312-0417", "/?tv=1"]


@pytest.mark.parametrize("theme, language, places", [("light", "en", PLACES), ("dark", "zh", PLACES), ("dark", "en", PLACES[:1]), ("light", "zh", PLACES[:1])])
def test_axe_finds_no_violation(page, board, axe, theme, language, places):
    busy(board, few=True)
    page.theme(theme)
    for place in places:
        page.get(f"{board.url}{place}{'&' if '?' in place else '?'}lang={language}")
        settled(page)
        page.until(lambda: page.all("tbody tr"), f"{place} is empty")
        assert not (faults := page.violations(axe)), f"{place}: {faults}"


@pytest.mark.parametrize("size", [(390, 844), (320, 640)])
def test_a_phone_shows_everything_without_scrolling_sideways(page, board, axe, size):
    busy(board, few=True)
    page.size(*size, mobile=True)
    for place in ("/", "/agents", "/ticket/BX-20260312-0417"):
        page.get(board.url + place)
        settled(page)
        page.until(lambda: page.all("tbody tr"), f"{place} is empty")
        assert page.run("return document.documentElement.scrollWidth <= innerWidth"), place
        assert not (faults := page.violations(axe)), f"{place}: {faults}"


def test_old_figures_pass_axe_too(page, board, axe):
    busy(board, few=True)
    page.get(board.url)
    settled(page)
    board.ticking, board.down = False, True
    page.skip(11)
    page.one("#stale")
    page.until(lambda: page.run("return document.documentElement.classList.contains('old')"), "not grey")
    assert not (faults := page.violations(axe)), faults


def test_no_state_is_shown_by_colour_alone(page, board):
    busy(board)
    page.get(board.url + "/clocks")
    page.until(lambda: len(page.all("#clocks tbody .state")) > 20, "no rows")
    shapes = page.run("""const found = {};
        for (const e of document.querySelectorAll('#clocks tbody .state')) found[e.querySelector('.word').textContent] = e.querySelector('path').getAttribute('d');
        return found""")
    assert set(shapes) == {"breached", "at risk", "running", "paused"} and len(set(shapes.values())) == 4


def focus(page):
    return page.run("const e = document.activeElement; return e.id || e.textContent.trim().slice(0, 40)")


def test_everything_can_be_reached_by_keyboard(page, board):
    busy(board)
    page.get(board.url)
    settled(page)
    keys = lambda *keys: ActionChains(page.driver).send_keys(*keys).perform()
    keys(Keys.TAB)
    assert focus(page) == "Skip to the content"
    wanted = set(page.run("""return [...document.querySelectorAll('a[href], button, select, input')].filter((e) => e.offsetParent || e.closest('.skip'))
        .map((e, i) => { e.dataset.i = i; return i; })"""))
    reached = set()
    for _ in range(len(wanted) + 40):
        reached.add(page.run("const e = document.activeElement; return e.dataset.i === undefined ? null : Number(e.dataset.i)"))
        if wanted <= reached:
            break
        keys(Keys.TAB)
    missed = wanted - reached
    assert len(missed) <= len(wanted) * 0.02, page.run("return [...document.querySelectorAll('[data-i]')].filter((e) => arguments[0].includes(Number(e.dataset.i))).map((e) => e.outerHTML)", list(missed))


def test_arrow_keys_go_from_row_to_row_and_enter_opens_a_ticket(page, board):
    busy(board)
    page.get(board.url)
    settled(page)
    names = tickets(page)
    page.run("document.querySelector('#clocks tbody .ticket').focus()")
    ActionChains(page.driver).send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_UP).perform()
    assert focus(page) == names[1]
    ActionChains(page.driver).send_keys(Keys.ENTER).perform()
    page.until(lambda: page.driver.current_url == f"{board.url}/ticket/{names[1]}", "it does not open")


def test_one_polite_live_region_gathers_the_news(page, board):
    page.get(board.url)
    settled(page)
    past(page)
    assert [e.get_attribute("aria-live") for e in page.all("[aria-live], [role=alert], [role=log]")] == ["polite"]
    now = board.now()
    board.send(breaches={"set": [breach("T-1", now)]})
    page.until(lambda: tickets(page, "breaches") == ["T-1"], "no breach")
    board.send(breaches={"set": [breach("T-2", now)]})
    page.until(lambda: page.text("#news") == "2 new: T-1 resolution, T-2 resolution", "nothing is announced")


def test_the_page_speaks_chinese_and_names_the_zone(page, board):
    busy(board)
    page.get(board.url + "/?lang=zh")
    settled(page)
    assert page.run("return document.documentElement.lang") == "zh-CN"
    assert page.text(".now .zone") == "Asia/Shanghai, UTC+8"
    assert page.text("#clocks h2") == "即将到期" and page.text(".tile.breached .label") == "已超时"
    assert re.search("[a-z]{4}", " ".join(page.texts("h2, thead th, .label, nav a, .filters label > span"))) is None


# -- 10: stale ---------------------------------------------------------------------------------------------------------------------------

def test_the_page_says_when_it_heard_from_the_server_and_how_far_events_are_complete(page, board):
    board.send(fresh={"complete_until": "2026-11-29T04:03:07.123456Z", "state": "behind", "stopped": 2, "lag_messages": 17})
    page.get(board.url)
    page.until(lambda: page.text(".heard") == "heard from the server 0 s ago", "it does not say when")
    page.until(lambda: re.search(r"12:03(:07)?, 2 sources stopped, 17 messages behind$", page.text(".complete")), "it does not say how far")
    assert page.text(".fresh strong") == "kpid is behind"


def test_the_page_is_not_live_before_its_first_figures(page, board):
    """The server is there, but has not read the database yet."""
    board.reset(fresh=None)
    page.get(board.url)
    page.until(lambda: page.text(".heard") == "heard from the server 0 s ago", "it has heard nothing")
    assert page.text(".fresh strong") == "Connecting"
    board.send(fresh={"complete_until": None, "state": "ok", "stopped": 0, "lag_messages": 0, "lag_unknown": 0})
    page.until(lambda: page.text(".fresh strong") == "Live", "it is not live")


def test_a_lag_with_unknown_parts_is_not_shown_as_if_it_were_whole(page, board):
    fresh = {"complete_until": "2026-11-29T04:03:07.123456Z", "state": "behind", "stopped": 0, "lag_unknown": 2}
    board.send(fresh=fresh | {"lag_messages": 17})
    page.get(board.url)
    page.until(lambda: "at least 17 messages behind" in page.text(".complete"), "17 are shown as all")
    board.send(fresh=fresh | {"lag_messages": None})
    page.until(lambda: "messages behind: unknown" in page.text(".complete"), "it does not say that it does not know")


def test_after_ten_seconds_of_silence_there_is_a_banner_and_the_figures_are_grey(page, board):
    busy(board)
    page.get(board.url)
    settled(page)
    board.ticking, board.down = False, True
    page.skip(8)
    assert not page.all("#stale")
    page.skip(3)
    page.until(lambda: re.fullmatch(r"These figures are old: the page last heard from the server 1[1-4] s ago\.", page.text("#stale")), "no banner")
    assert "grayscale" in page.run("return getComputedStyle(document.querySelector('main')).filter")
    page.until(lambda: "old" in page.text("#news"), "it is not announced")
    assert page.driver.title == "Board · kpid"
    board.ticking, board.down = True, False
    page.until(lambda: not page.all("#stale") and page.text(".fresh strong") == "Live", "it does not recover")
    page.until(lambda: page.text("#news") == "The page hears from the server again.", "the recovery is not announced")


def test_a_database_that_is_away_makes_the_figures_old(page, board):
    page.get(board.url)
    settled(page)
    board.away = 12
    board.send(fresh={**board.snapshot["fresh"], "state": "away"})
    page.until(lambda: page.text("#stale").startswith("The database does not answer: these figures are of "), "no banner")


# -- 11: lost connections, several tabs ---------------------------------------------------------------------------------------------------

def test_after_a_lost_connection_nothing_is_missing_and_nothing_doubled(page, board):
    now = board.now()
    board.send(breaches={"set": [breach("T-1", now)]})
    page.get(board.url)
    page.until(lambda: tickets(page, "breaches") == ["T-1"], "no breach")
    board.down = True
    board.cut()
    board.send(breaches={"set": [breach("T-2", now)]})
    at = f"{board.boot}-"
    board.send(breaches={"del": ["alert-T-1"]})
    board.down = False
    page.until(lambda: tickets(page, "breaches") == ["T-2"], "something is missing or doubled")
    asked = board.asked("/events")
    assert "Last-Event-ID" not in asked[0] and asked[-1]["Last-Event-ID"].startswith(at)


def test_another_server_process_sends_one_snapshot(page, board):
    busy(board)
    page.get(board.url)
    page.until(lambda: len(tickets(page)) > 5, "no clocks")
    board.reset(clocks=[clock("T-1", board.now() + 60)])
    page.until(lambda: tickets(page) == ["T-1"], "rows of the former process remain")


def test_a_missing_delta_makes_the_page_ask_for_all(page, board):
    page.get(board.url)
    settled(page)
    with board.lock:
        board.seq += 5
        board.snapshot["clocks"] = [clock("T-1", board.now() + 60)]
    board.send()
    page.until(lambda: tickets(page) == ["T-1"], "it goes on with a hole")
    assert "Last-Event-ID" not in board.asked("/events")[-1]


def open_tab(page, url):
    page.driver.switch_to.new_window("tab")
    page.get(url)
    return page.driver.current_window_handle


def test_one_stream_however_many_tabs(page, board):
    page.get(board.url)
    settled(page)
    first = page.driver.current_window_handle
    second = open_tab(page, board.url + "/?lang=zh")
    settled(page)
    open_tab(page, board.url)
    settled(page)
    board.send(clocks={"set": [clock("T-1", board.now() + 60)]}, totals={**board.snapshot["totals"], "breached": 3})
    titles = lambda: [tab["title"] for tab in page.driver.execute_cdp_cmd("Target.getTargets", {})["targetInfos"] if tab["type"] == "page"]
    page.until(lambda: sorted(titles()) == sorted(["(3) Board · kpid", "(3) Board · kpid", "(3) 总览 · kpid"]), "a tab in the background does not follow")
    for handle in (first, second):
        page.driver.switch_to.window(handle)
        page.until(lambda: tickets(page) == ["T-1"], "a tab does not follow")
    assert (board.streams, len(board.asked("/events"))) == (1, 1)


def test_when_the_leading_tab_closes_another_goes_on_where_it_was(page, board):
    page.get(board.url)
    settled(page)
    first = page.driver.current_window_handle
    second = open_tab(page, board.url)
    settled(page)
    page.driver.switch_to.window(first)
    page.driver.close()
    page.driver.switch_to.window(second)
    board.send(clocks={"set": [clock("T-1", board.now() + 60)]})
    page.until(lambda: tickets(page) == ["T-1"], "nobody leads")
    page.until(lambda: board.streams == 1, "two streams")
    assert board.asked("/events")[-1]["Last-Event-ID"].startswith(board.boot)


@pytest.mark.parametrize("lost", ["locks", "channel"])
def test_it_works_where_a_browser_has_no_locks_or_no_channel(page, board, lost):
    """Web Locks need HTTPS or this machine."""
    source = {"locks": "delete Navigator.prototype.locks;", "channel": "delete window.BroadcastChannel;"}[lost]
    script = page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": source})
    try:
        page.get(board.url)
        settled(page)
        board.send(clocks={"set": [clock("T-1", board.now() + 60)]})
        page.until(lambda: tickets(page) == ["T-1"], "no rows")
        assert board.streams == 1
    finally:
        page.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


@pytest.mark.parametrize("name", ["sse.mjs", "board.css"])
def test_a_file_of_the_page_that_does_not_arrive_is_asked_for_again(page, board, name):
    page.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    board.refused[f"/assets/{name}"] = 2
    page.get(board.url)
    page.until(lambda: page.text(".fresh strong") == "Live" and board.refused[f"/assets/{name}"] == 0, "the page stays empty")
    page.until(lambda: page.run("return getComputedStyle(document.body).margin") == "0px", "the page has no style")
    page.errors()  # what was provoked


# -- 12: many rows ---------------------------------------------------------------------------------------------------------------------------

def test_rows_hold_their_order_while_hovered_and_a_pill_counts_new_ones(page, board):
    now = board.now()
    board.send(clocks={"set": [clock(f"T-{i}", now + 600 + i) for i in range(5)]})
    page.get(board.url)
    page.until(lambda: len(tickets(page)) == 5, "no rows")
    before = tickets(page)
    ActionChains(page.driver).move_to_element(page.all("#clocks tbody tr")[2]).perform()
    board.send(clocks={"set": [clock(f"N-{i}", now + 300 + i) for i in range(7)] + [clock("T-4", now + 10)], "del": ["T-0|resolution|1"]})
    page.until(lambda: page.text("#clocks .pill") == "7 new", "no pill")
    assert tickets(page) == before and page.texts("#clocks tr.gone .ticket") == ["T-0"]
    page.click("#clocks .pill")
    after = ["T-4", *(f"N-{i}" for i in range(7)), "T-1", "T-2", "T-3"]
    page.until(lambda: tickets(page) == after and not page.all("#clocks .pill"), "the pill does not show them")


def test_rows_hold_their_order_while_one_has_focus(page, board):
    now = board.now()
    board.send(clocks={"set": [clock(f"T-{i}", now + 600 + i) for i in range(3)]})
    page.get(board.url)
    page.until(lambda: len(tickets(page)) == 3, "no rows")
    page.run("document.querySelectorAll('#clocks tbody .ticket')[1].focus()")
    board.send(clocks={"set": [clock("N-1", now + 60)]})
    page.until(lambda: page.text("#clocks .pill") == "1 new", "no pill")
    assert tickets(page) == ["T-0", "T-1", "T-2"] and focus(page) == "T-1"
    page.run("document.activeElement.blur()")
    page.until(lambda: tickets(page) == ["N-1", "T-0", "T-1", "T-2"], "it holds on")


def test_a_list_of_many_is_read_page_by_page_with_its_exact_number(page, board):
    now = board.now()
    rows = [clock(f"T-{i}", now + 600 + i) for i in range(100001)]
    board.lists["clocks"] = rows[:-1]
    page.get(board.url + "/clocks")
    page.until(lambda: page.text("#total") == "100 000 in all" and len(page.all("#clocks tbody tr")) == 200, "another number")
    page.click("#more")
    page.until(lambda: len(page.all("#clocks tbody tr")) == 400, "no more rows")
    assert page.texts("#clocks tbody .ticket")[200] == "T-200" and len(set(tickets(page))) == 400
    assert page.text(".panel-foot").startswith("400 of 100 000Show more")
    board.lists["clocks"] = rows
    page.click("#refresh")
    page.until(lambda: page.text("#total") == "100 000+ in all" and len(page.all("#clocks tbody tr")) == 200, "another number")


# -- 13: downloads -----------------------------------------------------------------------------------------------------------------------------

def test_each_list_can_be_downloaded_as_it_is_filtered(page, board):
    busy(board)
    for name in ("clocks", "breaches", "tickets", "agents", "projects", "teams"):
        page.get(f"{board.url}/{name}?project=lakeside")
        page.until(lambda: page.all(".downloads a"), "no downloads")
        links = [e.get_attribute("href") for e in page.all(".downloads a")]
        assert links == [f"{board.url}/api/{name}.csv?project=lakeside", f"{board.url}/api/{name}.json?project=lakeside"]
    with urllib.request.urlopen(links[1]) as answer:
        assert isinstance(json.load(answer), list)


# -- 14: acknowledging ---------------------------------------------------------------------------------------------------------------------------

def test_without_a_name_from_the_proxy_nothing_can_be_acknowledged(page, board):
    board.send(breaches={"set": [breach("T-1", board.now())]})
    page.get(board.url + "/breaches")
    page.until(lambda: tickets(page, "breaches"), "no breach")
    assert page.all("#breaches button") == []


def test_a_breach_is_acknowledged_with_a_reason_and_taken_back(page, board, axe):
    board.config.update(ack=True, csrf="token-1")
    board.send(breaches={"set": [breach("T-1", board.now())]})
    page.get(board.url + "/breaches")
    page.until(lambda: page.texts("#breaches .c-ack button") == ["Acknowledge"], "no button")
    page.click("#breaches .c-ack button")
    page.until(lambda: page.run("return document.activeElement.name") == "why", "the reason has no focus")
    assert not (faults := page.violations(axe)), faults
    page.one("dialog input").send_keys("fail", Keys.ENTER)
    page.until(lambda: "it is resolved by now" in page.text("dialog .error"), "no error")
    page.one("dialog input").send_keys(Keys.CONTROL, "a")
    page.one("dialog input").send_keys("a spare part is on its way", Keys.ENTER)
    page.until(lambda: page.text("#breaches tbody .state") == "acknowledged" and not page.all("dialog"), "not acknowledged")
    assert board.acks[-1] == ({"alert_id": "alert-T-1", "why": "a spare part is on its way", "undo": False}, "token-1")
    page.click("#breaches .c-ack button")
    page.one("dialog input").send_keys("wrong one", Keys.ENTER)
    page.until(lambda: page.text("#breaches tbody .state") == "breached", "not taken back")
    assert board.acks[-1][0]["undo"] is True
    page.click("#breaches .c-ack button")
    page.one("dialog input").send_keys(Keys.ESCAPE)
    page.until(lambda: not page.all("dialog"), "Escape does not close it")


# -- what a page must not do ---------------------------------------------------------------------------------------------------------------------

def test_names_from_events_are_text_and_never_markup(page, board):
    evil = "<img src=x onerror=\"document.title='hacked'\">"
    now = board.now()
    board.send(clocks={"set": [clock(evil.replace("|", ""), now + 60, project=evil, owner=evil, category=evil)]}, breaches={"set": [breach(evil, now, owner=evil)]})
    page.get(board.url)
    page.until(lambda: tickets(page) == [evil], "another name")
    assert page.all("#page img") == [] and "hacked" not in page.driver.title


def test_nothing_comes_from_another_host(page, board):
    busy(board)
    page.get(board.url)
    settled(page)
    hosts = page.run("return [...new Set(performance.getEntriesByType('resource').map((e) => new URL(e.name).origin))]")
    assert hosts == [board.url]
