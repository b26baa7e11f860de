import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FlightTerms, PrefixFlights } from './prefix-flights.ts';

const terms: FlightTerms = { writeRatio: 1.25, readRatio: 0.1, prefixTokens: 5000, maxWaitMs: 2000 };

test('of concurrent calls on one prefix the first writes, the rest wait and read after its first byte', () => {
  const flights = new PrefixFlights();
  expect(flights.ask('p', 'a', terms, 0)).toEqual({ kind: 'write' });
  expect(flights.ask('p', 'b', terms, 100)).toEqual({ kind: 'wait', untilMs: 2100 });
  expect(flights.ask('q', 'c', terms, 100)).toEqual({ kind: 'write' });
  expect(flights.written('p', 'a')).toEqual(['b']);
  expect(flights.ask('p', 'b', terms, 500)).toEqual({ kind: 'read' });
  flights.ended('p', 'a');
  expect(flights.ask('p', 'd', terms, 600)).toEqual({ kind: 'write' });
});

test('a call waits no longer than its bound, and then goes unmarked', () => {
  const flights = new PrefixFlights();
  flights.ask('p', 'a', terms, 0);
  flights.ask('p', 'b', terms, 0);
  expect(flights.ask('p', 'b', terms, 1999)).toEqual({ kind: 'wait', untilMs: 2000 });
  expect(flights.ask('p', 'b', terms, 2000)).toEqual({ kind: 'unmarked' });
});

test('a call does not wait for less than the wait is worth', () => {
  const flights = new PrefixFlights();
  flights.ask('p', 'a', terms, 0);
  expect(flights.ask('p', 'b', { ...terms, readRatio: 1 }, 0)).toEqual({ kind: 'unmarked' });
  expect(flights.ask('p', 'c', { ...terms, maxWaitMs: 0 }, 0)).toEqual({ kind: 'unmarked' });
});

test('when the writer fails the one that waited longest writes', () => {
  const flights = new PrefixFlights();
  for (const call of ['a', 'b', 'c']) flights.ask('p', call, terms, 0);
  expect(flights.failed('p', 'a', 10)).toBe('b');
  expect(flights.ask('p', 'b', terms, 10)).toEqual({ kind: 'write' });
  expect(flights.ask('p', 'c', terms, 10).kind).toBe('wait');
  expect(flights.failed('p', 'c', 10)).toBeUndefined();
  expect(flights.failed('p', 'b', 20)).toBeUndefined();
  expect(flights.size).toBe(0);
});

test('a writer of which nothing was heard is followed by the next', () => {
  const flights = new PrefixFlights();
  flights.ask('p', 'a', terms, 0);
  expect(flights.ask('p', 'b', terms, 120_001)).toEqual({ kind: 'write' });
});

test('at no time do two calls write one prefix', () => {
  const step = fc.record({ call: fc.nat(5), what: fc.constantFrom('ask', 'failed', 'written') });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const flights = new PrefixFlights();
      let writer: string | undefined;
      let isWritten = false;
      steps.forEach(({ call, what }, atMs) => {
        const name = String(call);
        if (what === 'failed' && !isWritten) {
          const next = flights.failed('p', name, atMs);
          if (name === writer) writer = next;
        } else if (what === 'written') {
          flights.written('p', name);
          if (name === writer) isWritten = true;
        } else if (what === 'ask' && flights.ask('p', name, terms, atMs).kind === 'write') {
          expect(writer === undefined || writer === name).toBe(true);
          writer = name;
        }
      });
    }),
  );
});

test('prefixes in flight are bounded', () => {
  const flights = new PrefixFlights();
  for (let index = 0; index < 12_000; index += 1) flights.ask(String(index), 'a', terms, 0);
  expect(flights.size).toBe(10_000);
});
