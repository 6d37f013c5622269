// The report's own script: sentences on what is pointed at, and the table of all figures sorted, filtered and exported.
// Without it the page shows all the same, unsorted.
(function () {
  "use strict";

  // A ratio as the rest of the page writes it.
  const ratio = (value) => value >= 0.0095 && value < 9.995 ? value.toFixed(2) : String(Number(value.toPrecision(3)));

  // The lines on two subjects of a workload: what the first is beside the second, measure by measure.
  function lines({ names, told, why }, row, column) {
    const one = Math.min(row, column), other = Math.max(row, column);
    const place = one * names.length - one * (one + 1) / 2 + other - one - 1;
    const measures = told.filter((what) => what.pairs[place]).map((what) => {
      let [middle, low, high, kind] = what.pairs[place];
      if (row > column) [middle, low, high] = [1 / middle, 1 / high, 1 / low];
      const better = kind !== "different" ? "" : (middle > 1) === what.more ? " (better)" : " (worse)";
      return `${what.title}: ${ratio(middle)} times that of ${names[column]}, ${ratio(low)} to ${ratio(high)}: ${kind}${better}`;
    });
    return why && why[place] ? [...measures, ...why[place]] : measures;
  }

  // How two values are sorted, less first; what was not measured is last either way.
  function order(a, b, falls) {
    if (a === "" || b === "") return (a === "") - (b === "");
    const less = typeof a === "number" ? a - b : a < b ? -1 : a > b ? 1 : 0;
    return falls ? -less : less;
  }

  // Rows of texts as CSV, as tools/report --csv writes it.
  const quoted = (text) => /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  const csv = (rows) => rows.map((row) => row.map(quoted).join(",") + "\r\n").join("");

  if (typeof document === "undefined") {  // A test.
    module.exports = { csv, lines, order };
    return;
  }
  const data = JSON.parse(document.getElementById("data").textContent);

  const make = (tag, text, attributes) => {
    const element = Object.assign(document.createElement(tag), attributes || {});
    element.textContent = text || "";
    return element;
  };

  // What a cell of a grid says, as [title, lines].
  function told(table, cell) {
    const row = cell.parentNode.cells[0].textContent;
    if (!table.dataset.workload) {
      return [`${row} under ${table.tHead.rows[0].cells[cell.cellIndex].textContent}`, [cell.dataset.say || cell.textContent || "not measured"]];
    }
    const { names } = data.workloads[table.dataset.workload];
    const place = [names.indexOf(row), cell.cellIndex - 1];
    if (place[0] === place[1]) return [row, ["itself"]];
    const found = lines(data.workloads[table.dataset.workload], ...place);
    return [`${row} beside ${names[place[1]]}`, found.length ? found : ["not compared"]];
  }

  // A table whose cells say more when they are pointed at, tapped, or reached with the arrow keys.
  function makeGrid(table) {
    const says = make("output", "", { className: "says" });
    says.append(make("span", "Point at a cell, tap it, or use the arrow keys: here it says more.", { className: "note" }));
    const scroll = table.closest(".scroll"), frame = make("div");  // Within it, what is said stays in sight.
    scroll.replaceWith(frame);
    frame.append(scroll, says);
    table.setAttribute("role", "grid");
    scroll.removeAttribute("tabindex");
    const rows = [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll("td")]).filter((row) => row.length);
    rows.flat().filter((cell) => cell.title).forEach((cell) => { cell.dataset.say = cell.title; cell.removeAttribute("title"); });
    let marked = [];

    function show(cell) {
      const [title, found] = told(table, cell);
      says.replaceChildren(make("strong", title), ...found.map((line) => make("span", line)));
      marked.forEach((one) => one.classList.remove("at"));
      marked = [cell, cell.parentNode.cells[0], table.tHead.rows[0].cells[cell.cellIndex]];
      marked.forEach((one) => one.classList.add("at"));
    }
    function reach(cell) {
      rows.flat().forEach((one) => { one.tabIndex = -1; });
      cell.tabIndex = 0;
    }
    const cellOf = (event) => { const cell = event.target.closest("td"); return cell && table.tBodies[0].contains(cell) ? cell : null; };

    if (rows.length) reach(rows[0][0]);
    table.addEventListener("mouseover", (event) => { const cell = cellOf(event); if (cell) show(cell); });
    table.addEventListener("focusin", (event) => { const cell = cellOf(event); if (cell) { reach(cell); show(cell); } });
    table.addEventListener("click", (event) => { const cell = cellOf(event); if (cell) { reach(cell); cell.focus(); show(cell); } });
    table.addEventListener("keydown", (event) => {
      const cell = cellOf(event);
      const row = cell ? rows.findIndex((one) => one.includes(cell)) : -1;
      if (row < 0) return;
      const column = rows[row].indexOf(cell);
      const to = { ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
                   Home: [row, 0], End: [row, rows[row].length - 1] }[event.key];
      if (!to) return;
      event.preventDefault();
      const next = rows[to[0]] && rows[to[0]][to[1]];
      if (next) next.focus();
    });
  }

  // The table of all figures.
  function makeFigures(table) {
    const body = table.tBodies[0], all = [...body.rows], head = [...table.tHead.rows[0].cells];
    const controls = document.getElementById("figures-controls");
    const selects = [...controls.querySelectorAll("select")], count = controls.querySelector("output");
    const shown = () => [...body.rows].filter((row) => !row.hidden);

    function filter() {
      all.forEach((row) => {
        row.hidden = selects.some((select) => select.value && row.cells[select.dataset.column].textContent !== select.value);
      });
      count.textContent = `${shown().length} of ${all.length} rows`;
    }

    const value = (row, column) => { const cell = row.cells[column]; return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v); };
    function sort(column) {
      const falls = head[column].getAttribute("aria-sort") === "ascending";
      head.forEach((title) => title.removeAttribute("aria-sort"));
      head[column].setAttribute("aria-sort", falls ? "descending" : "ascending");
      body.append(...[...body.rows].sort((one, other) => order(value(one, column), value(other, column), falls)));
    }

    function save() {
      const text = csv([data.csv[0], ...shown().map((row) => data.csv[1 + all.indexOf(row)])]);
      const link = make("a", "", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "figures.csv" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    }

    head.forEach((title, column) => {
      const button = make("button", title.textContent, { type: "button" });
      button.addEventListener("click", () => sort(column));
      title.replaceChildren(button);
    });
    selects.forEach((select) => select.addEventListener("change", filter));
    controls.querySelector("button").addEventListener("click", save);
    controls.hidden = false;
    filter();
  }

  document.querySelectorAll("table.pairs, table.heat").forEach(makeGrid);
  makeFigures(document.getElementById("figures"));
  // On paper everything is open.
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
})();
