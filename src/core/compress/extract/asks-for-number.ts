/** Words that ask for a time or an amount. */
const LATIN_AND_CYRILLIC =
  /(?<![\p{L}\p{N}])(?:when|what time|(?:which|what) (?:year|date|day|month|century)|in what year|year|date|how (?:many|much|long|old|far|often|tall|high|big|large)|wann|jahr|datum|wie ?viele?|wie (?:lange|hoch|alt|oft|weit|groß)|quand|combien|année|cuándo|cuánt[oa]s?|año|fecha|quando|quant[oaie]|anno|ano|wanneer|hoeveel|jaar|когда|сколько|году|год)(?![\p{L}\p{N}])/iu;
const OTHER_SCRIPTS =
  /多少|几[个年次人种天位名岁]|何时|什么时候|哪年|哪一年|年份|日期|时间|いつ|何[年人歳日個]|いくつ|いくら|언제|몇|얼마|กี่|เมื่อไ|เท่าไ|เท่าใด|ปีใด/;

/** Whether a question asks for a time or an amount, so that its answer is likely to have a digit. */
export function asksForNumber(question: string): boolean {
  return LATIN_AND_CYRILLIC.test(question) || OTHER_SCRIPTS.test(question);
}
