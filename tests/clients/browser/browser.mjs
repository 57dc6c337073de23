// Debian's Chromium, and people in it: each with cookies of their own and a list of what went wrong in their pages.
import { chromium } from '../node/packages.mjs';

const ADDRESS = process.env.BAILIWICK_ADDRESS;
const PATIENCE_MS = 5_000;
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];

// Answers to somebody who may not be there: hidden or forbidden.
export const REFUSED = [403, 404];

export async function open() {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
  return {
    person: async (options) => person(await browser.newContext(options)),
    close: () => browser.close(),
  };
}

async function person(context) {
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const mistakes = [];
  page.on('pageerror', (error) => mistakes.push(`${page.url()}: ${error.message}`));
  page.on('response', (answer) => {
    if (answer.status() >= 500) mistakes.push(`${answer.url()}: ${answer.status()}`);
  });
  return {
    page,
    mistakes,
    // Opens an address and gives the page.
    goto: async (address) => {
      await page.goto(new URL(address, ADDRESS).href);
      return page;
    },
    // Presses the button of the page itself, not one of the frame around it.
    press: (name) => page.getByRole('button', { name }).last().click(),
    cookies: () => context.storageState(),
    close: () => context.close(),
  };
}
