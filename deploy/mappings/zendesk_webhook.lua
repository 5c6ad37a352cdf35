-- Zendesk ticket events by webhook: one change per record. Each event has an id, so a repeated delivery counts once.
-- Zendesk cannot say: what was before the first event. It sends several events for one action in no fixed order.
-- Options: none. Records of other things than tickets, such as users, are skipped.
local kinds = { NEW = "open", OPEN = "open", PENDING = "paused", HOLD = "paused", SOLVED = "resolved", CLOSED = "closed" }
local reasons = { PENDING = "awaiting_customer", HOLD = "on_hold" }
local what = prefix(record.type, "zen:event-type:ticket.")
if not what then return skip(record.type) end
local d, e = record.detail, record.event
local now = { id = record.id, time = record.time, ticket_id = d.id }

local function actor()
  return d.actor_id ~= "-1" and d.actor_id or nil
end

local function status(time, zendesk_status)
  local kind = word(kinds, zendesk_status, "status")
  state(now, time, { kind = kind, reason = reasons[zendesk_status] },
    kind == "resolved" and { agent_id = actor() },
    kind == "closed" and { agent_id = actor(), automatic = not actor() or nil })
end

if what == "created" then
  local opened = { time = d.created_at }
  event(now, opened, { type = "ticket.opened", project_id = d.brand_id, channel = d.via and d.via.channel,
    priority = d.priority and d.priority:lower(), team_id = d.group_id, agent_id = d.assignee_id, requester_ref = d.requester_id })
  if word(kinds, d.status, "status") ~= "open" then status(opened, d.status) end
elseif what == "status_changed" then
  status(nil, e.current)
elseif what == "agent_assignment_changed" then
  event(now, { type = "ticket.assigned", agent_id = or_null(e.current) })
elseif what == "group_assignment_changed" then
  event(now, { type = "ticket.assigned", team_id = or_null(e.current) })
elseif what == "priority_changed" then
  event(now, { type = "ticket.updated", priority = e.current and e.current:lower() or null })
elseif what == "comment_added" and not e.comment.is_public then
  skip("private comment")
elseif what == "comment_added" and e.comment.author.is_staff then
  event(now, { type = "ticket.responded", agent_id = e.comment.author.id })
elseif what == "comment_added" then
  event(now, { type = "ticket.requester_replied" })
else
  skip(what)
end
