/** Environment variables by name. @public */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's environment. The only place in Farthing that reads it; everything else gets it as a value. @public */
export function environment(): Environment {
  return process.env;
}
