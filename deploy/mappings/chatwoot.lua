-- Chatwoot webhooks: conversations as they are after each change, and messages.
-- Auto-assignment reopens a conversation without a status event, so every record of a conversation states its status.
-- Chatwoot sends once only: compare with a nightly export. updated_at has fractions, created_at of messages three forms.
-- Chatwoot cannot say: who resolved a conversation.
local kinds = { open = "open", pending = "paused", snoozed = "paused", resolved = "resolved" }
local what = record.event

if what == "conversation_created" or what == "conversation_updated" or what == "conversation_status_changed" or
    what == "conversation_opened" or what == "conversation_resolved" then
  local meta = record.meta or {}
  local ticket = { ticket_id = record.id }
  local changed = what == "conversation_created" and record.created_at or record.updated_at or record.timestamp
  local now = { id = "at/" .. tostring(changed), time = changed }
  local function part(p) return { id = now.id .. "/" .. p } end
  event(ticket, { type = "ticket.opened", id = "opened", time = record.created_at, channel = record.channel,
    requester_ref = meta.sender and meta.sender.id })
  event(ticket, now, part("updated"), { type = "ticket.updated", project_id = record.inbox_id, priority = or_null(record.priority) })
  event(ticket, now, part("assigned"), { type = "ticket.assigned", agent_id = or_null(meta.assignee and meta.assignee.id),
    team_id = or_null(meta.team and meta.team.id) })
  state(ticket, now, { kind = word(kinds, record.status, "status"), reason = record.status })
elseif what == "message_created" then
  local said = { id = "message/" .. record.id, time = record.created_at, ticket_id = record.conversation.id }
  local who = record.sender and record.sender.type
  if record.private then skip("private note")
  elseif record.message_type == "incoming" then event(said, { type = "ticket.requester_replied" })
  elseif record.message_type ~= "outgoing" then skip(record.message_type)
  elseif who == "user" then event(said, { type = "ticket.responded", agent_id = record.sender.id })
  else event(said, { type = "ticket.responded", automatic = true }) end
elseif what == "message_updated" and record.content_type == "input_csat" then
  local values = record.content_attributes and record.content_attributes.submitted_values
  local answer = values and values.csat_survey_response
  if not answer then return skip("survey without an answer") end
  -- The time of the answer is not sent, only that of the question.
  event({ type = "survey.submitted", id = "csat/" .. record.id, time = record.created_at, ticket_id = record.conversation.id,
    kind = "csat", score = answer.rating })
else
  skip(what)
end
