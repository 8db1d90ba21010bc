// Package command is the tree of `caddy bedrock` commands, and those of them that need no terminal, such as test-aws.
// Commands that read keys or draw on the screen belong in a package of their own, which adds itself with Add: the gateway
// imports this one, and must not depend on a terminal library.
package command

import (
	"slices"
	"sync"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
)

// added are the functions that make the sub-commands. Caddy makes its command tree once, after all init functions.
var added struct {
	sync.Mutex
	makers []func() *cobra.Command
}

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "bedrock",
		Usage: "<command>",
		Short: "Works with the Bedrock gateway",
		Long:  "Commands for operators of the Bedrock gateway.",
		CobraFunc: func(cmd *cobra.Command) {
			cmd.Args = cobra.NoArgs // without it, an unknown command would print help and succeed
			cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			cmd.AddCommand(NewTestAWS())
			added.Lock()
			makers := slices.Clone(added.makers)
			added.Unlock()
			for _, build := range makers {
				cmd.AddCommand(build())
			}
		},
	})
}

// Add adds a sub-command to `caddy bedrock`. Call it from an init function: the command is made when Caddy builds its
// command tree, and one added later is not in it. RegisterCommand of Caddy's own cannot be used for this, because it
// panics when a name is registered twice. Add is safe for concurrent use.
func Add(build func() *cobra.Command) {
	added.Lock()
	defer added.Unlock()
	added.makers = append(added.makers, build)
}
