// Every page, as it opens: no error on the console, no request to anywhere else, and nothing that axe finds.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { accessible, at, open, operator, shot, sizes } from './gateway.mjs';

const json = { Accept: 'application/json' };

// Each page with what shows that all of it is there.
const pages = {
  playground: { path: '/playground', there: (p) => p.waitForFunction(() => document.querySelector('model-picker')?.value) },
  status: { path: '/bedrock_gateway/status', there: (p) => p.getByText('As of').waitFor() },
  // What foreign elements have, and no option or style can mend: Swagger UI's rows are buttons with a button and a link within, its
  // headings go on with h3 where no h2 was, and its main leaves out its own head. ReDoc's headings leave out h3 and h4.
  docs: { path: '/docs', foreign: '#swagger-ui', except: ['heading-order', 'nested-interactive', 'region'], there: (p) => p.getByText('/v1/chat/completions', { exact: true }).first().waitFor() },
  redoc: { path: '/redoc', foreign: '#redoc', except: ['heading-order'], there: (p) => p.locator('h2', { hasText: 'Chat with any model' }).first().waitFor() },
};

for (const [name, { path, there, ...options }] of Object.entries(pages)) {
  describe(name, () => {
    for (const [size, screen] of Object.entries(sizes)) {
      if (options.foreign && size === 'dark') continue; // they have no dark
      it(`opens on ${size} without an error, and asks nobody else`, async (t) => {
        const page = await open(t, at.open + path, screen);
        await there(page);
        await shot(page, `${name}-${size}`);
        assert.deepEqual(page.errors, []);
        // Thousands of elements, and the same on each screen: axe takes its time with them.
        if (!options.foreign || size === 'desktop') await accessible(page, `${name} on ${size}`, options);
        assert.deepEqual(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'it is wider than the screen');
      });
    }
  });
}

describe('the status behind a password', () => {
  it('opens for who has it, with the requests that the page makes', async (t) => {
    const page = await open(t, at.guarded + '/bedrock_gateway/status', { httpCredentials: operator });
    await pages.status.there(page);
    assert.deepEqual(page.errors, []);
    // What is looked for below is there for who has the password.
    const { body } = await raw(at.guarded, '/bedrock_gateway/status', { ...json, Authorization: 'Basic ' + btoa(`${operator.username}:${operator.password}`) });
    assert.ok(body.includes('"upstreams"'), body);
  });

  for (const path of ['', '/', '//status', '/../status', '/%2e/status', '/%2e%2e/status', '/status/', '/./status', '/status/app.js', '/%73tatus', '%2fstatus']) {
    it('is closed at /bedrock_gateway' + path, async () => {
      for (const prefix of ['/bedrock_gateway', '//bedrock_gateway', '/./bedrock_gateway', '/%2e/bedrock_gateway', '/bedrock%5fgateway', '/x/..%2fbedrock_gateway']) {
        // fetch would tidy the path.
        const { status, body } = await raw(at.guarded, prefix + path, json);
        assert.ok(!body.includes('"upstreams"') && !body.includes('look()'), `${prefix}${path}: ${status} ${body.slice(0, 200)}`);
      }
    });
  }
});

async function raw(site, path, headers) {
  const { request } = await import('node:http');
  const { hostname, port } = new URL(site);
  return new Promise((done, failed) => {
    const req = request({ hostname, port, path, headers }, async (res) => {
      let body = '';
      for await (const piece of res) body += piece;
      done({ status: res.statusCode, body });
    });
    req.on('error', failed);
    req.end();
  });
}

describe('beside a site', () => {
  for (const name of ['playground', 'docs', 'redoc']) {
    it(`${name} works under a path that a handler takes away`, async (t) => {
      const page = await open(t, at.beside + '/ai' + pages[name].path);
      await pages[name].there(page);
      assert.equal(new URL(page.url()).pathname, `/ai/${name}/`);
      assert.deepEqual(page.errors, []);
    });
  }
});
