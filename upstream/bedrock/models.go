package bedrock

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

const (
	maxListing = 8 << 20 // bytes of one page
	maxPages   = 50
)

// foundationModel is one of ListFoundationModels
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html).
type foundationModel struct {
	ModelID                 string   `json:"modelId"`
	ProviderName            string   `json:"providerName"`
	OutputModalities        []string `json:"outputModalities"`
	InferenceTypesSupported []string `json:"inferenceTypesSupported"`
}

// ListModels lists what can be asked for by id: the text models that are served on demand, and the inference profiles.
//
// The calls are our own signed requests, not the SDK's client: they work with an API key on any endpoint, and go through
// the configured transport.
func (u *Upstream) ListModels(ctx context.Context) ([]upstream.Model, error) {
	found, err := u.foundationModels(ctx)
	if err != nil {
		return nil, err
	}
	var models []upstream.Model
	owners := make(map[string]string, len(found))
	for _, m := range found {
		owner := strings.ToLower(m.ProviderName)
		owners[m.ModelID] = owner
		if slices.Contains(m.OutputModalities, "TEXT") && (m.InferenceTypesSupported == nil || slices.Contains(m.InferenceTypesSupported, "ON_DEMAND")) {
			models = append(models, upstream.Model{ID: m.ModelID, OwnedBy: owner})
		}
	}
	profiles, err := u.inferenceProfiles(ctx, owners)
	if err != nil {
		return nil, err
	}
	return append(models, profiles...), nil
}

func (u *Upstream) foundationModels(ctx context.Context) ([]foundationModel, error) {
	var page struct {
		ModelSummaries []foundationModel `json:"modelSummaries"`
	}
	err := u.control(ctx, "/foundation-models", "", &page)
	return page.ModelSummaries, err
}

// inferenceProfiles lists the system's and the account's own profiles. A profile belongs to the owner of its models.
func (u *Upstream) inferenceProfiles(ctx context.Context, owners map[string]string) ([]upstream.Model, error) {
	var models []upstream.Model
	query := url.Values{"maxResults": {"1000"}}
	for range maxPages {
		var page struct {
			Summaries []struct {
				ID     string `json:"inferenceProfileId"`
				ARN    string `json:"inferenceProfileArn"`
				Type   string `json:"type"`
				Status string `json:"status"`
				Models []struct {
					ARN string `json:"modelArn"`
				} `json:"models"`
			} `json:"inferenceProfileSummaries"`
			NextToken string `json:"nextToken"`
		}
		if err := u.control(ctx, "/inference-profiles", query.Encode(), &page); err != nil {
			return nil, err
		}
		for _, p := range page.Summaries {
			m := upstream.Model{ID: p.ID}
			if p.Type == "APPLICATION" {
				m.ID = p.ARN // its id alone is not taken
			}
			if len(p.Models) > 0 {
				_, base, _ := strings.Cut(p.Models[0].ARN, "foundation-model/")
				m.OwnedBy = owners[base]
			}
			models = append(models, m)
		}
		if page.NextToken == "" {
			break
		}
		query.Set("nextToken", page.NextToken)
	}
	return models, nil
}

// control calls Bedrock's control plane and reads its answer into page.
func (u *Upstream) control(ctx context.Context, path, query string, page any) error {
	target := *u.controlPlane
	target.Path += path
	target.RawPath = ""
	target.RawQuery = query
	res, err := u.send(ctx, http.MethodGet, &target, nil, http.Header{"Accept": jsonType})
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
