// Starts the gateway and Chromium for a file of tests, and opens pages that are watched.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { after, before } from 'node:test';
import axe from 'axe-core';
import { chromium } from 'playwright-core';

const { CADDY, CHROMIUM, SHOTS } = process.env;
const password = 'a-password-of-the-tests';

// at has the addresses, once the tests of a file have begun.
export const at = {};
export const key = 'sk-alice-in-the-browser';
export const operator = { username: 'operator', password };
let browser, caddy;

before(async () => {
  const names = ['OPEN', 'GUARDED', 'BESIDE', 'SIMULATOR'];
  const servers = await Promise.all(names.map(() => new Promise((done) => {
    const s = createServer().listen(0, '127.0.0.1', () => done(s));
  })));
  const env = { ...process.env, DIR: mkdtempSync(`${process.env.DIR}/gateway-`) };
  for (const [i, name] of names.entries()) {
    env[name] = '127.0.0.1:' + servers[i].address().port;
    at[name.toLowerCase()] = 'http://' + env[name];
  }
  await Promise.all(servers.map((s) => new Promise((done) => s.close(done))));
  env.XDG_DATA_HOME = env.XDG_CONFIG_HOME = env.DIR;
  env.PASSWORD_HASH = execFileSync(CADDY, ['hash-password', '--plaintext', password], { env }).toString().trim();
  const log = openSync(`${env.DIR}/log`, 'a');
  caddy = spawn(CADDY, ['run', '--config', 'Caddyfile', '--adapter', 'caddyfile'], { env, stdio: ['ignore', log, log] });
  for (const deadline = Date.now() + 60_000; ;) {
    try {
      await fetch(at.open + '/health');
      break;
    } catch {
      assert(caddy.exitCode === null && Date.now() < deadline, 'the gateway did not come up: ' + readFileSync(`${env.DIR}/log`));
      await new Promise((again) => setTimeout(again, 50));
    }
  }
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
});

after(async () => {
  await browser?.close();
  caddy?.kill();
});

// open returns a page in a browser context of its own. Its errors are what the page did that it should not have: errors and
// warnings on the console, exceptions, requests to anywhere but the site.
export async function open(t, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  t.after(() => context.close());
  const page = await context.newPage();
  page.errors = [];
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) page.errors.push(m.text() + ' ' + m.location().url); });
  page.on('pageerror', (e) => page.errors.push(String(e)));
  page.on('request', (r) => {
    const { protocol, origin } = new URL(r.url());
    if (!['data:', 'blob:'].includes(protocol) && origin !== new URL(url).origin) page.errors.push('asks ' + r.url());
  });
  page.on('requestfailed', (r) => { if (r.failure()?.errorText !== 'net::ERR_ABORTED') page.errors.push(`${r.url()} ${r.failure()?.errorText}`); });
  await page.goto(url);
  return page;
}

// accessible checks a page by axe-core. Of the rules that except names, violations within the element foreign count for nothing: that
// is somebody else's work, and the reason stands where it is named.
export async function accessible(page, what, { foreign, except = [] } = {}) {
  await page.evaluate(axe.source);
  const found = await page.evaluate(async (inside) => {
    const { violations, passes } = await axe.run(document, { elementRef: true, resultTypes: ['violations'] });
    if (passes.length < 5) throw new Error('axe looked at hardly anything');
    return violations.flatMap((v) => v.nodes.map((n) => ({ rule: v.id, foreign: !!inside && !!n.element.closest(inside)?.contains(n.element) && n.element.id !== inside.slice(1), html: n.html.slice(0, 150), summary: n.failureSummary.slice(0, 300) })));
  }, foreign);
  const ours = found.filter((v) => !v.foreign || !except.includes(v.rule));
  assert.deepEqual(ours.map((v) => `${v.rule}: ${v.html}\n${v.summary}`).slice(0, 5), [], `${what}: ${[...new Set(ours.map((v) => v.rule))]}`);
}

// shot takes a screenshot, if somebody wants to look at it.
export async function shot(page, name) {
  if (!SHOTS) return;
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: `${SHOTS}/${name}.png` });
}

// sizes are the screens on which pages are looked at.
export const sizes = {
  desktop: {},
  dark: { colorScheme: 'dark' },
  phone: { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true },
};
