// The element <gateway-answer>: what one model answered in one turn. Its record, in conversation.js, changes while it streams;
// show draws what has changed.
import { button, copy, count, element, seconds } from "./dom.js";
import { codeBlock, renderer } from "./render.js";

class GatewayAnswer extends HTMLElement {
	#steps = [];
	#waiting = false;
	#last = false;

	// set gives the element its record and what its buttons do: {stop, retry, results, code, key, edit}.
	set(answer, act) {
		this.answer = answer;
		this.act = act;
		const id = "answer-" + Math.random().toString(36).slice(2);
		this.state = element("span", { class: "state" });
		this.body = element("div", { class: "steps" });
		this.foot = element("footer");
		this.replaceChildren(element("article", { "aria-labelledby": id },
			element("header", null, element("h3", { id }, answer.model), this.state), this.body, this.foot));
		this.#steps = [];
	}

	// later draws the record before the next frame: chunks may come faster than anybody sees.
	later(asMarkdown) {
		if (this.#waiting) return;
		this.#waiting = true;
		requestAnimationFrame(() => {
			this.#waiting = false;
			this.show(asMarkdown, this.#last);
		});
	}

	// show draws the record; last says that it is of the last turn, whose answers can be asked for again.
	show(asMarkdown, last) {
		this.#last = last;
		const { answer } = this;
		const running = answer.state === "running";
		this.state.textContent = { running: "Answering", stopped: "Stopped", failed: "Failed" }[answer.state] || "";
		this.state.className = "state " + answer.state;
		this.classList.toggle("running", running);
		for (const [i, step] of answer.steps.entries()) {
			this.#steps[i] ||= new Step(this.body);
			this.#steps[i].show(step, { asMarkdown, json: answer.settings.format !== "text", running: running && i === answer.steps.length - 1 });
		}
		while (this.#steps.length > answer.steps.length) this.#steps.pop().remove();
		if (running && this.foot.dataset.running) return; // or a press on a button could fall between two frames
		this.foot.dataset.running = running ? "yes" : "";
		this.#calls(last && !running);
		this.#showError();
		this.foot.replaceChildren(meta(answer.steps.at(-1), running), this.#actions(running, last));
	}

	// focusResult puts the focus where a tool's result is typed.
	focusResult() { this.querySelector(".result textarea")?.focus(); }

	#calls(open) {
		this.form?.remove();
		this.form = null;
		const step = this.answer.steps.at(-1);
		if (!open || !step?.calls?.length || !step.finish || this.answer.state !== "done") return;
		const fields = step.calls.map((c) => {
			const field = element("textarea", { rows: "2", spellcheck: "false", class: "mono" });
			field.value = c.result ?? "";
			return element("label", { class: "result" }, "Result of " + c.name, field);
		});
		this.form = element("form", { class: "results", onsubmit: (e) => {
			e.preventDefault();
			fields.forEach((f, i) => { step.calls[i].result = f.querySelector("textarea").value; });
			this.act.results();
		} }, fields, element("button", { type: "submit", class: "primary small" }, step.calls.length > 1 ? "Send results" : "Send result"));
		this.body.append(this.form);
	}

	#showError() {
		this.error?.remove();
		const e = this.answer.error;
		this.error = null;
		if (!e) return;
		const facts = [
			e.status && "Status " + e.status, e.code && "Code " + e.code, e.upstream && "Upstream " + e.upstream,
			e.retryAfter && "Try again after " + (/^\d+$/.test(e.retryAfter) ? e.retryAfter + " s" : e.retryAfter), e.id && "Request " + e.id,
		].filter((f) => f);
		this.error = element("div", { class: "error" }, element("strong", null, e.title || "The request failed"), element("p", null, String(e.message)),
			facts.length > 0 && element("p", { class: "facts" }, facts.join(" · ")),
			e.status === 401 && button("Enter a key", () => this.act.key(), { class: "primary small" }));
		this.body.append(this.error);
	}

	#actions(running, last) {
		const { act, answer } = this;
		const text = () => answer.steps.map((s) => s.content || s.refusal || "").filter((t) => t).join("\n\n");
		return element("div", { class: "actions" },
			running && button("Stop", () => act.stop(), { icon: "stop", class: "quiet small stop" }),
			!running && last && button("Retry", () => act.retry(), { icon: "retry", class: "quiet small" }),
			!running && text() && button("Copy", (e) => copy(text(), e.currentTarget), { icon: "copy", class: "quiet small" }),
			button("Code", () => act.code(), { icon: "code", class: "quiet small" }));
	}
}

// Step is the part of an answer that one reply filled.
class Step {
	constructor(into) {
		this.reasoning = element("div", { class: "thoughts" });
		this.summary = element("summary", null, "Thinking");
		this.details = element("details", { class: "reasoning", hidden: true }, this.summary, this.reasoning);
		this.said = element("div", { class: "said" });
		this.waits = element("p", { class: "waits", "aria-hidden": "true" }, element("span"), element("span"), element("span"));
		this.calls = element("div", { class: "calls" });
		this.sources = element("div", { class: "sources" });
		this.whole = element("div", { class: "step" }, this.details, this.said, this.calls, this.sources, this.waits);
		into.append(this.whole);
		this.think = renderer(this.reasoning);
		this.say = renderer(this.said);
		this.known = "";
	}

	remove() { this.whole.remove(); }

	show(step, { asMarkdown, json, running }) {
		this.details.hidden = !step.reasoning;
		if (step.reasoning) {
			this.summary.textContent = running && !step.content ? "Thinking" : "Thoughts";
			this.think(step.reasoning, asMarkdown);
		}
		const text = step.content || step.refusal || "";
		this.said.classList.toggle("refusal", !step.content && !!step.refusal);
		const pretty = json && !running ? indented(text) : null;
		if (pretty !== null) {
			this.said.replaceChildren(codeBlock(pretty, "json"));
			this.say = renderer(this.said);
		} else {
			if (text === "") this.said.replaceChildren();
			else this.say(text, asMarkdown && !json);
		}
		this.waits.hidden = !running || !!text || !!step.calls;
		this.#rest(step);
	}

	// rest draws what comes late and whole.
	#rest(step) {
		const now = JSON.stringify([step.calls?.map((c) => [c.name, c.arguments, c.result]), step.annotations, step.bedrock_citations, step.bedrock_blocks]);
		if (now === this.known) return;
		this.known = now;
		this.calls.replaceChildren(...(step.calls || []).map((c) => element("div", { class: "call" },
			element("div", { class: "call-head" }, element("span", { class: "faint" }, "Call of "), element("code", null, c.name)),
			element("pre", { tabindex: "0", role: "group", "aria-label": "Arguments" }, indented(c.arguments) ?? c.arguments),
			c.result !== undefined && element("div", { class: "call-head" }, element("span", { class: "faint" }, "Result")),
			c.result !== undefined && element("pre", { tabindex: "0", role: "group", "aria-label": "Result" }, c.result))));
		const listed = [["Sources", step.annotations], ["Citations", step.bedrock_citations], ["What the provider’s tools did", step.bedrock_blocks]].filter(([, list]) => list?.length);
		this.sources.replaceChildren(...listed.map(([title, list]) => element("details", null, element("summary", null, title + " (" + list.length + ")"),
			element("pre", { tabindex: "0", role: "group", "aria-label": title }, JSON.stringify(list, null, 2)))));
	}
}

// indented returns a JSON text with line breaks; null if it is none.
function indented(text) {
	if (!/^\s*[[{]/.test(text)) return null;
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch {
		return null;
	}
}

const reasons = { length: "cut at the most output tokens", content_filter: "kept back by a filter" };

// meta is where a reply came from and what it took.
function meta(step, running) {
	const list = element("dl", { class: "meta" });
	if (!step || running) return list;
	const add = (title, value, className) => value && list.append(element("div", { class: className }, element("dt", null, title), element("dd", null, value)));
	add("Upstream", step.upstream);
	add("API", step.api);
	add("First token", step.first !== undefined && seconds(step.first));
	add("Total", step.total !== undefined && seconds(step.total));
	const u = step.usage;
	if (u) {
		const cached = u.prompt_tokens_details?.cached_tokens;
		const thought = u.completion_tokens_details?.reasoning_tokens;
		add("Tokens in", count(u.prompt_tokens) + (cached ? " (" + count(cached) + " cached)" : ""));
		add("Tokens out", count(u.completion_tokens) + (thought ? " (" + count(thought) + " thought)" : ""));
	}
	add("Tries", step.attempts > 1 && step.attempts);
	add("Profile", step.profile);
	add("Left out", step.dropped, "warn");
	add("Ended", reasons[step.finish], "warn");
	return list;
}

customElements.define("gateway-answer", GatewayAnswer);
