// Chat: the room by WebSocket, in the words of the chat service (docs/protocols.md): L joins, C speaks, E leaves. The
// connection is made when one joins, not before: under some models it takes a worker, or the whole server.

import {$, el, notice} from './dom.js';
import {clock, duration} from './figures.js';
import {t} from './texts.js';

const MAX_LINE_BYTES = 1024;
const MAX_MESSAGES = 500;                    // The oldest are forgotten.
const PAUSES = [1000, 2000, 4000, 8000, 15000];  // Between attempts to come back, in milliseconds.

const JOINED = /^欢迎 '(.*)' 进入聊天室$/u;
const LEFT = /^'(.*)' 退出聊天室$/u;
const ERROR = /^ERR (\d{3}) (.*)$/u;           // No member can say this: names have no blanks.
const PRIVATE = /^(\S+) -> (\S+) : (.*)$/u;   // The same.
const TO = /^\/to +(\S+) +(.*)$/iu;           // What is typed for private words.
const COMMAND = /^\/[a-z]+( |$)/iu;           // Other commands; what they do comes as a message.
const PUT_OUT = '410';

export class Chat {
  constructor(live) {
    this.socket = null;
    this.name = '';
    this.isMember = false;
    this.wantsIn = false;   // To be in the room: then a lost connection is made again.
    this.attempts = 0;
    this.says = () => '';
    this.ways = () => t('chatOnly');
    live.onStatus((status) => this.learn(status));
    $('join').addEventListener('submit', (event) => {
      event.preventDefault();
      this.name = $('chat-name').value.trim();
      if (this.name !== '') this.enter();
    });
    $('leave').addEventListener('click', () => this.leave());
    $('say').addEventListener('submit', (event) => {
      event.preventDefault();
      this.speak($('text').value);
    });
  }

  learn(status) {
    const at = (transport) => status.listeners.filter((one) => one.service === 'chat' && one.transport === transport)
                                  .map((one) => one.address).join(', ') || '–';
    const takesAll = status.keeps_others_out !== 'none';
    this.ways = () => `${t('chatWays', {tcp: at('tcp'), udp: at('udp')})} ${takesAll ? t('chatTakesAll') : ''}`;
    this.translate();
  }

  show() {
    this.translate();
    ($('text').disabled ? $('chat-name') : $('text')).focus({preventScroll: true});
  }

  hide() {}

  translate() {
    $('chat-ways').textContent = this.ways();
    notice($('chat-state'), this.says());
  }

  state(says) {
    this.says = says;
    notice($('chat-state'), says());
    $('chat-name').disabled = this.wantsIn;
    document.querySelector('#join [type=submit]').hidden = this.wantsIn;
    $('leave').hidden = !this.wantsIn;
    $('text').disabled = !this.isMember;
    document.querySelector('#say button').disabled = !this.isMember;
  }

  enter() {
    this.wantsIn = true;
    this.attempts = 0;
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    this.state(() => t('connecting'));
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    // Beside this page, whatever path a proxy has put it under.
    const socket = new WebSocket(`${scheme}//${location.host}${location.pathname.replace(/[^/]*$/, '')}chat`);
    this.socket = socket;
    socket.addEventListener('open', () => socket.send(`L ${this.name}`));
    socket.addEventListener('message', (event) => this.hear(event.data));
    socket.addEventListener('close', () => this.socket === socket && this.lost());
  }

  // The connection is gone, whether it was ever made or not.
  lost() {
    this.socket = null;
    this.isMember = false;
    if (!this.wantsIn) return this.state(this.says);
    const pause = PAUSES[Math.min(this.attempts++, PAUSES.length - 1)];
    this.state(() => t('reconnecting', {time: duration(pause / 1000)}));
    this.timer = setTimeout(() => this.connect(), pause);
  }

  leave() {
    clearTimeout(this.timer);
    this.wantsIn = false;
    if (this.isMember) this.socket.send(`E ${this.name}`);
    this.socket?.close(1000);
    this.socket = null;
    this.isMember = false;
    this.state(() => t('left'));
    $('chat-name').focus();
  }

  // A line of the server: an answer to what we said, or what another member says.
  hear(line) {
    if (!this.isMember) return this.hearAnswerToJoin(line);
    const error = ERROR.exec(line);
    if (error !== null && error[1] === PUT_OUT) return this.hearPutOut(error[2]);
    if (error !== null) return this.add('note', null, () => t('notSaid', {why: error[2]}));
    if (line === 'OK' || line === 'EXIT') return;
    const joined = JOINED.exec(line);
    if (joined !== null) return this.add('note', null, () => t('hasJoined', {name: joined[1]}));
    const left = LEFT.exec(line);
    if (left !== null) return this.add('note', null, () => t('hasLeft', {name: left[1]}));
    const own = PRIVATE.exec(line);
    if (own !== null) return this.add('theirs private', t('toYou', {name: own[1]}), () => own[3]);
    const colon = line.indexOf(' : ');
    if (colon < 0) return this.add('note', null, () => line);
    this.add('theirs', line.slice(0, colon), () => line.slice(colon + 3));
  }

  // The connection ends behind this line, and is not made again.
  hearPutOut(why) {
    this.wantsIn = false;
    this.isMember = false;
    this.socket.close(1000);
    this.socket = null;
    this.add('note', null, () => t('putOut', {why}));
    this.state(() => t('putOut', {why}));
  }

  // A name that another has may still be ours, of a connection that the server has not missed yet: after a loss it is
  // tried again.
  hearAnswerToJoin(line) {
    if (line === 'OK') {
      this.isMember = true;
      this.attempts = 0;
      this.state(() => t('joined', {name: this.name}));
      return $('text').focus();
    }
    if (line.startsWith('ERR 409') && this.attempts > 0) return this.socket.close(1000);
    const why = line.replace(/^ERR \d+ /, '');
    const isTaken = line.startsWith('ERR 409');
    this.wantsIn = false;
    this.socket.close(1000);
    this.socket = null;
    this.state(() => isTaken ? t('nameTaken') : t('nameBad', {why}));
    $('chat-name').focus();
  }

  // The server does not send a member its own words. A blank in front of a slash says that it is a text.
  speak(text) {
    const said = text.replace(/\s+/g, ' ').trim();
    if (said === '' || !this.isMember) return;
    const isCommand = text.startsWith('/') && COMMAND.test(said);
    const line = `C ${this.name} ${COMMAND.test(said) && !isCommand ? ' ' : ''}${said}`;
    if (new TextEncoder().encode(line).length >= MAX_LINE_BYTES) return this.add('note', null, () => t('longLine'));
    this.socket.send(line);
    const to = TO.exec(said);
    if (!isCommand) {
      this.add('mine', this.name, () => said);
    } else if (to !== null) {
      this.add('mine private', t('toThem', {name: to[1]}), () => to[2]);
    }
    $('text').value = '';
  }

  // Keeps the end in view, unless the reader has scrolled up to read something.
  add(kind, name, text) {
    const list = $('messages');
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    const message = el('div', {class: kind}, name === null ? null : el('strong', {}, name), el('span', {}, text()),
                       el('time', {}, clock(new Date())));
    list.append(message);
    while (list.children.length > MAX_MESSAGES) list.firstChild.remove();
    if (isAtEnd) list.scrollTop = list.scrollHeight;
  }
}
