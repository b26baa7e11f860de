import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { editedTree, fittingEdits, printed, sourceTree } from '../../../test/support/edited-tree.ts';
import { oddRequest } from '../../../test/support/odd-requests.ts';
import { FarthingError } from '../../core/errors.ts';
import type { Endpoint } from '../../core/model/protocol.ts';
import { decodeRequest } from '../decode-request.ts';
import { spliceRequest } from '../splice-request.ts';
import { editRequest } from './edit-request.ts';
import type { RequestEdit } from './request-edit.ts';

const utf8 = new TextEncoder();

function edited(endpoint: Endpoint, text: string, ...edits: readonly RequestEdit[]): string {
  return editRequest(decodeRequest(endpoint, utf8.encode(text)), edits).text;
}

/** A chat request whose messages are written so. */
function chat(messages: string): string {
  return `{ "model" : "m" ,\n"x":12345678901234567890, "messages":${messages}\t}`;
}

const three = String.raw`[ {"role":"user","content":"\u0061 \/ b"} , {"role" : "assistant","content":null},{"role":"user","content":[]} ]`;

describe('one edit', () => {
  test('a text is replaced, and every other byte stays', () => {
    const path = ['messages', 0, 'content'];
    expect(edited('chat', chat(three), { kind: 'replace-text', path, text: 'é "x"\n' })).toBe(
      chat(three.replace(String.raw`"\u0061 \/ b"`, String.raw`"é \"x\"\n"`)),
    );
  });

  test('a text that is the same already keeps its escapes, and the request its identity', () => {
    const request = decodeRequest('chat', utf8.encode(chat(three)));
    const edit: RequestEdit = { kind: 'replace-text', path: ['messages', 0, 'content'], text: 'a / b' };
    expect(editRequest(request, [edit])).toBe(request);
    expect(editRequest(request, [])).toBe(request);
  });

  test.each([
    [[0], '[ {"b":1},"c" ]'],
    [[1], '[ "a","c" ]'],
    [[2], '[ "a" , {"b":1} ]'],
    [[0, 1], '[ "c" ]'],
    [[1, 2], '[ "a" ]'],
    [[0, 2], '[ {"b":1} ]'],
    [[0, 1, 2], '[  ]'],
  ])('elements %j go with their commas', (indices, left) => {
    const text = '{"model":"m","messages":[{"role":"user"}],"x":[ "a" , {"b":1},"c" ]}';
    const edits = indices.map((index): RequestEdit => ({ kind: 'remove', path: ['x', index] }));
    expect(edited('chat', text, ...edits)).toBe(text.replace('[ "a" , {"b":1},"c" ]', left));
  });

  test('elements come before and after others, several in the order of the edits', () => {
    const text = '{"model":"m","messages":[{"role":"user"}],"x":[ 1 , 2 ]}';
    const insert = (index: number, where: 'before' | 'after', json: string): RequestEdit => ({
      kind: 'insert',
      path: ['x', index],
      where,
      json,
    });
    const edits = [insert(0, 'before', '"a"'), insert(1, 'after', '"d"'), insert(0, 'before', '"b"')];
    expect(edited('chat', text, ...edits, insert(0, 'after', '"c"'))).toBe(
      text.replace('[ 1 , 2 ]', '[ "a","b",1,"c" , 2,"d" ]'),
    );
  });

  test('a member is set where it stands, else last; and goes with its comma', () => {
    const text = '{"model":"m","messages":[{"role":"user"}],"x":{ "a" : 1 , "b":2 }, "y" : { } }';
    const set = (name: string): RequestEdit => ({ kind: 'set-member', path: ['x'], name, json: '[3]' });
    expect(edited('chat', text, set('a'))).toBe(text.replace('"a" : 1', '"a" : [3]'));
    expect(edited('chat', text, set('c'), set('d'))).toBe(text.replace('"b":2', '"b":2,"c":[3],"d":[3]'));
    expect(edited('chat', text, { ...set('c'), path: ['y'] })).toBe(text.replace('{ }', '{"c":[3] }'));
    const remove = (name: string): RequestEdit => ({ kind: 'remove-member', path: ['x'], name });
    expect(edited('chat', text, remove('a'))).toBe(text.replace('"a" : 1 , ', ''));
    expect(edited('chat', text, remove('a'), remove('b'), set('c'))).toBe(
      text.replace('{ "a" : 1 , "b":2 }', '{ "c":[3] }'),
    );
  });

  test('members of the body are set under the empty path', () => {
    const edit: RequestEdit = { kind: 'set-member', path: [], name: 'prompt_cache_key', json: '"k"' };
    expect(edited('chat', chat(three), edit)).toBe(chat(`${three},"prompt_cache_key":"k"`));
  });

  test('any value is replaced', () => {
    const edit: RequestEdit = { kind: 'replace', path: ['messages', 1], json: '{"role":"user","content":"x"}' };
    expect(edited('chat', chat(three), edit)).toBe(
      chat(three.replace('{"role" : "assistant","content":null}', '{"role":"user","content":"x"}')),
    );
  });
});

describe('a mark', () => {
  const mark = (...path: readonly (string | number)[]): RequestEdit => ({ kind: 'mark', path, name: 'c', json: '{}' });

  test('is a member of a block', () => {
    const text = '{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"x" }]}]}';
    expect(edited('messages', text, mark('messages', 0, 'content', 0))).toBe(text.replace('"x"', '"x","c":{}'));
  });

  test('makes a string the text of a block, as it was written', () => {
    const text = String.raw`{"model":"m","max_tokens":1,"system" : "\u0061" , "messages":[{"role":"user","content":"b"}]}`;
    expect(edited('messages', text, mark('system'), mark('messages', 0, 'content'))).toBe(
      text
        .replace(String.raw`"\u0061"`, String.raw`[{"type":"text","text":"\u0061","c":{}}]`)
        .replace('"b"', '[{"type":"text","text":"b","c":{}}]'),
    );
  });

  test('makes a string among parts a part', () => {
    const text = '{"model":"m","messages":[{"role":"user","content":[ "a" ]}]}';
    expect(edited('chat', text, mark('messages', 0, 'content', 0))).toBe(
      text.replace('"a"', '{"type":"text","text":"a","c":{}}'),
    );
  });

  test('names the part as Responses does', () => {
    const text = '{"model":"m","input":[{"role":"user","content":"a"},{"type":"function_call_output","output":"b"}]}';
    const part = (letter: string): string => `[{"type":"input_text","text":"${letter}","c":{}}]`;
    expect(edited('responses', text, mark('input', 0, 'content'), mark('input', 1, 'output'))).toBe(
      text.replace('"a"', part('a')).replace('"b"', part('b')),
    );
    expect(edited('responses', '{"input":"a","model":"m"}', mark('input'))).toBe(
      `{"input":[{"role":"user","content":${part('a')}}],"model":"m"}`,
    );
  });

  test('goes together with another text, and with members and elements beside it', () => {
    const text = '{"model":"m","messages":[{"role":"user","content":"a"}]}';
    const path = ['messages', 0, 'content'];
    const edits: readonly RequestEdit[] = [
      { kind: 'set-member', path: ['messages', 0], name: 'name', json: '"n"' },
      mark(...path),
      { kind: 'replace-text', path, text: 'long' },
      { kind: 'insert', path: ['messages', 0], where: 'after', json: '{"role":"user"}' },
    ];
    expect(edited('chat', text, ...edits)).toBe(
      '{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"long","c":{}}],"name":"n"},{"role":"user"}]}',
    );
  });
});

describe('edits that cannot be made are refused, never left out', () => {
  const path = ['messages', 0, 'content'];
  const replace: RequestEdit = { kind: 'replace-text', path, text: 'x' };
  const gone: RequestEdit = { kind: 'remove', path: ['messages', 0] };
  const mark: RequestEdit = { kind: 'mark', path, name: 'c', json: '{}' };
  const set: RequestEdit = { kind: 'set-member', path: ['messages', 0], name: 'n', json: '1' };
  const cases: Readonly<Record<string, readonly RequestEdit[]>> = {
    'a place that is not there': [{ ...replace, path: ['messages', 9, 'content'] }],
    'an element behind the last': [{ kind: 'insert', path: ['messages', 3], where: 'before', json: '{}' }],
    'a member that is not there': [{ kind: 'remove-member', path: ['messages', 0], name: 'n' }],
    'a text for what is no string': [{ ...replace, path: ['messages', 0] }],
    'half of a surrogate pair': [{ ...replace, text: '\ud800' }],
    'taking out what is no element': [{ kind: 'remove', path }],
    'a member of what is no object': [{ ...set, path }],
    'one text twice': [replace, { ...replace, text: 'y' }],
    'one element gone twice': [gone, gone],
    'one member set twice': [set, set],
    'one member set and gone': [
      { ...set, name: 'role' },
      { kind: 'remove-member', path: ['messages', 0], name: 'role' },
    ],
    'one string marked twice': [mark, mark],
    'a text in what goes': [replace, gone],
    'an element beside what goes': [gone, { kind: 'insert', path: ['messages', 0], where: 'after', json: '{}' }],
    'an element behind what goes at the end': [
      { kind: 'remove', path: ['messages', 2] },
      { kind: 'insert', path: ['messages', 2], where: 'after', json: '{"role":"user"}' },
    ],
    'a mark on what goes': [mark, gone],
    'a member of what goes': [set, gone],
    'what goes in what goes': [gone, { kind: 'remove-member', path: ['messages', 0], name: 'content' }],
    'a text in what is replaced': [replace, { kind: 'replace', path: ['messages', 0], json: '{}' }],
    'a member of what is replaced': [set, { kind: 'replace', path: ['messages', 0], json: '{}' }],
    'no message left': [gone, { kind: 'remove', path: ['messages', 1] }, { kind: 'remove', path: ['messages', 2] }],
    'JSON that is none': [{ kind: 'replace', path: ['messages', 0], json: '{' }],
  };

  test.each(Object.keys(cases))('%s', (name) => {
    const fault = (): unknown => edited('chat', chat(three), ...(cases[name] ?? []));
    expect(fault).toThrow(FarthingError);
    expect(fault).toThrow(expect.objectContaining({ code: 'internal' }));
  });
});

test('edits come to what they say, each lexeme elsewhere stays, and the result can be edited and spliced again', () => {
  fc.assert(
    fc.property(oddRequest(), fc.array(fc.nat(), { maxLength: 12 }), ({ endpoint, text }, choices) => {
      const request = decodeRequest(endpoint, utf8.encode(text));
      const edits = fittingEdits(request, choices);
      const result = editRequest(request, edits);
      expect(printed(sourceTree(result.text))).toBe(printed(editedTree(sourceTree(text), edits, endpoint)));
      const again = decodeRequest(endpoint, utf8.encode(result.text));
      expect(result).toEqual(again);
      const spliced = spliceRequest(result, { model: 'other' });
      expect(spliced && JSON.parse(Buffer.from(spliced).toString())).toEqual({ ...again.body, model: 'other' });
    }),
    { numRuns: 400 },
  );
});
