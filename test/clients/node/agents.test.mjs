// OpenAI's Agents SDK with its default API, which is Responses.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Agent, OpenAIProvider, Runner, tool } from '@openai/agents';
import { z } from 'zod';
import { answering } from './setup.mjs';

const { GATEWAY_KEY, GATEWAY_URL } = process.env;
const runner = new Runner({
  modelProvider: new OpenAIProvider({ apiKey: GATEWAY_KEY, baseURL: GATEWAY_URL }),
  tracingDisabled: true, // traces go to OpenAI
});
const weather = tool({
  name: 'weather', description: 'Weather of a city', parameters: z.object({ city: z.string() }),
  execute: ({ city }) => `21 degrees in ${city}`,
});
// Reasoning comes sealed, since nothing is stored.
const modelSettings = { store: false, reasoning: { effort: 'low', summary: 'auto' }, providerData: { include: ['reasoning.encrypted_content'] } };

for (const model of answering) {
  describe(`@openai/agents, ${model}`, () => {
    const agent = (more = {}) => new Agent({ name: 'Echo', instructions: 'Echo.', model, modelSettings, ...more });

    it('answers', async () => {
      const { finalOutput } = await runner.run(agent(), 'Grüße, 世界 🌍!');
      assert.equal(finalOutput, 'You said: Grüße, 世界 🌍!');
    });

    it('runs tools, and goes on from there', async () => {
      const echo = agent({ tools: [weather] });
      const first = await runner.run(echo, 'call weather {"city":"Ulm"}');
      assert.match(first.finalOutput, /21 degrees in Ulm/);
      assert.ok(first.newItems.some((i) => i.type === 'reasoning_item'));
      const second = await runner.run(echo, [...first.history, { role: 'user', content: 'and tomorrow?' }]);
      assert.match(second.finalOutput, /and tomorrow\?/);
    });

    it('hands over to another agent', async () => {
      const other = agent({ name: 'Weatherman', handoffDescription: 'Knows the weather', tools: [weather] });
      const first = agent({ name: 'Desk', handoffs: [other] });
      const { finalOutput, lastAgent } = await runner.run(first, 'call transfer_to_Weatherman');
      assert.equal(lastAgent.name, 'Weatherman');
      assert.match(finalOutput, /The tool said: /);
    });

    it('streams', async () => {
      const stream = await runner.run(agent({ tools: [weather] }), 'say and call weather {"city":"Ulm"}', { stream: true });
      const kinds = new Set();
      let text = '';
      for await (const event of stream) {
        kinds.add(event.type === 'run_item_stream_event' ? event.name : event.type);
        if (event.type === 'raw_model_stream_event' && event.data.type === 'output_text_delta') text += event.data.delta;
      }
      await stream.completed;
      for (const kind of ['tool_called', 'tool_output', 'message_output_created']) assert.ok(kinds.has(kind), `${kind} in ${[...kinds]}`);
      assert.match(text, /Let me call weather\..*21 degrees in Ulm/);
      assert.match(stream.finalOutput, /21 degrees in Ulm/);
    });

    it('answers in a form', async () => {
      const outputType = z.object({ city: z.string(), degrees: z.number() });
      // Without reasoning, beside which Converse lets no tool be forced: that is what stands in for a form.
      const { finalOutput } = await runner.run(agent({ outputType, modelSettings: { store: false } }), 'Paris');
      outputType.parse(finalOutput);
    });

    it('tells errors', async () => {
      await assert.rejects(runner.run(agent(), 'x [[fault:context]]'), { status: 400, code: 'context_length_exceeded' });
      const stream = await runner.run(agent(), `${'word '.repeat(60)} [[fault:exception=modelStreamErrorException@90]]`, { stream: true });
      await assert.rejects(async () => {
        for await (const _ of stream);
        await stream.completed;
      });
    });
  });
}
