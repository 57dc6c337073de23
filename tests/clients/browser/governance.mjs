// Policy, webhooks and mail as an Admin sets them, and as a Project Owner sees what holds.
import assert from 'node:assert/strict';

import { eventually } from '../node/checks.mjs';

// The checks, in order. `projectRoot` is the project of which the colleague is an owner.
export function governanceChecks({ admin, owner, found, projectRoot }) {
  return [
    ['the Admin sets a policy, warns first in staging, and sees which level decided', () => setPolicy(admin, found)],
    ['the Project Owner sees what holds, narrows it, and cannot widen it', () => narrow(owner, projectRoot())],
    ['the Admin gives an exception with a reason and ends it', () => except(admin, found, projectRoot())],
    ['the Admin adds a webhook whose secret is shown once, and switches it off', () => addWebhook(admin, found)],
    ['everybody chooses their notices, the outbox is for Admins', () => notices(admin, owner, found)],
  ];
}

async function fill(page, setting, button, values) {
  await page.getByRole('button', { name: `${button} ${setting}` }).click();
  const dialog = page.getByRole('dialog', { name: setting, exact: true });
  for (const [label, value] of Object.entries(values)) {
    const field = dialog.getByLabel(new RegExp(`^${label}`, 'i'));
    if (await field.evaluate((element) => element.tagName === 'SELECT')) await field.selectOption(value);
    else await field.fill(value);
  }
  await dialog.getByRole('button', { name: 'Save' }).click();
}

const rowOf = (page, setting) => page.getByRole('row').filter({ has: page.getByText(setting, { exact: true }) }).first();

async function setPolicy(admin, found) {
  let page = await admin.goto(`${found.root}/policy`);
  await fill(page, 'key.rotation_days', 'Set', { value: '180' });
  await page.getByText('Set. It holds').waitFor();
  assert.match(await rowOf(page, 'key.rotation_days').innerText(), /180 days[^]*the organization[^]*First Admin/);
  await page.getByRole('link', { name: 'staging' }).click();
  await fill(page, 'key.rotation_days', 'Set', { value: '90', 'what it does': 'warn' });
  await page.getByText('Set. It holds').waitFor();
  assert.match(await rowOf(page, 'key.rotation_days').innerText(), /180 days[^]*warns[^]*90 days/);
}

async function narrow(owner, root) {
  const page = await owner.goto(`${root}/policy`);
  assert.match(await rowOf(page, 'key.rotation_days').innerText(), /180 days[^]*the organization/);
  await fill(page, 'key.rotation_days', 'Set', { value: '400' });
  await page.getByRole('alert').filter({ hasText: /wider than the level organization allows/ }).waitFor();
  await fill(page, 'key.rotation_days', 'Set', { value: '60' });
  await page.getByText('Set. It holds').waitFor();
  assert.match(await rowOf(page, 'key.rotation_days').innerText(), /60 days[^]*the project[^]*Staging Lead/);
  assert.equal(await page.getByRole('button', { name: /^except/i }).count(), 0, 'expected exceptions to be for Admins');
}

async function except(admin, found, root) {
  let page = await admin.goto(`${root}/policy`);
  await page.getByRole('button', { name: 'Except from key.maximum_age_days' }).click();
  const dialog = page.getByRole('dialog', { name: 'Exception from key.maximum_age_days' });
  await dialog.getByLabel(/^value/i).fill('300');
  const soon = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
  await dialog.getByLabel(/^last day/i).fill(soon);
  await dialog.getByLabel(/^reason/i).fill('The vendor changes it once a year');
  await dialog.getByRole('button', { name: 'Give exception' }).click();
  await page.getByText(/exception until/).first().waitFor();
  page = await admin.goto(`${found.root}/policy`);
  const given = page.getByRole('row').filter({ hasText: 'The vendor changes it once a year' });
  await given.getByRole('button', { name: 'End now' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'End now' }).click();
  await given.getByText('over').waitFor();
}

async function addWebhook(admin, found) {
  let page = await admin.goto(`${found.root}/webhooks`);
  await page.getByLabel(/^address/i).fill('https://10.1.2.3/hooks');
  await admin.press('Add webhook');
  await page.getByRole('alert').first().waitFor();
  await page.getByLabel(/^address/i).fill('https://hooks.example.test/bailiwick');
  await page.getByText('Only some events').click();
  await page.locator('input[value="key.created"]').check();
  await admin.press('Add webhook');
  const secret = (await page.getByLabel('Secret', { exact: true }).innerText()).trim();
  assert.match(secret, /^whsec_\S+$/, 'expected the secret of the webhook');
  page = await admin.goto(`${found.root}/webhooks`);
  await page.getByRole('link', { name: 'https://hooks.example.test/bailiwick' }).click();
  assert.ok(!(await page.content()).includes(secret), 'expected the secret to be shown once');
  found.webhook = new URL(page.url()).pathname;
  await page.getByRole('button', { name: 'Send a test event' }).click();
  await eventually(async () => {
    await admin.goto(found.webhook);
    return page.getByRole('row').filter({ hasText: 'webhook.test' }).count();
  }, (rows) => rows > 0, 'the test event in what was sent');
  await page.getByRole('link', { name: 'webhook.test' }).click();
  await page.getByRole('heading', { name: 'What is sent' }).waitFor();
  found.delivery = new URL(page.url()).pathname;
  await admin.goto(found.webhook);
  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByText('It is told of nothing until it is enabled').waitFor();
}

async function notices(admin, owner, found) {
  let page = await owner.goto(`${found.root}/mails`);
  await page.getByRole('button', { name: /^switch off: what you may do/i }).click();
  await page.getByRole('button', { name: /^switch on: what you may do/i }).waitFor();
  assert.equal(await page.getByRole('heading', { name: 'What was sent' }).count(), 0, 'expected no outbox for a member');
  page = await admin.goto(`${found.root}/mails`);
  await page.getByRole('heading', { name: 'What was sent' }).waitFor();
}
