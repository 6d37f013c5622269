// Writes numbers for people, in the page's language.

import {language} from './texts.js';

const number = (digits) => new Intl.NumberFormat(language(), {maximumFractionDigits: digits});

export function count(value) {
  return number(value < 10 ? 1 : 0).format(value);
}

// 1536 -> "1.5 KiB"
export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; ++unit) value /= 1024;
  return `${number(unit > 0 && value < 100 ? 1 : 0).format(value)} ${units[unit]}`;
}

// Seconds: "0.4 s", "12 s", "3 min", "5 h"
export function duration(seconds) {
  if (seconds < 10) return `${number(1).format(seconds)} s`;
  if (seconds < 90) return `${number(0).format(seconds)} s`;
  if (seconds < 5400) return `${number(0).format(seconds / 60)} min`;
  return `${number(0).format(seconds / 3600)} h`;
}

export function percent(share) {
  return `${number(share < 0.1 ? 1 : 0).format(share * 100)} %`;
}

// Seconds since 1970, in the reader's own time zone.
export function date(seconds) {
  const format = new Intl.DateTimeFormat(language(), {dateStyle: 'medium', timeStyle: 'short'});
  return format.format(new Date(seconds * 1000));
}

export function clock(time) {
  return new Intl.DateTimeFormat(language(), {timeStyle: 'short'}).format(time);
}
