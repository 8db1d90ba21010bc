-- Ends what a call has taken: the tokens that it used take the place of those it reserved. ARGV: 10 the lease, with what it
-- reserved and in which period behind it, or ""; 11 the tokens reserved; 12 their period; 13 the tokens used; 14 requests to
-- give back; 15 is 1 where the same may have been settled before.
--
-- Returns whether the lease was held.

local held = ARGV[10] ~= '' and redis.call('ZREM', KEYS[2], ARGV[10]) or 0
if held == 0 and ARGV[15] == '1' then
	return 0
end
local reserved, used, back = tonumber(ARGV[11]), tonumber(ARGV[13]), tonumber(ARGV[14])
if tokens and tokens.window > 0 then
	drain(tokens, used - reserved)
elseif tokens then
	if held == 1 and tonumber(ARGV[12]) == tokens.period then
		tokens.reserved = math.max(tokens.reserved - reserved, 0)
	end
	tokens.count = tokens.count + used
end
if requests and requests.window > 0 then
	requests.drained = requests.drained - cost(requests, back)
elseif requests then
	requests.count = math.max(requests.count - back, 0)
end
save()
return held
