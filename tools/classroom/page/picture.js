// The picture of one server: clients at the left, the kernel's queue, and the processes, threads or loops with the connections that
// each holds. Dots are connections: each keeps its dot from one moment to the next, so that it is seen to move.
var PolyserveLab = typeof PolyserveLab === "undefined" ? {} : PolyserveLab;
(function (lab) {
  "use strict";
  const WIDTH = 320, HEIGHT = 172;
  const QUEUE = { x: 34, y: 22, width: 40, height: 128 };
  const AREA = { x: 100, y: 6, width: 216, height: 160 };
  const MOST_ROOMS = 24;

  // What is drawn as a room: each loop or thread that serves, and each process that does so itself.
  //   tree      processes, as an event has them
  //   unlisted  how many more there are
  // Returns {rooms, around: the pid of the one process that has all of them, or null, more: how many are left out}.
  function roomsOf(tree, unlisted = 0) {
    const rooms = [];
    for (const process of tree) {
      for (const box of process.boxes) {
        rooms.push({ key: `${process.pid}/${box.id}`, kind: box.kind, label: box.kind === "thread" ? `thread ${box.id}` : "loop", ...box });
      }
      const serves = process.count || process.serves || process.is_first;
      if (process.boxes.length ? process.count : serves) {
        rooms.push({ ...process, key: `${process.pid}`, kind: "process", label: `process ${process.pid}` });
      }
    }
    const weight = (room) => Object.keys(room.roles).some((role) => role !== "load") ? 2 : room.count || room.is_first ? 1 : 0;
    const shown = rooms.length > MOST_ROOMS ? [...rooms].sort((a, b) => weight(b) - weight(a)).slice(0, MOST_ROOMS) : rooms;
    const holders = tree.filter((process) => process.boxes.length);
    const around = holders.length === 1 && shown.every((room) => room.kind !== "process") ? holders[0].pid : null;
    const unseen = tree.reduce((sum, process) => sum + process.more_boxes, unlisted);
    return { rooms: shown, around, more: rooms.length - shown.length + unseen };
  }

  // The rectangles of so many rooms in an area, in rows.
  function grid(number, area) {
    const columns = Math.max(1, Math.min(6, Math.round(Math.sqrt(number * 1.3))));
    const rows = Math.max(1, Math.ceil(number / columns));
    const gap = 5, width = (area.width - gap * (columns - 1)) / columns, height = (area.height - gap * (rows - 1)) / rows;
    return Array.from({ length: number }, (_, place) => ({
      x: area.x + (place % columns) * (width + gap), y: area.y + Math.floor(place / columns) * (height + gap), width, height }));
  }

  // Where the dots of a room go, and how large they are: as large as all of them fit.
  function dots(number, area, largest) {
    if (!number) return { radius: largest, places: [] };
    const columnsOf = (radius) => Math.max(1, Math.floor(area.width / (2.4 * radius)));
    let radius = largest;
    while (radius > 1.5 && Math.ceil(number / columnsOf(radius)) * 2.4 * radius > area.height) radius *= 0.95;
    const columns = columnsOf(radius);
    return { radius, places: Array.from({ length: number }, (_, place) => ({
      x: area.x + (place % columns + 0.5) * 2.4 * radius, y: area.y + (Math.floor(place / columns) + 0.5) * 2.4 * radius })) };
  }

  function make(tag, attributes, parent) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (parent) parent.append(element);
    return element;
  }

  // In words, for those who do not see it.
  function inWords(server, found) {
    if (server.state === "ended") return "The server has ended.";
    const rooms = found.rooms.map((room) => `${room.label}: ${room.count}`).join(", ");
    return `${server.queue.count} connections wait in the kernel's queue. Connections held by ${rooms || "none"}.`;
  }

  class Picture {
    constructor(parent) {
      this.svg = make("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": "Who serves whom" });
      parent.append(this.svg);
      this.flow = make("path", { class: "flow still", d: `M2 86H${AREA.x}` }, this.svg);
      this.queue = make("rect", { class: "queue", rx: 5, ...QUEUE }, this.svg);
      make("text", { x: QUEUE.x + QUEUE.width / 2, y: QUEUE.y - 8, "text-anchor": "middle" }, this.svg).textContent = "queue";
      this.queued = make("text", { class: "strong", x: QUEUE.x + QUEUE.width / 2, y: QUEUE.y + QUEUE.height + 13, "text-anchor": "middle" }, this.svg);
      this.rooms = make("g", {}, this.svg);
      this.dots = make("g", {}, this.svg);
      this.known = new Map();
    }

    // Draws a server as it is at a moment.
    show(server) {
      const found = roomsOf(server.tree, server.processes - server.tree.length);
      this.svg.setAttribute("aria-label", inWords(server, found));
      const isStill = server.waiting_s > 0 || !server.replies_per_s;
      this.flow.setAttribute("class", isStill ? "flow still" : "flow");
      if (!isStill) this.flow.style.animationDuration = `${Math.min(4, Math.max(0.25, 60 / server.replies_per_s))}s`;
      this.queue.setAttribute("class", server.queue.count ? "queue full" : "queue");
      this.queued.textContent = server.queue.count || "";
      const area = { x: QUEUE.x + 4, y: QUEUE.y + 4, width: QUEUE.width - 8, height: QUEUE.height - 8 };
      const wanted = this.placed(server.queue, area, 6);
      this.rooms.replaceChildren();
      if (server.state === "ended") this.drawEnd();
      else this.drawRooms(found, wanted);
      this.move(wanted);
    }

    placed(holder, area, largest) {
      const { radius, places } = dots(holder.connections.length, area, largest);
      return holder.connections.map(([client, role], place) => ({ client, role, radius, ...places[place] }));
    }

    drawEnd() {
      const { x, y, width, height } = AREA;
      make("path", { class: "gone", d: `M${x + 60} ${y + 40}l${width - 120} ${height - 80}m0 ${80 - height}l${120 - width} ${height - 80}` }, this.rooms);
    }

    drawRooms({ rooms, around, more }, wanted) {
      let area = { ...AREA, height: AREA.height - (more ? 14 : 0) };
      if (around !== null) {
        make("rect", { class: "around", rx: 6, ...area }, this.rooms);
        make("text", { class: "strong", x: area.x + 6, y: area.y + 14 }, this.rooms).textContent = `process ${around}`;
        area = { x: area.x + 5, y: area.y + 19, width: area.width - 10, height: area.height - 24 };
      }
      grid(rooms.length, area).forEach((place, number) => this.drawRoom(rooms[number], place, wanted));
      if (more) make("text", { class: "strong", x: AREA.x + AREA.width, y: HEIGHT - 2, "text-anchor": "end" }, this.rooms).textContent = `and ${more} more`;
    }

    drawRoom(room, place, wanted) {
      const group = make("g", { class: `room ${room.kind}` }, this.rooms);
      const filled = Math.min(1, room.busy) * (place.height - 2);
      make("rect", { class: "busy", rx: 3, x: place.x + 1, y: place.y + place.height - 1 - filled, width: place.width - 2, height: filled, opacity: 0.5 }, group);
      make("rect", { class: "wall", rx: 5, ...place }, group);
      const hasLabel = place.width > 84 && place.height > 34;
      const hidden = room.count - room.connections.length;
      if (hasLabel) {
        make("text", { class: room.kind === "process" ? "strong" : "", x: place.x + 6, y: place.y + 14 }, group).textContent =
          hidden > 0 ? `${room.label}: ${room.count} clients` : room.label;
      }
      const top = hasLabel ? 19 : 3;
      wanted.push(...this.placed(room, { x: place.x + 4, y: place.y + top, width: place.width - 8, height: Math.max(6, place.height - top - 3) }, 12));
    }

    // Lets each dot go where it belongs: new ones come from the left, and those that are no more fade.
    move(wanted) {
      const seen = new Set();
      for (const one of wanted) {
        seen.add(one.client);
        let dot = this.known.get(one.client);
        if (!dot) {
          dot = make("circle", {}, this.dots);
          dot.style.transform = "translate(0px,86px)";
          this.known.set(one.client, dot);
          dot.getBoundingClientRect();  // The browser notes where it begins.
        }
        dot.setAttribute("class", `dot ${one.role}`);
        dot.setAttribute("r", one.radius);
        dot.style.transform = `translate(${one.x}px,${one.y}px)`;
      }
      for (const [client, dot] of this.known) {
        if (seen.has(client)) continue;
        dot.style.opacity = 0;
        this.known.delete(client);
        setTimeout(() => dot.remove(), 450);
      }
    }
  }
  Object.assign(lab, { Picture, make, roomsOf, grid, dots });
})(PolyserveLab);
if (typeof module !== "undefined") module.exports = PolyserveLab;
