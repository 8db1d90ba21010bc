// The playground: asks models through the gateway's own API, as any client would. What models answer reaches the page as text
// nodes alone, conversations stay in this browser, and the key in this tab.
import { base, key, models } from "./api.js";
import { composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { button, copy, element, icon } from "./dom.js";
import { closeOver, panels, tabs } from "./panels.js";
import "./picker.js";
import { codeBlock } from "./render.js";
import { body, noSettings, problems } from "./request.js";
import { settings as settingsForm } from "./settings.js";
import { languages, shortened, snippet } from "./snippets.js";
import * as store from "./store.js";

const $ = (id) => document.getElementById(id);

const starters = ["Explain what a tail latency is, in three sentences.", "Write a haiku about a patient proxy.", "Compare TCP and QUIC in a table."];

let known = []; // the models that the gateway lists
let history = [];
let current; // the Conversation that is shown
let editing = null; // the number of the turn that is edited

const form = settingsForm(() => {
	current.record.settings = form.value();
});

const hooks = {
	saved: async (record) => {
		const kept = await store.save(record);
		history = [record, ...history.filter((c) => c.id !== record.id)];
		listHistory();
		if (!kept) notice("This browser does not keep the history: it is gone when the page is closed.");
	},
	asked: () => drawSend(),
	code: (request) => showCode(request),
	key: () => openKey(),
	edit: (turn) => edit(turn),
	markdown: () => $("markdown").checked,
	settings: () => (Object.keys(problems(form.value())).length === 0 ? form.value() : null),
};

const message = composer({
	submit: (text, attachments) => {
		if (current.busy || !form.valid()) return false;
		if (current.record.models.some((m) => !m)) {
			document.querySelectorAll("model-picker input")[current.record.models.indexOf("")]?.focus();
			notice("Choose a model first.");
			return false;
		}
		notice("");
		current.send(text, attachments, form.value(), editing ?? undefined);
		leaveEdit();
		return true;
	},
	escape: () => {
		if (current.busy) current.stop();
		else if (editing !== null) {
			message.fill("", []);
			leaveEdit();
		}
	},
});

function notice(text, ...more) {
	$("notice").replaceChildren(...(text ? [element("div", { class: "note" }, element("p", null, text), more)] : []));
}

// The send button stops while an answer comes.
function drawSend() {
	const { busy } = current;
	$("send").replaceChildren(icon(busy ? "stop" : "send"), element("span", null, busy ? "Stop" : "Send"));
	$("send").type = busy ? "button" : "submit";
	$("send").classList.toggle("stop", busy);
	// Once it has stopped the button sends again, within the same press.
	$("send").onclick = busy ? (e) => {
		e.preventDefault();
		current.stop();
	} : null;
	$("main").setAttribute("aria-busy", String(busy));
	drawLanes();
}

function drawLanes() {
	const { record } = current;
	const lanes = $("lanes");
	if (lanes.childElementCount !== record.models.length + 1) {
		lanes.replaceChildren(...record.models.map((_, lane) => {
			const picker = document.createElement("model-picker");
			picker.setAttribute("label", record.models.length > 1 ? "Model " + (lane + 1) : "Model");
			picker.addEventListener("change", () => {
				current.record.models[lane] = picker.value;
				localStorage.setItem("bedrock-gateway-model", picker.value);
			});
			return element("div", { class: "lane" }, picker,
				lane > 0 && button("Remove the second model", () => {
					current.record.models.length = 1;
					drawLanes();
				}, { icon: "close", hidden: true, class: "quiet icon-only" }));
		}), element("div", { class: "lane-end" }, button("Compare", () => {
			current.record.models.push("");
			drawLanes();
			lanes.querySelectorAll("model-picker")[1].input.focus();
		}, { class: "quiet", id: "compare" })));
	}
	for (const [lane, picker] of [...lanes.querySelectorAll("model-picker")].entries()) {
		picker.models = known;
		picker.value = record.models[lane];
	}
	$("compare").hidden = record.models.length > 1;
}

function newRecord() {
	const before = current?.record;
	return {
		id: crypto.getRandomValues(new Uint32Array(4)).join("-"), title: "", updated: Date.now(), turns: [],
		models: before ? [...before.models] : [localStorage.getItem("bedrock-gateway-model") || ""],
		settings: before ? { ...before.settings } : noSettings(),
	};
}

function show(record) {
	current?.stop();
	for (const turn of record.turns) {
		for (const a of turn.answers) if (a?.state === "running") a.state = "stopped"; // the page was closed meanwhile
	}
	current = new Conversation(record, hooks);
	leaveEdit();
	form.fill({ ...noSettings(), ...record.settings });
	$("lanes").replaceChildren();
	drawSend();
	current.draw();
	$("scroller").scrollTop = $("scroller").scrollHeight;
	listHistory();
}

function edit(turn) {
	if (current.busy) return;
	const { text, attachments } = current.record.turns[turn];
	editing = turn;
	message.fill(text, attachments);
	$("editing").hidden = false;
	message.focus();
}

function leaveEdit() {
	editing = null;
	$("editing").hidden = true;
}

function listHistory() {
	$("conversations").replaceChildren(...history.map((c) => element("li", { class: c.id === current?.record.id ? "current" : "" },
		element("button", {
			type: "button", class: "conversation", "aria-current": c.id === current?.record.id ? "true" : null, onclick: () => {
				if (c.id !== current.record.id) show(c);
				closeOver("history");
			},
		}, element("span", { class: "name" }, c.title || "Untitled"), element("span", { class: "faint" }, when(c.updated))),
		button("Delete " + (c.title || "conversation"), async () => {
			if (c.id === current.record.id) current.forget();
			await store.remove(c.id);
			history = history.filter((h) => h.id !== c.id);
			if (c.id === current.record.id) show(newRecord());
			listHistory();
			$("new-chat").focus();
		}, { icon: "trash", hidden: true, class: "quiet icon-only" }))));
	$("no-history").hidden = history.length > 0;
	$("clear-history").hidden = history.length === 0;
}

function when(time) {
	const then = new Date(time);
	const today = new Date().toDateString() === then.toDateString();
	return today ? then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : then.toLocaleDateString([], { day: "numeric", month: "short" });
}

function openKey() {
	$("key").value = key.get();
	$("forget-key").hidden = key.get() === "";
	$("key-dialog").showModal();
	$("key").select();
}

function drawKey() {
	$("open-key").classList.toggle("set", key.get() !== "");
	$("open-key").textContent = key.get() ? "Key is set" : "Key";
}

async function useKey(value) {
	key.set(value);
	$("key-dialog").close();
	drawKey();
	await listModels();
}

function showCode(request) {
	const { short, cut } = shortened(request);
	tabs($("code-tabs"), $("code-panel"), languages, (language) => {
		const shown = codeBlock(snippet(language, base.href, short), language);
		// What is copied is whole.
		shown.querySelector("button").replaceWith(button("Copy", (e) => copy(snippet(language, base.href, request), e.currentTarget), { icon: "copy", class: "quiet small" }));
		$("code-panel").replaceChildren(shown);
	});
	$("code-note").textContent = "The key is read from the environment variable GATEWAY_API_KEY." + (cut ? " The data of attachments is shortened here; Copy has all of it." : "");
	$("code-dialog").showModal();
}

async function listModels() {
	try {
		const listed = await models();
		known = listed.models.sort((a, b) => a.owned_by.localeCompare(b.owned_by) || a.id.localeCompare(b.id));
		notice(listed.errors.length > 0 ? "Not all models could be listed. " + listed.errors.map((e) => e.upstream + ": " + e.message).join(" ") : "");
	} catch (err) {
		known = [];
		if (err.status === 401) notice("This gateway wants a key.", button("Enter a key", openKey, { class: "primary small" }));
		else notice("The models could not be listed: " + (err.message || err));
	}
	if (current.record.models[0] === "" && known.length > 0) current.record.models[0] = known[0].id;
	drawLanes();
}

$("show-code").append(icon("code"));
$("show-code").addEventListener("click", () => {
	if (!form.valid()) return;
	const turns = [...current.record.turns.slice(0, editing ?? undefined), { text: message.text || "Hello!", attachments: message.attachments, answers: [] }];
	showCode(body({ turns }, turns.length - 1, 0, 0, current.record.models[0], form.value()));
});
$("cancel-edit").addEventListener("click", () => {
	message.fill("", []);
	leaveEdit();
	message.focus();
});
$("new-chat").addEventListener("click", () => {
	show(newRecord());
	closeOver("history");
	message.focus();
});
$("clear-history").addEventListener("click", () => $("confirm-dialog").showModal());
$("confirm-clear").addEventListener("click", async () => {
	$("confirm-dialog").close();
	current.forget();
	await store.clear();
	history = [];
	show(newRecord());
});
$("open-key").addEventListener("click", openKey);
$("key-form").addEventListener("submit", (e) => {
	e.preventDefault();
	useKey($("key").value.trim());
});
$("forget-key").addEventListener("click", () => useKey(""));
$("markdown").addEventListener("change", () => current.draw());
$("starters").append(...starters.map((s) => element("li", null, element("button", {
	type: "button", class: "starter", onclick: () => {
		message.fill(s, []);
		message.focus();
	},
}, s))));

history = await store.all();
panels();
show(newRecord());
drawKey();
await listModels();
if (!matchMedia("(pointer: coarse)").matches) message.focus();
