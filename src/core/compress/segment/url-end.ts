const SCHEMES = new Set(['http', 'https', 'ftp', 'ws', 'wss', 'file', 's3', 'gs', 'git', 'ssh', 'postgres', 'redis']);
const STOPS = ' \t\r\n<>"`|\u200B\u200C\u200D\u2060\uFEFF\u00AD\u3000，。；）】」』”’';
const TRAILING = ".,;:!?'*_~";

/** Offset behind the URL whose first word stands from `start` to `wordEnd`; -1 where it begins none. @internal */
export function urlEnd(text: string, start: number, wordEnd: number): number {
  const word = text.slice(start, Math.min(wordEnd, start + 16)).toLowerCase();
  const isUrl =
    (SCHEMES.has(word) && text.startsWith('://', wordEnd)) ||
    (word === 'www' && text.charAt(wordEnd) === '.') ||
    (word === 'mailto' && text.charAt(wordEnd) === ':');
  if (!isUrl) return -1;
  let end = wordEnd;
  while (end < text.length && !STOPS.includes(text.charAt(end))) end += 1;
  return withoutPunctuation(text, start, end);
}

/** Sentences end right behind a URL, and brackets around it close there. */
function withoutPunctuation(text: string, start: number, end: number): number {
  let [last, open, closed] = [end, 0, 0];
  for (let at = start; at < end; at += 1) {
    const character = text.charAt(at);
    if (character === '(' || character === '[') open += 1;
    else if (character === ')' || character === ']') closed += 1;
  }
  for (; last > start; last -= 1) {
    const character = text.charAt(last - 1);
    const isClosing = character === ')' || character === ']';
    if (isClosing && closed > open) closed -= 1;
    else if (!TRAILING.includes(character)) break;
  }
  return last;
}
