/* Which column is what: by its name in Chinese, English or German, and by what its values can be. */
#include "guess.h"

enum { PLAIN_BYTES = 256, EXACT = 100000 };

/* Names are plain (guess_plain()) and separated by |, the most certain first. A column has the role if its name is one
 * of `names`, or contains one of `parts`. */
static const struct role_names {
	enum guess_role role;
	const char *names, *parts;
} role_names[] = {
        {ROLE_TICKET,
         "ticketid|ticketnumber|ticketno|ticketnr|ticketkey|issuekey|casenumber|caseid|caseno|incidentnumber|"
         "incidentid|"
         "requestid|requestnumber|requestno|workorder|workorderno|workordernumber|workorderid|conversationid|"
         "ticketnummer|"
         "vorgangsnummer|vorgangsnr|vorgangsid|auftragsnummer|auftragsnr|fallnummer|anfragenummer|meldungsnummer|"
         "störungsnummer|工单编号|工单号|工单id|工单号码|单号|报修单号|报修编号|报事编号|服务单号|受理编号|任务编号|"
         "流水号|编号|"
         "number|ticket|issue|case|incident|vorgang|auftrag|key|id|sysid|displayid|no|nr|nummer|序号",
         "ticketid|ticketnum|工单编号|工单号|单号"},
        {ROLE_OPENED,
         "openedat|createdat|createdtime|createdon|creationdate|creationtime|createddate|datecreated|created|opened|"
         "opentime|opendate|dateopened|openedon|reportedat|reportedon|reportedtime|reportdate|reported|submittedat|"
         "submittedon|submitted|submittime|requestedat|requesttime|requestdate|createtime|createdate|receivedat|"
         "received|"
         "datereceived|loggedat|logged|syscreatedon|start|starttime|startdate|erstelltam|erstellt|erstelldatum|"
         "erstellungsdatum|erstellungszeit|angelegtam|angelegt|eröffnetam|eröffnet|eröffnungsdatum|eingangam|eingang|"
         "eingangsdatum|eingangszeit|eingegangenam|eingegangen|gemeldetam|gemeldet|meldedatum|meldezeit|beginn|"
         "创建时间|"
         "创建日期|提交时间|提交日期|报修时间|报修日期|报事时间|受理时间|登记时间|登记日期|发起时间|下单时间|申请时间|"
         "建单时间|来电时间|"
         "开始时间|生成时间|date|time|datum|zeit|timestamp|zeitstempel|时间|日期",
         "created|creation|opened|reported|submitted|received|erstell|angelegt|eröffn|eingang|gemeldet|创建|提交|"
         "报修时|"
         "报修日|登记"},
        {ROLE_ASSIGNED,
         "assignedat|assignedtime|assignedon|assigneddate|acceptedat|acceptedtime|accepted|takenat|dispatchedat|"
         "dispatched|"
         "dispatchtime|zugewiesenam|angenommenam|übernommenam|接单时间|接单日期|派单时间|分派时间|指派时间|分配时间|"
         "派工时间",
         "assignedat|acceptedat|zugewiesenam|接单时|派单时|分派时|派工时"},
        {ROLE_RESPONDED,
         "firstresponseat|firstresponsetime|firstresponsedate|firstresponse|firstrespondedat|firstreplyat|firstreply|"
         "firstreplytime|firstreplied|respondedat|responseat|responsetime|responded|answeredat|answered|"
         "initialresponse|"
         "initialresponsetime|firstcontact|ersteantwort|ersteantwortam|erstantwort|erstereaktion|erstreaktion|"
         "beantwortetam|"
         "beantwortet|reaktionam|antwortam|首次响应时间|首次响应|首响时间|响应时间|首次回复时间|首次回复|回复时间|"
         "回应时间|首次联系时间",
         "firstrespon|firstrepl|initialrespon|ersteantwort|erstantwort|erstereaktion|首次响应|首次回复|响应时"},
        {ROLE_ARRIVED,
         "arrivedat|arrived|arrivaltime|arrival|onsiteat|onsitetime|onsite|vorort|vorortam|ankunft|eingetroffenam|"
         "eingetroffen|到场时间|到达时间|上门时间|到岗时间|签到时间",
         "arriv|onsite|eingetroffen|ankunft|到场|到达|上门时"},
        {ROLE_RESOLVED,
         "resolvedat|resolvedon|resolveddate|resolvedtime|resolved|resolutiondate|resolutiontime|resolutionat|solvedat|"
         "solved|"
         "solvedon|completedat|completedon|completed|completiontime|completiondate|datecompleted|finishedat|finished|"
         "fixedat|"
         "doneat|end|endtime|enddate|gelöstam|gelöst|lösungsdatum|erledigtam|erledigt|erledigungsdatum|behobenam|"
         "behoben|"
         "fertiggestelltam|fertiggestellt|ende|完成时间|完成日期|解决时间|办结时间|处理完成时间|完工时间|维修完成时间|"
         "修复时间|处理时间|"
         "结束时间",
         "resolved|resolution|solved|completed|completion|finished|gelöst|erledigt|behoben|fertiggestellt|完成时|"
         "完成日|解决时|"
         "办结|完工"},
        {ROLE_CLOSED,
         "closedat|closedon|closed|closeddate|closedtime|closetime|closedate|dateclosed|closingdate|closingtime|"
         "geschlossenam|geschlossen|abgeschlossenam|abgeschlossen|abschlussdatum|abschluss|schlussdatum|关闭时间|"
         "关闭日期|关单时间|"
         "结单时间|归档时间|闭单时间",
         "closed|closing|geschlossen|abgeschlossen|关闭时|关单时|结单时|归档时"},
        {ROLE_UPDATED,
         "updatedat|updatedon|updated|updatedtime|lastupdated|lastupdatedat|lastupdate|updatetime|modifiedat|"
         "modifiedon|"
         "modified|lastmodified|lastmodifiedat|changedat|changedon|changed|lastchange|lastchanged|sysupdatedon|"
         "geändertam|geändert|"
         "letzteänderung|änderungsdatum|aktualisiertam|aktualisiert|更新时间|修改时间|最后更新时间|最后修改时间|"
         "变更时间|状态变更时间",
         "updated|modified|changed|lastupdate|geändert|änderung|aktualisiert|更新时|修改时|变更时"},
        {ROLE_DUE,
         "dueat|dueby|duedate|duetime|due|deadline|resolutiondue|resolveby|sladue|fälligam|fällig|frist|fälligkeit|"
         "截止时间|"
         "到期时间|要求完成时间|应完成时间|期限|预约时间",
         "duedate|deadline|fällig|截止|到期|要求完成|应完成"},
        {ROLE_STATUS,
         "status|state|ticketstatus|ticketstate|currentstatus|statusname|stage|statuscategory|zustand|"
         "bearbeitungsstatus|状态|"
         "工单状态|处理状态|当前状态|报修状态|进度|处理进度",
         "status|zustand|状态"},
        {ROLE_PRIORITY,
         "priority|prio|urgency|severity|ticketpriority|prioritylevel|priorität|dringlichkeit|wichtigkeit|优先级|"
         "优先级别|"
         "紧急程度|紧急度|紧急级别|严重程度|重要程度|级别|等级",
         "priority|priorit|urgency|severity|dringlichkeit|优先级|紧急程度|严重程度"},
        {ROLE_AGENT,
         "assigneeid|assignee|assignedto|agentid|agent|agentname|owner|ownerid|ownername|responderid|technician|"
         "handledby|handler|"
         "assignedagent|staff|operator|engineer|bearbeiter|bearbeiterin|zugewiesenan|verantwortlich|verantwortlicher|"
         "zuständig|"
         "sachbearbeiter|mitarbeiter|techniker|besitzer|处理人|处理人员|接单人|受理人|负责人|经办人|维修人|维修人员|"
         "维修工|维修员|"
         "客服|坐席|执行人|责任人|办理人|服务人员|工程师|接单人员",
         "assignee|assignedto|technician|bearbeiter|zugewiesenan|techniker|处理人|接单人|负责人|维修人|经办人|责任人"},
        {ROLE_RESOLVER,
         "resolvedby|solvedby|closedby|completedby|resolver|gelöstvon|erledigtvon|geschlossenvon|abgeschlossenvon|"
         "完成人|结单人|"
         "关单人|办结人|解决人",
         "resolvedby|closedby|completedby|gelöstvon|erledigtvon"},
        {ROLE_TEAM,
         "teamid|team|groupid|group|teamname|groupname|department|queue|assignmentgroup|supportgroup|assignedgroup|"
         "abteilung|gruppe|"
         "warteschlange|班组|部门|处理部门|责任部门|受理部门|处理班组|团队|小组|队列|工种",
         "group|department|abteilung|gruppe|部门|班组"},
        {ROLE_PROJECT,
         "projectid|project|projectkey|projectname|site|sitename|building|property|location|organizationid|"
         "organization|"
         "organisation|companyid|company|companyname|accountname|account|brand|store|branch|projekt|standort|gebäude|"
         "objekt|"
         "liegenschaft|firma|filiale|项目|项目名称|小区|小区名称|楼盘|园区|网点|门店|分公司|公司|楼宇|楼栋|区域",
         "project|building|organi|standort|gebäude|liegenschaft|项目|小区|楼盘"},
        {ROLE_CATEGORY,
         "category|categoryname|tickettype|issuetype|requesttype|incidenttype|type|typename|topic|servicecategory|"
         "kategorie|"
         "ticketart|vorgangsart|störungsart|typ|art|thema|类型|类别|分类|报修类型|报事类型|工单类型|工单分类|问题类型|"
         "问题分类|"
         "业务类型|服务类型|服务项目|报修类别|报修分类|维修类型|报修项目",
         "category|kategorie|类型|类别|分类"},
        {ROLE_CHANNEL,
         "channel|channelname|via|origin|contacttype|source|kanal|quelle|eingangskanal|eingangsweg|渠道|来源|工单来源|"
         "受理渠道|"
         "报修方式|来电渠道|报修渠道|受理方式|报修来源",
         "channel|eingangskanal|渠道|来源"},
        {ROLE_REQUESTER,
         "requesterid|customerid|customerno|customernumber|contactid|reporterid|callerid|userid|clientid|kundennummer|"
         "kundennr|"
         "kundenid|melderid|客户编号|客户id|业主编号|用户id|房号|房间号|房屋编号|会员号|客户号",
         "requesterid|customerid|kundennummer|客户编号|房号"},
        {ROLE_PERSON,
         "requester|requestername|requesteremail|customer|customername|customeremail|reporter|caller|contact|"
         "contactname|client|"
         "user|email|phone|kunde|kundenname|melder|anforderer|mieter|telefon|报修人|客户|客户名称|客户姓名|业主|"
         "业主姓名|用户|申请人|"
         "联系人|来电人|报事人|联系电话|电话|手机|手机号|姓名",
         "requester|customername|reporter|报修人|联系人|联系电话|姓名"},
        {ROLE_SCORE,
         "csat|csatscore|satisfactionscore|satisfactionrating|satisfaction|customersatisfaction|rating|surveyscore|"
         "surveyrating|"
         "score|stars|zufriedenheit|kundenzufriedenheit|bewertung|满意度|满意度评分|客户满意度|回访满意度|评分|评价|"
         "星级|评价星级|"
         "服务评价",
         "satisfaction|csat|rating|zufriedenheit|bewertung|满意度|评分|星级"},
};

bool guess_role_is_time(enum guess_role role)
{
	return role >= ROLE_OPENED && role <= ROLE_DUE;
}

/* True if the column may have the role by its values. */
static bool is_possible(const struct map_guess *guess, const struct guess_column *column, enum guess_role role)
{
	bool has_words = !column->has_more_words && column->longest <= GUESS_WORD_BYTES;
	if (column->n_filled == 0)
		return false;
	if (guess_role_is_time(role))
		return guess_time_of(guess, column, true).is_time;
	if (role == ROLE_STATUS)
		return has_words;
	if (role == ROLE_SCORE)
		return has_words || column->n_numbers == column->n_filled;
	if (role == ROLE_TICKET)
		return column->longest <= GUESS_ID_BYTES && column->n_filled * 2 >= guess->n_records &&
		       !guess_time_of(guess, column, false).is_time;
	return column->longest <= GUESS_ID_BYTES && !guess_time_of(guess, column, false).is_time;
}

/* Members that say nothing by themselves: assignee.name is the assignee. */
static bool is_general(struct text name)
{
	static const char *const names[] = {"id",  "name",  "displayname", "key",    "value", "title",
	                                    "uid", "login", "username",    "number", NULL};
	char plain[PLAIN_BYTES];
	guess_plain(name, plain, sizeof(plain));
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcmp(plain, names[i]) == 0)
			return true;
	return false;
}

/* EXACT less its place in the list; the length of the part that the name contains; 0: the name says nothing. */
static int score_of(const struct role_names *row, const char *plain)
{
	size_t len = strlen(plain), longest = 0;
	int place = 0;
	for (const char *p = row->names; len > 0; place++) {
		size_t n = strcspn(p, "|");
		if (n == len && memcmp(p, plain, n) == 0)
			return EXACT - place;
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	for (const char *p = row->parts; len > 0;) {
		size_t n = strcspn(p, "|");
		if (n > longest && memmem(plain, len, p, n) != NULL)
			longest = n;
		if (p[n] == '\0')
			break;
		p += n + 1;
	}
	return (int)longest;
}

static enum guess_role role_of(const struct map_guess *guess, const struct guess_column *column, int *score_out)
{
	char plain[PLAIN_BYTES];
	size_t part = column->n_parts - 1;
	if (part > 0 && is_general(column->parts[part]))
		part--;
	guess_plain(column->parts[part], plain, sizeof(plain));
	enum guess_role best = ROLE_NONE;
	*score_out = 0;
	for (size_t i = 0; i < sizeof(role_names) / sizeof(role_names[0]); i++) {
		int score = score_of(&role_names[i], plain);
		if (score <= *score_out || !is_possible(guess, column, role_names[i].role))
			continue;
		best = role_names[i].role;
		*score_out = score;
	}
	return best;
}

/* No name says which column is it: the first one that identifies each record, and the first one with times. */
static void assign_by_values(struct map_guess *guess, const enum guess_role *taken)
{
	for (size_t i = 0; i < guess->n_columns; i++) {
		const struct guess_column *column = &guess->columns[i];
		bool is_time = guess_time_of(guess, column, false).is_time;
		if (taken[i] != ROLE_NONE && guess->roles[taken[i]] == column)
			continue;
		if (guess->roles[ROLE_OPENED] == NULL && is_time && column->n_filled * 2 >= guess->n_records)
			guess->roles[ROLE_OPENED] = column;
		if (guess->roles[ROLE_TICKET] == NULL && !is_time && column->n_filled == guess->n_records &&
		    column->n_repeats == 0 && column->longest <= GUESS_ID_BYTES)
			guess->roles[ROLE_TICKET] = column;
	}
}

void guess_roles_assign(struct map_guess *guess)
{
	enum guess_role taken[MAP_GUESS_COLUMNS];
	int best[ROLE_N] = {0};
	memset(guess->roles, 0, sizeof(guess->roles));
	for (size_t i = 0; i < guess->n_columns; i++) {
		int score;
		taken[i] = role_of(guess, &guess->columns[i], &score);
		/* Of two members with one name, the outer one: created_at of the ticket, not of its requester. */
		score = score * 4 - (int)guess->columns[i].n_parts;
		if (taken[i] == ROLE_NONE || score <= best[taken[i]])
			continue;
		best[taken[i]] = score;
		guess->roles[taken[i]] = &guess->columns[i];
	}
	assign_by_values(guess, taken);
}

const struct guess_column *guess_other_number(const struct map_guess *guess)
{
	for (size_t i = 0; i < guess->n_columns; i++) {
		const struct guess_column *column = &guess->columns[i];
		int score;
		if (column != guess->roles[ROLE_TICKET] && column->n_filled == guess->n_records &&
		    column->n_repeats == 0 && role_of(guess, column, &score) == ROLE_TICKET)
			return column;
	}
	return NULL;
}
