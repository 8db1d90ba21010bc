// The AI SDK and OpenAI's Agents SDK with their defaults, which store: conversations that go on by what the gateway keeps, by
// references to items and by the id of a response.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { Agent, OpenAIProvider, Runner, tool as agentTool } from '@openai/agents';
import { generateText, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';
import { z } from 'zod';
import { answering } from './setup.mjs';

const { GATEWAY_KEY, GATEWAY_URL, S3_URL_A, S3_URL_B } = process.env;
// One gateway with files in a directory, and two with one bucket, which are asked in turn without a pause.
const places = { local: [GATEWAY_URL], s3: [S3_URL_A, S3_URL_B] };
const reasoning = { forceReasoning: true, reasoningEffort: 'low', reasoningSummary: 'auto' };
const description = 'Weather of a city';
const city = z.object({ city: z.string() });
const weather = tool({ description, inputSchema: city, execute: async ({ city }) => `21 degrees in ${city}` });
const agentWeather = agentTool({ name: 'weather', description, parameters: city, execute: ({ city }) => `21 degrees in ${city}` });

// inTurn is a fetch that asks another gateway each time, and remembers what was sent.
function inTurn(urls, sent = []) {
  let n = 0;
  return (url, init) => {
    if (typeof init?.body === 'string') sent.push(JSON.parse(init.body));
    return fetch(String(url).replace(urls[0], urls[n++ % urls.length]), init);
  };
}

for (const [place, urls] of Object.entries(places)) {
  for (const id of answering) {
    describe(`${place}, ${id}`, () => {
      it('@ai-sdk/openai goes on by references, over tools and turns', async () => {
        const sent = [];
        const gateway = createOpenAI({ baseURL: urls[0], apiKey: GATEWAY_KEY, fetch: inTurn(urls, sent) });
        const more = { model: gateway(id), providerOptions: { openai: reasoning }, tools: { weather }, stopWhen: stepCountIs(3), maxRetries: 0 };
        const messages = [{ role: 'user', content: 'call weather {"city":"Ulm"}' }];
        const first = await generateText({ ...more, messages });
        assert.equal(first.steps.length, 2);
        assert.match(first.steps[0].reasoningText, /The user said/);
        assert.match(first.text, /21 degrees in Ulm/);
        messages.push(...first.response.messages, { role: 'user', content: 'say and call weather {"city":"Bonn"}' });
        const second = streamText({ ...more, messages });
        for await (const part of second.fullStream) assert.notEqual(part.type, 'error', JSON.stringify(part));
        assert.match(await second.text, /21 degrees in Bonn/);
        messages.push(...(await second.response).messages, { role: 'user', content: 'and tomorrow?' });
        const third = await generateText({ ...more, messages });
        assert.match(third.text, /and tomorrow\?/);
        const references = sent.at(-1).input.filter((i) => i.type === 'item_reference');
        assert.ok(references.length >= 4, `${references.length} references in ${JSON.stringify(sent.at(-1).input)}`);
      });

      it('@ai-sdk/openai goes on by previousResponseId', async () => {
        const gateway = createOpenAI({ baseURL: urls[0], apiKey: GATEWAY_KEY, fetch: inTurn(urls) });
        const more = { model: gateway(id), tools: { weather }, maxRetries: 0 };
        const first = await generateText({ ...more, prompt: 'call weather {"city":"Ulm"}', providerOptions: { openai: reasoning } });
        const previousResponseId = first.providerMetadata.openai.responseId;
        // The tool's output alone goes back: models refuse one without the call that it answers.
        const second = await generateText({
          ...more,
          messages: first.response.messages.filter((m) => m.role === 'tool'),
          providerOptions: { openai: { ...reasoning, previousResponseId } },
        });
        assert.match(second.text, /21 degrees in Ulm/);
      });

      it('@openai/agents goes on by previousResponseId', async () => {
        const openAIClient = new OpenAI({ baseURL: urls[0], apiKey: GATEWAY_KEY, maxRetries: 0, fetch: inTurn(urls) });
        const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient }), tracingDisabled: true }); // traces go to OpenAI
        const modelSettings = { reasoning: { effort: 'low', summary: 'auto' } };
        const agent = new Agent({ name: 'Echo', instructions: 'Echo.', model: id, tools: [agentWeather], modelSettings });
        const first = await runner.run(agent, 'call weather {"city":"Ulm"}');
        assert.match(first.finalOutput, /21 degrees in Ulm/);
        const second = await runner.run(agent, 'say and call weather {"city":"Bonn"}', { previousResponseId: first.lastResponseId });
        assert.match(second.finalOutput, /21 degrees in Bonn/);
        const stream = await runner.run(agent, 'and tomorrow?', { previousResponseId: second.lastResponseId, stream: true });
        for await (const _ of stream);
        await stream.completed;
        assert.match(stream.finalOutput, /and tomorrow\?/);
        const whole = await runner.run(agent, [...first.history, { role: 'user', content: 'and the day after?' }]);
        assert.match(whole.finalOutput, /and the day after\?/);
      });
    });
  }
}
