// Library: the directory in the address's fragment as a list, which the server makes (?format=json) and the page sorts
// and filters. Uploads are in uploads.js.

import {$, el, encodePath, notice} from './dom.js';
import * as figures from './figures.js';
import {t} from './texts.js';
import {Uploads} from './uploads.js';

const ORDERS = {
  name: (a, b) => a.name.localeCompare(b.name, undefined, {numeric: true}),
  size: (a, b) => (a.size ?? -1) - (b.size ?? -1),
  date: (a, b) => a.mtime - b.mtime,
};

// A list that is longer is cut, since a browser would stand still over it; the search finds the rest.
const MAX_ROWS = 1000;

export class Library {
  constructor(live) {
    this.path = '';
    this.entries = [];
    this.order = {by: 'name', isDown: false};
    this.isReadOnly = false;
    this.problem = null;  // A function that makes the text, so that it follows the language.
    this.uploads = new Uploads($('uploads'), () => this.load());
    live.onStatus((status) => this.learn(status));
    this.listen();
  }

  listen() {
    $('search').addEventListener('input', () => this.render());
    for (const button of document.querySelectorAll('#files th button')) {
      button.addEventListener('click', () => this.sortBy(button.dataset.sort));
    }
    $('upload').addEventListener('change', (event) => {
      this.put(event.target.files);
      event.target.value = '';  // So that the same file can be chosen again.
    });
    const section = $('library');
    section.addEventListener('dragover', (event) => {
      if (this.isReadOnly || !event.dataTransfer.types.includes('Files')) return;
      event.preventDefault();
      $('drop').classList.add('over');
    });
    section.addEventListener('dragleave', (event) => {
      if (!section.contains(event.relatedTarget)) $('drop').classList.remove('over');
    });
    section.addEventListener('drop', (event) => {
      event.preventDefault();
      $('drop').classList.remove('over');
      if (!this.isReadOnly) this.put(event.dataTransfer.files);
    });
  }

  learn(status) {
    this.isReadOnly = status.library.read_only;
    this.uploads.most = status.library.max_file_bytes ?? Infinity;
    $('choose').hidden = this.isReadOnly;
    $('drop-hint').textContent = t(this.isReadOnly ? 'readOnly' : 'dropHint');
  }

  put(files) {
    for (const file of files) this.uploads.add(file, this.path);
  }

  show(path) {
    const isOther = path !== this.path;
    this.path = path;
    if (isOther) {
      this.entries = [];
      $('search').value = '';
    }
    this.load();
  }

  hide() {}

  translate() {
    $('drop-hint').textContent = t(this.isReadOnly ? 'readOnly' : 'dropHint');
    this.uploads.translate();
    this.render();
  }

  async load() {
    const path = this.path;
    const url = path === '' ? '/' : `/${encodePath(path)}/`;
    this.problem = () => t('loading');
    this.render();
    let problem = null;
    let entries = [];
    try {
      const reply = await fetch(`${url}?format=json`, {cache: 'no-store'});
      const isList = (reply.headers.get('Content-Type') ?? '').startsWith('application/json');
      if (!reply.ok) {
        const why = await reply.text();
        problem = () => t('cannotList', {why: why.trim()});
      } else if (!isList) {
        problem = () => t('hasIndex');
        this.index = url;
      } else {
        entries = (await reply.json()).entries;
      }
    } catch (error) {
      problem = () => t('cannotList', {why: error.message});
    }
    if (path !== this.path) return;  // The reader is elsewhere by now.
    this.problem = problem;
    this.entries = entries;
    if (problem === null) this.index = null;
    this.render();
  }

  sortBy(by) {
    this.order = {by, isDown: this.order.by === by ? !this.order.isDown : by !== 'name'};
    this.render();
  }

  render() {
    this.renderPath();
    const wanted = $('search').value.trim().toLowerCase();
    const found = this.entries.filter((entry) => entry.name.toLowerCase().includes(wanted));
    const compare = ORDERS[this.order.by];
    // Directories stay together, above the files.
    found.sort((a, b) => Number(b.directory ?? false) - Number(a.directory ?? false) ||
                         (this.order.isDown ? -1 : 1) * compare(a, b) || ORDERS.name(a, b));
    for (const button of document.querySelectorAll('#files th button')) {
      const isPresent = button.dataset.sort === this.order.by;
      button.parentElement.setAttribute('aria-sort',
                                        !isPresent ? 'none' : this.order.isDown ? 'descending' : 'ascending');
    }
    $('files').tBodies[0].replaceChildren(...found.slice(0, MAX_ROWS).map((entry) => this.rowOf(entry)));
    this.say(wanted, Math.min(found.length, MAX_ROWS));
  }

  say(wanted, shown) {
    const says = $('library-says');
    const all = this.entries.length;
    const word = shown === all ? t('shown', {n: all}) : t('shownOf', {n: shown, all});
    const nothing = wanted === '' ? t('empty') : t('nothingFound', {text: wanted});
    notice(says, this.problem !== null ? this.problem() : shown === 0 ? nothing : word);
    if (this.problem !== null && this.index) says.append(' ', el('a', {href: this.index}, t('openIndex')));
  }

  renderPath() {
    const parts = this.path === '' ? [] : this.path.split('/');
    const links = [el('a', {href: '#library'}, t('root'))];
    parts.forEach((part, at) => {
      const href = `#library/${encodePath(parts.slice(0, at + 1).join('/'))}`;
      links.push(' / ', at === parts.length - 1 ? el('span', {'aria-current': 'true'}, part) : el('a', {href}, part));
    });
    $('path').replaceChildren(...links);
  }

  rowOf(entry) {
    const path = this.path === '' ? entry.name : `${this.path}/${entry.name}`;
    const link = entry.directory ?
        el('a', {href: `#library/${encodePath(path)}`}, `${entry.name}/`) :
        el('a', {href: `/${encodePath(path)}`, download: entry.name}, entry.name);
    return el('tr', {}, el('td', {}, link),
              el('td', {class: 'number'}, entry.directory ? '' : figures.bytes(entry.size)),
              el('td', {class: 'number wide'}, figures.date(entry.mtime)));
  }
}
