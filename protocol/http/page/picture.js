// The model's picture: listeners above, the server's processes below, in them their threads, and on each thread a dot
// for each connection that it serves. All of it is drawn from one status; nothing is assumed about the model.
//
//    http :8080      chat :8085           a listener; dots below it are clients that no accept(2) has taken
//   ──────┴──────────────┴────────
//   ┌ process 17350 · server ─────┐
//   │ thread 17351  ○ ● ○         │       a lane: a thread that serves clients
//   └─────────────────────────────┘
//
// The frame (all but the dots) is made anew when it changes; the dots stay the same elements, so that they move.

import {el, svg} from './dom.js';
import {duration} from './figures.js';
import {t} from './texts.js';

const GAP = 12;
const PILL = {width: 138, height: 30};
const BOX = {least: 190, leastOnPhone: 150, head: 30, pad: 12};
const LANE = {least: 132, label: 18, dots: 18, pad: 6};
const DOT = 15;               // From one dot to the next.
const MAX_BOXES = 48;         // More would be a texture, not a picture; the text says how many there are.
const MAX_LANES = 96;
const MAX_DOTS = 120;         // On one lane.
const MAX_QUEUED = 7;
const FADE = 700;             // Milliseconds; as in style.css.

export class Picture {
  constructor(element) {
    this.frame = svg('g');
    this.dotsGroup = svg('g');
    this.svg = svg('svg', {role: 'img'}, this.frame, this.dotsGroup);
    this.more = el('p', {class: 'soft'});
    element.append(this.svg, this.more);
    this.element = element;
    this.dots = new Map();  // By connection: {group, x, y}
    this.drawn = '';
    this.status = null;
    new ResizeObserver(() => this.status !== null && this.draw(this.status)).observe(element);
  }

  draw(status) {
    this.status = status;
    const width = Math.max(280, Math.floor(this.element.clientWidth));
    const boxes = boxesOf(status);
    const layout = new Layout(width, status, boxes.slice(0, MAX_BOXES));
    const frame = JSON.stringify([width, layout.pills, layout.boxes, document.documentElement.lang]);
    if (frame !== this.drawn) {
      this.drawn = frame;
      this.frame.replaceChildren(...layout.draw());
      this.svg.setAttribute('viewBox', `0 0 ${width} ${layout.height}`);
      this.svg.setAttribute('width', width);
      this.svg.setAttribute('height', layout.height);
    }
    this.moveDots(status, layout);
    const hidden = boxes.length - Math.min(boxes.length, MAX_BOXES);
    this.more.textContent = hidden > 0 ? t('andMore', {n: hidden}) : '';
    this.svg.setAttribute('aria-label', t('pictureOf', {
      processes: boxes.length, workers: status.workers.length, open: status.connections.active,
      queued: status.listeners.reduce((sum, listener) => sum + (listener.waiting ?? 0), 0),
    }));
  }

  moveDots(status, layout) {
    const present = new Set();
    for (const connection of status.open) {
      const at = layout.takePlace(connection.tid);
      if (at === null) continue;
      const key = `${connection.tid} ${connection.service} ${connection.peer}`;
      present.add(key);
      const dot = this.dots.get(key) ?? this.addDot(key, layout.sourceOf(connection.service));
      dot.group.setAttribute('class', `dot ${connection.doing}`);
      dot.title.textContent = `${connection.service} ${connection.peer}: ${t(connection.doing)}, ` +
                              duration(connection.age_seconds);
      if (dot.x !== at.x || dot.y !== at.y) place(dot, at.x, at.y);
    }
    for (const [key, dot] of this.dots) {
      if (present.has(key)) continue;
      this.dots.delete(key);
      dot.group.classList.add('gone');
      setTimeout(() => dot.group.remove(), FADE);
    }
  }

  // It appears at its listener, and moves from there to its thread: the browser must have drawn it there once.
  addDot(key, from) {
    const title = svg('title');
    const group = svg('g', {}, title, svg('circle', {r: 5}), svg('path', {class: 'tri', d: 'M-5 -5L6 0L-5 5z'}),
                      svg('path', {class: 'cross', d: 'M-4 -4L4 4M4 -4L-4 4'}));
    const dot = {group, title, x: from.x, y: from.y};
    place(dot, from.x, from.y);
    this.dotsGroup.append(group);
    this.dots.set(key, dot);
    group.getBoundingClientRect();
    return dot;
  }
}

function place(dot, x, y) {
  dot.x = x;
  dot.y = y;
  dot.group.style.transform = `translate(${x}px, ${y}px)`;
}

// The processes with their lanes: the server first, then those that serve, then the others (the chat's hub, a fork
// server).
function boxesOf(status) {
  const boxes = new Map();
  const boxOf = (pid) => {
    if (!boxes.has(pid)) boxes.set(pid, {pid, name: '', isServer: pid === status.pid, lanes: []});
    return boxes.get(pid);
  };
  for (const process of status.processes) boxOf(process.pid).name = process.name;
  for (const worker of status.workers) {
    const lanes = boxOf(worker.pid).lanes;
    const answers = worker.tid === status.answered_by.tid;
    if (lanes.length < MAX_LANES) lanes.push({tid: worker.tid, connections: worker.connections, answers});
  }
  const rank = (box) => box.isServer ? 0 : box.lanes.length > 0 ? 1 : 2;
  return [...boxes.values()].sort((a, b) => rank(a) - rank(b) || a.pid - b.pid);
}

// Where everything is, for one width.
class Layout {
  constructor(width, status, boxes) {
    this.width = width;
    this.places = new Map();  // By thread: the places of its dots that are not taken yet.
    this.height = 0;
    this.layPills(status);
    this.layBoxes(boxes);
  }

  layPills(status) {
    const perRow = Math.max(1, Math.floor((this.width + GAP) / (PILL.width + GAP)));
    const rowHeight = PILL.height + DOT + 8;
    this.pills = status.listeners.map((listener, at) => ({
      x: (at % perRow) * (PILL.width + GAP),
      y: Math.floor(at / perRow) * rowHeight,
      service: listener.service,
      port: listener.address.slice(listener.address.lastIndexOf(':')),
      address: listener.address,
      isUdp: listener.transport === 'udp',
      waiting: listener.waiting ?? 0,
    }));
    this.rail = Math.ceil(this.pills.length / perRow) * rowHeight;
    this.height = this.rail + (this.pills.length > 0 ? 16 : 0);
  }

  layBoxes(boxes) {
    const least = this.width < 500 ? BOX.leastOnPhone : BOX.least;
    const columns = Math.max(1, Math.min(boxes.length, Math.floor((this.width + GAP) / (least + GAP))));
    const width = (this.width - GAP * (columns - 1)) / columns;
    this.boxes = [];
    for (let first = 0; first < boxes.length; first += columns) {
      const row = boxes.slice(first, first + columns).map((box, at) => this.layBox(box, at * (width + GAP), width));
      const height = Math.max(...row.map((box) => box.height));
      for (const box of row) box.height = height;
      this.boxes.push(...row);
      this.height += height + GAP;
    }
  }

  layBox(box, x, width) {
    const inner = width - 2 * BOX.pad;
    const columns = Math.max(1, Math.min(box.lanes.length, Math.floor(inner / LANE.least)));
    const laneWidth = inner / columns;
    const dotsPerRow = Math.max(1, Math.floor((laneWidth - 8) / DOT));
    const y = this.height;
    let top = y + BOX.head;
    const lanes = [];
    for (let first = 0; first < box.lanes.length; first += columns) {
      const row = box.lanes.slice(first, first + columns);
      const most = Math.max(...row.map((lane) => Math.min(lane.connections, MAX_DOTS)));
      const dotRows = Math.max(1, Math.ceil(most / dotsPerRow));
      row.forEach((lane, at) => {
        const left = x + BOX.pad + at * laneWidth;
        lanes.push({tid: lane.tid, isMain: lane.tid === box.pid, answers: lane.answers, x: left, y: top,
                    more: Math.max(0, lane.connections - MAX_DOTS)});
        this.layPlaces(lane.tid, left + 6, top + LANE.label + 9, dotsPerRow, dotRows);
      });
      top += LANE.label + dotRows * LANE.dots + LANE.pad;
    }
    if (box.lanes.length === 0) top += LANE.label;
    return {pid: box.pid, name: box.name, isServer: box.isServer, lanes, x, y, width, height: top - y + BOX.pad / 2};
  }

  layPlaces(tid, x, y, perRow, rows) {
    const places = [];
    for (let at = 0; at < perRow * rows; ++at) {
      places.push({x: Math.round(x + (at % perRow) * DOT), y: Math.round(y + Math.floor(at / perRow) * LANE.dots)});
    }
    this.places.set(tid, places);
  }

  // Null: the lane is not in the picture, or full.
  takePlace(tid) {
    return this.places.get(tid)?.shift() ?? null;
  }

  sourceOf(service) {
    const pill = this.pills.find((one) => one.service === service && !one.isUdp);
    if (pill === undefined) return {x: 0, y: 0};
    return {x: pill.x + PILL.width / 2, y: pill.y + PILL.height + DOT / 2};
  }

  draw() {
    return [...this.drawRail(), ...this.pills.map(drawPill), ...this.boxes.map(drawBox)];
  }

  // What leads from the listeners to the processes of the first row: a line that all share, since which of them takes
  // the next client is the kernel's choice, or the model's; the text above says how it is made.
  drawRail() {
    if (this.pills.length === 0 || this.boxes.length === 0) return [];
    const top = this.boxes[0].y;
    const firstRow = this.boxes.filter((box) => box.y === top);
    const downs = [...this.pills.map((pill) => pill.x + PILL.width / 2),
                   ...firstRow.map((box) => box.x + box.width / 2)];
    const lines = [`M${Math.min(...downs)} ${this.rail}H${Math.max(...downs)}`];
    for (const pill of this.pills) lines.push(`M${pill.x + PILL.width / 2} ${pill.y + PILL.height}V${this.rail}`);
    for (const box of firstRow) lines.push(`M${box.x + box.width / 2} ${this.rail}V${top}`);
    return [svg('path', {class: 'rail', d: lines.join('')})];
  }
}

function drawPill(pill) {
  const middle = pill.x + PILL.width / 2;
  const label = svg('text', {x: middle, y: pill.y + 19, 'text-anchor': 'middle'},
                    svg('tspan', {class: 'strong'}, pill.service), ` ${pill.port}${pill.isUdp ? ' udp' : ''}`);
  const group = svg('g', {class: pill.isUdp ? 'pill udp' : 'pill'},
                    svg('title', {}, `${pill.service} ${pill.address}`),
                    svg('rect', {x: pill.x, y: pill.y, width: PILL.width, height: PILL.height, rx: 15}), label);
  const shown = Math.min(pill.waiting, MAX_QUEUED);
  for (let at = 0; at < shown; ++at) {
    group.append(svg('circle', {class: 'dot queued', r: 5, cx: middle + (at - (shown - 1) / 2) * DOT,
                                cy: pill.y + PILL.height + DOT / 2 + 2}));
  }
  if (pill.waiting > shown) {
    group.append(svg('text', {x: pill.x + PILL.width, y: pill.y + PILL.height + DOT / 2 + 6, 'text-anchor': 'end',
                              class: 'queue'}, `+${pill.waiting - shown}`));
  }
  return group;
}

function drawBox(box) {
  const name = box.isServer ? t('server') : box.name;
  const title = box.width < BOX.least ? String(box.pid) : t('process', {pid: box.pid});
  const group = svg('g', {class: box.lanes.length > 0 ? 'box' : 'box idle'},
                    svg('rect', {x: box.x, y: box.y, width: box.width, height: box.height, rx: 8}),
                    svg('text', {x: box.x + BOX.pad, y: box.y + 20},
                        svg('tspan', {class: 'strong'}, title), ` · ${name}`));
  if (box.lanes.length === 0) {
    group.append(svg('text', {class: 'soft', x: box.x + BOX.pad, y: box.y + BOX.head + 10}, t('noWorker')));
  }
  for (const lane of box.lanes) {
    const label = lane.isMain ? t('mainThread') : t('thread', {tid: lane.tid});
    const more = lane.more > 0 ? `, ${t('andMore', {n: lane.more})}` : '';
    group.append(svg('text', {class: lane.answers ? 'lane answers' : 'lane', x: lane.x, y: lane.y + 12},
                     svg('title', {}, lane.answers ? t('answersYou') : label),
                     `${label}${lane.answers ? ' ◂' : ''}${more}`));
  }
  return group;
}
