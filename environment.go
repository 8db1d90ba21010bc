package bedrockgateway

import (
	"encoding/json"
	"os"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Environment variables that stand in for configuration.
const (
	envOpenAIKey    = "OPENAI_API_KEY"
	envDefaultModel = "DEFAULT_OPENAI_MODEL"
	envFilesBucket  = "S3_FILES_BUCKET"
)

// environment returns what the environment's variables describe: OpenAI where there is a key for it, Bedrock where a region
// is known. The upstreams' own defaults take the rest from there.
func environment() upstream.Defaults {
	d := upstream.Defaults{
		DefaultModel: os.Getenv(envDefaultModel),
		Missing: map[string]string{
			upstream.KindOpenAI:  "set " + envOpenAIKey + ", or configure 'openai'",
			upstream.KindBedrock: "set AWS_REGION and AWS credentials, or configure 'bedrock'",
		},
	}
	if os.Getenv(envOpenAIKey) != "" {
		d.Upstreams = append(d.Upstreams, upstream.Settings{Name: upstream.KindOpenAI, UpstreamRaw: json.RawMessage(`{"kind":"openai"}`)})
	}
	if credentials.EnvironmentRegion() != "" {
		d.Upstreams = append(d.Upstreams, upstream.Settings{Name: upstream.KindBedrock, UpstreamRaw: json.RawMessage(`{"kind":"bedrock"}`)})
	}
	return d
}

// defaultFiles returns the configuration of the file store that is used where none is configured.
func defaultFiles() json.RawMessage {
	if os.Getenv(envFilesBucket) != "" { // the store's own default bucket
		return json.RawMessage(`{"store":"s3"}`)
	}
	return json.RawMessage(`{"store":"local"}`)
}
