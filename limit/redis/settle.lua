-- Ends what a call has taken: what it used takes the place of what it reserved. ARGV: 14 the lease, with what it reserved and in
-- which periods behind it, or ""; 15 the tokens reserved, 16 their period, 17 the tokens used; 18-20 the same of the cost; 21
-- requests to give back; 22 is 1 where the same may have been settled before.
--
-- Returns whether the lease was held.

local held = ARGV[14] ~= '' and redis.call('ZREM', KEYS[2], ARGV[14]) or 0
if held == 0 and ARGV[22] == '1' then
	return 0
end
for first, q in pairs({ [15] = tokens, [18] = spent }) do
	local reserved, used = tonumber(ARGV[first]), tonumber(ARGV[first + 2])
	if q.window > 0 then
		drain(q, used - reserved)
	else
		if held == 1 and tonumber(ARGV[first + 1]) == q.period then
			q.reserved = math.max(q.reserved - reserved, 0)
		end
		q.count = q.count + used
	end
end
local back = tonumber(ARGV[21])
if requests and requests.window > 0 then
	requests.drained = requests.drained - length(requests, back)
elseif requests then
	requests.count = math.max(requests.count - back, 0)
end
save()
return held
