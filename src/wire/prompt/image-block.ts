import type { ImageDetail, PromptBlock } from '../../core/model/prompt.ts';
import { imageSize } from '../../core/tokens/image-size.ts';
import type { JsonPath } from './json-ranges.ts';
import type { PlacedBlock } from './prompt-source.ts';

const DATA_URI = /^data:(image\/[\w.+-]+);base64,/i;
const DETAILS: ReadonlySet<unknown> = new Set<ImageDetail>(['low', 'high', 'auto', 'original']);

function isDetail(value: unknown): value is ImageDetail {
  return DETAILS.has(value);
}

/** An image that comes inline, as base64. @internal */
export function inlineImage(
  data: string,
  mediaType: string | undefined,
  detail: unknown,
  path: JsonPath,
  dataPath: JsonPath,
): PlacedBlock {
  return {
    block: imageBlock(data, mediaType, detail),
    place: { path, textPaths: [dataPath] },
  };
}

/** An image that the provider fetches, or has under an id. @internal */
export function distantImage(detail: unknown, path: JsonPath): PlacedBlock {
  return { block: imageBlock(undefined, undefined, detail), place: { path, textPaths: [] } };
}

/** An image by its address; undefined where the address is neither an image's data nor one of the web, for some providers take other media there. @internal */
export function addressedImage(
  address: string,
  detail: unknown,
  path: JsonPath,
  addressPath: JsonPath,
): PlacedBlock | undefined {
  const match = DATA_URI.exec(address);
  if (match !== null)
    return inlineImage(address.slice(match[0].length), match[1]?.toLowerCase(), detail, path, addressPath);
  return /^https?:/i.test(address) ? distantImage(detail, path) : undefined;
}

function imageBlock(data: string | undefined, mediaType: string | undefined, detail: unknown): PromptBlock {
  const size = data === undefined ? undefined : imageSize(data);
  return {
    kind: 'image',
    data,
    mediaType,
    width: size?.width,
    height: size?.height,
    detail: isDetail(detail) ? detail : undefined,
  };
}
