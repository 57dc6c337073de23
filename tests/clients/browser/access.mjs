// Roles and groups as people make and give them in the console.
import assert from 'node:assert/strict';

const ROLE = 'Cost reader';
const GROUP = 'Reporting';

// The checks, in order. `person` is the colleague's name, `project` the project that they own.
export function accessChecks({ admin, owner, found, person, projectRoot }) {
  return [
    ['the Admin makes a role out of listed permissions and sees what each role gives', () => makeRole(admin, found)],
    ['the Admin makes a group, puts the colleague into it and gives it the role', () => makeGroup(admin, found, person)],
    ['the members page tells the role and through which group it comes', () => tellSource(admin, found, person)],
    ['the Project Owner makes a role of their project and gives the group another', () => ownRoles(owner, projectRoot())],
    ['the Project Owner invites only where the organization lets them', () => noInvite(owner, projectRoot())],
  ];
}

async function makeRole(admin, found) {
  let page = await admin.goto(`${found.root}/roles/new`);
  await page.getByLabel(/^name/i).fill(ROLE);
  await page.getByLabel(/see what a project cost/i).check();
  await admin.press('Create role');
  await page.getByRole('heading', { level: 1, name: ROLE }).waitFor();
  found.role = new URL(page.url()).pathname;
  page = await admin.goto(`${found.root}/roles`);
  const row = page.getByRole('row').filter({ hasText: 'cost.read' }).first();
  assert.match(await row.innerText(), /yes/, 'expected the table to say what the roles give');
  await page.getByRole('columnheader', { name: ROLE }).waitFor();
}

async function makeGroup(admin, found, person) {
  const page = await admin.goto(`${found.root}/groups`);
  await page.getByLabel(/^new group/i).fill(GROUP);
  await admin.press('Make group');
  await page.getByRole('heading', { level: 1, name: GROUP }).waitFor();
  found.group = new URL(page.url()).pathname;
  await choose(page.getByLabel(/^add a member/i), person);
  await admin.press('Add');
  await page.getByRole('row').filter({ hasText: person }).waitFor();
  await choose(page.getByLabel(/^give a role of the organization/i), ROLE);
  await page.getByRole('button', { name: 'Give' }).first().click();
  await page.getByRole('rowheader', { name: ROLE }).waitFor();
}

async function tellSource(admin, found, person) {
  const page = await admin.goto(`${found.root}/members`);
  const row = page.getByRole('row').filter({ hasText: person }).first();
  assert.match(await row.innerText(), new RegExp(`${ROLE} through ${GROUP}`), 'expected the role with its source');
  const role = await admin.goto(found.role);
  await role.getByRole('rowheader', { name: GROUP }).waitFor();
}

async function ownRoles(owner, root) {
  let page = await owner.goto(`${root}/roles/new`);
  await page.getByLabel(/^name/i).fill('Looker-on');
  await page.getByLabel(/see a project and its settings/i).check();
  assert.ok(await page.getByLabel(/archive a project/i).isDisabled(), 'expected what the owner does not have greyed out');
  await owner.press('Create role');
  await page.getByRole('heading', { level: 1, name: 'Looker-on' }).waitFor();
  page = await owner.goto(`${root}/members`);
  await page.getByLabel(/^give a group a role/i).fill(GROUP);
  const form = page.locator('form').filter({ has: page.getByLabel(/^give a group a role/i) });
  await choose(form.getByLabel(/^role/i), 'Looker-on');
  await form.getByRole('button', { name: 'Give' }).click();
  await page.getByRole('rowheader', { name: GROUP }).waitFor();
}

async function noInvite(owner, root) {
  const page = await owner.goto(`${root}/members`);
  assert.equal(await page.getByLabel(/^invite somebody new/i).count(), 0, 'expected no invitation by the owner');
}

// Chooses by the words that a person reads.
async function choose(list, words) {
  await list.selectOption({ label: await list.locator('option').filter({ hasText: words }).first().innerText() });
}
