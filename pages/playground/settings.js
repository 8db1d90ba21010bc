// The form of the settings that go with requests.
import { element } from "./dom.js";
import { exampleSchema, exampleTools, noSettings, problems } from "./request.js";

const $ = (id) => document.getElementById(id);

// settings returns the form: {value, fill, valid}. changed is called after each change.
export function settings(changed) {
	const form = $("settings-form");
	const names = Object.keys(noSettings());
	const field = (name) => form.elements.namedItem(name);
	const value = () => Object.fromEntries(names.map((n) => [n, field(n).value.replace(/^\s+$/, "")]));

	// look shows what goes with the chosen values, and what is wrong with them.
	const look = () => {
		const now = value();
		$("schema-field").hidden = now.format !== "schema";
		$("toolChoice-field").hidden = now.tools.trim() === "";
		const wrong = problems(now);
		for (const name of names) {
			const f = field(name);
			const id = name + "-problem";
			$(id)?.remove();
			f.toggleAttribute("aria-invalid", false);
			f.removeAttribute("aria-describedby");
			if (!wrong[name]) continue;
			f.setAttribute("aria-invalid", "true");
			f.setAttribute("aria-describedby", id);
			f.after(element("p", { id, class: "problem" }, wrong[name]));
		}
		return wrong;
	};

	const fill = (v) => {
		for (const name of names) field(name).value = v[name] ?? "";
		look();
	};
	form.addEventListener("submit", (e) => e.preventDefault());
	form.addEventListener("input", () => {
		look();
		changed();
	});
	for (const b of form.querySelectorAll("[data-example]")) {
		b.addEventListener("click", () => {
			field(b.dataset.example).value = b.dataset.example === "tools" ? exampleTools : exampleSchema;
			look();
			changed();
		});
	}
	$("reset").addEventListener("click", () => {
		fill(noSettings());
		changed();
	});
	return {
		value, fill,
		// valid reports whether the settings can be sent; if not, it leads to the first that cannot.
		valid() {
			const [first] = Object.keys(look());
			if (!first) return true;
			if (!$("settings").open) $("open-settings").click();
			field(first).focus();
			return false;
		},
	};
}
