// @ai-sdk/anthropic
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { GATEWAY_KEY, GATEWAY_URL, models, prompts } from './setup.mjs';

const gateway = createAnthropic({ baseURL: GATEWAY_URL, apiKey: GATEWAY_KEY });
const weather = tool({
  description: 'Weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `21 degrees in ${city}`,
});

for (const id of models) {
  describe(`@ai-sdk/anthropic, ${id}`, () => {
    const model = gateway(id);
    const maxRetries = 0;

    it('chat', async () => {
      const { text, usage, finishReason } = await generateText({ model, maxRetries, system: 'Echo.', prompt: 'Grüße, 世界 🌍!' });
      assert.match(text, /You said: Grüße, 世界 🌍!/);
      assert.equal(finishReason, 'stop');
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    });

    it('stream', async () => {
      const stream = streamText({ model, maxRetries, prompt: prompts.words });
      const deltas = [];
      for await (const delta of stream.textStream) deltas.push(delta);
      assert.ok(deltas.join('').endsWith('word59') && deltas.length > 10);
      assert.equal(await stream.finishReason, 'stop');
    });

    it('tools', async () => {
      const { text, steps } = await generateText({
        model, maxRetries, tools: { weather }, stopWhen: stepCountIs(3), prompt: 'say and call weather {"city":"Ulm"}',
      });
      assert.equal(steps.length, 2);
      assert.match(text, /21 degrees in Ulm/);
    });

    it('schema', async () => {
      const schema = z.object({ city: z.string(), degrees: z.number() });
      const { object } = await generateObject({ model, maxRetries, schema, prompt: 'Paris' });
      assert.deepEqual(Object.keys(object), ['city', 'degrees']);
    });

    it('error', async () => {
      await assert.rejects(generateText({ model, maxRetries, prompt: prompts.throttled }), { statusCode: 429, isRetryable: true });
      const told = [];
      const stream = streamText({ model, maxRetries, prompt: prompts.broken, onError: ({ error }) => told.push(error) });
      try {
        for await (const _ of stream.textStream);
      } catch (e) {
        told.push(e);
      }
      assert.ok(told.length > 0);
    });
  });
}
