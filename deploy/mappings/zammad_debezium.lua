-- Zammad's table tickets by Debezium (PostgreSQL): the row as it is after each change, also from a snapshot.
-- Rows name states, groups and users by number; param.closed and the like may name other numbers than a new Zammad has.
-- PostgreSQL sends `before` only with REPLICA IDENTITY FULL; this mapping does not need it. An unchanged TOAST value is a
-- placeholder, so no long text is used. Owner 1 is nobody (param.unowned names another number).
-- The table cannot say: who answered first, and which article the customer wrote.
local kinds = { "open", "open", "paused", "closed", "closed", "closed", "paused" } -- new open reminder closed merged removed close
local names = { [3] = "pending reminder", [7] = "pending close" }
local change = record.payload or record
local row = change.after
if not row then return skip("a row was deleted") end
if change.source.table ~= "tickets" then return skip("table " .. change.source.table) end

local unowned = digits(param.unowned or "1")
local ticket = { ticket_id = row.number }
local now = { id = "at/" .. row.updated_at, time = row.updated_at }
local function part(p) return { id = now.id .. "/" .. p } end
local function user(id) return id and id ~= unowned and id or nil end
local kind = word(kinds, row.state_id, "state_id")

event(ticket, { type = "ticket.opened", id = "opened", time = row.created_at, requester_ref = row.customer_id })
event(ticket, now, part("updated"), { type = "ticket.updated", priority = row.priority_id, project_id = row.organization_id })
event(ticket, now, part("assigned"), { type = "ticket.assigned", team_id = row.group_id, agent_id = or_null(user(row.owner_id)) })
state(ticket, now, { kind = kind, reason = names[row.state_id] },
  kind == "closed" and { agent_id = user(row.updated_by_id), resolution = row.state_id == 5 and "duplicate" or nil })
if row.first_response_at then
  event(ticket, { type = "ticket.responded", id = "first/" .. row.first_response_at, time = row.first_response_at })
end
