// Watches a team by one client from npm and says on standard output, a JSON object a line, what it
// is told and how each stream ended: `node watch.mjs WAY URL SUPERVISOR TOKEN...`. A token that is
// no longer good is followed by the next one. It ends when its standard input does.

import { createClient as createSocket } from 'graphql-ws';
import { createClient as createEvents } from 'graphql-sse';
import { ApolloClient, ApolloLink, InMemoryCache, gql } from '@apollo/client';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { createClient as createUrql, createRequest, subscriptionExchange } from '@urql/core';
import { Observable } from 'rxjs';
import { onEnd, pipe, subscribe } from 'wonka';
import { WebSocket } from 'ws';

globalThis.WebSocket ??= WebSocket; // browsers and newer versions of Node have it

const [way, url, supervisor, ...tokens] = process.argv.slice(2);
const query = `subscription Team($supervisor: ID!, $after: String) {
  teamUpdates(supervisor: $supervisor, after: $after) { cursor kind event
    team { on members { employee { id name } status recordedMinutes } }
    member { employee { id name } status recordedMinutes pendingCount } } }`;

let cursor = null;
const say = (line) => process.stdout.write(JSON.stringify(line) + '\n');
const authorization = () => `Bearer ${tokens[0]}`;
// The clients that connect again by themselves write the variables anew each time: as a getter,
// `after` is then the newest cursor and not the one that the stream once began with.
const variables = { supervisor, get after() { return cursor; } };
const socket = (more) => createSocket({
  url: url.replace('http', 'ws'),
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: authorization() }),
  on: { connected: (_, __, again) => say({ connected: again ? 'again' : 'anew' }) },
  ...more,
});
const soon = { retryAttempts: 1000, retryWait: () => new Promise((done) => setTimeout(done, 100)),
  shouldRetry: () => true };

function take({ data, errors }) {
  if (errors?.length) throw errors;
  const { cursor: reached, kind, event, team, member } = data.teamUpdates;
  say({ cursor: Number(reached), kind, event, whole: team !== null, one: member !== null });
  cursor = reached;
}

const following = (observable, read) => new Promise((done, fail) => {
  const ended = observable.subscribe({
    next: (said) => {
      try { take(read(said)); } catch (reason) { fail(reason); setTimeout(() => ended.unsubscribe()); }
    },
    error: fail,
    complete: done,
  });
});

// For Apollo Client: subscribes again behind the last cursor whenever the socket breaks. A refusal
// is an answer with errors and goes through.
const resuming = () => new ApolloLink((operation, forward) => new Observable((observer) => {
  let inner, timer;
  const begin = () => {
    operation.variables = { ...operation.variables, after: cursor };
    inner = forward(operation).subscribe({
      next: (said) => observer.next(said),
      complete: () => observer.complete(),
      error: (reason) => {
        if (!/^Socket closed with event (1|4499)/.test(reason.message)) return observer.error(reason);
        timer = setTimeout(begin, 100);
      },
    });
  };
  begin();
  return () => { clearTimeout(timer); inner.unsubscribe(); };
}));

const ways = {
  async 'graphql-ws'() {
    const client = socket({ lazy: true, ...soon });
    for await (const said of client.iterate({ query, variables })) take(said);
  },
  async 'graphql-sse'() {
    const client = createEvents({
      url,
      headers: () => ({ authorization: authorization() }),
      on: { connected: (again) => say({ connected: again ? 'again' : 'anew' }) },
      retryAttempts: 1000,
      retry: soon.retryWait,
    });
    for await (const said of client.iterate({ query, variables })) take(said);
  },
  async apollo() {
    const link = ApolloLink.from([resuming(), new GraphQLWsLink(socket({ retryAttempts: 0 }))]);
    const client = new ApolloClient({ link, cache: new InMemoryCache() });
    const asked = { query: gql(query), variables: { supervisor, after: cursor }, fetchPolicy: 'no-cache',
      errorPolicy: 'none' };
    await following(client.subscribe(asked), ({ data, error }) => {
      if (error) throw error;
      return { data };
    });
  },
  async urql() {
    const client = socket(soon);
    const forwardSubscription = (asked) => ({
      subscribe: (sink) => ({ unsubscribe: client.subscribe({ query: asked.query, variables }, sink) }),
    });
    const urql = createUrql({ url, exchanges: [subscriptionExchange({ forwardSubscription })] });
    const source = urql.executeSubscription(createRequest(query, { supervisor }));
    await following({
      subscribe: ({ next, complete }) => pipe(source, onEnd(complete), subscribe(next)),
    }, ({ data, error }) => {
      if (error) throw error;
      return { data };
    });
  },
};

function codeOf(reason) {
  const errors = reason?.errors ?? reason?.graphQLErrors ?? (Array.isArray(reason) ? reason : []);
  const closed = reason?.code ?? /with event (\d+)/.exec(reason?.message)?.[1];
  return errors[0]?.extensions?.code ?? closed ?? reason?.networkError?.code
    ?? reason?.response?.status ?? String(reason);
}

process.stdin.on('end', () => process.exit(0)).resume();
for (;;) {
  let code = 'COMPLETE';
  try {
    await ways[way]();
  } catch (reason) {
    code = codeOf(reason);
  }
  say({ ended: code });
  if (['UNAUTHENTICATED', 4401, '4401', 401].includes(code)) tokens.shift();
  if (tokens.length === 0) process.exit(1);
  await new Promise((done) => setTimeout(done, 100));
}
