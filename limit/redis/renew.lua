-- Renews a lease, or takes it again where it has ended. ARGV: 14 the lease, with what it reserved and in which periods behind it;
-- 15 its length in ms; 16 the tokens reserved, 17 their period; 18 and 19 the same of the cost.

if redis.call('ZADD', KEYS[2], now / 1000 + ARGV[15], ARGV[14]) == 1 then
	for first, q in pairs({ [16] = tokens, [18] = spent }) do
		if q.window == 0 and tonumber(ARGV[first + 1]) == q.period then
			q.reserved = q.reserved + ARGV[first]
		end
	end
end
save()
return 1
