"""The page of a real kpid board in a real browser: what it shows is what the database has, also after restarts."""
import datetime
import os
import sys
import urllib.parse

import pytest

from daemon import ROOT, event, now, policy
from test_board import ingest, make_board  # noqa: F401 (a fixture)

sys.path.insert(0, os.path.join(ROOT, "tests", "board"))
from browser import Browser  # noqa: E402

# Records, by the page's clock, when a text first was on screen.
WATCH = """
const seen = window.seen = {};
new MutationObserver(() => {
	for (const e of document.querySelectorAll('#breaches tbody .ticket'))
		seen[e.textContent] ??= Date.now();
}).observe(document.body, {childList: true, subtree: true, characterData: true});
"""


@pytest.fixture(scope="module")
def chromium():
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture
def desk(make_board):  # noqa: F811
    """A board over one ticket of each state."""
    board = make_board(policy(first_response="1h", resolution="8h", pause_on=["parts"]))
    ago = [now() - datetime.timedelta(hours=hours) for hours in range(4)]
    ingest(board,
           event("ticket.opened", "T1", ago[3], agent_id="ann", project_id="east", team_id="lifts", priority="1", category="lift"),
           event("ticket.opened", "T2", ago[0], agent_id="bob", project_id="west", category="<b>door</b>"),
           event("ticket.opened", "T3", ago[2], agent_id="ann", project_id="east"),
           event("ticket.responded", "T3", ago[2]), event("ticket.paused", "T3", ago[1], reason="parts"),
           event("ticket.opened", "T/4 ü", ago[2], agent_id="cem"), event("ticket.responded", "T/4 ü", ago[2]),
           event("ticket.resolved", "T/4 ü", ago[0], agent_id="cem"))
    board.start()
    board.wait_read(3)
    return board


@pytest.fixture
def page(chromium, desk):
    """The browser at the board, which has its figures."""
    desk.url = f"http://localhost:{desk.port}"
    chromium.get(desk.url)
    chromium.until(lambda: chromium.all("#clocks tbody tr"), "no clocks")
    chromium.errors()
    yield chromium
    chromium.get("about:blank")


def breach(desk, key, ticket):
    desk.site.rows("""INSERT INTO kpid.alert (alert_id, ticket_id, target, n, revision, state, level, due_at, breached_at, cause, policy, detected_at,
        unconfirmed, delivery)
        VALUES (%s, %s, 'arrival', 1, 1, 'breached', 0, now(), now(), 'deadline', 'p', now(), true, 'off')""", key, ticket)


def test_the_page_shows_what_the_database_has(page, desk):
    rows = [(clock["ticket_id"], clock["target"].replace("_", " ")) for clock in desk.json("/api/now")["clocks"]]
    shown = list(zip(page.texts("#clocks tbody .ticket"), page.texts("#clocks tbody td.c-target")))
    assert len(rows) > 3 and sorted(shown) == sorted(rows)
    assert page.text(".tile.breached .figure") == str(desk.json("/api/now")["totals"]["breached"]) != "0"
    assert set(page.texts("#agents th.c-agent a")) == {"ann", "bob", "cem"}
    assert page.errors() == []


@pytest.mark.parametrize("path, table", [("/clocks?project=east", "clocks"), ("/tickets", "tickets"), ("/agents?sort=-backlog", "agents"),
                                         ("/projects", "projects"), *(
    pytest.param(f"/{table}", table, marks=pytest.mark.long) for table in ("breaches", "teams"))])
def test_each_list_has_the_rows_of_the_server(page, desk, path, table):
    rows = desk.json("/api" + path)
    page.get(desk.url + path)
    page.until(lambda: len(page.all(f"#{table} tbody tr")) == len(rows["rows"]) > 0 and page.text("#total") == f"{rows['total']} in all", "other rows")
    assert page.errors() == []


def test_a_ticket_is_explained(page, desk):
    page.get(f"{desk.url}/ticket/{urllib.parse.quote('T/4 ü', safe='')}")
    page.until(lambda: len(page.all(".time-line")) == 2, "no time lines")
    assert page.texts(".clock .state") == ["met", "met"]
    page.get(f"{desk.url}/ticket/T3")
    page.until(lambda: "paused" in page.texts(".clock .state .word") and page.all(".piece.paused"), "no pause")
    page.get(f"{desk.url}/ticket/T1")
    page.until(lambda: page.texts(".clock .state .word") == ["breached", "running"], "no breach")
    assert page.errors() == []


def test_silence_and_then_a_breach_is_on_screen(page, desk):
    """Prints how long after its row."""
    page.run(WATCH)
    late = []
    for n in range(5):
        breach(desk, f"a{n}", f"S{n}")
        seen = page.until(lambda: page.run("return seen[arguments[0]]", f"S{n}"), "it is not on screen")
        made = desk.site.rows("SELECT extract(epoch FROM detected_at)::float8 FROM report.alert WHERE alert_id = %s", f"a{n}")[0][0]
        late.append(round(seen / 1000 - made, 3))
    print("seconds from row to screen:", late)
    desk.site.rows("UPDATE kpid.alert SET state = 'voided' WHERE alert_id = 'a1'")
    page.until(lambda: page.run("return document.querySelector('#breaches .is-voided .ticket')?.textContent") == "S1", "it is not taken back")


def test_the_page_recovers_from_a_restart_of_the_board(page, desk):
    desk.process.stop(10)
    page.until(lambda: page.text(".fresh strong") == "Reconnecting", "it says that it is live")
    breach(desk, "a1", "S1")
    desk.start()
    page.until(lambda: "S1" in page.texts("#breaches tbody .ticket") and page.text(".fresh strong") == "Live", "it does not recover")


def test_the_page_says_that_the_database_is_away_and_recovers(page, desk):
    desk.site.disconnect()
    desk.pg.stop()
    try:
        page.until(lambda: page.text(".fresh strong") == "Database away", "it says that all is well", seconds=30)
        page.until(lambda: page.text("#stale").startswith("The database does not answer: these figures are of "), "no banner", seconds=30)
        assert page.all("#clocks tbody tr")
    finally:
        desk.pg.start()
    page.until(lambda: page.text(".fresh strong") == "Live" and not page.all("#stale"), "it does not recover", seconds=30)
