/** What the runs of the million-item bench ask. */
export const RUN_MODEL = 'openai/gpt-5.4-mini';

/** Short answers: what is measured is the run, and not the simulator's prose. */
export const RUN_MAX_OUTPUT_TOKENS = 16;
