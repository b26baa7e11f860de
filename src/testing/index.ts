/**
 * Fakes and conformance suites for those who write stores and providers of their own.
 * @packageDocumentation
 */
export {};
