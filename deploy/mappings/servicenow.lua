-- ServiceNow, two CSV exports in one file: rows of the table incident (sys_id is filled) and rows of sys_audit for it.
-- Times are local: name the zone of the user who exported. state and incident_state say the same; only state is read.
-- ServiceNow cannot say: which comment was the first answer. Here work begins when somebody sets "In Progress".
local kinds = { ["1"] = "open", ["2"] = "open", ["3"] = "paused", ["6"] = "resolved", ["7"] = "closed", ["8"] = "closed" }
local function filled(x) return trim(x) end

if filled(record.sys_id) and filled(record.opened_at) then
  return event({ type = "ticket.opened", id = "opened", time = record.opened_at, ticket_id = record.sys_id,
    priority = digits(record.priority), category = filled(record.category), channel = filled(record.contact_type),
    team_id = filled(record.assignment_group), requester_ref = filled(record.caller_id) })
end
if record.tablename ~= "incident" then return skip("table " .. record.tablename) end

local now = { id = record.sys_id, time = record.sys_created_on, ticket_id = record.documentkey }
local user = record.user ~= "system" and filled(record.user) or nil
if record.fieldname == "state" then
  local kind = word(kinds, record.newvalue, "state")
  state(now, { kind = kind, reason = kind == "paused" and "on_hold" or nil },
    kind == "resolved" and { agent_id = user },
    kind == "closed" and { agent_id = user, automatic = not user or nil,
      resolution = record.newvalue == "8" and "cancelled" or nil })
  if record.newvalue == "2" then
    event(now, { type = "ticket.responded", id = record.sys_id .. "/responded", agent_id = user })
  end
elseif record.fieldname == "assigned_to" then
  event(now, { type = "ticket.assigned", agent_id = or_null(filled(record.newvalue)) })
elseif record.fieldname == "assignment_group" then
  event(now, { type = "ticket.assigned", team_id = or_null(filled(record.newvalue)) })
elseif record.fieldname == "priority" then
  event(now, { type = "ticket.updated", priority = digits(record.newvalue) })
else
  skip("change of " .. record.fieldname)
end
