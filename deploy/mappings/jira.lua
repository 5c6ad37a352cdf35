-- Jira Service Management webhooks: issue_created, issue_updated with its changelog, comment_created.
-- Names of statuses differ by project: add yours to kinds. A record may have several changes; each has the changelog's id
-- and its place in it.
-- Jira cannot say: whether a cancelled request was the customer's wish. Comments that are not public are skipped.
local kinds = { Open = "open", ["Waiting for support"] = "open", ["In Progress"] = "open", Reopened = "open", Escalated = "open",
  ["Waiting for customer"] = "paused", Pending = "paused", ["Waiting for approval"] = "paused",
  Resolved = "resolved", Done = "resolved", Closed = "closed", Canceled = "closed" }
local unsolved = { ["Won't Do"] = true, ["Cannot Reproduce"] = true, Declined = true, ["Won't Fix"] = true }
local what, issue = record.webhookEvent, record.issue
if not issue then return skip(what) end
local fields = issue.fields or {}
local ticket = { ticket_id = issue.key }

local function account(user) return user and user.accountId end

local function status(now, name)
  local kind = word(kinds, name, "status")
  local cancelled, done = name == "Canceled", fields.resolution and fields.resolution.name
  state(ticket, now, { kind = kind, reason = name },
    (kind == "resolved" or kind == "closed") and {
      agent_id = not cancelled and account(record.user) or nil,
      resolution = cancelled and "cancelled" or done and (done == "Duplicate" and "duplicate" or unsolved[done] and "unsolved") or nil })
end

if what == "jira:issue_created" then
  event(ticket, { type = "ticket.opened", id = "created/" .. issue.id, time = fields.created, project_id = fields.project.key,
    category = fields.issuetype.name, priority = fields.priority and fields.priority.name, agent_id = account(fields.assignee),
    requester_ref = account(fields.reporter) })
elseif what == "jira:issue_updated" then
  for i, item in ipairs(record.changelog and record.changelog.items or {}) do
    local now = { id = record.changelog.id .. "/" .. i - 1, time = record.timestamp }
    if item.field == "status" then status(now, item.toString)
    elseif item.field == "assignee" then event(ticket, now, { type = "ticket.assigned", agent_id = or_null(item.to) })
    elseif item.field == "priority" then event(ticket, now, { type = "ticket.updated", priority = or_null(item.toString) })
    else skip("change of " .. item.field) end
  end
  if not record.changelog then skip("no changelog") end
elseif what == "comment_created" then
  local c = record.comment
  local now = { id = "comment/" .. c.id, time = c.created }
  if not c.jsdPublic then skip("internal comment")
  elseif c.author.accountType == "customer" or c.author.accountId == account(fields.reporter) then
    event(ticket, now, { type = "ticket.requester_replied" })
  else event(ticket, now, { type = "ticket.responded", agent_id = c.author.accountId }) end
else
  skip(what)
end
