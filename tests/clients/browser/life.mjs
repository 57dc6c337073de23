// The life of a membership as people see it: help with signing in, suspended, back again, gone, and what is handed over.
import assert from 'node:assert/strict';

const LEAVER = { name: 'Former Lead', email: 'former-lead@northwind.example.test', password: 'a long passphrase of the former lead 3' };
const ANOTHER_PASSWORD = 'another passphrase of the former lead 4';
const ACCOUNT = 'nightly job';

// The checks, in order. `project` is the name of a project in which `person`, a colleague, has keys.
export function lifeChecks({ browser, admin, found, person, project, projectRoot, address }) {
  let leaver;
  return [
    ['somebody joins, and owns the keys of a service account', async () => {
      leaver = await browser.person();
      await join(admin, leaver, found, project, address);
      await ownAccount(admin, projectRoot());
    }],
    ['the Admin makes a link with which they set their password anew, once', async () => {
      await forget(browser, admin, leaver, found, address);
    }],
    ['the Admin suspends them, which signs them out, and lets them back', async () => {
      await suspend(admin, leaver, found);
    }],
    ['the Admin removes them, and what they owned waits for another owner', async () => {
      await remove(admin, found);
    }],
    ['the Admin gives it to the colleague', async () => {
      await handOver(admin, found, person);
      await leaver.close();
    }],
  ];
}

async function join(admin, leaver, found, project, address) {
  let page = await admin.goto(`${found.root}/members`);
  await page.getByLabel(/^e-mail/i).fill(LEAVER.email);
  await choose(page.getByLabel(new RegExp(`^${project}`)), /member/i);
  await admin.press('Invite');
  const link = await page.getByLabel('Invitation link').innerText();
  page = await leaver.goto(new URL(link.trim(), address).href);
  await page.getByLabel(/^your name/i).fill(LEAVER.name);
  await page.getByLabel(/^choose a password/i).fill(LEAVER.password);
  await leaver.press('Join');
  await page.waitForURL(/\/o\//);
}

async function ownAccount(admin, root) {
  const page = await admin.goto(`${root}/service-accounts`);
  await page.getByLabel(/^name/i).fill(ACCOUNT);
  await choose(page.getByLabel(/^key owner/i), LEAVER.name);
  await page.getByLabel(/^name/i).press('Enter');
  await page.getByText(ACCOUNT).first().waitFor();
}

async function manage(admin, found) {
  const page = await admin.goto(`${found.root}/members`);
  const row = page.getByRole('row').filter({ hasText: LEAVER.name });
  await row.getByRole('button', { name: 'Manage' }).click();
  return page.getByRole('dialog', { name: `Membership of ${LEAVER.name}` });
}

async function forget(browser, admin, leaver, found, address) {
  await (await manage(admin, found)).getByRole('button', { name: 'Make password link' }).click();
  const link = new URL((await admin.page.getByLabel('Password link').innerText()).trim(), address).href;
  const elsewhere = await browser.person();
  const page = await elsewhere.goto(link);
  await page.getByLabel(/^new password/i).fill(ANOTHER_PASSWORD);
  await elsewhere.press('Set password');
  await page.waitForURL(/\/sign-in/);
  await leaver.goto('/account');
  assert.match(leaver.page.url(), /\/sign-in/, 'expected every browser to be signed out');
  await signIn(leaver, ANOTHER_PASSWORD);
  await elsewhere.goto(link);
  assert.equal(await page.getByLabel(/^new password/i).count(), 0, 'expected the link to work once');
  await elsewhere.close();
}

async function signIn(person, password) {
  const page = await person.goto('/sign-in');
  await page.getByLabel(/^e-mail/i).fill(LEAVER.email);
  await page.getByLabel(/^password/i).fill(password);
  await person.press('Sign in');
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
}

async function suspend(admin, leaver, found) {
  await (await manage(admin, found)).getByRole('button', { name: 'Suspend' }).click();
  const row = admin.page.getByRole('row').filter({ hasText: LEAVER.name });
  await row.getByText('suspended').waitFor();
  await leaver.goto('/account');
  assert.match(leaver.page.url(), /\/sign-in/, 'expected them to be signed out');
  await (await manage(admin, found)).getByRole('button', { name: 'Reactivate' }).click();
  await row.getByText('suspended').waitFor({ state: 'detached' });
}

async function remove(admin, found) {
  await (await manage(admin, found)).getByRole('button', { name: 'Remove' }).click();
  await admin.page.getByRole('row').filter({ hasText: LEAVER.name }).waitFor({ state: 'detached' });
  const page = await admin.goto(`${found.root}/handovers`);
  const row = page.getByRole('row').filter({ hasText: ACCOUNT });
  assert.match(await row.innerText(), /Service account[\s\S]*Waits/, 'expected the account in the queue');
}

async function handOver(admin, found, person) {
  const page = await admin.goto(`${found.root}/handovers`);
  const row = page.getByRole('row').filter({ hasText: ACCOUNT });
  await row.getByRole('button', { name: 'Give' }).click();
  const dialog = page.getByRole('dialog', { name: `New owner of ${ACCOUNT}` });
  await choose(dialog.getByLabel(/^owner/i), person);
  await dialog.getByRole('button', { name: 'Give' }).click();
  await row.waitFor({ state: 'detached' });
  await page.getByLabel(/^show/i).selectOption('all');
  await admin.press('Show');
  assert.match(await row.innerText(), new RegExp(`Given[\\s\\S]*to ${person}`), 'expected its new owner');
}

// Chooses by the words that a person reads.
async function choose(list, words) {
  await list.selectOption({ label: await list.locator('option').filter({ hasText: words }).first().innerText() });
}
