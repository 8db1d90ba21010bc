package clients

import (
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/openai/openai-go/v3"
)

// TestTheEnvironmentIsEnough holds docs/clients.md to its word that these clients read the variables it sets.
func TestTheEnvironmentIsEnough(t *testing.T) {
	for name, value := range map[string]string{
		"OPENAI_BASE_URL": os.Getenv("GATEWAY_URL"), "OPENAI_API_KEY": os.Getenv("GATEWAY_KEY"),
		"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": "https://" + os.Getenv("TLS_ADDR"), "AWS_BEARER_TOKEN_BEDROCK": os.Getenv("GATEWAY_KEY"),
		"AWS_REGION": "us-east-1", "AWS_CA_BUNDLE": os.Getenv("GATEWAY_CA"),
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	t.Run("OpenAI", func(t *testing.T) {
		client := openai.NewClient()
		reply, err := client.Chat.Completions.New(t.Context(), ask(sonnet, "Hello!"))
		if err != nil || reply.Choices[0].Message.Content != "You said: Hello!" {
			t.Errorf("%v %+v", err, reply)
		}
	})
	t.Run("AWS", func(t *testing.T) {
		c, err := config.LoadDefaultConfig(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		message, _ := converse(t, bedrockruntime.NewFromConfig(c), &bedrockruntime.ConverseInput{
			ModelId: aws.String(sonnet), Messages: []types.Message{userTurn(textBlock("Hello!"))},
		})
		if saidBy(message) != "You said: Hello!" {
			t.Errorf("%q", saidBy(message))
		}
	})
}
