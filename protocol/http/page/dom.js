// Makes elements. All that comes from clients (names of files, of people, addresses) goes through here as text nodes or
// attributes, never as markup: the page shows data of strangers.

const SVG = 'http://www.w3.org/2000/svg';

export const $ = (id) => document.getElementById(id);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, value);
    }
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// el('a', {href: '/x', onclick: f}, 'text', otherElement)
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

// For an address: the slashes between the parts of a name stay.
export const encodePath = (name) => name.split('/').map(encodeURIComponent).join('/');

// Makes the rows of a table body those of `rows`, each a list of cells (text, an element, or {number: text}). Rows that
// are the same stay untouched, so that a reader's selection, and a screen reader's place, survive an update.
export function setRows(table, rows) {
  const body = table.tBodies[0];
  rows.forEach((cells, at) => {
    let row = body.rows[at];
    if (row === undefined) row = body.appendChild(el('tr'));
    while (row.cells.length < cells.length) row.append(el('td'));
    cells.forEach((cell, column) => {
      const place = row.cells[column];
      const isNumber = typeof cell === 'object' && cell !== null && 'number' in cell;
      const text = String(isNumber ? cell.number : cell);
      place.classList.toggle('number', isNumber);
      if (place.textContent !== text) place.textContent = text;
    });
  });
  while (body.rows.length > rows.length) body.deleteRow(-1);
}

// Shows a notice, or hides it if there is nothing to say.
export function notice(element, text) {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === '';
}
