// Opens the app's page, and one of another origin, in Chromium, and calls the gateway from there.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { chromium } from 'playwright-core';

const { APP, STRANGER, GATEWAY, ALICE_KEY, CHROMIUM } = process.env;
const model = 'gpt-4o-mini';
let browser, app, stranger;
before(async () => {
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  [app, stranger] = await Promise.all([APP, STRANGER].map(async (url) => {
    const page = await browser.newPage();
    await page.goto(url);
    return page;
  }));
});
after(() => browser?.close());

for (const client of ['openai', 'anthropic']) {
  const call = (page, prompt, key = ALICE_KEY) =>
    page.evaluate(([c, ...args]) => globalThis[c](...args), [client, { url: GATEWAY, key }, model, prompt]);

  describe(client, () => {
    it('chats, streams, and reads the id of the request', async () => {
      const { id, ...answer } = await call(app, 'Grüße, 世界 🌍!');
      assert.deepEqual(answer, { text: 'You said: Grüße, 世界 🌍!', streamed: 'You said: Grüße, 世界 🌍!' });
      assert.match(id, /^req_/);
    });

    it('reads a 401', async () => {
      const { error, status } = await call(app, 'hi', 'sk-wrong');
      assert.deepEqual({ error, status }, { error: 'AuthenticationError', status: 401 });
    });

    it('reads a 429 and when to come back', async () => {
      const { error, status, retryAfter } = await call(app, 'x [[fault:throttle,retry-after=7]]');
      assert.deepEqual({ error, status, retryAfter }, { error: 'RateLimitError', status: 429, retryAfter: '7' });
    });

    it('is kept out on pages of others, by the browser', async () => {
      assert.equal((await call(stranger, 'hi')).error, 'APIConnectionError');
    });
  });
}

describe('headers', () => {
  const preflight = (Origin) =>
    fetch(`${GATEWAY}/v1/chat/completions`, {
      method: 'OPTIONS', headers: { Origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'authorization' },
    });

  it('a preflight needs no key, and only the app gets leave', async () => {
    const ours = await preflight(APP);
    assert.equal(ours.status, 204);
    assert.equal(ours.headers.get('access-control-allow-origin'), APP);
    assert.equal(ours.headers.get('access-control-allow-credentials'), null);
    const others = await preflight(STRANGER);
    assert.equal(others.status, 401);
    assert.equal(others.headers.get('access-control-allow-origin'), null);
    assert.match(others.headers.get('vary'), /Origin/);
  });
});
