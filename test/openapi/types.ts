// What a client in TypeScript makes of the description. It is compiled, not run.
import type { components, operations, paths } from "./openapi";

type Schemas = components["schemas"];
type Chat = paths["/v1/chat/completions"]["post"];
type Body = Chat["requestBody"]["content"]["application/json"];

// Each form goes into the body of the one endpoint.
export const bodies: Body[] = [
	{ model: "gpt-4o", messages: [{ role: "user", content: "Hi" }], stream: true },
	{ model: "gpt-4o", messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }], file_ids: ["file-1"] },
	{ model: "gpt-4o", max_tokens: 10, messages: [{ role: "user", content: "Hi" }] },
	{ model: "amazon.titan-text-express-v1", inputText: "User: Hi\n\nBot:" },
];

// @ts-expect-error nobody has this role
export const role: Schemas["Gateway.ChatRequest"] = { messages: [{ role: "wizard", content: "Hi" }] };
// @ts-expect-error Anthropic's form wants max_tokens
export const claude: Schemas["Gateway.MessagesRequest"] = { messages: [{ role: "user", content: "Hi" }] };
// @ts-expect-error a budget is a number
export const titan: Schemas["Titan.Request"] = { inputText: "Hi", textGenerationConfig: { maxTokenCount: "ten" } };

export function text(reply: Schemas["OpenAI.ChatCompletion"]): string {
	return reply.choices[0]?.message.content ?? "";
}

export function delta(event: Schemas["OpenAI.ChatCompletionChunk"]): string {
	return event.choices[0]?.delta.content ?? "";
}

export function blocks(reply: Schemas["Anthropic.Message"]): string[] {
	return reply.content.map((b) => (b.type === "text" && "text" in b ? b.text : ""));
}

export function usage(reply: operations["converse"]["responses"]["200"]["content"]["application/json"]): number {
	return reply.usage.totalTokens;
}

export function message(error: Schemas["Error.OpenAI"]): string {
	return error.error.message;
}

// An answer of the endpoint is one of these.
export const whole = (r: Schemas["OpenAI.ChatCompletion"] | Schemas["Anthropic.Message"]): Chat["responses"]["200"]["content"]["application/json"] => r;
