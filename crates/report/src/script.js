'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const selects = all('select[data-dimension]');
  const reset = document.getElementById('reset');
  const state = document.getElementById('state');
  const theme = document.getElementById('theme');
  for (const element of all('.js')) element.hidden = false;

  // The choice is kept in the address, so that it survives a reload and can be sent.
  const chosen = () => Object.fromEntries(selects.filter((s) => s.value).map((s) => [s.dataset.dimension, s.value]));
  const parameters = () => new URLSearchParams(location.hash.includes('=') ? location.hash.slice(1) : '');
  const keep = () => {
    const next = new URLSearchParams(chosen());
    if (document.documentElement.dataset.theme) next.set('theme', document.documentElement.dataset.theme);
    const hash = next.toString();
    if (location.hash.slice(1) !== hash) location.hash = hash;
  };

  const about = (element) => Object.fromEntries(
    (element.dataset.about || '').split('|').map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]));
  const filter = () => {
    const choice = Object.entries(chosen());
    let shown = 0;
    for (const panel of all('.panel')) {
      const dimensions = panel.dataset.dimensions.split(' ');
      const here = choice.filter(([dimension]) => dimensions.includes(dimension));
      let any = false;
      let some = false;
      for (const element of all('[data-about]', panel)) {
        const of = about(element);
        const fits = here.every(([dimension, value]) => of[dimension] === undefined || of[dimension] === value);
        element.classList.toggle('is-off', !fits);
        some = true;
        any = any || fits;
      }
      const missing = choice.filter(([dimension]) => !dimensions.includes(dimension)).map(([dimension]) => dimension);
      const note = panel.querySelector('.nosplit');
      note.hidden = choice.length === 0;
      note.textContent = choice.length === 0 ? '' : [
        here.length ? `${here.map(([, value]) => value).join(', ')} only` : '',
        missing.length ? `not split by ${missing.join(' and ')}` : '',
        'sentence and scale are of everything',
      ].filter(Boolean).join(' · ');
      panel.querySelector('.none').hidden = !(some && !any);
      if (any) shown += 1;
    }
    for (const select of selects) select.classList.toggle('on', Boolean(select.value));
    reset.hidden = choice.length === 0;
    state.textContent = choice.length === 0 ? '' : `${choice.map(([, value]) => value).join(', ')}: ${shown} panels have rows for this choice.`;
  };

  const paint = (name) => {
    if (name) document.documentElement.dataset.theme = name;
    const dark = name ? name === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    theme.setAttribute('aria-pressed', String(dark));
  };
  const restore = () => {
    const wanted = parameters();
    if (!location.hash || location.hash.includes('=')) {
      for (const select of selects) {
        const value = wanted.get(select.dataset.dimension) || '';
        select.value = [...select.options].some((option) => option.value === value) ? value : '';
      }
      paint(wanted.get('theme'));
      filter();
    }
  };
  for (const select of selects) select.addEventListener('change', () => { filter(); keep(); });
  reset.addEventListener('click', () => { for (const select of selects) select.value = ''; filter(); keep(); });
  theme.addEventListener('click', () => { paint(theme.getAttribute('aria-pressed') === 'true' ? 'light' : 'dark'); keep(); });
  addEventListener('hashchange', restore);

  const value = (row, column) => row.cells[column].textContent;
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    const heading = button.closest('.raw th');
    if (heading) {
      const table = heading.closest('table');
      const column = heading.cellIndex;
      const up = heading.getAttribute('aria-sort') !== 'ascending';
      for (const other of all('th', table)) other.removeAttribute('aria-sort');
      heading.setAttribute('aria-sort', up ? 'ascending' : 'descending');
      const rows = [...table.tBodies[0].rows].map((row, place) => [row, place]);
      const isNumber = heading.classList.contains('r');
      const compare = (a, b) => isNumber
        ? (a === '') - (b === '') || Number(a) - Number(b)
        : (a > b) - (a < b);
      rows.sort(([a, i], [b, j]) => (up ? 1 : -1) * compare(value(a, column), value(b, column)) || i - j);
      table.tBodies[0].append(...rows.map(([row]) => row));
      return;
    }
    const panel = button.closest('.panel');
    if (button.dataset.do === 'sql') {
      const text = panel.querySelector('.sql pre').textContent;
      const done = () => { state.textContent = 'The SQL is in the clipboard.'; };
      const failed = () => { state.textContent = 'The browser does not let this page copy: open the SQL and copy it there.'; };
      if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, failed); else failed();
    }
    if (button.dataset.do === 'csv') {
      // A spreadsheet would run text that begins so.
      const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
      const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
      const cell = (text) => quoted(harmless(text));
      const rows = all('.raw tr', panel).filter((row) => !row.classList.contains('is-off'));
      const text = rows.map((row) => [...row.cells].map((one) => cell(one.textContent)).join(',')).join('\r\n');
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text, '\r\n'], { type: 'text/csv' }));
      link.download = `${button.dataset.name}.csv`;
      link.click();
      URL.revokeObjectURL(link.href);
    }
  });

  // Paper has no details to open.
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = all('details:not([open])');
    for (const element of opened) element.open = true;
  });
  addEventListener('afterprint', () => { for (const element of opened) element.open = false; });
  restore();
})();
