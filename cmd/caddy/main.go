// Command caddy is the main that xcaddy would write, with the simulator on top:
// go run ./cmd/caddy run --config examples/quickstart/Caddyfile.
package main

import (
	_ "time/tzdata"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	// Caddy's own modules and the gateway's, as in a build by xcaddy.
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/open-bedrock/caddy-bedrock-gateway"
	// The commands for a person at a terminal.
	_ "github.com/open-bedrock/caddy-bedrock-gateway/command/cli"
	// What only this build has: OpenAI and Bedrock on loopback.
	_ "github.com/open-bedrock/caddy-bedrock-gateway/simulator"
)

func main() { caddycmd.Main() }
