// Builds elements. Text always becomes text nodes: what a model or a user wrote cannot turn into markup.

export function element(name, attributes, ...children) {
	const e = document.createElement(name);
	for (const [key, value] of Object.entries(attributes || {})) {
		if (value === undefined || value === null || value === false) continue;
		if (key === "class") e.className = value;
		else if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
		else e.setAttribute(key, value === true ? "" : String(value));
	}
	e.append(...children.flat().filter((c) => c !== null && c !== undefined && c !== false));
	return e;
}

// Lines of 24 × 24 icons, drawn with the colour of the text.
const icons = {
	attach: "M20 11.5 12.4 19a5 5 0 0 1-7-7l8.2-8.2a3.3 3.3 0 0 1 4.7 4.7l-8.2 8.2a1.7 1.7 0 0 1-2.4-2.4l7.3-7.2",
	close: "M6 6l12 12M18 6 6 18",
	code: "m8.5 7-5 5 5 5M15.5 7l5 5-5 5",
	copy: "M9 9h11v11H9zM15 9V4H4v11h5",
	edit: "M4 20h4L19.5 8.5l-4-4L4 16zM13 7l4 4",
	file: "M6 3h8l4 4v14H6zM14 3v4h4",
	retry: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3v4.5H15",
	send: "M12 19V5M6 11l6-6 6 6",
	stop: "M7 7h10v10H7z",
	trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
};

const svg = "http://www.w3.org/2000/svg";

export function icon(name) {
	const e = document.createElementNS(svg, "svg");
	e.setAttribute("viewBox", "0 0 24 24");
	e.setAttribute("class", "icon");
	e.setAttribute("aria-hidden", "true");
	const path = document.createElementNS(svg, "path");
	path.setAttribute("d", icons[name]);
	e.append(path);
	return e;
}

// button returns a button with an icon, a text, or both; a button of an icon alone is named by its label.
export function button(label, onclick, { icon: name, hidden, ...attributes } = {}) {
	return element("button", { type: "button", onclick, ...(hidden ? { "aria-label": label, title: label } : {}), ...attributes },
		name && icon(name), hidden ? null : element("span", null, label));
}

const status = () => document.getElementById("announcement");

// announce tells screen readers what happened elsewhere on the page.
export function announce(text) {
	status().textContent = "";
	requestAnimationFrame(() => { status().textContent = text; });
}

// copy puts a text on the clipboard, and says so on the button for a moment. Without TLS browsers have no clipboard API but on
// localhost; there the text is selected in a field of its own and copied from that.
export async function copy(text, from) {
	let done = true;
	try {
		await navigator.clipboard.writeText(text);
	} catch {
		const field = element("textarea", { class: "off-screen", "aria-hidden": "true", tabindex: "-1" });
		field.value = text;
		(from.closest("dialog") || document.body).append(field);
		field.select();
		done = document.execCommand("copy");
		field.remove();
		from.focus();
	}
	const says = done ? "Copied" : "Not copied";
	announce(says);
	const label = from.querySelector("span");
	if (!label || label.dataset.before) return;
	label.dataset.before = label.textContent;
	label.textContent = says;
	setTimeout(() => {
		label.textContent = label.dataset.before;
		delete label.dataset.before;
	}, 1500);
}

export const size = (bytes) => bytes < 1000 ? bytes + " B" : bytes < 1e6 ? Math.round(bytes / 1000) + " kB" : (bytes / 1e6).toFixed(1) + " MB";

export const seconds = (ms) => ms < 1000 ? Math.round(ms) + " ms" : (ms / 1000).toFixed(1) + " s";

const grouped = new Intl.NumberFormat("en");

export const count = (n) => grouped.format(n);
