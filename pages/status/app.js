// Every string of the report reaches the page as a text node: names of models and users are clients' words.
"use strict";

const every = 5000; // milliseconds between two looks

const count = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

function element(name, className, ...children) {
	const e = document.createElement(name);
	if (className) e.className = className;
	e.append(...children.map((c) => (c instanceof Node ? c : document.createTextNode(String(c)))));
	return e;
}

function dollars(n) {
	if (n === null || n === undefined) return "–";
	if (n === 0) return "$0";
	const digits = n < 0.01 ? 6 : n < 100 ? 4 : 2;
	return "$" + n.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function seconds(n) {
	if (n === null || n === undefined) return "–";
	return n < 1 ? Math.round(n * 1000) + " ms" : n.toFixed(1) + " s";
}

function ago(time, now) {
	const s = Math.round((now - new Date(time)) / 1000);
	const future = s < 0;
	const n = Math.abs(s);
	const text = n < 90 ? n + " s" : n < 5400 ? Math.round(n / 60) + " min" : n < 129600 ? Math.round(n / 3600) + " h" : Math.round(n / 86400) + " d";
	return future ? "in " + text : text + " ago";
}

function tokens(n) {
	const e = element("span", "", n < 10000 ? count.format(n) : short.format(n));
	e.title = count.format(n);
	return e;
}

// table builds a table. A column has a title, what a row shows, and whether that is a number.
function table(columns, rows, none) {
	if (rows.length === 0) return element("p", "none", none);
	const head = element("tr", "", ...columns.map((c) => {
		const th = element("th", c.number ? "number" : "", c.title);
		th.scope = "col";
		return th;
	}));
	const body = rows.map((row) => element("tr", row.rest ? "rest" : "", ...columns.map((c, i) => {
		const cell = element(i === 0 ? "th" : "td", (c.number ? "number" : "") + (c.wide ? " wide" : ""), c.show(row));
		if (i === 0) cell.scope = "row";
		cell.dataset.title = c.title;
		return cell;
	})));
	return element("table", "", element("thead", "", head), element("tbody", "", ...body));
}

function health(u) {
	if (!u.healthy) return element("span", "badge bad", "down");
	if (u.failing_models.length > 0) {
		const e = element("span", "badge warn", u.failing_models.length === 1 ? "1 model fails" : u.failing_models.length + " models fail");
		e.title = u.failing_models.join("\n");
		return e;
	}
	return element("span", "badge good", "healthy");
}

function lastError(u, now) {
	const e = u.last_error;
	if (!e) return "–";
	const parts = [e.cause];
	if (e.upstream_status) parts.push(e.upstream_status);
	if (e.upstream_error) parts.push(e.upstream_error);
	const text = element("span", "", parts.join(" · ") + ", " + ago(e.time, now));
	text.title = e.model + "\n" + e.time;
	return text;
}

function expiry(u, now) {
	if (!u.credentials_expire) return "–";
	const left = new Date(u.credentials_expire) - now;
	const e = element("span", left < 10 * 60 * 1000 ? "badge warn" : "", left < 0 ? "expired" : ago(u.credentials_expire, now));
	e.title = u.credentials_expire;
	return e;
}

function name(use, none) {
	if (use.rest) return element("em", "", "all others");
	return use.name === "" ? element("em", "", none) : use.name;
}

const used = [
	{ title: "Calls", number: true, show: (u) => tokens(u.calls) },
	{ title: "Failed", number: true, show: (u) => (u.failed ? element("span", "failed", tokens(u.failed)) : "0") },
	{ title: "Input", number: true, show: (u) => tokens(u.input_tokens) },
	{ title: "Cached", number: true, show: (u) => tokens(u.cache_read_tokens) },
	{ title: "Output", number: true, show: (u) => tokens(u.output_tokens) },
	{
		title: "Cost", number: true, show: (u) => {
			const e = element("span", "", dollars(u.cost));
			if (u.calls_without_price > 0) {
				e.append(element("span", "unpriced", " *"));
				e.title = count.format(u.calls_without_price) + " calls without a price";
			}
			return e;
		},
	},
];

function fill(id, content) {
	const at = document.getElementById(id);
	at.replaceChildren(content);
}

function show(r) {
	const now = new Date(r.time);
	const minute = r.upstreams.reduce((n, u) => n + u.calls_per_minute, 0);
	const cost = r.users.reduce((n, u) => n + (u.cost || 0), 0);
	const summary = [
		["Under way", count.format(r.in_flight.requests) + (r.in_flight.streams ? " (" + count.format(r.in_flight.streams) + " streams)" : "")],
		["Calls in the last minute", count.format(minute)],
		["Cost", r.users.some((u) => u.cost !== null) ? dollars(cost) : "–"],
		["Counted since", ago(r.since, now)],
		["Version", r.version],
	];
	document.getElementById("summary").replaceChildren(...summary.map(([title, text]) => element("div", "", element("dt", "", title), element("dd", "", text))));
	fill("upstreams", table([
		{ title: "Upstream", show: (u) => u.name },
		{ title: "Kind", show: (u) => u.kind },
		{ title: "Health", show: health },
		{ title: "Calls/min", number: true, show: (u) => count.format(u.calls_per_minute) },
		{ title: "First token p50", number: true, show: (u) => seconds(u.time_to_first_token_p50) },
		{ title: "p95", number: true, show: (u) => seconds(u.time_to_first_token_p95) },
		{ title: "Credentials expire", show: (u) => expiry(u, now) },
		{ title: "Last error", wide: true, show: (u) => lastError(u, now) },
	], r.upstreams, "No upstream is configured."));
	fill("models", table([
		{ title: "Model", wide: true, show: (u) => name(u, "none") },
		{ title: "Upstream", show: (u) => u.upstream || "–" },
		...used,
	], r.models, "No call yet."));
	fill("users", table([{ title: "User", wide: true, show: (u) => name(u, "anonymous") }, ...used], r.users, "No call yet."));
	document.getElementById("unpriced").hidden = !r.users.some((u) => u.calls_without_price > 0);
}

async function look() {
	const state = document.getElementById("state");
	try {
		// Not by a relative address: that of a bookmark with a password in it cannot be fetched.
		const res = await fetch(location.origin + location.pathname, { headers: { Accept: "application/json" }, cache: "no-store" });
		if (!res.ok) throw new Error("status " + res.status);
		const report = await res.json();
		show(report);
		state.className = "";
		state.textContent = "As of " + new Date(report.time).toLocaleTimeString();
	} catch (err) {
		state.className = "stale";
		state.textContent = "Not up to date: " + err.message;
	}
	setTimeout(look, every);
}

look();
