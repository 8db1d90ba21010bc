// The playground, used as a person uses it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { accessible, at, key, open, shot, sizes } from './gateway.mjs';

const claude = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0';

// playground opens the page with a model chosen by the keyboard.
async function playground(t, { site = 'open', model = claude, screen } = {}) {
  const page = await open(t, at[site] + '/playground', screen);
  if (site === 'open') await page.waitForFunction(() => document.querySelector('model-picker')?.value);
  await choose(page, 0, model);
  return page;
}

async function choose(page, lane, model) {
  const field = page.getByRole('combobox', { name: /^Model/ }).nth(lane);
  await field.focus();
  await page.keyboard.type(model);
  await page.keyboard.press('Enter');
  assert.equal(await field.inputValue(), model);
}

async function send(page, text) {
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('textbox', { name: 'Message' }).press('Enter');
}

const answer = (page, n = -1) => page.locator('gateway-answer').nth(n);
const done = (page, n) => answer(page, n).getByRole('button', { name: 'Retry' }).waitFor();
const fact = (page, name, n) => answer(page, n).locator('.meta div').filter({ has: page.getByText(name, { exact: true }) }).locator('dd').innerText();
const setting = async (page, label, value) => {
  const field = page.getByLabel(label, { exact: true });
  if (await field.evaluate((f) => f.tagName === 'SELECT')) await field.selectOption(value);
  else await field.fill(value);
};

describe('an answer', () => {
  it('says who gave it, what it took and how long', async (t) => {
    const page = await playground(t);
    await send(page, 'Grüße, 世界 🌍!');
    await done(page);
    assert.equal(await answer(page).locator('.said').innerText(), 'You said: Grüße, 世界 🌍!');
    assert.deepEqual([await fact(page, 'Upstream'), await fact(page, 'API')], ['bedrock', 'converse']);
    assert.match(await fact(page, 'Tokens in'), /^\d+$/);
    assert.match(await fact(page, 'Tokens out'), /^\d+$/);
    assert.match(await fact(page, 'First token'), /^[\d.]+ m?s$/);
    assert.match(await page.locator('#announcement').innerText(), /answered: You said: Grüße/);
    assert.deepEqual(page.errors, []);
  });

  it('is seen as it comes, and stops when it is told to', async (t) => {
    const page = await playground(t);
    await send(page, 'one two three four five six seven eight nine ten eleven twelve [[fault:slow=400]]');
    await answer(page).getByText('You said: one').waitFor();
    assert.ok(!(await answer(page).innerText()).includes('twelve'));
    await shot(page, 'playground-streaming');
    await page.keyboard.press('Escape');
    await answer(page).getByText('Stopped').waitFor();
    const kept = await answer(page).locator('.said').innerText();
    assert.ok(kept.startsWith('You said: one') && !kept.includes('twelve'), kept);
    // The button does the same.
    await send(page, 'one two three four five six seven eight nine ten eleven twelve [[fault:slow=400]]');
    await answer(page).getByText('You said: one').waitFor();
    await page.locator('#send').getByText('Stop').click();
    await answer(page).getByText('Stopped').waitFor();
    // What came is part of the conversation.
    await send(page, 'and now?');
    await done(page);
    const code = await request(page);
    assert.deepEqual(code.messages.map((m) => m.role), ['user', 'assistant', 'user', 'assistant', 'user']);
    assert.equal(code.messages[1].content, kept);
    assert.deepEqual(page.errors, []);
  });

  it('stays text, whatever HTML and script is in it', async (t) => {
    const page = await playground(t);
    const evil = '<img src=x onerror="document.title=\'taken\'"><script>document.title=\'taken\'</script> <b>bold</b> [a](javascript:document.title=1) ![i](https://evil.example/i.png)\n\n<iframe src="https://evil.example"></iframe>\n\n```html\n<script>document.title=\'taken\'</script>\n```';
    await send(page, evil);
    await done(page);
    const said = answer(page).locator('.said');
    assert.equal(await said.locator('img, script, iframe, b').count(), 0);
    assert.deepEqual(await said.locator('a').evaluateAll((all) => all.map((a) => a.href)), ['https://evil.example/i.png', 'https://evil.example/']);
    assert.ok((await said.innerText()).includes('<img src=x onerror="document.title=\'taken\'"><script>'));
    assert.equal(await page.title(), 'Playground');
    // As it was written, where that is wanted.
    await page.getByLabel('Show answers as Markdown').uncheck();
    assert.equal(await answer(page).locator('.said').innerText(), 'You said: ' + evil);
    assert.deepEqual(page.errors, []);
  });

  it('that fails says why, and can be asked for again', async (t) => {
    const page = await playground(t);
    await send(page, 'x [[fault:throttle=9,retry-after=7]]');
    await answer(page).getByText('Too many requests', { exact: true }).waitFor();
    const told = await answer(page).innerText();
    for (const want of ['Status 429', 'Upstream bedrock', 'Try again after 7 s', 'Request req_', 'Failed']) assert.ok(told.includes(want), told);
    await shot(page, 'playground-error');
    await accessible(page, 'an error');
    await answer(page).getByRole('button', { name: 'Retry' }).click();
    await answer(page).getByText('Too many requests', { exact: true }).waitFor();
    // Chromium itself reports replies of 400 and more.
    assert.ok(page.errors.every((e) => e.includes('status of 429')), page.errors.join());
  });

  it('that breaks off keeps what came, and says so', async (t) => {
    const page = await playground(t);
    // Slowly: Chromium drops what a page has not read when the connection is cut.
    await send(page, 'a stream that does not end well [[fault:slow=300,exception=modelStreamErrorException@6]]');
    await answer(page).getByText('The answer broke off').waitFor();
    assert.match(await answer(page).locator('.said').innerText(), /^You said/);
    await send(page, 'one that ends early [[fault:slow=300,cut=900]]');
    await answer(page).getByText('The answer broke off').waitFor();
    assert.match(await answer(page).locator('.said').innerText(), /^You said/);
  });

  it('shows its thoughts', async (t) => {
    const page = await playground(t);
    await setting(page, 'Reasoning effort', 'low');
    await send(page, 'Think!');
    await done(page);
    await answer(page).locator('summary').click();
    assert.match(await answer(page).locator('.thoughts').innerText(), /The user said: Think!/);
    // They go back, signed.
    await send(page, 'Again');
    await done(page);
    const [thought] = (await request(page)).messages[1].thinking_blocks;
    assert.ok(thought.signature && thought.thinking.includes('Think!'));
    assert.deepEqual(page.errors, []);
  });
});

describe('a conversation', () => {
  it('is edited, and goes on from there', async (t) => {
    const page = await playground(t);
    await send(page, 'first');
    await done(page);
    await send(page, 'second');
    await done(page);
    await page.getByRole('button', { name: 'Edit' }).first().click();
    await page.getByRole('textbox', { name: 'Message' }).press('Escape');
    assert.equal(await page.locator('.turn').count(), 2);
    await page.getByRole('button', { name: 'Edit' }).first().click();
    assert.equal(await page.getByRole('textbox', { name: 'Message' }).inputValue(), 'first');
    await send(page, 'third');
    await done(page);
    assert.equal(await page.locator('.turn').count(), 1);
    assert.equal(await answer(page).locator('.said').innerText(), 'You said: third');
    await answer(page).getByRole('button', { name: 'Retry' }).click();
    await done(page);
    assert.deepEqual((await request(page)).messages, [{ role: 'user', content: 'third' }]);
    assert.deepEqual(page.errors, []);
  });

  it('is kept in this browser, until it is deleted there', async (t) => {
    const page = await playground(t);
    await send(page, 'remember the marmot');
    await done(page);
    await page.reload();
    await page.getByRole('button', { name: /^remember the marmot/ }).click();
    assert.equal(await answer(page).locator('.said').innerText(), 'You said: remember the marmot');
    await page.getByRole('button', { name: 'Delete all' }).click();
    await page.getByRole('dialog', { name: /Delete all/ }).getByRole('button', { name: 'Delete all' }).click();
    await page.getByText('What would you like to try?').waitFor();
    await page.reload();
    await page.getByText('Conversations are kept in this browser only.').waitFor();
    assert.deepEqual(page.errors, []);
  });

  it('that is deleted while its answer comes does not come back', async (t) => {
    const page = await playground(t);
    await send(page, 'one two three four five six [[fault:slow=300]]');
    await answer(page).getByText('You said: one').waitFor();
    await send(page, 'not while it comes');
    await page.getByRole('button', { name: 'Stop' }).last().click();
    await page.getByRole('button', { name: /^one two/ }).waitFor();
    await answer(page).getByRole('button', { name: 'Retry' }).click();
    await answer(page).getByText('You said: one').waitFor();
    await page.getByRole('button', { name: /^Delete one two/ }).click();
    await page.getByText('Conversations are kept in this browser only.').waitFor();
    // The next one is written after anything that the last one had still to write.
    await send(page, 'another');
    await done(page);
    await page.reload();
    await page.getByRole('button', { name: /^another/ }).waitFor();
    assert.equal(await page.locator('.conversation').count(), 1);
    assert.deepEqual(page.errors, []);
  });

  it('goes to two models side by side', async (t) => {
    const page = await playground(t);
    await send(page, 'alone');
    await done(page);
    await page.getByRole('button', { name: 'Compare' }).click();
    await choose(page, 1, 'gpt-4o-mini');
    await send(page, 'together');
    await done(page, 1);
    await done(page, 2);
    assert.deepEqual([await fact(page, 'Upstream', 1), await fact(page, 'Upstream', 2)], ['bedrock', 'openai']);
    assert.deepEqual((await request(page, 2)).messages.map((m) => m.content), ['alone', 'You said: alone', 'together']);
    await page.getByRole('button', { name: 'Remove the second model' }).click();
    await answer(page, 2).getByRole('button', { name: 'Retry' }).click();
    await done(page, 2);
    assert.equal(await fact(page, 'Upstream', 2), 'openai');
    await page.getByRole('button', { name: 'Compare' }).click();
    await choose(page, 1, 'gpt-4o-mini');
    await shot(page, 'playground-two');
    await accessible(page, 'two models');
    assert.deepEqual(page.errors, []);
  });
});

describe('what goes with a request', () => {
  it('images and files, chosen and dropped', async (t) => {
    const page = await playground(t);
    writeFileSync('red.png', Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==', 'base64'));
    await page.locator('#file').setInputFiles('red.png');
    await page.evaluate(() => {
      const dropped = new DataTransfer();
      dropped.items.add(new File(['Buy milk.'], 'notes.md', { type: 'text/markdown' }));
      for (const type of ['dragenter', 'dragover', 'drop']) document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: dropped }));
    });
    // Both are read at once, and neither takes the other's place.
    await page.getByRole('list', { name: 'Attachments' }).getByText('notes.md').waitFor();
    await page.getByRole('list', { name: 'Attachments' }).getByText('red.png').waitFor();
    await shot(page, 'playground-attachments');
    await accessible(page, 'attachments');
    await send(page, 'What is this?');
    await done(page);
    const said = await answer(page).locator('.said').innerText();
    assert.match(said, /notes\.md/);
    assert.match(said, /Buy milk\./);
    assert.match(said, /\[image png, 70 bytes\]/);
    assert.deepEqual(page.errors, []);
  });

  it('tools, whose results are typed in', async (t) => {
    const page = await playground(t);
    await page.locator('[data-example=tools]').click();
    await setting(page, 'Calls of tools', 'required');
    await send(page, 'Weather in Bern?');
    const field = page.getByLabel('Result of get_weather');
    await field.waitFor();
    assert.match(await answer(page).locator('.call').innerText(), /get_weather[^]*"place"/);
    await accessible(page, 'a call');
    await shot(page, 'playground-tools');
    await setting(page, 'Calls of tools', 'auto');
    await field.fill('Sunny, 21 °C');
    await page.getByRole('button', { name: 'Send result' }).click();
    await answer(page).getByText('The tool said: Sunny, 21 °C').first().waitFor();
    assert.deepEqual(page.errors, []);
  });

  it('a schema, by which the answer is JSON', async (t) => {
    const page = await playground(t);
    await setting(page, 'Answer as', 'schema');
    await page.locator('[data-example=schema]').click();
    await send(page, 'How sure are you?');
    await done(page);
    assert.deepEqual(Object.keys(JSON.parse(await answer(page).locator('.said code').innerText())), ['answer', 'confidence']);
    assert.deepEqual(page.errors, []);
  });

  it('a system prompt and parameters; what a model does not take is said', async (t) => {
    const page = await playground(t, { model: 'us.anthropic.claude-opus-4-8' });
    await setting(page, 'System prompt', 'Be short.');
    await setting(page, 'Temperature', '0.5');
    await setting(page, 'Max tokens', '100');
    await send(page, 'Hi');
    await done(page);
    const { messages, temperature, max_completion_tokens: most } = await request(page);
    assert.deepEqual([messages[0], temperature, most], [{ role: 'system', content: 'Be short.' }, 0.5, 100]);
    assert.match(await fact(page, 'Left out'), /temperature/);
    assert.deepEqual(page.errors, []);
  });

  it('nothing that cannot be sent: the setting says what is wrong with it', async (t) => {
    const page = await playground(t);
    await setting(page, 'Tools, as JSON', '[{');
    await page.getByText('This is not what is expected').waitFor();
    await accessible(page, 'a setting that is wrong');
    await send(page, 'Hi');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'tools');
    assert.equal(await page.locator('.turn').count(), 0);
  });
});

describe('a key', () => {
  it('is asked for where there is none, and where it is wrong', async (t) => {
    const page = await open(t, at.guarded + '/playground');
    await page.getByText('This gateway wants a key.').waitFor();
    await shot(page, 'playground-no-key');
    await accessible(page, 'no key');
    await enter(page, 'sk-wrong');
    await page.getByText('This gateway wants a key.').waitFor();
    await choose(page, 0, claude);
    await send(page, 'Hi');
    await answer(page).getByText('The gateway wants a key').waitFor();
    assert.match(await answer(page).innerText(), /Status 401/);
    await shot(page, 'playground-401');
    await answer(page).getByRole('button', { name: 'Enter a key' }).click();
    await page.getByLabel('API key of this gateway').fill(key);
    await page.getByRole('button', { name: 'Use', exact: true }).click();
    await answer(page).getByRole('button', { name: 'Retry' }).click();
    await answer(page).getByText('You said: Hi').waitFor();
    assert.ok(page.errors.every((e) => e.includes('status of 401')), page.errors.join());
  });

  it('is in the tab’s session storage and nowhere else', async (t) => {
    const page = await open(t, at.guarded + '/playground');
    await page.getByText('This gateway wants a key.').waitFor();
    await enter(page, key);
    await page.waitForFunction(() => document.querySelector('model-picker')?.value);
    await send(page, 'Hi');
    await done(page);
    await answer(page).getByRole('button', { name: 'Code' }).click();
    const kept = await page.evaluate(async () => {
      const opened = await new Promise((ok) => { indexedDB.open('bedrock-gateway-playground').onsuccess = (e) => ok(e.target.result); });
      const all = await new Promise((ok) => { opened.transaction('conversations').objectStore('conversations').getAll().onsuccess = (e) => ok(e.target.result); });
      return { history: JSON.stringify(all), local: JSON.stringify(localStorage), session: JSON.stringify(sessionStorage), cookie: document.cookie, page: document.documentElement.outerHTML, address: location.href };
    });
    const { session, ...rest } = kept;
    assert.ok(session.includes(key) && rest.history.includes('You said: Hi'));
    for (const [where, text] of Object.entries(rest)) assert.ok(!text.includes(key), where);
    // Another tab has none of it.
    const other = await page.context().newPage();
    await other.goto(at.guarded + '/playground');
    await other.getByText('This gateway wants a key.').waitFor();
  });
});

async function enter(page, value) {
  await page.locator('#open-key').click();
  await page.getByLabel('API key of this gateway').fill(value);
  await page.getByRole('button', { name: 'Use', exact: true }).click();
}

// code returns what the button Copy of a language has for an answer.
async function code(page, language, n) {
  await answer(page, n).getByRole('button', { name: 'Code' }).click();
  const dialog = page.getByRole('dialog', { name: 'The request as code' });
  await dialog.getByRole('tab', { name: language }).click();
  await dialog.getByRole('button', { name: 'Copy' }).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  await page.keyboard.press('Escape');
  return text;
}

// request returns the body of an answer's request, from its code.
async function request(page, n) {
  return JSON.parse(/<<'JSON'\n([^]*)\nJSON\n$/.exec(await code(page, 'curl', n))[1]);
}

describe('the code of a request', () => {
  it('runs, by curl and by OpenAI’s client', async (t) => {
    const page = await playground(t);
    await setting(page, 'System prompt', 'It\'s "short" & $HOME');
    await send(page, 'a\nmarmot\'s `whistle`');
    await done(page);
    const env = { ...process.env, GATEWAY_API_KEY: key };
    assert.match(execFileSync('bash', ['-c', await code(page, 'curl')], { env, stdio: ['ignore', 'pipe', 'ignore'] }).toString(), /"content":"[^]*whistle[^]*data: \[DONE\]/);
    writeFileSync('code.mjs', await code(page, 'TypeScript'));
    assert.match(execFileSync('node', ['code.mjs'], { env }).toString(), /^You said: a\nmarmot's `whistle`[^]*total_tokens/);
    const python = await code(page, 'Python');
    execFileSync('python3', ['-c', 'import ast, sys; ast.parse(sys.stdin.read())'], { input: python });
    assert.ok(!python.includes(key));
    assert.deepEqual(page.errors, []);
  });
});

describe('a phone, the dark and a keyboard', () => {
  for (const [size, screen] of Object.entries(sizes)) {
    it(`all of it is accessible on ${size}`, async (t) => {
      const page = await playground(t, { screen });
      await page.getByRole('textbox', { name: 'Message' }).fill('# Title\n\n### Under\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```js\nlet x = 1;\n```\n\n- one\n- **two**\n\n> quoted [link](https://example.com)');
      await page.getByRole('button', { name: 'Send' }).click();
      await done(page);
      await shot(page, `playground-answer-${size}`);
      await accessible(page, 'an answer');
      await page.getByRole('combobox', { name: 'Model' }).click();
      await shot(page, `playground-models-${size}`);
      await accessible(page, 'the list of models');
      await page.keyboard.press('Escape');
      for (const [button, dialog] of [['Settings', 'Settings'], ['History', 'History'], ['Key', 'Key']]) {
        if (size !== 'phone' && button !== 'Key') continue; // they are open
        await page.locator('#bar').getByRole('button', { name: button }).click();
        await page.getByRole('dialog', { name: dialog }).waitFor();
        await shot(page, `playground-${button.toLowerCase()}-${size}`);
        await accessible(page, dialog);
        await page.keyboard.press('Escape');
      }
      await answer(page).getByRole('button', { name: 'Code' }).click();
      await shot(page, `playground-code-${size}`);
      await accessible(page, 'the code');
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), false, 'it is wider than the screen');
      assert.deepEqual(page.errors, []);
    });
  }

  it('everything can be reached by the Tab key, and nothing holds the focus', async (t) => {
    const page = await playground(t);
    await send(page, 'Hi');
    await done(page);
    const reached = new Set();
    await page.evaluate(() => document.querySelector('.skip').focus());
    for (let i = 0; i < 60; i++) {
      reached.add(await page.evaluate(() => document.activeElement.getAttribute('aria-label') || document.activeElement.innerText || document.activeElement.id || document.activeElement.labels?.[0]?.innerText));
      await page.keyboard.press('Tab');
    }
    for (const want of ['Skip to the message', 'History', 'Key', 'Settings', 'New chat', 'Model', 'Compare', 'Edit', 'Retry', 'Copy', 'Code', 'message', 'Attach images or files', 'Send', 'system', 'tools']) {
      assert.ok(reached.has(want), `${want} is not among ${[...reached].join(', ')}`);
    }
  });
});
