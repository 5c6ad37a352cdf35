-- osTicket's tables ost_ticket, ost_thread and ost_ticket__cdata by Debezium (MySQL): the row as it is after each change, also
-- from a snapshot. param.tables names another beginning of their names than ost_.
-- osTicket writes DATETIME in the clock of its database, and Debezium sells that as UTC: time_zone names the zone of that clock.
-- Times are whole seconds, so ids also contain what they say. Statuses are those of a new osTicket; add your own to kinds.
-- The tables cannot say: who answered or closed (the owner counts), that a ticket waits, and when a priority changed before
-- Debezium saw it: that of a snapshot counts from the snapshot on. ticket_id is the number that tables use, not the one of mails.
local kinds = { "open", "resolved", "closed", "closed", "closed" } -- open, resolved, closed, archived, deleted
local change = record.payload or record
local row, from = change.after, change.source
if not row then return skip("a row was deleted") end
local what = prefix(from.table, param.tables or "ost_")

local function time(x) return x and x ~= 0 and wall_ms(x) or nil end -- 0 is MySQL's 0000-00-00
local function some(x) return x and x ~= 0 and x or nil end          -- 0 is nobody, or none

if what == "ticket" then
  local ticket = { ticket_id = row.ticket_id }
  local opened, updated = time(row.created), time(row.updated) or time(row.created)
  local staff, department = some(row.staff_id), some(row.dept_id)
  local kind = word(kinds, row.status_id, "status_id")
  event(ticket, { type = "ticket.opened", id = "opened", time = opened, channel = row.source, requester_ref = some(row.user_id) })
  event(ticket, { type = "ticket.updated", id = "topic/" .. updated .. "/" .. (row.topic_id or 0), time = updated,
    category = some(row.topic_id) })
  event(ticket, { type = "ticket.assigned", id = "owner/" .. updated .. "/" .. (staff or 0) .. "/" .. (department or 0),
    time = updated, agent_id = or_null(staff), team_id = department })
  local at = kind == "open" and (time(row.reopened) or opened) or time(row.closed) or updated
  state(ticket, { kind = kind, id = "status/" .. row.status_id .. "/" .. at, time = at },
    row.status_id == 5 and { resolution = "cancelled" })
elseif what == "thread" then
  if row.object_type ~= "T" then return skip("a thread of no ticket") end
  local ticket = { ticket_id = row.object_id }
  local answered, asked = time(row.lastresponse), time(row.lastmessage)
  if answered then event(ticket, { type = "ticket.responded", id = "answer/" .. answered, time = answered }) end
  if asked then event(ticket, { type = "ticket.requester_replied", id = "message/" .. asked, time = asked }) end
  if not answered and not asked then skip("a thread without messages") end
elseif what == "ticket__cdata" then
  event({ type = "ticket.updated", id = "cdata/" .. from.ts_ms, time = from.ts_ms, ticket_id = row.ticket_id,
    priority = or_null(row.priority) })
else
  skip("table " .. from.table)
end
