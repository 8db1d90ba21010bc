-- Takes what a call is about to use, or nothing of it. ARGV: 10 the lease, "" for none; 11 its length in ms; 12 how many may be
-- held at once, 0 for no limit; 13 the tokens to reserve.
--
-- Returns what is used up (0 nothing, 1 calls at once, 2 requests, 3 tokens), µs to wait, requests that remain, µs until they
-- are all there, the same of tokens, and the period of the tokens.

local lease, reserve = ARGV[10], tonumber(ARGV[13])

for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now / 1000, 'LIMIT', 0, 1000)) do
	local reserved, period = string.match(ended, ':(%d+):(%d+)$')
	if tokens and tokens.window == 0 and tonumber(period) == tokens.period then
		tokens.reserved = math.max(tokens.reserved - reserved, 0)
	end
	redis.call('ZREM', KEYS[2], ended)
end

-- A large request needs no more than a tenth of the amount, and owes the rest.
local function missing(q, n)
	local enough = math.min(n, math.max(math.floor(q.amount / 10), 1))
	if q.window == 0 then
		return q.amount - q.count - q.reserved < enough and q.ends - now or 0
	end
	return math.max(q.drained, now) + cost(q, enough) - now - q.window
end

local what, wait = 0, 0
if tonumber(ARGV[12]) > 0 and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[12]) then
	what, wait = 1, 1000000
end
if what == 0 and requests then
	wait = missing(requests, 1)
	what = wait > 0 and 2 or 0
end
if what == 0 and tokens then
	wait = missing(tokens, reserve)
	what = wait > 0 and 3 or 0
end
if what == 0 then
	if requests and requests.window > 0 then
		drain(requests, 1)
	elseif requests then
		requests.count = requests.count + 1
	end
	if tokens and tokens.window > 0 then
		drain(tokens, reserve)
	elseif tokens then
		tokens.reserved = tokens.reserved + reserve
	end
	if lease ~= '' then
		redis.call('ZADD', KEYS[2], now / 1000 + ARGV[11], lease .. ':' .. ARGV[13] .. ':' .. string.format('%.0f', tokens and tokens.period or 0))
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
return { what, math.ceil(math.max(wait, 0)), math.floor(remain), math.ceil(reset), math.floor(left), math.ceil(full), tokens and tokens.period or 0 }
