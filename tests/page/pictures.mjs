// Makes the pictures of README from the page of the demo: `node tests/page/pictures.mjs TOOLS PAGE FOLDER`.
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [tools, file, folder] = process.argv.slice(2);
const require = createRequire(join(resolve(tools), 'x.js'));
const { chromium } = require('playwright-core');

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
for (const [name, scheme, from, height] of [
  ['page-light', 'light', 'body', 860],
  ['page-dark', 'dark', '#pages', 900],
]) {
  const context = await browser.newContext({ viewport: { width: 1280, height }, colorScheme: scheme });
  const page = await context.newPage();
  await page.goto(`file://${resolve(file)}`);
  await page.locator(from).evaluate((element) => scrollTo(0, element.getBoundingClientRect().top + scrollY - 60));
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
}
await browser.close();
