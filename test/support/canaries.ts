import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Secrets of the operator, none of which may be told to anybody. Each is a word that nothing else holds. */
export const OPERATOR_SECRETS = {
  providerKey: 'sk-proj-canary1Qx7Zt4kQ9vBn2LxWc7JdHy5Rf',
  secondProviderKey: 'sk-proj-canary2Ub3nM8eLs0KwYp6GtDa4Vi',
  anthropicKey: 'sk-ant-canary3Hr5Wq9TzXo1CfBj7MuEy2Nd',
  providerHeader: 'canary4-Lk2Sg8Pv6Ia3Fo0Tb5Xw9Qe7',
  providerQuery: 'canary5-Zc4Vm1Yn7Rt9Ju3Dh6Kb8Op2',
  adminKey: 'canary6-Ge5Wx2Ls8Hq0Mf7Ta4Pc9Ri3Bk1',
  callerKey: 'fk-canary7-No3Jy6Uz1Ev8Id4Xt0Sw5Ga2Cb9',
  otherCallerKey: 'fk-canary8-Mh7Fq2Kr9Lp4Zo1Bx6Yv3Tn8Ej5',
  webhookSecret: 'canary9-Qd8Ri3Wc6Ua1Os9Gm4Ht7Kf2Xl5',
  webhookPath: 'canary10-Tp1Yb7Nj4Vz9Ew2Co6Ls3Ax8Dq',
} as const;

/** What belongs to one caller: told to nobody else, and not logged. */
export const CALLER_SECRETS = {
  prompt: 'canary11-of-the-prompt',
  system: 'canary12-of-the-system-prompt',
  toolArguments: 'canary13-of-tool-arguments',
  answer: 'canary14-of-the-answer',
  user: 'canary15-of-the-user',
  tag: 'canary16-of-a-tag',
  session: 'canary17-of-a-session',
} as const;

/** The names of the secrets that a text holds, whole or in pieces of eight characters behind the common prefix of keys. */
export function told(text: string, secrets: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(secrets).flatMap(([name, secret]) => (holds(text, secret) ? [name] : []));
}

function holds(text: string, secret: string): boolean {
  // From the number on, no two of the secrets have a piece in common.
  const own = secret.slice(secret.indexOf('canary'));
  for (let at = 0; at + 8 <= own.length; at += 1) {
    const piece = own.slice(at, at + 8);
    if (/\d/.test(piece) && text.includes(piece)) return true;
  }
  return false;
}

/** All files below a folder, joined as text; compressed or not, what is written as it is can be found. */
export function textOfFiles(folder: string, without: RegExp): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (file) => file.isFile() && !without.test(file.name),
  );
  return files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1')).join('\n');
}
