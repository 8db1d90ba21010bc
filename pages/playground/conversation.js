// The conversation that is shown: its turns, what is asked, and what comes back.
import { chat } from "./api.js";
import { preview } from "./composer.js";
import { announce, button, element } from "./dom.js";
import { body } from "./request.js";
import "./answer.js";

const $ = (id) => document.getElementById(id);

export class Conversation {
	// record is kept in the history; hooks are {saved, asked, code, key, edit, markdown}.
	constructor(record, hooks) {
		this.record = record;
		this.hooks = hooks;
		this.running = new Map(); // of an answer: what stops it
		this.views = new Map(); // of an answer: its element
	}

	get busy() { return this.running.size > 0; }

	// send adds a turn, in the place of the turn at from and all behind it if that is given, and asks every model.
	send(text, attachments, settings, from = this.record.turns.length) {
		this.record.turns.length = from;
		this.record.turns.push({ text, attachments: [...attachments], answers: [] });
		if (from === 0) this.record.title = (text || attachments[0].name).replace(/\s+/g, " ").slice(0, 80);
		const asked = this.record.models.map((_, lane) => this.#begin(from, lane, settings));
		this.draw();
		this.#toEnd();
		for (const ask of asked) ask();
	}

	// #begin makes the record of an answer, and returns the function that asks for it: what is asked first must not be in the
	// other's request.
	#begin(turn, lane, settings) {
		const before = this.record.turns[turn].answers[lane];
		const answer = { model: this.record.models[lane] || before.model, settings, state: "running", steps: [] };
		this.record.turns[turn].answers[lane] = answer;
		return () => this.#ask(turn, lane, answer);
	}

	// request returns the body by which the answer's step was asked.
	request(turn, lane, answer, step = Math.max(0, answer.steps.length - 1)) {
		return body(this.record, turn, lane, step, answer.model, answer.settings);
	}

	async #ask(turn, lane, answer) {
		const stop = new AbortController();
		this.running.set(answer, stop);
		answer.state = "running";
		delete answer.error;
		const step = {};
		const request = this.request(turn, lane, answer, answer.steps.length);
		answer.steps.push(step);
		this.draw();
		this.hooks.asked();
		announce(answer.model + " is answering");
		try {
			await chat(request, step, () => {
				this.views.get(answer)?.later(this.hooks.markdown());
				this.#follow();
			}, stop.signal);
			answer.state = "done";
		} catch (err) {
			if (err.name === "AbortError") answer.state = "stopped";
			else {
				answer.state = "failed";
				answer.error = err.title ? err : { title: "The answer could not be read", message: err.message };
			}
		}
		this.running.delete(answer);
		this.#keep();
		this.draw();
		this.#follow();
		this.hooks.asked();
		this.#tell(answer, step);
	}

	#tell(answer, step) {
		if (answer.state === "failed") announce(answer.model + " failed: " + answer.error.message);
		else if (answer.state === "stopped") announce(answer.model + " was stopped");
		else if (step.calls) announce(answer.model + " calls " + step.calls.map((c) => c.name).join(", "));
		else announce(answer.model + " answered: " + (step.content || step.refusal || "nothing").slice(0, 600));
		if (answer.state === "done" && step.calls && !this.busy) this.views.get(answer)?.focusResult();
	}

	// forget ends the conversation: what still comes is not kept.
	forget() {
		this.forgotten = true;
		this.stop();
	}

	stop() { for (const s of this.running.values()) s.abort(); }

	#keep() {
		if (this.forgotten) return;
		this.record.updated = Date.now();
		this.hooks.saved(this.record);
	}

	// draw shows the turns; elements of answers are kept, so that a selection or an open part of one stays.
	draw() {
		const { turns } = this.record;
		$("welcome").hidden = turns.length > 0;
		const shown = new Set();
		$("turns").replaceChildren(...turns.map((turn, i) => this.#turn(turn, i, shown)));
		for (const answer of this.views.keys()) if (!shown.has(answer)) this.views.delete(answer);
	}

	#turn(turn, i, shown) {
		const last = i === this.record.turns.length - 1;
		const answers = turn.answers.map((answer, lane) => {
			if (!answer) return null;
			shown.add(answer);
			let view = this.views.get(answer);
			if (!view) {
				view = document.createElement("gateway-answer");
				view.set(answer, {
					stop: () => this.running.get(answer)?.abort(),
					retry: () => this.#retry(i, lane),
					results: () => {
						// Where a call was required, one may want the model to go on without.
						answer.settings = this.hooks.settings() || answer.settings;
						this.#ask(i, lane, answer);
					},
					code: () => this.hooks.code(this.request(i, lane, answer)),
					key: () => this.hooks.key(),
				});
				this.views.set(answer, view);
			}
			view.show(this.hooks.markdown(), last);
			return view;
		}).filter((v) => v);
		return element("section", { class: "turn", "aria-label": "Turn " + (i + 1) },
			element("div", { class: "asked" },
				turn.attachments.length > 0 && element("ul", { class: "attached", "aria-label": "Attachments" }, turn.attachments.map((a) => element("li", null, preview(a)))),
				element("div", { class: "asked-row" }, button("Edit", () => this.hooks.edit(i), { icon: "edit", hidden: true, class: "quiet icon-only edit" }),
					turn.text && element("p", null, turn.text))),
			element("div", { class: answers.length > 1 ? "answers two" : "answers" }, answers));
	}

	#retry(turn, lane) {
		const before = this.record.turns[turn].answers[lane];
		this.#begin(turn, lane, this.hooks.settings() || before.settings)();
	}

	// #follow keeps the end in sight if it was: who has scrolled up reads there.
	#follow() {
		const s = $("scroller");
		if (s.scrollHeight - s.scrollTop - s.clientHeight < 160) this.#toEnd();
	}

	#toEnd() {
		requestAnimationFrame(() => { $("scroller").scrollTop = $("scroller").scrollHeight; });
	}
}
