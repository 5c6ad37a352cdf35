/* Words that help desks use for conditions, priorities and satisfaction, in Chinese, English and German. */
#include "guess.h"

enum { PLAIN_BYTES = 128 };

struct known {
	enum guess_role role;
	const char *kind, *words; /* plain, separated by | */
};

static const struct known known[] = {
        {ROLE_STATUS, "open",
         "open|new|inprogress|active|assigned|accepted|workinprogress|wip|todo|reopened|waitingforsupport|"
         "waitingforagent|queued|escalated|unassigned|processing|started|offen|neu|inbearbeitung|zugewiesen|"
         "wiedergeöffnet|angenommen|laufend|aktiv|待处理|处理中|已接单|待接单|未处理|进行中|新建|已派单|待派单|"
         "维修中|受理中|已受理|待分配|已分配|未完成|未开始|已提交|打开|重新打开|待受理|服务中"},
        {ROLE_STATUS, "paused",
         "pending|onhold|hold|waiting|waitingoncustomer|waitingforcustomer|awaitingcustomer|awaitingreply|"
         "waitingforreply|waitingonthirdparty|waitingforthirdparty|snoozed|deferred|suspended|blocked|paused|"
         "awaitingreporter|wartend|wartet|wartetaufkunde|wartetaufkunden|zurückgestellt|pausiert|inwartestellung|"
         "angehalten|挂起|已挂起|暂停|等待|待客户回复|等待客户|待用户确认|等待配件|待配件|延期|已延期"},
        {ROLE_STATUS, "resolved",
         "resolved|solved|done|completed|complete|fixed|finished|gelöst|erledigt|behoben|fertig|beendet|已完成|已解决|"
         "完成|解决|已办结|办结|已处理|处理完成|待评价|已评价|待回访|已回访|已修复|完工|已完工"},
        {ROLE_STATUS, "closed",
         "closed|archived|geschlossen|abgeschlossen|archiviert|zu|已关闭|关闭|已结单|结单|已归档|归档|已关单|已闭单"},
        {ROLE_STATUS, "cancelled",
         "cancelled|canceled|rejected|withdrawn|declined|wontfix|wontdo|void|storniert|abgebrochen|abgelehnt|"
         "zurückgezogen|已取消|取消|已撤销|撤销|作废|已作废|已拒绝|已撤单"},
        {ROLE_PRIORITY, "1",
         "1|p1|critical|urgent|emergency|highest|blocker|veryhigh|kritisch|dringend|notfall|sehrhoch|特急|非常紧急|"
         "紧急|最高|加急"},
        {ROLE_PRIORITY, "2", "2|p2|high|major|hoch|高|较高|重要"},
        {ROLE_PRIORITY, "3", "3|p3|normal|medium|moderate|standard|mittel|普通|一般|中|正常"},
        {ROLE_PRIORITY, "4", "4|p4|5|p5|low|lowest|minor|trivial|planning|niedrig|gering|低|较低|不紧急"},
        {ROLE_SCORE, "5",
         "5|verysatisfied|excellent|verygood|great|good|sehrzufrieden|sehrgut|ausgezeichnet|非常满意|很满意|五星|5星|"
         "好评"},
        {ROLE_SCORE, "4", "4|satisfied|zufrieden|gut|满意|比较满意|四星|4星"},
        {ROLE_SCORE, "3", "3|neutral|ok|okay|average|fair|teilsteils|befriedigend|一般|基本满意|三星|3星|中评"},
        {ROLE_SCORE, "2", "2|dissatisfied|unsatisfied|poor|unzufrieden|ausreichend|不满意|较不满意|二星|2星"},
        {ROLE_SCORE, "1",
         "1|verydissatisfied|veryunsatisfied|bad|terrible|verypoor|sehrunzufrieden|mangelhaft|schlecht|非常不满意|"
         "很不满意|"
         "一星|1星|差评"},
};

/* Signs of several bytes that names are written with, and capitals with dots. */
static const struct other {
	struct text from, to;
} others[] = {{{"（", 3}, {"", 0}}, {{"）", 3}, {"", 0}},       {{"：", 3}, {"", 0}},
              {{"　", 3}, {"", 0}}, {{"\xc2\xa0", 2}, {"", 0}}, {{"\xef\xbb\xbf", 3}, {"", 0}},
              {{"Ä", 2}, {"ä", 2}}, {{"Ö", 2}, {"ö", 2}},       {{"Ü", 2}, {"ü", 2}}};

static const struct other *find_other(const char *at, size_t n_bytes)
{
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (n_bytes >= others[i].from.len && memcmp(at, others[i].from.ptr, others[i].from.len) == 0)
			return &others[i];
	return NULL;
}

size_t guess_plain(struct text text, char *out, size_t room)
{
	size_t n = 0;
	for (uint32_t i = 0; i < text.len && n + 4 < room;) {
		unsigned char c = (unsigned char)text.ptr[i];
		const struct other *other = c < 0x80 ? NULL : find_other(text.ptr + i, text.len - i);
		if (other != NULL) {
			memcpy(out + n, other->to.ptr, other->to.len);
			n += other->to.len;
			i += other->from.len;
			continue;
		}
		if (c >= 'A' && c <= 'Z')
			out[n++] = (char)(c - 'A' + 'a');
		else if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
			out[n++] = (char)c;
		i++;
	}
	out[n] = '\0';
	return n;
}

static bool is_among(const char *words, struct text word)
{
	for (;;) {
		size_t len = strcspn(words, "|");
		if (len == word.len && memcmp(words, word.ptr, len) == 0)
			return true;
		if (words[len] == '\0')
			return false;
		words += len + 1;
	}
}

/* "1 - Critical", "P2 (high)": the number counts. */
static const char *numbered_priority(struct text plain)
{
	static const char *const priorities[] = {"1", "2", "3", "4", "4"};
	uint32_t at = plain.len > 1 && plain.ptr[0] == 'p' ? 1 : 0;
	unsigned first = at < plain.len ? (unsigned)(plain.ptr[at] - '1') : 9;
	bool is_alone = at + 1 >= plain.len || (unsigned)(plain.ptr[at + 1] - '0') > 9;
	return first < 5 && is_alone ? priorities[first] : NULL;
}

const char *guess_word_of(enum guess_role role, struct text word)
{
	char plain[PLAIN_BYTES];
	struct text text = {plain, (uint32_t)guess_plain(word, plain, sizeof(plain))};
	for (size_t i = 0; text.len > 0 && i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].role == role && is_among(known[i].words, text))
			return known[i].kind;
	return role == ROLE_PRIORITY ? numbered_priority(text) : NULL;
}
