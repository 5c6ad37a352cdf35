-- Zammad webhooks (a trigger on every change of a ticket): the whole ticket, and the article that was written.
-- Zammad sends no event id: a state is known by the ticket's updated_at, which has milliseconds, an article by its id.
-- Owner 1 is nobody. States are those of a new Zammad; add your own to kinds.
-- Zammad cannot say: who closed the ticket, but for who changed it last (updated_by).
local kinds = { new = "open", open = "open", ["pending reminder"] = "paused", ["pending close"] = "paused",
  closed = "closed", merged = "closed", removed = "closed" }
local t, a = record.ticket, record.article
if not t then return skip("no ticket") end

local function name(x) -- text, or an object with a name
  return type(x) == "table" and x.name or x
end
local function login(user)
  return user and user.id ~= 1 and user.login ~= "-" and user.login or nil
end

local status = name(t.state)
local kind = word(kinds, status, "state")
local ticket = { ticket_id = t.number }
local now = { id = "at/" .. t.updated_at, time = t.updated_at }
local function part(p) return { id = now.id .. "/" .. p } end

event(ticket, { type = "ticket.opened", id = "opened", time = t.created_at, channel = t.create_article_type,
  requester_ref = login(t.customer) })
event(ticket, now, part("updated"), { type = "ticket.updated", priority = t.priority_id, project_id = name(t.organization) })
event(ticket, now, part("assigned"), { type = "ticket.assigned", team_id = name(t.group), agent_id = or_null(login(t.owner)) })
state(ticket, now, { kind = kind, reason = status },
  kind == "closed" and { agent_id = login(t.updated_by), resolution = status == "merged" and "duplicate" or nil })
if a and not a.internal and a.id ~= (t.article_ids and t.article_ids[1]) then
  local said = { id = "article/" .. a.id, time = a.created_at }
  if a.sender == "Customer" then event(ticket, said, { type = "ticket.requester_replied" })
  elseif a.sender == "Agent" then event(ticket, said, { type = "ticket.responded", agent_id = login(a.created_by) }) end
end
