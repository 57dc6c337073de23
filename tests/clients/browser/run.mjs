// The main job in a browser, as a new user does it: from the one-time set-up link to the cost of a first call.
import assert from 'node:assert/strict';

import { eventually, runChecks } from '../node/checks.mjs';
import { OpenAI } from '../node/packages.mjs';
import { accessChecks } from './access.mjs';
import { open, REFUSED } from './browser.mjs';
import { closeReview, decisionChecks } from './decisions.mjs';
import { governanceChecks } from './governance.mjs';
import { lifeChecks } from './life.mjs';
import { roleChecks } from './roles.mjs';
import { takeScreenshots } from './screenshots.mjs';

const { BAILIWICK_ADDRESS: ADDRESS, BAILIWICK_SETUP_LINK: SETUP_LINK, BAILIWICK_ENGINE: ENGINE } = process.env;
const ADMIN = { name: 'First Admin', email: 'first-admin@northwind.example.test', password: 'a long passphrase of the first admin 1' };
const OWNER = { name: 'Staging Lead', email: 'staging-lead@northwind.example.test', password: 'a long passphrase of the staging lead 2' };
const PROJECTS = [['Chat development', 'development'], ['Chat staging', 'staging'], ['Chat production', 'production']];
const OWNED = 'Chat staging';
const HIDDEN = ['Chat development', 'Chat production'];

const browser = await open();
const admin = await browser.person();
const owner = await browser.person();
const found = { projects: {} };

async function setUp() {
  const page = await admin.goto(SETUP_LINK);
  await page.getByLabel(/^organization/i).fill('Northwind');
  await page.getByLabel(/^your name/i).fill(ADMIN.name);
  await page.getByLabel(/^your e-mail/i).fill(ADMIN.email);
  await page.getByLabel(/^password/i).fill(ADMIN.password);
  await admin.press('Create organization');
  await page.waitForURL(/\/o\/[^/]+/);
  found.root = `/o/${new URL(page.url()).pathname.split('/')[2]}`;
}

async function setUpOnce() {
  const stranger = await browser.person();
  const page = await stranger.goto(SETUP_LINK);
  assert.equal(await page.getByLabel(/^organization/i).count(), 0, 'expected the set-up link to work once');
  await stranger.close();
}

async function createProjects() {
  for (const [name, environment] of PROJECTS) {
    const page = await admin.goto(`${found.root}/projects/new`);
    await page.getByLabel(/^name/i).fill(name);
    await page.getByLabel(/^environment/i).selectOption(environment);
    await page.getByLabel(/^team/i).fill('Support');
    await page.getByLabel(/^product line/i).fill('Helpdesk');
    await admin.press('Create project');
    await page.waitForURL(/\/projects\/proj_/);
    found.projects[name] = new URL(page.url()).pathname.split('/')[4];
  }
  const page = await admin.goto(`${found.root}/projects`);
  for (const [name] of PROJECTS) await page.getByRole('main').getByRole('link', { name }).first().waitFor();
}

async function attachProvider() {
  const page = await admin.goto(`${found.root}/providers`);
  await page.getByLabel(/^kind/i).selectOption('simulated');
  await page.getByLabel(/^name/i).fill('simulator');
  await admin.press('Connect');
  await page.getByRole('rowheader', { name: 'simulator' }).waitFor();
}

async function invite() {
  const page = await admin.goto(`${found.root}/members`);
  await page.getByLabel(/^e-mail/i).fill(OWNER.email);
  await choose(page.getByLabel(new RegExp(`^${OWNED}`)), /owner/i);
  await admin.press('Invite');
  const link = await page.getByLabel('Invitation link').innerText();
  assert.match(link, /\/invites\/\S+/, 'expected the link to pass on');
  found.invitation = link.trim();
}

// Chooses by the words that a person reads.
async function choose(list, words) {
  await list.selectOption({ label: await list.locator('option').filter({ hasText: words }).first().innerText() });
}

async function accept() {
  const page = await owner.goto(new URL(found.invitation, ADDRESS).href);
  await page.getByLabel(/^your name/i).fill(OWNER.name);
  await page.getByLabel(/^choose a password/i).fill(OWNER.password);
  await owner.press('Join');
  await page.waitForURL(/\/o\//);
  const again = await browser.person();
  const refused = await again.goto(new URL(found.invitation, ADDRESS).href);
  assert.equal(await refused.getByRole('button', { name: 'Join' }).count(), 0, 'expected the invitation to work once');
  await again.close();
}

async function ownerSeesOneProject() {
  const page = await owner.goto(`${found.root}/projects`);
  await page.getByRole('main').getByRole('link', { name: OWNED }).first().waitFor();
  for (const name of HIDDEN) {
    assert.equal(await page.getByText(name).count(), 0, `expected ${name} to be hidden from the Project Owner`);
  }
  for (const name of HIDDEN) {
    const answer = await page.goto(`${ADDRESS}${found.root}/projects/${found.projects[name]}`);
    assert.equal(answer.status(), 404, `expected ${name} to look as if it did not exist`);
  }
}

async function ownerIsKeptOut() {
  for (const place of ['providers', 'admin-keys']) {
    const answer = await owner.page.goto(`${ADDRESS}${found.root}/${place}`);
    assert.ok(REFUSED.includes(answer.status()), `expected ${place} to be refused, got ${answer.status()}`);
  }
  const stranger = await browser.person();
  const page = await stranger.goto(`${ADDRESS}${found.root}/projects`);
  assert.match(page.url(), /\/sign-in/, 'expected a stranger to be sent to sign in');
  await stranger.close();
}

async function issueKey() {
  const page = await owner.goto(`${found.root}/projects/${found.projects[OWNED]}/keys`);
  await page.getByLabel(/^name/i).first().fill('staging-backend');
  await owner.press('Create key');
  found.key = (await page.getByLabel('Secret', { exact: true }).innerText()).trim();
  assert.match(found.key, /^sk-proj-bw\w+$/, 'expected the secret of a project key');
  const again = await owner.goto(`${found.root}/projects/${found.projects[OWNED]}/keys`);
  assert.ok(!(await again.content()).includes(found.key), 'expected the secret to be shown once');
}

async function serviceAccount() {
  let page = await owner.goto(`${found.root}/projects/${found.projects[OWNED]}/service-accounts`);
  await page.getByLabel(/^name/i).first().fill('nightly');
  await owner.press('Create service account');
  page = owner.page;
  await page.getByLabel(/^name/i).first().fill('nightly job');
  await page.getByText('Narrow it to scopes and models').click();
  await page.getByLabel(/^api\.chat\.request/).check();
  await page.getByLabel(/^models optional/i).fill('sim-*');
  await owner.press('Create key');
  const key = (await page.getByLabel('Secret', { exact: true }).innerText()).trim();
  assert.match(key, /^sk-svc-bw\w+$/, 'expected the secret of a key of a service account');
  const client = new OpenAI({ baseURL: `${ADDRESS}/v1`, apiKey: key, maxRetries: 0 });
  const embedding = { model: 'sim-embedding', input: 'hi' };
  await assert.rejects(client.embeddings.create(embedding), (error) => error.code === 'missing_scope');
  await page.getByRole('link', { name: 'nightly job' }).click();
  await page.getByLabel(/^api\.embeddings\.request/).check();
  await owner.press('Save');
  await page.getByText('scopes api.chat.request, api.embeddings.request').first().waitFor();
  await client.embeddings.create(embedding);
}

async function suspend() {
  const refused = async () => {
    const client = new OpenAI({ baseURL: `${ADDRESS}/v1`, apiKey: found.key, maxRetries: 0 });
    return client.models.list().then(() => '', (error) => error.code);
  };
  const page = await admin.goto(`${found.root}/settings`);
  await page.getByLabel(/^reason/i).fill('A rehearsal');
  await admin.press('Suspend organization');
  for (const person of [admin, owner]) {
    const overview = await person.goto(found.root);
    await overview.getByText(/is suspended since .*A rehearsal\. /).first().waitFor();
  }
  assert.equal(await refused(), 'organization_suspended', 'expected its keys to be refused');
  await admin.goto(`${found.root}/settings`);
  await admin.press('Reactivate organization');
  assert.equal(await refused(), '', 'expected its keys to work again');
}

async function call() {
  const client = new OpenAI({ baseURL: `${ADDRESS}/v1`, apiKey: found.key, maxRetries: 0 });
  const messages = [{ role: 'user', content: 'What does this cost?' }];
  const answer = await client.chat.completions.create({ model: 'sim-large', messages });
  assert.ok(answer.choices[0].message.content, 'expected an answer');
  let text = '';
  const stream = await client.chat.completions.create({ model: 'sim-large', messages, stream: true });
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
  assert.ok(text, 'expected a streamed answer');
}

async function adminSeesTheCost() {
  await eventually(async () => {
    const page = await admin.goto(found.root);
    const row = page.getByRole('row').filter({ hasText: OWNED }).first();
    return (await row.count()) ? [await row.innerText(), await row.locator('[title]').last().getAttribute('title')] : [];
  }, ([calls, exact]) => /\b2\b/.test(calls ?? '') && /[1-9]/.test(exact ?? ''),
  'two calls and their cost by project on the overview');
  const page = await admin.goto(`${found.root}/usage`);
  await page.getByRole('row').filter({ hasText: OWNED }).first().waitFor();
}

async function ownerSeesOnlyTheirCost() {
  const page = await owner.goto(`${found.root}/projects/${found.projects[OWNED]}/usage`);
  await page.getByText(/\$/).first().waitFor();
  const usage = await owner.goto(`${found.root}/usage`);
  for (const name of HIDDEN) {
    assert.equal(await usage.getByText(name).count(), 0, `expected no trace of ${name}`);
  }
}

async function auditTells() {
  const page = await admin.goto(`${found.root}/audit`);
  const text = await page.getByRole('main').innerText();
  assert.match(text, /Staging Lead|staging-lead@/, 'expected the colleague in the audit trail');
  assert.ok(!text.includes(found.key), 'expected no secret in the audit trail');
}

async function accessIsExplained() {
  const page = await admin.goto(`${found.root}/access`);
  await page.getByLabel(/^who/i).fill(OWNER.email);
  await choose(page.getByLabel(/^where/i), OWNED);
  await choose(page.getByLabel(/^may they/i), /^change a project's settings/i);
  await admin.press('Ask');
  await page.getByRole('heading', { name: 'Yes', exact: true }).waitFor();
  const answer = await page.getByRole('main').innerText();
  assert.match(answer, /as Project Owner\./, 'expected the role in the answer');
  assert.match(answer, /given by First Admin/, 'expected who gave it');
  await choose(page.getByLabel(/^may they/i), /^archive a project/i);
  await admin.press('Ask');
  await page.getByRole('heading', { name: 'No', exact: true }).waitFor();
  await page.getByText('Admin of the organization').waitFor();
  await page.getByLabel(/^who/i).fill('nobody@elsewhere.example.test');
  await admin.press('Ask');
  await page.getByRole('alert').waitFor();
}

async function listsSayWhoSeesWhat() {
  const own = await owner.goto(`${found.root}/projects/${found.projects[OWNED]}/access`);
  for (const name of [ADMIN.name, OWNER.name]) await own.getByRole('row').filter({ hasText: name }).first().waitFor();
  const members = await admin.goto(`${found.root}/members`);
  await members.getByRole('link', { name: `What ${OWNER.name} can see` }).click();
  await members.getByRole('heading', { name: `What ${OWNER.name} can see` }).waitFor();
  found.sight = new URL(members.url()).pathname;
  const rows = await members.getByRole('row').allInnerTexts();
  assert.equal(rows.filter((row) => row.includes('development')).length, 0, 'expected only their project');
  const mine = await owner.goto('/account');
  await mine.getByRole('link', { name: /^my access in/i }).click();
  await mine.getByRole('row').filter({ hasText: OWNED }).waitFor();
  const refused = await owner.page.goto(new URL(found.sight, ADDRESS).href);
  assert.ok(REFUSED.includes(refused.status()), 'expected what others can see to be kept from an owner');
}

async function printsCarryNoFrame() {
  const { page } = admin;
  await admin.goto(`${found.root}/projects/${found.projects[OWNED]}/access`);
  await page.emulateMedia({ media: 'print' });
  const shown = (place) => page.locator(place).first().isVisible();
  assert.deepEqual([await shown('nav.side'), await shown('header.top'), await shown('main button')], [false, false, false]);
  assert.match(await page.locator('.print-only').innerText(), /Printed by First Admin .* on \d+ \w+ \d{4}/);
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgb(255, 255, 255)');
  await page.emulateMedia({ media: null });
}

async function screenshots() {
  const project = `${found.root}/projects/${found.projects[OWNED]}`;
  await takeScreenshots(browser, admin, ENGINE, {
    organizations: '/organizations', overview: found.root, projects: `${found.root}/projects`,
    'new-project': `${found.root}/projects/new`, project, keys: `${project}/keys`, 'project-members': `${project}/members`,
    'service-accounts': `${project}/service-accounts`,
    'project-usage': `${project}/usage`, 'project-allowances': `${project}/allowances`,
    'project-settings': `${project}/settings`, members: `${found.root}/members`, usage: `${found.root}/usage`,
    providers: `${found.root}/providers`, prices: `${found.root}/prices`, 'admin-keys': `${found.root}/admin-keys`,
    access: `${found.root}/access?permission=project.archive&principal=${encodeURIComponent(OWNER.email)}`,
    'project-access': `${project}/access`, 'member-access': found.sight, 'my-access': `${found.root}/access/mine`,
    audit: `${found.root}/audit`, settings: `${found.root}/settings`, account: '/account',
    roles: `${found.root}/roles`, 'new-role': `${found.root}/roles/new`, role: found.role, groups: `${found.root}/groups`,
    group: found.group, 'project-roles': `${project}/roles`, approvals: `${found.root}/approvals`, reviews: `${found.root}/reviews`,
    review: `${found.review}?show=all`, policy: `${found.root}/policy`, 'project-policy': `${project}/policy`,
    webhooks: `${found.root}/webhooks`, webhook: found.webhook, delivery: found.delivery, mails: `${found.root}/mails`,
    handovers: `${found.root}/handovers?state=all`, 'forgot-password': '/forgot-password',
  });
}

async function signOut() {
  const page = await owner.goto(found.root);
  await page.getByLabel(/^account of/i).click();
  await owner.press('Sign out');
  await page.waitForURL(/\/sign-in/);
  await owner.goto(`${found.root}/projects`);
  assert.match(page.url(), /\/sign-in/, 'expected the session to be over');
}

async function signIn() {
  const page = await owner.goto('/sign-in');
  for (const password of ['not the right password', OWNER.password]) {
    await page.getByLabel(/^e-mail/i).fill(OWNER.email);
    await page.getByLabel(/^password/i).fill(password);
    await owner.press('Sign in');
    if (password !== OWNER.password) await page.getByRole('alert').first().waitFor();
  }
  await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
}

async function nothingWentWrongInThePages() {
  assert.deepEqual([...admin.mistakes, ...owner.mistakes], [], 'expected no script error and no failed request');
}

await runChecks([
  ['the set-up link creates the organization and its first Admin', setUp],
  ['the set-up link works once', setUpOnce],
  ['the Admin creates projects for development, staging and production', createProjects],
  ['the Admin attaches the simulated provider', attachProvider],
  ['the Admin invites a colleague as Project Owner of one project', invite],
  ['the colleague accepts, once', accept],
  ['the Project Owner sees only their project', ownerSeesOneProject],
  ['the Project Owner and strangers are kept out elsewhere', ownerIsKeptOut],
  ...accessChecks({ admin, owner, found, person: OWNER.name,
    projectRoot: () => `${found.root}/projects/${found.projects[OWNED]}` }),
  ['the Project Owner issues a key, shown once', issueKey],
  ['an unmodified client calls with it, plain and streamed', call],
  ['the Admin sees the cost by project', adminSeesTheCost],
  ['the Project Owner sees only their cost', ownerSeesOnlyTheirCost],
  ['the Project Owner gives a service account a narrow key, and widens it', serviceAccount],
  ['the audit trail tells it without secrets', auditTells],
  ['access is explained with its chain, and a no with what would turn it', accessIsExplained],
  ['a printed page carries no frame, but who printed it and when', printsCarryNoFrame],
  ...lifeChecks({ browser, admin, found, person: OWNER.name, project: OWNED, address: ADDRESS,
    projectRoot: () => `${found.root}/projects/${found.projects[OWNED]}` }),
  ...decisionChecks({ admin, owner, found, person: OWNER.name }),
  ['lists say who sees a project and what a person sees', listsSayWhoSeesWhat],
  ...governanceChecks({ admin, owner, found, projectRoot: () => `${found.root}/projects/${found.projects[OWNED]}` }),
  ...roleChecks({ browser, admin, owner, found, project: OWNED, address: ADDRESS, engine: ENGINE,
    projectRoot: () => `${found.root}/projects/${found.projects[OWNED]}` }),
  ['every page fits desktop and phone, light and dark', screenshots],
  ['a closed review stays as it is', () => closeReview(admin, found)],
  ['the Admin suspends the organization, whose pages say why, and brings it back', suspend],
  ['sign-out ends the session', signOut],
  ['sign-in refuses a wrong password and accepts the right one', signIn],
  ['no page raised an error', nothingWentWrongInThePages],
]);
await browser.close();
