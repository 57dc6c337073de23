// Pictures of every page, light and dark, desktop and phone; on the way each page must fit its width.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

export async function takeScreenshots(browser, person, engine, pages) {
  const folder = fileURLToPath(new URL(`../../../.work/screenshots/${engine}/`, import.meta.url));
  await mkdir(folder, { recursive: true });
  const storageState = await person.cookies();
  const wrong = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const viewer = await browser.person({ storageState, viewport, colorScheme });
      for (const [name, path] of Object.entries(pages)) {
        wrong.push(...await takeOne(viewer, path, `${folder}${name}-${size}-${colorScheme}.png`, viewport.width));
      }
      await viewer.close();
    }
  }
  assert.deepEqual(wrong, [], 'expected every page to be there and to fit');
}

async function takeOne({ page }, path, file, width) {
  const answer = await page.goto(new URL(path, process.env.BAILIWICK_ADDRESS).href);
  await page.screenshot({ path: file, fullPage: true });
  if (answer.status() !== 200) return [`${path}: ${answer.status()}`];
  const needed = await page.evaluate(() => document.documentElement.scrollWidth);
  return needed > width ? [`${path}: ${needed} px wide where ${width} are there`] : [];
}
