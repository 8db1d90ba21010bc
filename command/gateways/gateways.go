// Package gateways reads the gateways of a Caddy configuration, for commands that look at it and serve nothing.
package gateways

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2"
)

// Handlers returns all objects of a configuration that are the named HTTP handler, at any depth: in routes of servers, of
// subroutes, or in named routes.
func Handlers(config json.RawMessage, name string) ([]json.RawMessage, error) {
	return handlers(nil, config, name)
}

func handlers(found []json.RawMessage, value json.RawMessage, name string) ([]json.RawMessage, error) {
	var err error
	switch value = bytes.TrimSpace(value); {
	case bytes.HasPrefix(value, []byte("[")):
		var elements []json.RawMessage
		if err = json.Unmarshal(value, &elements); err != nil {
			return nil, err
		}
		for _, e := range elements {
			if found, err = handlers(found, e, name); err != nil {
				return nil, err
			}
		}
	case bytes.HasPrefix(value, []byte("{")):
		var members map[string]json.RawMessage
		if err = json.Unmarshal(value, &members); err != nil {
			return nil, err
		}
		if string(members["handler"]) == `"`+name+`"` {
			found = append(found, value)
		}
		for _, key := range slices.Sorted(maps.Keys(members)) {
			if found, err = handlers(found, members[key], name); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// Context returns a context in which an upstream's modules load as in Caddy, without anything else being started. Of
// the apps it has pki alone, because a transport may trust its authorities.
func Context(config *caddy.Config) (caddy.Context, context.CancelFunc, error) {
	apps := caddy.ModuleMap{}
	if pki, ok := config.AppsRaw["pki"]; ok {
		apps["pki"] = pki
	}
	warnings := &caddy.CustomLog{BaseLog: caddy.BaseLog{Level: "WARN"}}
	ctx, err := caddy.ProvisionContext(&caddy.Config{
		StorageRaw: config.StorageRaw, AppsRaw: apps,
		Logging: &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": warnings}},
	})
	if err != nil {
		return caddy.Context{}, nil, err
	}
	// Modules, credentials among them, are cleaned up with this context.
	own, cancel := caddy.NewContext(ctx)
	return own, cancel, nil
}
