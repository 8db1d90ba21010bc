package bedrock

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream/bedrock/sigv4"
)

const (
	maxListing = 8 << 20 // bytes of one page
	maxPages   = 50
)

// foundationModel is one of ListFoundationModels
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html).
type foundationModel struct {
	ModelID                 string   `json:"modelId"`
	ModelName               string   `json:"modelName"`
	ProviderName            string   `json:"providerName"`
	OutputModalities        []string `json:"outputModalities"`
	InferenceTypesSupported []string `json:"inferenceTypesSupported"`
	Lifecycle               struct {
		Start timestamp `json:"startOfLifeTime"`
	} `json:"modelLifecycle"`
}

// timestamp is a time of the control plane's, which writes RFC 3339; 0 for one that is absent or in another form.
type timestamp int64

func (t *timestamp) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) != nil {
		return nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		*t = timestamp(at.Unix())
	}
	return nil
}

// outputs are the purposes of models by their output modalities, in the order in which they count: a model that writes
// text is for chat, though it may speak too.
var outputs = [...]struct {
	modality string
	purpose  model.Purpose
}{
	{"TEXT", model.PurposeChat}, {"EMBEDDING", model.PurposeEmbedding}, {"IMAGE", model.PurposeImage},
}

// purpose returns what the model is for: the tables know the models whose output modality misleads, such as rerankers,
// which Bedrock lists as writers of text.
func (m *foundationModel) purpose() model.Purpose {
	if p := model.PurposeOf(m.ModelID); p != model.PurposeChat && p != model.PurposeUnknown {
		return p
	}
	for _, o := range outputs {
		if slices.Contains(m.OutputModalities, o.modality) {
			return o.purpose
		}
	}
	return model.PurposeUnknown
}

// listed are the purposes of the models that the gateway lists; it has no endpoint for others, such as video.
var listed = []model.Purpose{model.PurposeChat, model.PurposeEmbedding, model.PurposeImage, model.PurposeRerank}

// ListModels lists what can be asked for by id: the models that are served on demand, the inference profiles, and the
// models of mantle.
//
// The calls are our own signed requests, not the SDK's client: they work with an API key on any endpoint, and go through
// the configured transport.
func (u *Upstream) ListModels(ctx context.Context) ([]upstream.Model, error) {
	found, err := u.foundationModels(ctx)
	if err != nil {
		return nil, err
	}
	var models []upstream.Model
	known := make(map[string]upstream.Model, len(found))
	for i := range found {
		f := &found[i]
		m := upstream.Model{ID: f.ModelID, Name: f.ModelName, Created: int64(f.Lifecycle.Start), OwnedBy: strings.ToLower(f.ProviderName), Purpose: f.purpose()}
		known[m.ID] = m
		if slices.Contains(listed, m.Purpose) && (f.InferenceTypesSupported == nil || slices.Contains(f.InferenceTypesSupported, "ON_DEMAND")) {
			models = append(models, m)
		}
	}
	for _, kind := range [...]string{systemProfiles, applicationProfiles} {
		profiles, err := u.profiles(ctx, kind)
		if err != nil {
			return nil, err
		}
		if kind == systemProfiles {
			u.catalog.learn(u.profiledOnly(found, profiles))
		}
		for i := range profiles {
			if m := profiles[i].model(known); m.Purpose == model.PurposeUnknown || slices.Contains(listed, m.Purpose) {
				models = append(models, m)
			}
		}
	}
	return u.withMantle(ctx, models), nil
}

// profiledOnly returns the region's profiles of the models that are served through profiles alone.
func (u *Upstream) profiledOnly(found []foundationModel, all []profile) map[string]string {
	only := map[string]string{}
	for i := range found {
		if f := &found[i]; f.InferenceTypesSupported != nil && !slices.Contains(f.InferenceTypesSupported, "ON_DEMAND") {
			if p := regional(all, f.ModelID, u.credentials.Region()); p != "" {
				only[f.ModelID] = p
			}
		}
	}
	return only
}

func (u *Upstream) foundationModels(ctx context.Context) ([]foundationModel, error) {
	var page struct {
		ModelSummaries []foundationModel `json:"modelSummaries"`
	}
	err := u.control(ctx, "/foundation-models", "", &page)
	return page.ModelSummaries, err
}

// profile is one of ListInferenceProfiles
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html).
type profile struct {
	ID      string    `json:"inferenceProfileId"`
	Name    string    `json:"inferenceProfileName"`
	ARN     string    `json:"inferenceProfileArn"`
	Type    string    `json:"type"`
	Created timestamp `json:"createdAt"`
	Models  []struct {
		ARN string `json:"modelArn"`
	} `json:"models"`
}

// The types of profiles: those of AWS, and those of the account. A listing without a type has the former alone.
const (
	systemProfiles      = "SYSTEM_DEFINED"
	applicationProfiles = "APPLICATION"
)

// base returns the id of the model that the profile calls; "" if it does not say.
func (p *profile) base() string {
	if len(p.Models) == 0 {
		return ""
	}
	_, base, _ := strings.Cut(p.Models[0].ARN, "foundation-model/")
	return base
}

// model returns the profile as an entry of a listing, with the owner and the purpose of its model.
func (p *profile) model(known map[string]upstream.Model) upstream.Model {
	m := upstream.Model{ID: p.ID, Name: p.Name, Created: int64(p.Created)}
	if p.Type == applicationProfiles {
		m.ID = p.ARN // its id alone is not taken
	}
	base := known[p.base()]
	if m.OwnedBy, m.Purpose = base.OwnedBy, base.Purpose; m.Purpose == model.PurposeUnknown {
		m.Purpose = model.PurposeOf(m.ID)
	}
	return m
}

// profiles lists the inference profiles of one type.
func (u *Upstream) profiles(ctx context.Context, kind string) ([]profile, error) {
	var all []profile
	query := url.Values{"maxResults": {"1000"}, "type": {kind}}
	for range maxPages {
		var page struct {
			Summaries []profile `json:"inferenceProfileSummaries"`
			NextToken string    `json:"nextToken"`
		}
		if err := u.control(ctx, "/inference-profiles", query.Encode(), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Summaries...)
		if page.NextToken == "" {
			break
		}
		query.Set("nextToken", page.NextToken)
	}
	return all, nil
}

// control calls Bedrock's control plane at an escaped path and reads its answer into page.
func (u *Upstream) control(ctx context.Context, path, query string, page any) error {
	plain, err := url.PathUnescape(path)
	if err != nil {
		return fmt.Errorf("path of the control plane: %w", err)
	}
	target := *u.controlPlane
	target.RawPath, target.Path = u.controlPlane.EscapedPath()+path, u.controlPlane.Path+plain
	target.RawQuery = query
	return u.get(ctx, u.signer, &target, page)
}

// get asks one of Bedrock's hosts for a JSON document and reads it into page.
func (u *Upstream) get(ctx context.Context, signer *sigv4.Signer, target *url.URL, page any) error {
	res, err := u.send(ctx, signer, http.MethodGet, target, nil, nil, http.Header{"Accept": jsonType})
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // nothing can be done about it
	body, err := io.ReadAll(io.LimitReader(res.Body, maxListing))
	if err != nil {
		return upstream.Unreachable(ctx, err)
	}
	if err := json.Unmarshal(body, page); err != nil {
		return chat.Unreadable("a list of models", err)
	}
	return nil
}
