// The JavaScript blocks of docs/clients.md do what they say, with the gateway's address and key in their place. A block of
// exports holds for the blocks after it, up to the next heading.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';

const { DOCS, GATEWAY_CA, GATEWAY_KEY, HOME, PATH, TLS_ADDR } = process.env;
const text = readFileSync(join(DOCS, 'clients.md'), 'utf8').replaceAll('ai.example.com', TLS_ADDR).replaceAll('your-api-key', GATEWAY_KEY);

let heading;
let env;
let blocks = 0;
for (const [, title, language, code] of text.matchAll(/^#+ ([^\n]*)$|^```(\w+)\n(.*?)^```$/gms)) {
  if (title !== undefined) {
    heading = title;
    env = { PATH, HOME, NODE_EXTRA_CA_CERTS: GATEWAY_CA };
  } else if (language === 'sh') {
    for (const [, name, value] of code.matchAll(/^export (\w+)=(\S+)$/gm)) env[name] = value;
  } else if (language === 'js') {
    blocks++;
    const [name, own] = [heading, env];
    it(`docs: ${name}`, () => {
      const said = execFileSync(process.execPath, ['--input-type=module', '-e', code], { env: own, encoding: 'utf8', timeout: 60_000 });
      assert.match(said, /You said: Hello!/);
    });
  }
}

it('docs: there are blocks', () => assert.ok(blocks >= 5));
