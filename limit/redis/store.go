// Package redis counts limits in Redis, Valkey or a cluster of them, for all gateways that have the server in common.
package redis

import (
	"context"
	"crypto/sha1" //nolint:gosec // it is how Redis names scripts
	_ "embed"
	"encoding/hex"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"

	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
)

var (
	//go:embed quota.lua
	quotaLua string
	//go:embed begin.lua
	beginLua string
	//go:embed settle.lua
	settleLua string
	//go:embed renew.lua
	renewLua string
)

// script is a Lua script, which the server runs as one step.
type script struct{ text, sha string }

func newScript(text string) script {
	sum := sha1.Sum([]byte(quotaLua + text)) //nolint:gosec // as above
	return script{text: quotaLua + text, sha: hex.EncodeToString(sum[:])}
}

var begin, settle, renew = newScript(beginLua), newScript(settleLua), newScript(renewLua)

// store is a limit.Store. It connects when it is first asked.
type store struct {
	option rueidis.ClientOption
	client atomic.Pointer[rueidis.Client]
	mu     sync.Mutex // held while connecting
	closed bool
}

// connect returns the client, which keeps its connections by itself from then on.
func (s *store) connect(ctx context.Context) (rueidis.Client, error) {
	if c := s.client.Load(); c != nil {
		return *c, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.client.Load(); c != nil {
		return *c, nil
	}
	if err := ctx.Err(); err != nil || s.closed {
		return nil, rueidis.ErrClosing
	}
	c, err := rueidis.NewClient(s.option)
	if err != nil {
		return nil, err
	}
	s.client.Store(&c)
	return c, nil
}

// Close implements limit.Store.
func (s *store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if c := s.client.Load(); c != nil {
		(*c).Close()
	}
}

// Reach implements limit.Store. It asks for the count's key, since of a cluster another node might answer.
func (s *store) Reach(ctx context.Context, count string) error {
	c, err := s.connect(ctx)
	if err != nil {
		return err
	}
	used, _ := keys(count)
	return c.Do(ctx, c.B().Exists().Key(used).Build()).Error()
}

// keys returns the names of a count's keys. What is in braces decides which node of a cluster has them: the same.
func keys(count string) (used, leases string) {
	return "bedrock_gateway:{" + count + "}:used", "bedrock_gateway:{" + count + "}:leases"
}

// held is a lease as its script reads it.
func held(t *limit.Take) string {
	if t.Lease == "" {
		return ""
	}
	return t.Lease + ":" + number(t.Reserved.Tokens) + ":" + number(t.Periods.Tokens) + ":" + number(t.Reserved.Cost) + ":" + number(t.Periods.Cost)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

var leaseTime = strconv.FormatInt(limit.LeaseTime.Milliseconds(), 10)

// Begin implements limit.Store.
func (s *store) Begin(ctx context.Context, takes []limit.Take) ([]limit.Outcome, error) {
	calls := make([]call, len(takes))
	for i := range takes {
		t := &takes[i]
		calls[i] = callOf(t, t.Lease, leaseTime, number(t.Rule.Concurrent), number(t.Reserved.Tokens), number(t.Reserved.Cost))
	}
	replies, err := s.run(ctx, begin, calls)
	if err != nil {
		return nil, err
	}
	outcomes := make([]limit.Outcome, len(takes))
	for i := range replies {
		n, err := replies[i].AsIntSlice()
		if err != nil {
			return nil, err
		}
		if len(n) != 8 || n[0] < 0 || n[0] >= int64(len(refused)) {
			return nil, fmt.Errorf("the script returned %d", n)
		}
		o := limit.Outcome{Refused: refused[n[0]], Wait: micros(n[1]), Periods: limit.Amounts{Tokens: n[6], Cost: n[7]}}
		if q := takes[i].Rule.Requests; q != nil {
			o.Requests = limit.Report{Limit: q.Amount, Remaining: n[2], Reset: micros(n[3])}
		}
		if q := takes[i].Rule.Tokens; q != nil {
			o.Tokens = limit.Report{Limit: q.Amount, Remaining: n[4], Reset: micros(n[5])}
		}
		outcomes[i] = o
	}
	return outcomes, nil
}

// refused is what the script's numbers stand for.
var refused = [...]limit.What{"", limit.OfConcurrent, limit.OfRequests, limit.OfTokens, limit.OfCost}

func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// Settle implements limit.Store.
func (s *store) Settle(ctx context.Context, settlements []limit.Settlement) error {
	calls := make([]call, len(settlements))
	for i := range settlements {
		one := &settlements[i]
		back, again := "0", "0"
		if one.Undo {
			back = "1"
		}
		if one.Again {
			again = "1"
		}
		calls[i] = callOf(&one.Take, held(&one.Take), number(one.Reserved.Tokens), number(one.Periods.Tokens), number(one.Used.Tokens),
			number(one.Reserved.Cost), number(one.Periods.Cost), number(one.Used.Cost), back, again)
	}
	return s.all(ctx, settle, calls)
}

// Renew implements limit.Store.
func (s *store) Renew(ctx context.Context, takes []limit.Take) error {
	calls := make([]call, len(takes))
	for i := range takes {
		t := &takes[i]
		calls[i] = callOf(t, held(t), leaseTime, number(t.Reserved.Tokens), number(t.Periods.Tokens), number(t.Reserved.Cost), number(t.Periods.Cost))
	}
	return s.all(ctx, renew, calls)
}

// all runs a script that has nothing to say.
func (s *store) all(ctx context.Context, of script, calls []call) error {
	replies, err := s.run(ctx, of, calls)
	for i := range replies {
		if err == nil {
			err = replies[i].Error()
		}
	}
	return err
}

// call is one run of a script: its keys and arguments.
type call struct {
	used, leases string
	args         []string
}

// callOf returns the call of a script with the arguments that all have, and those of its own.
func callOf(t *limit.Take, own ...string) call {
	c := call{args: make([]string, 1, 13+len(own))}
	c.used, c.leases = keys(t.Count)
	now, keep := time.Now().UTC(), 2*limit.LeaseTime
	for _, q := range []*limit.Quota{t.Rule.Requests, t.Rule.Tokens, t.Rule.Cost} {
		switch {
		case q == nil:
			c.args = append(c.args, "0", "0", "0", "0")
		case q.Period == limit.Sliding:
			keep = max(keep, 2*q.Window+limit.LeaseTime)
			c.args = append(c.args, number(q.Amount), number(q.Window.Microseconds()), "0", "0")
		default:
			n, ends := q.Period.Number(now)
			keep = max(keep, ends.Sub(now)+limit.LeaseTime)
			c.args = append(c.args, number(q.Amount), "0", strconv.Itoa(n), number(ends.Unix()))
		}
	}
	c.args[0] = number(keep.Milliseconds())
	c.args = append(c.args, own...)
	return c
}

// run runs the script for all calls at once, each in one round trip. A server that does not know the script gets it in a
// second one.
func (s *store) run(ctx context.Context, of script, calls []call) ([]rueidis.RedisResult, error) {
	client, err := s.connect(ctx)
	if err != nil {
		return nil, err
	}
	commands := make(rueidis.Commands, len(calls))
	for i := range calls {
		c := &calls[i]
		commands[i] = client.B().Evalsha().Sha1(of.sha).Numkeys(2).Key(c.used, c.leases).Arg(c.args...).Build()
	}
	replies := client.DoMulti(ctx, commands...)
	for i := range replies {
		if e, is := rueidis.IsRedisErr(replies[i].Error()); is && e.IsNoScript() {
			c := &calls[i]
			replies[i] = client.Do(ctx, client.B().Eval().Script(of.text).Numkeys(2).Key(c.used, c.leases).Arg(c.args...).Build())
		}
	}
	return replies, nil
}
