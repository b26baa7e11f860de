import type { Prompt } from '../../core/model/prompt.ts';
import { isObject, type JsonObject } from '../request-guards.ts';

/** What a request says of tools and thinking that changes how its prompt is built; a field stands only where it is true. @internal */
export function promptSettings(body: JsonObject): Pick<Prompt, 'mustNotCallTool' | 'thinks'> {
  const { tool_choice: choice, thinking, reasoning } = body;
  const mustNotCallTool = choice === 'none' || (isObject(choice) && choice['type'] === 'none');
  // `reasoning` is how OpenAI's protocol asks for thinking, also Claude's, of routers.
  const reasons = isObject(reasoning) && reasoning['enabled'] !== false && reasoning['effort'] !== 'none';
  const thinks = reasons || (isObject(thinking) && thinking['type'] === 'enabled');
  return { ...(mustNotCallTool ? { mustNotCallTool } : {}), ...(thinks ? { thinks } : {}) };
}
