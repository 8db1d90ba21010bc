-- Renews a lease, or takes it again where it has ended. ARGV: 10 the lease, with what it reserved and in which period behind
-- it; 11 its length in ms; 12 the tokens reserved; 13 their period.

if redis.call('ZADD', KEYS[2], now / 1000 + ARGV[11], ARGV[10]) == 1 and tokens and tokens.window == 0 and tonumber(ARGV[13]) == tokens.period then
	tokens.reserved = tokens.reserved + ARGV[12]
end
save()
return 1
