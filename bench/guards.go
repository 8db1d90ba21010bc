package main

import "fmt"

// guardedSite is the gateway as a company runs it: callers have keys, and limits that are counted in the process. None of them
// is ever reached.
//
//nolint:gosec // keys of stubs
const guardedSite = `	api_key_auth {
		key alice key-of-the-bench
	}
	bedrock_gateway {
		openai sk-bench {
			base_url http://%[1]s/v1
		}
		bedrock us-east-1 {
			endpoint http://%[1]s
			credentials AKIABENCH00000000000 bench-secret-key
		}
		files off
		limit everybody {
			key {http.auth.user.id}
			requests 1000000000 1m
			tokens 1000000000000 day
			concurrent 100000
		}
	}
`

// guards measures what keys and limits add to a call. Metrics are counted on both sides: they can't be turned off.
func (b *bench) guards() error {
	const name = "keys and limits on, to a call without them"
	if !b.selected(name) {
		return nil
	}
	guarded, err := start(b.ctx, "guarded", b.binary, b.dir, guardedSite)
	if err != nil {
		return err
	}
	defer guarded.stop()
	// The other is as new: a process that has served much collects its garbage less often.
	plain, err := start(b.ctx, "unguarded", b.binary, b.dir, gatewaySite)
	if err != nil {
		return err
	}
	defer plain.stop()
	body := openaiRequest(sonnet, false)
	p := pair{
		name: name, connections: b.connections,
		gateway: task{post(chatPath, body, "Authorization: Bearer key-of-the-bench"), converseReply, `"finish_reason":"stop"`},
		proxy:   task{post(chatPath, body), converseReply, `"finish_reason":"stop"`},
	}
	samples, err := b.between(guarded, plain, nil, p)
	if err != nil {
		return err
	}
	if err := b.writeProfile(guarded, p); err != nil {
		return err
	}
	with := median(samples, func(s sample) float64 { return float64(s.gateway) / 1e3 })
	without := median(samples, func(s sample) float64 { return float64(s.proxy) / 1e3 })
	row{name, 1.03, median(samples, sample.ratio), "", fmt.Sprintf("%.1f µs, without %.1f µs", with, without)}.print()
	return nil
}
