// Reads the Markdown that models write: CommonMark's usual blocks and spans, tables and ~~strikes~~. HTML is text. It knows no
// document: blocks and spans are plain objects, which render.js turns into elements.
//
// The text comes from a model, so every input is valid, and time is linear in its length: no look ahead is longer than a
// constant, and depths are bounded. What is not understood stands there as it was written.

const maxDepth = 8; // of quotes and lists within each other
const maxOpen = 16; // openers of spans that wait for their closers
const maxTarget = 2000; // characters of a link's address

const fence = /^ {0,3}(`{3,}|~{3,})(.*)$/;
const heading = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const rule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const quote = /^ {0,3}> ?(.*)$/;
const item = /^( {0,3})([-*+]|\d{1,9}[.)])(?: ( {0,3})(.*)|)$/;

// parse returns the blocks of a text. Each has the lines that it was read from, by which a renderer knows which have changed.
export function parse(text) {
	return blocks(text.replace(/\r\n?/g, "\n").split("\n"), 0);
}

function blocks(lines, depth) {
	const out = [];
	let at = 0;
	while (at < lines.length) {
		if (lines[at].trim() === "") {
			at++;
			continue;
		}
		const from = at;
		const read = (depth < maxDepth && (quoted(lines, at, depth) || list(lines, at, depth))) ||
			fenced(lines, at) || ruled(lines, at) || table(lines, at) || paragraph(lines, at);
		at = read.end;
		read.block.source = lines.slice(from, at).join("\n");
		out.push(read.block);
	}
	return out;
}

// begins reports whether a line begins a block, and so ends the paragraph before it.
function begins(line) {
	return fence.test(line) || heading.test(line) || rule.test(line) || quote.test(line) || item.test(line) && !/^ {0,3}\d/.test(line) || /^ {0,3}1[.)] /.test(line);
}

function fenced(lines, at) {
	const open = fence.exec(lines[at]);
	if (!open || open[1][0] === "`" && open[2].includes("`")) return null;
	const close = new RegExp("^ {0,3}" + open[1][0] + "{" + open[1].length + ",}[ \\t]*$");
	let end = at + 1;
	while (end < lines.length && !close.test(lines[end])) end++;
	const block = { type: "code", language: open[2].trim(), text: lines.slice(at + 1, end).join("\n") };
	return { block, end: Math.min(end + 1, lines.length) };
}

function ruled(lines, at) {
	const h = heading.exec(lines[at]);
	if (h) {
		let text = h[2].trimEnd();
		const bare = text.replace(/#{1,40}$/, "");
		if (bare === "" || bare.endsWith(" ")) text = bare.trimEnd();
		return { block: { type: "heading", level: h[1].length, spans: spans(text) }, end: at + 1 };
	}
	return rule.test(lines[at]) ? { block: { type: "rule" }, end: at + 1 } : null;
}

function quoted(lines, at, depth) {
	const inner = [];
	let end = at;
	for (let m; end < lines.length && (m = quote.exec(lines[end])); end++) inner.push(m[1]);
	return inner.length > 0 ? { block: { type: "quote", blocks: blocks(inner, depth + 1) }, end } : null;
}

function list(lines, at, depth) {
	if (rule.test(lines[at])) return null;
	const first = item.exec(lines[at]);
	if (!first) return null;
	const kind = first[2].at(-1); // a list goes on with the same bullet, or the same sign after its number
	const block = { type: "list", ordered: !"-*+".includes(first[2]), start: parseInt(first[2], 10) || 0, items: [] };
	let end = at;
	while (end < lines.length) {
		const m = item.exec(lines[end]);
		if (!m || m[2].at(-1) !== kind || rule.test(lines[end])) break;
		const indent = m[1].length + m[2].length + 1 + (m[3] || "").length;
		const inner = [m[4] || ""];
		for (end++; end < lines.length; end++) {
			const line = lines[end];
			const blank = line.trim() === "";
			if (blank) {
				// A blank line belongs to the item if what follows it does.
				if (end + 1 >= lines.length || lines[end + 1].trim() === "" || indentOf(lines[end + 1]) < Math.min(indent, 2)) break;
				inner.push("");
			} else if (indentOf(line) >= indent) {
				inner.push(dedented(line, indent));
			} else if (indentOf(line) >= 2) {
				inner.push(line.trimStart()); // models indent by two where the standard wants three
			} else if (begins(line) || item.test(line) || inner.at(-1) === "") {
				break;
			} else {
				inner.push(line);
			}
		}
		block.items.push(blocks(inner, depth + 1));
		let next = end;
		while (next < lines.length && lines[next].trim() === "" && next < end + 2) next++;
		if (next >= lines.length || !item.test(lines[next])) break;
		end = next;
	}
	return { block, end };
}

// dedented returns a line without so many columns of the space before it.
function dedented(line, columns) {
	let i = 0;
	for (let n = 0; n < columns && (line[i] === " " || line[i] === "\t"); i++) n += line[i] === "\t" ? 4 : 1;
	return line.slice(i);
}

function indentOf(line) {
	let n = 0;
	while (n < line.length && line[n] === " ") n++;
	return line[n] === "\t" ? n + 4 : n;
}

function table(lines, at) {
	if (at + 1 >= lines.length || !lines[at].includes("|") || !lines[at + 1].includes("-")) return null;
	const marks = cells(lines[at + 1]);
	const head = cells(lines[at]);
	if (marks.length !== head.length || !marks.every((c) => /^:?-+:?$/.test(c))) return null;
	const align = marks.map((c) => (c.endsWith(":") ? (c.startsWith(":") ? "center" : "right") : ""));
	const rows = [];
	let end = at + 2;
	for (; end < lines.length && lines[end].includes("|"); end++) {
		const row = cells(lines[end]);
		// A row longer than the head keeps its cells: nothing that was said is left out.
		rows.push(Array.from({ length: Math.max(row.length, head.length) }, (_, i) => spans(row[i] || "")));
	}
	return { block: { type: "table", align, head: head.map((c) => spans(c)), rows }, end };
}

function cells(line) {
	let inner = line.trim();
	if (inner.startsWith("|")) inner = inner.slice(1);
	const out = [];
	let from = 0;
	for (let i = 0; i < inner.length; i++) {
		if (inner[i] === "\\") i++;
		else if (inner[i] === "|") {
			out.push(inner.slice(from, i).trim());
			from = i + 1;
		}
	}
	if (from < inner.length) out.push(inner.slice(from).trim());
	return out;
}

function paragraph(lines, at) {
	let end = at + 1;
	while (end < lines.length && lines[end].trim() !== "" && !begins(lines[end]) && !table(lines, end)) end++;
	return { block: { type: "paragraph", spans: spans(lines.slice(at, end).map((l) => l.trim()).join("\n")) }, end };
}

// safe returns the address of a link that may be followed; null for any other, scripts and addresses on this site included.
export function safe(target) {
	if (!/^(https?:\/\/|mailto:)/i.test(target)) return null;
	try {
		return new URL(target).href;
	} catch {
		return null;
	}
}

const punctuation = /[!-/:-@[-`{-~]/;
const word = /[\p{L}\p{N}]/u;
const names = { "*1": "emphasis", "*2": "strong", _1: "emphasis", _2: "strong", "~2": "strike" };

// spans reads what stands within a block. A span is {type, text} or {type, spans}; plain text has the type "text".
export function spans(text) {
	const out = [];
	const open = []; // {char, size, at}: at is the index in out of the opener's own text
	const unclosed = new Set(); // lengths of runs of backticks that have no second one behind here
	let plain = "";
	const flush = () => {
		if (plain !== "") out.push({ type: "text", text: plain });
		plain = "";
	};
	const wrap = (index, type, more) => {
		const { at } = open[index];
		open.length = index;
		out.push({ type, spans: out.splice(at).slice(1), ...more });
	};
	let i = 0;
	while (i < text.length) {
		const c = text[i];
		if (c === "\\" && i + 1 < text.length && punctuation.test(text[i + 1])) {
			plain += text[i + 1];
			i += 2;
		} else if (c === "`") {
			const n = run(text, i);
			const end = unclosed.has(n) ? -1 : closing(text, i + n, n);
			if (end < 0) {
				unclosed.add(n);
				plain += text.slice(i, i + n);
				i += n;
				continue;
			}
			flush();
			let code = text.slice(i + n, end);
			if (code.length > 2 && code.startsWith(" ") && code.endsWith(" ") && code.trim() !== "") code = code.slice(1, -1);
			out.push({ type: "code", text: code });
			i = end + n;
		} else if (c === "*" || c === "_" || c === "~") {
			const n = run(text, i);
			flush();
			emphasize(text, i, n, out, open, wrap);
			i += n;
		} else if (c === "[" || c === "!" && text[i + 1] === "[") {
			const opener = c === "!" ? "![" : "[";
			if (open.length < maxOpen) {
				flush();
				open.push({ char: "[", size: 1, at: out.length });
				out.push({ type: "text", text: opener });
			} else plain += opener;
			i += opener.length;
		} else if (c === "]") {
			i = link(text, i, out, open, wrap, flush, (s) => { plain += s; });
		} else if ((c === "h" || c === "H") && (i === 0 || !word.test(text[i - 1])) && /^https?:\/\/[^\s]/i.test(text.slice(i, i + 9)) && !open.some((o) => o.char === "[")) {
			const shown = bare(text, i);
			const href = safe(shown);
			flush();
			out.push(href ? { type: "link", href, spans: [{ type: "text", text: shown }] } : { type: "text", text: shown });
			i += shown.length;
		} else {
			plain += c;
			i++;
		}
	}
	flush();
	return out;
}

function run(text, at) {
	let n = at;
	while (n < text.length && text[n] === text[at]) n++;
	return n - at;
}

// closing returns where a run of exactly n backticks begins; -1 for nowhere. The caller asks once for each n in vain, and a
// text of m characters has at most √(2m) lengths of runs.
function closing(text, from, n) {
	for (let i = text.indexOf("`", from); i >= 0; i = text.indexOf("`", i)) {
		const m = run(text, i);
		if (m === n) return i;
		i += m;
	}
	return -1;
}

function emphasize(text, at, n, out, open, wrap) {
	const c = text[at];
	const before = at === 0 ? " " : text[at - 1];
	const after = at + n >= text.length ? " " : text[at + n];
	const inWord = c === "_" && word.test(before) && word.test(after); // snake_case_names
	let opens = !/\s/.test(after) && !inWord;
	let closes = !/\s/.test(before) && !inWord;
	if (!/\s/.test(before) && !/\s/.test(after) && punctuation.test(after) && !punctuation.test(before)) opens = false;
	if (!/\s/.test(before) && !/\s/.test(after) && punctuation.test(before) && !punctuation.test(after)) closes = false;
	let left = n;
	while (left > 0 && closes) {
		const index = open.findLastIndex((o) => o.char === c);
		// A link's brackets hold their own emphasis.
		if (index < 0 || open[index].size > left || open.slice(index).some((o) => o.char === "[")) break;
		left -= open[index].size;
		wrap(index, names[c + open[index].size]);
	}
	while (left > 0) {
		const size = Math.min(left, 2);
		if (opens && names[c + size] && left <= 3 && open.length < maxOpen) open.push({ char: c, size, at: out.length });
		out.push({ type: "text", text: c.repeat(size) });
		left -= size;
	}
}

// link reads what follows a closing bracket, and returns where to go on.
function link(text, at, out, open, wrap, flush, say) {
	const index = open.findLastIndex((o) => o.char === "[");
	const target = index >= 0 && text[at + 1] === "(" ? address(text, at + 2) : null;
	if (!target) {
		if (index >= 0) open.splice(index, 1);
		say("]");
		return at + 1;
	}
	flush();
	const href = safe(target.href);
	if (href) {
		const image = out[open[index].at].text === "![";
		wrap(index, "link", { href, title: target.title, image });
	} else {
		// Where it would have led is said: the text is the model's, and hiding half of it helps nobody.
		open.splice(index, 1);
		out.push({ type: "text", text: text.slice(at, target.end) });
	}
	return target.end;
}

// address reads the target of a link up to its closing parenthesis.
function address(text, from) {
	let depth = 0;
	const limit = Math.min(text.length, from + maxTarget);
	for (let i = from; i < limit; i++) {
		if (text[i] === "\n") return null;
		if (text[i] === "(") depth++;
		else if (text[i] === ")" && depth-- === 0) {
			const inner = text.slice(from, i).trim();
			const [href] = inner.split(/\s/, 1);
			return { href: href.replace(/^<|>$/g, ""), title: inner.slice(href.length).trim().replace(/^(["'])(.*)\1$/, "$2"), end: i + 1 };
		}
	}
	return null;
}

// bare returns the address that stands in the text as it is, without the punctuation of the sentence around it.
function bare(text, at) {
	let end = at;
	while (end < text.length && end < at + maxTarget && !/[\s<>"`|]/.test(text[end])) end++;
	while (end > at + 9 && /[.,:;!?'*_~\])]/.test(text[end - 1])) {
		if (text[end - 1] === ")" && text.slice(at, end).includes("(")) break;
		end--;
	}
	return text.slice(at, end);
}
