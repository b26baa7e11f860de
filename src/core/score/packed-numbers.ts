/**
 * Rising whole numbers as text: the step to each from the one before, seven bits a byte, in base64.
 * @internal
 */
export function packRising(numbers: Int32Array): string {
  const bytes: number[] = [];
  let before = -1;
  for (const number of numbers) {
    let step = number - before - 1;
    before = number;
    while (step > 0x7f) {
      bytes.push((step & 0x7f) | 0x80);
      step >>>= 7;
    }
    bytes.push(step);
  }
  return base64Of(Uint8Array.from(bytes));
}

/**
 * @param limit - all numbers are below it.
 * @returns undefined where the text is none that `packRising` makes.
 * @internal
 */
export function unpackRising(text: string, limit: number): Int32Array | undefined {
  const bytes = bytesOf(text);
  if (bytes === undefined) return undefined;
  const numbers = new Int32Array(bytes.length);
  let size = 0;
  let before = -1;
  let step = 0;
  let shift = 0;
  for (const byte of bytes) {
    step += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (step >= limit) return undefined;
    if (byte > 0x7f) continue;
    before += step + 1;
    if (before >= limit) return undefined;
    numbers[size] = before;
    size += 1;
    step = 0;
    shift = 0;
  }
  return shift === 0 ? numbers.slice(0, size) : undefined;
}

/** Numbers in 255 steps: each is `unit` times a whole number from -127 to 127, in base64. JSON as it stands. @public */
export interface PackedNumbers {
  readonly unit: number;
  readonly steps: string;
}

const MOST_STEPS = 127;

/** Packs numbers, each to the nearest step. @internal */
export function packNumbers(numbers: Float32Array): PackedNumbers {
  const most = numbers.reduce((sofar, number) => Math.max(sofar, Math.abs(number)), 0);
  const unit = most === 0 ? 1 : most / MOST_STEPS;
  return { unit, steps: base64Of(Uint8Array.from(numbers, (number) => Math.round(number / unit) + MOST_STEPS)) };
}

/** Undefined where the text is no base64. @internal */
export function unpackNumbers({ unit, steps }: PackedNumbers): Float32Array | undefined {
  const bytes = bytesOf(steps);
  return bytes === undefined ? undefined : Float32Array.from(bytes, (byte) => (byte - MOST_STEPS) * unit);
}

function base64Of(bytes: Uint8Array): string {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function bytesOf(base64: string): Uint8Array | undefined {
  try {
    const binary = atob(base64);
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at += 1) bytes[at] = binary.charCodeAt(at);
    return bytes;
  } catch {
    return undefined;
  }
}
