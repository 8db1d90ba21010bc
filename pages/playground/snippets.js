// Writes a request as code that can be run. The key is never part of it: it is read from the environment.

export const languages = ["curl", "Python", "TypeScript"];

export function snippet(language, url, body) {
	switch (language) {
	case "curl":
		return curl(url, body);
	case "Python":
		return python(url, body);
	default:
		return typescript(url, body);
	}
}

// shortened returns the body with the data of attachments cut, for a screen.
export function shortened(body) {
	let cut = 0;
	const short = JSON.parse(JSON.stringify(body), (_, value) => {
		if (typeof value !== "string" || !/^data:[^,]{0,200};base64,/.test(value) || value.length < 200) return value;
		cut++;
		return value.slice(0, value.indexOf(",") + 13) + "…";
	});
	return { short, cut };
}

// A quoted here-document takes every character as it is, and no line of JSON is its last one.
const curl = (url, body) => `curl -N ${quoted(url + "v1/chat/completions")} \\
  -H "Authorization: Bearer $GATEWAY_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d @- <<'JSON'
${JSON.stringify(body, null, 2)}
JSON
`;

const quoted = (word) => /^[\w:/.%~[\]-]+$/.test(word) ? word : "'" + word.replaceAll("'", "'\\''") + "'";

const python = (url, { model, messages, stream: _, stream_options: options, ...rest }) => `# pip install openai
import os

from openai import OpenAI

client = OpenAI(
    base_url=${literal(url + "v1")},
    api_key=os.environ.get("GATEWAY_API_KEY", "none"),
)

stream = client.chat.completions.create(
${Object.entries({ model, messages, ...rest, stream: true, stream_options: options }).map(([name, value]) => `    ${name}=${literal(value, "    ")},\n`).join("")})
for chunk in stream:
    for choice in chunk.choices:
        if choice.delta.content:
            print(choice.delta.content, end="", flush=True)
    if chunk.usage:
        print("\\n", chunk.usage)
`;

// literal writes a JSON value as Python.
function literal(value, indent = "") {
	const inner = indent + "    ";
	if (value === null) return "None";
	if (value === true) return "True";
	if (value === false) return "False";
	if (Array.isArray(value)) {
		return value.length === 0 ? "[]" : `[\n${value.map((v) => inner + literal(v, inner) + ",\n").join("")}${indent}]`;
	}
	if (typeof value === "object") {
		const members = Object.entries(value);
		return members.length === 0 ? "{}" : `{\n${members.map(([k, v]) => `${inner}${JSON.stringify(k)}: ${literal(v, inner)},\n`).join("")}${indent}}`;
	}
	return JSON.stringify(value);
}

// The gateway's own members of messages, and tools of other kinds than functions, are none of the client's types.
const typescript = (url, body) => `// npm install openai
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: ${JSON.stringify(url + "v1")},
  apiKey: process.env.GATEWAY_API_KEY ?? "none",
});

const stream = await client.chat.completions.create(${indented(JSON.stringify(body, null, 2))}${untyped(body) ? " as any" : ""});
for await (const chunk of ${untyped(body) ? "stream as any" : "stream"}) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
  if (chunk.usage) console.log("\\n", chunk.usage);
}
`;

const indented = (json) => json.replace(/^(\s*)"([A-Za-z_][A-Za-z0-9_]*)":/gm, "$1$2:");

const untyped = (body) => body.messages.some((m) => m.thinking_blocks || m.bedrock_blocks) || (body.tools || []).some((t) => t.type !== "function");
