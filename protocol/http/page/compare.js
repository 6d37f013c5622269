// Compare: the reports that lie in the root of the library, the latest first, and how to make one.

import {$, el, encodePath} from './dom.js';
import {date} from './figures.js';
import {t} from './texts.js';

const IS_REPORT = /report.*\.html?$/i;

export class Compare {
  constructor() {
    this.reports = null;  // Null: not known.
  }

  async show() {
    try {
      const reply = await fetch('/?format=json', {cache: 'no-store'});
      const isList = (reply.headers.get('Content-Type') ?? '').startsWith('application/json');
      const entries = reply.ok && isList ? (await reply.json()).entries : [];
      this.reports = entries.filter((entry) => !entry.directory && IS_REPORT.test(entry.name));
      this.reports.sort((a, b) => b.mtime - a.mtime);
    } catch {
      this.reports = null;
    }
    this.translate();
  }

  hide() {}

  translate() {
    const rows = (this.reports ?? []).map((entry) => el('li', {},
        el('a', {href: `/${encodePath(entry.name)}`}, t('reportOf', {name: entry.name, date: date(entry.mtime)}))));
    if (this.reports !== null && rows.length === 0) rows.push(el('li', {class: 'soft'}, t('noReport')));
    $('reports').replaceChildren(...rows);
  }
}
