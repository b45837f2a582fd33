// What must hold of every page, in a real browser.
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [tools, work, shots] = process.argv.slice(2);
const require = createRequire(join(tools, 'x.js'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

let failed = 0;
const fail = (where, what) => {
  failed += 1;
  console.error(`${where}: ${what}`);
};

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
});

// Opens a page, and notes whatever it asks for, says or is refused.
const open = async (project, { width = 1280, scheme = 'light', script = true, hash = '' } = {}) => {
  const where = `${project} ${width} ${scheme}${script ? '' : ' without script'}`;
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, javaScriptEnabled: script });
  const page = await context.newPage();
  const file = `file://${join(work, project, 'output/report.html')}`;
  page.on('request', (request) => { if (request.url().split('#')[0] !== file && !request.url().startsWith('blob:')) fail(where, `asks for ${request.url()}`); });
  page.on('console', (message) => { if (message.type() !== 'info') fail(where, `says ${message.text()}`); });
  page.on('pageerror', (error) => fail(where, `throws ${error.message}`));
  if (script) {
    await page.addInitScript(() => {
      window.refused = [];
      document.addEventListener('securitypolicyviolation', (event) => window.refused.push(event.violatedDirective));
    });
  }
  await page.goto(file + hash);
  return { page, where, context };
};

for (const project of ['empty', 'tiny', 'hostile', 'demo', 'large']) {
  const size = statSync(join(work, project, 'output/report.html')).size;
  if (size > 3_000_000) fail(project, `has ${size} bytes`);
  for (const width of [1280, 390, 320]) {
    for (const scheme of ['light', 'dark']) {
      const { page, where, context } = await open(project, { width, scheme });
      const seen = await page.evaluate(() => ({
        refused: window.refused,
        title: document.title,
        scroll: document.documentElement.scrollWidth - innerWidth,
        panels: document.querySelectorAll('.panel').length,
        // Each has a sentence, and a drawing, a list, or a word on why there is none.
        bare: [...document.querySelectorAll('.panel')].filter((panel) =>
          !panel.querySelector('.answer').textContent.trim() || !panel.querySelector('figure :is(svg, table, .empty)')).map((panel) => panel.id),
        headings: [...document.querySelectorAll('h1, h2, h3')].map((heading) => Number(heading.tagName[1])),
        tables: document.querySelectorAll('.panel :is(.raw, .forest)').length,
      }));
      if (seen.refused.length) fail(where, `policy refused ${seen.refused}`);
      if (!seen.title.startsWith('Reliability')) fail(where, `its title is ${seen.title}`);
      if (seen.scroll > 0) fail(where, `scrolls sideways by ${seen.scroll} px`);
      if (seen.panels < 31 || seen.tables !== seen.panels) fail(where, `has ${seen.panels} panels and ${seen.tables} tables`);
      if (seen.bare.length) fail(where, `bare panels: ${seen.bare}`);
      if (seen.headings[0] !== 1 || seen.headings.some((level, n) => n > 0 && level > seen.headings[n - 1] + 1)) fail(where, 'headings skip a level');
      if (project !== 'large' || width === 1280) {
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => axe.run(document, {
          runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'],
        }));
        for (const { id, nodes } of violations) fail(where, `axe: ${id} in ${nodes.length}, as in ${nodes[0].html.slice(0, 200)}`);
      }
      await page.screenshot({ path: join(shots, `${project}-${width}-${scheme}.png`), fullPage: project !== 'large' });
      await context.close();
    }
  }
  for (const width of [1280, 390, 320]) {
    for (const scheme of ['light', 'dark']) {
      const { page, where, context } = await open(project, { width, scheme, script: false });
      const whole = await page.locator('.panel:has(.answer):has(figure :is(svg, table, .empty)):has(:is(.raw, .forest))').count();
      if (whole < 31) fail(where, `only ${whole} panels are whole`);
      if (await page.locator('.js:visible').count()) fail(where, 'shows what only a script can do');
      if (width === 1280 && scheme === 'light') await page.screenshot({ path: join(shots, `${project}-1280-without-script.png`) });
      await context.close();
    }
  }
}

// Filters hide rows, survive a reload, are told, and can be taken back; all by keyboard.
{
  const { page, where, context } = await open('demo');
  const rows = () => page.locator('#noisy_services .rows tbody tr:visible').count();
  const before = await rows();
  await page.selectOption('select[data-dimension=team]', 'Payments');
  const chosen = await rows();
  if (!(chosen > 0 && chosen < before)) fail(where, `a filter leaves ${chosen} of ${before} rows`);
  if (!(await page.locator('#state').textContent()).includes('Payments')) fail(where, 'the choice is not told');
  if (!(await page.locator('#repo_hook_health .nosplit').textContent()).includes('not split by team')) fail(where, 'a panel without teams does not say so');
  await page.reload();
  if (await rows() !== chosen) fail(where, 'a filter does not survive a reload');
  await page.locator('#reset').focus();
  await page.keyboard.press('Enter');
  if (await rows() !== before) fail(where, 'a filter cannot be taken back');
  await page.click('#theme');
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  if (paper !== 'rgb(20, 23, 28)') fail(where, `dark is ${paper}`);
  await page.reload();
  if (await page.evaluate(() => document.documentElement.dataset.theme) !== 'dark') fail(where, 'the theme does not survive a reload');
  // A table sorts by a click on its heading.
  await page.locator('#noisy_services > details > summary').click();
  const column = page.locator('#noisy_services .raw tbody tr td:nth-child(2)');
  await page.locator('#noisy_services .raw th:nth-child(2) button').click();
  const names = await column.allTextContents();
  if (names.join() !== [...names].sort().join()) fail(where, 'a table does not sort');
  const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#noisy_services [data-do=csv]').click()]);
  const csv = readFileSync(await download.path(), 'utf8');
  if (csv.trim().split('\r\n').length !== names.length + 1) fail(where, 'the CSV has other rows than the table');
  // Everything can be reached by Tab and shows that it is reached.
  await page.reload();
  for (let n = 0; n < 12; n += 1) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const element = document.activeElement;
      return { tag: element.tagName, outline: getComputedStyle(element).outlineStyle };
    });
    if (focus.tag === 'BODY' || focus.outline === 'none') fail(where, `focus is not seen on ${focus.tag}`);
  }
  await context.close();
}

// Paper has every table.
{
  const { page, where, context } = await open('demo');
  await page.emulateMedia({ media: 'print' });
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  const hidden = await page.locator('.panel .raw').evaluateAll((tables) => tables.filter((table) => !table.getBoundingClientRect().height).length);
  if (hidden) fail(where, `${hidden} tables are not printed`);
  await page.pdf({ path: join(shots, 'demo.pdf'), format: 'A4' });
  await context.close();
}

await browser.close();
if (failed) {
  console.error(`the page fails in ${failed} points`);
  process.exit(1);
}
console.log('the page holds in every browser test');
