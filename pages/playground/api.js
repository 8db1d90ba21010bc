// Asks the gateway. Its addresses are relative to the page, so that they are right under any path that a proxy puts before
// them; a name and password in the page's address are left out, as such an address cannot be fetched.

export const base = new URL("../", location.origin + location.pathname);

const keyName = "bedrock-gateway-key";

// The key is kept for this tab, until it is closed, and nowhere else.
export const key = {
	get: () => sessionStorage.getItem(keyName) || "",
	set: (value) => (value ? sessionStorage.setItem(keyName, value) : sessionStorage.removeItem(keyName)),
};

const authorization = () => (key.get() ? { Authorization: "Bearer " + key.get() } : {});

// models returns the models that one may chat with, and what could not be listed.
export async function models() {
	const res = await reach(new URL("v1/models", base), { headers: authorization() });
	if (!res.ok) throw await failure(res);
	const { data, errors } = await res.json();
	return { models: data.filter((m) => !m.purpose || m.purpose === "chat"), errors: errors || [] };
}

async function reach(url, options) {
	try {
		return await fetch(url, { cache: "no-store", ...options });
	} catch (err) {
		if (err.name === "AbortError") throw err;
		throw { title: "The gateway was not reached", message: "The connection failed before there was an answer. Is the gateway running, and is this computer online?" };
	}
}

// failure reads an error of the gateway's: {status, title, message, code, retryAfter, id, upstream}.
async function failure(res) {
	const text = await res.text();
	let told = {};
	try {
		const body = JSON.parse(text);
		told = body.error || body;
	} catch {
		told = { message: text.slice(0, 500).trim() };
	}
	return {
		status: res.status,
		title: titles[res.status] || (res.status >= 500 ? "The gateway or the model's provider failed" : "The request was refused"),
		message: told.message || "There was no explanation.",
		code: told.code || told.type,
		retryAfter: res.headers.get("Retry-After"),
		id: res.headers.get("X-Request-Id"),
		upstream: res.headers.get("Bedrock-Gateway-Upstream"),
	};
}

const titles = {
	400: "The request was refused",
	401: "The gateway wants a key",
	403: "This key may not do that",
	404: "There is no such model",
	413: "The request is too large",
	429: "Too many requests",
};

// chat sends a request and reads its stream into step, the record of one reply; changed is called whenever there is more of
// it. It returns when the reply is whole, and throws what it failed with, in the form of failure.
export async function chat(body, step, changed, signal) {
	const began = performance.now();
	const res = await reach(new URL("v1/chat/completions", base), {
		method: "POST", headers: { "Content-Type": "application/json", ...authorization() }, body: JSON.stringify(body), signal,
	});
	step.upstream = res.headers.get("Bedrock-Gateway-Upstream");
	step.api = res.headers.get("Bedrock-Gateway-Api");
	step.attempts = res.headers.get("Bedrock-Gateway-Attempts");
	step.dropped = res.headers.get("Bedrock-Gateway-Dropped");
	step.profile = res.headers.get("Bedrock-Gateway-Profile");
	step.id = res.headers.get("X-Request-Id");
	if (!res.ok) throw await failure(res);
	let ended = false;
	try {
		for await (const data of events(res.body)) {
			if (data === "[DONE]") {
				ended = true;
				break;
			}
			const chunk = JSON.parse(data);
			if (chunk.error) {
				throw { title: "The answer broke off", message: chunk.error.message, code: chunk.error.code || chunk.error.type, id: step.id, upstream: step.upstream };
			}
			if (add(step, chunk) && step.first === undefined) step.first = performance.now() - began;
			step.total = performance.now() - began;
			changed();
		}
	} catch (err) {
		if (err.name === "AbortError" || err.title) throw err;
		throw broken(step);
	}
	step.total = performance.now() - began;
	// A stream that ends without its last event was cut: what came is not all.
	if (!ended) throw broken(step);
}

const broken = (step) => ({ title: "The answer broke off", message: "The connection ended before the answer did.", id: step.id, upstream: step.upstream });

// events yields the data of server-sent events; https://html.spec.whatwg.org/multipage/server-sent-events.html
export async function* events(stream) {
	// Not through a TextDecoderStream: a pipe drops what it holds when the connection is cut.
	const reader = stream.getReader();
	const decoder = new TextDecoder();
	let rest = "";
	let data = [];
	try {
		for (;;) {
			const { value, done } = await reader.read();
			if (done) return;
			const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
			rest = lines.pop();
			for (const line of lines) {
				if (line === "") {
					if (data.length > 0) yield data.join("\n");
					data = [];
				} else if (line.startsWith("data:")) {
					data.push(line.slice(line[5] === " " ? 6 : 5));
				}
			}
		}
	} finally {
		// The gateway learns that nobody reads on, and ends its call.
		reader.cancel().catch(() => {});
	}
}

// add adds a chunk to a step, and reports whether the model had said something in it.
export function add(step, chunk) {
	if (chunk.usage) step.usage = chunk.usage;
	const choice = chunk.choices?.[0];
	if (!choice) return false;
	if (choice.finish_reason) step.finish = choice.finish_reason;
	const delta = choice.delta || {};
	let said = false;
	for (const member of ["content", "refusal"]) {
		if (delta[member]) {
			step[member] = (step[member] || "") + delta[member];
			said = true;
		}
	}
	const reasoning = delta.reasoning_content || delta.reasoning;
	if (reasoning) {
		step.reasoning = (step.reasoning || "") + reasoning;
		said = true;
	}
	for (const call of delta.tool_calls || []) {
		step.calls ||= [];
		const at = call.index ?? step.calls.length;
		const known = step.calls[at] ||= { id: "", name: "", arguments: "" };
		known.id ||= call.id || "";
		known.name += call.function?.name || "";
		known.arguments += call.function?.arguments || "";
		said = true;
	}
	for (const block of delta.thinking_blocks || []) {
		const { index, ...members } = block;
		step.thinking ||= [];
		const known = step.thinking[index ?? step.thinking.length] ||= { type: members.type };
		for (const [member, value] of Object.entries(members)) {
			if (member !== "type") known[member] = (known[member] || "") + value;
		}
	}
	// Each comes whole.
	for (const member of ["annotations", "bedrock_citations", "bedrock_blocks"]) {
		if (delta[member]) step[member] = [...(step[member] || []), ...delta[member]];
	}
	return said;
}
