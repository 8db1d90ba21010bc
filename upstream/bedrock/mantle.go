package bedrock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	wirejson "github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// mantlePatience bounds how long a listing waits for mantle, which many accounts do not use.
const mantlePatience = 5 * time.Second

// mantleModels lists the models of bedrock-mantle, by the names that it has for them.
func (u *Upstream) mantleModels(ctx context.Context) ([]upstream.Model, error) {
	ctx, cancel := context.WithTimeout(ctx, mantlePatience)
	defer cancel()
	target := *u.mantle
	target.Path += "/v1/models"
	var list struct {
		Data []struct {
			ID      string `json:"id"`
			Created int64  `json:"created"`
			OwnedBy string `json:"owned_by"`
		} `json:"data"`
	}
	if err := u.get(ctx, u.mantleSigner, &target, &list); err != nil {
		return nil, err
	}
	models := make([]upstream.Model, 0, len(list.Data))
	for _, m := range list.Data {
		purpose := model.PurposeOf(m.ID)
		if purpose == model.PurposeUnknown {
			purpose = model.PurposeChat // mantle has no other API
		}
		models = append(models, upstream.Model{ID: m.ID, Created: m.Created, OwnedBy: m.OwnedBy, Purpose: purpose})
	}
	return models, nil
}

// withMantle adds mantle's models to a list that has others already. Without the permission to list them, or in a region
// without mantle, the list stays as it is.
func (u *Upstream) withMantle(ctx context.Context, models []upstream.Model) []upstream.Model {
	if u.mantle == nil {
		return models
	}
	found, err := u.mantleModels(ctx)
	if err != nil {
		u.logger.Debug("the models of bedrock-mantle are not listed", zap.Error(err))
		return models
	}
	for _, m := range found {
		if !slices.ContainsFunc(models, func(other upstream.Model) bool { return other.ID == m.ID }) {
			models = append(models, m)
		}
	}
	return models
}

// countedAs returns the plain id by which CountTokens knows a model: it takes no profiles and no ARNs.
func (u *Upstream) countedAs(modelID string) string {
	if o := u.override(modelID); o != nil && o.like != "" {
		modelID = o.like
	}
	if model.Base(modelID) != "" { // an ARN that names its model
		modelID = model.Resource(modelID)
	}
	return model.WithoutGeography(modelID)
}

// countOnMantle counts the tokens of a Claude body by mantle's counter, for models that the runtime's CountTokens refuses
// because it takes no profiles (https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html). refusal is what the
// runtime said, which stands where mantle does not serve the model.
func (u *Upstream) countOnMantle(ctx context.Context, c *upstream.Call, refusal error) (*upstream.Reply, error) {
	serves := func(a model.Access) bool { return a.Host == model.Mantle && a.API == model.Messages }
	if !slices.ContainsFunc(u.facts(c.Model).Accesses(true), serves) {
		return nil, refusal
	}
	var counted struct {
		Input struct {
			InvokeModel struct {
				Body []byte `json:"body"`
			} `json:"invokeModel"`
		} `json:"input"`
	}
	if err := json.Unmarshal(c.Body, &counted); err != nil || counted.Input.InvokeModel.Body == nil {
		return nil, refusal // a Converse body of Bedrock's own client
	}
	body, betas, err := asMessages(counted.Input.InvokeModel.Body, model.MantleID(c.Model), false)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": jsonType, "Accept": jsonType, "Anthropic-Version": {anthropicVersion}}
	if len(betas) > 0 {
		header.Set("Anthropic-Beta", strings.Join(betas, ","))
	}
	u.projectHeader(header, model.Messages)
	target := *u.mantle
	target.Path += copyPaths[model.Messages] + "/count_tokens"
	res, err := u.send(ctx, u.mantleSigner, http.MethodPost, &target, withoutLimit(body), nil, header)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // nothing can be done about it
	var n struct {
		InputTokens int64 `json:"input_tokens"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxListing)).Decode(&n); err != nil {
		return nil, chat.Unreadable("a token count", err)
	}
	reply := &upstream.Reply{Status: res.StatusCode, Header: res.Header, RequestID: res.Header.Get(requestIDHeader)}
	reply.Body = io.NopCloser(strings.NewReader(fmt.Sprintf(`{"inputTokens":%d}`, n.InputTokens)))
	return reply, nil
}

// withoutLimit returns the body without max_tokens, which the counter does not take.
func withoutLimit(body []byte) []byte {
	var edits []wirejson.Edit
	w := wirejson.WalkAt(body, 0)
	m := wirejson.EditObject(&w, &edits)
	for m.Next() {
		if string(m.Key()) == "max_tokens" {
			m.Drop()
		} else {
			w.Skip()
		}
	}
	wirejson.SortEdits(edits)
	return wirejson.AppendEdited(nil, body, edits)
}

// deniedAction finds the IAM action in AWS's refusal.
var deniedAction = regexp.MustCompile(`not authorized to perform:? ([a-z-]+:[A-Za-z]+)`)

// mantleStep is the step of Diagnose that lists mantle's models. What fails there is a failure only where the configuration
// has mantle asked; it says which permission is missing.
func (u *Upstream) mantleStep(ctx context.Context) credentials.Step {
	step := credentials.Step{Name: "Mantle", OK: true}
	found, err := u.mantleModels(ctx)
	if err == nil {
		step.Detail = fmt.Sprintf("%d models on bedrock-mantle", len(found))
		return step
	}
	step.OK = u.mantleEndpoint == nil && !slices.ContainsFunc(u.overrides, func(o override) bool { return o.host == model.Mantle })
	step.Detail = "bedrock-mantle cannot be used, nor the models that it alone serves: " + err.Error()
	step.Hint = "check mantle_endpoint and the transport block; not every region has bedrock-mantle"
	if e, ok := errors.AsType[*chat.Error](err); ok && e.Kind == chat.ErrPermission {
		action := "bedrock-mantle:ListModels"
		if said := deniedAction.FindStringSubmatch(err.Error()); said != nil {
			action = said[1]
		}
		step.Hint = "allow " + action + ", and for chats bedrock-mantle:CreateInference"
		if u.key != nil {
			step.Hint += " and bedrock-mantle:CallWithBearerToken"
		}
	}
	return step
}
