import { asObject, asText, objectsOf, type JsonObject } from './json-value.ts';
import { imageText } from './openai-prompt.ts';
import type { BreakpointTtl, PromptSegment } from './rendered-prompt.ts';
import { badRequest } from './simulated-reply.ts';

/** Breakpoints that a request may carry. */
const MAX_BREAKPOINTS = 4;

/**
 * Prompt of a Messages request in Anthropic's order: tools, system, messages, with the caller's cache breakpoints.
 * A top-level `cache_control` marks the last block.
 * @throws ProviderRefusal on more than four breakpoints, or a 5-minute one before a 1-hour one.
 * @internal
 */
export function messagesSegments(body: JsonObject): readonly PromptSegment[] {
  const segments: PromptSegment[] = objectsOf(body['tools']).map((tool) =>
    block(tool, JSON.stringify(withoutCacheControl(tool))),
  );
  const system = body['system'];
  if (typeof system === 'string') segments.push(role('system'), { kind: 'part', text: system });
  else if (objectsOf(system).length > 0)
    segments.push(role('system'), ...objectsOf(system).map((item) => contentBlock(item)));
  for (const message of objectsOf(body['messages'])) {
    segments.push(role(asText(message['role']) ?? 'user'));
    const content = message['content'];
    if (typeof content === 'string') segments.push({ kind: 'part', text: content });
    else segments.push(...objectsOf(content).map((item) => contentBlock(item)));
  }
  const automatic = ttlOf(body);
  const last = segments.at(-1);
  if (automatic !== undefined && last !== undefined) segments[segments.length - 1] = { ...last, breakpoint: automatic };
  checkBreakpoints(segments);
  return segments;
}

function checkBreakpoints(segments: readonly PromptSegment[]): void {
  const ttls = segments.map((segment) => segment.breakpoint).filter((ttl) => ttl !== undefined);
  if (ttls.length > MAX_BREAKPOINTS) {
    throw badRequest(
      `A maximum of ${MAX_BREAKPOINTS} blocks with cache_control may be provided. Found ${ttls.length}.`,
    );
  }
  if (ttls.lastIndexOf('1h') > ttls.indexOf('5m') && ttls.includes('5m')) {
    throw badRequest("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block");
  }
}

function contentBlock(item: JsonObject): PromptSegment {
  const text = asText(item['text']);
  if (text !== undefined) return block(item, text);
  return block(
    item,
    item['type'] === 'image' ? imageText(withoutCacheControl(item)) : JSON.stringify(withoutCacheControl(item)),
  );
}

function block(item: JsonObject, text: string): PromptSegment {
  return { kind: 'part', text, breakpoint: ttlOf(item) };
}

function ttlOf(item: JsonObject): BreakpointTtl | undefined {
  const control = asObject(item['cache_control']);
  if (control === undefined) return undefined;
  return control['ttl'] === '1h' ? '1h' : '5m';
}

function withoutCacheControl(item: JsonObject): JsonObject {
  const { cache_control: _control, ...rest } = item;
  return rest;
}

function role(name: string): PromptSegment {
  return { kind: 'role', text: name };
}
