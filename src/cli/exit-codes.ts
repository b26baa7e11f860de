/**
 * What the command line answers with.
 *
 * - `ok`: done.
 * - `failure`: it could not be done, or something is wrong inside.
 * - `usage`: the command line or the configuration is at fault; trying again changes nothing.
 * @public
 */
export const EXIT_CODES = { ok: 0, failure: 1, usage: 2 } as const;

/** One of {@link EXIT_CODES}. @public */
export type ExitCode = (typeof EXIT_CODES)[keyof typeof EXIT_CODES];
