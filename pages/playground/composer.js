// The field for the next message, and its attachments: chosen, dropped or pasted.
import { announce, button, element, icon, size } from "./dom.js";

const most = 16e6; // bytes of attachments: base64 of it fits into the gateway's usual bound of a body, 25 MB

const images = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const textual = /^(text\/|application\/(json|xml|yaml|x-yaml|toml|javascript|sql|x-sh))/;
const textNames = /\.(txt|md|csv|tsv|json|jsonl|ya?ml|toml|xml|html?|css|[jt]sx?|mjs|py|go|rs|java|kt|c|h|cc|cpp|hpp|cs|rb|php|sh|sql|log|ini|conf|diff|patch|tex|swift)$|(^|\/)(Caddyfile|Dockerfile|Makefile)[^/]*$/i;

const $ = (id) => document.getElementById(id);

// composer returns the composer: {fill, focus, text, attachments}. submit is called with a message, and returns whether it took
// it; escape is called at Escape.
export function composer({ submit, escape }) {
	const field = $("message");
	let attachments = [];
	let reading = Promise.resolve(); // files are read one after the other, so that none takes another's place

	const grow = () => {
		// The height is a property of the element, which a content security policy allows, and no style attribute in HTML.
		field.style.height = "auto";
		field.style.height = Math.min(field.scrollHeight + 2, innerHeight * 0.4) + "px";
	};

	const list = () => {
		$("attachments").hidden = attachments.length === 0;
		$("attachments").replaceChildren(...attachments.map((a) => element("li", null, preview(a),
			button("Remove " + a.name, () => {
				attachments = attachments.filter((b) => b !== a);
				list();
				field.focus();
			}, { icon: "close", hidden: true, class: "quiet icon-only" }))));
	};

	const attach = (files) => { reading = reading.then(() => take(files)); };

	async function take(files) {
		const before = attachments.length;
		for (const file of files) {
			const held = attachments.reduce((n, a) => n + a.size, 0);
			if (held + file.size > most) {
				warn(file.name + " is too large: attachments may have " + size(most) + " together.");
				continue;
			}
			try {
				const a = await read(file);
				attachments = [...attachments, a];
			} catch (err) {
				warn(file.name + " could not be read: " + err.message);
			}
		}
		list();
		const added = attachments.length - before;
		if (added > 0) announce(added === 1 ? "Attached " + attachments.at(-1).name : "Attached " + added + " files");
		field.focus();
	}

	async function send() {
		await reading;
		const text = field.value.trim();
		if (text === "" && attachments.length === 0) return field.focus();
		if (!submit(text, attachments)) return;
		fill("", []);
	}

	function fill(text, list_) {
		field.value = text;
		attachments = [...list_];
		list();
		grow();
	}

	$("composer").addEventListener("submit", (e) => {
		e.preventDefault();
		send();
	});
	field.addEventListener("input", grow);
	field.addEventListener("keydown", (e) => {
		if (e.isComposing) return;
		// On a touch screen the key for a new line is the only one there is.
		const touch = matchMedia("(pointer: coarse)").matches;
		if (e.key === "Enter" && !e.shiftKey && (!touch || e.ctrlKey || e.metaKey)) {
			e.preventDefault();
			send();
		}
	});
	document.addEventListener("keydown", (e) => {
		if (e.key === "Escape" && !e.defaultPrevented && !document.querySelector("dialog:modal")) escape();
	});
	field.addEventListener("paste", (e) => {
		if (e.clipboardData.files.length === 0) return;
		e.preventDefault();
		attach([...e.clipboardData.files]);
	});
	$("attach").append(icon("attach"));
	$("attach").addEventListener("click", () => $("file").click());
	$("file").addEventListener("change", () => {
		attach([...$("file").files]);
		$("file").value = "";
	});

	// A file that misses the page's own place for it would be opened by the browser, and the conversation gone.
	let over = 0;
	const holds = (e) => e.dataTransfer?.types.includes("Files");
	addEventListener("dragenter", (e) => {
		if (!holds(e)) return;
		e.preventDefault();
		over++;
		$("drop").hidden = false;
	});
	addEventListener("dragover", (e) => { if (holds(e)) e.preventDefault(); });
	addEventListener("dragleave", (e) => { if (holds(e) && --over <= 0) $("drop").hidden = true; });
	addEventListener("drop", (e) => {
		if (!holds(e)) return;
		e.preventDefault();
		over = 0;
		$("drop").hidden = true;
		attach([...e.dataTransfer.files]);
	});

	return { fill, focus: () => field.focus(), get text() { return field.value.trim(); }, get attachments() { return attachments; } };
}

function warn(text) {
	const notice = $("notice");
	notice.replaceChildren(element("p", { class: "error" }, text));
}

// preview is an attachment in a list.
export function preview(a) {
	return element("span", { class: "attachment" },
		a.kind === "image" ? element("img", { src: a.data, alt: "" }) : icon("file"),
		element("span", null, element("span", { class: "name" }, a.name), element("span", { class: "faint" }, size(a.size))));
}

// read reads a file as the request will have it: an image, a text that any model reads, or a document as it is.
async function read(file) {
	const a = { name: file.name || "pasted", type: file.type, size: file.size };
	if (images.includes(file.type)) return { ...a, kind: "image", data: await dataURL(file) };
	if (textual.test(file.type) || textNames.test(file.name)) {
		try {
			return { ...a, kind: "text", data: new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()) };
		} catch {
			// Of another charset: the gateway finds out which.
		}
	}
	return { ...a, kind: "file", data: await dataURL(file) };
}

function dataURL(file) {
	return new Promise((resolve, reject) => {
		const reader = new FileReader();
		reader.onload = () => resolve(reader.result);
		reader.onerror = () => reject(reader.error);
		reader.readAsDataURL(file);
	});
}
