import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FarthingError } from '../../core/errors.ts';
import type { ReplyReceiver } from '../compose.ts';
import { RecordingRoom, ReplyRecorder } from './reply-recorder.ts';

const ROOM_BYTES = 100;

function receiver(): ReplyReceiver & { sizeBytes: number } {
  const taken = {
    sizeBytes: 0,
    head: () => undefined,
    frames(frames: Parameters<ReplyReceiver['frames']>[0]) {
      for (const { bytes } of frames) taken.sizeBytes += bytes.byteLength;
      return true;
    },
    drained: () => Promise.resolve(),
    end: () => undefined,
    fail: () => undefined,
  };
  return taken;
}

test('all bytes pass; replies keep no more than there is room for together, and give it all back', () => {
  const step = fc.record({ reply: fc.nat(3), sizeBytes: fc.nat(60), isOver: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const room = new RecordingRoom(ROOM_BYTES);
      const replies = [0, 1, 2, 3].map(() => {
        const client = receiver();
        return { client, recorder: new ReplyRecorder(client, 80, room), sent: 0 };
      });
      for (const { reply, sizeBytes, isOver } of steps) {
        const one = replies[reply];
        if (one === undefined) continue;
        one.recorder.frames([{ bytes: new Uint8Array(sizeBytes), role: 'content' }]);
        one.sent += sizeBytes;
        if (isOver) one.recorder.fail(new FarthingError('client-left', 'gone'));
        const kept = replies.map(({ recorder }) => recorder.body());
        expect(kept.reduce((sum, body) => sum + (body?.byteLength ?? 0), 0)).toBeLessThanOrEqual(ROOM_BYTES);
        for (const [index, body] of kept.entries())
          if (body !== undefined) expect(body.byteLength).toBe(replies[index]?.sent);
      }
      for (const { client, recorder, sent } of replies) {
        expect(client.sizeBytes).toBe(sent);
        recorder.forget();
        recorder.forget();
      }
      expect(room.take(ROOM_BYTES)).toBe(true);
      expect(room.take(1)).toBe(false);
    }),
  );
});
