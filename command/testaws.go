package command

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/gateways"
	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// testAWS holds the flags of `caddy bedrock test-aws`.
type testAWS struct {
	config, adapter string
	upstream        string
	profile, region string
}

// NewTestAWS returns the command test-aws, which `caddy bedrock config` has too.
func NewTestAWS() *cobra.Command {
	var t testAWS
	cmd := &cobra.Command{
		Use:   "test-aws",
		Short: "Tests the AWS credentials of Bedrock upstreams",
		Long: `Checks the way to Bedrock step by step: the region, the credentials, their
identity (sts:GetCallerIdentity), and the models (bedrock:ListFoundationModels
and bedrock:ListInferenceProfiles). Each step is a line with a mark; a step that
fails says what to do next. No secret is printed, and no model is called.

With --config, it checks each Bedrock upstream of that configuration. Profiles
are read from the files of the user who runs the command. Without --config, it
checks the credentials of --profile, or of the environment's AWS_* variables.

The exit code is 0 if all steps succeeded, else 1.`,
		Example: `  $ caddy bedrock test-aws --config Caddyfile
  $ caddy bedrock test-aws --config Caddyfile --upstream eu
  $ caddy bedrock test-aws --profile work --region us-east-1`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVarP(&t.config, "config", "c", "", "The configuration whose upstreams are tested")
	f.StringVarP(&t.adapter, "adapter", "a", "", "The name of the config adapter, if --config is not a Caddyfile or JSON")
	f.StringVarP(&t.upstream, "upstream", "u", "", "The only upstream of --config to test")
	f.StringVar(&t.profile, "profile", "", "The profile of the shared AWS files to test")
	f.StringVar(&t.region, "region", "", "The AWS region (default: that of the profile, else of the environment)")
	cmd.MarkFlagsMutuallyExclusive("config", "profile")
	cmd.MarkFlagsMutuallyExclusive("config", "region")
	cmd.MarkFlagsMutuallyExclusive("upstream", "profile")
	cmd.MarkFlagsMutuallyExclusive("upstream", "region")
	return cmd
}

// run tests the upstreams and prints the steps. Its error is one line that says what failed.
func (t *testAWS) run(ctx context.Context, out io.Writer) error {
	config, upstreams, err := t.upstreams()
	if err != nil {
		return err
	}
	caddyCtx, cancel, err := gateways.Context(config)
	if err != nil {
		return err
	}
	defer cancel()
	failed := 0
	for i := range upstreams {
		u, ok := &upstreams[i], true
		var text strings.Builder
		if t.config != "" {
			text.WriteString("upstream " + u.Name + "\n")
		}
		for _, step := range diagnose(ctx, caddyCtx, u) {
			text.WriteString(step.String() + "\n")
			ok = ok && step.OK
		}
		if i < len(upstreams)-1 {
			text.WriteByte('\n')
		}
		if _, err := io.WriteString(out, text.String()); err != nil {
			return err
		}
		if !ok {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("the AWS test failed for %d of %d upstreams", failed, len(upstreams))
	}
	return nil
}

// diagnose loads an upstream as the gateway does, and returns the steps of its way to AWS.
func diagnose(ctx context.Context, caddyCtx caddy.Context, u *upstream.Settings) []credentials.Step {
	named, err := u.Load(caddyCtx)
	if err != nil {
		return []credentials.Step{{Name: "Configuration", Detail: reason(err, u.Name), Hint: configurationHint(err)}}
	}
	d, ok := named.Upstream.(interface {
		Diagnose(ctx context.Context) []credentials.Step
	})
	if !ok {
		return []credentials.Step{{Name: "Configuration", Detail: fmt.Sprintf("the kind %s cannot be tested", named.Kind)}}
	}
	return d.Diagnose(ctx)
}

// reason returns why an upstream did not load, without Caddy's path to its module.
func reason(err error, name string) string {
	text := err.Error()
	if _, rest, ok := strings.Cut(text, "provision "+upstream.Namespace+"."+upstream.KindBedrock+": "); ok {
		text = rest
	}
	return strings.TrimPrefix(text, "upstream '"+name+"': ")
}

// configurationHints are the next steps after errors that are found without the network, by a part of their text.
var configurationHints = []struct{ part, hint string }{
	{"you must specify a region", "write 'bedrock us-east-1' in the Caddyfile, set AWS_REGION=us-east-1, or pass --region us-east-1"},
	{"could not be found", "'aws configure list-profiles' lists the profiles, 'aws configure --profile NAME' creates one; --profile or 'profile' selects it"},
	{"holds no credentials", "add keys, a role, SSO or a credential_process to the profile; or leave the profile out to use the machine's role"},
	{"mfa_serial", "use a profile without MFA, or SSO"},
	{"web identity token file", "check that the file exists and that this user may read it; in EKS, the pod's service account and its annotation"},
	{"duration", "use a duration from 15m to 12h"},
	{"ARN", "copy the role's ARN from IAM: arn:aws:iam::123456789012:role/Name"},
	{"must be set together", "set both of the two variables, or neither"},
	{"empty", "set the variable that the placeholder names, for this user too"},
}

func configurationHint(err error) string {
	for _, h := range configurationHints {
		if strings.Contains(err.Error(), h.part) {
			return h.hint
		}
	}
	return "correct the configuration; 'caddy validate' and docs/aws-credentials.md say more"
}

// upstreams returns the upstreams to test, and the configuration that they are part of.
func (t *testAWS) upstreams() (*caddy.Config, []upstream.Settings, error) {
	if t.config == "" {
		if t.adapter != "" || t.upstream != "" {
			return nil, nil, errors.New("--adapter and --upstream need --config")
		}
		raw, err := json.Marshal(map[string]string{"kind": upstream.KindBedrock, "profile": t.profile, "region": t.region})
		return new(caddy.Config), []upstream.Settings{{Name: upstream.KindBedrock, UpstreamRaw: raw}}, err
	}
	text, file, _, err := caddycmd.LoadConfig(t.config, t.adapter)
	if err != nil {
		return nil, nil, err
	}
	config := new(caddy.Config)
	if err := json.Unmarshal(text, config); err != nil {
		return nil, nil, fmt.Errorf("reading %s: %w", file, err)
	}
	all, err := bedrockUpstreams(text)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	if t.upstream == "" {
		return config, all, nil
	}
	var names []string
	var chosen []upstream.Settings
	for _, u := range all {
		if names = append(names, u.Name); u.Name == t.upstream {
			chosen = append(chosen, u)
		}
	}
	if len(chosen) == 0 {
		return nil, nil, fmt.Errorf("%s has no Bedrock upstream '%s'; there are %q", file, t.upstream, names)
	}
	return config, chosen, nil
}

// bedrockUpstreams returns the Bedrock upstreams of all gateways in a configuration, in its order, each once. A gateway
// without upstreams has the environment's.
func bedrockUpstreams(config []byte) ([]upstream.Settings, error) {
	gateways, err := gateways.Handlers(config, "bedrock_gateway")
	if err != nil {
		return nil, err
	}
	if len(gateways) == 0 {
		return nil, errors.New("no bedrock_gateway in this configuration")
	}
	var found []upstream.Settings
	for _, raw := range gateways {
		var g upstream.Routing
		if err := json.Unmarshal(raw, &g); err != nil {
			return nil, fmt.Errorf("bedrock_gateway: %w", err)
		}
		if len(g.Upstreams) == 0 {
			// Even without a region: the test should say that it is missing.
			g.Upstreams = []upstream.Settings{{Name: upstream.KindBedrock, UpstreamRaw: json.RawMessage(`{"kind":"bedrock"}`)}}
		}
		for _, u := range g.Upstreams {
			kind, err := u.Kind()
			if err != nil {
				return nil, fmt.Errorf("upstream '%s': %w", u.Name, err)
			}
			same := func(o upstream.Settings) bool { return o.Name == u.Name && bytes.Equal(o.UpstreamRaw, u.UpstreamRaw) }
			if kind == upstream.KindBedrock && !slices.ContainsFunc(found, same) {
				found = append(found, u)
			}
		}
	}
	if len(found) == 0 {
		return nil, errors.New("its bedrock_gateway has no Bedrock upstream: add 'bedrock us-east-1' to it")
	}
	return found, nil
}
