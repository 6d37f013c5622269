// The page at /-/ in Debian's Chromium, under one model: node page_test.mjs SERVER MODEL [SCREENSHOTS]. tools/test_page
// runs it for several. It waits for what should happen, never for a time; what does not come within Playwright's
// time-out has failed.

import assert from 'node:assert/strict';
import {createHash, randomBytes} from 'node:crypto';
import {createSocket} from 'node:dgram';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {connect} from 'node:net';
import {join} from 'node:path';

import {chromium} from 'playwright-core';

import {Server} from './server.mjs';

const [program, model, shots] = process.argv.slice(2);
// One client at a time: a second tab, or a member of the chat, waits until the first one leaves. That is the model.
const isIterative = model === 'loop';
const MOST = 2 << 20;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const sha256 = (data) => createHash('sha256').update(data).digest('hex');

const server = await Server.start(program, [`--model=${model}`, `--max_file_bytes=${MOST}`]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync'],
});

// --- What every tab is held to: no error, and no request to anybody else. ---

const faults = [];

async function openTab(options = {}) {
  const context = await browser.newContext({locale: 'en-US', ...options});
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  page.on('pageerror', (error) => faults.push(`${error}`));
  page.on('console', (message) => {
    // A refused upload is an error to the console, and the very thing that a test asks for.
    const isRefusal = /status of 4(12|13)/.test(message.text());
    if (message.type() === 'error' && !isRefusal) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (new URL(request.url()).host !== server.addresses.http) faults.push(`a request to ${request.url()}`);
  });
  return page;
}

async function openPart(part, options) {
  const page = await openTab(options);
  await page.goto(`${server.url}/-/#${part}`);
  await page.locator(`#${part} h1`).waitFor();
  return page;
}

const file = (name, buffer) => ({name, mimeType: 'application/octet-stream', buffer});

// --- The cases. ---

const cases = {
  async 'live figures move'() {
    const page = await openPart('live');
    await page.locator('#model', {hasText: new RegExp(`^${model}$`)}).waitFor();
    const values = await page.locator('.figure .now').count();
    assert.equal(values, 5);
    // Two answers make a rate.
    await page.waitForFunction(() => [...document.querySelectorAll('.figure .now')].every((one) => one.textContent !== '–'));
    await page.waitForFunction(() => document.querySelectorAll('.figure .line[d]').length === 5);
    assert.ok(await page.locator('#picture .box').count() >= 1);
    assert.match(await page.locator('#picture svg').first().getAttribute('aria-label'), /processes/);
    await page.context().close();
  },

  async 'the tables say how many requests each worker and connection has answered'() {
    const page = await openPart('live');
    await page.locator('#picture .box').first().waitFor();
    await page.evaluate(() => document.querySelectorAll('details').forEach((one) => one.open = true));
    for (const [table, column] of [['connections', 6], ['processes', 5]]) {
      assert.equal(await page.locator(`#${table} th`).nth(column - 1).textContent(), 'Requests');
      await page.locator(`#${table} td:nth-child(${column})`, {hasText: /^\d/}).first().waitFor();
    }
    await page.context().close();
  },

  async 'a server that stops says how long that may take'() {
    const page = await openTab();
    // A server that really stops takes no new connections, and hardly any browser has one left.
    await page.route('**/-/status', async (route) => {
      const reply = await route.fetch();
      const drain = {grace_seconds_left: 0, seconds_left: 9.4};
      await route.fulfill({response: reply, json: {...await reply.json(), stopping: true, drain}});
    });
    await page.goto(`${server.url}/-/`);
    await page.locator('#waiting', {hasText: /is stopping: .* 9\.4 s at most/}).waitFor();
    await page.context().close();
  },

  async 'a client that connects becomes a dot, and goes when it leaves'() {
    const page = await openPart('live');
    await page.locator('#picture .box').first().waitFor();
    const client = connect(Number(server.addresses.compute.split(':')[1]), '127.0.0.1');
    if (isIterative) {
      // It is served, and the page waits in the queue; it says so. Then the client leaves, and the page goes on.
      await page.locator('#waiting', {hasText: 'One client after the other'}).waitFor();
      client.destroy();
      await page.locator('#waiting', {hasText: 'had to wait'}).waitFor();
    } else {
      const dot = page.locator('#picture g.dot:not(.gone)', {hasText: 'compute 127.0.0.1'});
      await dot.waitFor({state: 'attached'});
      client.destroy();
      await dot.waitFor({state: 'detached'});
    }
    await page.context().close();
  },

  async 'an upload arrives whole, and is downloaded the same'() {
    const page = await openPart('library');
    const content = randomBytes(1 << 20);
    await page.setInputFiles('#upload', file('random.bin', content));
    await page.locator('#uploads .done', {hasText: 'stored'}).waitFor();
    assert.equal(sha256(readFileSync(join(server.root, 'random.bin'))), sha256(content));
    const [download] = await Promise.all([page.waitForEvent('download'),
                                          page.getByRole('link', {name: 'random.bin'}).click()]);
    assert.equal(sha256(readFileSync(await download.path())), sha256(content));
    await page.context().close();
  },

  async 'a file of the same name is replaced only if the reader says so'() {
    const page = await openPart('library');
    await page.setInputFiles('#upload', file('hello.txt', Buffer.from('another')));
    await page.locator('#uploads .failed', {hasText: 'there already'}).waitFor();
    assert.equal(readFileSync(join(server.root, 'hello.txt'), 'utf8'), 'hello\n');
    await page.getByRole('button', {name: 'Replace it'}).click();
    await page.locator('#uploads .done', {hasText: 'replaced'}).waitFor();
    assert.equal(readFileSync(join(server.root, 'hello.txt'), 'utf8'), 'another');
    await page.context().close();
  },

  async 'a file that is too large is refused in words'() {
    const page = await openPart('library');
    await page.setInputFiles('#upload', file('large.bin', Buffer.alloc(MOST + 1)));
    await page.locator('#uploads .failed', {hasText: 'Too large'}).waitFor();
    assert.ok(!existsSync(join(server.root, 'large.bin')));
    await page.context().close();
  },

  async 'an upload that is cancelled leaves nothing'() {
    const page = await openPart('library');
    const network = await page.context().newCDPSession(page);
    await network.send('Network.emulateNetworkConditions',
                       {offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100 * 1024});
    await page.setInputFiles('#upload', file('slow.bin', Buffer.alloc(MOST)));
    await page.locator('#uploads', {hasText: '% of 2 MiB'}).waitFor();
    await page.getByRole('button', {name: 'Cancel'}).click();
    await page.locator('#uploads .failed', {hasText: 'cancelled'}).waitFor();
    assert.ok(!existsSync(join(server.root, 'slow.bin')));
    await page.context().close();
  },

  async 'names of files are text, and the search finds them'() {
    const page = await openPart('library');
    await page.getByRole('link', {name: '<b>bold <img src=x onerror=alert(1)>.txt'}).waitFor();
    await page.fill('#search', 'HELLO');
    await page.locator('#library-says', {hasText: '1 of'}).waitFor();
    assert.equal(await page.locator('#files tbody tr').count(), 1);
    await page.context().close();
  },

  async 'two tabs and a UDP client speak in one room'() {
    if (isIterative) return 'by design: a member of the room keeps all others out';
    const ada = await openPart('chat');
    const bob = await openPart('chat');
    for (const [page, name] of [[ada, 'ada'], [bob, 'bob']]) {
      await page.fill('#chat-name', name);
      await page.press('#chat-name', 'Enter');
      await page.locator('#chat-state', {hasText: `as ${name}`}).waitFor();
    }
    const carl = createSocket('udp4');
    const heard = [];
    carl.on('message', (message) => heard.push(message.toString()));
    const [host, port] = server.addresses['chat udp'].split(':');
    carl.send('L carl', Number(port), host);
    await ada.locator('#messages', {hasText: 'carl has joined'}).waitFor();
    carl.send('C carl from a datagram', Number(port), host);
    for (const page of [ada, bob]) await page.locator('#messages .theirs', {hasText: 'from a datagram'}).waitFor();
    await ada.fill('#text', '<i>hello</i>');
    await ada.press('#text', 'Enter');
    await bob.locator('#messages .theirs', {hasText: '<i>hello</i>'}).waitFor();
    await ada.fill('#text', '/to bob psst');
    await ada.press('#text', 'Enter');
    await ada.locator('#messages .mine.private', {hasText: 'to bob alone'}).waitFor();
    await bob.locator('#messages .theirs.private', {hasText: 'psst'}).waitFor();
    await ada.fill('#text', '/too bob psst');
    await ada.press('#text', 'Enter');
    await ada.locator('#messages .note', {hasText: 'there is no command /too'}).waitFor();
    server.process.stdin.write('/kick bob he floods\n');
    await bob.locator('#chat-state', {hasText: 'put out of the room: kicked by 管理员: he floods'}).waitFor();
    await ada.locator('#messages', {hasText: 'bob has left'}).waitFor();
    assert.ok(!heard.some((message) => message.includes('psst')));
    assert.ok(heard.some((message) => message.includes('ada : <i>hello</i>')));
    carl.close();
    for (const page of [ada, bob]) await page.context().close();
  },

  async 'a lost connection to the room is made again'() {
    if (isIterative) return 'by design: a member of the room keeps all others out';
    const page = await openTab();
    // The page's own code keeps its socket to itself.
    await page.addInitScript(() => {
      window.sockets = [];
      const Original = WebSocket;
      window.WebSocket = class extends Original {
        constructor(url) {
          super(url);
          window.sockets.push(this);
        }
      };
    });
    await page.goto(`${server.url}/-/#chat`);
    await page.fill('#chat-name', 'dora');
    await page.press('#chat-name', 'Enter');
    await page.locator('#chat-state', {hasText: 'as dora'}).waitFor();
    await page.evaluate(() => window.sockets[0].close());
    await page.locator('#chat-state', {hasText: 'Trying again'}).waitFor();
    await page.locator('#chat-state', {hasText: 'as dora'}).waitFor();
    assert.equal(await page.evaluate(() => window.sockets.length), 2);
    await page.context().close();
  },

  async 'the keyboard alone suffices'() {
    // Without a fragment: with one, the browser begins behind what it names.
    const page = await openTab();
    await page.goto(`${server.url}/-/`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.hash), '#library');
    await page.keyboard.press('Enter');
    await page.locator('#library h1').waitFor();
    const names = [];
    for (let i = 0; i < 12; ++i) {
      await page.keyboard.press('Tab');
      names.push(await page.evaluate(() => document.activeElement.id || document.activeElement.dataset.sort || ''));
    }
    for (const name of ['search', 'upload', 'name', 'size']) assert.ok(names.includes(name), `${name} in ${names}`);
    await page.context().close();
  },

  async 'it speaks Chinese'() {
    const page = await openPart('live', {locale: 'zh-CN'});
    await page.locator('h1', {hasText: '此刻'}).waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN');
    await page.selectOption('#language', 'en');
    await page.locator('h1', {hasText: 'Who serves whom'}).waitFor();
    await page.context().close();
  },

  async 'directory pages are sorted without scripts'() {
    const page = await openTab({javaScriptEnabled: false});
    writeFileSync(join(server.root, 'zero'), '');
    await page.goto(`${server.url}/`);
    await page.getByRole('link', {name: 'Size'}).click();
    const sizes = await page.locator('td.size').allTextContents();
    assert.equal(sizes[sizes.length - 1], '0 B');
    await page.getByRole('link', {name: 'Size'}).click();
    assert.equal((await page.locator('td.size').allTextContents())[0], '0 B');
    await page.context().close();
  },

  async 'nothing serious is found by axe-core'() {
    const wide = {width: 1280, height: 900};
    const narrow = {width: 390, height: 844};
    const looks = [{colorScheme: 'light', viewport: wide}, {colorScheme: 'dark', viewport: wide},
                   {colorScheme: 'light', viewport: narrow, locale: 'zh-CN'}];
    for (const {colorScheme, ...look} of looks) {
      for (const part of ['live', 'library', 'chat', 'compare']) {
        const page = await openPart(part, {colorScheme, ...look});
        await page.locator('#model:not([hidden])').waitFor();
        // What is folded away is not looked at.
        await page.evaluate(() => document.querySelectorAll('details').forEach((one) => one.open = true));
        await page.evaluate(axe);
        const {violations} = await page.evaluate(() => axe.run());
        const serious = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
        assert.deepEqual(serious.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(' ')}`), [],
                         `${part}, ${colorScheme}, ${look.viewport.width} wide`);
        await page.context().close();
      }
    }
  },
};

async function takeScreenshots() {
  mkdirSync(shots, {recursive: true});
  const [host, port] = server.addresses.compute.split(':');
  const clients = Array.from({length: isIterative ? 0 : 9}, () => connect(Number(port), host));
  for (const [size, width, height] of [['desktop', 1280, 900], ['phone', 390, 844]]) {
    for (const colorScheme of ['light', 'dark']) {
      for (const part of ['live', 'library', 'chat', 'compare']) {
        const page = await openPart(part, {viewport: {width, height}, colorScheme, reducedMotion: 'reduce'});
        await page.locator('#model:not([hidden])').waitFor();
        if (part === 'live') await page.locator('.figure .line[d]').nth(4).waitFor({state: 'attached'});
        await page.screenshot({path: join(shots, `${model}-${part}-${size}-${colorScheme}.png`), fullPage: true});
        await page.context().close();
      }
    }
  }
  for (const client of clients) client.destroy();
}

let failed = 0;
let passed = 0;
try {
  for (const [name, run] of Object.entries(cases)) {
    try {
      const skipped = await run();
      assert.deepEqual(faults.splice(0), []);
      ++passed;
      console.log(`ok      ${model}: ${name}${skipped === undefined ? '' : ` (skipped: ${skipped})`}`);
    } catch (error) {
      ++failed;
      faults.length = 0;
      console.log(`FAILED  ${model}: ${name}\n${error.stack}`);
      for (const context of browser.contexts()) await context.close();
    }
  }
  if (shots !== undefined) await takeScreenshots();
} finally {
  await browser.close();
  await server.stop();
}
console.log(`${model}: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
