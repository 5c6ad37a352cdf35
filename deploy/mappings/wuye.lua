-- 物业报修工单：每行一张工单的 CSV 或 Excel 导出。时间为当地时间，导入时用 --zone Asia/Shanghai。
-- 表格不说明：谁在什么时候改派过，是否重新打开过。再次导出的同一行只计一次；完成时间改了，就是新的事件。
local urgency = { ["特急"] = "1", ["紧急"] = "2", ["普通"] = "3", ["一般"] = "3" }
local scores = { ["非常满意"] = 5, ["满意"] = 4, ["一般"] = 3, ["不满意"] = 2, ["非常不满意"] = 1,
  ["5"] = 5, ["4"] = 4, ["3"] = 3, ["2"] = 2, ["1"] = 1 }
local states = { ["待处理"] = "open", ["处理中"] = "open", ["已完成"] = "done", ["已评价"] = "done", ["已取消"] = "cancelled" }

local function time(cell) -- 文字日期，或 Excel 的天数
  local text = trim(cell)
  if not text then return nil end
  if tonumber(text) then return excel(text) end
  return ymd(text)
end

local number = trim(record["工单编号"])
if not number then error("没有工单编号") end
local ticket = { ticket_id = number }
local worker = trim(record["接单人"])
local status = word(states, trim(record["状态"]), "状态")
local taken, arrived, done = time(record["接单时间"]), time(record["到场时间"]), time(record["完成时间"])

event(ticket, { type = "ticket.opened", id = "opened", time = time(record["报修时间"]), project_id = trim(record["项目"]),
  category = trim(record["报修类型"]), priority = word(urgency, trim(record["紧急程度"]), "紧急程度"),
  requester_ref = trim(record["房号"]) })
if taken then
  event(ticket, { type = "ticket.assigned", id = "assigned/" .. taken, time = taken, agent_id = worker })
  event(ticket, { type = "ticket.responded", id = "responded/" .. taken, time = taken, agent_id = worker })
end
if arrived then event(ticket, { type = "ticket.arrived", id = "arrived/" .. arrived, time = arrived, agent_id = worker }) end
if done and status == "cancelled" then
  event(ticket, { type = "ticket.closed", id = "closed/" .. done, time = done, agent_id = worker, resolution = "cancelled" })
elseif done then
  event(ticket, { type = "ticket.resolved", id = "resolved/" .. done, time = done, agent_id = worker })
  local score = word(scores, trim(record["满意度"]), "满意度")
  if score then
    event(ticket, { type = "survey.submitted", id = "csat", time = done, kind = "csat", score = score, agent_id = worker })
  end
end
