-- Takes what a call is about to use, or nothing of it. ARGV: 14 the lease, "" for none; 15 its length in ms; 16 how many may be
-- held at once, 0 for no limit; 17 the tokens to reserve, and 18 the cost.
--
-- Returns what is used up (0 nothing, 1 calls at once, 2 requests, 3 tokens, 4 cost), µs to wait, requests that remain, µs until
-- they are all there, the same of tokens, and the periods of tokens and cost.

local lease = ARGV[14]

local function giveBack(q, reserved, period)
	if q and q.window == 0 and tonumber(period) == q.period then
		q.reserved = math.max(q.reserved - reserved, 0)
	end
end

for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now / 1000, 'LIMIT', 0, 1000)) do
	local t, inPeriod, c, costPeriod = string.match(ended, ':(%d+):(%d+):(%d+):(%d+)$')
	giveBack(tokens, t, inPeriod)
	giveBack(spent, c, costPeriod)
	redis.call('ZREM', KEYS[2], ended)
end

-- A large request needs no more than a tenth of the amount, and owes the rest.
local function missing(q, n)
	local enough = math.min(n, math.max(math.floor(q.amount / 10), 1))
	if q.window == 0 then
		return q.amount - q.count - q.reserved < enough and q.ends - now or 0
	end
	return math.max(q.drained, now) + length(q, enough) - now - q.window
end

local what, wait = 0, 0
if tonumber(ARGV[16]) > 0 and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[16]) then
	what, wait = 1, 1000000
end
for code, of in pairs({ [2] = { requests, 1 }, [3] = { tokens, tonumber(ARGV[17]) }, [4] = { spent, tonumber(ARGV[18]) } }) do
	if what == 0 and of[1] then
		wait = missing(of[1], of[2])
		what = wait > 0 and code or 0
	end
end

local function take(q, n, field)
	if q and q.window > 0 then
		drain(q, n)
	elseif q then
		q[field] = q[field] + n
	end
end

if what == 0 then
	take(requests, 1, 'count')
	take(tokens, tonumber(ARGV[17]), 'reserved')
	take(spent, tonumber(ARGV[18]), 'reserved')
	if lease ~= '' then
		redis.call('ZADD', KEYS[2], now / 1000 + ARGV[15],
			string.format('%s:%s:%.0f:%s:%.0f', lease, ARGV[17], tokens and tokens.period or 0, ARGV[18], spent and spent.period or 0))
	end
end
save()

local function report(q)
	if not q then
		return 0, 0
	end
	if q.window == 0 then
		return math.max(q.amount - q.count - q.reserved, 0), q.ends - now
	end
	local reset = math.max(q.drained - now, 0)
	return math.max((q.window - reset) / q.window * q.amount, 0), reset
end

local remain, reset = report(requests)
local left, full = report(tokens)
return { what, math.ceil(math.max(wait, 0)), math.floor(remain), math.ceil(reset), math.floor(left), math.ceil(full),
	tokens and tokens.period or 0, spent and spent.period or 0 }
