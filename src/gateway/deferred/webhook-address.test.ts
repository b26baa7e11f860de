import { expect, test } from 'vitest';
import { webhookAddress } from './webhook-address.ts';

const ALLOWED = ['https://hooks.example.com/answers', 'http://127.0.0.1:9000/'];

test.each([
  'https://hooks.example.com/answers',
  'https://hooks.example.com/answers/',
  'https://hooks.example.com/answers/team-a?token=1',
  'http://127.0.0.1:9000/any/where',
])('%s lies below an allowed address', (text) => {
  expect(webhookAddress(text, ALLOWED)).toBe(text);
});

test('an address is kept in its normal form', () => {
  expect(webhookAddress('HTTPS://Hooks.Example.com:443/answers/x/../y', ALLOWED)).toBe(
    'https://hooks.example.com/answers/y',
  );
});

test.each([
  '',
  'nonsense',
  '/answers/relative',
  'https://hooks.example.com/answersX',
  'https://hooks.example.com/answers/../admin',
  'https://hooks.example.com/answers/%2e%2e/admin',
  'https://hooks.example.com/answers/..%2fadmin',
  'https://hooks.example.com/answers/..%5Cadmin',
  // Servers that cut parameters of segments off, decode twice or fold slashes would look elsewhere.
  'https://hooks.example.com/answers/..;/admin',
  'https://hooks.example.com/answers/..%3B/admin',
  'https://hooks.example.com/answers/%252e%252e/admin',
  'https://hooks.example.com/answers//admin',
  'https://hooks.example.com/answers/x%00',
  'https://hooks.example.com/answers/%0d%0aHost:evil.example',
  String.raw`https://hooks.example.com/answers\..\admin`,
  'https://hooks.example.com.evil.example/answers/',
  'https://hooks.example.com@evil.example/answers/',
  'https://user@hooks.example.com/answers/',
  'https://hooks.example.com/answers/#part',
  'https://hooks.example.com:8443/answers/',
  'http://hooks.example.com/answers/',
  'http://127.0.0.1:9001/',
  'file:///etc/passwd',
  'data:text/plain,x',
  `https://hooks.example.com/answers/${'x'.repeat(2048)}`,
])('%s is not taken', (text) => {
  expect(webhookAddress(text, ALLOWED)).toBeUndefined();
});

test('where nothing is allowed nobody can be told', () => {
  expect(webhookAddress('https://hooks.example.com/answers', [])).toBeUndefined();
});
