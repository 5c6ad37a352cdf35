/* Every word of the page, in English and Chinese: the same keys in both. {name} is replaced. */

const en = {
	name: 'SLA board', skip: 'Skip to the content',
	page_board: 'Board', page_clocks: 'Clocks', page_breaches: 'Breaches', page_tickets: 'Tickets', page_agents: 'Agents',
	page_projects: 'Projects', page_teams: 'Teams', page_ticket: 'Ticket', page_counted: 'Counted',
	views: 'Views', day: 'd', hour: 'h', minute: 'm', second: 's',

	live: 'Live', connecting: 'Connecting', lost: 'Reconnecting', heard: 'heard from the server {n} s ago',
	complete_until: 'events complete until {time}', complete_unknown: 'completeness of events unknown',
	behind: 'kpid is behind', stopped: '{n} sources stopped', lag: '{n} messages behind',
	lag_least: 'at least {n} messages behind', lag_unknown: 'messages behind: unknown',
	stale: 'These figures are old: the page last heard from the server {n} s ago.',
	away: 'The database does not answer: these figures are of {time}.', away_word: 'Database away',
	stale_never: 'The page has not heard from the server yet.', stale_again: 'The page hears from the server again.',
	times_in: 'Times in {zone}',

	language: '中文', language_title: '切换到中文', theme: 'Theme', theme_auto: 'Theme: as the system', theme_light: 'Theme: light',
	theme_dark: 'Theme: dark', tv: 'Wall screen', tv_page: 'page {page} of {pages}',
	sound_on: 'Sound on', sound_off: 'Sound off', sound_test: 'Test the sound', sound_blocked: 'Sound is blocked: click here',
	controls: 'Settings',

	filters: 'Filters', project: 'Project', team: 'Team', agent: 'Agent', owner: 'Owner', target: 'Target', priority: 'Priority',
	state: 'State', search: 'Search tickets', all: 'all', clear: 'Clear filters', nobody: 'nobody', none_set: 'not set',
	unfiltered: 'not filtered',

	state_pending: 'running', state_at_risk: 'at risk', state_breached: 'breached', state_paused: 'paused', state_due: 'due',
	state_voided: 'taken back', state_resolved: 'stopped late', state_acknowledged: 'acknowledged', state_averted: 'averted',
	state_warning: 'warning', state_met: 'met',
	state_none: 'no target', unconfirmed: 'unconfirmed', ticket_open: 'open', ticket_paused: 'paused', ticket_resolved: 'resolved',
	ticket_closed: 'closed', ticket_unknown: 'unknown',
	unconfirmed_title: 'Reported without waiting for a source that has been silent for too long',
	due_title: 'The deadline has passed; kpid decides when all events up to it are known',
	target_first_response: 'first response', target_next_response: 'next response', target_arrival: 'arrival',
	target_resolution: 'resolution',

	total_breached: 'Breached', total_at_risk: 'At risk', total_pending: 'Running', total_paused: 'Paused', total_open: 'Open tickets',
	total_unconfirmed: '{n} unconfirmed', totals: 'Totals',
	compliance: 'Within SLA', last_hour: 'last hour', today: 'today', week_ago: 'same hour, a week ago',
	against_week: 'against a week ago',
	the_day: 'Today', day_compliance: 'Within SLA, over 60 minutes', day_backlog: 'Open tickets',
	day_compliance_text: 'Within SLA today, in steps of {minutes} minutes. Now {now}, lowest {least}.',
	day_backlog_text: 'Open tickets today, in steps of {minutes} minutes. Now {now}, highest {most}.',
	horizon: 'Deadlines of the next hour', horizon_text: '{overdue} past due. Due in the next hour: {soon}. Later or not shown: {later}.',
	in_minutes: 'in {n} min',

	deadlines: 'Next deadlines', breaches: 'Newest breaches', agents_now: 'Agents, last hour', projects_now: 'Projects, now and last hour',
	teams_now: 'Teams, now and last hour', open: 'Open tickets', breached: 'Breached', at_risk: 'At risk', pending: 'Running', paused: 'Paused', all_n: 'all {n}', see_all: 'all',
	left: 'Left', due: 'Due', ticket: 'Ticket', category: 'Category', over: 'past due', breached_at: 'Breached', detected: 'Detected',
	opened: 'Opened', answered: 'Answered', resolved: 'Resolved', within: 'Within SLA', breaches_n: 'Breaches',
	satisfaction: 'Satisfaction', backlog: 'Backlog', spark: 'Resolved, 5 min', spark_text: '{n} resolved in the last hour',
	opened_at: 'Opened', answered_at: 'Answered', resolved_at: 'Resolved', verdicts: 'Verdicts', score: 'Score',
	fresh_rows: '{n} new', gone: 'no longer here', nothing: 'Nothing here.', nothing_running: 'No clock runs.',
	nothing_breached: 'No breach.', loading: 'Loading…', failed: 'The server did not answer ({why}).', try_again: 'Try again',
	total_rows: '{n} in all', shown_rows: '{shown} of {n}', more: 'Show more', refresh: 'Refresh',
	not_refreshed: 'This list does not refresh itself while more than one page is shown.', download: 'Download',
	did_opened: 'opened', did_responded: 'answered', did_resolved: 'resolved', did_measured: 'judged', did_within: 'within SLA',
	did_missed: 'breached', did_rated: 'rated', n: 'Number', counted_at: 'From', missed: 'Breaches',
	figures_of: 'as of {time}', clocks_of: 'clocks as of {time}', hour_of: 'last hour as of {time}',
	no_ledger: 'last hour unknown: the ledger is not refreshed',
	sort_by: 'Sort by {name}',

	no_ticket: 'No ticket {id} is known.', desk: 'Open in the help desk', policy: 'Policy', cycle: 'Cycle', channel: 'Channel',
	clocks: 'Clocks', no_clocks: 'This ticket has no clock with a target.', events: 'What happened', alerts: 'Alerts', kpis: 'Counted as', conflicts: 'Events that lost',
	passed_over: 'Policies that did not match', text: 'Explanation',
	set_aside_text: '{n} events are not folded yet: {reason}', cut_text: 'This ticket has too many events to explain here.',
	mark_start: 'start', mark_warned: 'warning', mark_due: 'due', mark_breached: 'breached', mark_stopped: 'stopped', mark_ended: 'ended',
	mark_now: 'now', piece_runs: 'runs', piece_late: 'past due', piece_rests: 'outside working hours', piece_paused: 'paused',
	piece_ahead: 'ahead', verdict_met: 'Met, with {left} left.', verdict_breached_stopped: 'Breached: stopped {late} too late.',
	verdict_breached_running: 'Breached {late} ago, and still running.', verdict_pending: 'Running: {left} left.',
	verdict_paused: 'Paused, with {left} left.', verdict_none: 'Ended without a verdict.', verdict_void: 'A breach was taken back: {why}.',
	void_met: 'A breach was taken back: the proof that the clock stopped at {time}, in time, arrived late.',
	allowed: '{within} by policy {policy}', promised: 'promised', on_calendar: 'calendar {calendar}', counts_for: 'counts for {agent}',
	working_used: 'used {ran}', at: 'At', event: 'Event', effect: 'Effect', measure: 'Measure', who: 'Agent', when: 'Time', value: 'Value',
	why_void: 'Why', delivery: 'Delivery', level: 'Level', attribute: 'Attribute', source: 'Source',
	agrees_not: 'The stored rows of this ticket differ from what its events give. kpid verify shows how.',

	ack: 'Acknowledge', ack_undo: 'Take back', ack_why: 'Reason', ack_cancel: 'Cancel',

	say_breached: '{n} new: {what}', say_voided: '{n} taken back: {what}', say_more: '{what} and {n} more',
};

const zh = {
	name: 'SLA 看板', skip: '跳到正文',
	page_board: '总览', page_clocks: '计时', page_breaches: '超时', page_tickets: '工单', page_agents: '员工',
	page_projects: '项目', page_teams: '班组', page_ticket: '工单', page_counted: '计入',
	views: '页面', day: '天', hour: '时', minute: '分', second: '秒',

	live: '实时', connecting: '正在连接', lost: '正在重连', heard: '{n} 秒前收到服务器消息',
	complete_until: '事件完整至 {time}', complete_unknown: '事件完整性未知',
	behind: 'kpid 落后', stopped: '{n} 个来源已停止', lag: '落后 {n} 条消息',
	lag_least: '至少落后 {n} 条消息', lag_unknown: '落后消息数未知',
	stale: '数据已过时：{n} 秒前最后一次收到服务器消息。',
	away: '数据库没有响应：以下是 {time} 的数据。', away_word: '数据库无响应',
	stale_never: '尚未收到服务器消息。', stale_again: '已恢复接收服务器消息。',
	times_in: '时区：{zone}',

	language: 'English', language_title: 'Switch to English', theme: '主题', theme_auto: '主题：跟随系统', theme_light: '主题：浅色',
	theme_dark: '主题：深色', tv: '大屏', tv_page: '第 {page} / {pages} 页',
	sound_on: '声音已开', sound_off: '声音已关', sound_test: '试听提示音', sound_blocked: '声音被浏览器拦截：点击这里启用',
	controls: '设置',

	filters: '筛选', project: '项目', team: '班组', agent: '员工', owner: '负责人', target: '目标', priority: '优先级',
	state: '状态', search: '搜索工单', all: '全部', clear: '清除筛选', nobody: '无人负责', none_set: '未设置',
	unfiltered: '未筛选',

	state_pending: '进行中', state_at_risk: '即将超时', state_breached: '已超时', state_paused: '已暂停', state_due: '到期',
	state_voided: '已撤销', state_resolved: '超时后完成', state_acknowledged: '已确认', state_averted: '已避免',
	state_warning: '预警', state_met: '达标',
	state_none: '无目标', unconfirmed: '待证实', ticket_open: '处理中', ticket_paused: '已暂停', ticket_resolved: '已解决',
	ticket_closed: '已关闭', ticket_unknown: '未知',
	unconfirmed_title: '某个来源沉默过久，未等待它即已上报',
	due_title: '时限已过；待此前的事件全部到齐后由 kpid 判定',
	target_first_response: '首次响应', target_next_response: '后续响应', target_arrival: '到场',
	target_resolution: '解决',

	total_breached: '已超时', total_at_risk: '即将超时', total_pending: '进行中', total_paused: '已暂停', total_open: '未完结工单',
	total_unconfirmed: '{n} 项待证实', totals: '合计',
	compliance: '达标率', last_hour: '最近一小时', today: '今日', week_ago: '上周同一小时',
	against_week: '较上周同期',
	the_day: '今日走势', day_compliance: '达标率（前 60 分钟）', day_backlog: '未完结工单',
	day_compliance_text: '今日达标率，每 {minutes} 分钟一点。当前 {now}，最低 {least}。',
	day_backlog_text: '今日未完结工单数，每 {minutes} 分钟一点。当前 {now}，最高 {most}。',
	horizon: '未来一小时到期', horizon_text: '已过期 {overdue} 项。一小时内到期 {soon} 项。更晚或未显示 {later} 项。',
	in_minutes: '{n} 分钟后',

	deadlines: '即将到期', breaches: '最新超时', agents_now: '员工 · 最近一小时', projects_now: '项目 · 当前与最近一小时',
	teams_now: '班组 · 当前与最近一小时', open: '未完结工单', breached: '已超时', at_risk: '即将超时', pending: '进行中', paused: '已暂停', all_n: '全部 {n}', see_all: '全部',
	left: '剩余', due: '到期', ticket: '工单', category: '类别', over: '已过期', breached_at: '超时时间', detected: '发现时间',
	opened: '新建', answered: '响应', resolved: '解决', within: '达标率', breaches_n: '超时',
	satisfaction: '满意度', backlog: '在办', spark: '每 5 分钟解决', spark_text: '最近一小时解决 {n} 张',
	opened_at: '新建时间', answered_at: '响应时间', resolved_at: '解决时间', verdicts: '判定', score: '评分',
	fresh_rows: '{n} 条新记录', gone: '已不在列表中', nothing: '没有记录。', nothing_running: '没有正在计时的工单。',
	nothing_breached: '没有超时。', loading: '正在加载…', failed: '服务器没有响应（{why}）。', try_again: '重试',
	total_rows: '共 {n} 条', shown_rows: '{shown} / {n} 条', more: '显示更多', refresh: '刷新',
	not_refreshed: '显示多页时列表不会自动刷新。', download: '下载',
	did_opened: '新建', did_responded: '已响应', did_resolved: '已解决', did_measured: '已判定', did_within: '达标',
	did_missed: '超时', did_rated: '已评价', n: '数量', counted_at: '起始', missed: '超时',
	figures_of: '截至 {time}', clocks_of: '计时截至 {time}', hour_of: '最近一小时截至 {time}',
	no_ledger: '最近一小时数据未知：台账未刷新',
	sort_by: '按{name}排序',

	no_ticket: '没有工单 {id}。', desk: '在工单系统中打开', policy: '策略', cycle: '周期', channel: '渠道',
	clocks: '计时', no_clocks: '该工单没有设置目标的计时。', events: '处理经过', alerts: '告警', kpis: '计入指标', conflicts: '冲突中被舍弃的事件',
	passed_over: '不匹配的策略', text: '说明',
	set_aside_text: '{n} 个事件尚未计入：{reason}', cut_text: '该工单的事件过多，无法在此说明。',
	mark_start: '开始', mark_warned: '预警', mark_due: '到期', mark_breached: '超时', mark_stopped: '停止', mark_ended: '结束',
	mark_now: '现在', piece_runs: '计时', piece_late: '超时', piece_rests: '非工作时间', piece_paused: '暂停',
	piece_ahead: '未到', verdict_met: '达标，剩余 {left}。', verdict_breached_stopped: '超时：晚了 {late}。',
	verdict_breached_running: '已超时 {late}，仍在计时。', verdict_pending: '进行中：剩余 {left}。',
	verdict_paused: '已暂停，剩余 {left}。', verdict_none: '结束，未判定。', verdict_void: '超时已撤销：{why}。',
	void_met: '超时已撤销：计时在 {time} 按时停止，但证明迟到。',
	allowed: '策略“{policy}”：{within}', promised: '承诺时间', on_calendar: '日历 {calendar}', counts_for: '计入 {agent}',
	working_used: '已用 {ran}', at: '时间', event: '事件', effect: '结果', measure: '指标', who: '员工', when: '时间', value: '数值',
	why_void: '原因', delivery: '发送', level: '级别', attribute: '属性', source: '来源',
	agrees_not: '该工单的存储结果与其事件不一致。请运行 kpid verify 查看。',

	ack: '确认', ack_undo: '取消确认', ack_why: '原因', ack_cancel: '取消',

	say_breached: '新增 {n} 项：{what}', say_voided: '撤销 {n} 项：{what}', say_more: '{what}，另有 {n} 项',
};

export const WORDS = { en, zh };

/* The words of a language: t('heard', {n: 3}). */
export function speak(language) {
	const words = WORDS[language] ?? en;
	const t = (key, values) => {
		const text = words[key] ?? key;
		return values ? text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole)) : text;
	};
	t.language = language;
	t.units = { day: words.day, hour: words.hour, minute: words.minute, second: words.second };
	t.state = (state) => words[`state_${state}`] ?? state;
	t.target = (target) => words[`target_${target}`] ?? target;
	return t;
}

/* The language to speak: of the address, else remembered, else of the configuration, else of the browser. */
export function languageOf(...wishes) {
	for (const wish of wishes) {
		const found = /^(zh|en)\b/i.exec(wish ?? '');
		if (found)
			return found[1].toLowerCase();
	}
	return 'en';
}
