// The panels at the sides, which stand beside the conversation where there is room and over it where there is none, and the
// dialogs.
import { element, icon } from "./dom.js";

const $ = (id) => document.getElementById(id);

const places = [
	{ panel: "history", opener: "open-history", room: matchMedia("(min-width: 76rem)") },
	{ panel: "settings", opener: "open-settings", room: matchMedia("(min-width: 62rem)") },
];

export function panels() {
	for (const { panel, opener, room } of places) {
		const p = $(panel);
		const place = () => {
			p.close();
			if (room.matches) beside(p);
			told();
		};
		const told = () => $(opener).setAttribute("aria-expanded", String(p.open));
		$(opener).addEventListener("click", () => {
			if (p.open) p.close();
			else if (room.matches) beside(p);
			else p.showModal();
			told();
		});
		p.addEventListener("close", told);
		room.addEventListener("change", place);
		place();
	}
	for (const d of document.querySelectorAll("dialog")) {
		for (const c of d.querySelectorAll(".close")) {
			if (c.textContent === "") c.append(icon("close"));
			c.addEventListener("click", () => {
				d.close();
				$(places.find((p) => p.panel === d.id)?.opener)?.focus();
			});
		}
		// A press beside a dialog closes it.
		d.addEventListener("click", (e) => { if (e.target === d && d.matches(":modal")) d.close(); });
	}
}

// beside opens a panel without moving the focus into it.
function beside(p) {
	const before = document.activeElement;
	p.show();
	if (before instanceof HTMLElement && before !== document.body) before.focus();
	else if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
}

// closeOver closes a panel if it lies over the conversation.
export function closeOver(id) {
	if ($(id).matches(":modal")) $(id).close();
}

// tabs shows a row of tabs by https://www.w3.org/WAI/ARIA/apg/patterns/tabs/, and calls show with the chosen one.
export function tabs(list, panel, names, show) {
	const choose = (name, focus) => {
		for (const t of list.children) {
			const mine = t.textContent === name;
			t.setAttribute("aria-selected", String(mine));
			t.tabIndex = mine ? 0 : -1;
			if (mine) {
				panel.setAttribute("aria-labelledby", t.id);
				if (focus) t.focus();
			}
		}
		show(name);
	};
	list.replaceChildren(...names.map((name, i) => element("button", {
		type: "button", role: "tab", id: list.id + "-" + i, "aria-controls": panel.id, onclick: () => choose(name, true),
		onkeydown: (e) => {
			const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
			if (step) choose(names[(i + step + names.length) % names.length], true);
		},
	}, name)));
	choose(names[0], false);
}
