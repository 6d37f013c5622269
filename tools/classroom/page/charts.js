// Figures as text, and the chart of the slowest replies: the last minute, on a logarithmic scale, since a server that stands still is
// a thousand times slower than one that does not.
var PolyserveLab = typeof PolyserveLab === "undefined" ? {} : PolyserveLab;
(function (lab) {
  "use strict";
  const SPAN_S = 60, WIDTH = 320, HEIGHT = 62, LEFT = 46;
  const LOWEST_MS = 0.1, HIGHEST_MS = 20000;
  const LINES = [[1, "1 ms"], [100, "100 ms"], [10000, "10 s"]];

  // Three digits, and the unit that a person would take: [number, unit].
  function milliseconds(value) {
    if (value === null || value === undefined) return ["–", ""];
    if (value >= 999.5) return [(value / 1000).toFixed(value >= 9995 ? 0 : 1), "s"];
    return [value >= 9.995 ? value.toFixed(0) : value >= 0.995 ? value.toFixed(1) : value.toFixed(2), "ms"];
  }
  function mebibytes(kib) {
    const value = kib / 1024;
    return [value >= 99.5 ? value.toFixed(0) : value.toFixed(1), "MiB"];
  }
  const percent = (share) => share === null || share === undefined ? ["–", ""] : [(100 * share).toFixed(share < 0.0995 ? 1 : 0), "%"];
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;

  // Between 0, at the bottom, and 1.
  function height(ms) {
    const share = Math.log(Math.max(LOWEST_MS, ms) / LOWEST_MS) / Math.log(HIGHEST_MS / LOWEST_MS);
    return Math.min(1, share);
  }

  // The path of [[t, ms or null], ...] as it is seen at a time; a gap where there was no figure.
  function path(points, now) {
    let text = "", isOpen = false;
    for (const [t, ms] of points) {
      if (ms === null) { isOpen = false; continue; }
      const x = LEFT + (WIDTH - LEFT) * (1 - (now - t) / SPAN_S), y = HEIGHT - 3 - height(ms) * (HEIGHT - 8);
      text += `${isOpen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      isOpen = true;
    }
    return text;
  }

  class TailChart {
    constructor(parent) {
      this.svg = lab.make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMinYMid meet", role: "img",
                                   "aria-label": "The slowest of 100 replies in the last minute" });
      parent.append(this.svg);
      this.band = lab.make("rect", { class: "scene-band", y: 0, height: HEIGHT, width: 0 }, this.svg);
      for (const [ms, label] of LINES) {
        const y = HEIGHT - 3 - height(ms) * (HEIGHT - 8);
        lab.make("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }, this.svg);
        lab.make("text", { x: LEFT - 3, y: y + 3, "text-anchor": "end" }, this.svg).textContent = label;
      }
      this.line = lab.make("path", { class: "tail" }, this.svg);
      this.points = [];
    }

    add(t, ms) {
      this.points.push([t, ms]);
      while (this.points.length && this.points[0][0] < t - SPAN_S) this.points.shift();
    }

    // scene  when the scene began, and when it ended, if it has; null if there was none
    draw(now, scene) {
      this.line.setAttribute("d", path(this.points, now));
      const from = scene ? Math.max(now - SPAN_S, scene.began) : now, to = scene ? scene.ended ?? now : now;
      const x = LEFT + (WIDTH - LEFT) * (1 - (now - from) / SPAN_S);
      this.band.setAttribute("x", x);
      this.band.setAttribute("width", Math.max(0, (WIDTH - LEFT) * (to - from) / SPAN_S));
    }

    clear() { this.points = []; }
  }
  Object.assign(lab, { TailChart, milliseconds, mebibytes, percent, clock, height, path });
})(PolyserveLab);
if (typeof module !== "undefined") module.exports = PolyserveLab;
