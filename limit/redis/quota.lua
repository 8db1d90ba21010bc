-- The beginning of every script: what one key has used of one limit. KEYS[1] is a hash of it, KEYS[2] a sorted set of the
-- leases that are held, by the millisecond in which they end. The only clock is the server's.
--
-- ARGV: 1 how long the keys are kept, in ms. 2-5 the quota of requests, 6-9 that of tokens, 10-13 that of cost in billionths of a
-- dollar: the amount, 0 for no such quota; the window in µs, 0 for a period of the calendar; the period's number, and the Unix
-- second in which it ends.

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

local function quota(name, first)
	local q = { name = name, amount = tonumber(ARGV[first]), window = tonumber(ARGV[first + 1]), ends = ARGV[first + 3] * 1000000 }
	if q.amount == 0 then
		return nil
	end
	local f = redis.call('HMGET', KEYS[1], name .. ':drained', name .. ':period', name .. ':count', name .. ':reserved')
	q.drained, q.period, q.count, q.reserved = tonumber(f[1]) or 0, tonumber(f[2]) or 0, tonumber(f[3]) or 0, tonumber(f[4]) or 0
	local period = tonumber(ARGV[first + 2])
	if q.window == 0 and period > q.period then -- not back again, where a gateway's clock is behind
		q.period, q.count, q.reserved = period, 0, 0
	end
	return q
end

local requests, tokens, spent = quota('requests', 2), quota('tokens', 6), quota('cost', 10)

local function save()
	for _, q in pairs({ requests = requests, tokens = tokens, cost = spent }) do
		if q.window > 0 then
			redis.call('HSET', KEYS[1], q.name .. ':drained', string.format('%.0f', q.drained))
		else
			redis.call('HSET', KEYS[1], q.name .. ':period', string.format('%.0f', q.period), q.name .. ':count', string.format('%.0f', q.count),
				q.name .. ':reserved', string.format('%.0f', q.reserved))
		end
	end
	redis.call('PEXPIRE', KEYS[1], ARGV[1])
	redis.call('PEXPIRE', KEYS[2], ARGV[1])
end

-- How long n takes to drain.
local function length(q, n)
	return n / q.amount * q.window
end

-- A debt is one window at most.
local function drain(q, n)
	q.drained = math.min(math.max(q.drained, now) + length(q, n), now + 2 * q.window)
end
