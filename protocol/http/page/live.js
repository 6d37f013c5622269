// Live: asks /-/status again and again, and shows what it says. Each poll is a connection of its own, which the server
// closes: under a model that serves one client at a time, the page would otherwise be that client for good.

import {Figure} from './charts.js';
import {$, notice, setRows} from './dom.js';
import * as figures from './figures.js';
import {Picture} from './picture.js';
import {hasText, t} from './texts.js';

const PAUSE = 2000;            // Milliseconds between an answer and the next question.
const WORTH_TELLING = 600;     // An answer that takes longer had to wait for something.
const TRY_AGAIN = 3000;
const MAX_ROWS = 100;

export class Live {
  constructor() {
    this.status = null;
    this.before = null;
    this.waitedMs = 0;
    this.isShown = false;
    this.timer = null;
    this.asking = null;  // When the question under way was asked; null if there is none.
    this.tellsWait = false;
    this.listeners = [];
    this.picture = new Picture($('picture'));
    this.charts = {
      active: new Figure('active', figures.count, 4),
      requests: new Figure('requests', figures.count, 10),
      traffic: new Figure('traffic', (value) => figures.bytes(value), 10240),
      processor: new Figure('processor', figures.percent, 0.05),
      memory: new Figure('memory', figures.bytes, 1 << 20),
    };
    $('figures').append(...Object.values(this.charts).map((chart) => chart.element));
    document.addEventListener('visibilitychange', () => this.schedule(0));
    setInterval(() => this.tellWait(), 250);
    this.schedule(0);  // Also if another part is shown first.
  }

  // Called with each status; the other parts read limits and addresses from it.
  onStatus(listener) {
    this.listeners.push(listener);
    if (this.status !== null) listener(this.status);
  }

  show() {
    this.isShown = true;
    this.schedule(0);
  }

  hide() {
    this.isShown = false;
  }

  translate() {
    for (const chart of Object.values(this.charts)) chart.draw();
    if (this.status !== null) this.render();
  }

  // A page that nobody looks at asks nothing; one whose status other parts need asks once.
  schedule(delay) {
    clearTimeout(this.timer);
    const isWanted = (this.isShown || this.status === null) && !document.hidden;
    if (isWanted && this.asking === null) this.timer = setTimeout(() => this.ask(), delay);
  }

  async ask() {
    this.asking = performance.now();
    let status = null;
    try {
      const reply = await fetch('status', {cache: 'no-store'});
      if (reply.ok) status = await reply.json();
    } catch {
      // No server, or it went away in the middle: the same to the reader.
    }
    this.waitedMs = performance.now() - this.asking;
    this.asking = null;
    this.tellsWait = false;
    $('waiting').ariaLive = 'polite';
    if (status !== null) {
      this.schedule(PAUSE);
      this.take(status);
    } else {
      this.before = null;  // A new server counts from zero.
      notice($('waiting'), t('gone'));
      this.schedule(TRY_AGAIN);
    }
  }

  // How long it waits is itself a figure of the model, and is shown while it waits.
  tellWait() {
    if (this.asking === null || !this.isShown) return;
    const so_far = performance.now() - this.asking;
    if (so_far < WORTH_TELLING) return;
    // A screen reader says it once; the time goes on for the eye alone.
    $('waiting').ariaLive = this.tellsWait ? 'off' : 'polite';
    this.tellsWait = true;
    notice($('waiting'), `${t('waitingNow', {time: figures.duration(so_far / 1000)})} ${this.whyItWaits()}`);
  }

  whyItWaits() {
    const keepsOut = this.status?.keeps_others_out;
    if (keepsOut === 'one') return t('whyLoop');
    if (keepsOut === 'pool') return t('whyPool');
    return t('whyBusy');
  }

  take(status) {
    const now = performance.now();
    this.status = status;
    const total = (name) => Object.values(status.services).reduce((sum, service) => sum + service[name], 0);
    const sums = {
      at: now, uptime: status.uptime_seconds, requests: total('requests'),
      bytes: total('bytes_in') + total('bytes_out'), cpu: status.cpu_seconds,
    };
    // By the server's clock, which is read when the counters are: ours also has the wait in it.
    const seconds = this.before === null ? 0 : sums.uptime - this.before.uptime;
    const rate = (name) => seconds > 0 ? Math.max(0, sums[name] - this.before[name]) / seconds : null;
    this.charts.active.add(status.connections.active);
    this.charts.requests.add(rate('requests'));
    this.charts.traffic.add(rate('bytes'));
    this.charts.processor.add(rate('cpu'));
    this.charts.memory.add(status.processes.reduce((sum, one) => sum + (one.pss_bytes ?? one.rss_bytes), 0));
    this.before = sums;
    this.render();
    for (const listener of this.listeners) listener(status);
  }

  render() {
    const status = this.status;
    const chip = $('model');
    chip.textContent = status.model;
    chip.hidden = false;
    const says = hasText(`model_${status.model}`) ? t(`model_${status.model}`) : '';
    $('model-says').textContent = `${says} ${sharing(status)}`;
    let news = '';
    if (this.waitedMs > WORTH_TELLING) {
      news = `${t('hadToWait', {time: figures.duration(this.waitedMs / 1000)})} ${this.whyItWaits()}`;
    }
    notice($('waiting'), status.stopping ? stopping(status) : news);
    this.picture.draw(status);
    this.renderTables(status);
  }

  renderTables(status) {
    setRows($('connections'), status.open.slice(0, MAX_ROWS).map((one) => [
      one.service, one.peer, one.pid === one.tid ? one.pid : `${one.pid} / ${one.tid}`, t(one.doing),
      {number: figures.duration(one.age_seconds)}, {number: figures.count(one.requests)},
      ...['bytes_in', 'unread', 'bytes_out', 'unsent'].map((name) =>
          ({number: one[name] === undefined ? '' : figures.bytes(one[name])})),
    ]));
    const unlisted = status.connections.active - Math.min(status.open.length, MAX_ROWS);
    $('unlisted').textContent = unlisted > 0 ? t('unlisted', {n: figures.count(unlisted)}) : '';
    const rows = [];
    for (const process of status.processes) {
      rows.push([{number: process.pid}, {number: ''}, process.name, {number: ''}, {number: ''},
                 {number: figures.duration(process.cpu_seconds)},
                 {number: figures.bytes(process.pss_bytes ?? process.rss_bytes)}]);
      for (const worker of status.workers.filter((one) => one.pid === process.pid).slice(0, MAX_ROWS)) {
        const seconds = worker.cpu_seconds === undefined ? '' : figures.duration(worker.cpu_seconds);
        rows.push([{number: ''}, {number: worker.tid}, '', {number: worker.connections},
                   {number: figures.count(worker.requests)}, {number: seconds}, {number: ''}]);
      }
    }
    setRows($('processes'), rows.slice(0, 4 * MAX_ROWS));
  }
}

function stopping(status) {
  const left = status.drain?.seconds_left;
  return left === undefined ? t('stopping') : t('stoppingWithin', {time: figures.duration(left)});
}

// How the workers share the listeners, as far as the flags tell. An event loop that is alone has the flag as well.
function sharing(status) {
  const isPool = status.keeps_others_out === 'pool';
  if (!isPool && status.workers.length <= 1 || !('accept' in status.flags)) return t('sharing_one');
  const key = `sharing_${status.flags.accept}`;
  return hasText(key) ? t(key) : '';
}
