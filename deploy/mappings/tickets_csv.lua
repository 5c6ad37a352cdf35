-- A row per ticket, as most help desks export it: rename your columns to these, or change the names here. Required are ticket_id
-- and created_at; the others may be missing or empty: priority, category, project, channel, requester, agent, team, status,
-- first_response_at, resolved_at, closed_at, csat (1 to 5).
-- Times are RFC 3339, or local times such as 2026-05-04 08:30, for which --zone names the zone; a date alone is its midnight.
-- Such a table cannot say: who had a ticket before, when it waited, or that it was opened again. The agent counts from the opening
-- on. A row that comes again in a later export counts once. A corrected priority or category is an id_conflict, since both belong
-- to the opening here: the first export counts.
local cancelled = { cancelled = true, canceled = true, rejected = true, withdrawn = true }

local function cell(name) return trim(record[name]) end
local function time(name)
  local text = cell(name)
  if text and #text == 10 and not tonumber(text) then return ymd(text) end
  return text
end

local number = cell("ticket_id")
if not number then error("ticket_id is empty") end
local ticket = { ticket_id = number }
local agent, opened, status = cell("agent"), time("created_at"), cell("status")
local answered, resolved, closed = time("first_response_at"), time("resolved_at"), time("closed_at")
local resolution = status and cancelled[string.lower(status)] and "cancelled" or nil

event(ticket, { type = "ticket.opened", id = "opened", time = opened, priority = cell("priority"), category = cell("category"),
  project_id = cell("project"), channel = cell("channel"), requester_ref = cell("requester"), team_id = cell("team") })
if agent then event(ticket, { type = "ticket.assigned", id = "assigned/" .. agent, time = opened, agent_id = agent }) end
if answered then event(ticket, { type = "ticket.responded", id = "responded/" .. answered, time = answered, agent_id = agent }) end
if resolved then
  event(ticket, { type = "ticket.resolved", id = "resolved/" .. resolved, time = resolved, agent_id = agent, resolution = resolution })
end
if closed then
  event(ticket, { type = "ticket.closed", id = "closed/" .. closed, time = closed, agent_id = agent, resolution = resolution })
end
local score, rated = cell("csat"), closed or resolved
if score and rated then
  event(ticket, { type = "survey.submitted", id = "csat", time = rated, kind = "csat", score = tonumber(score), agent_id = agent })
end
