// The Files API on each store: uploads of every kind, 251 files page by page, content, deletion.
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { connect, models, user, versions } from './setup.mjs';

const csv = 'Date,Product,Sales\n2026-01-02,Überraschung,17\n';
const stores = { local: process.env.GATEWAY_URL, s3: process.env.S3_URL_A };

for (const [version, OpenAI] of Object.entries(versions)) {
  // The package of the client under test makes the upload.
  const { toFile } = await import(version === 'openai 7' ? 'openai-next' : 'openai');
  // The tests of both versions may run at once.
  const purpose = version === 'openai 7' ? 'vision' : 'fine-tune';

  for (const [store, baseURL] of Object.entries(stores)) {
    describe(`${version}, ${store}`, () => {
      const client = connect(OpenAI, { baseURL });
      let folder;
      before(async () => {
        folder = await mkdtemp(join(tmpdir(), 'files-'));
        await writeFile(join(folder, 'Verkäufe (März) 100%.csv'), csv);
      });
      after(() => rm(folder, { recursive: true }));

      const forms = {
        'a path': [() => createReadStream(join(folder, 'Verkäufe (März) 100%.csv')), 'Verkäufe (März) 100%.csv'],
        'an open file': [
          async () => {
            const opened = await open(join(folder, 'Verkäufe (März) 100%.csv'));
            return toFile(opened.createReadStream(), 'opened.csv');
          },
          'opened.csv',
        ],
        bytes: [() => toFile(Buffer.from(csv), 'a b.csv'), 'a b.csv'],
        'bytes with a type': [() => toFile(Buffer.from(csv), 'table', { type: 'text/csv' }), 'table'],
        'a File': [() => new File([csv], '数据.csv'), '数据.csv'],
        'a fetch': [() => fetch(`data:text/csv;charset=utf-8,${encodeURIComponent(csv)}`), null],
      };
      for (const [name, [make, filename]] of Object.entries(forms)) {
        it(`takes ${name}`, async () => {
          const made = await client.files.create({ file: await make(), purpose: 'user_data' });
          try {
            if (filename !== null) assert.equal(made.filename, filename);
            assert.equal(made.bytes, Buffer.byteLength(csv));
            assert.equal(made.status, 'processed');
            assert.deepEqual(await client.files.retrieve(made.id), made);
            assert.deepEqual(await client.files.waitForProcessing(made.id), made);
            const content = await client.files.content(made.id);
            assert.equal(content.headers.get('x-content-type-options'), 'nosniff');
            assert.equal(await content.text(), csv);
          } finally {
            assert.equal((await client.files.delete(made.id)).deleted, true);
          }
          for (const call of ['retrieve', 'content', 'delete']) {
            await assert.rejects(client.files[call](made.id), OpenAI.NotFoundError);
          }
        });
      }

      it('keeps an expiry', async () => {
        const made = await client.files.create({
          file: await toFile(Buffer.from(csv), 'data.csv'),
          purpose: 'batch',
          expires_after: { anchor: 'created_at', seconds: 3600 },
        });
        assert.equal(made.expires_at, made.created_at + 3600);
        await client.files.delete(made.id);
      });

      it('streams content, whole and in parts', async () => {
        const data = Buffer.alloc(12 << 20, Uint8Array.from({ length: 256 }, (_, i) => i));
        const made = await client.files.create({ file: await toFile(data, 'large.bin'), purpose: 'user_data' });
        try {
          const chunks = [];
          for await (const chunk of (await client.files.content(made.id)).body) chunks.push(chunk);
          assert.ok(chunks.length > 1 && data.equals(Buffer.concat(chunks)));
          const part = await client.files.content(made.id, { headers: { Range: 'bytes=6000000-6000255' } });
          assert.equal(part.status, 206);
          assert.ok(data.subarray(6000000, 6000256).equals(Buffer.from(await part.arrayBuffer())));
        } finally {
          await client.files.delete(made.id);
        }
      });

      it('pages through 251 files', async () => {
        const made = [];
        try {
          for (let n = 0; n < 251; n += 8) {
            const several = Array.from({ length: Math.min(8, 251 - n) }, async (_, i) => {
              const file = await toFile(Buffer.from(String(n + i)), `${n + i}.txt`);
              return (await client.files.create({ file, purpose })).id;
            });
            made.push(...(await Promise.all(several)));
          }
          const listed = { asc: [], desc: [] };
          for (const order of ['asc', 'desc']) {
            for await (const f of client.files.list({ order, purpose, limit: 60 })) listed[order].push(f.id);
          }
          assert.deepEqual(listed.desc.toSorted(), made.toSorted());
          assert.deepEqual(listed.asc.toReversed(), listed.desc);
          const sizes = [];
          for await (const page of (await client.files.list({ purpose, limit: 100 })).iterPages()) sizes.push(page.data.length);
          assert.deepEqual(sizes, [100, 100, 51]);
          // Without a filter and a limit.
          const all = [];
          for await (const f of client.files.list()) all.push(f.id);
          assert.deepEqual(all.filter((id) => made.includes(id)), listed.desc);
          const last = await client.files.list({ purpose, after: listed.desc[249] });
          assert.deepEqual([last.data.map((f) => f.id), last.has_more], [[listed.desc[250]], false]);
        } finally {
          await Promise.all(made.map((id) => client.files.delete(id)));
        }
        assert.deepEqual((await client.files.list({ purpose })).data, []);
      });

      for (const model of models) {
        it(`asks ${model} about a file`, async () => {
          const made = await client.files.create({ file: await toFile(Buffer.from(csv), 'data.csv'), purpose: 'assistants' });
          try {
            const ask = { model, messages: [user('What was sold?')], file_ids: [made.id] };
            const text = (await client.chat.completions.create(ask)).choices[0].message.content;
            assert.match(text, /\*\*File: data\.csv\*\* \(text\/csv, 47B\)/);
            assert.match(text, /2026-01-02,Überraschung,17/);
            assert.match(text, /What was sold\?/);
            const part = {
              model,
              messages: [user([{ type: 'file', file: { file_id: made.id } }, { type: 'text', text: 'What was sold?' }])],
            };
            assert.match((await client.chat.completions.create(part)).choices[0].message.content, /2026-01-02,Überraschung,17/);
          } finally {
            await client.files.delete(made.id);
          }
        });
      }
    });
  }
}
