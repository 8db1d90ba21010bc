package config

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/auth"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// finding is what is not right, though it can be served.
type finding struct{ what, next string }

// checker gathers what is not right in a configuration.
type checker struct {
	ctx      context.Context
	offline  bool
	gateways []*upstream.Routing
	findings []finding
	notes    []string // what could not be checked
}

func (c *checker) found(next, format string, args ...any) {
	c.findings = append(c.findings, finding{fmt.Sprintf(format, args...), next})
}

// routes finds patterns that routes above them leave nothing for.
func (c *checker) routes(g *upstream.Routing) {
	repl := caddy.NewReplacer()
	above := make([]string, 0, len(g.Routes))
	for i, route := range g.Routes {
		own := make([]string, 0, len(route.Models))
		for _, m := range route.Models {
			p := repl.ReplaceAll(m, "")
			own = append(own, p)
			if j := slices.IndexFunc(above, func(a string) bool { return covers(a, p) }); j >= 0 {
				c.found("move the narrower route above the wider one", "route %d can never match '%s': '%s' above it takes it", i+1, p, above[j])
			}
		}
		above = append(above, own...)
	}
}

// patience is how long a provider may take to list its models.
const patience = 20 * time.Second

// models finds models that routes send to an upstream that does not have them.
func (c *checker) models(g *upstream.Routing) {
	listed := map[string][]upstream.Model{}
	for i, route := range g.Routes {
		for _, t := range route.Targets {
			n := slices.IndexFunc(g.Loaded(), func(u *upstream.Named) bool { return u.Name == t.Upstream })
			if n < 0 || g.Loaded()[n].Kind != upstream.KindBedrock {
				continue
			}
			u := g.Loaded()[n]
			asked := []string{t.Model}
			if t.Model == "" {
				asked = route.Models
			}
			for _, id := range asked {
				// Of ARNs and of names that only the account knows, nobody else can tell.
				if _, ok := model.Geography(id); !ok || strings.ContainsAny(id, "*{") {
					continue
				}
				models, ok := listed[u.Name]
				if !ok {
					models = c.list(u)
					listed[u.Name] = models
				}
				if len(models) > 0 && !has(models, id) {
					c.found("'caddy bedrock models' lists what there is; another upstream can have another region: upstream west bedrock us-west-2",
						"route %d sends '%s' to '%s', whose region does not have it", i+1, id, u.Name)
				}
			}
		}
	}
}

// list returns the upstream's models; none if it cannot be asked.
func (c *checker) list(u *upstream.Named) []upstream.Model {
	if c.offline {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, patience)
	defer cancel()
	models, err := u.ListModels(ctx)
	if err != nil {
		c.notes = append(c.notes, fmt.Sprintf("the models of '%s' were not checked, for it could not be asked: %v", u.Name, err))
		return nil
	}
	return models
}

// has reports whether the id is listed, or a profile of it is: the gateway calls a plain id by its profile.
func has(models []upstream.Model, id string) bool {
	return slices.ContainsFunc(models, func(m upstream.Model) bool {
		return m.ID == id || model.WithoutGeography(m.ID) == id || strings.HasPrefix(id, m.ID+":")
	})
}

// keys finds keys that open nothing: those that have expired, and those whose models nobody serves.
func (c *checker) keys(raw json.RawMessage) error {
	var a struct {
		Providers struct {
			APIKey *auth.APIKey `json:"api_key"`
		} `json:"providers"`
	}
	if err := json.Unmarshal(raw, &a); err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	if a.Providers.APIKey == nil {
		return nil
	}
	repl := caddy.NewReplacer()
	for _, k := range a.Providers.APIKey.Keys {
		c.key(k.UserID, repl.ReplaceAll(k.Expires, ""), k.Models)
	}
	path := repl.ReplaceAll(a.Providers.APIKey.KeysFile, "")
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the configuration names it
	if err != nil {
		return err
	}
	entries, err := auth.ParseFile(text)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, e := range entries {
		expires := ""
		if !e.Expires.IsZero() {
			expires = e.Expires.Format(time.RFC3339)
		}
		c.key(e.User, expires, e.Models)
	}
	return nil
}

func (c *checker) key(user, expires string, models []string) {
	if until, err := auth.Expiry(expires); err == nil && !until.IsZero() && !time.Now().Before(until) {
		c.found("remove it, or give it a later date", "a key of %s opens nothing: it expired at %s", user, until.Format(time.RFC3339))
		return
	}
	repl := caddy.NewReplacer()
	for _, m := range models {
		if c.serves(repl.ReplaceAll(m, "")) {
			return
		}
	}
	if len(models) > 0 {
		c.found("name models of the routes, or ids of the upstreams", "a key of %s opens nothing: no gateway here serves %s", user, strings.Join(models, ", "))
	}
}

// serves reports whether a gateway serves a model that the pattern matches.
func (c *checker) serves(pattern string) bool {
	for _, g := range c.gateways {
		router := g.Router()
		if _, miss := router.Route(strings.ReplaceAll(pattern, "*", "x")); miss == nil || strings.HasPrefix(pattern, "arn:") {
			return true
		}
		for _, p := range router.Served() {
			if meet(p, pattern) || meet(p, model.WithoutGeography(pattern)) {
				return true
			}
		}
	}
	return false
}
