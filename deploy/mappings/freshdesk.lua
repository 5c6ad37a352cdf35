-- Freshdesk by its API v2, one object in a record: tickets (/api/v2/tickets?include=stats&updated_since=TIME), conversations
-- (/api/v2/tickets/ID/conversations) and answers of surveys (/api/v2/surveys/satisfaction_ratings). The webhook of an
-- automation rule fits if its advanced content sends a ticket with these names.
-- Statuses above 5 are your own, so add them to kinds; 6 and 7 are those that Freshdesk comes with. Times are whole seconds, so
-- ids also contain what they say. For a single export of the past use --param past=1: then a ticket has its priority, type,
-- agent and group from its opening, and not from when the export saw them.
-- Freshdesk cannot say here: who answered first (conversations do), who resolved (the agent now counts), earlier reopenings, and
-- who had the ticket before. Webhooks have no id and no time of their own, and are not sent again after an error.
local kinds = { [2] = "open", [3] = "paused", [4] = "resolved", [5] = "closed", [6] = "paused", [7] = "paused" }
local reasons = { [3] = "pending", [6] = "awaiting_customer", [7] = "awaiting_third_party" }
local channels = { [1] = "email", [2] = "portal", [3] = "phone", [7] = "chat", [9] = "feedback_widget", [10] = "outbound_email" }

if record.ratings then -- 103 is extremely happy, 100 neutral, -103 extremely unhappy
  local rating = record.ratings.default_question
  if not rating then return skip("a survey without the default question") end
  return event({ type = "survey.submitted", id = "survey/" .. record.id, time = record.created_at, ticket_id = record.ticket_id,
    kind = "csat", score = rating > 100 and 1 or rating == 100 and 0.5 or 0, scale_max = 1, agent_id = record.agent_id })
end
if record.incoming ~= nil then
  if record.private then return skip("a private note") end
  local said = { id = "conversation/" .. record.id, time = record.created_at, ticket_id = record.ticket_id }
  if record.incoming then return event(said, { type = "ticket.requester_replied" }) end
  return event(said, { type = "ticket.responded", agent_id = record.user_id })
end
if record.spam or record.deleted then return skip("spam or deleted") end

local ticket = { ticket_id = record.id }
local stats = record.stats or {}
local changed = record.updated_at
local seen, past = param.past and record.created_at or changed, param.past and "past/" or ""
local kind = word(kinds, record.status, "status")

event(ticket, { type = "ticket.opened", id = "opened", time = record.created_at, requester_ref = record.requester_id,
  channel = channels[record.source] or record.source })
event(ticket, { type = "ticket.updated", id = past .. "fields/" .. changed .. "/" .. record.priority .. "/" .. (record.type or ""),
  time = seen, priority = record.priority, category = or_null(record.type), project_id = or_null(record.company_id) })
event(ticket, { type = "ticket.assigned", id = past .. "agent/" .. changed .. "/" .. (record.responder_id or 0) .. "/" ..
  (record.group_id or 0), time = seen, agent_id = or_null(record.responder_id), team_id = or_null(record.group_id) })
local function answer(at)
  if at then event(ticket, { type = "ticket.responded", id = "answer/" .. at, time = at }) end
end
answer(stats.first_responded_at)
if stats.agent_responded_at ~= stats.first_responded_at then answer(stats.agent_responded_at) end
if stats.requester_responded_at then
  event(ticket, { type = "ticket.requester_replied", id = "reply/" .. stats.requester_responded_at,
    time = stats.requester_responded_at })
end
if kind == "closed" and stats.resolved_at then
  event(ticket, { type = "ticket.resolved", id = "resolved/" .. stats.resolved_at, time = stats.resolved_at,
    agent_id = record.responder_id })
end
local times = { open = stats.reopened_at, paused = stats.pending_since, resolved = stats.resolved_at, closed = stats.closed_at }
local at = times[kind] or stats.status_updated_at or changed
state(ticket, { kind = kind, id = "status/" .. record.status .. "/" .. at, time = at, reason = reasons[record.status] },
  kind ~= "open" and kind ~= "paused" and { agent_id = record.responder_id })
