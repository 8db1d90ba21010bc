// Turns Markdown into elements, and keeps those whose text has not changed while an answer streams.
import { parse } from "./markdown.js";
import { button, copy, element } from "./dom.js";

// renderer returns a function that shows a text in an element, as Markdown or as it is.
export function renderer(into) {
	let shown = []; // sources of the blocks whose elements stand in into
	return (text, asMarkdown) => {
		const blocks = asMarkdown ? parse(text) : [{ type: "plain", source: text }];
		rank(blocks, []);
		const keyed = blocks.map((b) => b.type + (b.rank || "") + "\n" + b.source);
		let same = 0;
		while (same < shown.length && same < keyed.length && shown[same] === keyed[same]) same++;
		while (into.childNodes.length > same) into.lastChild.remove();
		into.append(...blocks.slice(same).map(block));
		shown = keyed;
	};
}

// rank gives headings a level each that skips none, as readers of the page's outline expect; above are the levels that a
// model wrote over the next one.
function rank(blocks, above) {
	for (const b of blocks) {
		if (b.type === "heading") {
			while (above.length > 0 && above.at(-1) >= b.level) above.pop();
			above.push(b.level);
			b.rank = above.length;
		}
		if (b.blocks) rank(b.blocks, above);
		for (const item of b.items || []) rank(item, above);
	}
}

function block(b) {
	switch (b.type) {
	case "plain":
		return element("p", { class: "plain" }, b.source);
	case "code":
		return codeBlock(b.text, b.language);
	case "heading":
		// The page's own headings are h1 and h2, and each answer is an h3.
		return element("h" + Math.min(b.rank + 3, 6), { class: "level" + b.level }, spans(b.spans));
	case "rule":
		return element("hr");
	case "quote":
		return element("blockquote", null, b.blocks.map(block));
	case "list":
		return element(b.ordered ? "ol" : "ul", b.ordered && b.start !== 1 ? { start: b.start } : null, b.items.map(listItem));
	case "table":
		return table(b);
	default:
		return element("p", null, spans(b.spans));
	}
}

// listItem has a single paragraph's text without the paragraph, so that short lists stay tight.
function listItem(blocks) {
	const [first, ...rest] = blocks;
	if (first && first.type === "paragraph") return element("li", null, spans(first.spans), rest.map(block));
	return element("li", null, blocks.map(block));
}

function table(b) {
	const cell = (name, content, i) => element(name, { class: b.align[i], ...(name === "th" ? { scope: "col" } : {}) }, spans(content));
	return element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": "Table" }, element("table", null,
		element("thead", null, element("tr", null, b.head.map((c, i) => cell("th", c, i)))),
		element("tbody", null, b.rows.map((row) => element("tr", null, row.map((c, i) => cell("td", c, i)))))));
}

export function codeBlock(text, language) {
	return element("div", { class: "code" },
		element("div", { class: "code-head" }, element("span", null, language || "text"),
			button("Copy", (e) => copy(text, e.currentTarget), { icon: "copy", class: "quiet small" })),
		element("pre", { tabindex: "0", role: "group", "aria-label": "Code" }, element("code", null, text)));
}

const tags = { code: "code", emphasis: "em", strong: "strong", strike: "s" };

function spans(list) {
	return list.map((s) => {
		if (s.type === "text") return s.text;
		if (s.type === "link") {
			// An image would be fetched from anywhere, and tell its server that this was read: it is a link as well.
			const inner = s.spans.length > 0 ? spans(s.spans) : s.href;
			return element("a", { href: s.href, target: "_blank", rel: "noopener noreferrer nofollow", title: s.title ? s.title + "\n" + s.href : s.href }, s.image && "Image: ", inner);
		}
		return element(tags[s.type], null, s.text === undefined ? spans(s.spans) : s.text);
	});
}
