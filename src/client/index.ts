/**
 * Farthing as a library.
 * @packageDocumentation
 */
export {};
