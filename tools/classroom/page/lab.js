// The page itself: takes events, and draws what they say; buttons and keys give orders.
(function (lab) {
  "use strict";
  if (typeof document === "undefined") return;  // A test.
  const byId = (id) => document.getElementById(id);
  const recorded = JSON.parse(byId("recording").textContent);
  let about = null, cards = new Map(), buttons = new Map(), scene = null, now = 0, source = null, isDrawing = false;

  function reset() {
    cards = new Map();
    scene = null;
    now = 0;
    byId("servers").replaceChildren();
  }

  function build(event) {
    reset();
    about = event;
    for (const server of event.servers) cards.set(server.name, new lab.Card(byId("servers"), server));
    byId("under").textContent = recorded ? `recorded ${event.at.slice(0, 16).replace("T", " ")} on ${event.machine}` : event.machine;
    byId("told").textContent = event.left_out.join(" ");
    buildButtons(event.scenes);
    showQuiet();
  }

  function buildButtons(scenes) {
    if (buttons.size) return;
    const recordedScenes = recorded && new Set(lab.chapters(recorded).map((chapter) => chapter.name));
    scenes.forEach((one, place) => {
      const button = lab.add(byId("scenes"), "button");
      button.type = "button";
      lab.add(button, "kbd", "", String(place + 1));
      lab.add(button, "span", "", one.title);
      button.setAttribute("aria-pressed", "false");
      button.setAttribute("aria-keyshortcuts", String(place + 1));
      button.addEventListener("click", () => source.begin(one.name));
      button.hidden = Boolean(recordedScenes && !recordedScenes.has(one.name));
      buttons.set(one.name, button);
    });
    if (recorded) return;
    const end = lab.add(byId("scenes"), "button", "end");
    end.type = "button";
    lab.add(end, "kbd", "", "Esc");
    lab.add(end, "span", "", "End the scene");
    end.setAttribute("aria-keyshortcuts", "Escape");
    end.addEventListener("click", () => source.end());
    buttons.set(null, end);
  }

  function showQuiet() {
    byId("title").textContent = recorded ? "Before the first scene" : "Choose a scene";
    byId("look").textContent = `Each server gets the same ${about.rate} requests per second, each on a new connection.`;
    byId("why").textContent = "The picture shows the connections at this moment: in the kernel's queue, or with the process or thread that serves them.";
    showButtons();
  }

  function showButtons() {
    const isOn = scene !== null && scene.phase !== "end";
    for (const [name, button] of buttons) {
      if (name === null) button.disabled = !isOn;
      else {
        button.setAttribute("aria-pressed", String(isOn && scene.name === name));
        button.disabled = !recorded && isOn && scene.name !== name;
      }
    }
  }

  function takeScene(event) {
    const told = about.scenes.find((one) => one.name === event.name);
    if (event.phase === "begin") {
      scene = { name: event.name, phase: "begin", began: event.t, seconds: event.seconds, ended: null };
      for (const card of cards.values()) card.forget();
      byId("title").textContent = told.title;
      byId("look").textContent = told.look;
      byId("why").textContent = told.why;
    } else if (scene) {
      scene.phase = event.phase;
      scene.ended = scene.ended ?? event.t;
      if (event.phase === "restore") tellResults(event.figures);
      byId("title").textContent = `${told.title} – ${event.phase === "end" ? "over" : "all goes back to what it was"}`;
    }
    showButtons();
  }

  function tellResults(figures) {
    for (const [name, found] of Object.entries(figures)) {
      const card = cards.get(name);
      if (card && found.worst_ms) card.tell(`slowest reply: ${lab.milliseconds(found.worst_ms).join(" ")}`);
    }
  }

  function take(event) {
    if (event.event === "lab") build(event);
    if (!about) return;
    now = event.t;
    if (event.event === "figures") {
      for (const [name, server] of Object.entries(event.servers)) cards.get(name)?.take(event.t, server);
    }
    if (event.event === "scene") takeScene(event);
    if (event.event === "note") {
      if (event.server) cards.get(event.server)?.tell(event.text);
      else byId("told").textContent = event.text;
    }
    drawSoon();
  }

  function drawSoon() {
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      for (const card of cards.values()) card.draw(now, scene);
      const isOn = scene !== null && scene.phase === "begin";
      byId("left").className = isOn ? "on" : "";
      if (isOn) byId("left").firstElementChild.style.transform = `scaleX(${Math.max(0, 1 - (now - scene.began) / scene.seconds)})`;
    });
  }

  function moved(recording) {
    document.documentElement.classList.toggle("paused", !recording.isPlaying);
    byId("play").textContent = recording.isPlaying ? "Pause" : "Play";
    byId("seek").value = String(Math.round(1000 * recording.t / recording.length));
    byId("time").textContent = `${lab.clock(recording.t)} of ${lab.clock(recording.length)}`;
  }

  function changeColours() {
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const before = document.documentElement.dataset.colours || (isDark ? "dark" : "light");
    document.documentElement.dataset.colours = before === "dark" ? "light" : "dark";
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !about) return;
    const place = Number(event.key) - 1;
    if (event.key === "Escape") source.end();
    else if (event.key === "d") changeColours();
    else if (event.key === " " && recorded && !event.target.closest("button")) { event.preventDefault(); source.toggle(); }
    else if (about.scenes[place] && !buttons.get(about.scenes[place].name).hidden) source.begin(about.scenes[place].name);
  });
  byId("colours").addEventListener("click", changeColours);

  if (recorded) {
    byId("transport").hidden = false;
    source = new lab.Recording(recorded, lab.asked(location.hash), { take, reset, moved });
    byId("play").addEventListener("click", () => source.toggle());
    byId("seek").addEventListener("input", (event) => source.seek(source.length * Number(event.target.value) / 1000));
  } else {
    source = new lab.LiveSource({ take, told: (text) => { byId("told").textContent = text || (about ? about.left_out.join(" ") : ""); } });
  }
})(PolyserveLab);
