// AWS's client on the native paths: over HTTP/2 with prior knowledge, signed with dummy credentials, and over TLS with the
// gateway's key as its Bedrock API key.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { describe, it } from 'node:test';
import { BedrockClient, ListFoundationModelsCommand, paginateListInferenceProfiles } from '@aws-sdk/client-bedrock';
import {
  BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ThrottlingException,
  ValidationException,
  ResourceNotFoundException,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';

const { GATEWAY_CA, GATEWAY_KEY, OPEN_ADDR, TLS_ADDR } = process.env;
const SONNET = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';
const TITAN = 'amazon.titan-text-express-v1';
const models = [SONNET, 'us.amazon.nova-pro-v1:0', 'gpt-4o'];
const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');

const signed = { endpoint: `http://${OPEN_ADDR}`, region: 'us-east-1', credentials: { accessKeyId: 'AKIADUMMY', secretAccessKey: 'dummy' } };
const bearer = (token) => ({
  endpoint: `https://${TLS_ADDR}`,
  region: 'us-east-1',
  token: { token },
  authSchemePreference: ['httpBearerAuth'],
  // HTTP/1.1 here: the other client speaks HTTP/2.
  requestHandler: new NodeHttpHandler({ httpsAgent: new Agent({ ca: readFileSync(GATEWAY_CA) }) }),
});
const clients = {
  'signed, HTTP/2': (options) => new BedrockRuntimeClient({ maxAttempts: 1, ...signed, ...options }),
  'bearer, TLS': (options) => new BedrockRuntimeClient({ maxAttempts: 1, ...bearer(GATEWAY_KEY), ...options }),
};

const user = (text, ...blocks) => ({ role: 'user', content: [...blocks, { text }] });
const said = (message) => message.content.map((b) => b.text ?? '').join('');
const toolConfig = {
  tools: [
    {
      toolSpec: {
        name: 'get_weather',
        description: 'Weather of a city',
        inputSchema: { json: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
      },
    },
    { toolSpec: { name: 'get_time', description: 'The time', inputSchema: { json: { type: 'object' } } } },
  ],
};

// collect adds a Converse stream up to the reply that Converse gives.
async function collect({ stream }) {
  const reply = {};
  const blocks = [];
  for await (const event of stream) {
    if (event.contentBlockStart) {
      const { start, contentBlockIndex: i } = event.contentBlockStart;
      blocks[i] = { toolUse: { ...start.toolUse, input: '' } };
    } else if (event.contentBlockDelta) {
      const { delta, contentBlockIndex: i } = event.contentBlockDelta;
      if (delta.text !== undefined) blocks[i] = { text: (blocks[i]?.text ?? '') + delta.text };
      if (delta.toolUse) blocks[i].toolUse.input += delta.toolUse.input;
    } else if (event.messageStop) {
      reply.stopReason = event.messageStop.stopReason;
    } else if (event.metadata) {
      Object.assign(reply, event.metadata);
    }
  }
  for (const { toolUse } of blocks) {
    if (toolUse) toolUse.input = JSON.parse(toolUse.input || '{}');
  }
  return { ...reply, output: { message: { role: 'assistant', content: blocks } } };
}

const claudeBody = (text) =>
  JSON.stringify({ anthropic_version: 'bedrock-2023-05-31', max_tokens: 500, messages: [{ role: 'user', content: text }] });
const titanBody = (text) => JSON.stringify({ inputText: text, textGenerationConfig: { maxTokenCount: 500 } });
const parse = (bytes) => JSON.parse(new TextDecoder().decode(bytes));

for (const [name, connect] of Object.entries(clients)) {
  for (const modelId of models) {
    describe(`${name}, ${modelId}`, () => {
      const client = connect();
      const ways = {
        unary: (request) => client.send(new ConverseCommand({ modelId, ...request })),
        streamed: async (request) => collect(await client.send(new ConverseStreamCommand({ modelId, ...request }))),
      };

      for (const [how, ask] of Object.entries(ways)) {
        it(`converses, ${how}`, async () => {
          const reply = await ask({ system: [{ text: 'Echo.' }], messages: [user('Grüße, "世界" \\ 🌍!')] });
          assert.equal(said(reply.output.message), 'You said: Grüße, "世界" \\ 🌍!');
          assert.equal(reply.stopReason, 'end_turn');
          assert.ok(reply.usage.inputTokens > 0 && reply.usage.outputTokens > 0);
          assert.ok(reply.metrics.latencyMs > 0);
        });

        it(`calls tools and hears their results, ${how}`, async () => {
          const first = user('say and call get_weather {"city":"Ulm"} and get_time');
          const { stopReason, output } = await ask({ toolConfig, messages: [first] });
          assert.equal(stopReason, 'tool_use');
          const uses = output.message.content.filter((b) => b.toolUse).map((b) => b.toolUse);
          assert.deepEqual(uses.map((u) => [u.name, u.input]), [['get_weather', { city: 'Ulm' }], ['get_time', {}]]);
          const results = {
            role: 'user',
            content: [
              { toolResult: { toolUseId: uses[0].toolUseId, content: [{ json: { degrees: 21 } }] } },
              { toolResult: { toolUseId: uses[1].toolUseId, content: [{ text: 'no clock' }], status: 'error' } },
            ],
          };
          const last = await ask({ toolConfig, messages: [first, output.message, results] });
          assert.equal(last.stopReason, 'end_turn');
          assert.match(said(last.output.message), /21.*no clock/);
        });

        it(`throws the errors of its own classes, ${how}`, async () => {
          await assert.rejects(ask({ messages: [user('x [[fault:throttle]]')] }), ThrottlingException);
          await assert.rejects(ask({ messages: [] }), ValidationException);
          await assert.rejects(ask({ modelId: 'nobody-has-this', messages: [user('hi')] }), ResourceNotFoundException);
        });
      }

      for (const fault of ['cut=2500', 'cutclean=2500', 'exception=throttlingException@4']) {
        it(`tells a broken stream: ${fault}`, async () => {
          const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [user(`${words} [[fault:${fault}]]`)] }));
          let text = '';
          let stopped = false;
          await assert.rejects(async () => {
            for await (const event of stream) {
              text += event.contentBlockDelta?.delta.text ?? '';
              stopped ||= event.messageStop !== undefined;
            }
          }, fault.startsWith('exception') && modelId !== 'gpt-4o' ? ThrottlingException : BedrockRuntimeServiceException);
          assert.ok(text !== '' && !text.endsWith('word59'), `it broke before the end: ${text}`);
          assert.ok(!stopped);
        });
      }

      it('leaves in the middle of a stream', async () => {
        const gone = new AbortController();
        const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages: [user(`${words} [[fault:slow=20]]`)] }), {
          abortSignal: gone.signal,
        });
        let events = 0;
        for await (const _ of stream) {
          if (++events === 3) break;
        }
        gone.abort();
        assert.equal(events, 3);
        assert.match(said((await ways.unary({ messages: [user('still there')] })).output.message), /still there/);
      });
    });
  }

  describe(`${name}, InvokeModel`, () => {
    const client = connect();

    for (const [modelId, body] of [[SONNET, claudeBody], ['gpt-4o', claudeBody], [TITAN, titanBody]]) {
      it(`answers ${modelId} in the form it was asked in`, async () => {
        const { body: reply } = await client.send(new InvokeModelCommand({ modelId, contentType: 'application/json', body: body('Grüße 🌍') }));
        const answer = parse(reply);
        assert.match(answer.content?.[0].text ?? answer.results[0].outputText, /You said: .*Grüße 🌍/s);
      });

      it(`streams ${modelId} in the form it was asked in`, async () => {
        const { body: reply } = await client.send(
          new InvokeModelWithResponseStreamCommand({ modelId, contentType: 'application/json', body: body(words) }),
        );
        const chunks = [];
        for await (const event of reply) chunks.push(parse(event.chunk.bytes));
        assert.ok(chunks.length > 10);
        assert.match(chunks.map((c) => c.outputText ?? c.delta?.text ?? '').join(''), /word58 word59$/);
        const last = chunks.at(-1);
        assert.ok(last.type === 'message_stop' || last.completionReason === 'FINISH', JSON.stringify(last));
      });
    }

    it('counts tokens', async () => {
      const messages = [user('hi')];
      const { inputTokens } = await client.send(new CountTokensCommand({ modelId: SONNET, input: { converse: { messages } } }));
      const { usage } = await client.send(new ConverseCommand({ modelId: SONNET, messages }));
      assert.equal(inputTokens, usage.inputTokens);
    });
  });
}

it('many calls share a connection', async () => {
  const client = clients['signed, HTTP/2']();
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      client.send(new ConverseStreamCommand({ modelId: SONNET, messages: [user(`number ${i}`)] })).then(collect),
    ),
  );
  replies.forEach((reply, i) => assert.equal(said(reply.output.message), `You said: number ${i}`));
});

it('the client retries 429', async () => {
  const client = clients['signed, HTTP/2']({ maxAttempts: 5 });
  const reply = await client.send(new ConverseCommand({ modelId: SONNET, messages: [user('aws js again [[fault:throttle=3]]')] }));
  assert.equal(said(reply.output.message), 'You said: aws js again');
  // One try of the client is three of the gateway, or one when its budget of retries is spent.
  assert.ok(reply.$metadata.attempts >= 2 && reply.$metadata.attempts <= 4);
});

it('a wrong key is refused by name', async () => {
  const client = new BedrockRuntimeClient({ maxAttempts: 1, ...bearer('wrong') });
  await assert.rejects(client.send(new ConverseCommand({ modelId: SONNET, messages: [user('hi')] })), (e) => {
    assert.equal(e.name, 'UnrecognizedClientException');
    assert.equal(e.$metadata.httpStatusCode, 401);
    return true;
  });
});

it('lists models and inference profiles', async () => {
  const client = new BedrockClient({ maxAttempts: 1, ...signed });
  const { modelSummaries } = await client.send(new ListFoundationModelsCommand({ byProvider: 'Anthropic' }));
  assert.ok(modelSummaries.length > 0 && modelSummaries.every((m) => m.modelId.startsWith('anthropic.')));
  const profiles = [];
  for await (const page of paginateListInferenceProfiles({ client, pageSize: 10 }, {})) profiles.push(...page.inferenceProfileSummaries);
  assert.ok(profiles.length > 10 && profiles.some((p) => p.inferenceProfileId === SONNET));
});
