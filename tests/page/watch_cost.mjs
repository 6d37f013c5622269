// What it costs the server to be watched: node watch_cost.mjs SERVER MODEL. tools/test_page --cost runs it for several
// models. Asks /-/status as the page does, on a connection for each answer, and prints the processor time of all
// processes of the server for an answer, without other clients and with a hundred silent ones; and what that is of a
// processor at the page's rate. Prints; judges nothing.

import {readFileSync} from 'node:fs';
import {connect} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';

import {Server} from './server.mjs';

const [program, model] = process.argv.slice(2);
const ANSWERS = 200;    // The kernel counts processor time in steps of 10 ms: 0.05 ms of an answer.
const BETWEEN = 20;     // Milliseconds; a server that was idle for a while has cold caches, as when it is watched.
const SILENT = 100;
// One client at a time, or as many as there are workers: silent ones would keep the questions out.
const isFull = ['loop', 'prefork', 'threadpool'].includes(model);
const pause = Number(readFileSync('protocol/http/page/live.js', 'utf8').match(/PAUSE = (\d+)/)[1]);

async function ask(server) {
  const reply = await fetch(`${server.url}/-/status`, {headers: {connection: 'close'}});
  return reply.json();
}

async function measure(silent) {
  const server = await Server.start(program, [`--model=${model}`]);
  const [host, port] = server.addresses.compute.split(':');
  const clients = Array.from({length: silent}, () => connect(Number(port), host));
  let status = await ask(server);
  while (status.connections.active <= silent) status = await ask(server);
  const before = status.cpu_seconds;
  for (let i = 0; i < ANSWERS; ++i) {
    await sleep(BETWEEN);
    status = await ask(server);
  }
  const milliseconds = (status.cpu_seconds - before) * 1000 / ANSWERS;
  const share = 100 * milliseconds / pause;
  console.log(`${model.padEnd(12)} ${String(silent).padStart(4)} silent clients: ${milliseconds.toFixed(2)} ms for an answer, ` +
              `${share.toFixed(2)} % of a processor at one in ${pause / 1000} s`);
  for (const client of clients) client.destroy();
  await server.stop();
}

await measure(0);
if (!isFull) await measure(SILENT);
