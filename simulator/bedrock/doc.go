// Package bedrock simulates Amazon Bedrock, runtime and control plane, for tests, the quickstart and work offline. It is
// a plain http.Handler and shares no code with the gateway, so that it can serve as the gateway's oracle: it refuses
// what the real service refuses, in the same words where they are known, and answers deterministically.
//
// # Operations
//
//	POST /model/{id}/converse, converse-stream, invoke, invoke-with-response-stream, count-tokens
//	POST /openai/v1/chat/completions, /openai/v1/responses, /anthropic/v1/messages
//	GET  /openai/v1/models, /foundation-models[/{id}], /inference-profiles[/{id}]
//
// NewMantle plays the other host, bedrock-mantle. OpenAI's API is answered by a copy of package openai's, with the
// models, ids and refusals that Bedrock has (apis.go).
//
// The id is one percent-encoded segment: a model id, an inference profile id or an ARN (of the region the request was
// signed for). InvokeModel takes Claude's and Titan's bodies, and those of the models that embed (Titan, Nova, Cohere,
// Marengo) and rank (Cohere, Amazon). Texts with the same words have vectors that are near to each other, and rank high.
//
// # Credentials
//
// Requests are signed with SigV4 (service bedrock, at most five minutes old, any region unless Options.Regions) or carry
// a Bedrock API key as bearer token. Without other Options the access key is AKIASIMULATOR0000000 with the secret
// simulator-secret-key, and the API key is simulator-bedrock-api-key.
//
// # Answers
//
//   - The answer is "You said: " and the last user text, then "[image png, 68 bytes]" for each image, document or the
//     like of that turn. Streamed, each delta is a token: a word with the space before it, at most 12 characters.
//   - Usage counts these tokens, three more for each message, and size/64+10 for an image or document. maxTokens and stop
//     sequences are honoured. What precedes a cache point is a cache write the first time and a cache read for 5 minutes
//     (or the ttl) after; the real service's least size does not apply.
//   - "call name" in the text calls that tool; "call a and b" calls two in one turn, "call any" the first tool,
//     "call all" each of them. A JSON object after the name is the input as it stands; otherwise the input has the
//     schema's required properties, strings taking the whole text. toolChoice any and tool force a call. "say and call name" has a text
//     block before the call.
//   - When the last turn has tool results, the answer is "The tool said: " and them; a result that says "then call name"
//     is done as the user's text would be.
//   - With thinking (Claude, Nova 2, gpt-oss, DeepSeek) reasoning precedes the answer. Claude's is signed, and on the
//     next turn a signature that this package has not made is refused.
//   - With a system prompt that asks for valid JSON the answer is JSON: an instance of the schema that stands there, else
//     {"said": …}.
//   - With outputConfig.textFormat (or Claude's output_config.format) the answer is a JSON instance of the schema.
//
// What goes wrong on demand is in package fault: a directive like [[fault:throttle=2]] in the last user text, the header
// Bedrock-Simulator-Fault, or a suffix of the model id like ~throttle=2.
package bedrock
