// Where events come from: the lab's own server, or a recording in the page.
var PolyserveLab = typeof PolyserveLab === "undefined" ? {} : PolyserveLab;
(function (lab) {
  "use strict";

  // Each source calls take(event) for each event, and told(text) with what goes wrong ("" when it is over). reset() means that the
  // events begin anew.
  class LiveSource {
    constructor({ take, told }) {
      const events = new EventSource("events");
      events.onmessage = (message) => { told(""); take(JSON.parse(message.data)); };
      events.onerror = () => told("The lab does not answer; it may have ended.");
      this.told = told;
    }
    begin(name) { this.order(`scenes/${name}`); }
    end() { this.order("end"); }
    async order(path) {
      try {
        const reply = await fetch(path, { method: "POST", headers: { "X-Polyserve-Lab": "1" } });
        if (!reply.ok) this.told(await reply.text());
      } catch (error) {
        this.told("The lab does not answer; it may have ended.");
      }
    }
  }

  // How many events of a recording have happened at a time.
  function happened(events, t) {
    let low = 0, high = events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (events[middle].t <= t) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // Where a scene begins in a recording: [{name, from, to}].
  function chapters(events) {
    const found = [];
    for (const event of events) {
      if (event.event !== "scene") continue;
      if (event.phase === "begin") found.push({ name: event.name, from: event.t, to: events[events.length - 1].t });
      if (event.phase === "end" && found.length) found[found.length - 1].to = event.t;
    }
    return found;
  }

  // Where "#at=12.5" in the page's address leads; null if there is no such thing.
  function asked(fragment) {
    const match = /^#at=(\d+(?:\.\d+)?)$/.exec(fragment);
    return match ? Number(match[1]) : null;
  }

  class Recording {
    // at  where it begins, and stands; null to play from just before the first scene
    constructor(events, at, { take, reset, moved }) {
      Object.assign(this, { events, take, reset, moved });
      this.length = events[events.length - 1].t;
      this.chapters = chapters(events);
      this.begins = this.chapters.length ? Math.max(0, this.chapters[0].from - 3) : 0;
      this.done = 0;
      this.seek(at ?? this.begins);
      this.isPlaying = at === null;
      this.moved(this);
      this.before = performance.now();
      requestAnimationFrame((now) => this.tick(now));
    }

    tick(now) {
      const passed = (now - this.before) / 1000;
      this.before = now;
      if (this.isPlaying) {
        this.t = Math.min(this.length, this.t + Math.min(1, passed));
        this.catchUp();
        if (this.t >= this.length) this.isPlaying = false;
      }
      requestAnimationFrame((next) => this.tick(next));
    }

    catchUp() {
      const until = happened(this.events, this.t);
      for (; this.done < until; this.done += 1) this.take(this.events[this.done]);
      this.moved(this);
    }

    seek(t) {
      this.t = Math.max(0, Math.min(this.length, t));
      if (happened(this.events, this.t) < this.done || !this.done) {
        this.done = 0;
        this.reset();
      }
      this.catchUp();
    }

    toggle() {
      if (!this.isPlaying && this.t >= this.length) this.seek(this.begins);
      this.isPlaying = !this.isPlaying;
      this.moved(this);
    }

    // A button of a scene leads to where it was played.
    begin(name) {
      const chapter = this.chapters.find((one) => one.name === name);
      if (!chapter) return;
      this.seek(chapter.from);
      this.isPlaying = true;
      this.moved(this);
    }
    end() {
      this.isPlaying = false;
      this.moved(this);
    }
  }
  Object.assign(lab, { LiveSource, Recording, asked, happened, chapters });
})(PolyserveLab);
if (typeof module !== "undefined") module.exports = PolyserveLab;
