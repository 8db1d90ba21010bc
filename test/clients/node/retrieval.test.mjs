// Embeddings, and large forms of audio.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect, versions } from './setup.mjs';

// Each model with the number of its dimensions, and another that it has, if any.
const embedding = [
  ['text-embedding-3-small', 1536, 512],
  ['amazon.titan-embed-text-v2:0', 1024, 256],
  ['amazon.nova-2-multimodal-embeddings-v1:0', 3072, 1024],
  ['cohere.embed-english-v3', 1024],
  ['cohere.embed-v4:0', 1536, 512],
];

for (const [version, OpenAI] of Object.entries(versions)) {
  const { toFile } = await import(version === 'openai 7' ? 'openai-next' : 'openai');

  describe(version, () => {
    const client = connect(OpenAI, { timeout: 120_000 });

    for (const [model, size, other] of embedding) {
      it(`embeds with ${model}`, async () => {
        // The client asks for base64 of its own accord, and makes a list of it.
        const reply = await client.embeddings.create({ model, input: ['one', 'another'] });
        assert.deepEqual(reply.data.map((d) => d.embedding.length), [size, size]);
        assert.ok(reply.usage.prompt_tokens > 0);
        const plain = await client.embeddings.create({ model, input: 'one', encoding_format: 'float' });
        plain.data[0].embedding.forEach((x, i) => assert.ok(Math.abs(x - reply.data[0].embedding[i]) < 1e-6));
        if (other) {
          const short = await client.embeddings.create({ model, input: 'one', dimensions: other });
          assert.equal(short.data[0].embedding.length, other);
        }
      });
    }

    it('embeds 2,048 texts', async () => {
      const input = Array.from({ length: 2048 }, (_, i) => `text number ${i}`);
      const reply = await client.embeddings.create({ model: 'amazon.titan-embed-text-v2:0', input });
      assert.deepEqual(reply.data.map((d) => d.index), [...input.keys()]);
    });

    it('transcribes 100 MB', async () => {
      const file = await toFile(Buffer.alloc(100 << 20, 'x'), 'long.wav');
      const reply = await client.audio.transcriptions.create({ model: 'whisper-1', file });
      assert.equal(reply.text, `You said: ${100 << 20} bytes`);
    });
  });
}
