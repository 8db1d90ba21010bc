package model

import "strings"

// Purpose is what a model is for.
type Purpose string

// The purposes that a listing names.
const (
	PurposeUnknown   Purpose = ""
	PurposeChat      Purpose = "chat"
	PurposeEmbedding Purpose = "embedding"
	PurposeImage     Purpose = "image"
	PurposeRerank    Purpose = "rerank"
	PurposeAudio     Purpose = "audio"
	PurposeVideo     Purpose = "video"
	PurposeModerate  Purpose = "moderation"
	PurposeText      Purpose = "completion" // OpenAI's models of /v1/completions, before chat
)

// purposes are the parts of base ids that show a purpose other than chat. The first match counts. Sources, November 2026:
// https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html, the table of stable-image-services beside it,
// and https://platform.openai.com/docs/models.
var purposes = [...]struct {
	part    string
	purpose Purpose
}{
	{"rerank", PurposeRerank},
	{"embed", PurposeEmbedding}, // amazon.titan-embed-*, cohere.embed-*, text-embedding-*, twelvelabs.marengo-embed-*
	{"stability.", PurposeImage},
	{"titan-image", PurposeImage},
	{"nova-canvas", PurposeImage},
	{"nova-reel", PurposeVideo},
	{"luma.", PurposeVideo},
	{"nova-sonic", PurposeAudio},
	{"nova-2-sonic", PurposeAudio},
	{"dall-e-", PurposeImage},
	{"gpt-image-", PurposeImage},
	{"chatgpt-image", PurposeImage},
	{"sora-", PurposeVideo},
	{"tts-", PurposeAudio},
	{"-tts", PurposeAudio},
	{"whisper", PurposeAudio},
	{"-transcribe", PurposeAudio},
	{"-realtime", PurposeAudio},
	{"-moderation-", PurposeModerate},
	{"davinci-", PurposeText},
	{"babbage-", PurposeText},
	{"-instruct", PurposeText}, // gpt-3.5-turbo-instruct; see PurposeOf
}

// PurposeOf returns what the model with the given id is for, in any form that Bedrock takes or OpenAI has. A Bedrock or
// OpenAI model that the table does not name is for chat; any other id is unknown, and so is an ARN that hides its model.
func PurposeOf(id string) Purpose {
	base := Base(id)
	for i := range purposes {
		p := &purposes[i]
		if !strings.Contains(base, p.part) {
			continue
		}
		// Other providers' instruct models are for chat.
		if p.part == "-instruct" && !strings.HasPrefix(base, "gpt-") {
			break
		}
		return p.purpose
	}
	if first, _, ok := strings.Cut(base, "."); ok && provider(first) || Lookup(id).Family != Unknown {
		return PurposeChat
	}
	return PurposeUnknown
}
