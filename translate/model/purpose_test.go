package model

import "testing"

// TestPurposeOf shows what models are for, by ids of every form.
func TestPurposeOf(t *testing.T) {
	for id, want := range map[string]Purpose{
		"anthropic.claude-sonnet-5":                          PurposeChat,
		"in.anthropic.claude-sonnet-5":                       PurposeChat,
		"amazon.titan-text-express-v1":                       PurposeChat,
		"meta.llama3-1-8b-instruct-v1:0":                     PurposeChat, // instruct is a completion model at OpenAI alone
		"amazon.titan-embed-text-v2:0":                       PurposeEmbedding,
		"us.cohere.embed-v4:0":                               PurposeEmbedding,
		"cohere.rerank-v3-5:0":                               PurposeRerank,
		"amazon.rerank-v1:0":                                 PurposeRerank,
		"stability.sd3-5-large-v1:0":                         PurposeImage,
		"us.stability.stable-image-inpaint-v1:0":             PurposeImage,
		"amazon.nova-canvas-v1:0":                            PurposeImage,
		"amazon.nova-reel-v1:1":                              PurposeVideo,
		"amazon.nova-sonic-v1:0":                             PurposeAudio,
		"gpt-5.6-sol":                                        PurposeChat,
		"gpt-4o-mini-tts":                                    PurposeAudio,
		"gpt-4o-transcribe":                                  PurposeAudio,
		"gpt-image-2":                                        PurposeImage,
		"gpt-3.5-turbo-instruct":                             PurposeText,
		"text-embedding-3-small":                             PurposeEmbedding,
		"omni-moderation-latest":                             PurposeModerate,
		"sora-2-pro":                                         PurposeVideo,
		"bge-m3":                                             PurposeUnknown,
		"arn:aws:bedrock:us-east-1:1:imported-model/x":       PurposeUnknown,
		"arn:aws:bedrock:us-east-1::foundation-model/a21.x1": PurposeUnknown,
	} {
		if got := PurposeOf(id); got != want {
			t.Errorf("%s is for %q, not %q", id, got, want)
		}
	}
}
