import { expect, test } from 'vitest';
import { meteredRoutes, routeTerms } from './http-route.ts';

test('a route that says nothing about access or metering is refused by name', () => {
  expect(() => routeTerms('/v1/new', undefined)).toThrow('/v1/new says nothing about access');
  expect(() => routeTerms('/v1/new', { metering: 'none' })).toThrow('/v1/new says nothing about access');
  expect(() => routeTerms('/v1/new', { access: 'key' })).toThrow('/v1/new says nothing about metering');
  expect(routeTerms('/v1/new', { access: 'key', metering: 'none' })).toEqual({ access: 'key', metering: 'none' });
});

test('metered endpoints are charged, and for callers only', () => {
  expect(meteredRoutes()).toContainEqual({ method: 'POST', path: '/v1/messages', access: 'key', metering: 'charged' });
  expect(new Set(meteredRoutes().map(({ metering }) => metering))).toEqual(new Set(['charged']));
});
