// A server for a test of the page: started on free ports, with a root of its own, and stopped at the end.

import {spawn} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';

export class Server {
  // Resolves when it is ready. `addresses` has the address of each service: {http: '127.0.0.1:40001', 'chat udp': ...}.
  static async start(program, flags) {
    const server = new Server();
    server.root = mkdtempSync(join(tmpdir(), 'polyserve-page-'));
    writeFileSync(join(server.root, 'hello.txt'), 'hello\n');
    writeFileSync(join(server.root, '<b>bold <img src=x onerror=alert(1)>.txt'), 'x'.repeat(2000));
    const listen = ['http', 'chat', 'chat+udp', 'compute'].map((service) => `${service}://127.0.0.1:0`).join(',');
    server.process = spawn(program, [`--listen=${listen}`, `--root=${server.root}`, ...flags],
                           {stdio: ['pipe', 'pipe', 'inherit']});
    server.addresses = {};
    for await (const line of createInterface({input: server.process.stdout})) {
      const [word, service, transport, address] = line.split(' ');
      if (word === 'listening') server.addresses[transport === 'udp' ? `${service} udp` : service] = address;
      if (word === 'ready') return server;
    }
    throw new Error(`the server did not start: ${flags.join(' ')}`);
  }

  get url() {
    return `http://${this.addresses.http}`;
  }

  async stop() {
    const ended = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    const impatience = setTimeout(() => this.process.kill('SIGKILL'), 10000);
    await ended;
    clearTimeout(impatience);
    rmSync(this.root, {recursive: true});
  }
}
