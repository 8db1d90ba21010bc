// Package cli adds the commands for a person at a terminal to `caddy bedrock`. The gateway does not import it, for it brings
// terminal libraries: cmd/caddy does, and builds that name it by xcaddy's --with. A command is a folder here; what they share
// is in failure, terminal and the like.
package cli

import (
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/config"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/history"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/keys"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/models"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/serve"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/status"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/usage"
)

// commands make the sub-commands of `caddy bedrock`.
var commands = []func() *cobra.Command{
	chat.New,
	config.New,
	files.New,
	history.New,
	keys.New,
	models.New,
	serve.New,
	status.New,
	usage.New,
}

func init() {
	for _, build := range commands {
		command.Add(func() *cobra.Command { return failure.Adopt(build()) })
	}
}
