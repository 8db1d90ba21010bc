// The Files API, files in a chat, models and embeddings.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connect, models, user, versions } from './setup.mjs';

const sales = 'Date,Product,Sales\n2026-01-02,Überraschung,17\n';

for (const [version, OpenAI] of Object.entries(versions)) {
  // The package of the client under test makes the upload.
  const { toFile } = await import(version === 'openai 7' ? 'openai-next' : 'openai');

  describe(version, () => {
    const client = connect(OpenAI);
    const upload = async (name) => client.files.create({ file: await toFile(Buffer.from(sales), name), purpose: 'user_data' });

    it('keeps files', async () => {
      const made = await upload('Verkäufe 2026.csv');
      assert.equal(made.filename, 'Verkäufe 2026.csv');
      assert.equal(made.bytes, Buffer.byteLength(sales));
      assert.equal((await client.files.retrieve(made.id)).id, made.id);
      assert.equal(await (await client.files.content(made.id)).text(), sales);
      const listed = [];
      for await (const f of client.files.list({ purpose: 'user_data', limit: 1 })) listed.push(f.id);
      assert.ok(listed.includes(made.id));
      assert.equal((await client.files.delete(made.id)).deleted, true);
      await assert.rejects(client.files.retrieve(made.id), OpenAI.NotFoundError);
    });

    for (const model of models) {
      it(`puts a file before a chat with ${model}`, async () => {
        const made = await upload('sales_data.csv');
        const reply = await client.chat.completions.create({
          model,
          messages: [user('What was sold?')],
          file_ids: [made.id],
        });
        const text = reply.choices[0].message.content;
        assert.match(text, /What was sold\?/);
        assert.match(text, /2026-01-02,Überraschung,17/);
        await client.files.delete(made.id);
      });
    }

    it('lists models of both services', async () => {
      const ids = [];
      for await (const m of client.models.list()) ids.push(m.id);
      for (const id of ['gpt-4o', 'us.anthropic.claude-sonnet-4-5-20250929-v1:0']) {
        assert.ok(ids.includes(id), `${id} in ${ids}`);
        assert.equal((await client.models.retrieve(id)).id, id);
      }
    });

    it('has embeddings relayed', async () => {
      const reply = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'a', dimensions: 16 });
      assert.equal(reply.data[0].embedding.length, 16);
    });
  });
}
