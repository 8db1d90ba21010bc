// Vercel's AI SDK with its OpenAI-compatible provider.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateObject, generateText, stepCountIs, streamObject, streamText, tool } from 'ai';
import { z } from 'zod';
import { models } from './setup.mjs';

const { GATEWAY_KEY, GATEWAY_URL } = process.env;
const gateway = (apiKey) =>
  createOpenAICompatible({ name: 'gateway', baseURL: GATEWAY_URL, apiKey, includeUsage: true, supportsStructuredOutputs: true });
const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
const weather = tool({
  description: 'Weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }) => `21 degrees in ${city}`,
});
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
);

for (const id of models) {
  describe(`AI SDK, ${id}`, () => {
    const model = gateway(GATEWAY_KEY)(id);
    const silent = { onError: () => {} };

    it('generates text', async () => {
      const { text, usage, finishReason } = await generateText({ model, system: 'Echo.', prompt: 'Grüße, "世界" \\ 🌍!' });
      assert.match(text, /You said: Grüße, "世界" \\ 🌍!$/);
      assert.equal(finishReason, 'stop');
      assert.ok(usage.inputTokens > 0 && usage.outputTokens > 0);
    });

    it('streams text', async () => {
      const stream = streamText({ model, prompt: words });
      let text = '';
      let deltas = 0;
      for await (const delta of stream.textStream) {
        text += delta;
        deltas++;
      }
      assert.ok(text.endsWith('word59') && deltas > 10);
      assert.equal(await stream.finishReason, 'stop');
      assert.ok((await stream.usage).outputTokens > 0);
    });

    it('loops over tools', async () => {
      const { text, steps } = await generateText({
        model, tools: { weather }, stopWhen: stepCountIs(3), prompt: 'say and call weather {"city":"Ulm"}',
      });
      assert.equal(steps.length, 2);
      assert.equal(steps[0].finishReason, 'tool-calls');
      assert.deepEqual(steps[0].toolCalls.map((c) => c.input), [{ city: 'Ulm' }]);
      assert.match(text, /21 degrees in Ulm/);
    });

    it('loops over tools while streaming', async () => {
      const stream = streamText({ model, tools: { weather }, stopWhen: stepCountIs(3), prompt: 'call weather {"city":"Ulm"}' });
      const kinds = new Set();
      for await (const part of stream.fullStream) kinds.add(part.type);
      for (const kind of ['tool-input-start', 'tool-input-delta', 'tool-call', 'tool-result', 'text-delta', 'finish']) {
        assert.ok(kinds.has(kind), `${kind} in ${[...kinds]}`);
      }
      assert.ok(!kinds.has('error'));
      assert.match(await stream.text, /21 degrees in Ulm/);
    });

    it('generates objects', async () => {
      const schema = z.object({ city: z.string(), degrees: z.number() });
      const { object } = await generateObject({ model, schema, prompt: 'Paris' });
      assert.deepEqual(Object.keys(object), ['city', 'degrees']);
      const streamed = streamObject({ model, schema, prompt: 'Paris' });
      for await (const _ of streamed.partialObjectStream);
      assert.deepEqual(await streamed.object, object);
    });

    it('sends images', async () => {
      const content = [{ type: 'text', text: 'What is it?' }, { type: 'image', image: pixel, mediaType: 'image/png' }];
      const { text } = await generateText({ model, messages: [{ role: 'user', content }] });
      assert.match(text, /image/);
    });

    it('shows reasoning', { skip: !id.includes('claude-sonnet-4-5') && 'OpenAI shows none, and adaptive models need not' }, async () => {
      const providerOptions = { gateway: { reasoningEffort: 'low' } };
      const { reasoningText } = await generateText({ model, providerOptions, prompt: 'think' });
      assert.match(reasoningText, /think/);
      const stream = streamText({ model, providerOptions, prompt: 'think' });
      await stream.consumeStream();
      assert.match(await stream.reasoningText, /think/);
    });

    for (const fault of ['cut=2500', 'cutclean=2500', 'exception=modelStreamErrorException@4']) {
      it(`tells a broken stream: ${fault}`, async () => {
        const parts = [];
        const stream = streamText({ model, maxRetries: 0, prompt: `${words} [[fault:${fault}]]`, ...silent });
        try {
          for await (const part of stream.fullStream) parts.push(part);
        } catch (e) {
          parts.push({ type: 'thrown', error: e }); // the gateway does not end the connection as if all were well
        }
        assert.ok(parts.some((p) => p.type === 'text-delta'), 'it broke later');
        const told = parts.find((p) => p.type === 'error');
        assert.ok(told?.error.message, `an error with its reason in ${parts.map((p) => p.type)}`);
        assert.ok(!parts.some((p) => p.type === 'finish' && p.finishReason === 'stop'), 'no finish as if all were well');
      });
    }

    it('names errors', async () => {
      await assert.rejects(generateText({ model, maxRetries: 0, prompt: 'x [[fault:throttle]]' }), { statusCode: 429, isRetryable: true });
      await assert.rejects(generateText({ model, maxRetries: 0, prompt: 'x [[fault:context]]' }), { statusCode: 400, isRetryable: false });
      await assert.rejects(generateText({ model: gateway('wrong')(id), maxRetries: 0, prompt: 'hi' }), { statusCode: 401 });
    });

    it('is asked again after 429', async () => {
      const { text } = await generateText({ model, maxRetries: 4, prompt: 'ai sdk again [[fault:throttle=3]]' });
      assert.match(text, /ai sdk again$/);
    });
  });
}
