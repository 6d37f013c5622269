// A card for each server: its name, what it does at the moment, the figures, the picture, and what was told of it.
var PolyserveLab = typeof PolyserveLab === "undefined" ? {} : PolyserveLab;
(function (lab) {
  "use strict";
  const FAMILIES = { loop: "loop", fork: "processes", multiprocess: "processes", exec: "processes", prefork: "processes",
                     hybrid: "processes", thread: "threads", threadpool: "threads", leader: "threads", halfsync: "threads",
                     staged: "threads", stealing: "threads", coroutine: "others", fiber: "others", uring: "others" };
  const NOTES = 2;

  function add(parent, tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    parent.append(element);
    return element;
  }

  // What a server does, in a word or three.
  function stateOf(server) {
    if (server.state === "ended") return "ended";
    if (server.state === "stopping") return "stopping";
    return server.waiting_s > 0 ? "stands still" : "serves";
  }

  // The class of its card.
  const classOf = (server) => server.state !== "serving" ? server.state : server.waiting_s > 0 ? "waits" : "serving";

  class Card {
    constructor(parent, server) {
      this.element = add(parent, "article", "");
      this.family = `${FAMILIES[server.model] || "events"}-model`;
      this.element.className = this.family;
      this.element.setAttribute("aria-label", server.name);
      const head = add(this.element, "header");
      this.name = add(head, "h3", "", server.name);
      this.state = add(head, "p", "state");
      this.figures = {};
      this.list("great", [["rate", "replies per second"], ["tail", "99 % within"]]);
      this.picture = new lab.Picture(add(this.element, "div", "picture"));
      this.chart = new lab.TailChart(add(this.element, "div", "chart"));
      this.list("small", [["memory", "memory"], ["cpu", "processor"], ["processes", "processes"], ["threads", "threads"]]);
      this.says = add(this.element, "p", "says");
      this.notes = [];
      this.model = server.model;
      this.flags = server.flags;
    }

    list(className, rows) {
      const list = add(this.element, "dl", className);
      for (const [key, title] of rows) {
        const row = add(list, "div");
        const term = add(row, "dt", "", title);
        this.figures[key] = { term, value: add(row, "dd") };
      }
    }

    put(key, [number, unit]) {
      const value = this.figures[key].value;
      value.textContent = number;
      if (unit) add(value, "small", "", ` ${unit}`);
    }

    // A moment of this server. t: when, in seconds.
    take(t, server) {
      this.last = server;
      this.chart.add(t, server.p99_ms);
    }

    draw(now, scene) {
      const server = this.last;
      this.chart.draw(now, scene);
      if (!server) return;
      this.element.className = `${this.family} ${classOf(server)}`;
      this.name.textContent = this.model;
      add(this.name, "small", "", [...this.flags, ...server.flags].join(" "));
      this.state.textContent = stateOf(server);
      const isWaiting = server.waiting_s > 0;
      this.figures.rate.term.textContent = isWaiting ? "no reply for" : "replies per second";
      this.put("rate", isWaiting ? lab.milliseconds(1000 * server.waiting_s)
        : [server.state === "ended" ? "0" : server.replies_per_s === null ? "–" : server.replies_per_s.toFixed(0), ""]);
      this.put("tail", server.state === "ended" ? ["–", ""] : lab.milliseconds(server.p99_ms));
      this.put("memory", lab.mebibytes(server.memory_kib));
      this.put("cpu", lab.percent(server.cpu));
      this.put("processes", [String(server.processes), ""]);
      this.put("threads", [String(server.threads), ""]);
      this.picture.show(server);
    }

    tell(text) {
      this.notes = [...this.notes, text].slice(-NOTES);
      this.says.replaceChildren(...this.notes.map((note) => Object.assign(document.createElement("span"), { textContent: note })));
    }

    forget() {
      this.notes = [];
      this.says.replaceChildren();
    }
  }
  Object.assign(lab, { Card, add, stateOf, classOf });
})(PolyserveLab);
if (typeof module !== "undefined") module.exports = PolyserveLab;
