// The npm OpenAI client against a running server: every admin call of the contract, three pages per list, and the data plane.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { eventually, runChecks } from './checks.mjs';
import { OpenAI } from './packages.mjs';

const { BAILIWICK_ADDRESS: ADDRESS, BAILIWICK_ADMIN_KEY: ADMIN_KEY, BAILIWICK_USER_ID: ME } = process.env;
const BASE = `${ADDRESS}/v1`;
const PAGE = 2;
const HELLO = [{ role: 'user', content: 'one two three four' }];
const JOIN = fileURLToPath(new URL('../join.py', import.meta.url));
const PYTHON = fileURLToPath(new URL('../../../.work/python/bin/python', import.meta.url));
const started = Math.floor(Date.now() / 1000);

const client = (options) => new OpenAI({ baseURL: BASE, apiKey: 'unused', adminAPIKey: 'unused', maxRetries: 0, ...options });
const admin = client({ adminAPIKey: ADMIN_KEY }).admin.organization;
const foreign = client({ adminAPIKey: process.env.BAILIWICK_OTHER_ADMIN_KEY }).admin.organization;

let project;
let caller;

const numbered = (make) => [0, 1, 2, 3, 4].reduce(
  async (made, number) => [...(await made), await make(number)], Promise.resolve([]));

async function post(path, body) {
  const answer = await fetch(`${BASE}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, `POST ${path}: ${text}`);
  return JSON.parse(text);
}

// Walks a list by auto-paging: at least three pages of two, everything once, all expected ids among them.
async function threePages(list, expected, idOf = (item) => item.id) {
  const walked = [];
  let pages = 0;
  for await (const page of (await list({ limit: PAGE })).iterPages()) {
    pages += 1;
    walked.push(...page.getPaginatedItems().map(idOf));
  }
  assert.ok(pages >= 3, `expected three pages, got ${pages}`);
  assert.equal(new Set(walked).size, walked.length, 'expected no item twice');
  for (const id of expected) assert.ok(walked.includes(id), `expected ${id} in the list`);
}

async function refused(status, call) {
  const error = await call().then(() => null, (raised) => raised);
  assert.ok(error instanceof OpenAI.APIError, `expected a refusal, got ${error}`);
  assert.equal(error.status, status, error.message);
  assert.ok(error.requestID, 'expected an x-request-id');
  assert.ok(error.code, 'expected a code');
  return error;
}

function join(link, name) {
  execFileSync(PYTHON, [JOIN, link, name, 'a passphrase for the newcomer 9'], { stdio: 'inherit' });
}

async function projects() {
  project = await admin.projects.create({ name: 'Shared' });
  assert.equal(project.object, 'organization.project');
  assert.equal((await admin.projects.retrieve(project.id)).name, 'Shared');
  assert.equal((await admin.projects.update(project.id, { name: 'Renamed' })).name, 'Renamed');
  const made = await numbered((number) => admin.projects.create({ name: `Paged ${number}` }));
  await threePages((page) => admin.projects.list(page), made.map(({ id }) => id));
  const archived = await admin.projects.archive(made[0].id);
  assert.equal(archived.status, 'archived');
  assert.equal((await post(`/organization/projects/${made[0].id}/restore`, {})).status, 'active');
}

async function people() {
  assert.equal((await admin.users.retrieve(ME)).role, 'owner');
  const invites = await numbered((number) => admin.invites.create({
    email: `member${number}@northwind.example.test`, role: 'reader', projects: [] }));
  await threePages((page) => admin.invites.list(page), invites.map(({ id }) => id));
  assert.equal((await admin.invites.retrieve(invites[0].id)).status, 'pending');
  for (const invite of invites) join(linkIn(invite), invite.email.split('@')[0]);
  const spare = await admin.invites.create({ email: 'spare@northwind.example.test', role: 'reader', projects: [] });
  assert.equal((await admin.invites.delete(spare.id)).deleted, true);
  const users = (await admin.users.list({ limit: 100 })).data.filter(({ id }) => id !== ME);
  assert.equal(users.length, 5, 'expected everybody who accepted');
  await threePages((page) => admin.users.list(page), users.map(({ id }) => id));
  await projectUsers(users);
  assert.equal((await admin.users.update(users[4].id, { role: 'owner' })).role, 'owner');
  assert.equal((await admin.users.delete(users[4].id)).deleted, true);
}

function linkIn(answer) {
  const link = JSON.stringify(answer).match(/"([^"]*\/invites\/[^"]+)"/);
  assert.ok(link, `expected the link of the invitation: ${JSON.stringify(answer)}`);
  return link[1];
}

async function projectUsers(users) {
  for (const { id } of users) await admin.projects.users.create(project.id, { user_id: id, role: 'member' });
  await threePages((page) => admin.projects.users.list(project.id, page), users.map(({ id }) => id));
  const of = { project_id: project.id };
  assert.equal((await admin.projects.users.update(users[0].id, { ...of, role: 'owner' })).role, 'owner');
  assert.equal((await admin.projects.users.retrieve(users[0].id, of)).role, 'owner');
  assert.equal((await admin.projects.users.delete(users[0].id, of)).deleted, true);
  await refused(404, () => admin.projects.users.retrieve(users[0].id, of));
}

async function roles() {
  const viewer = 'role-api-project-viewer';
  const made = await numbered((number) => admin.roles.create({ role_name: `Role ${number}`, permissions: ['usage.read'] }));
  const ids = made.map(({ id }) => id);
  await threePages((page) => admin.roles.list(page), ['role-api-organization-admin', ...ids]);
  assert.equal((await admin.roles.retrieve(ids[0])).name, 'Role 0');
  assert.equal((await admin.roles.update(ids[0], { role_name: 'Renamed' })).name, 'Renamed');
  const own = await numbered((number) => admin.projects.roles.create(
    project.id, { role_name: `Role ${number}`, permissions: ['usage.read'] }));
  await threePages((page) => admin.projects.roles.list(project.id, page), [viewer, ...own.map(({ id }) => id)]);
  await assignments(admin.users.roles, ME, { user_id: ME }, ids);
  assert.equal((await admin.roles.delete(ids[0])).deleted, true);
  await refused(404, () => admin.roles.retrieve(ids[0]));
}

// Gives all of some roles, walks them, takes the first.
async function assignments(to, principal, of, ids) {
  const kind = of.user_id ? 'user' : 'group';
  const params = of.project_id ? { project_id: of.project_id } : {};
  for (const id of ids) assert.equal((await to.create(principal, { ...params, role_id: id })).object, `${kind}.role`);
  await threePages((page) => to.list(principal, { ...params, ...page }), ids);
  assert.ok((await to.retrieve(ids[0], of)).assignment_sources.some((source) => source.principal_id === principal));
  assert.equal((await to.delete(ids[0], of)).object, `${kind}.role.deleted`);
  await refused(404, () => to.retrieve(ids[0], of));
}

async function groups() {
  const made = await numbered((number) => admin.groups.create({ name: `Group ${number}` }));
  const ids = made.map(({ id }) => id);
  await threePages((page) => admin.groups.list(page), ids);
  assert.equal((await admin.groups.retrieve(ids[0])).name, 'Group 0');
  assert.equal((await admin.groups.update(ids[0], { name: 'Renamed' })).name, 'Renamed');
  const users = (await admin.users.list({ limit: 100 })).data.map(({ id }) => id);
  for (const id of users) assert.equal((await admin.groups.users.create(ids[0], { user_id: id })).object, 'group.user');
  await threePages((page) => admin.groups.users.list(ids[0], page), users);
  assert.equal((await admin.groups.users.retrieve(users[0], { group_id: ids[0] })).id, users[0]);
  assert.equal((await admin.groups.users.delete(users[0], { group_id: ids[0] })).object, 'group.user.deleted');
  const custom = (await admin.roles.list()).data.filter((role) => !role.predefined_role).map(({ id }) => id);
  custom.push('role-api-organization-finance');
  await assignments(admin.groups.roles, ids[0], { group_id: ids[0] }, custom);
  await projectGroups(ids, users[1]);
  assert.equal((await admin.groups.delete(ids[0])).deleted, true);
  await refused(404, () => admin.groups.retrieve(ids[0]));
}

async function projectGroups(ids, user) {
  for (const group_id of ids) {
    const added = await admin.projects.groups.create(project.id, { group_id, role: 'role-api-project-viewer' });
    assert.equal(added.object, 'project.group');
  }
  await threePages((page) => admin.projects.groups.list(project.id, page), ids, (item) => item.group_id);
  const of = { project_id: project.id };
  assert.equal((await admin.projects.groups.retrieve(ids[1], of)).group_name, 'Group 1');
  assert.equal((await admin.projects.groups.delete(ids[1], of)).object, 'project.group.deleted');
  const custom = (await admin.projects.roles.list(project.id)).data.filter((role) => !role.predefined_role).map(({ id }) => id);
  await assignments(admin.projects.groups.roles, ids[2], { ...of, group_id: ids[2] }, custom);
  await assignments(admin.projects.users.roles, user, { ...of, user_id: user }, custom);
}

async function serviceAccounts() {
  const accounts = admin.projects.serviceAccounts;
  const of = { project_id: project.id };
  const made = await numbered((number) => accounts.create(project.id, { name: `Worker ${number}` }));
  assert.match(made[0].api_key.value, /^sk-svc-bw\w+$/);
  await threePages((page) => accounts.list(project.id, page), made.map(({ id }) => id));
  assert.equal((await accounts.retrieve(made[0].id, of)).name, 'Worker 0');
  assert.equal((await accounts.update(made[0].id, { ...of, name: 'Renamed' })).name, 'Renamed');
  assert.equal((await accounts.delete(made[0].id, of)).deleted, true);
  await refused(404, () => accounts.retrieve(made[0].id, of));
}

async function projectKeys() {
  const made = await numbered((number) => post(`/organization/projects/${project.id}/api_keys`, { name: `Key ${number}` }));
  const of = { project_id: project.id };
  await threePages((page) => admin.projects.apiKeys.list(project.id, page), made.map(({ id }) => id));
  assert.equal((await admin.projects.apiKeys.retrieve(made[0].id, of)).name, 'Key 0');
  assert.equal((await admin.projects.apiKeys.delete(made[0].id, of)).deleted, true);
  await refused(401, () => client({ apiKey: made[0].value }).models.list());
  caller = client({ apiKey: made[1].value });
}

async function adminKeys() {
  const made = await numbered((number) => admin.adminAPIKeys.create({ name: `Automation ${number}` }));
  await threePages((page) => admin.adminAPIKeys.list(page), made.map(({ id }) => id));
  assert.equal((await admin.adminAPIKeys.retrieve(made[0].id)).name, 'Automation 0');
  await client({ adminAPIKey: made[0].value }).admin.organization.projects.list();
  assert.equal((await admin.adminAPIKeys.delete(made[0].id)).deleted, true);
  await refused(401, () => client({ adminAPIKey: made[0].value }).admin.organization.projects.list());
}

async function providers() {
  await post('/organization/providers', { name: 'simulated', kind: 'simulated' });
  await post('/organization/providers', {
    name: 'upstream', kind: 'openai', base_url: `http://${process.env.MOCK_UPSTREAM}/v1`, credential: 'upstream-secret',
    models: ['gpt-4o-mini', 'text-embedding-3-small'] });
  const models = (await caller.models.list()).data.map(({ id }) => id);
  for (const model of ['sim-small', 'gpt-4o-mini', 'text-embedding-3-small']) assert.ok(models.includes(model), model);
}

async function plainChat() {
  for (const model of ['sim-small', 'gpt-4o-mini']) {
    const answer = await caller.chat.completions.create({ model, messages: HELLO });
    assert.ok(answer.choices[0].message.content, 'expected some content');
    assert.ok(answer.usage.total_tokens > 0, 'expected usage');
  }
}

async function streamedChat() {
  for (const model of ['sim-small', 'gpt-4o-mini']) {
    const chunks = await collect(caller.chat.completions.create({ model, messages: HELLO, stream: true }));
    assert.ok(chunks.length > 2 && chunks.every((chunk) => chunk.choices.length === 1), 'expected chunks of content only');
    assert.ok(chunks.every((chunk) => !chunk.usage), 'expected no usage where it was not asked for');
    const asked = await collect(caller.chat.completions.create({
      model, messages: HELLO, stream: true, stream_options: { include_usage: true } }));
    assert.ok(asked.at(-1).usage.completion_tokens > 0, 'expected usage in the last chunk');
  }
}

async function collect(stream) {
  const chunks = [];
  for await (const chunk of await stream) chunks.push(chunk);
  return chunks;
}

async function embeddings() {
  const answer = await caller.embeddings.create({ model: 'text-embedding-3-small', input: 'one two three' });
  assert.deepEqual(answer.data[0].embedding, [0.25, -0.5, 0.125]);
  const floats = await caller.embeddings.create({ model: 'text-embedding-3-small', input: 'one', encoding_format: 'float' });
  assert.deepEqual(floats.data[0].embedding, [0.25, -0.5, 0.125]);
}

async function usageAndCosts() {
  const path = `/organization/usage/records?limit=100&project_id=${project.id}`;
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const records = await eventually(
    async () => (await (await fetch(`${BASE}${path}`, { headers })).json()).data, (data) => data.length === 8, 'eight records');
  const range = { start_time: started - (started % 86_400), group_by: ['project_id'], project_ids: [project.id] };
  const costs = results(await admin.usage.costs(range));
  assert.equal(Math.round(costs[0].amount.value * 1e9), sum(records, 'cost_nano_usd'), 'costs against records');
  const completions = results(await admin.usage.completions({ ...range, group_by: ['project_id', 'model'] }));
  assert.equal(sum(completions, 'num_model_requests'), 6, 'chats');
  assert.equal(sum(completions, 'input_tokens') + sum(results(await admin.usage.embeddings(range)), 'input_tokens'),
    sum(records, 'input_tokens'), 'tokens against records');
}

const results = (page) => page.data.flatMap((bucket) => bucket.results);
const sum = (rows, field) => rows.reduce((total, row) => total + row[field], 0);

async function usagePages() {
  const range = { start_time: started - (started % 86_400) - 5 * 86_400, limit: 2 };
  range.end_time = range.start_time + 6 * 86_400;
  const seen = [];
  let page;
  do {
    const answer = await admin.usage.costs({ ...range, ...(page && { page }) });
    seen.push(answer.data.length);
    page = answer.has_more ? answer.next_page : null;
  } while (page);
  assert.deepEqual(seen, [2, 2, 2], 'three pages of two days');
}

async function auditLogs() {
  await threePages((page) => admin.auditLogs.list(page), []);
  const [event] = (await admin.auditLogs.list({ event_types: ['project.created'], project_ids: [project.id] })).data;
  assert.equal(event['project.created'].id, project.id);
  assert.equal(event.actor.api_key.user.id, ME);
}

async function strangers() {
  await refused(404, () => foreign.projects.retrieve(project.id));
  await refused(404, () => foreign.users.retrieve(ME));
  await refused(403, () => client({ apiKey: ADMIN_KEY }).models.list());
  await refused(404, () => caller.chat.completions.create({ model: 'no-such-model', messages: HELLO }));
  assert.equal(results(await foreign.usage.costs({ start_time: started - 86_400 })).length, 0, 'costs of strangers');
}

await runChecks([
  ['projects are created, read, listed, updated, archived and restored', projects],
  ['users, invites and project users', people],
  ['roles and who has them', roles],
  ['groups, their people, roles and projects', groups],
  ['service accounts', serviceAccounts],
  ['project keys', projectKeys],
  ['admin keys', adminKeys],
  ['both kinds of provider offer their models', providers],
  ['a chat is answered', plainChat],
  ['a chat is streamed', streamedChat],
  ['embeddings come in both forms', embeddings],
  ['usage and costs agree with the records', usageAndCosts],
  ['costs page by day', usagePages],
  ['audit logs list, filter and name the actor', auditLogs],
  ['another organization sees nothing', strangers],
]);
