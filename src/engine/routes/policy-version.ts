import { hash } from 'node:crypto';

/** Characters of a version: 32 bits tell the versions of one rule apart. */
const VERSION_CHARS = 8;

/** Names a rule as it is written. A program's own functions count by their text: what they close over does not. @internal */
export function policyVersion(rule: unknown): string {
  const text = JSON.stringify(rule, (_name, value: unknown) =>
    typeof value === 'function' ? Function.prototype.toString.call(value) : value,
  );
  return hash('sha256', text, 'hex').slice(0, VERSION_CHARS);
}
