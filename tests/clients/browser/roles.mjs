// The console as each role walks it: what its navigation offers is there and fits, and what it does not offer is refused.
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { REFUSED } from './browser.mjs';

const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
// Who else joins, with which role in the organization and in the project that is walked.
const JOINING = {
  member: { organization: 'Member', project: 'member' },
  finance: { organization: 'Finance', project: '' },
  auditor: { organization: 'Auditor', project: '' },
};
// What the navigation of the organization and of the project offers to each role, in its order.
const OFFERED = {
  admin: [
    'Overview, Projects, Members, Groups, Roles, Hand-overs, Approvals, Access reviews, Access, Usage, Allowances, Providers, '
    + 'Prices, Policy, Webhooks, Mail, Admin keys, Audit, Settings',
    'Overview, Keys, Members, Roles, Service accounts, Who can see it, Usage, Allowances, Policy, Settings'],
  owner: [
    'Overview, Projects, Hand-overs, Approvals, Usage, Allowances, Mail',
    'Overview, Keys, Members, Roles, Service accounts, Who can see it, Usage, Allowances, Policy, Settings'],
  member: [
    'Overview, Projects, Approvals, Usage, Mail',
    'Overview, Keys, Members, Roles, Service accounts, Who can see it, Usage, Policy, Settings'],
  finance: ['Overview, Projects, Approvals, Usage, Prices, Mail', ''],
  auditor: [
    'Overview, Projects, Members, Groups, Roles, Hand-overs, Approvals, Access reviews, Access, Usage, Allowances, Providers, '
    + 'Prices, Policy, Webhooks, Mail, Admin keys, Audit',
    'Overview, Keys, Members, Roles, Service accounts, Who can see it, Usage, Allowances, Policy, Settings'],
};

// Not offered to everybody, but read by every member: one's own rights are explained there, the settings cannot be changed.
const READ_BY_ALL = ['/access', '/settings'];

// The checks, in order. `project` is the name of the project that is walked.
export function roleChecks({ browser, admin, owner, found, project, projectRoot, address, engine }) {
  const people = { admin, owner };
  return [
    ['a Member, Finance and an Auditor join', async () => {
      for (const role of Object.keys(JOINING)) people[role] = await join({ browser, admin, found, project, address }, role);
    }],
    ...Object.keys(OFFERED).map((role) => [
      `the ${role} walks every page that is offered, on desktop and phone, and is kept out of the others`,
      () => walk({ browser, found, address, engine, root: projectRoot() }, role, people[role]),
    ]),
  ];
}

async function join({ browser, admin, found, project, address }, role) {
  const page = await admin.goto(`${found.root}/members`);
  await page.getByLabel(/^e-mail/i).fill(`${role}@northwind.example.test`);
  await page.getByLabel(/^organization role/i).selectOption({ label: JOINING[role].organization });
  if (JOINING[role].project) await choose(page.getByLabel(new RegExp(`^${project}`)), /member/i);
  await admin.press('Invite');
  const link = await page.getByLabel('Invitation link').innerText();
  const person = await browser.person();
  const joining = await person.goto(new URL(link.trim(), address).href);
  await joining.getByLabel(/^your name/i).fill(`${JOINING[role].organization} of the walk`);
  await joining.getByLabel(/^choose a password/i).fill(`a long passphrase of the ${role} 7`);
  await person.press('Join');
  await joining.waitForURL(/\/o\//);
  return person;
}

async function walk({ browser, found, address, engine, root }, role, person) {
  const folder = fileURLToPath(new URL(`../../../.work/screenshots/${engine}/roles/`, import.meta.url));
  await mkdir(folder, { recursive: true });
  const storageState = await person.cookies();
  const wrong = [];
  for (const [size, viewport] of Object.entries(SIZES)) {
    const viewer = await browser.person({ storageState, viewport });
    const sides = [await links(viewer, found.root, found.root), await links(viewer, root, root)];
    assert.deepEqual(sides.map((side) => Object.keys(side).join(', ')), OFFERED[role], 'expected these places');
    const offered = sides.flatMap((side) => Object.values(side));
    for (const path of offered) {
      const answer = await viewer.page.goto(new URL(path, address).href);
      const name = path.slice(found.root.length + 1).replace(/\/proj_\w+/, '').replaceAll('/', '-') || 'overview';
      await viewer.page.screenshot({ path: `${folder}${role}-${size}-${name}.png`, fullPage: true });
      if (answer.status() !== 200) wrong.push(`${path}: ${answer.status()}`);
      if (path === found.root && /proj_/.test(await viewer.page.getByRole('main').innerText())) wrong.push('a project without its name');
      const needed = await viewer.page.evaluate(() => document.documentElement.scrollWidth);
      if (needed > viewport.width) wrong.push(`${path}: ${needed} px wide where ${viewport.width} are there`);
    }
    found.places ??= offered;
    const readable = [...offered, ...READ_BY_ALL.map((place) => found.root + place)];
    for (const path of found.places.filter((place) => !readable.includes(place))) {
      const answer = await viewer.page.goto(new URL(path, address).href);
      if (!REFUSED.includes(answer.status())) wrong.push(`${path}: not offered, yet ${answer.status()}`);
    }
    assert.deepEqual(viewer.mistakes, [], 'expected no script error and no failed request');
    await viewer.close();
  }
  assert.deepEqual(wrong, [], 'expected every offered page to be there and to fit, and no other');
}

// What the navigation on a page offers below a root, by its words.
async function links(viewer, path, root) {
  const page = await viewer.goto(path);
  const all = await page.locator('nav.side ul a').evaluateAll((list) => list.map((link) => {
    link.querySelector('.count')?.remove();
    return [link.textContent.trim(), link.getAttribute('href')];
  }));
  const rest = (href) => href.slice(root.length);
  const isOf = ([, href]) => href.startsWith(root) && !rest(href).startsWith('/projects/');
  return Object.fromEntries(all.filter(isOf));
}

// Chooses by the words that a person reads.
async function choose(list, words) {
  await list.selectOption({ label: await list.locator('option').filter({ hasText: words }).first().innerText() });
}
