// Swagger UI sends requests, and shows what comes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { at, key, open } from './gateway.mjs';

describe('Swagger UI', () => {
  for (const site of ['open', 'guarded', 'beside']) {
    it(`sends a chat, whole and streamed, to a site that is ${{ beside: 'beside another' }[site] ?? site}, and shows the answer`, async (t) => {
      const page = await open(t, at[site] + (site === 'beside' ? '/ai' : '') + '/docs');
      if (site === 'guarded') {
        await page.getByRole('button', { name: 'Authorize' }).first().click();
        await page.locator('.auth-container input').first().fill(key);
        await page.locator('.auth-container .authorize').first().click();
        await page.locator('.btn-done').first().click();
      }
      const operation = page.locator('.opblock').filter({ has: page.getByText('/v1/chat/completions', { exact: true }) }).first();
      await operation.locator('.opblock-summary-control').click();
      await operation.getByRole('button', { name: 'Try it out' }).click();
      for (const [stream, want] of [[false, 'You said: a marmot in the meadow'], [true, '[DONE]']]) {
        await operation.locator('textarea.body-param__text').fill(JSON.stringify({ model: 'gpt-4o-mini', stream, messages: [{ role: 'user', content: 'a marmot in the meadow' }] }));
        await operation.getByRole('button', { name: 'Execute' }).click();
        const reply = operation.locator('.live-responses-table');
        await reply.getByText(want).first().waitFor();
        assert.equal((await reply.locator('.response-col_status').nth(1).innerText()).slice(0, 3), '200');
      }
      assert.deepEqual(page.errors, []);
    });
  }
});
