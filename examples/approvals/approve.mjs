// A back end lets Ann ask Bob and Cleo about a file. Start it with CONTAINER_URL, such as https://assets.example.com/demo, and
// SECRET_KEY in its environment.
const { CONTAINER_URL, SECRET_KEY } = process.env;

/** Sends a request, and says why when it is refused. */
async function send(key, method, path, body) {
  const response = await fetch(CONTAINER_URL + path, {
    method,
    headers: { 'X-Filerobot-Key': key, 'Content-Type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(`${answer.code}: ${answer.msg}. ${answer.hint}`);
  return answer;
}

/** An access key for one person: its subject is who asks and who votes. */
async function keyFor(subject, permissions) {
  return (await send(SECRET_KEY, 'POST', '/v5/key', { subject, permissions })).key;
}

const ann = await keyFor('ann@example.org', ['FILE_UPLOAD', 'OBJECTS_FETCH', 'OBJECTS_APPROVAL_MANAGE']);
const bob = await keyFor('bob@example.org', ['OBJECTS_FETCH', 'OBJECTS_APPROVAL_VOTE']);
const cleo = await keyFor('cleo@example.org', ['OBJECTS_FETCH', 'OBJECTS_APPROVAL_VOTE']);

const text = btoa(`Made at ${new Date().toISOString()}`);
const uploaded = await send(ann, 'POST', '/v5/files?folder=/campaign', { name: 'claim.txt', data: text });
const uuid = uploaded.file.uuid;

const dueDate = new Date(Date.now() + 7 * 24 * 60 * 60 * 1000).toISOString();
const asked = await send(ann, 'POST', `/v5/files/${uuid}/approvals`, {
  approval: { approvers: ['bob@example.org', 'cleo@example.org'], message: 'Please check', due_date: dueDate },
});
console.log('asked:', asked.file.approval.latest);

for (const key of [bob, cleo]) {
  // What waits for the person that the key was made for.
  const tasks = await send(key, 'GET', '/v5/approvals?status=PENDING&approver=me');
  const task = tasks.approvals.find(({ file_uuid }) => file_uuid === uuid);
  const voted = await send(key, 'POST', `/v5/approvals/${task.uuid}/vote`, { vote: 'APPROVE', comment: 'Fine' });
  console.log('voted:', voted.file.approval.latest);
}
