/** The one GraphQL address: POST for queries and mutations, WebSocket for subscriptions. */
export const ENDPOINT = '/graphql';

/** Sends one operation; answers its result, also when the server did not speak GraphQL. */
export async function post(operation, token, extraHeaders = {}) {
  const headers = new Headers({
    'Content-Type': 'application/json',
    Accept: 'application/graphql-response+json, application/json',
  });
  if (token) headers.set('Authorization', `Bearer ${token}`);
  for (const [name, value] of Object.entries(extraHeaders)) headers.set(name, value);

  const response = await fetch(ENDPOINT, { method: 'POST', headers, body: JSON.stringify(operation) });
  const text = await response.text();
  let result;
  try {
    result = JSON.parse(text);
  } catch {
    result = { errors: [{ message: `The server answered ${response.status} ${response.statusText}: ${text.slice(0, 500)}` }] };
  }
  return { result, status: response.status, bytes: new Blob([text]).size };
}
