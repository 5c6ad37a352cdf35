"""The page's rules without a page: its modules, called in the browser."""
import pytest


@pytest.fixture(scope="module")
def page(chromium, server):
    """Its modules change nothing, so all tests share one load of it."""
    server.reset()
    chromium.get(server.url)
    return chromium


def test_what_is_left_of_a_clock_is_shown_until_it_is_over(page):
    words = {"day": "d", "hour": "h"}
    cases = {1: "0:01", 999: "0:01", 1000: "0:01", 1001: "0:02", 0: "0:00", -1: "0:00", -1000: "−0:01", 1498000: "24:58", 5945000: "1:39:05", -260000: "−4:20",
             187200000: "2d 04h"}
    assert page.module("format.mjs", "return args[0].map((ms) => m.leftText(ms, args[1]))", list(cases), words) == list(cases.values())


def test_a_share_is_100_percent_only_if_all_were_within(page):
    assert page.module("format.mjs", "return [[1999, 2000], [2000, 2000], [0, 7], [0, 0]].map(([a, b]) => m.percentText(a, b))") == [
        "99.9\u2009%", "100.0\u2009%", "0.0\u2009%", "–"]


def test_times_are_in_the_zone_of_the_report(page):
    script = "const z = new m.Zone(args[0]); return [z.full(args[1]), z.label(args[1]), z.offset(args[1])]"
    at = 1774483200123  # 2026-03-26T00:00:00.123Z
    assert page.module("format.mjs", script, "Asia/Shanghai", at) == ["2026-03-26 08:00:00", "Asia/Shanghai, UTC+8", 28800000]
    assert page.module("format.mjs", script, "America/New_York", at) == ["2026-03-25 20:00:00", "America/New_York, UTC−4", -14400000]
    assert page.module("format.mjs", script, "Asia/Kathmandu", at)[1] == "Asia/Kathmandu, UTC+5:45"
    assert page.module("format.mjs", script, "No/Such", at)[1] == "UTC"


def test_the_servers_clock_is_that_of_the_fastest_message(page):
    script = "const c = new m.ServerClock(); for (const [server, local] of args[0]) c.hear(server, local); return c.now(args[1])"
    assert page.module("format.mjs", script, [[1000000, 100], [1000400, 700], [1001000, 1100]], 2000) == 1001900
    # The server's clock was set back by an hour.
    assert page.module("format.mjs", script, [[9000000, 100], [5400000, 200]], 300) == 5400100


def test_the_stream_is_read_however_it_is_cut(page):
    text = ":hello\n\nid: a-1\nevent: snapshot\ndata: {\"x\":\ndata: 1}\n\nid: a-2\r\nevent: delta\r\ndata:{}\r\n\r\n"
    script = "const r = new m.EventReader(); return args[0].flatMap((part) => r.push(part)).filter((e) => !e.comment)"
    events = [{"event": "snapshot", "id": "a-1", "data": "{\"x\":\n1}"}, {"event": "delta", "id": "a-2", "data": "{}"}]
    assert page.module("sse.mjs", script, [text]) == events
    assert page.module("sse.mjs", script, list(text.replace("\r", ""))) == events


def test_deltas_change_rows_and_their_order(page):
    script = ("let s = m.stateOf(args[0]); for (const d of args[1]) s = m.withDelta(s, d); return m.snapshotOf(s)")
    snapshot = {"boot": "b", "seq": 4, "totals": {"open": 2}, "clocks": [{"key": "a", "v": 1}, {"key": "b", "v": 1}]}
    deltas = [{"seq": 5, "clocks": {"set": [{"key": "c", "v": 2}, {"key": "a", "v": 2}], "del": ["b"], "order": ["c", "a"]}}, {"seq": 6, "totals": {"open": 3}}]
    after = page.module("state.mjs", script, snapshot, deltas)
    assert after["clocks"] == [{"key": "c", "v": 2}, {"key": "a", "v": 2}]
    assert (after["seq"], after["totals"], after["agents"]) == (6, {"open": 3}, [])


def test_a_known_delta_changes_nothing_and_a_gap_is_seen(page):
    script = "const s = m.stateOf({boot: 'b', seq: 4}); return [m.withDelta(s, {seq: 4}) === s, m.withDelta(s, {seq: 6})]"
    assert page.module("state.mjs", script) == [True, None]


def test_news_are_new_breaches_and_those_taken_back(page):
    script = ("const s = m.stateOf({seq: 1, breaches: args[0]}), t = m.stateOf({seq: 2, breaches: args[1]});"
              "const n = m.newsBetween(s, t); return [n.breached.map((r) => r.key), n.voided.map((r) => r.key), m.newsBetween(null, t)]")
    before = [{"key": "a", "state": "breached"}, {"key": "b", "state": "breached"}, {"key": "c", "state": "voided"}]
    after = [{"key": "d", "state": "breached"}, {"key": "a", "state": "resolved"}, {"key": "b", "state": "voided"}, {"key": "c", "state": "breached"},
             {"key": "e", "state": "voided"}]
    assert page.module("state.mjs", script, before, after) == [["d", "c"], ["b"], {"breached": [], "voided": []}]


def test_held_rows_keep_their_places(page):
    shown = [{"key": "a"}, {"key": "b"}]
    found = page.module("rows.mjs", "return m.held(args[0], args[1])", shown, [{"key": "c"}, {"key": "b", "n": 1}, {"key": "d"}])
    assert found == {"rows": [{"key": "a", "gone": True}, {"key": "b", "n": 1}], "waiting": 2}


def test_many_late_clocks_leave_half_of_the_rows_to_the_next_deadlines(page):
    script = "const rows = (n, state) => Array.from({length: n}, (_, i) => ({key: state[0] + i, state}));" \
             "return args[0].map(([late, ahead, turn]) => { const p = m.pageOfClocks([...rows(late, 'breached'), ...rows(ahead, 'pending')], 4, turn);" \
             " return [p.rows.map((r) => r.key).join(' '), p.page, p.pages]; })"
    cases = {(9, 9, 0): ["b0 b1 p0 p1", 0, 5], (9, 9, 1): ["b2 b3 p2 p3", 1, 5], (1, 9, 0): ["b0 p0 p1 p2", 0, 3], (1, 9, 4): ["b0 p3 p4 p5", 1, 3],
             (9, 1, 0): ["b0 b1 b2 p0", 0, 3], (0, 5, 1): ["p4", 1, 2], (5, 0, 1): ["b4", 1, 2], (0, 0, 7): ["", 0, 1]}
    assert page.module("rows.mjs", script, [list(case) for case in cases]) == list(cases.values())


def test_sorting_puts_missing_values_last(page):
    script = "return args[0].map((sort) => m.sorted(args[1], sort).map((r) => r.k))"
    rows = [{"k": 1, "n": 5}, {"k": 2, "n": None}, {"k": 3, "n": 9}, {"k": 4, "n": 5}]
    assert page.module("rows.mjs", script, ["n", "-n", None], rows) == [[1, 4, 3, 2], [3, 1, 4, 2], [1, 2, 3, 4]]
    assert page.module("rows.mjs", "return [m.nextSort(null, 'n'), m.nextSort('-n', 'n'), m.nextSort('n', 'n'), m.nextSort('-n', 'a', true)]") == ["-n", "n", None, "a"]


def test_the_address_is_the_view(page):
    address = "/clocks?project=A%26B&agent=&q=%E6%B0%B4&sort=-n&lang=zh"
    script = "const [p, q] = args[0].split('?'); const v = m.viewOf(p, q); return [v, m.addressOf(v)]"
    view, again = page.module("view.mjs", script, address)
    assert (view["page"], view["filters"], again) == ("clocks", {"project": "A&B", "agent": "", "q": "水"}, address)
    assert page.module("view.mjs", script, "/ticket/a%2Fb%20%E6%B0%B4?tv=0")[0]["id"] == "a/b 水"
    assert page.module("view.mjs", script, "/nowhere?x=1")[1] == "/"
    # A server may decode the address; a lone % is no error.
    assert page.module("view.mjs", script, "/ticket/100%")[1] == "/ticket/100%25"


def test_a_ticket_in_the_help_desk_is_only_a_web_address(page):
    script = "return args[0].map((p) => m.deskLink(p, 'a/b'))"
    assert page.module("view.mjs", script, ["https://x/{id}?y={id}", "javascript:alert('{id}')", None]) == ["https://x/a%2Fb?y=a%2Fb", None, None]


def test_a_time_line_is_cut_at_the_breach_and_goes_on_to_the_deadline(page):
    clock = {"started_at": "2026-01-01T00:00:00Z", "due_at": "2026-01-01T00:10:00Z", "breached_at": "2026-01-01T00:10:00Z", "stopped_at": "2026-01-01T00:15:00Z",
             "verdict": "breached", "warned_at": "2026-01-01T00:08:00Z",
             "timeline": [{"state": "runs", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:15:00Z"}]}
    script = "const p = m.pictureOf(args[0], {nowMs: args[1], width: 1000, offsetMs: 0}); return [p.pieces.map((x) => x.kind), p.marks.map((x) => x.kind), p]"
    pieces, marks, picture = page.module("timeline.mjs", script, clock, 1767225600000 + 3600000)
    assert (pieces, marks) == (["runs", "late"], ["start", "warned", "breached", "stopped"])
    xs = [piece["x"] for piece in picture["pieces"]]
    assert xs == sorted(xs) and picture["pieces"][0]["x"] + picture["pieces"][0]["width"] == pytest.approx(picture["marks"][2]["x"], abs=0.2)
    running = {**clock, "breached_at": None, "stopped_at": None, "verdict": "pending", "timeline": [
        {"state": "runs", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:02:00Z"},
        {"state": "stands", "reason": "parts", "from": "2026-01-01T00:02:00Z", "to": "2026-01-01T00:03:00Z"},
        {"state": "rests", "from": "2026-01-01T00:03:00Z", "to": "2026-01-01T00:04:00Z"}]}
    pieces, marks, _ = page.module("timeline.mjs", script, running, 1767225600000 + 240000)
    assert (pieces, marks) == (["runs", "paused", "rests", "ahead"], ["start", "now", "warned", "due"])


def test_a_time_line_goes_on_from_the_last_event_until_now(page):
    script = "return args[0].map((clock) => m.piecesOf({started_at: '2026-01-01T00:00:00Z', ...clock}, args[1]).map((p) => `${p.kind} ${(p.to - p.from) / 60000}`).join())"
    runs = [{"state": "runs", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:02:00Z"}]
    pause = [*runs, {"state": "stands", "from": "2026-01-01T00:02:00Z", "to": "2026-01-01T00:03:00Z", "reason": "parts"}]
    clocks = [{"due_at": "2026-01-01T00:10:00Z", "timeline": runs}, {"due_at": "2026-01-01T00:04:00Z", "breached_at": "2026-01-01T00:04:00Z", "timeline": []},
              {"due_at": None, "paused": True, "timeline": pause}, {"due_at": None, "paused": True, "timeline": runs},
              {"due_at": "2026-01-01T00:10:00Z", "time_zone": "Asia/Shanghai", "timeline": runs}]
    found = page.module("timeline.mjs", script, clocks, 1767225600000 + 300000)
    assert found == ["runs 5,ahead 5", "runs 4,late 1", "runs 2,paused 3", "runs 2,paused 3", "runs 2,ahead 8"]


def test_labels_of_a_time_line_do_not_touch(page):
    script = "return m.withLanes([{x: 0, text: 'a'}, {x: 20, text: 'b'}, {x: 500, text: 'c'}, {x: 510, text: 'd'}], 520, () => 60).map((l) => [l.lane, l.left])"
    assert page.module("timeline.mjs", script) == [[0, 0], [1, 0], [0, 460], [1, 460]]


def test_ticks_are_whole_hours_of_the_zone(page):
    script = "return m.ticksOf(args[0], args[0] + 86400000, 8, 19800000).ticks.map((at) => (at + 19800000) % 10800000)"
    assert page.module("timeline.mjs", script, 1767225600000) == [0] * 8


def test_a_line_of_the_day_is_broken_where_nothing_was_measured(page):
    found = page.module("charts.mjs", "return m.lineOf([0, 100, null, 50], {width: 30, height: 10, least: 0, most: 100})")
    assert (found["line"], found["last"]) == ("M0 10L10 0M30 5", [30, 5])
    assert page.module("charts.mjs", "return m.trailing([[1, 2], null, [3, 3]], 2)") == [[1, 2], [1, 2], [3, 3]]


def test_both_languages_have_the_same_words(page):
    script = "const {en, zh} = m.WORDS; const holes = (s) => (s.match(/\\{\\w+\\}/g) ?? []).sort().join(); const keys = new Set([...Object.keys(en), ...Object.keys(zh)]);" \
             "return [...keys].filter((k) => !(k in en) || !(k in zh) || holes(en[k]) !== holes(zh[k]))"
    assert page.module("words.mjs", script) == []
    assert page.module("words.mjs", "return [m.languageOf('zh-CN', 'en'), m.languageOf(null, 'fr', 'en-GB'), m.languageOf('fr')]") == ["zh", "en", "en"]


def test_an_announcement_names_a_few_tickets(page):
    script = "const {speak} = await import('/assets/words.mjs'); return m.sentenceOf(speak('en'), args[0], args[1])"
    rows = [{"ticket_id": f"T-{i}", "target": "arrival"} for i in range(5)]
    found = page.driver.execute_async_script(
        "const done = arguments[2], args = arguments; import('/assets/attention.mjs').then(async (m) => { " + script + " }).then(done)", rows, rows[:1])
    assert found == "5 new: T-0 arrival, T-1 arrival, T-2 arrival and 2 more. 1 taken back: T-0 arrival"
