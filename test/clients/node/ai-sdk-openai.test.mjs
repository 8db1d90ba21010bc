// Vercel's AI SDK with its provider for OpenAI, whose default API is Responses, and nothing stored. With the SDK's own default,
// which stores: stored.test.mjs.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { generateObject, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { answering, seeing } from './setup.mjs';

const { GATEWAY_KEY, GATEWAY_URL } = process.env;
const gateway = createOpenAI({ baseURL: GATEWAY_URL, apiKey: GATEWAY_KEY });
const weather = tool({
  description: 'Weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `21 degrees in ${city}`,
});
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);
const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
// With store false, the assistant's turns go back whole instead of by reference, and reasoning is asked for sealed.
const providerOptions = { openai: { store: false, forceReasoning: true, reasoningEffort: 'low', reasoningSummary: 'auto' } };

for (const id of answering) {
  describe(`@ai-sdk/openai, ${id}`, () => {
    const more = { model: gateway(id), providerOptions, maxRetries: 0 };

    it('generates text', async () => {
      const { text, usage, finishReason } = await generateText({ ...more, system: 'Echo.', prompt: 'Grüße, "世界" \\ 🌍!' });
      assert.equal(text, 'You said: Grüße, "世界" \\ 🌍!');
      assert.equal(finishReason, 'stop');
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    });

    it('streams text', async () => {
      const stream = streamText({ ...more, prompt: words });
      const deltas = [];
      for await (const delta of stream.textStream) deltas.push(delta);
      assert.equal(deltas.join(''), `You said: ${words}`);
      assert.ok(deltas.length > 10);
      assert.equal(await stream.finishReason, 'stop');
    });

    it('loops over tools with its reasoning, over turns', async () => {
      const messages = [{ role: 'user', content: 'call weather {"city":"Ulm"}' }];
      const first = await generateText({ ...more, messages, tools: { weather }, stopWhen: stepCountIs(3) });
      assert.equal(first.steps.length, 2);
      assert.match(first.steps[0].reasoningText, /The user said/);
      assert.match(first.text, /21 degrees in Ulm/);
      messages.push(...first.response.messages, { role: 'user', content: 'say and call weather {"city":"Bonn"}' });
      const second = streamText({ ...more, messages, tools: { weather }, stopWhen: stepCountIs(3) });
      const kinds = new Set();
      for await (const part of second.fullStream) kinds.add(part.type);
      for (const kind of ['reasoning-delta', 'tool-input-delta', 'tool-call', 'tool-result', 'text-delta', 'finish']) {
        assert.ok(kinds.has(kind), `${kind} in ${[...kinds]}`);
      }
      assert.ok(!kinds.has('error'));
      assert.match(await second.text, /21 degrees in Bonn/);
      messages.push(...(await second.response).messages, { role: 'user', content: 'and tomorrow?' });
      const third = await generateText({ ...more, messages, tools: { weather } });
      assert.match(third.text, /and tomorrow\?/);
    });

    it('generates objects', async () => {
      const schema = z.object({ city: z.string(), degrees: z.number() });
      // Without reasoning, beside which Converse lets no tool be forced: that is what stands in for a form.
      const { object } = await generateObject({ ...more, providerOptions: { openai: { store: false } }, schema, prompt: 'Paris' });
      assert.deepEqual(Object.keys(object).sort(), ['city', 'degrees']);
    });

    it('sends images', { skip: !seeing(id) && 'gpt-oss takes none' }, async () => {
      const content = [{ type: 'text', text: 'What is it?' }, { type: 'image', image: pixel, mediaType: 'image/png' }];
      const { text } = await generateText({ ...more, messages: [{ role: 'user', content }] });
      assert.match(text, /image/);
    });

    it('tells errors', async () => {
      await assert.rejects(generateText({ ...more, prompt: 'x [[fault:throttle]]' }), { statusCode: 429, isRetryable: true });
      await assert.rejects(generateText({ ...more, prompt: 'x [[fault:context]]' }), { statusCode: 400, isRetryable: false });
      const parts = [];
      const stream = streamText({ ...more, prompt: `${words} [[fault:exception=modelStreamErrorException@90]]`, onError: () => {} });
      try {
        for await (const part of stream.fullStream) parts.push(part);
      } catch (e) {
        parts.push({ type: 'error', error: e });
      }
      assert.ok(parts.some((p) => p.type === 'text-delta'), 'it broke later');
      assert.ok(parts.some((p) => p.type === 'error') && !parts.some((p) => p.type === 'finish' && p.finishReason === 'stop'));
    });
  });
}
