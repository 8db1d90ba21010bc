// @langchain/openai
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { tool } from '@langchain/core/tools';
import { ChatOpenAI } from '@langchain/openai';
import { z } from 'zod';
import { GATEWAY_KEY, GATEWAY_URL, models, prompts } from './setup.mjs';

const weather = tool(({ city }) => `21 degrees in ${city}`, {
  name: 'weather', description: 'Weather of a city', schema: z.object({ city: z.string() }),
});
const City = z.object({ city: z.string(), degrees: z.number() });

for (const model of models) {
  describe(`@langchain/openai, ${model}`, () => {
    const llm = new ChatOpenAI({ model, apiKey: GATEWAY_KEY, configuration: { baseURL: GATEWAY_URL }, maxRetries: 0 });

    it('chat', async () => {
      const reply = await llm.invoke([new SystemMessage('Echo.'), new HumanMessage('Grüße, 世界 🌍!')]);
      assert.match(reply.text, /You said: Grüße, 世界 🌍!/);
      assert.ok(reply.usage_metadata.input_tokens > 0 && reply.usage_metadata.output_tokens > 0);
    });

    it('stream', async () => {
      const chunks = [];
      for await (const chunk of await llm.stream(prompts.words)) chunks.push(chunk);
      const whole = chunks.reduce((a, b) => a.concat(b));
      assert.ok(whole.text.endsWith('word59') && chunks.length > 10);
      assert.ok(whole.usage_metadata.output_tokens > 0);
    });

    it('tools', async () => {
      const bound = llm.bindTools([weather]);
      const question = new HumanMessage('call weather {"city":"Ulm"}');
      const reply = await bound.invoke([question]);
      assert.deepEqual(reply.tool_calls.map((c) => [c.name, c.args]), [['weather', { city: 'Ulm' }]]);
      const result = new ToolMessage({ content: await weather.invoke(reply.tool_calls[0].args), tool_call_id: reply.tool_calls[0].id });
      assert.match((await bound.invoke([question, reply, result])).text, /21 degrees in Ulm/);
    });

    for (const method of ['functionCalling', 'jsonSchema']) {
      it(`schema by ${method}`, async () => {
        City.parse(await llm.withStructuredOutput(City, { method }).invoke('Paris'));
      });
    }

    it('error', async () => {
      await assert.rejects(llm.invoke(prompts.throttled), { status: 429 });
      await assert.rejects(async () => {
        for await (const _ of await llm.stream(prompts.broken));
      });
    });
  });
}
