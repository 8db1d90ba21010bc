package bedrock

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// catalog is what the control plane has said of inference profiles. It is learned from listings, and from Bedrock's refusal
// of a plain id. Reading it takes no lock.
type catalog struct {
	profiles atomic.Pointer[map[string]string] // the region's profile of each model that is served through profiles alone
	listing  sync.Mutex                        // held while profiles are listed for a call
	listed   time.Time
	system   []profile // the last listing, for calls that need one
}

// profilesFresh is how long a listing of profiles answers for models that it does not have.
const profilesFresh = 5 * time.Minute

// maxProfileTries bounds how many profiles are tried for one call.
const maxProfileTries = 2

// profile returns the profile through which the model must be called; "" if there is none, or none is known.
func (c *catalog) profile(modelID string) string {
	if known := c.profiles.Load(); known != nil {
		return (*known)[modelID]
	}
	return ""
}

// learn adds the profiles of models to what is known.
func (c *catalog) learn(found map[string]string) {
	for len(found) > 0 {
		old := c.profiles.Load()
		known := make(map[string]string, len(found))
		if old != nil {
			maps.Copy(known, *old)
		}
		maps.Copy(known, found)
		if c.profiles.CompareAndSwap(old, &known) {
			return
		}
	}
}

// profiled calls ask for the model, through the region's profile where Bedrock serves the model only through one. A reply
// names the profile. After a refusal of the plain id, each profile that is tried is one of the call's cures.
func (u *Upstream) profiled(ctx context.Context, c *upstream.Call, modelID string, ask func(modelID string) (*upstream.Reply, error)) (*upstream.Reply, error) {
	through := func(profile string) (*upstream.Reply, error) {
		reply, err := ask(profile)
		if err == nil {
			reply.Profile = profile
		}
		return reply, err
	}
	if u.profilesOff {
		return ask(modelID)
	}
	if p := u.catalog.profile(modelID); p != "" {
		return through(p)
	}
	reply, err := ask(modelID)
	if !needsProfile(err) {
		return reply, err
	}
	candidates, others := u.candidates(ctx, modelID)
	for _, p := range candidates {
		if c.Cured >= upstream.MaxCures {
			return nil, err
		}
		c.Cured++
		reply, again := through(p)
		if e, ok := errors.AsType[*chat.Error](again); ok && e.Kind == chat.ErrNotFound {
			continue // there is no such profile
		}
		if again == nil {
			u.logger.Info("a model is served through an inference profile only", zap.String("model", modelID), zap.String("profile", p))
			u.catalog.learn(map[string]string{modelID: p})
		}
		return reply, again
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, u.noProfile(err, modelID, others)
}

// needsProfile reports whether Bedrock refused a plain id because the model is served only through inference profiles. The
// apostrophe in its message is a typographic one at times.
func needsProfile(err error) bool {
	e, ok := errors.AsType[*chat.Error](err)
	return ok && e.Kind == chat.ErrNotFound && strings.Contains(strings.ToLower(e.Message), "on-demand throughput isn")
}

// candidates returns the profiles of the upstream's region by which the model may be served, best first, and those of other
// geographies for the operator to choose from. Without permission to list, they are made of the region's name.
func (u *Upstream) candidates(ctx context.Context, modelID string) (own, others []string) {
	if _, ok := model.Geography(modelID); !ok || strings.HasPrefix(modelID, "arn:") {
		return nil, nil
	}
	all, err := u.systemProfiles(ctx)
	if err != nil {
		u.logger.Warn("inference profiles could not be listed; the region's name stands in for the listing", zap.String("model", modelID), zap.Error(err))
		for _, geo := range geographiesOf(u.credentials.Region()) {
			own = append(own, geo+"."+modelID)
		}
		return own[:min(len(own), maxProfileTries)], nil
	}
	if best := regional(all, modelID, u.credentials.Region()); best != "" {
		own = []string{best}
	}
	for i := range all {
		if p := &all[i]; p.base() == modelID && !slices.Contains(own, p.ID) {
			others = append(others, p.ID)
		}
	}
	return own, others
}

// systemProfiles returns the profiles that AWS defines, from a listing that is fresh. Callers at the same time wait for one
// listing.
func (u *Upstream) systemProfiles(ctx context.Context) ([]profile, error) {
	c := u.catalog
	c.listing.Lock()
	defer c.listing.Unlock()
	if time.Since(c.listed) < profilesFresh {
		return c.system, nil
	}
	all, err := u.profiles(ctx, systemProfiles)
	if err == nil {
		c.system, c.listed = all, time.Now()
	}
	return all, err
}

// regional returns the profile of the model that keeps its requests in the region's own part of the world; "" if there is
// none. A profile of another geography, and a global one, is an operator's choice: it decides where data goes. Of several,
// the one with the fewest regions is taken, which is a country's before a continent's (in. before apac.).
func regional(all []profile, modelID, region string) string {
	best, regions := "", 0
	for i := range all {
		p := &all[i]
		if p.base() != modelID || !p.staysIn(area(region)) {
			continue
		}
		if n := len(p.Models); best == "" || n < regions || n == regions && p.ID < best {
			best, regions = p.ID, n
		}
	}
	return best
}

// staysIn reports whether all regions that the profile calls are of the area.
func (p *profile) staysIn(of string) bool {
	for i := range p.Models {
		// arn:aws:bedrock:<region>::foundation-model/…; global profiles have one without a region too.
		parts := strings.SplitN(p.Models[i].ARN, ":", 5)
		if len(parts) < 5 || area(parts[3]) != of {
			return false
		}
	}
	return len(p.Models) > 0 && !strings.HasPrefix(p.ID, "global.")
}

// area returns the part of the world of a region: "us" of us-east-1, "us-gov" of us-gov-west-1.
func area(region string) string {
	for range 2 {
		i := strings.LastIndexByte(region, '-')
		if i < 0 {
			return region
		}
		region = region[:i]
	}
	return region
}

// countries are the regions whose profiles may be a country's, from
// https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html, November 2026. They are used only
// where profiles cannot be listed.
var countries = map[string]string{
	"ap-northeast-1": "jp", "ap-northeast-3": "jp", "ap-southeast-2": "au", "ap-southeast-4": "au", "ap-south-1": "in", "ap-south-2": "in",
}

// geographiesOf returns the geographies that a region's profiles may have, the narrowest first.
func geographiesOf(region string) []string {
	of := area(region)
	if of == "ap" {
		of = "apac"
	}
	if country := countries[region]; country != "" {
		return []string{country, of}
	}
	return []string{of}
}

// noProfile returns the error for a model without a profile in the upstream's region.
func (u *Upstream) noProfile(cause error, modelID string, others []string) error {
	e, ok := errors.AsType[*chat.Error](cause)
	if !ok {
		return cause
	}
	said := *e
	said.Body = nil
	said.Message = "Bedrock serves the model '" + modelID + "' only through inference profiles, and none is known that stays in the geography of " + u.credentials.Region()
	if len(others) > 0 {
		said.Message += "; a route can name another one: " + strings.Join(others, ", ")
	}
	return &said
}
