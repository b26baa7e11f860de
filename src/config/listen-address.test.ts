import { expect, test } from 'vitest';
import { isLoopback, parseListenAddress } from './listen-address.ts';

test('a host or a bracketed address with a port is read', () => {
  expect(parseListenAddress('127.0.0.1:4141')).toEqual({ host: '127.0.0.1', port: 4141 });
  expect(parseListenAddress('[::1]:4141')).toEqual({ host: '::1', port: 4141 });
  expect(parseListenAddress('localhost:0')).toEqual({ host: 'localhost', port: 0 });
});

test('what lacks a part or leaves the range of ports is refused', () => {
  const texts = [
    '',
    '4141',
    ':4141',
    'localhost',
    '::1:4141',
    '[::1]',
    'a:65536',
    'a:-1',
    '[1]:2',
    'http://a:1',
    'a b:1',
    'u@a:1',
  ];
  expect(texts.filter((text) => parseListenAddress(text) !== undefined)).toEqual([]);
});

test('only addresses of this machine are loopback', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', 'LOCALHOST']) expect(isLoopback(host)).toBe(true);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.com', 'localhost.example.com']) {
    expect(isLoopback(host)).toBe(false);
  }
});
