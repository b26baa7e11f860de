/** How a sentence begins that tells the model what to do; narrow, since what is pinned takes room from what the question needs. */
const BEGINNINGS: readonly RegExp[] = [
  /^(?:please|kindly) \p{Ll}/iu,
  /^(?:do not|don['’]t|never|always|only) \p{Ll}+/u,
  /^(?:Do not|Don['’]t|Never|Always) \p{Ll}+/u,
  /^you (?:must|should|shall|are (?:an?|the|to)|will be|may only|can only) /i,
  /^your (?:task|job|role|goal|answer|response|output|reply) /i,
  /^(?:answer|respond|reply|summari[sz]e|translate|explain) (?:the|in|with|only|each|every|as|all|my|this|these|using|briefly|to|questions?|by|concisely)\b/i,
  /^(?:return|output|write|give|list|cite|quote|use|include|provide) (?:only|exactly|your|the (?:following|answer|above|provided|given)|json|valid|one|at most|no more)\b/i,
  /^(?:make sure|ensure|be sure|be concise|be brief|keep (?:your|the) (?:answer|response))\b/i,
  /^if (?:you (?:do not|don['’]t|cannot|can['’]t|are unsure|are not)|the (?:answer|context|documents?|text) )/i,
  /^(?:based|relying|depending) (?:only |solely )?on the (?:following|above|given|provided|context|documents?|text|passages?)\b/i,
  /^(?:given|using) (?:only )?the (?:following|above|context|documents?|information|passages?)\b/i,
  /^(?:important|instructions?|task|rules?|question|constraints?):/i,
  /^(?:wichtig|anweisung|aufgabe|frage|consigne|instrucciones|pregunta):/i,
  /^(?:bitte|antworte|beantworte|verwende|nutze|benutze|antworten sie|beantworten sie|verwenden sie|geben sie|du (?:bist|musst|sollst|darfst)|wenn du) /i,
  /^(?:réponds|répondez|utilisez?|vous devez|tu dois|ne réponds?|veuillez|s['’]il (?:te|vous) plaît) /iu,
  /^(?:responde|responda|utiliza|utilice|usa solo|debes|debe usted|no respondas|por favor|rispondi|usa solo|devi|responda|você deve|não responda) /iu,
  /^(?:ответь|ответьте|отвечай|отвечайте|используй|используйте|пожалуйста|не отвечай) /iu,
  /^(?:请|必须|不要|不得|务必|你是一|你必须|回答(?:时|问题|以下)|根据(?:以下|以上|上述|给定)|仅(?:使用|根据)|只能|如果你?不知道)/u,
  /(?:してください|しないでください|答えてください)[。！]?$/u,
  /(?:하세요|하십시오|마세요|주세요)[.!]?$/u,
];
const MAX_LOOKED_AT = 80;

/** Whether a sentence is an instruction to the model. */
export function isInstruction(sentence: string): boolean {
  const text = sentence.replace(/^(?:[-*+•]|\d{1,3}[.)])\s+/, '');
  const looked =
    text.length <= 2 * MAX_LOOKED_AT ? text : `${text.slice(0, MAX_LOOKED_AT)}${text.slice(-MAX_LOOKED_AT)}`;
  return BEGINNINGS.some((beginning) => beginning.test(looked));
}
