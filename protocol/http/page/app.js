// The page: which part is shown, and in which language. The parts are modules of their own, and do nothing while they
// are not shown; the address's fragment names the part (#library/docs), so that Back works and a part can be linked to.

import {Chat} from './chat.js';
import {Compare} from './compare.js';
import {$} from './dom.js';
import {Library} from './library.js';
import {Live} from './live.js';
import {applyTexts, language, onLanguage, setLanguage, t} from './texts.js';

const live = new Live();
const parts = {
  live,
  library: new Library(live),
  chat: new Chat(live),
  compare: new Compare(),
};
let shown = null;

// "#library/docs/old" -> ['library', 'docs/old']
function place() {
  const [name, ...rest] = location.hash.slice(1).split('/');
  try {
    if (name in parts) return [name, rest.map(decodeURIComponent).join('/')];
  } catch {
    // An address that was typed, with a % that is none.
  }
  return ['live', ''];
}

function show() {
  // The link that skips the header, and anything else that is no part's name, stays within the part.
  if (location.hash === '#main' && shown !== null) return;
  const [name, rest] = place();
  if (shown !== name && shown !== null) parts[shown].hide();
  const isOther = shown !== null && shown !== name;
  shown = name;
  for (const part of Object.keys(parts)) $(part).hidden = part !== name;
  for (const link of document.querySelectorAll('header nav a')) {
    if (link.hash === `#${name}`) {
      link.setAttribute('aria-current', 'page');
    } else {
      link.removeAttribute('aria-current');
    }
  }
  parts[name].show(rest);
  entitle();
  // So that a keyboard goes on, and a screen reader begins, where the new part does.
  if (isOther) $('main').focus({preventScroll: true});
}

// The tab's title: what a reader with many tabs, or a screen reader, goes by.
function entitle() {
  document.title = `${t(shown)} · Polyserve`;
}

applyTexts();
$('language').value = language();
$('language').addEventListener('change', (event) => setLanguage(event.target.value));
onLanguage(() => {
  Object.values(parts).forEach((part) => part.translate());
  entitle();
});
window.addEventListener('hashchange', show);
show();
