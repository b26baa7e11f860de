import type { HtmlToMarkdown } from '../../core/compress/compression.ts';
import type { OptimizePolicy } from '../../core/optimize-policy.ts';
import type { FitImage } from '../../middleware/optimise/fitted-images.ts';

/** A policy with the packages that it needs. @public */
export interface Optimizer {
  readonly policy: OptimizePolicy;
  /** Undefined: HTML stays as it is. */
  readonly htmlToMarkdown: HtmlToMarkdown | undefined;
  /** Undefined: images stay as they are. */
  readonly fitImage: FitImage | undefined;
}

/**
 * Loads what a policy needs beside this package: `turndown` from level `structural` on, `sharp` for images that are to fit.
 * @throws FarthingError `configuration` that names the package to install.
 * @public
 */
export async function openOptimizer(policy: OptimizePolicy): Promise<Optimizer> {
  const readsHtml = policy.level !== 'off' && policy.level !== 'lossless';
  return {
    policy,
    htmlToMarkdown: readsHtml ? await (await import('../html-to-markdown.ts')).openHtmlToMarkdown() : undefined,
    fitImage: policy.images === 'fit' ? await openFitImage() : undefined,
  };
}

async function openFitImage(): Promise<FitImage> {
  const { openImageScaler } = await import('../image-scaler.ts');
  const scale = await openImageScaler({ fewerBytesOnly: true });
  return async (image, size) => {
    const scaled = await scale(image, size);
    return scaled.kind === 'scaled' ? scaled.data : undefined;
  };
}
