import { expect, test } from 'vitest';
import { VENDOR_HOSTS, vendorOf } from './vendor-of.ts';

test("the host of a vendor's own API decides, whatever the provider is called", () => {
  for (const [host, vendor] of Object.entries(VENDOR_HOSTS))
    expect(vendorOf('anthropic', `https://${host}/v1`)).toBe(vendor);
  expect(vendorOf('x', 'https://eu.api.openai.com/v1')).toBe('openai');
  expect(vendorOf('x', 'https://us-central1-aiplatform.googleapis.com/v1')).toBe('google');
});

test('at another host the name decides, and a name that is no vendor has none', () => {
  expect(vendorOf('openai', 'http://127.0.0.1:9/v1')).toBe('openai');
  expect(vendorOf('backup', 'http://127.0.0.1:9/v1')).toBeUndefined();
  expect(vendorOf('backup', 'https://api.openai.com.example.com/v1')).toBeUndefined();
  expect(vendorOf('constructor', 'no address')).toBeUndefined();
});
