// A figure with its last minutes as a line: plain SVG, a path that is drawn anew with each value.

import {el, svg} from './dom.js';
import {t} from './texts.js';

const WIDTH = 200;
const HEIGHT = 48;
// Three minutes at one value in two seconds. A fixed number rather than a fixed time: a value that came late because the
// page had to wait is a value like the others, and the gap would be drawn as a slope that never was.
const MOST = 90;
const LEAST = 30;  // The line of a page that was just opened is not a dot at the edge.

export class Figure {
  // `key` names the texts; `format` writes a value; `floor` is the least range of the scale, so that noise around zero
  // does not fill the chart.
  constructor(key, format, floor) {
    this.key = key;
    this.format = format;
    this.floor = floor;
    this.values = [];
    this.label = el('h2', {}, t(key));
    this.now = el('p', {class: 'now'}, '–');
    this.area = svg('path', {class: 'area'});
    this.line = svg('path', {class: 'line'});
    this.most = el('p', {class: 'most'}, '\u00a0');
    // The value itself is text beside it, so the line is decoration to a screen reader.
    const chart = svg('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true'},
                      this.area, this.line);
    this.element = el('div', {class: 'card figure'}, this.label, this.now, chart, this.most);
  }

  // null: not known.
  add(value) {
    this.values.push(value);
    if (this.values.length > MOST) this.values.shift();
    this.draw();
  }

  draw() {
    this.label.textContent = t(this.key);
    const known = this.values.filter((value) => value !== null);
    const last = this.values[this.values.length - 1];
    this.now.textContent = last === null || last === undefined ? '–' : this.format(last);
    if (known.length < 2) return;
    const most = Math.max(...known);
    const scale = Math.max(most, this.floor);
    this.most.textContent = t('most', {value: this.format(most)});
    const steps = Math.min(Math.max(this.values.length, LEAST), MOST) - 1;
    const x = (at) => WIDTH - (this.values.length - 1 - at) * WIDTH / steps;
    const y = (value) => HEIGHT - 2 - (HEIGHT - 6) * value / scale;
    const points = [];
    this.values.forEach((value, at) => {
      if (value !== null) points.push(`${x(at).toFixed(1)} ${y(value).toFixed(1)}`);
    });
    const line = `M${points.join('L')}`;
    const first = points[0].split(' ')[0];
    const end = points[points.length - 1].split(' ')[0];
    this.line.setAttribute('d', line);
    this.area.setAttribute('d', `${line}L${end} ${HEIGHT}L${first} ${HEIGHT}Z`);
  }
}
