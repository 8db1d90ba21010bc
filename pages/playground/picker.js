// The element <model-picker>: a field for the name of a model, with a list of those that the gateway offers. Names that are not
// listed can be typed: a route's pattern may take them. It follows the combobox pattern of
// https://www.w3.org/WAI/ARIA/apg/patterns/combobox/
import { element } from "./dom.js";

const most = 200; // options that are shown at a time

let number = 0;

class ModelPicker extends HTMLElement {
	#models = [];
	#value = "";
	#active = -1;
	#shown = [];

	connectedCallback() {
		if (this.input) return;
		const id = "picker-" + ++number;
		this.input = element("input", {
			type: "text", role: "combobox", "aria-label": this.getAttribute("label"), "aria-expanded": "false", "aria-autocomplete": "list",
			"aria-controls": id, autocomplete: "off", spellcheck: "false", placeholder: "Choose a model",
			onfocus: () => this.input.select(), onclick: () => this.#open(""), oninput: () => this.#open(this.input.value),
			onkeydown: (e) => this.#key(e), onblur: () => this.#close(true),
		});
		this.list = element("div", { id, role: "listbox", "aria-label": "Models", hidden: true, onmousedown: (e) => e.preventDefault() });
		this.append(this.input, this.list);
		this.input.value = this.#value;
	}

	get value() { return this.#value; }

	set value(v) {
		this.#value = v;
		if (this.input) this.input.value = v;
	}

	set models(list) {
		this.#models = list;
		if (!this.list?.hidden) this.#open(this.input.value);
	}

	#open(typed) {
		const words = typed.toLowerCase().split(/\s+/).filter((w) => w);
		this.#shown = this.#models.filter((m) => words.every((w) => m.id.toLowerCase().includes(w))).slice(0, most);
		this.#active = this.#shown.findIndex((m) => m.id === (typed.trim() || this.#value));
		if (this.#active < 0 && typed.trim() !== "") this.#active = 0;
		const groups = new Map();
		for (const [i, m] of this.#shown.entries()) {
			if (!groups.has(m.owned_by)) groups.set(m.owned_by, []);
			groups.get(m.owned_by).push(element("div", { role: "option", id: this.list.id + "-" + i, "aria-selected": m.id === this.#value ? "true" : "false", onclick: () => this.#take(m.id) }, m.id));
		}
		this.list.replaceChildren(...[...groups].map(([owner, options]) =>
			element("div", { role: "group", "aria-label": owner }, element("div", { class: "owner", "aria-hidden": "true" }, owner), options)));
		this.list.hidden = this.#shown.length === 0;
		this.input.setAttribute("aria-expanded", String(!this.list.hidden));
		this.#mark();
	}

	#mark() {
		for (const option of this.list.querySelectorAll("[role=option]")) option.classList.toggle("active", option.id === this.list.id + "-" + this.#active);
		const active = this.list.querySelector(".active");
		if (active) {
			this.input.setAttribute("aria-activedescendant", active.id);
			active.scrollIntoView({ block: "nearest" });
		} else this.input.removeAttribute("aria-activedescendant");
	}

	#key(e) {
		if (e.isComposing) return;
		const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
		if (e.key in moves) {
			e.preventDefault();
			if (this.list.hidden) return this.#open("");
			const n = this.#shown.length;
			this.#active = Math.abs(moves[e.key]) === 1 ? (this.#active + moves[e.key] + n) % n : Math.max(0, Math.min(n - 1, this.#active + moves[e.key]));
			if (this.#active < 0) this.#active = n - 1;
			this.#mark();
		} else if (e.key === "Enter") {
			e.preventDefault();
			if (!this.list.hidden && this.#active >= 0) this.#take(this.#shown[this.#active].id);
			else this.#close(true);
		} else if (e.key === "Escape" && !this.list.hidden) {
			e.preventDefault();
			e.stopPropagation();
			this.input.value = this.#value;
			this.#close(false);
		}
	}

	#take(id) {
		this.input.value = id;
		this.#close(true);
	}

	#close(keep) {
		this.list.hidden = true;
		this.input.setAttribute("aria-expanded", "false");
		this.input.removeAttribute("aria-activedescendant");
		const typed = this.input.value.trim();
		if (!keep || typed === this.#value) return;
		if (typed === "") {
			this.input.value = this.#value;
			return;
		}
		this.#value = typed;
		this.dispatchEvent(new Event("change", { bubbles: true }));
	}
}

customElements.define("model-picker", ModelPicker);
