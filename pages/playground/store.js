// Keeps conversations in this browser, in IndexedDB: attachments are too large for localStorage. A browser that allows neither
// has its conversations until the page is closed.

const most = 100; // conversations; the oldest go first

let opened;

function open() {
	opened ||= new Promise((resolve, reject) => {
		const req = indexedDB.open("bedrock-gateway-playground", 1);
		req.onupgradeneeded = () => req.result.createObjectStore("conversations", { keyPath: "id" });
		req.onsuccess = () => resolve(req.result);
		req.onerror = () => reject(req.error);
		req.onblocked = () => reject(new Error("another tab holds an older history"));
	});
	return opened;
}

// within runs f on the store, and returns the result of the request that f returns once all is written.
async function within(mode, f) {
	const transaction = (await open()).transaction("conversations", mode);
	return new Promise((resolve, reject) => {
		const req = f(transaction.objectStore("conversations"));
		transaction.oncomplete = () => resolve(req.result);
		transaction.onerror = transaction.onabort = () => reject(transaction.error || req.error);
	});
}

// all returns the conversations, the newest first.
export async function all() {
	try {
		return (await within("readonly", (s) => s.getAll())).sort((a, b) => b.updated - a.updated);
	} catch {
		return [];
	}
}

// save reports whether the conversation is kept.
export async function save(conversation) {
	try {
		await within("readwrite", (s) => s.put(conversation));
		const old = (await all()).slice(most);
		if (old.length > 0) await Promise.all(old.map((c) => remove(c.id)));
		return true;
	} catch {
		return false;
	}
}

export async function remove(id) {
	try {
		await within("readwrite", (s) => s.delete(id));
	} catch {
		// It was not kept.
	}
}

export async function clear() {
	try {
		await within("readwrite", (s) => s.clear());
	} catch {
		// Nothing was kept.
	}
}
