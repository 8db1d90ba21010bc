package bedrockgateway

import (
	"encoding/json"
	"os"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
)

// Environment variables that stand in for configuration.
const (
	envOpenAIKey    = "OPENAI_API_KEY"
	envDefaultModel = "DEFAULT_OPENAI_MODEL"
	envFilesBucket  = "S3_FILES_BUCKET"
)

// missing says what to set for an upstream that the environment does not bring.
var missing = map[string]string{
	openaiName:  "set " + envOpenAIKey + ", or configure 'openai'",
	bedrockName: "set AWS_REGION and AWS credentials, or configure 'bedrock'",
}

// environment are the upstreams that the environment's variables describe: OpenAI
// where there is a key for it, Bedrock where a region is known. Their own
// defaults take the rest from there.
func environment() []Upstream {
	var upstreams []Upstream
	if os.Getenv(envOpenAIKey) != "" {
		upstreams = append(upstreams, Upstream{Name: openaiName, UpstreamRaw: json.RawMessage(`{"kind":"openai"}`)})
	}
	if credentials.EnvironmentRegion() != "" {
		upstreams = append(upstreams, Upstream{Name: bedrockName, UpstreamRaw: json.RawMessage(`{"kind":"bedrock"}`)})
	}
	return upstreams
}

// defaultFiles is the configuration of the file store where none is configured.
func defaultFiles() json.RawMessage {
	if os.Getenv(envFilesBucket) != "" { // which is the store's own default
		return json.RawMessage(`{"store":"s3"}`)
	}
	return json.RawMessage(`{"store":"local"}`)
}
