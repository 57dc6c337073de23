// What needs a second person, as both see it: somebody asks to be Admin for a while, and rights are reviewed.
import assert from 'node:assert/strict';

const REASON = 'The credential of a provider leaked';

// The checks, in order; `closeReview` comes after the pictures. `person` is the colleague's name.
export function decisionChecks({ admin, owner, found, person }) {
  return [
    ['a colleague asks to be Admin for an hour, and cannot approve it', () => ask(owner, found)],
    ['the Admin sees it counted, and refuses it with a note that the colleague reads', () => refuse(admin, owner, found, person)],
    ['the Admin approves the next one, which every page of the colleague tells', () => approve(admin, owner, found, person)],
    ['the colleague ends it early and is as before', () => end(owner, found)],
    ['a request can be withdrawn', () => withdraw(owner, found)],
    ['the Admin opens a review, keeps one right, reduces another, and has it on paper and as a file', () => review(admin, found, person)],
  ];
}

async function send(owner, found) {
  const page = await owner.goto(`${found.root}/approvals`);
  await page.getByLabel(/^role/i).selectOption({ label: 'Admin' });
  await page.getByLabel(/^for how long/i).selectOption({ label: '1 hour' });
  await page.getByLabel(/^reason/i).fill(REASON);
  await owner.press('Ask');
  await page.getByText('waits for a second person').waitFor();
  return page;
}

async function ask(owner, found) {
  const page = await send(owner, found);
  for (const name of ['Approve', 'Refuse']) {
    assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, `expected nobody to ${name} their own request`);
  }
}

async function refuse(admin, owner, found, person) {
  let page = await admin.goto(found.root);
  await page.getByRole('link', { name: /^approvals 1 waiting for you/i }).click();
  const request = page.getByRole('listitem').filter({ hasText: REASON });
  assert.match(await request.innerText(), new RegExp(`${person}[^]*Admin for 1 hour`), 'expected who asks for what');
  await request.getByRole('button', { name: 'Refuse', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Refuse the request of ${person}` });
  await dialog.getByLabel(/^note/i).fill('Ask for less time');
  await dialog.getByRole('button', { name: 'Refuse', exact: true }).click();
  await page.getByText('Nothing waits').waitFor();
  page = await owner.goto(`${found.root}/approvals`);
  await page.getByRole('row').filter({ hasText: 'refused' }).filter({ hasText: 'Ask for less time' }).waitFor();
}

async function approve(admin, owner, found, person) {
  await send(owner, found);
  let page = await admin.goto(`${found.root}/approvals`);
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: `Approve the request of ${person}` });
  await dialog.getByRole('button', { name: 'Approve', exact: true }).click();
  await page.getByRole('heading', { name: 'In force for a while' }).waitFor();
  page = await owner.goto(`${found.root}/providers`);
  await page.getByText(/you are admin for a while/i).waitFor();
  await page.getByRole('heading', { level: 1, name: 'Providers' }).waitFor();
}

async function end(owner, found) {
  const page = await owner.goto(`${found.root}/members`);
  await page.getByRole('button', { name: 'End now' }).click();
  await page.getByRole('heading', { level: 1, name: 'Approvals' }).waitFor();
  await page.getByText('ended early').waitFor();
  const answer = await page.goto(new URL(`${found.root}/members`, page.url()).href);
  assert.equal(answer.status(), 403, 'expected the right to be gone');
}

async function withdraw(owner, found) {
  const page = await send(owner, found);
  await page.getByRole('button', { name: 'Withdraw' }).click();
  await page.getByRole('row').filter({ hasText: 'withdrawn' }).waitFor();
}

async function review(admin, found, person) {
  let page = await admin.goto(`${found.root}/reviews`);
  await page.getByLabel(/^name/i).fill('Fourth quarter');
  await page.getByLabel(/^due/i).fill('2099-12-31');
  await admin.press('Open review');
  await page.getByRole('heading', { level: 1, name: 'Fourth quarter' }).waitFor();
  found.review = new URL(page.url()).pathname;
  assert.match(await page.getByRole('main').innerText(), /due 31 Dec 2099/i, 'expected the day by which it is due');
  const theirs = (text) => page.getByRole('row').filter({ hasText: person }).filter({ hasText: text });
  const count = await page.getByRole('row').filter({ hasText: person }).count();
  await theirs('in the organization').filter({ hasNotText: 'through the group' }).getByRole('button', { name: 'Keep' }).click();
  await page.getByText(/^1 kept/).waitFor();
  assert.equal(await page.getByRole('row').filter({ hasText: person }).count(), count - 1, 'expected what is decided to leave the list');
  await theirs('through the group').filter({ hasText: 'Cost reader' }).getByRole('button', { name: 'Reduce' }).click();
  const dialog = page.getByRole('dialog', { name: new RegExp(`^reduce the right of ${person}`, 'i') });
  await dialog.getByLabel(/^note/i).fill('The report is written by somebody else');
  await dialog.getByRole('button', { name: 'Reduce' }).click();
  await page.getByText(/^1 reduced/).waitFor();
  page = await admin.goto(`${found.review}?show=all`);
  await page.getByText('The report is written by somebody else').waitFor();
  await page.emulateMedia({ media: 'print' });
  assert.equal(await page.getByRole('button').first().isVisible(), false, 'expected no button on paper');
  assert.ok(await page.getByText('The report is written by somebody else').isVisible(), 'expected decisions on paper');
  await page.emulateMedia({ media: null });
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /export csv/i }).click()]);
  assert.match(file.suggestedFilename(), /\.csv$/);
}

export async function closeReview(admin, found) {
  const page = await admin.goto(found.review);
  await page.getByRole('button', { name: 'Close review' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Close review' }).click();
  await page.getByText(/Closed .* by First Admin/).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Keep' }).count(), 0, 'expected a closed review to stay as it is');
}
