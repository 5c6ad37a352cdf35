/* The texts of the pages of kpid appraisal report. %1 to %5 are replaced by arguments. */
#ifndef KPID_CLI_REPORT_WORDS_H
#define KPID_CLI_REPORT_WORDS_H

/* name, English, Chinese */
#define REPORT_TEXTS(X)                                                                                                \
	X(AGENT, "Agent", "个人")                                                                                      \
	X(TEAM, "Team", "班组")                                                                                        \
	X(PROJECT, "Project", "项目")                                                                                  \
	X(DATES, "%1 to %2 (%3)", "%1 至 %2（%3）")                                                                    \
	X(OPEN, "Preview, not final: the period is still open. Figures as of %1.",                                     \
	  "预览，非最终结果：本期尚未结束。数据截至 %1。")                                                             \
	X(SETTLING, "Preview, not final: the period has ended and is not closed yet. Figures as of %1.",               \
	  "预览，非最终结果：本期已结束，尚未结算。数据截至 %1。")                                                     \
	X(CLOSED, "Closed at %1 by %2, version %3.", "由 %2 于 %1 结算，第 %3 版。")                                   \
	X(CARD_VERSION, "This card is version %1, of %2.", "本考核表为第 %1 版，生成于 %2。")                          \
	X(ANNOUNCED_LATE, "The plan was stored after the period had begun.", "方案在本期开始之后才发布。")             \
	X(SCORE, "Score", "得分")                                                                                      \
	X(GRADE, "Grade", "等级")                                                                                      \
	X(COEFFICIENT, "Coefficient", "系数")                                                                          \
	X(RANK, "Rank", "排名")                                                                                        \
	X(RANK_OF, "%1 of %2", "第 %1 名，共 %2 名")                                                                   \
	X(RANK_RANGE, "between %1 and %2, as the intervals allow", "按置信区间，可能在第 %1 至第 %2 名之间")           \
	X(INTERVAL, "between %1 and %2", "区间 %1 至 %2")                                                              \
	X(NO_SCORE,                                                                                                    \
	  "There is no score: only indicators with a weight of %1 have enough cases, and the plan asks for %2.",       \
	  "没有总分：样本足够的指标权重合计只有 %1，方案要求至少 %2。")                                                \
	X(NEXT_GRADE, "%1 points more give grade %2.", "再得 %1 分即为等级 %2。")                                      \
	X(BEST_GRADE, "This is the best grade.", "这已是最高等级。")                                                   \
	X(LIMITED, "The score would give a better grade, but a limit allows no better one than %1: %2.",               \
	  "得分本可获得更高等级，但因一票否决，等级最高为 %1：%2。")                                                   \
	X(BAR_ALT, "Score %1, between %2 and %3, on a scale from 0 to 100 with the grades %4.",                        \
	  "得分 %1，区间 %2 至 %3；刻度 0 至 100，等级为 %4。")                                                        \
	X(GRADE_FROM, "%1 from %2", "%1 自 %2 分起")                                                                   \
	X(FROM_EVENTS, "Of the weight that counts (%1), %2 comes from events, the rest was entered by people.",        \
	  "计分权重 %1 中，%2 来自系统记录，其余由人工录入。")                                                         \
	X(LINES, "How the score came about", "得分是怎样得出的")                                                       \
	X(INDICATOR, "Indicator", "指标")                                                                              \
	X(FIGURES, "Figures", "数据")                                                                                  \
	X(VALUE, "Value", "数值")                                                                                      \
	X(BETWEEN, "Between", "区间")                                                                                  \
	X(POINTS, "Points", "得分")                                                                                    \
	X(POINTS_OF, "%1 of %2", "%1 / %2")                                                                            \
	X(NO_DATA, "no data, so its weight of %1 does not count", "无数据，其权重 %1 不计入")                          \
	X(TOO_FEW, "%1 cases, %2 are needed, so its weight of %3 does not count",                                      \
	  "只有 %1 例，至少需要 %2 例，其权重 %3 不计入")                                                              \
	X(ADJUSTED, "with these tickets %1 was to be expected, so it counts as %2",                                    \
	  "按其工单构成应为 %1，校正后按 %2 计分")                                                                     \
	X(MANUAL, "entered by people", "人工录入")                                                                     \
	X(SUM, "%1 points of a weight of %2: 100 × %1 / %2 = %3", "合计 %1 分，计分权重 %2：100 × %1 / %2 = %3")       \
	X(BY_HAND, "points by hand: %1, so the score is %2", "人工加减分 %1，得分为 %2")                               \
	X(INTERVAL_ALT, "%1, between %2 and %3", "%1，区间 %2 至 %3")                                                  \
	X(DIMENSIONS, "Dimensions", "维度")                                                                            \
	X(DIMENSION, "Dimension", "维度")                                                                              \
	X(NOT_SCORED, "not scored", "不计分")                                                                          \
	X(QUALITY, "Service quality as requesters see it", "客户感知的服务质量")                                       \
	X(PERCEIVED, "Perceived", "感知")                                                                              \
	X(ANSWERS, "Answers", "答卷数")                                                                                \
	X(GAP, "Against what was expected", "与期望之差")                                                              \
	X(OTHER_ITEMS, "other questions", "其他题目")                                                                  \
	X(COST, "What costs most", "扣分最多的指标")                                                                   \
	X(COST_POINTS, "%1 costs most: %2 points of %3.", "“%1”扣分最多：满分 %3 分，扣 %2 分。")                      \
	X(COST_NONE, "No indicator costs points.", "没有指标被扣分。")                                                 \
	X(COST_TICKETS,                                                                                                \
	  "Tickets behind it, those that cost most first (at most 20):", "相关工单，影响最大的在前（最多 20 个）：")   \
	X(COST_NO_TICKETS, "No single ticket is behind it.", "没有可列出的单个工单。")                                 \
	X(PEERS, "Beside the others", "与同组比较")                                                                    \
	X(QUARTILES,                                                                                                   \
	  "Of %1 scored agents, a quarter is at or below %2, half at or below %3, three quarters at or below %4.",     \
	  "%1 名有得分的人员中，四分之一不高于 %2，一半不高于 %3，四分之三不高于 %4。")                                \
	X(QUARTILES_FEW, "Scores of others are only shown if at least 5 agents have one.",                             \
	  "至少 5 人有得分时才显示他人的得分分布。")                                                                   \
	X(FUNNELS_FEW, "Funnel plots are only shown if at least 20 agents have figures.",                              \
	  "至少 20 人有数据时才显示漏斗图。")                                                                          \
	X(FUNNEL_READ,                                                                                                 \
	  "Each circle is an agent, without a name; the diamond is this card. The lines show the range in which 95 % " \
	  "and 99.8 % would be if all worked alike.",                                                                  \
	  "每个圆点是一名人员（不具名），菱形是本人。两组曲线表示：若所有人水平相同，95% 和 99.8% 的人会落在其间。")   \
	X(FUNNEL_ALT, "Funnel plot of %1: %2 agents, together %3; this card %4 of %5 cases.",                          \
	  "“%1”漏斗图：%2 人，合计 %3；本人 %4，共 %5 例。")                                                           \
	X(CASES, "cases", "例数")                                                                                      \
	X(TOGETHER, "together %1", "合计 %1")                                                                          \
	X(PAST, "Twelve periods", "近十二期")                                                                          \
	X(PAST_READ, "Closed periods by their latest version; the last one is this card.",                             \
	  "已结算各期以最新版为准，最后一期为本表。")                                                                  \
	X(FLAGS, "Flags", "提示")                                                                                      \
	X(FLAGS_NONE, "No flag is raised.", "没有提示。")                                                              \
	X(FLAGS_READ, "A flag is advice. It changes no points.", "提示仅供参考，不影响得分。")                         \
	X(FLAG, "%1: %2 of %3; the others %4 of %5", "%1：%3 中有 %2；其他人 %5 中有 %4")                              \
	X(RECORDS, "Appeals and adjustments", "申诉与调整")                                                            \
	X(APPEAL_UNTIL, "An appeal against this card can be filed until %1.", "对本考核表可在 %1 前提出申诉。")        \
	X(FINAL_AT, "It is final at %1.", "于 %1 成为最终结果。")                                                      \
	X(NOT_FINAL, "It is not final while an appeal is open.", "申诉未决期间不是最终结果。")                         \
	X(APPEALS_CLOSED_ONLY, "Appeals are possible once the period is closed.", "本期结算后可以申诉。")              \
	X(APPEAL, "Appeal %1, filed at %2", "申诉 %1，提出于 %2")                                                      \
	X(ABOUT_CARD, "about the card", "针对整张考核表")                                                              \
	X(ABOUT, "about %1", "针对 %1")                                                                                \
	X(FILED, "waits for a decision until %1", "等待答复，期限 %1")                                                 \
	X(OVERDUE, "waits for a decision, which is overdue since %1", "等待答复，已于 %1 逾期")                        \
	X(WITHDRAWN, "withdrawn at %1", "已于 %1 撤回")                                                                \
	X(ACCEPTED, "accepted by %2 at %1: %3", "%2 于 %1 采纳：%3")                                                   \
	X(REJECTED, "rejected by %2 at %1: %3", "%2 于 %1 驳回：%3")                                                   \
	X(NO_APPEALS, "No appeals.", "没有申诉。")                                                                     \
	X(ADJUSTMENT, "Adjustment %1, by %2 at %3: ", "调整 %1，%2 于 %3：")                                           \
	X(EXCLUDED, "ticket %1 does not count for %2", "工单 %1 不计入“%2”")                                           \
	X(EXCLUDED_ALL, "ticket %1 does not count", "工单 %1 不计入")                                                  \
	X(HAND, "%1 points by hand", "人工加减 %1 分")                                                                 \
	X(UNDO, "undoes adjustment %1", "撤销调整 %1")                                                                 \
	X(UNDONE, " (undone)", "（已撤销）")                                                                           \
	X(WHY, ". Why: %1", "。原因：%1")                                                                              \
	X(LOOKS, "Who looked at these results", "谁查看过这些结果")                                                    \
	X(WHEN, "When", "时间")                                                                                        \
	X(WHO, "Login", "登录名")                                                                                      \
	X(ROLE, "Role", "角色")                                                                                        \
	X(WHAT, "What", "内容")                                                                                        \
	X(REASON, "Why", "原因")                                                                                       \
	X(WORDS, "The plan in words", "方案说明")                                                                      \
	X(MEMBERS, "The agents of the team", "班组成员")                                                               \
	X(HEAT_READ,                                                                                                   \
	  "Each field shows the value and the share of its points: ▲ at least 95 %, ▼ less than 50 %. The darker " \
	  "blue, the more; the darker orange, the less.",                                                              \
	  "每格为数值和得分率：▲ 不低于 95%，▼ 低于 50%。蓝色越深得分率越高，橙色越深越低。")                          \
	X(MEMBERS_NONE, "No agent of this team has a card in this plan.", "该班组没有成员在本方案中有考核表。")        \
	X(FOOT, "Revision %1, SHA-256 %2.", "方案版本 %1，SHA-256 %2。")                                               \
	X(FOOT_TRIED, "Revision %1 of a plan file that was only tried.", "试算用方案文件的版本 %1。")                  \
	X(DIGEST, "Digest of the closed period: %1.", "结算摘要：%1。")                                                \
	X(LIST_TITLE, "Score cards %1", "考核表 %1")                                                                   \
	X(NO_CARDS, "There are no cards.", "没有考核表。")                                                             \
	X(SUBJECT, "Of", "对象")                                                                                       \
	X(LISTS, "Lists", "清单")                                                                                      \
	X(PAY, "pay", "薪酬")                                                                                          \
	X(TRAINING, "training", "培训")                                                                                \
	X(RANKING, "ranking", "排名")                                                                                  \
	X(DAYS, "%1 d", "%1 天")                                                                                       \
	X(HOURS, "%1 h", "%1 小时")                                                                                    \
	X(MINUTES, "%1 min", "%1 分")                                                                                  \
	X(SECONDS, "%1 s", "%1 秒")

enum report_word {
#define X(name, en, zh) REPORT_##name,
	REPORT_TEXTS(X)
#undef X
	        REPORT_N_WORDS
};

#endif
