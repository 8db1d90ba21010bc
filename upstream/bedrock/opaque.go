package bedrock

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// lookups are the calls of the control plane that say which model is behind an opaque ARN, by the ARN's resource
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock.html).
var lookups = []struct{ kind, path string }{
	{"application-inference-profile/", "/inference-profiles/"},
	{"provisioned-model/", "/provisioned-model-throughput/"},
	{"custom-model-deployment/", "/model-customization/custom-model-deployments/"},
	{"imported-model/", "/imported-models/"},
	{"prompt-router/", "/prompt-routers/"},
	{"default-prompt-router/", "/prompt-routers/"},
}

const (
	// learnTimeout bounds the one call that waits for the control plane.
	learnTimeout = 3 * time.Second
	// A failure is remembered, so that not every call waits for the next: for long where the gateway may not ask.
	deniedFor, failedFor = time.Hour, time.Minute
	// maxOpaque bounds the ARNs that are remembered: they are the clients' words.
	maxOpaque = 1024
)

// opaqueModels remembers which models are behind opaque ARNs. Reading what is known takes no lock.
type opaqueModels struct {
	known sync.Map // ARN → *opaqueModel
	mu    sync.Mutex
	count int
}

type opaqueModel struct {
	learned chan struct{} // closed when the rest is set
	id      string        // of the model, "" if it could not be learned
	until   time.Time     // of a failure; zero: for good
}

// behind returns the id of a model that is behind the ARN, or has its facts; "" if the ARN is not opaque or its model is not
// known. The first call for an ARN asks the control plane and waits for it; its end does not depend on the client, since
// others wait too.
func (u *Upstream) behind(arn string) string {
	path := lookupPath(arn)
	if path == "" {
		return ""
	}
	m := u.opaque.load(arn)
	if m == nil {
		var first bool
		if m, first = u.opaque.begin(arn); first {
			u.learn(m, arn, path)
		}
	}
	<-m.learned
	return m.id
}

// load returns what is known of the ARN; nil for nothing, or a failure that is over.
func (o *opaqueModels) load(arn string) *opaqueModel {
	v, ok := o.known.Load(arn)
	if !ok {
		return nil
	}
	m := v.(*opaqueModel)
	select {
	case <-m.learned:
		if !m.until.IsZero() && time.Now().After(m.until) {
			return nil
		}
	default:
	}
	return m
}

// begin returns the entry of the ARN, and whether the caller is to fill it.
func (o *opaqueModels) begin(arn string) (m *opaqueModel, first bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m := o.load(arn); m != nil {
		return m, false
	}
	m = &opaqueModel{learned: make(chan struct{})}
	if o.count == maxOpaque {
		o.known.Clear()
		o.count = 0
	}
	if _, known := o.known.Swap(arn, m); !known {
		o.count++
	}
	return m, true
}

// learn asks the control plane which model is behind the ARN.
func (u *Upstream) learn(m *opaqueModel, arn, path string) {
	defer close(m.learned)
	ctx, cancel := context.WithTimeout(context.Background(), learnTimeout)
	defer cancel()
	var found resource
	err := u.control(ctx, path, "", &found)
	if err == nil {
		m.id = found.model()
	} else if denied(err) && strings.HasPrefix(path, "/inference-profiles/") {
		// The permission to list is another one.
		if m.id, err = u.applicationProfile(ctx, arn); err == nil && m.id == "" {
			err = errors.New("no inference profile has this ARN")
		}
	}
	switch {
	case err != nil:
		if m.until = time.Now().Add(failedFor); denied(err) {
			m.until = time.Now().Add(deniedFor)
		}
		u.logger.Warn("the control plane did not say which model is behind an ARN; a block 'model <pattern> { like <model id> }' can", zap.String("arn", arn), zap.Error(err))
	case m.id == "":
		u.logger.Warn("the model behind an ARN is none that is known; a block 'model <pattern> { like <model id> }' can name a similar one", zap.String("arn", arn))
	default:
		u.logger.Info("learned which model is behind an ARN", zap.String("arn", arn), zap.String("model", m.id))
	}
}

func denied(err error) bool {
	e, ok := errors.AsType[*chat.Error](err)
	return ok && e.Kind == chat.ErrPermission
}

// applicationProfile finds the model of a profile in the listing of the account's own.
func (u *Upstream) applicationProfile(ctx context.Context, arn string) (string, error) {
	all, err := u.profiles(ctx, applicationProfiles)
	for i := range all {
		if p := &all[i]; p.ARN == arn {
			return p.base(), nil
		}
	}
	return "", err
}

// lookupPath returns the path that says which model is behind an ARN; "" if the ARN is not opaque.
func lookupPath(arn string) string {
	if !strings.HasPrefix(arn, "arn:") {
		return ""
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 {
		return ""
	}
	for _, l := range lookups {
		if strings.HasPrefix(parts[5], l.kind) {
			return l.path + url.PathEscape(arn)
		}
	}
	return ""
}

// resource is what the replies of all lookups have that names a model.
type resource struct {
	Models []struct {
		ARN string `json:"modelArn"`
	} `json:"models"` // of profiles and prompt routers
	Fallback struct {
		ARN string `json:"modelArn"`
	} `json:"fallbackModel"` // of prompt routers
	Foundation   string `json:"foundationModelArn"` // of provisioned throughput
	Model        string `json:"modelArn"`           // of custom model deployments; its path names the base model
	Architecture string `json:"modelArchitecture"`  // of imported models
}

// model returns the id of the model that is named first; "" if there is none that the tables know.
func (r *resource) model() string {
	arns := append(make([]string, 0, 3+len(r.Models)), r.Fallback.ARN, r.Foundation, r.Model)
	for _, m := range r.Models {
		arns = append(arns, m.ARN)
	}
	for _, arn := range arns {
		if base := model.Base(arn); base != "" && model.PurposeOf(base) != model.PurposeUnknown {
			return base
		}
	}
	for _, a := range architectures {
		if strings.Contains(strings.ToLower(r.Architecture), a.part) {
			return a.like
		}
	}
	return ""
}

// architectures are those of imported models that have the facts of a family
// (https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-import-model.html).
var architectures = []struct{ part, like string }{
	{"llama4", "meta.llama4-scout-17b-instruct-v1:0"},
	{"llama", "meta.llama3-3-70b-instruct-v1:0"},
	{"mixtral", "mistral.mixtral-8x7b-instruct-v0:1"},
	{"mistral", "mistral.mistral-7b-instruct-v0:2"},
	{"qwen", "qwen.qwen3-32b-v1:0"},
	{"gptoss", "openai.gpt-oss-20b-1:0"},
	{"gpt_oss", "openai.gpt-oss-20b-1:0"},
}
