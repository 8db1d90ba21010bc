// Makes the body of a request from a conversation. It knows no document, so that tests run it as it is.
//
// A conversation is {models: [one or two], settings, turns: [{text, attachments, answers: [one for each model]}]}. An answer is
// {model, settings, state, steps}: a step is one reply; after each but the last stand the results of its calls.

export const noSettings = () => ({ system: "", temperature: "", maxTokens: "", effort: "", tools: "", toolChoice: "auto", format: "text", schema: "" });

export const exampleTools = JSON.stringify([{
	name: "get_weather",
	description: "The weather at a place",
	parameters: { type: "object", properties: { place: { type: "string" } }, required: ["place"] },
}], null, 2);

export const exampleSchema = JSON.stringify({
	type: "object",
	properties: { answer: { type: "string" }, confidence: { type: "number" } },
	required: ["answer", "confidence"],
	additionalProperties: false,
}, null, 2);

// body returns the request that the answer of a turn by the model at lane was, or is to be, asked by: up to the step.
export function body(conversation, turn, lane, step, model, settings) {
	const s = settings;
	const request = { model, messages: messages(conversation, turn, lane, step, s.system), stream: true, stream_options: { include_usage: true } };
	if (s.temperature !== "") request.temperature = Number(s.temperature);
	if (s.maxTokens !== "") request.max_completion_tokens = Number(s.maxTokens);
	if (s.effort) request.reasoning_effort = s.effort;
	const listed = tools(s.tools);
	if (listed.length > 0) {
		request.tools = listed;
		if (s.toolChoice !== "auto") request.tool_choice = s.toolChoice;
	}
	if (s.format === "json") request.response_format = { type: "json_object" };
	if (s.format === "schema") request.response_format = { type: "json_schema", json_schema: schema(s.schema) };
	return request;
}

// tools reads a list of tools, or one: OpenAI's form, or {name, description, parameters or input_schema} without a wrapper.
export function tools(text) {
	if (text.trim() === "") return [];
	return [JSON.parse(text)].flat().map((t) => {
		if (t === null || typeof t !== "object") throw new Error("a tool is an object");
		if (t.type && t.type !== "custom" || !t.name) return t;
		const { input_schema: input, type: _, ...rest } = t;
		return { type: "function", function: input ? { ...rest, parameters: input } : rest };
	});
}

// schema reads a JSON schema, or OpenAI's {name, schema, strict} around one.
export function schema(text) {
	const value = JSON.parse(text);
	if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error("a schema is an object");
	return value.schema && value.name ? value : { name: "answer", strict: true, schema: value };
}

// problems returns what keeps settings from being sent, by the name of the setting.
export function problems(s) {
	const out = {};
	const check = (name, wrong) => {
		try {
			const message = wrong();
			if (message) out[name] = message;
		} catch (err) {
			out[name] = "This is not what is expected: " + err.message;
		}
	};
	check("temperature", () => s.temperature !== "" && !(Number(s.temperature) >= 0 && Number(s.temperature) <= 2) && "A number from 0 to 2");
	check("maxTokens", () => s.maxTokens !== "" && !(Number.isInteger(Number(s.maxTokens)) && Number(s.maxTokens) > 0) && "A whole number above 0");
	check("tools", () => { tools(s.tools); });
	if (s.format === "schema") check("schema", () => { schema(s.schema); });
	return out;
}

function messages(conversation, last, lane, lastStep, system) {
	const out = [];
	if (system.trim() !== "") out.push({ role: "system", content: system });
	for (const [i, turn] of conversation.turns.slice(0, last + 1).entries()) {
		out.push({ role: "user", content: content(turn) });
		// A model that came later goes on with what the first one said.
		const answer = turn.answers[lane] || (i < last ? turn.answers.find((a) => a) : null);
		if (!answer) continue;
		for (const step of i < last ? answer.steps : answer.steps.slice(0, lastStep)) out.push(...reply(step));
	}
	return out;
}

function content(turn) {
	if (turn.attachments.length === 0) return turn.text;
	const parts = turn.attachments.map((a) => {
		switch (a.kind) {
		case "image":
			return { type: "image_url", image_url: { url: a.data } };
		case "text":
			return { type: "text", text: "File " + a.name + ":\n\n" + a.data };
		default:
			return { type: "file", file: { filename: a.name, file_data: a.data } };
		}
	});
	if (turn.text.trim() !== "") parts.push({ type: "text", text: turn.text });
	return parts;
}

// reply returns the messages of a step: the model's, and the results of its calls. Of a reply that broke off only the text is
// sent back: its calls and thoughts may be cut anywhere.
function reply(step) {
	const message = { role: "assistant", content: step.content || step.refusal || "" };
	if (!step.finish) return message.content ? [message] : [];
	if (step.thinking) message.thinking_blocks = step.thinking;
	if (step.bedrock_blocks) message.bedrock_blocks = step.bedrock_blocks;
	const calls = step.calls || [];
	if (calls.length > 0) {
		message.content ||= null;
		message.tool_calls = calls.map((c) => ({ id: c.id, type: "function", function: { name: c.name, arguments: c.arguments } }));
	}
	if (!message.content && calls.length === 0 && !step.bedrock_blocks) return [];
	return [message, ...calls.map((c) => ({ role: "tool", tool_call_id: c.id, content: c.result ?? "No result was given." }))];
}
