// The words of a role chain.

// Said by the API from the side of who called ("assumed by"); drawn from the side of who began it.
const FORWARD: Record<string, string> = {
  'assumed by': 'assumed',
  'with a key created by': 'created a key of',
  'signed in by': 'signed in as',
  'through the AWS MCP server for': 'used the AWS MCP server as',
  'with credentials issued to': 'was issued credentials of',
};

/** forward words a step of a chain from the side of who began it. */
export function forward(how: string): string {
  return FORWARD[how] ?? how;
}

/** parts takes the name of a step apart: "role deploy, session ci-1". */
export function parts(text: string): { what: string; name: string; session: string } {
  const role = /^role (.*?)(?:, session (.*))?$/s.exec(text);
  if (role) return { what: 'role', name: role[1] ?? '', session: role[2] ?? '' };
  for (const what of ['federated user', 'assumed root of', 'root of', 'account']) {
    if (text.startsWith(what + ' ')) return { what, name: text.slice(what.length + 1), session: '' };
  }
  return { what: '', name: text, session: '' };
}

/** doubt is why a chain in words is uncertain; "" if it is not. */
export function doubt(words: string): string {
  return / \(uncertain: (.*)\)$/s.exec(words)?.[1] ?? '';
}
