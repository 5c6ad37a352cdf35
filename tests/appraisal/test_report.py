"""kpid appraisal report: what the files contain, who can read them, and that nothing in them can harm a reader."""
import base64
import csv
import html
import io
import json
import os
import re
import stat
import subprocess
import sys
from fractions import Fraction

import pytest

import frontdesk
from conftest import ROOT, ledger_row
from frontdesk import AGENTS, COSTLY, EXCLUDED, FEW, KEY
from test_closing import prepare
from test_examples import indicator, met, plan

RESERVED = re.compile(r"<script|javascript:|https?:|//|url\(|@import|\son\w+=", re.I)


@pytest.fixture(scope="module", name="desk")
def fixture_desk(db):
    """The folders of the pages in both languages, and the cards as the database has them."""
    db.rows("CREATE ROLE boss LOGIN IN ROLE kpid_hr; CREATE ROLE judge LOGIN IN ROLE kpid_hr; CREATE ROLE lina LOGIN IN ROLE kpid_agent")
    frontdesk.build(db)
    for language in ("en", "zh"):
        db.kpid("appraisal", "report", KEY, f"pages-{language}", "--lang", language, user="boss")
    yield db
    db.rows("DROP ROLE boss, judge, lina")


def folder(db, language="en"):
    return os.path.join(db.folder, f"pages-{language}")


def read(db, name, language="en"):
    with open(os.path.join(folder(db, language), name), encoding="utf-8", newline="") as file:
        return file.read()


def text_of(page):
    """What a reader sees, without markup and with single spaces."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def links(page):
    """{text: file} of the links of a page."""
    return {html.unescape(text): html.unescape(name) for name, text in re.findall(r'<a href="([^"]*)">(.*?)</a>', page)}


def page_of(db, subject, language="en"):
    return read(db, links(read(db, "index.html"))[subject], language)


def as_json(value):
    return json.dumps(value, default=float)


def cards(db):
    found = db.document("appraisal.closed(%s)", KEY)
    return {(card["level"], card["subject"]): card for one in found["plans"] for card in one["cards"]}


def shown(number):
    return f"{float(number):f}".rstrip("0").rstrip(".")


# ---- files ----

def test_each_subject_has_a_file_that_only_its_writer_may_read(desk):
    names = set(os.listdir(folder(desk)))
    pages = links(read(desk, "index.html"))
    subjects = {subject for _, subject in cards(desk)}
    assert set(pages) == subjects | {"pay", "training", "ranking"}
    assert set(pages.values()) | {"index.html"} == names and len(names) == len(subjects) + 4
    assert all(stat.S_IMODE(os.stat(os.path.join(folder(desk), name)).st_mode) == 0o600 for name in names)
    assert stat.S_IMODE(os.stat(folder(desk)).st_mode) == 0o700
    assert all(re.fullmatch(r"[\w.-]+", name, re.A) for name in names)


def test_a_link_in_place_of_a_page_is_not_followed(desk, tmp_path):
    target = tmp_path / "kept"
    target.write_text("kept")
    os.mkdir(tmp_path / "pages")
    os.symlink(target, tmp_path / "pages" / "agent-li.na.html")
    desk.kpid("appraisal", "report", KEY, str(tmp_path / "pages"), "li.na", user="boss")
    assert target.read_text() == "kept" and "li.na" in (tmp_path / "pages" / "agent-li.na.html").read_text()
    assert os.listdir(tmp_path / "pages") == ["agent-li.na.html"]  # one subject: neither the list of all nor the CSV files


@pytest.mark.parametrize("arguments, status, words", [
    ((KEY,), 2, "too few arguments"), ((KEY, "x", "nobody"), 1, "no such card in 2026-03"), (("2026-13", "x"), 1, "is no period"),
    ((KEY, "x", "--level", "floor"), 2, "--level takes agent, team or project"), ((KEY, "/dev/null/x"), 1, "cannot make the folder"),
    ((KEY, "x", "--json"), 2, "report does not take --json")])
def test_refusals(desk, arguments, status, words):
    assert words in desk.kpid("appraisal", "report", *arguments, user="boss", status=status).stderr


def test_an_agent_writes_no_reports(desk):
    assert "appraisal" in desk.kpid("appraisal", "report", KEY, "x", user="lina", status=4).stderr


def test_a_lead_gets_the_pages_of_his_agents_and_no_coefficients(desk, tmp_path):
    desk.rows("CREATE ROLE max LOGIN IN ROLE kpid_lead; INSERT INTO appraisal.roster (agent_id, role, team_id, login, leads)"
              " VALUES ('agent.max', '', '', 'max', 'lent'), ('li.na', '', 'lent', '', '')")
    try:
        desk.kpid("appraisal", "report", KEY, str(tmp_path), user="max")
    finally:
        desk.rows("DELETE FROM appraisal.roster WHERE 'lent' IN (team_id, leads); DROP ROLE max")
    pages = {"agent-li.na.html", "index.html", "pay.csv", "ranking.csv", "training.csv"}
    assert set(os.listdir(tmp_path)) == pages
    page = text_of((tmp_path / "agent-li.na.html").read_text())
    assert "oefficient" not in page and f"Grade {cards(desk)['agent', 'li.na']['grade']}" in page and "Of 24 scored agents" in page
    (row,) = csv.DictReader(io.StringIO((tmp_path / "pay.csv").read_text().removeprefix("\ufeff")))
    assert (row["subject"], row["coefficient"]) == ("li.na", "")


# ---- what a page says ----

def test_the_page_of_an_agent_has_every_line_of_the_card(desk):
    card, page = cards(desk)["agent", "li.na"], text_of(page_of(desk, "li.na"))
    assert f"Score {shown(card['score'])} between {shown(card['low'])} and {shown(card['high'])} Grade {card['grade']}" in page
    assert f"Coefficient {shown(card['coefficient'])}" in page
    assert f"Rank {card['rank']} of {card['ranked']} between {card['best']} and {card['worst']}, as the intervals allow" in page
    scored = [one for one in card["indicators"] if one["points"] is not None]
    for one in scored:
        base = f" / {shown(one['base'])}" if one["base"] is not None else ""
        assert f" {shown(one['above'])}{base}" in page and f"{shown(one['points'])} / {shown(one['weight'])}" in page
    total = sum(one["points"] for one in scored)
    points, weight = shown(total), shown(card["weight"])
    assert f"{points} points of a weight of {weight}: 100 × {points} / {weight} = {shown(card['base_score'])}" in page
    assert f"points by hand: 1.25, so the score is {shown(card['score'])}" in page
    assert f"Of the weight that counts ({weight}), {shown(card['from_events'])} comes from events" in page


def test_the_page_shows_past_periods_appeals_and_adjustments(desk):
    page = text_of(page_of(desk, "li.na"))
    (digest,), = desk.rows("SELECT encode(digest, 'hex') FROM appraisal.closing WHERE key = %s", KEY)
    assert all(month in page for month in frontdesk.MONTHS) and f"Digest of the closed period: {digest}." in page
    assert frontdesk.APPEAL in page and not [words for words in (
        "accepted by He Lan", "rejected by He Lan", "withdrawn at", "waits for a decision until",
        "It is not final while an appeal is open.", "An appeal against this card can be filed until 20") if words not in page]
    assert f"ticket {EXCLUDED} does not count for resolved in time" in page
    assert "−2.5 points by hand (undone). Why: agreed" in page and "1.25 points by hand. Why: helped the <others>" in page
    assert "closes at the last moment: 15 of" in page  # the flag, which only li.na has
    assert "closes at the last moment: 15 of" not in text_of(page_of(desk, "agent00"))


def test_the_page_says_who_looked(desk, tmp_path):
    desk.kpid("appraisal", "report", KEY, str(tmp_path), "li.na", "--why", "for her <talk>", user="boss")
    page = text_of((tmp_path / "agent-li.na.html").read_text())
    assert re.search(r"Who looked at these results When Login Role What Why 20[\d-]+ [\d:]+ boss kpid_hr appraisal\.report for her <talk> 20", page)


def test_what_costs_most_leaves_out_excluded_tickets(desk):
    page = text_of(page_of(desk, "li.na"))
    part = page[page.index("What costs most"):page.index("Beside the others")]
    assert "resolved in time costs most" in part and f"{COSTLY} 0 / 1" in part and EXCLUDED not in part
    assert "1 / 1" not in part  # what met its target costs nothing


def test_other_persons_are_on_no_page_of_an_agent(desk):
    for agent in (*AGENTS, *FEW):
        page = text_of(page_of(desk, agent))
        assert not [other for other in (*AGENTS, *FEW) if other != agent and other in page], agent


def test_J4_quartiles_from_5_and_funnels_from_20_agents(desk):
    many, few, drawn = text_of(page_of(desk, "agent00")), text_of(page_of(desk, FEW[1])), page_of(desk, "agent00")
    scores = sorted(card["score"] for (level, subject), card in cards(desk).items() if level == "agent" and subject in AGENTS)
    quartiles = [shown(scores[-(-len(scores) * n // 4) - 1]) for n in (1, 2, 3)]
    words = "Of 24 scored agents, a quarter is at or below {}, half at or below {}, three quarters at or below {}."
    assert words.format(*quartiles) in many
    assert drawn.count('<svg class="funnel"') == 3 and drawn.count('<circle class="peer"') == 3 * 24
    assert "only shown if at least 5 agents" in few and "only shown if at least 20 agents" in few
    assert '<svg class="funnel"' not in page_of(desk, FEW[1])


@pytest.mark.parametrize("n, quartiles, funnels", [(4, None, 0), (5, True, 0), (19, True, 0), (20, True, 1)])
def test_J4_bounds(desk, n, quartiles, funnels):
    rules = {"indicators": [indicator()]}
    found = [{"level": "agent", "status": "scored", "score": i,
              "indicators": [{"name": "i", "n": 10, "above": i, "value": Fraction(i, 100)}]} for i in range(n)]
    hidden = [{**found[0], "status": "insufficient"}, {**found[0], "level": "team"}]
    (peers,), = desk.rows("SELECT appraisal.peers(%s::jsonb, %s::jsonb)", as_json(rules), as_json(found + hidden))
    assert (peers["quartiles"] is not None) == bool(quartiles) and len(peers["funnels"]) == funnels and peers["scored"] == n


@pytest.mark.parametrize("score, value, grade, wanted", [
    (92, 0, "A", None), (87.5, 0, "B", {"grade": "A", "points": 2.5}), (95, 5, "C", {"grade": "B", "limits": ["i"]}), (95, 4, "A", None),
    (70, 5, "C", {"grade": "B", "points": 10}), (20, 5, "D", {"grade": "C", "points": 40})])
def test_the_next_grade_or_the_limit_in_the_way(desk, score, value, grade, wanted):
    rules = plan(indicator(better="down", limit={"beyond": 4, "grade": "C"}))
    card = {"score": score, "grade": grade, "indicators": [{"name": "i", "n": 1, "value": value}]}
    assert desk.rows("SELECT appraisal.next_grade(%s::jsonb, %s::jsonb)", as_json(rules), as_json(card)) == [(wanted,)]


def test_the_page_of_a_team_has_its_agents_and_no_coefficients(desk):
    page = page_of(desk, "north")
    rows = re.findall(r"<tr><th scope=\"row\"><a href=\"[^\"]*\">(.*?)</a></th><td>([\d.]+) <strong>(\w+)</strong></td>(.*?)</tr>", page)
    assert {html.unescape(name) for name, *_ in rows} == set(AGENTS[::2])
    assert all(shown(cards(desk)["agent", html.unescape(name)]["score"]) == score for name, score, _, _ in rows)
    for _, _, _, fields in rows:
        found = re.findall(r'<td class="heat(\d)">([▲▼]?).*?<small>([\d.]+) of ([\d.]+)</small></td>', fields)
        assert found
        for heat, mark, points, weight in found:
            share = Fraction(points) / Fraction(weight)
            assert int(heat) == sum(share >= Fraction(least, 100) for least in (50, 70, 85, 95))
            assert mark == {"0": "▼", "4": "▲"}.get(heat, "")
    assert "coefficient" not in page.lower() and "系数" not in page_of(desk, "north", "zh")
    assert "coefficient 1.2" in page_of(desk, "agent00")


def test_a_preview_says_that_it_is_not_final(db, desk, tmp_path):
    minimal, sample = (os.path.join(ROOT, "deploy", "appraisal", name) for name in ("minimal.json", "frontdesk.json"))
    text = db.kpid("appraisal", "report", "last:28d", str(tmp_path), "--plan", minimal, user="boss").stdout
    assert re.fullmatch(r"1 page and 3 lists in .*\n", text)
    assert "There are no cards." in (tmp_path / "index.html").read_text()
    db.kpid("appraisal", "report", KEY, str(tmp_path), "li.na", "--plan", sample, user="boss")
    page = text_of((tmp_path / "agent-li.na.html").read_text())
    assert "Preview, not final: the period has ended and is not closed yet." in page and "that was only tried" in page
    assert f"{EXCLUDED} 0 / 1" in page and "Appeals are possible once the period is closed." in page  # no adjustment is in force here


# ---- nothing in a page can harm a reader ----

@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_have_no_scripts_and_no_outside_addresses(desk, language):
    for name in os.listdir(folder(desk, language)):
        if name.endswith(".html"):
            assert not RESERVED.findall(re.sub(r'aria-label="[^"]*"', "", read(desk, name, language))), name


def test_names_and_texts_of_people_are_escaped(desk):
    page = page_of(desk, AGENTS[2])
    assert "<b>" not in page and html.escape(AGENTS[2], quote=True).replace("&#x27;", "&#39;") in page
    assert "<i>" not in page_of(desk, "li.na") and "&lt;i&gt;out of order&lt;/i&gt;" in page_of(desk, "li.na")


def test_lists_are_safe_in_a_spreadsheet(desk):
    of = cards(desk)
    for name in ("pay.csv", "training.csv", "ranking.csv"):
        text = read(desk, name)
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        assert text.startswith("\ufeffperiod,plan,level,subject,") and text.count("\r\n") == text.count("\n") > len(AGENTS)
        assert not re.search(r'(^|,)"[=+@|%\t-]', text, re.M) and "'=cmd()" in {row["subject"] for row in rows}
        assert {row["period"] for row in rows} == {KEY}
    pay = {row["subject"]: row for row in csv.DictReader(io.StringIO(read(desk, "pay.csv").removeprefix("\ufeff")))}
    assert len(pay) == len(AGENTS) + len(FEW) and {row["level"] for row in pay.values()} == {"agent"}
    card = of["agent", "li.na"]
    assert Fraction(pay["li.na"]["score"]) == card["score"] and Fraction(pay["li.na"]["coefficient"]) == card["coefficient"]
    rows = csv.DictReader(io.StringIO(read(desk, "training.csv").removeprefix("\ufeff")))
    lost = {row["indicator"]: Fraction(row["lost"]) for row in rows if row["subject"] == "li.na"}
    assert lost == {one["name"]: one["weight"] - one["points"] for one in card["indicators"]
                    if one["points"] is not None and one["points"] < one["weight"]}


# ---- in a browser, and on paper ----

PAGES = ("agent-li.na.html", "team-north.html", "project-garden.html", f"agent-{FEW[1]}.html", "index.html")
A4_POINTS = (594.96, 841.92)  # as Chromium rounds it


@pytest.fixture(scope="module", name="chromium")
def fixture_chromium():
    sys.path.insert(0, os.path.join(ROOT, "tests", "board"))
    from browser import Browser
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module", name="axe")
def fixture_axe(chromium):  # pylint: disable=unused-argument
    from browser import axe_core
    return axe_core() or pytest.skip("axe-core is not there: deploy/lib/setup.sh test fetches it")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", PAGES)
def test_pages_in_a_browser(desk, chromium, axe, name, language):
    """Accessible, no wider than a phone and than A4, and printed on A4."""
    chromium.size(1000, 900)
    chromium.get(f"file://{folder(desk, language)}/{name}")
    found = chromium.violations(axe)
    assert not found, found
    chromium.size(360, 900)
    assert chromium.run("return document.documentElement.scrollWidth") <= 360
    chromium.size(680, 900)  # the 180 mm between the margins of A4
    chromium.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    wide = chromium.run("return [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1)"
                        ".map((e) => e.outerHTML.slice(0, 80))")
    assert not wide, wide[:3]
    chromium.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    paper = base64.b64decode(chromium.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"])
    sheets = [tuple(float(n) for n in size.split()[2:]) for size in re.findall(rb"/MediaBox \[([^\]]*)\]", paper)]
    assert sheets and all(abs(n - m) < 0.1 for sheet in sheets for n, m in zip(sheet, A4_POINTS)), sheets
    assert not chromium.errors()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_pages_are_valid_html(desk, language):
    pages = [os.path.join(folder(desk, language), name) for name in PAGES]
    done = subprocess.run(["tidy", "-quiet", "-errors", "-utf8", *pages], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# ---- the table of texts ----

def test_every_text_is_used_and_has_the_same_arguments_in_both_languages():
    with open(os.path.join(ROOT, "daemon", "cli", "report_words.h"), encoding="utf-8") as file:
        table = re.findall(r'X\((\w+),\s*"((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"\)', file.read().replace("\\\n", ""))
    sources = ""
    for name in os.listdir(os.path.join(ROOT, "daemon", "cli")):
        if name.endswith(".c"):
            with open(os.path.join(ROOT, "daemon", "cli", name), encoding="utf-8") as file:
                sources += file.read()
    assert len(table) > 90
    for name, english, chinese in table:
        assert re.search(rf"\bREPORT_{name}\b", sources), f"{name} is not used"
        assert set(re.findall(r"%\d", english)) == set(re.findall(r"%\d", chinese)), name
        assert re.search("[\u4e00-\u9fff]", chinese) or name == "POINTS_OF", name


# ---- two plans of one subject, and groups ----

def test_an_agent_with_two_cards_has_one_page_with_both(db, tmp_path):
    prepare(db, [plan(indicator(), name="urgent", match={"priority": ["1"]}), plan(indicator(), name="other")],
            [met("li", 9, 10, priority="1"), met("li", 5, 10), ledger_row("wang", resolution_measured=3)])
    db.kpid("appraisal", "report", KEY, str(tmp_path))
    page = (tmp_path / "agent-li.html").read_text()
    assert re.findall(r"<h2>(.*?)</h2>", page) == ["urgent", "other"] and page.count("</main>") == 1
    assert sorted(os.listdir(tmp_path)) == ["agent-li.html", "agent-wang.html", "index.html", "pay.csv", "ranking.csv", "training.csv"]
