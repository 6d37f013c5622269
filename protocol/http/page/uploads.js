// Uploads: one after the other, each with its progress and a way to cancel it; what goes wrong is said in words. A file
// that is there already is replaced only if the reader says so (If-None-Match: *).

import {el, encodePath} from './dom.js';
import * as figures from './figures.js';
import {t} from './texts.js';

export class Uploads {
  // `onStored` is called after each file that was stored.
  constructor(list, onStored) {
    this.list = list;
    this.onStored = onStored;
    this.most = Infinity;  // Bytes that the server takes, as far as is known.
    this.all = [];
    this.current = null;
  }

  add(file, directory) {
    const upload = new Upload(file, directory === '' ? file.name : `${directory}/${file.name}`, this);
    this.all.push(upload);
    this.list.append(upload.element);
    if (file.size > this.most) upload.end(() => t('tooLarge', {most: figures.bytes(this.most)}), true);
    this.next();
  }

  remove(upload) {
    this.all = this.all.filter((one) => one !== upload);
    upload.element.remove();
  }

  // One at a time: several at once would only share the same line, and under some models wait for each other.
  next() {
    if (this.current !== null) return;
    this.current = this.all.find((upload) => upload.isWaiting) ?? null;
    this.current?.start();
  }

  over(upload, isStored) {
    if (this.current === upload) this.current = null;
    if (isStored) this.onStored();
    this.next();
  }

  translate() {
    for (const upload of this.all) upload.render();
  }
}

class Upload {
  constructor(file, path, uploads) {
    this.file = file;
    this.path = path;
    this.uploads = uploads;
    this.isWaiting = true;
    this.isOver = false;
    this.isFailure = false;
    this.mayReplace = false;  // The reader may say so: there is a file of this name.
    this.replaces = false;    // The reader has said so.
    this.sent = 0;
    this.request = null;  // While it is under way.
    this.says = () => t('queuedUpload');
    this.bar = el('progress', {max: 1, value: 0, 'aria-label': path});
    this.text = el('span', {class: 'soft'});
    this.buttons = el('span', {class: 'buttons'});
    this.element = el('li', {class: 'card'}, el('strong', {}, path), this.text, this.bar, this.buttons);
    this.render();
  }

  // XMLHttpRequest, since fetch() does not tell how much was sent.
  start() {
    this.isWaiting = false;
    const request = new XMLHttpRequest();
    this.request = request;
    request.open('PUT', `/${encodePath(this.path)}`);
    if (!this.replaces) request.setRequestHeader('If-None-Match', '*');
    request.upload.addEventListener('progress', (event) => this.progress(event.loaded, event.total));
    request.addEventListener('load', () => this.answer(request.status, request.responseText.trim()));
    request.addEventListener('error', () => this.fail());
    request.addEventListener('abort', () => this.end(() => t('cancelled'), true));
    this.sent = 0;
    this.progress(0, this.file.size);
    request.send(this.file);
  }

  progress(sent, total) {
    this.sent = sent;
    const share = total > 0 ? sent / total : 1;
    this.bar.value = share;
    this.says = () => share < 1 ?
        t('uploading', {percent: figures.percent(share), size: figures.bytes(total)}) : t('storing');
    this.render();
  }

  answer(code, why) {
    if (code === 201 || code === 204) {
      const key = code === 201 ? 'stored' : 'replaced';
      return this.end(() => t(key), false);
    }
    const most = this.uploads.most;
    if (code === 412) {
      this.mayReplace = true;
      return this.end(() => t('exists'), true);
    }
    if (code === 413) {
      return this.end(() => most < Infinity ? t('tooLarge', {most: figures.bytes(most)}) : t('tooLargeUnknown'), true);
    }
    if (code === 507) return this.end(() => t('diskFull'), true);
    return this.end(() => t('refused', {why}), true);
  }

  // A folder that was dropped cannot be read, which looks the same as a connection that breaks; but nothing was sent.
  fail() {
    const isFolder = this.sent === 0 && this.file.size > 0 && this.file.type === '';
    this.end(() => isFolder ? t('noFolders', {name: this.file.name}) : t('brokenOff'), true);
  }

  // With one more try, which may replace what is there.
  again(replaces) {
    this.replaces = replaces;
    this.mayReplace = false;
    this.isWaiting = true;
    this.isOver = false;
    this.says = () => t('queuedUpload');
    this.element.classList.remove('failed', 'done');
    this.render();
    this.uploads.next();
  }

  end(says, isFailure) {
    this.request = null;
    this.isWaiting = false;
    this.isOver = true;
    this.isFailure = isFailure;
    this.says = says;
    this.element.classList.add(isFailure ? 'failed' : 'done');
    this.render();
    this.uploads.over(this, !isFailure);
  }

  cancel() {
    if (this.request !== null) return this.request.abort();
    this.end(() => t('cancelled'), true);
  }

  render() {
    this.text.textContent = this.says();
    this.bar.hidden = this.isOver;
    const button = (key, action) => el('button', {type: 'button', class: 'button quiet', onclick: action}, t(key));
    // Made anew only if they are others, so that none loses the focus while the progress moves on.
    const kind = `${this.isOver} ${this.isFailure} ${this.mayReplace} ${document.documentElement.lang}`;
    if (kind === this.kind) return;
    this.kind = kind;
    const buttons = [];
    if (!this.isOver) buttons.push(button('cancel', () => this.cancel()));
    if (this.isOver && this.mayReplace) buttons.push(button('replace', () => this.again(true)));
    if (this.isOver && this.isFailure && !this.mayReplace) buttons.push(button('retry', () => this.again(this.replaces)));
    if (this.isOver) buttons.push(button('remove', () => this.uploads.remove(this)));
    this.buttons.replaceChildren(...buttons);
  }
}
