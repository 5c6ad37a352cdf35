-- Zendesk incremental ticket events (/api/v2/incremental/ticket_events.json?include=comment_events): several changes in a
-- record, or a page of records, as the API returns it. Times are whole seconds; each change has an id.
-- Zendesk cannot say here: who wrote what a trigger sent. A change by -1 is an automation.
-- Do not mix it with the webhooks under one source: both tell the same changes under different ids.
local kinds = { new = "open", open = "open", pending = "paused", hold = "paused", solved = "resolved", closed = "closed" }
local reasons = { pending = "awaiting_customer", hold = "on_hold" }
local scores = { good = 1, bad = 0, good_with_comment = 1, bad_with_comment = 0, offered = false, unoffered = false }

local function status(now, updater, zendesk_status)
  local kind = word(kinds, zendesk_status, "status")
  local agent = updater and updater > 0 and updater or nil
  state(now, { kind = kind, reason = reasons[zendesk_status] },
    kind == "resolved" and { agent_id = agent }, kind == "closed" and { agent_id = agent, automatic = not agent or nil })
end

local customers = {}

local function created(now, child)
  customers[child.requester_id or 0] = true
  event(now, { type = "ticket.opened", project_id = child.brand_id, channel = child.via, priority = child.priority,
    team_id = child.group_id, agent_id = child.assignee_id, requester_ref = child.requester_id })
  if word(kinds, child.status, "status") ~= "open" then status(now, nil, child.status) end
end

local function changed(now, child, updater)
  local any = false
  local function at(part)
    any = true
    return { id = child.id .. "/" .. part, time = now.time, ticket_id = now.ticket_id }
  end
  if child.status then any = true; status(now, updater, child.status) end
  -- previous_value is there even where the value is null
  if child.assignee_id then event(at("agent"), { type = "ticket.assigned", agent_id = child.assignee_id }) end
  if child.group_id then event(at("team"), { type = "ticket.assigned", team_id = child.group_id }) end
  if child.priority then event(at("priority"), { type = "ticket.updated", priority = child.priority }) end
  local score = word(scores, child.satisfaction_score, "satisfaction_score")
  if score then event(at("csat"), { type = "survey.submitted", kind = "csat", score = score, scale_max = 1 }) end
  if not any then skip("change of other fields") end
end

local function ticket_event(r)
  for _, child in ipairs(r.child_events) do
    local now = { id = child.id, time = r.timestamp, ticket_id = r.ticket_id }
    if child.event_type == "Create" then created(now, child)
    elseif child.event_type == "Change" then changed(now, child, r.updater_id)
    elseif child.event_type ~= "Comment" then skip(child.event_type)
    elseif not child.public then skip("private comment")
    -- the API does not say who is staff: requesters write by mail or from their own form, under the updater's id
    elseif child.author_id == r.updater_id and r.via == "Mail" or customers[child.author_id] then
      event(now, { type = "ticket.requester_replied" })
    else event(now, { type = "ticket.responded", agent_id = child.author_id }) end
  end
  if #r.child_events == 0 then skip("no child events") end
end

if record.ticket_events then
  for _, r in ipairs(record.ticket_events) do ticket_event(r) end
  if #record.ticket_events == 0 then skip("empty page") end
else
  ticket_event(record)
end
